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

var realTypes = []tensor.DType{tensor.Float64, tensor.Float32, tensor.Float16, tensor.BFloat16}

// naiveStandardize subtracts the mean of x's elements at the given indices and
// divides by the deviation, in float64.
func naiveStandardize(x []float64, at []int, eps float64) (y []float64, mean, rstd float64) {
	for _, i := range at {
		mean += x[i] / float64(len(at))
	}
	var v float64
	for _, i := range at {
		v += (x[i] - mean) * (x[i] - mean) / float64(len(at))
	}
	rstd = 1 / math.Sqrt(v+eps)
	for _, i := range at {
		y = append(y, (x[i]-mean)*rstd)
	}
	return y, mean, rstd
}

// span is from, from+step, ... n of them.
func span(from, step, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = from + i*step
	}
	return out
}

func TestLayerNormalization(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	for _, dt := range realTypes {
		for _, axis := range []int64{0, 1, 2, -1, -2} {
			shape := []int{2, 3, 5}
			at := int(axis+3) % 3
			rows, n := tensor.Shape(shape[:at]).Len(), tensor.Shape(shape[at:]).Len()
			x, scale, bias := randomOf(r, dt, shape...), randomOf(r, dt, shape[at:]...), randomOf(r, dt, shape[at:]...)
			y, err := run(t, node("LayerNormalization", 3, 3, onnx.AttrInt("axis", axis), onnx.AttrFloat("epsilon", 0.125)), 17, x, scale, bias)
			require.NoError(t, err)
			var want, means, rstds []float64
			for row := range rows {
				z, m, s := naiveStandardize(floatsOf(t, x), span(row*n, 1, n), 0.125)
				for i := range z {
					want = append(want, z[i]*floatsOf(t, scale)[i]+floatsOf(t, bias)[i])
				}
				means, rstds = append(means, m), append(rstds, s)
			}
			requireNear(t, want, floatsOf(t, y[0]), precision(dt))
			requireNear(t, means, floatsOf(t, y[1]), 2e-6)
			requireNear(t, rstds, floatsOf(t, y[2]), 2e-6)
			require.Equal(t, tensor.Float32, y[1].DType())
			require.Len(t, y[1].Shape(), 3)

			y, err = run(t, node("RMSNormalization", 2, 1, onnx.AttrInt("axis", axis), onnx.AttrFloat("epsilon", 0.125)), 23, x, scale)
			require.NoError(t, err)
			want = want[:0]
			for row := range rows {
				var sq float64
				for _, v := range floatsOf(t, x)[row*n : (row+1)*n] {
					sq += v * v / float64(n)
				}
				for i, v := range floatsOf(t, x)[row*n : (row+1)*n] {
					want = append(want, v/math.Sqrt(sq+0.125)*floatsOf(t, scale)[i])
				}
			}
			requireNear(t, want, floatsOf(t, y[0]), precision(dt))
		}
	}
	x := f32([]float32{1, 3}, 1, 2)
	y, err := run(t, node("LayerNormalization", 3, 1), 17, x, f32([]float32{2}), f32([]float32{1}, 1))
	require.NoError(t, err)
	requireNear(t, []float64{-1, 3}, floatsOf(t, y[0]), 2e-5)
	y, err = run(t, node("LayerNormalization", 2, 2, onnx.AttrInt("stash_type", 16)), 17, x, f32([]float32{2, 2}, 2))
	require.NoError(t, err)
	require.Equal(t, tensor.BFloat16, y[1].DType())
	y, err = run(t, node("RMSNormalization", 2, 1), 23, tensorOf(tensor.Float16, []float64{3, 4}, 2), f32([]float32{1, 2}, 2))
	require.NoError(t, err)
	require.Equal(t, tensor.Float32, y[0].DType(), "the scale's type is the output's")
}

