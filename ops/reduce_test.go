package ops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// naiveReduce gathers the elements that fold into each output element, in
// order, and applies f to them.
func naiveReduce(x []float64, shape []int, folded []bool, f func([]float64) float64) (y []float64) {
	var kept []int
	for i, d := range shape {
		if !folded[i] {
			kept = append(kept, d)
		}
	}
	groups := make([][]float64, tensor.Shape(kept).Len())
	for i, v := range x {
		at, size, rest := 0, 1, i
		for d := len(shape) - 1; d >= 0; d-- {
			if !folded[d] {
				at += rest % shape[d] * size
				size *= shape[d]
			}
			rest /= shape[d]
		}
		groups[at] = append(groups[at], v)
	}
	for _, g := range groups {
		y = append(y, f(g))
	}
	return y
}

var reductions = map[string]func([]float64) float64{
	"ReduceSum": func(g []float64) (s float64) {
		for _, v := range g {
			s += v
		}
		return s
	},
	"ReduceMean": func(g []float64) (s float64) {
		for _, v := range g {
			s += v / float64(len(g))
		}
		return s
	},
	"ReduceSumSquare": func(g []float64) (s float64) {
		for _, v := range g {
			s += v * v
		}
		return s
	},
	"ReduceL1": func(g []float64) (s float64) {
		for _, v := range g {
			s += math.Abs(v)
		}
		return s
	},
	"ReduceL2": func(g []float64) (s float64) {
		for _, v := range g {
			s = math.Hypot(s, v)
		}
		return s
	},
	"ReduceProd": func(g []float64) float64 {
		p := 1.0
		for _, v := range g {
			p *= v
		}
		return p
	},
	"ReduceMax": func(g []float64) float64 {
		m := math.Inf(-1)
		for _, v := range g {
			m = math.Max(m, v)
		}
		return m
	},
	"ReduceMin": func(g []float64) float64 {
		m := math.Inf(1)
		for _, v := range g {
			m = math.Min(m, v)
		}
		return m
	},
	"ReduceLogSum": func(g []float64) (s float64) {
		for _, v := range g {
			s += v
		}
		return math.Log(s)
	},
	"ReduceLogSumExp": func(g []float64) (s float64) {
		for _, v := range g {
			s += math.Exp(v)
		}
		return math.Log(s)
	},
}

// Every reduction over every set of axes, in every float type and int32, by
// attribute and by input.
func TestReduceEverySetOfAxes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	shape := []int{3, 1, 4, 9}
	x := make([]float64, 108)
	for i := range x {
		x[i] = float64(r.IntN(5) + 1)
	}
	for op, f := range reductions {
		t.Run(op, func(t *testing.T) {
			for set := range 16 {
				folded, axes := make([]bool, 4), []int64{}
				for d := range 4 {
					if folded[d] = set>>d&1 != 0; folded[d] {
						axes = append(axes, int64(d-4*(d%2)))
					}
				}
				want := naiveReduce(x, shape, folded, f)
				for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16, tensor.Int32} {
					keep := int64(set % 2)
					in := tensorOf(dt, x, shape...)
					n := node(op, 2, 1, onnx.AttrInt("keepdims", keep), onnx.AttrInt("noop_with_empty_axes", 1))
					out, err := run(t, n, 20, in, i64(axes, len(axes)))
					require.NoError(t, err)
					requireReduced(t, want, out[0], fmt.Sprintf("axes %v of %v", axes, dt))
					require.Equal(t, keep == 1 || len(axes) == 0, out[0].Rank() == 4)
					if len(axes) == 0 || dt == tensor.BFloat16 || op == "ReduceSum" {
						continue
					}
					old, err := run(t, node(op, 1, 1, onnx.AttrInt("keepdims", keep), onnx.AttrInts("axes", axes...)), 11, in)
					require.NoError(t, err)
					require.Equal(t, out[0].Bytes(), old[0].Bytes())
				}
			}
		})
	}
}

func requireReduced(t *testing.T, want []float64, y *tensor.Tensor, msg string) {
	t.Helper()
	got := floatsOf(t, y)
	require.Len(t, got, len(want), msg)
	for i, w := range want {
		if dt := y.DType(); dt == tensor.Float32 || dt == tensor.BFloat16 {
			w = float64(float32(w))
		}
		if y.DType() == tensor.Int32 {
			w = math.Trunc(w + 1e-9)
			if math.Abs(w) > math.MaxInt32 {
				continue
			}
		} else if y.DType() == tensor.Float16 && math.Abs(w) > 65504 {
			w = math.Inf(1)
		}
		if w != got[i] {
			require.InDelta(t, w, got[i], precision(y.DType())*(1+math.Abs(w)), msg)
		}
	}
}

