package ops

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

func TestQuantize(t *testing.T) {
	x := mat(2, float32(-1), 0.25, 0.75, 1.25, 100, -100)
	two := vec[float32](0.5, 2)
	axis0 := onnx.AttrInt("axis", 0)
	block := onnx.AttrInt("block_size", 2)
	s := tensor.Scalar[float32]
	runCases(t, "", []opCase{
		{op: "QuantizeLinear", opset: 10, in: tensors{x, s(0.5), tensor.Scalar[uint8](128)}, want: tensors{mat(2, uint8(126), 128, 130, 130, 255, 0)}},
		{op: "QuantizeLinear", opset: 13, name: "uint8 by default", in: tensors{x, s(0.5)}, want: tensors{mat(2, uint8(0), 0, 2, 2, 200, 0)}},
		{op: "QuantizeLinear", opset: 13, name: "axis", attrs: attrs(axis0), in: tensors{x, two, vec[int8](1, -1)}, want: tensors{mat(2, int8(-1), 1, 3, 0, 49, -51)}},
		{op: "QuantizeLinear", opset: 21, name: "int16", in: tensors{x, s(0.001), tensor.Scalar[int16](0)}, want: tensors{mat(2, int16(-1000), 250, 750, 1250, 32767, -32768)}},
		{op: "QuantizeLinear", opset: 21, name: "int4", in: tensors{x, s(0.5), tensor.Scalar[tensor.I4](1)}, want: tensors{mat(2, tensor.I4(-1), 1, 3, 3, 7, -8)}},
		{op: "QuantizeLinear", opset: 25, name: "uint2", attrs: attrs(onnx.AttrInt("output_dtype", int64(tensor.Uint2))), in: tensors{x, s(0.5)}, want: tensors{mat(2, tensor.U2(0), 0, 2, 2, 3, 0)}},
		{op: "QuantizeLinear", opset: 21, name: "blocks", attrs: attrs(block), in: tensors{mat(1, float32(1), 2, 3), mat(1, float32(1), 0.5), mat(1, int8(0), 10)}, want: tensors{mat(1, int8(1), 2, 16)}},
		{op: "QuantizeLinear", opset: 19, name: "float8", in: tensors{vec[float32](1, 1e9), s(2), tensor.Scalar[tensor.F8E4M3](0)}, want: tensors{vec[tensor.F8E4M3](0x30, 0x7e)}},
		{op: "QuantizeLinear", opset: 13, name: "int32", in: tensors{vec[int32](10, -10), s(4)}, want: tensors{vec[uint8](2, 0)}},
		{op: "QuantizeLinear", opset: 10, name: "NaN is least", in: tensors{vec(nan32, inf32, -inf32), s(1), tensor.Scalar[int8](3)}, want: tensors{vec[int8](-128, 127, -128)}},
		{op: "QuantizeLinear", opset: 13, name: "scales", attrs: attrs(axis0), in: tensors{x, vec[float32](1, 2, 3)}, err: `input 1: has shape (3), expected (2) for axis 0 of shape (2, 3)`},
		{op: "QuantizeLinear", opset: 13, name: "zero points", in: tensors{x, s(1), vec[int8](1, 2)}, err: `input 2: has shape (2), expected () like input 1`},
		{op: "QuantizeLinear", opset: 21, name: "block", attrs: attrs(block), in: tensors{x, mat(2, float32(1), 2, 3, 4, 5, 6)},
			err: `input 1: has shape (2, 3), which does not fit shape (2, 3) in blocks of 2 along axis 1`},
		{op: "QuantizeLinear", opset: 21, name: "two types", attrs: attrs(onnx.AttrInt("output_dtype", int64(tensor.Int8))), in: tensors{x, s(1), tensor.Scalar[uint8](0)},
			err: `input 2: has type uint8, expected int8 as attribute "output_dtype" has it`},
		{op: "QuantizeLinear", opset: 10, name: "int16 before 21", in: tensors{x, s(1), tensor.Scalar[int16](0)}, err: `input 2: has type int16, expected uint8, int8`},
		{op: "DequantizeLinear", opset: 10, in: tensors{vec[uint8](0, 128, 255), s(0.5), tensor.Scalar[uint8](128)}, want: tensors{vec[float32](-64, 0, 63.5)}},
		{op: "DequantizeLinear", opset: 13, name: "axis", attrs: attrs(axis0), in: tensors{mat(2, int8(1), 2, 3, 4), two}, want: tensors{mat(2, float32(0.5), 1, 6, 8)}},
		{op: "DequantizeLinear", opset: 21, name: "blocks", attrs: attrs(block), in: tensors{mat(1, tensor.I4(1), -2, 3), mat(1, float32(1), 0.5), mat(1, tensor.I4(0), 1)}, want: tensors{mat(1, float32(1), -2, 1)}},
		{op: "DequantizeLinear", opset: 19, name: "to float16", in: tensors{vec[int32](3), tensor.Must([]tensor.F16{tensor.ToF16(0.5)})}, want: tensors{half(1.5)}},
		{op: "DequantizeLinear", opset: 23, name: "output type", attrs: attrs(onnx.AttrInt("output_dtype", int64(tensor.BFloat16))), in: tensors{vec[int8](3), s(0.5)}, want: tensors{bhalf(1.5)}},
		{op: "DequantizeLinear", opset: 19, name: "float8", in: tensors{vec[tensor.F8E5M2](0x40), s(3)}, want: tensors{vec[float32](6)}},
		{op: "DequantizeLinear", opset: 10, name: "type", in: tensors{vec[int64](3), s(3)}, err: `input 0: has type int64, expected uint8, int8, int32`},
		{op: "DynamicQuantizeLinear", opset: 11, in: tensors{vec[float32](0, 2, -3, -2.5, 1.34, 0.5)}, want: tensors{vec[uint8](153, 255, 0, 26, 221, 179), s(5.0 / 255), tensor.Scalar[uint8](153)}},
		{op: "DynamicQuantizeLinear", opset: 11, name: "all zero", in: tensors{vec[float32](0, 0)}, want: tensors{vec[uint8](0, 0), s(1), tensor.Scalar[uint8](0)}},
		{op: "DynamicQuantizeLinear", opset: 11, name: "positive", in: tensors{vec[float32](51, 255)}, want: tensors{vec[uint8](51, 255), s(1), tensor.Scalar[uint8](0)}},
		{op: "MatMulInteger", opset: 10, in: tensors{mat(2, uint8(1), 2, 3, 4), mat(2, int8(1), -1, 2, 0), tensor.Scalar[uint8](1), vec[int8](1, 0)}, want: tensors{mat(2, int32(1), 0, 3, -2)}},
		{op: "MatMulInteger", opset: 10, name: "zero point per row", in: tensors{mat(2, int8(1), 2, 3, 4), mat(2, int8(1), 1, 1, 1), vec[int8](1, 3)}, want: tensors{mat(2, int32(1), 1, 1, 1)}},
		{op: "MatMulInteger", opset: 10, name: "types", in: tensors{mat(1, int8(1)), mat(1, int8(1)), tensor.Scalar[uint8](1)}, err: `input 2: has type uint8, expected int8 like input 0`},
		{op: "MatMulInteger", opset: 10, name: "zero points", in: tensors{mat(1, int8(1), 2), mat(2, int8(1), 2), nil, vec[int8](1, 2)}, err: `input 3: shape (2) does not broadcast to (2, 1)`},
	})
}