func TestGroupAndInstanceNormalization(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 1))
	for _, dt := range realTypes {
		for _, shape := range [][]int{{2, 4, 3, 2}, {3, 4, 7}, {1, 4, 2, 1, 3}} {
			size := tensor.Shape(shape[2:]).Len()
			for _, groups := range []int{1, 2, 4} {
				for _, opset := range []int64{18, 21} {
					x, scale, bias := randomOf(r, dt, shape...), randomOf(r, dt, 4), randomOf(r, dt, 4)
					index := func(channel int) int { return channel }
					if opset < 21 {
						scale, bias = randomOf(r, dt, groups), randomOf(r, dt, groups)
						index = func(channel int) int { return channel / (4 / groups) }
					}
					y, err := run(t, node("GroupNormalization", 3, 1, onnx.AttrInt("num_groups", int64(groups))), opset, x, scale, bias)
					require.NoError(t, err)
					n := 4 / groups * size
					var want []float64
					for g := range shape[0] * groups {
						z, _, _ := naiveStandardize(floatsOf(t, x), span(g*n, 1, n), float64(float32(1e-5)))
						for i, v := range z {
							c := index((g*n + i) / size % 4)
							want = append(want, v*floatsOf(t, scale)[c]+floatsOf(t, bias)[c])
						}
					}
					requireNear(t, want, floatsOf(t, y[0]), 4*precision(dt))
					if groups == 4 {
						z, err := run(t, node("InstanceNormalization", 3, 1), 22, x, scale, bias)
						require.NoError(t, err)
						requireNear(t, want, floatsOf(t, z[0]), 4*precision(dt))
					}
				}
			}
		}
	}
}

func TestAxisNormalizations(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 1))
	for _, dt := range realTypes {
		x := randomOf(r, dt, 2, 5, 3)
		v := floatsOf(t, x)
		for _, p := range []int64{1, 2} {
			y, err := run(t, node("LpNormalization", 1, 1, onnx.AttrInt("axis", 1), onnx.AttrInt("p", p)), 22, x)
			require.NoError(t, err)
			want := make([]float64, len(v))
			for o := range 2 {
				for j := range 3 {
					var norm float64
					for _, i := range span(o*15+j, 3, 5) {
						norm += math.Pow(math.Abs(v[i]), float64(p))
					}
					for _, i := range span(o*15+j, 3, 5) {
						want[i] = v[i] / math.Pow(norm, 1/float64(p))
					}
				}
			}
			requireNear(t, want, floatsOf(t, y[0]), precision(dt))
		}
		for _, size := range []int64{1, 2, 3, 4, 11} {
			y, err := run(t, node("LRN", 1, 1, onnx.AttrInt("size", size), onnx.AttrFloat("alpha", 0.5), onnx.AttrFloat("beta", 0.25), onnx.AttrFloat("bias", 2)), 13, x)
			require.NoError(t, err)
			want := make([]float64, len(v))
			for i := range v {
				var sum float64
				c := i / 3 % 5
				for k := max(0, c-int(size-1)/2); k <= min(4, c+int(math.Ceil(float64(size-1)/2))); k++ {
					sum += v[i+(k-c)*3] * v[i+(k-c)*3]
				}
				want[i] = v[i] / math.Pow(2+0.5/float64(size)*sum, 0.25)
			}
			requireNear(t, want, floatsOf(t, y[0]), precision(dt))
		}
		y, err := run(t, node("MeanVarianceNormalization", 1, 1, onnx.AttrInts("axes", 0, -1)), 13, x)
		require.NoError(t, err)
		want := make([]float64, len(v))
		for c := range 5 {
			at := append(span(c*3, 1, 3), span(15+c*3, 1, 3)...)
			z, _, _ := naiveStandardize(v, at, 0)
			for k, i := range at {
				want[i] = z[k]
			}
		}
		requireNear(t, want, floatsOf(t, y[0]), max(precision(dt), 2e-9))
	}
	y, err := run(t, node("LpNormalization", 1, 1), 1, f32([]float32{0, 0}, 2))
	require.NoError(t, err)
	require.Equal(t, []float32{0, 0}, tensor.Of[float32](y[0]), "a norm of 0 gives 0")
}