func TestReduceEdges(t *testing.T) {
	axes := i64([]int64{1}, 1)
	empty := f32(nil, 2, 0)
	drop := onnx.AttrInt("keepdims", 0)
	runCases(t, "", []opCase{
		{op: "ReduceSum", opset: 13, name: "of nothing", attrs: attrs(drop), in: tensors{empty, axes}, want: tensors{vec[float32](0, 0)}},
		{op: "ReduceProd", opset: 18, name: "of nothing", attrs: attrs(drop), in: tensors{empty, axes}, want: tensors{vec[float32](1, 1)}},
		{op: "ReduceMean", opset: 18, name: "of nothing", attrs: attrs(drop), in: tensors{empty, axes}, want: tensors{vec(nan32, nan32)}},
		{op: "ReduceMax", opset: 18, name: "of nothing", attrs: attrs(drop), in: tensors{empty, axes}, want: tensors{vec(-inf32, -inf32)}},
		{op: "ReduceMin", opset: 18, name: "of nothing", attrs: attrs(drop), in: tensors{tensor.Must([]int8{}, 1, 0), axes}, want: tensors{vec[int8](127)}},
		{op: "ReduceMax", opset: 18, name: "of nothing", attrs: attrs(drop), in: tensors{tensor.Must([]int8{}, 1, 0), axes}, want: tensors{vec[int8](-128)}},
		{op: "ReduceLogSumExp", opset: 18, name: "of nothing", attrs: attrs(drop), in: tensors{empty, axes}, want: tensors{vec(-inf32, -inf32)}},
		{op: "ReduceLogSumExp", opset: 18, name: "large", in: tensors{vec[float32](1000, 1000)}, want: tensors{vec(float32(1000 + math.Ln2))}},
		{op: "ReduceMax", opset: 20, name: "bool", in: tensors{vec(false, true)}, want: tensors{vec(true)}},
		{op: "ReduceMin", opset: 20, name: "bool", in: tensors{vec(false, true)}, want: tensors{vec(false)}},
		{op: "ReduceMax", opset: 18, name: "NaN", in: tensors{vec(1, nan32, 2)}, want: tensors{vec(nan32)}},
		{op: "ReduceSum", opset: 13, name: "all axes by default", attrs: attrs(drop), in: tensors{mat(2, int64(1), 2, 3, 4)}, want: tensors{tensor.Scalar[int64](10)}},
		{op: "ReduceSum", opset: 13, name: "none of the axes", attrs: attrs(onnx.AttrInt("noop_with_empty_axes", 1)), in: tensors{vec[float32](1, 2)}, want: tensors{vec[float32](1, 2)}},
		{op: "ReduceSumSquare", opset: 18, name: "none of the axes", attrs: attrs(onnx.AttrInt("noop_with_empty_axes", 1)), in: tensors{vec[float32](3, -2)}, want: tensors{vec[float32](9, 4)}},
		{op: "ReduceSum", opset: 13, name: "rank 0", in: tensors{tensor.Scalar[float32](3)}, want: tensors{tensor.Scalar[float32](3)}},
		{op: "ReduceSum", opset: 13, name: "axis", in: tensors{vec[float32](1), i64([]int64{2}, 1)}, err: `input 1: axis 2 is out of range for rank 1`},
		{op: "ReduceMean", opset: 11, name: "axis", attrs: attrs(onnx.AttrInts("axes", -2)), in: tensors{vec[float32](1)}, err: `attribute "axes": axis -2 is out of range for rank 1`},
		{op: "ReduceMean", opset: 18, name: "attribute after 18", attrs: attrs(onnx.AttrInts("axes", 0)), in: tensors{vec[float32](1)}, err: `attribute "axes": unsupported`},
		{op: "ReduceMax", opset: 18, name: "bool before 20", in: tensors{vec(true)}, err: `input 0: has type bool, expected float, uint8, int8, int32, int64, float16, double, uint32, uint64, bfloat16`},
	})
}
