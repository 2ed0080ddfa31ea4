package ops

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// series are the elements of x (outer, n, inner) along the middle axis.
func series(x []float64, outer, n, inner int) (out [][]float64) {
	for o := range outer {
		for i := range inner {
			var s []float64
			for j := range n {
				s = append(s, x[(o*n+j)*inner+i])
			}
			out = append(out, s)
		}
	}
	return out
}

func TestSoftmaxFamily(t *testing.T) {
	exps := func(s []float64) (e []float64, sum float64) {
		for _, v := range s {
			e = append(e, math.Exp(v))
			sum += math.Exp(v)
		}
		return e, sum
	}
	formulas := map[string]func(s []float64, i int) float64{
		"Softmax":    func(s []float64, i int) float64 { e, sum := exps(s); return e[i] / sum },
		"LogSoftmax": func(s []float64, i int) float64 { _, sum := exps(s); return s[i] - math.Log(sum) },
		"Hardmax": func(s []float64, i int) float64 {
			if slices.Index(s, slices.Max(s)) == i {
				return 1
			}
			return 0
		},
	}
	x := make([]float64, 30)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range x {
		x[i] = float64(r.IntN(64))/16 - 2
	}
	for op, f := range formulas {
		for _, c := range []struct {
			opset           int64
			attrs           []*onnx.Attribute
			outer, n, inner int
		}{
			{13, nil, 6, 5, 1}, {13, attrs(onnx.AttrInt("axis", 0)), 1, 2, 15}, {13, attrs(onnx.AttrInt("axis", -2)), 2, 3, 5},
			{11, nil, 2, 15, 1}, {11, attrs(onnx.AttrInt("axis", 2)), 6, 5, 1}, {1, attrs(onnx.AttrInt("axis", 0)), 1, 30, 1}, {11, attrs(onnx.AttrInt("axis", 3)), 30, 1, 1},
		} {
			for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16} {
				if dt == tensor.BFloat16 && c.opset < 13 {
					continue
				}
				out, err := run(t, node(op, 1, 1, c.attrs...), c.opset, tensorOf(dt, x, 2, 3, 5))
				require.NoError(t, err)
				got := series(floatsOf(t, out[0]), c.outer, c.n, c.inner)
				for k, s := range series(x, c.outer, c.n, c.inner) {
					for i := range s {
						require.InDelta(t, f(s, i), got[k][i], precision(dt)*4, "%v %v of %v at %v of series %v", op, c, dt, i, k)
					}
				}
			}
		}
	}
	runCases(t, "", []opCase{
		{op: "Softmax", opset: 13, name: "large", in: tensors{vec[float32](1000, 1000)}, want: tensors{vec[float32](0.5, 0.5)}},
		{op: "Softmax", opset: 13, name: "masked", in: tensors{vec(-inf32, 0, -inf32)}, want: tensors{vec[float32](0, 1, 0)}},
		{op: "Softmax", opset: 13, name: "all masked", in: tensors{vec(-inf32, -inf32)}, want: tensors{vec(nan32, nan32)}},
		{op: "Softmax", opset: 13, name: "empty", in: tensors{f32(nil, 3, 0)}, want: tensors{f32(nil, 3, 0)}},
		{op: "Softmax", opset: 13, name: "axis", attrs: attrs(onnx.AttrInt("axis", 1)), in: tensors{vec[float32](1)}, err: `attribute "axis": axis 1 is out of range for rank 1`},
	})
}

