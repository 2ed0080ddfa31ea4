package ops

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// contribNode is a node of ONNX Runtime's domain.
func contribNode(name string, in, out int, attrs ...*onnx.Attribute) *onnx.Node {
	n := node(name, in, out, attrs...)
	n.Domain = "com.microsoft"
	return n
}

func TestFusedMatMul(t *testing.T) {
	r := rand.New(rand.NewPCG(71, 1))
	for trans := range int64(4) {
		for _, dt := range realTypes {
			a, b := randomOf(r, dt, 2, 3, 4), randomOf(r, dt, 4, 5)
			av, bv := floatsOf(t, a), floatsOf(t, b)
			want, shape := naiveMatMul(av, bv, a.Shape(), b.Shape())
			for i := range want {
				want[i] *= 0.5
			}
			if trans&1 != 0 {
				v := make([]float64, len(av))
				for i, x := range av {
					v[i/12*12+i%4*3+i/4%3] = x
				}
				a = tensorOf(dt, v, 2, 4, 3)
			}
			if trans&2 != 0 {
				v := make([]float64, len(bv))
				for i, x := range bv {
					v[i%5*4+i/5] = x
				}
				b = tensorOf(dt, v, 5, 4)
			}
			y, err := run(t, contribNode("FusedMatMul", 2, 1, onnx.AttrInt("transA", trans&1), onnx.AttrInt("transB", trans>>1), onnx.AttrFloat("alpha", 0.5)), 1, a, b)
			require.NoError(t, err)
			require.Equal(t, tensor.Shape(shape), y[0].Shape())
			requireNear(t, want, floatsOf(t, y[0]), precision(dt))
		}
	}
}

func TestContribGelu(t *testing.T) {
	r := rand.New(rand.NewPCG(72, 1))
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.BFloat16} {
		x, b := randomOf(r, dt, 2, 3, 5), randomOf(r, dt, 5)
		var exact, fast []float64
		for i, v := range floatsOf(t, x) {
			v += floatsOf(t, b)[i%5]
			exact = append(exact, v/2*(1+math.Erf(v/math.Sqrt2)))
			fast = append(fast, v/2*(1+math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v))))
		}
		y, err := run(t, contribNode("BiasGelu", 2, 1), 1, x, b)
		require.NoError(t, err)
		requireNear(t, exact, floatsOf(t, y[0]), precision(dt))
		y, err = run(t, contribNode("FastGelu", 2, 1), 1, x, b)
		require.NoError(t, err)
		requireNear(t, fast, floatsOf(t, y[0]), precision(dt))
	}
}

func TestSkipLayerNormalization(t *testing.T) {
	r := rand.New(rand.NewPCG(73, 1))
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float16} {
		for _, skipShape := range [][]int{{2, 3, 5}, {3, 5}, {1, 3, 5}} {
			x, skip := randomOf(r, dt, 2, 3, 5), randomOf(r, dt, skipShape...)
			gamma, beta, bias := randomOf(r, dt, 5), randomOf(r, dt, 5), randomOf(r, dt, 5)
			sum := floatsOf(t, x)
			for i := range sum {
				sum[i] += floatsOf(t, skip)[i%skip.Len()] + floatsOf(t, bias)[i%5]
			}
			var layer, simple []float64
			for row := range 6 {
				z, _, _ := naiveStandardize(sum, span(row*5, 1, 5), 1e-12)
				var sq float64
				for _, v := range sum[row*5 : row*5+5] {
					sq += v * v / 5
				}
				for i, v := range z {
					layer = append(layer, v*floatsOf(t, gamma)[i]+floatsOf(t, beta)[i])
					simple = append(simple, sum[row*5+i]/math.Sqrt(sq)*floatsOf(t, gamma)[i])
				}
			}
			y, err := run(t, contribNode("SkipLayerNormalization", 5, 4), 1, x, skip, gamma, beta, bias)
			require.NoError(t, err)
			requireNear(t, layer, floatsOf(t, y[0]), 2*precision(dt))
			requireNear(t, sum, floatsOf(t, y[3]), precision(dt))
			n := contribNode("SkipSimplifiedLayerNormalization", 4, 4)
			n.Outputs[1], n.Outputs[2] = "", ""
			y, err = run(t, n, 1, x, skip, gamma, bias)
			require.NoError(t, err)
			requireNear(t, simple, floatsOf(t, y[0]), 2*precision(dt))
		}
	}
}

func TestContribRefuses(t *testing.T) {
	x := func(shape ...int) *tensor.Tensor {
		return randomOf(rand.New(rand.NewPCG(1, 1)), tensor.Float32, shape...)
	}
	for _, c := range []struct {
		node *onnx.Node
		in   []*tensor.Tensor
		want string
	}{
		{contribNode("FusedMatMul", 2, 1, onnx.AttrInt("transBatchA", 1)), []*tensor.Tensor{x(2, 3, 4), x(2, 4, 5)}, "shapes (3) and (2) do not broadcast"},
		{contribNode("FusedMatMul", 2, 1, onnx.AttrInt("transB", 1)), []*tensor.Tensor{x(2, 3), x(3, 2)}, "shapes (2, 3) and (2, 3) have no matrix product"},
		{contribNode("BiasGelu", 2, 1), []*tensor.Tensor{x(2, 3), x(2)}, "input 1: has shape (2), expected (3)"},
		{contribNode("SkipLayerNormalization", 3, 1), []*tensor.Tensor{x(2, 3), x(4, 3), x(3)}, "input 1: shape (4, 3) does not broadcast to (2, 3)"},
		{contribNode("SkipLayerNormalization", 3, 1), []*tensor.Tensor{x(2, 3), x(2, 3), x(2)}, "input 2: has shape (2), expected (3)"},
	} {
		_, err := run(t, c.node, 1, c.in...)
		require.EqualError(t, err, c.want)
	}
}
