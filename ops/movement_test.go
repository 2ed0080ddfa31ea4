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

// requireMoved holds a movement against its definition: y has the given shape,
// and its element at an index is that of inputs[from] at the index that the
// definition says.
func requireMoved(t testing.TB, y *tensor.Tensor, shape []int, inputs []*tensor.Tensor, source func(at []int) (from int, index []int)) {
	t.Helper()
	require.Equal(t, tensor.Shape(shape).String(), y.Shape().String())
	require.Equal(t, inputs[0].DType(), y.DType())
	coords(shape, func(at []int) {
		from, index := source(slices.Clone(at))
		x := inputs[from]
		if want, got := element(x, offsetIn(index, x.Shape())), element(y, offsetIn(at, shape)); want != got {
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
