package ops

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// Every function of one number against its formula in float64, in all four
// floating-point types; 16-bit results are the formula's, rounded once from
// float32.
func TestUnaryFormulas(t *testing.T) {
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	softplus := func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
	elu := func(x, a float64) float64 {
		if x > 0 {
			return x
		}
		return a * math.Expm1(x)
	}
	clamp := func(x float64) float64 { return math.Max(0, math.Min(1, x)) }
	f := func(name string, v float32) *onnx.Attribute { return onnx.AttrFloat(name, v) }
	for _, c := range []struct {
		op      string
		opset   int64
		attrs   []*onnx.Attribute
		formula func(x float64) float64
	}{
		{"Abs", 13, nil, math.Abs}, {"Acos", 22, nil, math.Acos}, {"Acosh", 22, nil, math.Acosh}, {"Asin", 22, nil, math.Asin},
		{"Asinh", 22, nil, math.Asinh}, {"Atan", 22, nil, math.Atan}, {"Atanh", 22, nil, math.Atanh}, {"Ceil", 13, nil, math.Ceil},
		{"Cos", 22, nil, math.Cos}, {"Cosh", 22, nil, math.Cosh}, {"Erf", 13, nil, math.Erf}, {"Exp", 13, nil, math.Exp},
		{"Floor", 13, nil, math.Floor}, {"Log", 13, nil, math.Log}, {"Neg", 13, nil, func(x float64) float64 { return -x }},
		{"Reciprocal", 13, nil, func(x float64) float64 { return 1 / x }}, {"Round", 22, nil, math.RoundToEven},
		{"Sin", 22, nil, math.Sin}, {"Sinh", 22, nil, math.Sinh}, {"Sqrt", 13, nil, math.Sqrt}, {"Tan", 22, nil, math.Tan}, {"Tanh", 13, nil, math.Tanh},
		{"Sign", 13, nil, func(x float64) float64 {
			if x == 0 || x != x {
				return x
			}
			return math.Copysign(1, x)
		}},
		{"Relu", 14, nil, func(x float64) float64 { return math.Max(x, 0) }},
		{"Sigmoid", 13, nil, sigmoid}, {"Softplus", 22, nil, softplus},
		{"Softsign", 22, nil, func(x float64) float64 { return x / (1 + math.Abs(x)) }},
		{"Elu", 22, attrs(f("alpha", 1.5)), func(x float64) float64 { return elu(x, 1.5) }},
		{"Selu", 22, nil, func(x float64) float64 { return 1.0507010221481323 * elu(x, 1.6732631921768188) }},
		{"Selu", 22, attrs(f("alpha", 2), f("gamma", 3)), func(x float64) float64 { return 3 * elu(x, 2) }},
		{"LeakyRelu", 16, nil, func(x float64) float64 { return math.Max(x, 0) + float64(float32(0.01))*math.Min(x, 0) }},
		{"ThresholdedRelu", 22, attrs(f("alpha", 0.5)), func(x float64) float64 {
			if x > 0.5 {
				return x
			}
			return 0
		}},
		{"HardSigmoid", 22, nil, func(x float64) float64 { return clamp(float64(float32(0.2))*x + 0.5) }},
		{"HardSigmoid", 22, attrs(f("alpha", 0.5), f("beta", 0.25)), func(x float64) float64 { return clamp(0.5*x + 0.25) }},
		{"HardSwish", 22, nil, func(x float64) float64 { return x * clamp(x/6+0.5) }},
		{"Mish", 22, nil, func(x float64) float64 { return x * math.Tanh(softplus(x)) }},
		{"Gelu", 20, nil, func(x float64) float64 { return x * 0.5 * (1 + math.Erf(x/math.Sqrt2)) }},
		{"Gelu", 20, attrs(onnx.AttrString("approximate", "tanh")), func(x float64) float64 {
			return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		}},
		{"Swish", 24, attrs(f("alpha", 2)), func(x float64) float64 { return x * sigmoid(2*x) }},
		{"Swish", 24, nil, func(x float64) float64 { return x * sigmoid(x) }},
	} {
		t.Run(c.op, func(t *testing.T) {
			var x, want []float64
			for v := -4.0; v <= 4; v += 0.25 {
				x = append(x, v)
			}
			x = append(x, 0.03125, -0.03125, 1.0625, math.NaN())
			for _, v := range x {
				want = append(want, c.formula(v))
			}
			for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16} {
				out, err := run(t, node(c.op, 1, 1, c.attrs...), c.opset, tensorOf(dt, x, len(x)))
				require.NoError(t, err)
				got := floatsOf(t, out[0])
				for i := range x {
					w, g := want[i], got[i]
					if w == g || math.IsNaN(w) && math.IsNaN(g) {
						continue
					}
					require.InDelta(t, w, g, precision(dt)*(1+math.Abs(w)), "%v of %v (%v)", c.op, x[i], dt)
				}
			}
		})
	}
}

