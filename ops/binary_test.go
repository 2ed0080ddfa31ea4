package ops

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// opCase is one run of one node and what comes of it.
type opCase struct {
	name  string
	op    string
	opset int64
	attrs []*onnx.Attribute
	in    []*tensor.Tensor
	want  []*tensor.Tensor
	err   string
}

func attrs(a ...*onnx.Attribute) []*onnx.Attribute { return a }

func runCases(t *testing.T, domain string, cases []opCase) {
	t.Helper()
	for _, c := range cases {
		name := c.op
		if c.name != "" {
			name += "/" + c.name
		}
		t.Run(name, func(t *testing.T) {
			n := node(c.op, len(c.in), max(len(c.want), 1), c.attrs...)
			n.Domain = domain
			out, err := run(t, n, c.opset, c.in...)
			if c.err != "" {
				require.Error(t, err)
				require.Equal(t, ofInt(c.err), ofInt(err.Error()))
				return
			}
			require.NoError(t, err)
			for i, want := range c.want {
				if want != nil {
					sameTensor(t, want, out[i], 2e-6)
				}
			}
		})
	}
}

// sameTensor compares floats with a relative and absolute tolerance, and all
// else exactly.
func sameTensor(t *testing.T, want, got *tensor.Tensor, tol float64) {
	t.Helper()
	require.Equal(t, want.DType(), got.DType(), "type")
	require.Equal(t, append([]int{}, want.Shape()...), append([]int{}, got.Shape()...), "shape")
	switch want.DType() {
	case tensor.Float32:
		closeTo(t, tensor.Of[float32](want), tensor.Of[float32](got), tol)
	case tensor.Float64:
		closeTo(t, tensor.Of[float64](want), tensor.Of[float64](got), tol)
	case tensor.String:
		require.Equal(t, tensor.Of[string](want), tensor.Of[string](got))
	default:
		require.Equal(t, want.Bytes(), got.Bytes())
	}
}

func closeTo[T float32 | float64](t *testing.T, want, got []T, tol float64) {
	t.Helper()
	for i := range want {
		w, g := float64(want[i]), float64(got[i])
		if w == g || math.IsNaN(w) && math.IsNaN(g) {
			continue
		}
		require.LessOrEqual(t, math.Abs(w-g), tol*(1+math.Abs(w)), "element %d: %v, expected %v", i, g, w)
	}
}

// vec is a tensor of rank 1, and half one of float16s.
func vec[T tensor.Elem](v ...T) *tensor.Tensor { return tensor.Must(v, len(v)) }

func half(v ...float32) *tensor.Tensor {
	h := make([]tensor.F16, len(v))
	for i, x := range v {
		h[i] = tensor.ToF16(float64(x))
	}
	return tensor.Must(h, len(h))
}

func bhalf(v ...float32) *tensor.Tensor {
	h := make([]tensor.BF16, len(v))
	for i, x := range v {
		h[i] = tensor.ToBF16(x)
	}
	return tensor.Must(h, len(h))
}

func mat[T tensor.Elem](rows int, v ...T) *tensor.Tensor { return tensor.Must(v, rows, len(v)/rows) }

type tensors = []*tensor.Tensor

var (
	nan32, inf32 = float32(math.NaN()), float32(math.Inf(1))
	nan64, inf64 = math.NaN(), math.Inf(1)
)

