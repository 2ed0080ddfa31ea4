package ops

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/kernel/alloctest"
	"github.com/onda-ml/onda/ops/tensor"
)

// A node of a warm plan, with its output laid out, allocates nothing on one
// thread.
func TestWarmNodesDoNotAllocate(t *testing.T) {
	x := f32(make([]float32, 2*3*40), 2, 3, 40)
	row, col := f32(make([]float32, 40), 40), f32(make([]float32, 6), 2, 3, 1)
	image, row4 := f32(make([]float32, 2*3*5*8), 2, 3, 5, 8), f32([]float32{1, 1, 2, 2}, 4)
	for _, c := range []struct {
		op    string
		opset int64
		in    tensors
		attrs []*onnx.Attribute
	}{
		{"Add", 14, tensors{x, row}, nil}, {"Mul", 14, tensors{x, col}, nil}, {"Sub", 14, tensors{x, x}, nil}, {"Div", 14, tensors{x, col}, nil},
		{"Pow", 15, tensors{x, tensor.Scalar[float32](2)}, nil}, {"Max", 13, tensors{x, row}, nil}, {"Sum", 13, tensors{x, row, col}, nil},
		{"Add", 14, tensors{vec[int64](1, 2), vec[int64](1)}, nil}, {"Sqrt", 13, tensors{x}, nil}, {"Erf", 13, tensors{x}, nil}, {"Tanh", 13, tensors{x}, nil},
		{"Sigmoid", 13, tensors{x}, nil}, {"Relu", 14, tensors{x}, nil}, {"LeakyRelu", 16, tensors{x}, nil}, {"Gelu", 20, tensors{x}, nil}, {"Elu", 22, tensors{x}, nil},
		{"Clip", 13, tensors{x, tensor.Scalar[float32](0), tensor.Scalar[float32](1)}, nil}, {"Where", 16, tensors{vec(true), x, row}, nil},
		{"Equal", 19, tensors{x, row}, nil}, {"Less", 13, tensors{vec[int64](1, 2), vec[int64](1)}, nil}, {"And", 7, tensors{vec(true), vec(false)}, nil}, {"Not", 1, tensors{vec(true)}, nil},
		{"Cast", 13, tensors{x}, attrs(onnx.AttrInt("to", int64(tensor.Int64)))}, {"Cast", 13, tensors{vec[int64](1, 2)}, attrs(onnx.AttrInt("to", int64(tensor.Float32)))},
		{"Softmax", 13, tensors{x}, nil}, {"Softmax", 13, tensors{x}, attrs(onnx.AttrInt("axis", 1))}, {"LogSoftmax", 13, tensors{x}, nil},
		{"ReduceMean", 18, tensors{x, i64([]int64{-1}, 1)}, nil}, {"ReduceSum", 13, tensors{x, i64([]int64{1}, 1)}, nil}, {"ReduceMax", 11, tensors{x}, attrs(onnx.AttrInts("axes", 0))},
		{"ArgMax", 13, tensors{x}, attrs(onnx.AttrInt("axis", -1))}, {"CumSum", 14, tensors{x, tensor.Scalar[int64](1)}, nil}, {"Neg", 13, tensors{x}, nil}, {"IsNaN", 13, tensors{x}, nil},
		{"QuantizeLinear", 13, tensors{x, tensor.Scalar[float32](0.5), tensor.Scalar[int8](1)}, nil}, {"DequantizeLinear", 13, tensors{vec[int8](1, 2), tensor.Scalar[float32](0.5), tensor.Scalar[int8](1)}, nil},
		{"Resize", 13, tensors{image, nil, row4}, attrs(str("mode", "linear"))}, {"Resize", 13, tensors{image, nil, row4}, attrs(str("mode", "cubic"))}, {"Resize", 13, tensors{image, nil, row4}, nil},
		{"Resize", 13, tensors{image, nil, nil, list(2, 3, 10, 7)}, nil},
		{"Add", 14, tensors{half(1, 2), half(3)}, nil}, {"Tanh", 13, tensors{half(1, 2)}, nil},
	} {
		n := node(c.op, len(c.in), 1, c.attrs...)
		k, _, err := Standard().Bind(n, c.opset, nil)
		require.NoError(t, err)
		values := make([]tensor.Value, len(c.in))
		for i, v := range c.in {
			if v != nil {
				values[i] = v
			}
		}
		ctx := testCtx(n, values)
		ctx.UseScratch(&Scratch{})
		var kept any
		ctx.Kept = &kept
		require.NoError(t, k.Run(ctx))
		allocs := alloctest.PerRun(20, func() {
			if err := k.Run(ctx); err != nil {
				panic(err)
			}
		})
		require.True(t, allocs == 0 || !alloctest.Counts, "%s(%v): %v allocations", c.op, c.in, allocs)
	}
}