func TestBatchNormalization(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 1))
	for _, dt := range realTypes {
		for _, shape := range [][]int{{2, 3, 4, 2}, {4, 3}, {2, 3, 5}} {
			x, scale, bias, mean := randomOf(r, dt, shape...), randomOf(r, dt, 3), randomOf(r, dt, 3), randomOf(r, dt, 3)
			variance := tensorOf(dt, []float64{0.5, 1, 2}, 3)
			size := tensor.Shape(shape[2:]).Len()
			y, err := run(t, node("BatchNormalization", 5, 1, onnx.AttrFloat("epsilon", 0.125)), 15, x, scale, bias, mean, variance)
			require.NoError(t, err)
			var want []float64
			for i, v := range floatsOf(t, x) {
				c := i / size % 3
				want = append(want, (v-floatsOf(t, mean)[c])/math.Sqrt(floatsOf(t, variance)[c]+0.125)*floatsOf(t, scale)[c]+floatsOf(t, bias)[c])
			}
			requireNear(t, want, floatsOf(t, y[0]), precision(dt))

			train := node("BatchNormalization", 5, 3, onnx.AttrInt("training_mode", 1), onnx.AttrFloat("momentum", 0.75))
			opset := int64(15)
			if dt != tensor.BFloat16 && r.IntN(2) == 0 { // the same before opset 14, with two outputs more
				train, opset = node("BatchNormalization", 5, 5, onnx.AttrFloat("momentum", 0.75)), 9
			}
			y, err = run(t, train, opset, x, scale, bias, mean, variance)
			require.NoError(t, err)
			want = make([]float64, x.Len())
			for c := range 3 {
				var at []int
				for i := range want {
					if i/size%3 == c {
						at = append(at, i)
					}
				}
				z, m, rstd := naiveStandardize(floatsOf(t, x), at, float64(float32(1e-5)))
				for k, i := range at {
					want[i] = z[k]*floatsOf(t, scale)[c] + floatsOf(t, bias)[c]
				}
				v := 1/(rstd*rstd) - float64(float32(1e-5))
				require.InDelta(t, 0.75*floatsOf(t, mean)[c]+0.25*m, floatsOf(t, y[1])[c], 8*precision(dt))
				require.InDelta(t, 0.75*floatsOf(t, variance)[c]+0.25*v, floatsOf(t, y[2])[c], 8*precision(dt))
				if opset == 9 {
					require.InDelta(t, m, floatsOf(t, y[3])[c], 8*precision(dt))
					require.InDelta(t, v, floatsOf(t, y[4])[c], 16*precision(dt))
				}
			}
			requireNear(t, want, floatsOf(t, y[0]), 4*precision(dt))
		}
	}
}

func TestBatchNormalizationOld(t *testing.T) {
	x := f32([]float32{1, 2, 3, 4}, 1, 2, 2)
	row := func(v ...float32) *tensor.Tensor { return f32(v, 2, 2) }
	y, err := run(t, node("BatchNormalization", 5, 1, onnx.AttrInt("spatial", 0), onnx.AttrFloat("epsilon", 0)), 7,
		x, row(1, 2, 3, 4), row(0, 0, 0, 1), row(0, 1, 2, 3), row(1, 1, 4, 1))
	require.NoError(t, err)
	requireNear(t, []float64{1, 2, 1.5, 5}, floatsOf(t, y[0]), 1e-6)

	c := func(v ...float32) *tensor.Tensor { return f32(v, 2) }
	y, err = run(t, node("BatchNormalization", 5, 1, onnx.AttrInt("is_test", 1), onnx.AttrFloat("epsilon", 0)), 6,
		x, c(1, 1), c(0, 0), c(1, 3), c(1, 1))
	require.NoError(t, err)
	requireNear(t, []float64{0, 1, 0, 1}, floatsOf(t, y[0]), 1e-6)
	y, err = run(t, node("BatchNormalization", 5, 1, onnx.AttrFloat("epsilon", 0)), 6, x, c(1, 1), c(0, 0), c(1, 3), c(1, 1))
	require.NoError(t, err)
	requireNear(t, []float64{-1, 1, -1, 1}, floatsOf(t, y[0]), 1e-6)
}