func TestBinary(t *testing.T) {
	x := mat(2, float32(1), 2, 3, 4, 5, 6)
	runCases(t, "", []opCase{
		{op: "Add", opset: 14, in: tensors{x, vec[float32](10, 20, 30)}, want: tensors{mat(2, float32(11), 22, 33, 14, 25, 36)}},
		{op: "Sub", opset: 14, in: tensors{vec[float32](10, 20, 30), x}, want: tensors{mat(2, float32(9), 18, 27, 6, 15, 24)}},
		{op: "Sub", opset: 14, name: "scalars", in: tensors{tensor.Scalar[float64](1), tensor.Scalar[float64](3)}, want: tensors{tensor.Scalar[float64](-2)}},
		{op: "Mul", opset: 14, name: "outer", in: tensors{mat(2, float32(2), 3), vec[float32](1, 5)}, want: tensors{mat(2, float32(2), 10, 3, 15)}},
		{op: "Mul", opset: 14, name: "0 x Inf", in: tensors{vec[float32](0, 0), vec(inf32, nan32)}, want: tensors{vec(nan32, nan32)}},
		{op: "Add", opset: 14, name: "empty", in: tensors{f32(nil, 0, 3), vec[float32](1, 2, 3)}, want: tensors{f32(nil, 0, 3)}},
		{op: "Div", opset: 14, name: "towards zero", in: tensors{vec[int32](7, -7, 7, 1), vec[int32](2, 2, -2, 0)}, want: tensors{vec[int32](3, -3, -3, 0)}},
		{op: "Add", opset: 14, name: "wraps", in: tensors{vec[uint8](250), vec[uint8](10)}, want: tensors{vec[uint8](4)}},
		{op: "Mul", opset: 14, name: "float16", in: tensors{half(1.5, 300), half(2, 300)}, want: tensors{half(3, inf32)}},
		{op: "Add", opset: 14, name: "bfloat16 rounds once", in: tensors{bhalf(256), bhalf(1)}, want: tensors{bhalf(256)}},
		{op: "Add", opset: 6, name: "axis", attrs: attrs(onnx.AttrInt("broadcast", 1), onnx.AttrInt("axis", 0)),
			in: tensors{x, vec[float32](100, 200)}, want: tensors{mat(2, float32(101), 102, 103, 204, 205, 206)}},
		{op: "Add", opset: 6, name: "suffix", attrs: attrs(onnx.AttrInt("broadcast", 1)),
			in: tensors{x, vec[float32](1, 2, 3)}, want: tensors{mat(2, float32(2), 4, 6, 5, 7, 9)}},
		{op: "Add", opset: 6, name: "no broadcast", in: tensors{x, vec[float32](1, 2, 3)}, err: `shapes (2, 3) and (3) differ without attribute "broadcast"`},
		{op: "Mod", opset: 13, in: tensors{vec[int64](-4, 7, 5), vec[int64](2, -3, 8)}, want: tensors{vec[int64](0, -2, 5)}},
		{op: "Mod", opset: 13, name: "fmod", attrs: attrs(onnx.AttrInt("fmod", 1)), in: tensors{vec[float32](-4.3, 7.2), vec[float32](2.1, -3.4)}, want: tensors{vec[float32](-0.1, 0.4)}},
		{op: "Pow", opset: 15, in: tensors{vec[float32](2, 3, -8), vec[float32](3, -1, 1)}, want: tensors{vec[float32](8, 1.0/3, -8)}},
		{op: "Pow", opset: 15, name: "squares", in: tensors{vec[float32](2, -3), tensor.Scalar[float32](2)}, want: tensors{vec[float32](4, 9)}},
		{op: "Pow", opset: 15, name: "squares by an int64", in: tensors{vec[float32](2, -3), tensor.Scalar[int64](2)}, want: tensors{vec[float32](4, 9)}},
		{op: "Pow", opset: 15, name: "by an int64 that is no float", in: tensors{vec[float32](-1), tensor.Scalar[int64](1<<40 + 1)}, want: tensors{vec[float32](-1)}},
		{op: "Pow", opset: 15, name: "int64 to int64 is exact", in: tensors{vec[int64](3, -2), vec[int64](39, 63)}, want: tensors{vec[int64](4052555153018976267, math.MinInt64)}},
		{op: "Pow", opset: 15, name: "int32 to float", in: tensors{vec[int32](2, 9), vec[float32](3.5, 0.5)}, want: tensors{vec[int32](11, 3)}},
		{op: "Pow", opset: 15, name: "float to int8", in: tensors{vec[float32](2), vec[int8](-2)}, want: tensors{vec[float32](0.25)}},
		{op: "Pow", opset: 15, name: "float16 to float16", in: tensors{half(3), half(2)}, want: tensors{half(9)}},
		{op: "PRelu", opset: 16, in: tensors{mat(2, float32(-1), 2, -3, 4), vec[float32](0.5, 2)}, want: tensors{mat(2, float32(-0.5), 2, -1.5, 4)}},
		{op: "PRelu", opset: 6, name: "per channel", in: tensors{f32([]float32{-1, -2, -3, -4}, 1, 2, 2), vec[float32](1, 10)}, want: tensors{f32([]float32{-1, -2, -30, -40}, 1, 2, 2)}},
		{op: "PRelu", opset: 16, name: "never grows", in: tensors{vec[float32](1), vec[float32](1, 2)}, err: `shape (2) does not broadcast to (1)`},
		{op: "Add", opset: 14, name: "shapes", in: tensors{x, vec[float32](1, 2)}, err: `shapes (2, 3) and (2) do not broadcast`},
		{op: "Add", opset: 14, name: "types", in: tensors{x, vec[float64](1, 2, 3)}, err: `input 1: has type double, expected float like input 0`},
		{op: "Add", opset: 7, name: "type of old", in: tensors{vec[int8](1), vec[int8](1)}, err: `input 0: has type int8, expected float, int32, int64, float16, double, uint32, uint64`},
		{op: "Add", opset: 14, name: "absent", in: tensors{nil, x}, err: `input 0 is missing`},
		{op: "Sum", opset: 13, in: tensors{x, vec[float32](1, 1, 1), tensor.Scalar[float32](10)}, want: tensors{mat(2, float32(12), 13, 14, 15, 16, 17)}},
		{op: "Mean", opset: 13, in: tensors{vec[float32](1, 2), vec[float32](3, 5)}, want: tensors{vec[float32](2, 3.5)}},
		{op: "Mean", opset: 13, name: "float16", in: tensors{half(1, 2), half(3, 5), half(2, 2)}, want: tensors{half(2, 3)}},
		{op: "Max", opset: 13, in: tensors{vec[int8](1, -5), vec[int8](-1, 3), vec[int8](0, 9)}, want: tensors{vec[int8](1, 9)}},
		{op: "Max", opset: 13, name: "NaN", in: tensors{vec(nan32, 1), vec(1, nan32)}, want: tensors{vec(nan32, nan32)}},
		{op: "Min", opset: 13, name: "one input", in: tensors{vec[uint64](3)}, want: tensors{vec[uint64](3)}},
		{op: "Min", opset: 6, name: "strict", in: tensors{x, vec[float32](1, 2, 3)}, err: `input 1: has shape (3), expected (2, 3)`},
		{op: "Sum", opset: 13, name: "hole", in: tensors{x, nil, x}, err: `input 1 is missing`},
		{op: "Clip", opset: 13, in: tensors{vec[float32](-2, 0.5, 9), tensor.Scalar[float32](-1), tensor.Scalar[float32](1)}, want: tensors{vec[float32](-1, 0.5, 1)}},
		{op: "Clip", opset: 13, name: "no lower", in: tensors{vec[int8](-100, 100), nil, tensor.Scalar[int8](5)}, want: tensors{vec[int8](-100, 5)}},
		{op: "Clip", opset: 13, name: "crossed bounds", in: tensors{vec[float32](0), tensor.Scalar[float32](3), tensor.Scalar[float32](1)}, want: tensors{vec[float32](1)}},
		{op: "Clip", opset: 13, name: "keeps NaN, and without bounds stays finite", in: tensors{vec(nan64, inf64, -inf64)}, want: tensors{vec(nan64, math.MaxFloat64, -math.MaxFloat64)}},
		{op: "Clip", opset: 13, name: "half without a lower bound", in: tensors{half(float32(math.Inf(-1)), 3), nil, half(2)}, want: tensors{half(-65504, 2)}},
		{op: "Clip", opset: 6, attrs: attrs(onnx.AttrFloat("max", 2)), in: tensors{vec[float32](-1, 5)}, want: tensors{vec[float32](-1, 2)}},
		{op: "Clip", opset: 13, name: "bound of two", in: tensors{vec[float32](1), vec[float32](1, 2)}, err: `input 1: has shape (2), expected a scalar`},
	})
}