func TestUnaryTypes(t *testing.T) {
	runCases(t, "", []opCase{
		{op: "Abs", opset: 13, in: tensors{vec[int8](-128, -1, 0, 5)}, want: tensors{vec[int8](-128, 1, 0, 5)}},
		{op: "Abs", opset: 13, name: "uint64", in: tensors{vec[uint64](math.MaxUint64)}, want: tensors{vec[uint64](math.MaxUint64)}},
		{op: "Neg", opset: 13, in: tensors{vec[int64](math.MinInt64, 3)}, want: tensors{vec[int64](math.MinInt64, -3)}},
		{op: "Sign", opset: 13, in: tensors{vec[int16](-9, 0, 4)}, want: tensors{vec[int16](-1, 0, 1)}},
		{op: "Sign", opset: 13, name: "uint8", in: tensors{vec[uint8](200, 0)}, want: tensors{vec[uint8](1, 0)}},
		{op: "Relu", opset: 14, in: tensors{vec[int32](-9, 0, 4)}, want: tensors{vec[int32](0, 0, 4)}},
		{op: "Shrink", opset: 9, attrs: attrs(onnx.AttrFloat("bias", 1.5), onnx.AttrFloat("lambd", 1.5)),
			in: tensors{vec[float32](-2, -1, 0, 1, 2)}, want: tensors{vec[float32](-0.5, 0, 0, 0, 0.5)}},
		{op: "Shrink", opset: 9, name: "int32", attrs: attrs(onnx.AttrFloat("bias", 1)), in: tensors{vec[int32](-3, 0, 3)}, want: tensors{vec[int32](-2, 0, 2)}},
		{op: "Celu", opset: 12, attrs: attrs(onnx.AttrFloat("alpha", 2)), in: tensors{vec[float32](-1, 0, 3)}, want: tensors{vec(float32(2*math.Expm1(-0.5)), 0, 3)}},
		{op: "Celu", opset: 12, name: "double", in: tensors{vec[float64](1)}, err: `input 0: has type double, expected float`},
		{op: "Exp", opset: 13, name: "rank 0", in: tensors{tensor.Scalar[float32](0)}, want: tensors{tensor.Scalar[float32](1)}},
		{op: "Tanh", opset: 13, name: "empty", in: tensors{f32(nil, 2, 0)}, want: tensors{f32(nil, 2, 0)}},
		{op: "Relu", opset: 5, name: "hint of version 1", attrs: attrs(onnx.AttrInts("consumed_inputs", 1)), in: tensors{vec[float32](-1, 2)}, want: tensors{vec[float32](0, 2)}},
		{op: "Relu", opset: 13, name: "hint later", attrs: attrs(onnx.AttrInts("consumed_inputs", 1)), in: tensors{vec[float32](-1)}, err: `attribute "consumed_inputs": unsupported`},
		{op: "Sin", opset: 7, name: "bfloat16 before 22", in: tensors{bhalf(1)}, err: `input 0: has type bfloat16, expected float, float16, double`},
		{op: "Gelu", opset: 20, attrs: attrs(onnx.AttrString("approximate", "fast")), in: tensors{vec[float32](1)}, err: `attribute "approximate": is "fast", expected one of none, tanh`},
	})
}

