package ops

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/kernel/alloctest"
	"github.com/onda-ml/onda/ops/tensor"
)

// sizes has a type of every size in memory, and strings.
var sizes = []tensor.DType{tensor.Bool, tensor.Int4, tensor.Float16, tensor.Float32, tensor.Int64, tensor.Complex128, tensor.String}

// sample is a tensor whose elements tell where they are: elements counts up.
func sample(t testing.TB, dt tensor.DType, shape ...int) *tensor.Tensor {
	t.Helper()
	x, err := tensor.Zeros(dt, shape...)
	require.NoError(t, err)
	if dt == tensor.String {
		for i := range tensor.Of[string](x) {
			tensor.Of[string](x)[i] = fmt.Sprint("s", i)
		}
		return x
	}
	for i := range x.Len() {
		for j := range dt.Size() {
			x.Bytes()[i*dt.Size()+j] = byte((i + 1) >> (8 * j))
		}
	}
	return x
}

// element is element p as something comparable.
func element(x *tensor.Tensor, p int) string {
	if x.DType() == tensor.String {
		return tensor.Of[string](x)[p]
	}
	size := x.DType().Size()
	return string(x.Bytes()[p*size : (p+1)*size])
}

// offset is the position of an index vector in a row-major tensor.
func offset(shape, at []int) int {
	p := 0
	for d, i := range at {
		p = p*shape[d] + i
	}
	return p
}

// everyIndex calls f with each index vector below shape, in row-major order.
func everyIndex(shape []int, f func(at []int)) {
	at := make([]int, len(shape))
	n := tensor.Shape(shape).Len()
	for p := range n {
		rest := p
		for d := len(shape) - 1; d >= 0; d-- {
			at[d] = rest % shape[d]
			rest /= shape[d]
		}
		f(slices.Clone(at))
	}
}

// requireMoved holds a movement against its definition: y has the given shape,
// and its element at an index is that of inputs[from] at the index that the
// definition says.
func requireMoved(t testing.TB, y *tensor.Tensor, shape []int, inputs []*tensor.Tensor, source func(at []int) (from int, index []int)) {
	t.Helper()
	require.Equal(t, tensor.Shape(shape).String(), y.Shape().String())
	require.Equal(t, inputs[0].DType(), y.DType())
	everyIndex(shape, func(at []int) {
		from, index := source(slices.Clone(at))
		x := inputs[from]
		if want, got := element(x, offset(x.Shape(), index)), element(y, offset(shape, at)); want != got {
			require.Equal(t, []byte(want), []byte(got), "element %v", at)
		}
	})
}

func randomShape(r *rand.Rand, rank, most int) []int {
	s := make([]int, rank)
	for i := range s {
		s[i] = 1 + r.IntN(most)
	}
	if rank > 0 && r.IntN(15) == 0 {
		s[r.IntN(rank)] = 0
	}
	return s
}

func ints64(v []int) *tensor.Tensor {
	out := make([]int64, len(v))
	for i, n := range v {
		out[i] = int64(n)
	}
	return i64(out, len(v))
}

func attrInts64(name string, v []int) *onnx.Attribute {
	return onnx.AttrInts(name, tensor.Of[int64](ints64(v))...)
}