// A product of quantised matrices is the product of what they stand for,
// quantised.
func TestQLinearMatMul(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	a, b := make([]uint8, 2*3*4), make([]int8, 4*5)
	for i := range a {
		a[i] = uint8(r.IntN(256))
	}
	for i := range b {
		b[i] = int8(r.IntN(256) - 128)
	}
	sa, sb, sy := float32(0.01), []float32{0.02, 0.03, 0.01, 0.05, 0.04}, float32(0.1)
	za, zb, zy := uint8(100), int8(-3), int8(5)
	want := make([]int8, 2*3*5)
	for i := range want {
		sum := 0
		for l := range 4 {
			sum += (int(a[i/5*4+l]) - int(za)) * (int(b[l*5+i%5]) - int(zb))
		}
		q := math.RoundToEven(float64(sum)*float64(sa)*float64(sb[i%5])/float64(sy)) + float64(zy)
		want[i] = int8(math.Max(-128, math.Min(127, q)))
	}
	out, err := run(t, node("QLinearMatMul", 8, 1), 10, tensor.Must(a, 2, 3, 4), tensor.Scalar(sa), tensor.Scalar(za),
		tensor.Must(b, 4, 5), vec(sb...), tensor.Scalar(zb), tensor.Scalar(sy), tensor.Scalar(zy))
	require.NoError(t, err)
	got := tensor.Of[int8](out[0])
	for i := range want { // one apart where the quotient lies halfway
		require.InDelta(t, want[i], got[i], 1)
	}
}