func TestCompare(t *testing.T) {
	a, b := vec(1, 2, nan32, inf32), vec(1, 3, nan32, -inf32)
	boolean := func(v ...bool) tensors { return tensors{vec(v...)} }
	runCases(t, "", []opCase{
		{op: "Equal", opset: 19, in: tensors{a, b}, want: boolean(true, false, false, false)},
		{op: "Less", opset: 13, in: tensors{a, b}, want: boolean(false, true, false, false)},
		{op: "LessOrEqual", opset: 16, in: tensors{a, b}, want: boolean(true, true, false, false)},
		{op: "Greater", opset: 13, in: tensors{a, b}, want: boolean(false, false, false, true)},
		{op: "GreaterOrEqual", opset: 16, in: tensors{a, b}, want: boolean(true, false, false, true)},
		{op: "Equal", opset: 19, name: "string", in: tensors{vec("a", "b"), vec("b")}, want: boolean(false, true)},
		{op: "Equal", opset: 19, name: "bool", in: tensors{vec(true, false), vec(true)}, want: boolean(true, false)},
		{op: "Equal", opset: 19, name: "float16 zeros", in: tensors{half(0), half(float32(math.Copysign(0, -1)))}, want: boolean(true)},
		{op: "Less", opset: 13, name: "uint64", in: tensors{vec[uint64](1 << 63), vec[uint64](1)}, want: boolean(false)},
		{op: "Equal", opset: 7, name: "float, as PyTorch exports it", in: tensors{a, b}, want: boolean(true, false, false, false)},
		{op: "Equal", opset: 13, name: "string before 19", in: tensors{vec("a"), vec("b")},
			err: `input 0: has type string, expected float, uint8, int8, uint16, int16, int32, int64, bool, float16, double, uint32, uint64, bfloat16`},
		{op: "And", opset: 7, in: tensors{vec(true, true, false), vec(true, false, false)}, want: boolean(true, false, false)},
		{op: "Or", opset: 7, in: tensors{vec(true, true, false), vec(true, false, false)}, want: boolean(true, true, false)},
		{op: "Xor", opset: 7, in: tensors{vec(true, true, false), vec(true, false, false)}, want: boolean(false, true, false)},
		{op: "Not", opset: 1, in: tensors{vec(true, false)}, want: boolean(false, true)},
		{op: "BitwiseAnd", opset: 18, in: tensors{vec[int16](-2, 6), vec[int16](3, 12)}, want: tensors{vec[int16](2, 4)}},
		{op: "BitwiseOr", opset: 18, in: tensors{vec[int64](-8, 6), vec[int64](3, 12)}, want: tensors{vec[int64](-5, 14)}},
		{op: "BitwiseXor", opset: 18, in: tensors{vec[uint8](255, 6), vec[uint8](3, 12)}, want: tensors{vec[uint8](252, 10)}},
		{op: "BitwiseNot", opset: 18, in: tensors{vec[int32](0, -1, 7)}, want: tensors{vec[int32](-1, 0, -8)}},
		{op: "BitShift", opset: 11, attrs: attrs(onnx.AttrString("direction", "LEFT")), in: tensors{vec[uint8](129, 1), vec[uint8](1, 9)}, want: tensors{vec[uint8](2, 0)}},
		{op: "BitShift", opset: 11, name: "right", attrs: attrs(onnx.AttrString("direction", "RIGHT")), in: tensors{vec[uint32](129), vec[uint32](3)}, want: tensors{vec[uint32](16)}},
		{op: "BitShift", opset: 11, name: "neither", attrs: attrs(onnx.AttrString("direction", "UP")), in: tensors{vec[uint32](129), vec[uint32](3)},
			err: `attribute "direction": is "UP", expected one of LEFT, RIGHT`},
		{op: "Where", opset: 16, in: tensors{mat(2, true, false), vec[int64](1, 2), tensor.Scalar[int64](9)}, want: tensors{mat(2, int64(1), 2, 9, 9)}},
		{op: "Where", opset: 16, name: "string", in: tensors{vec(true, false), vec("a", "b"), vec("c", "d")}, want: tensors{vec("a", "d")}},
		{op: "Where", opset: 16, name: "complex128", in: tensors{vec(true, false), vec(1i), vec(2 + 1i)}, want: tensors{vec(1i, 2+1i)}},
		{op: "Where", opset: 16, name: "types", in: tensors{vec(true), vec[int64](1), vec[int32](1)}, err: `input 2: has type int32, expected int64 like input 1`},
		{op: "Where", opset: 9, name: "bfloat16 before 16", in: tensors{vec(true), bhalf(1), bhalf(1)},
			err: `input 1: has type bfloat16, expected float, uint8, int8, uint16, int16, int32, int64, string, bool, float16, double, uint32, uint64, complex64, complex128`},
		{op: "IsNaN", opset: 20, in: tensors{a}, want: boolean(false, false, true, false)},
		{op: "IsInf", opset: 20, attrs: attrs(onnx.AttrInt("detect_positive", 0)), in: tensors{b}, want: boolean(false, false, false, true)},
		{op: "IsInf", opset: 20, name: "float16", in: tensors{half(inf32, 1)}, want: boolean(true, false)},
		{op: "IsNaN", opset: 20, name: "float8", in: tensors{vec(tensor.F8E5M2(0x7f), 0x3c)}, want: boolean(true, false)},
		{op: "IsInf", opset: 10, name: "float16 before 20", in: tensors{half(1)}, err: `input 0: has type float16, expected float, double`},
	})
}