// Each of these operators is checked against its definition by index, for
// random shapes and every element size.
func TestMovesAreTheirDefinitions(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	definitions := map[string]func(t *testing.T, dt tensor.DType, shape []int){
		"Transpose": func(t *testing.T, dt tensor.DType, shape []int) {
			x, perm := sample(t, dt, shape...), r.Perm(len(shape))
			y, err := run(t, node("Transpose", 1, 1, attrInts64("perm", perm)), 13, x)
			require.NoError(t, err)
			out := make([]int, len(shape))
			for i, p := range perm {
				out[i] = shape[p]
			}
			requireMoved(t, y[0], out, []*tensor.Tensor{x}, func(at []int) (int, []int) {
				index := make([]int, len(at))
				for i, p := range perm {
					index[p] = at[i]
				}
				return 0, index
			})
		},
		"Slice": func(t *testing.T, dt tensor.DType, shape []int) {
			x, axis, step := sample(t, dt, shape...), r.IntN(len(shape)), []int{1, 2, 3, -1, -2}[r.IntN(5)]
			n := shape[axis]
			start, end := r.IntN(2*n+3)-n-1, r.IntN(2*n+3)-n-1
			y, err := run(t, node("Slice", 5, 1), 13, x, ints64([]int{start}), ints64([]int{end}), ints64([]int{axis - len(shape)}), ints64([]int{step}))
			require.NoError(t, err)
			kept := sliceByLoop(n, start, end, step)
			out := slices.Clone(shape)
			out[axis] = len(kept)
			requireMoved(t, y[0], out, []*tensor.Tensor{x}, func(at []int) (int, []int) {
				at[axis] = kept[at[axis]]
				return 0, at
			})
		},
		"Concat": func(t *testing.T, dt tensor.DType, shape []int) {
			axis := r.IntN(len(shape))
			var xs []*tensor.Tensor
			out := slices.Clone(shape)
			out[axis] = 0
			for range 3 {
				part := slices.Clone(shape)
				part[axis] = r.IntN(4)
				out[axis] += part[axis]
				xs = append(xs, sample(t, dt, part...))
			}
			y, err := run(t, node("Concat", 3, 1, onnx.AttrInt("axis", int64(axis-len(shape)))), 13, xs...)
			require.NoError(t, err)
			requireMoved(t, y[0], out, xs, func(at []int) (int, []int) {
				from := 0
				for ; at[axis] >= xs[from].Dim(axis); from++ {
					at[axis] -= xs[from].Dim(axis)
				}
				return from, at
			})
		},
		"Split": func(t *testing.T, dt tensor.DType, shape []int) {
			x, axis := sample(t, dt, shape...), r.IntN(len(shape))
			first := r.IntN(shape[axis] + 1)
			parts := []int{first, 0, shape[axis] - first}
			y, err := run(t, node("Split", 2, 3, onnx.AttrInt("axis", int64(axis))), 13, x, ints64(parts))
			require.NoError(t, err)
			for i, begin := range []int{0, first, first} {
				out := slices.Clone(shape)
				out[axis] = parts[i]
				requireMoved(t, y[i], out, []*tensor.Tensor{x}, func(at []int) (int, []int) {
					at[axis] += begin
					return 0, at
				})
			}
		},
		"Gather": func(t *testing.T, dt tensor.DType, shape []int) {
			x, axis := sample(t, dt, shape...), r.IntN(len(shape))
			idx := make([]int, 6)
			if shape[axis] == 0 {
				return
			}
			for i := range idx {
				idx[i] = r.IntN(2*shape[axis]) - shape[axis]
			}
			choice, err := ints64(idx).Reshaped(2, 3)
			require.NoError(t, err)
			y, err := run(t, node("Gather", 2, 1, onnx.AttrInt("axis", int64(axis))), 13, x, choice)
			require.NoError(t, err)
			requireMoved(t, y[0], slices.Concat(shape[:axis], []int{2, 3}, shape[axis+1:]), []*tensor.Tensor{x}, func(at []int) (int, []int) {
				k := (idx[at[axis]*3+at[axis+1]] + shape[axis]) % shape[axis]
				return 0, slices.Concat(at[:axis], []int{k}, at[axis+2:])
			})
		},
		"Expand": func(t *testing.T, dt tensor.DType, shape []int) {
			small := slices.Clone(shape)
			for d := range small {
				if r.IntN(2) == 0 {
					small[d] = 1
				}
			}
			small = small[r.IntN(len(small)+1):]
			x := sample(t, dt, small...)
			y, err := run(t, node("Expand", 2, 1), 13, x, ints64(shape))
			require.NoError(t, err)
			requireMoved(t, y[0], shape, []*tensor.Tensor{x}, func(at []int) (int, []int) {
				at = at[len(shape)-len(small):]
				for d, n := range small {
					at[d] %= n
				}
				return 0, at
			})
		},
		"Tile": func(t *testing.T, dt tensor.DType, shape []int) {
			x, repeats, out := sample(t, dt, shape...), make([]int, len(shape)), slices.Clone(shape)
			for d := range repeats {
				repeats[d] = r.IntN(4)
				out[d] *= repeats[d]
			}
			y, err := run(t, node("Tile", 2, 1), 13, x, ints64(repeats))
			require.NoError(t, err)
			requireMoved(t, y[0], out, []*tensor.Tensor{x}, func(at []int) (int, []int) {
				for d := range at {
					at[d] %= shape[d]
				}
				return 0, at
			})
		},
		"GatherElements": func(t *testing.T, dt tensor.DType, shape []int) {
			axis := r.IntN(len(shape))
			if tensor.Shape(shape).Len() == 0 {
				return
			}
			x, out := sample(t, dt, shape...), slices.Clone(shape)
			out[axis] = 4
			idx := make([]int32, tensor.Shape(out).Len())
			for i := range idx {
				idx[i] = int32(r.IntN(2*shape[axis]) - shape[axis])
			}
			y, err := run(t, node("GatherElements", 2, 1, onnx.AttrInt("axis", int64(axis))), 13, x, tensor.Must(idx, out...))
			require.NoError(t, err)
			requireMoved(t, y[0], out, []*tensor.Tensor{x}, func(at []int) (int, []int) {
				k := int(idx[offset(out, at)])
				at[axis] = (k + shape[axis]) % shape[axis]
				return 0, at
			})
		},
		"ReverseSequence": func(t *testing.T, dt tensor.DType, shape []int) {
			if len(shape) < 2 {
				return
			}
			x, batch := sample(t, dt, shape...), r.IntN(2)
			lens := make([]int, shape[batch])
			for i := range lens {
				lens[i] = r.IntN(shape[1-batch] + 1)
			}
			y, err := run(t, node("ReverseSequence", 2, 1, onnx.AttrInt("batch_axis", int64(batch)), onnx.AttrInt("time_axis", int64(1-batch))), 10, x, ints64(lens))
			require.NoError(t, err)
			requireMoved(t, y[0], shape, []*tensor.Tensor{x}, func(at []int) (int, []int) {
				if n := lens[at[batch]]; at[1-batch] < n {
					at[1-batch] = n - 1 - at[1-batch]
				}
				return 0, at
			})
		},
	}
	for name, check := range definitions {
		t.Run(name, func(t *testing.T) {
			for range 12 {
				for _, dt := range sizes {
					check(t, dt, randomShape(r, 1+r.IntN(4), 5))
				}
			}
		})
	}
}