func TestArgTopKCumulate(t *testing.T) {
	x := mat(2, float32(3), 1, 3, -1, 2, 2)
	axis := func(a int64) *onnx.Attribute { return onnx.AttrInt("axis", a) }
	last := onnx.AttrInt("select_last_index", 1)
	k := func(n int64) *tensor.Tensor { return i64([]int64{n}, 1) }
	runCases(t, "", []opCase{
		{op: "ArgMax", opset: 13, attrs: attrs(axis(1)), in: tensors{x}, want: tensors{mat(2, int64(0), 1)}},
		{op: "ArgMax", opset: 13, name: "last", attrs: attrs(axis(-1), last, onnx.AttrInt("keepdims", 0)), in: tensors{x}, want: tensors{vec[int64](2, 2)}},
		{op: "ArgMin", opset: 13, in: tensors{x}, want: tensors{mat(1, int64(1), 0, 1)}},
		{op: "ArgMax", opset: 13, name: "NaN", in: tensors{vec(1, nan32, inf32)}, want: tensors{vec[int64](1)}},
		{op: "ArgMin", opset: 13, name: "uint8", in: tensors{vec[uint8](7, 200, 3)}, want: tensors{vec[int64](2)}},
		{op: "ArgMax", opset: 13, name: "bfloat16", in: tensors{bhalf(1, 5, 2)}, want: tensors{vec[int64](1)}},
		{op: "ArgMax", opset: 11, name: "last before 12", attrs: attrs(last), in: tensors{x}, err: `attribute "select_last_index": unsupported`},
		{op: "ArgMax", opset: 13, name: "empty", in: tensors{f32(nil, 0, 2)}, err: `input 0: axis 0 of shape (0, 2) is empty`},
		{op: "TopK", opset: 24, in: tensors{x, k(2)}, want: tensors{mat(2, float32(3), 3, 2, 2), mat(2, int64(0), 2, 1, 2)}},
		{op: "TopK", opset: 24, name: "smallest of axis 0", attrs: attrs(axis(0), onnx.AttrInt("largest", 0)), in: tensors{x, k(1)}, want: tensors{mat(1, float32(-1), 1, 2), mat(1, int64(1), 0, 1)}},
		{op: "TopK", opset: 1, name: "attribute", attrs: attrs(onnx.AttrInt("k", 1)), in: tensors{x}, want: tensors{mat(2, float32(3), 2), mat(2, int64(0), 1)}},
		{op: "TopK", opset: 24, name: "int64", in: tensors{vec[int64](math.MinInt64, math.MaxInt64, 5), k(3)}, want: tensors{vec[int64](math.MaxInt64, 5, math.MinInt64), vec[int64](1, 2, 0)}},
		{op: "TopK", opset: 24, name: "float16", in: tensors{half(1, 9, 4), k(2)}, want: tensors{half(9, 4), vec[int64](1, 2)}},
		{op: "TopK", opset: 24, name: "none", in: tensors{x, k(0)}, want: tensors{f32(nil, 2, 0), i64(nil, 2, 0)}},
		{op: "TopK", opset: 24, name: "too many", in: tensors{x, k(4)}, want: tensors{nil, nil}, err: `k is 4, expected 0 to 3`},
		{op: "TopK", opset: 24, name: "huge", in: tensors{x, k(math.MaxInt64)}, want: tensors{nil, nil}, err: `k is 9223372036854775807, expected 0 to 3`},
		{op: "TopK", opset: 24, name: "negative", in: tensors{x, k(-2)}, want: tensors{nil, nil}, err: `input 1: has k [-2], expected one number that is not negative`},
		{op: "CumSum", opset: 14, in: tensors{x, tensor.Scalar[int64](1)}, want: tensors{mat(2, float32(3), 4, 7, -1, 1, 3)}},
		{op: "CumSum", opset: 14, name: "exclusive reverse", attrs: attrs(onnx.AttrInt("exclusive", 1), onnx.AttrInt("reverse", 1)), in: tensors{x, tensor.Scalar[int32](-1)}, want: tensors{mat(2, float32(4), 3, 0, 4, 2, 0)}},
		{op: "CumSum", opset: 14, name: "axis 0", in: tensors{x, tensor.Scalar[int64](0)}, want: tensors{mat(2, float32(3), 1, 3, 2, 3, 5)}},
		{op: "CumProd", opset: 26, in: tensors{vec[int32](2, 3, 4), tensor.Scalar[int64](0)}, want: tensors{vec[int32](2, 6, 24)}},
		{op: "CumProd", opset: 26, name: "exclusive", attrs: attrs(onnx.AttrInt("exclusive", 1)), in: tensors{half(2, 3, 4), tensor.Scalar[int64](0)}, want: tensors{half(1, 2, 6)}},
		{op: "CumSum", opset: 14, name: "axis of two", in: tensors{x, vec[int64](0, 1)}, err: `input 1: has shape (2), expected a scalar`},
		{op: "CumSum", opset: 14, name: "no such axis", in: tensors{x, vec[int64](2)}, err: `input 1: axis 2 is out of range for rank 2`},
		{op: "CumSum", opset: 11, name: "float16 before 14", in: tensors{half(1), vec[int64](0)}, err: `input 0: has type float16, expected float, int32, int64, double, uint32, uint64`},
	})
}

// TopK of any k is the head of the stable sort.
func TestTopKIsASortsHead(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	x := make([]float32, 200)
	for i := range x {
		x[i] = float32(r.IntN(40))
	}
	order := make([]int64, len(x))
	for i := range order {
		order[i] = int64(i)
	}
	slices.SortStableFunc(order, func(a, b int64) int { return int(x[b] - x[a]) })
	for k := range len(x) + 1 {
		out, err := run(t, node("TopK", 2, 2), 11, vec(x...), i64([]int64{int64(k)}, 1))
		require.NoError(t, err)
		require.Equal(t, order[:k], tensor.Of[int64](out[1]))
	}
}