func TestNormalizationsRefuse(t *testing.T) {
	x := func(shape ...int) *tensor.Tensor {
		return randomOf(rand.New(rand.NewPCG(1, 1)), tensor.Float32, shape...)
	}
	half := randomOf(rand.New(rand.NewPCG(1, 1)), tensor.Float16, 3)
	for _, c := range []struct {
		node  *onnx.Node
		opset int64
		in    []*tensor.Tensor
		want  string
	}{
		{node("LayerNormalization", 2, 1, onnx.AttrInt("axis", 2)), 17, []*tensor.Tensor{x(2, 3), x(3)}, "axis 2 is out of range for rank 2"},
		{node("LayerNormalization", 2, 1), 17, []*tensor.Tensor{x(2, 3), x(4)}, "input 1: shape (4) does not broadcast to the normalised dimensions (3)"},
		{node("LayerNormalization", 2, 1), 17, []*tensor.Tensor{x(2, 3), half}, "input 1: has type float16, expected float like input 0"},
		{node("LayerNormalization", 2, 1, onnx.AttrInt("stash_type", 7)), 17, []*tensor.Tensor{x(2, 3), x(3)}, `attribute "stash_type": is int64, expected float, float16, double, bfloat16`},
		{node("GroupNormalization", 3, 1), 21, []*tensor.Tensor{x(2, 3), x(3), x(3)}, `attribute "num_groups": is missing`},
		{node("GroupNormalization", 3, 1, onnx.AttrInt("num_groups", 2)), 21, []*tensor.Tensor{x(2, 3), x(3), x(3)}, "input 0: has 3 channels, which 2 groups do not divide"},
		{node("GroupNormalization", 3, 1, onnx.AttrInt("num_groups", 1), onnx.AttrInt("stash_type", 1)), 18, []*tensor.Tensor{x(2, 3), x(1), x(1)}, `attribute "stash_type": unsupported`},
		{node("InstanceNormalization", 3, 1), 6, []*tensor.Tensor{x(2), x(3), x(3)}, "input 0: has rank 1, expected at least 2"},
		{node("InstanceNormalization", 3, 1), 6, []*tensor.Tensor{x(2, 3, 4), x(3), x(2)}, "input 2: has shape (2), expected (3)"},
		{node("LpNormalization", 1, 1, onnx.AttrInt("p", 3)), 22, []*tensor.Tensor{x(2)}, `attribute "p": is 3, expected 1 or 2`},
		{node("LRN", 1, 1), 13, []*tensor.Tensor{x(2, 3)}, `attribute "size": is missing`},
		{node("LRN", 1, 1, onnx.AttrInt("size", 3)), 13, []*tensor.Tensor{x(2)}, "input 0: has rank 1, expected at least 2"},
		{node("MeanVarianceNormalization", 1, 1), 9, []*tensor.Tensor{x(2, 3)}, "axis 2 is out of range for rank 2"},
		{node("BatchNormalization", 5, 1), 9, []*tensor.Tensor{x(2, 3), x(3), x(3), x(3), x(2)}, "input 4: has shape (2), expected (3)"},
		{node("BatchNormalization", 5, 1), 9, []*tensor.Tensor{x(2, 3), x(3), half, x(3), x(2)}, "input 2: has type float16, expected float like input 0"},
		{node("BatchNormalization", 5, 3), 15, []*tensor.Tensor{x(2, 3), x(3), x(3), x(3), x(3)}, `attribute "training_mode": is 0, which has one output only`},
	} {
		t.Run(fmt.Sprint(c.node.OpType, c.want), func(t *testing.T) {
			_, err := run(t, c.node, c.opset, c.in...)
			require.EqualError(t, err, c.want)
		})
	}
}