// sliceByLoop is the specification's slice: start and end moved into range,
// then a loop.
func sliceByLoop(n, start, end, step int) (kept []int) {
	if n == 0 {
		return nil
	}
	if start < 0 {
		start += n
	}
	if end < 0 {
		end += n
	}
	if step > 0 {
		start, end = min(max(start, 0), n), min(max(end, 0), n)
	} else {
		start, end = min(max(start, 0), n-1), min(max(end, -1), n-1)
	}
	for i := start; step > 0 && i < end || step < 0 && i > end; i += step {
		kept = append(kept, i)
	}
	return kept
}

// Large movements run in blocks, on several threads; nothing of it shows.
func TestLargeMoves(t *testing.T) {
	for _, shape := range [][]int{{1, 300, 101}, {3, 33, 34, 17}, {50003}} {
		for _, dt := range []tensor.DType{tensor.Float32, tensor.Complex128} {
			x := sample(t, dt, shape...)
			n := node("Transpose", 1, 1)
			k, _, err := Standard().Bind(n, 13, nil)
			require.NoError(t, err)
			c := testCtx(n, []tensor.Value{x})
			c.Workers = kernel.NewPool(3)
			require.NoError(t, k.Run(c))
			out := slices.Clone(shape)
			slices.Reverse(out)
			requireMoved(t, c.Outputs[0].(*tensor.Tensor), out, []*tensor.Tensor{x}, func(at []int) (int, []int) {
				slices.Reverse(at)
				return 0, at
			})
		}
	}
}

// With memory laid out beforehand, the operators that every exported model is
// full of allocate nothing.
func TestMovesDoNotAllocate(t *testing.T) {
	x := sample(t, tensor.Float32, 2, 3, 4)
	for _, c := range []struct {
		n  *onnx.Node
		in []*tensor.Tensor
	}{
		{node("Transpose", 1, 1, onnx.AttrInts("perm", 0, 2, 1)), []*tensor.Tensor{x}},
		{node("Slice", 4, 1), []*tensor.Tensor{x, ints64([]int{1}), ints64([]int{3}), ints64([]int{1})}},
		{node("Gather", 2, 1, onnx.AttrInt("axis", 1)), []*tensor.Tensor{x, ints64([]int{2, 0})}},
		{node("GatherElements", 2, 1), []*tensor.Tensor{sample(t, tensor.Float32, 3), ints64([]int{2, 0})}},
		{node("Concat", 2, 1, onnx.AttrInt("axis", 1)), []*tensor.Tensor{x, x}},
		{node("Split", 2, 2, onnx.AttrInt("axis", 2)), []*tensor.Tensor{x, ints64([]int{1, 3})}},
		{node("Expand", 2, 1), []*tensor.Tensor{x, ints64([]int{5, 2, 3, 4})}},
		{node("Tile", 2, 1), []*tensor.Tensor{x, ints64([]int{1, 2, 2})}},
		{node("Pad", 2, 1), []*tensor.Tensor{x, ints64([]int{0, 1, 1, 0, 0, 2})}},
		{node("Reshape", 2, 1), []*tensor.Tensor{x, ints64([]int{0, -1})}},
		{node("Squeeze", 2, 1), []*tensor.Tensor{sample(t, tensor.Float32, 1, 3), ints64([]int{0})}},
		{node("Unsqueeze", 2, 1), []*tensor.Tensor{x, ints64([]int{0, 2})}},
		{node("Shape", 1, 1), []*tensor.Tensor{x}},
		{node("ConstantOfShape", 1, 1), []*tensor.Tensor{ints64([]int{2, 3})}},
		{node("Trilu", 1, 1), []*tensor.Tensor{x}},
		{node("ScatterND", 3, 1), []*tensor.Tensor{sample(t, tensor.Float32, 3), i64([]int64{1}, 1, 1), sample(t, tensor.Float32, 1)}},
	} {
		t.Run(c.n.OpType, func(t *testing.T) {
			k, _, err := Standard().Bind(c.n, 18, nil)
			require.NoError(t, err)
			values := make([]tensor.Value, len(c.in))
			for i, v := range c.in {
				values[i] = v
			}
			ctx := testCtx(c.n, values)
			require.NoError(t, k.Run(ctx)) // the first run's outputs are what the next finds laid out
			for i, v := range ctx.Outputs {
				ctx.Outputs[i] = v.(*tensor.Tensor).Clone()
			}
			require.Zero(t, alloctest.PerRun(20, func() {
				if err := k.Run(ctx); err != nil {
					panic(err)
				}
			}))
		})
	}
}
