package ops

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// Each of these operators is checked against its definition by index, for
// random shapes and every element size.
func TestMovesAreTheirDefinitions(t *testing.T) {
	definitions := map[string]func(t *testing.T, r *rand.Rand, dt tensor.DType, shape []int){
		"Transpose": func(t *testing.T, r *rand.Rand, dt tensor.DType, shape []int) {
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
		"Slice": func(t *testing.T, r *rand.Rand, dt tensor.DType, shape []int) {
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
		"Concat": func(t *testing.T, r *rand.Rand, dt tensor.DType, shape []int) {
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
		"Split": func(t *testing.T, r *rand.Rand, dt tensor.DType, shape []int) {
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
		"Gather": func(t *testing.T, r *rand.Rand, dt tensor.DType, shape []int) {
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
		"Expand": func(t *testing.T, r *rand.Rand, dt tensor.DType, shape []int) {
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
		"Tile": func(t *testing.T, r *rand.Rand, dt tensor.DType, shape []int) {
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
		"GatherElements": func(t *testing.T, r *rand.Rand, dt tensor.DType, shape []int) {
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
				k := int(idx[offsetIn(at, out)])
				at[axis] = (k + shape[axis]) % shape[axis]
				return 0, at
			})
		},
		"ReverseSequence": func(t *testing.T, r *rand.Rand, dt tensor.DType, shape []int) {
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
			r := rand.New(rand.NewPCG(1, 2))
			for range 12 {
				for _, dt := range sizes {
					check(t, r, dt, randomShape(r, 1+r.IntN(4), 5))
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