func TestCast(t *testing.T) {
	to := func(dt tensor.DType, more ...*onnx.Attribute) []*onnx.Attribute {
		return append(more, onnx.AttrInt("to", int64(dt)))
	}
	saturate := onnx.AttrInt("saturate", 0)
	runCases(t, "", []opCase{
		{op: "Cast", opset: 13, name: "float to int", attrs: to(tensor.Int64), in: tensors{vec[float32](-1.9, 2.9, 0)}, want: tensors{vec[int64](-1, 2, 0)}},
		{op: "Cast", opset: 13, name: "int wraps", attrs: to(tensor.Int8), in: tensors{vec[int32](300, -129)}, want: tensors{vec[int8](44, 127)}},
		{op: "Cast", opset: 13, name: "int64 to uint64", attrs: to(tensor.Uint64), in: tensors{vec[int64](-1)}, want: tensors{vec[uint64](math.MaxUint64)}},
		{op: "Cast", opset: 13, name: "NaN is true", attrs: to(tensor.Bool), in: tensors{vec(0, 0.1, nan32)}, want: tensors{vec(false, true, true)}},
		{op: "Cast", opset: 13, name: "bool to double", attrs: to(tensor.Float64), in: tensors{vec(false, true)}, want: tensors{vec[float64](0, 1)}},
		{op: "Cast", opset: 13, name: "to itself", attrs: to(tensor.String), in: tensors{vec("a")}, want: tensors{vec("a")}},
		{op: "Cast", opset: 13, name: "float to text", attrs: to(tensor.String), in: tensors{vec(0.1, 1, 1e-7, inf32, -inf32, nan32)}, want: tensors{vec("0.1", "1", "1e-07", "INF", "-INF", "NaN")}},
		{op: "Cast", opset: 13, name: "text to float", attrs: to(tensor.Float32), in: tensors{vec("3.5", "-1e3", "+INF", "nan", "-Infinity")}, want: tensors{vec(3.5, -1000, inf32, nan32, -inf32)}},
		{op: "Cast", opset: 13, name: "text to int64 is exact", attrs: to(tensor.Int64), in: tensors{vec("9223372036854775807", "1e3")}, want: tensors{vec[int64](math.MaxInt64, 1000)}},
		{op: "Cast", opset: 13, name: "no number", attrs: to(tensor.Int64), in: tensors{vec("1", "x")}, err: `input 0: element 1 is "x", expected a number`},
		{op: "Cast", opset: 13, name: "float16", attrs: to(tensor.Float16), in: tensors{vec[float32](65504, 65520, 1.0009765625, 1.00048828125)}, want: tensors{half(65504, inf32, 1.0009765625, 1)}},
		{op: "Cast", opset: 13, name: "double to float16 rounds once", attrs: to(tensor.Float16), in: tensors{vec(1.00048828125 + 1e-12)}, want: tensors{half(1.0009765625)}},
		{op: "Cast", opset: 19, name: "float8 saturates", attrs: to(tensor.Float8E4M3FN), in: tensors{vec[float32](1000, -1000)}, want: tensors{vec[tensor.F8E4M3](0x7e, 0xfe)}},
		{op: "Cast", opset: 19, name: "float8 does not", attrs: to(tensor.Float8E5M2, saturate), in: tensors{vec[float32](1e6, -1e6)}, want: tensors{vec[tensor.F8E5M2](0x7c, 0xfc)}},
		{op: "Cast", opset: 21, name: "int4 keeps low bits", attrs: to(tensor.Int4), in: tensors{vec[int32](-9, 7, 8, -1)}, want: tensors{vec[tensor.I4](7, 7, -8, -1)}},
		{op: "Cast", opset: 25, name: "uint2", attrs: to(tensor.Uint2), in: tensors{vec[float32](-1, 2, 5)}, want: tensors{vec[tensor.U2](3, 2, 1)}},
		{op: "Cast", opset: 23, name: "float4", attrs: to(tensor.Float4E2M1), in: tensors{vec[float32](0.3, 5, -7)}, want: tensors{vec[tensor.F4E2M1](1, 6, 0xf)}},
		{op: "Cast", opset: 24, name: "float8e8m0 up", attrs: to(tensor.Float8E8M0), in: tensors{vec[float32](1, 1.01, 3)}, want: tensors{vec[tensor.F8E8M0](127, 128, 129)}},
		{op: "Cast", opset: 24, name: "float8e8m0 down", attrs: to(tensor.Float8E8M0, onnx.AttrString("round_mode", "down")), in: tensors{vec[float32](1, 1.01, 3.9)}, want: tensors{vec[tensor.F8E8M0](127, 127, 128)}},
		{op: "Cast", opset: 24, name: "float8e8m0 nearest", attrs: to(tensor.Float8E8M0, onnx.AttrString("round_mode", "nearest")), in: tensors{vec[float32](1.4, 1.6)}, want: tensors{vec[tensor.F8E8M0](127, 128)}},
		{op: "Cast", opset: 5, name: "by name", attrs: attrs(onnx.AttrString("to", "INT32")), in: tensors{vec[float32](2.5)}, want: tensors{vec[int32](2)}},
		{op: "Cast", opset: 5, name: "no such name", attrs: attrs(onnx.AttrString("to", "int")), in: tensors{vec[float32](2.5)}, err: `attribute "to": is "int", expected the name of an element type such as FLOAT`},
		{op: "Cast", opset: 13, name: "no type", in: tensors{vec[float32](2.5)}, err: `attribute "to": is missing`},
		{op: "Cast", opset: 6, name: "text before 9", attrs: to(tensor.String), in: tensors{vec[float32](2.5)},
			err: `attribute "to": is string, expected float, uint8, int8, uint16, int16, int32, int64, bool, float16, double, uint32, uint64`},
		{op: "Cast", opset: 18, name: "saturate before 19", attrs: to(tensor.Int8, saturate), in: tensors{vec[float32](1)}, err: `attribute "saturate": unsupported`},
		{op: "CastLike", opset: 19, in: tensors{vec[float32](1.5), vec[int32]()}, want: tensors{vec[int32](1)}},
		{op: "BitCast", opset: 26, attrs: to(tensor.Int32), in: tensors{vec[float32](1, -2)}, want: tensors{vec[int32](0x3f800000, -0x40000000)}},
		{op: "BitCast", opset: 26, name: "4 bits", attrs: to(tensor.Int4), in: tensors{vec[tensor.U4](15, 7)}, want: tensors{vec[tensor.I4](-1, 7)}},
		{op: "BitCast", opset: 26, name: "width", attrs: to(tensor.Int16), in: tensors{vec[float32](1)}, err: `input 0: has type float, expected one of 16 bits like int16`},
	})
}
