package ops

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

func fused(opType string, inputs, outputs int, attrs ...*onnx.Attribute) *onnx.Node {
	n := node(opType, inputs, outputs, attrs...)
	n.Domain = FusedDomain
	return n
}

// ramp is a tensor of small values that differ.
func ramp(phase float64, shape ...int) *tensor.Tensor {
	data := make([]float32, tensor.Shape(shape).Len())
	for i := range data {
		data[i] = float32(math.Sin(phase + 0.9*float64(i)))
	}
	return f32(data, shape...)
}

// elem is x[i0, i1, ...].
func elem(x *tensor.Tensor, index ...int) float64 {
	off := 0
	for i, d := range x.Shape() {
		off = off*d + index[i]
	}
	return float64(tensor.Of[float32](x)[off])
}

func TestFusedLinear(t *testing.T) {
	acts := map[string]func(float64) float64{
		"":          func(v float64) float64 { return v },
		"Relu":      func(v float64) float64 { return math.Max(v, 0) },
		"Sigmoid":   func(v float64) float64 { return 1 / (1 + math.Exp(-v)) },
		"Tanh":      math.Tanh,
		"Gelu":      func(v float64) float64 { return v / 2 * (1 + math.Erf(v/math.Sqrt2)) },
		"Gelu:tanh": func(v float64) float64 { return v / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v))) },
		"Silu":      func(v float64) float64 { return v / (1 + math.Exp(-v)) },
	}
	x, w, b := ramp(0, 2, 3, 5), ramp(1, 4, 5), ramp(2, 4)
	for name, act := range acts {
		for _, bias := range []*tensor.Tensor{b, nil} {
			y, err := run(t, fused("Linear", 3, 1, onnx.AttrInt("transB", 1), onnx.AttrString("activation", name)), 1, x, w, bias)
			require.NoError(t, err)
			require.Equal(t, tensor.Shape{2, 3, 4}, y[0].Shape())
			for i := range 2 {
				for j := range 3 {
					for n := range 4 {
						sum := 0.0
						if bias != nil {
							sum = elem(b, n)
						}
						for k := range 5 {
							sum += elem(x, i, j, k) * elem(w, n, k)
						}
						require.InDelta(t, act(sum), elem(y[0], i, j, n), 1e-5, "%q", name)
					}
				}
			}
		}
	}
	for _, c := range []struct {
		in   []*tensor.Tensor
		attr string
		want string
	}{
		{[]*tensor.Tensor{x, ramp(0, 4, 4)}, "", "input 0: has extent 5 along its last axis, expected 4"},
		{[]*tensor.Tensor{x, ramp(0, 4)}, "", "input 1: has rank 1, expected 2"},
		{[]*tensor.Tensor{x, tensorOf(tensor.Int8, make([]float64, 20), 4, 5)}, "", "input 1: has type int8, expected float"},
		{[]*tensor.Tensor{x, w}, "Softplus", `attribute "activation": is "Softplus", expected one of Gelu, Gelu:tanh, Relu, Sigmoid, Silu, Tanh`},
	} {
		_, err := run(t, fused("Linear", 2, 1, onnx.AttrInt("transB", 1), onnx.AttrString("activation", c.attr)), 1, c.in...)
		require.EqualError(t, err, c.want)
	}
}

// fusedAttentionCase is one node of the optimiser's Attention.
type fusedAttentionCase struct {
	name         string
	q, k, v, out []int64 // q_perm and so on
	xq, xk, xv   *tensor.Tensor
	mask         *tensor.Tensor
	b, h, tq, d  int // of the result: batch, heads, queries, width
	e            int // keys
}

const fusedScale = 0.6

func fusedPerms(q, k, v, out []int64) []*onnx.Attribute {
	return []*onnx.Attribute{onnx.AttrInts("q_perm", q...), onnx.AttrInts("k_perm", k...), onnx.AttrInts("v_perm", v...), onnx.AttrInts("out_perm", out...), onnx.AttrFloat("scale", fusedScale)}
}

// get reads an element by (batch, heads, time, width), of which axis i is axis
// perm[i] of x; an extent of 1 stands for any.
func (c *fusedAttentionCase) get(x *tensor.Tensor, perm []int64, index ...int) float64 {
	var own [4]int
	for i, p := range perm {
		own[p] = min(index[i], x.Dim(int(p))-1)
	}
	return elem(x, own[:]...)
}

// weights are those of the keys for query i of head h of batch b.
func (c *fusedAttentionCase) weights(b, h, i int) []float64 {
	w, sum := make([]float64, c.e), 0.0
	for j := range w {
		s := 0.0
		for k := range c.xq.Dim(3) {
			s += fusedScale * c.get(c.xq, c.q, b, h, i, k) * c.get(c.xk, c.k, b, h, j, k)
		}
		if c.mask != nil {
			var own []int
			for a, v := range []int{b, h, i, j}[4-c.mask.Rank():] {
				own = append(own, min(v, c.mask.Dim(a)-1))
			}
			s += elem(c.mask, own...)
		}
		w[j] = math.Exp(s)
		sum += w[j]
	}
	for j := range w {
		w[j] /= sum
	}
	return w
}

// Attention against its formula in float64: every layout, masks of every shape
// that broadcasts, also one that repeats the scores.
func TestFusedAttention(t *testing.T) {
	straight, timeFirst := []int64{0, 1, 2, 3}, []int64{0, 2, 1, 3}
	for _, c := range []fusedAttentionCase{
		{"straight", straight, straight, straight, straight, ramp(0, 2, 3, 4, 5), ramp(1, 2, 3, 6, 5), ramp(2, 2, 3, 6, 7), nil, 2, 3, 4, 7, 6},
		{"time first", timeFirst, timeFirst, timeFirst, timeFirst, ramp(0, 2, 4, 3, 5), ramp(1, 2, 6, 3, 5), ramp(2, 2, 6, 3, 7), ramp(3, 4, 6), 2, 3, 4, 7, 6},
		{"mask of one column", straight, straight, straight, straight, ramp(0, 2, 3, 4, 5), ramp(1, 2, 3, 6, 5), ramp(2, 2, 3, 6, 7), ramp(3, 2, 1, 4, 1), 2, 3, 4, 7, 6},
		{"one query, one batch of keys", straight, straight, straight, timeFirst, ramp(0, 2, 3, 1, 5), ramp(1, 1, 3, 6, 5), ramp(2, 1, 3, 6, 7), ramp(3, 2, 1, 4, 6), 2, 3, 4, 7, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := []*tensor.Tensor{c.xq, c.xk, c.xv}
			if c.mask != nil {
				in = append(in, c.mask)
			}
			y, err := run(t, fused("Attention", len(in), 2, fusedPerms(c.q, c.k, c.v, c.out)...), 1, in...)
			require.NoError(t, err)
			require.Equal(t, tensor.Shape{c.b, c.h, c.tq, c.e}, y[1].Shape())
			coords([]int{c.b, c.h, c.tq}, func(at []int) {
				b, h, i := at[0], at[1], at[2]
				w := c.weights(b, h, i)
				for j := range w {
					require.InDelta(t, w[j], elem(y[1], b, h, i, j), 1e-5)
				}
				for k := range c.d {
					want := 0.0
					for j := range w {
						want += w[j] * c.get(c.xv, c.v, b, h, j, k)
					}
					var own []int
					for _, p := range c.out {
						own = append(own, []int{b, h, i, k}[p])
					}
					require.InDelta(t, want, elem(y[0], own...), 1e-5)
				}
			})
		})
	}
	for _, c := range []struct {
		in   []*tensor.Tensor
		want string
	}{
		{[]*tensor.Tensor{ramp(0, 2, 3, 4, 5), ramp(1, 2, 3, 6, 4), ramp(2, 2, 3, 6, 7)}, "queries have shape (2, 3, 4, 5), keys (2, 3, 6, 4), values (2, 3, 6, 7)"},
		{[]*tensor.Tensor{ramp(0, 4, 5), ramp(1, 2, 3, 6, 4), ramp(2, 2, 3, 6, 7)}, "input 0: has rank 2, expected 4"},
		{[]*tensor.Tensor{ramp(0, 2, 3, 4, 5), ramp(1, 2, 3, 6, 5), ramp(2, 2, 3, 6, 7), ramp(3, 3, 6)}, "input 3: shape (3, 6) does not broadcast to (2, 3, 4, 6)"},
	} {
		_, err := run(t, fused("Attention", len(c.in), 1, fusedPerms(straight, straight, straight, straight)...), 1, c.in...)
		require.EqualError(t, err, c.want)
	}
	_, err := run(t, fused("Attention", 3, 1, fusedPerms([]int64{0, 1, 3, 2}, straight, straight, straight)...), 1, ramp(0, 1, 1, 1, 1), ramp(0, 1, 1, 1, 1), ramp(0, 1, 1, 1, 1))
	require.EqualError(t, err, `attribute "q_perm": is [0 1 3 2], expected a permutation of 3 or 4 axes that leaves the last in its place`)
}

// Recurrent nodes in another order of axes give what a transpose of their own
// output does.
func TestFusedRecurrent(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	axes := func(p ...int64) func(name string) *onnx.Attribute {
		return func(name string) *onnx.Attribute { return onnx.AttrInts(name, p...) }
	}
	for _, op := range []string{"RNN", "GRU", "LSTM", "DynamicQuantizeLSTM"} {
		for _, direction := range []string{"forward", "bidirectional"} {
			c := recurrentCase{op: op, T: 4, B: 3, I: 2, H: 5, direction: direction, states: true, lens: []int64{4, 1, 3}, resetLast: map[string]int{"GRU": 1}[op]}
			node, opset := c.node, int64(14)
			if op == "DynamicQuantizeLSTM" {
				c.op = "LSTM"
				node = func() *onnx.Node {
					n := contribNode(op, 12, 3)
					n.Attributes = c.node().Attributes
					return n
				}
				opset = 1
			}
			in := c.inputs(r, tensor.Float32)
			if c.op != op {
				in = append(in[:inP:inP], nil, nil, nil, nil, nil)
				d := c.directions()
				for i, depth := range map[int]int{inW: c.I, inR: c.H} {
					v := make([]float64, d*depth*4*c.H)
					for j := range v {
						v[j] = float64(r.IntN(255) - 127)
					}
					in[i] = tensorOf(tensor.Int8, v, d, depth, 4*c.H)
					in[dynWScale+2*(i-inW)] = tensorOf(tensor.Float32, []float64{.01, .02}[:d], d)
					in[dynWZero+2*(i-inW)] = tensorOf(tensor.Int8, []float64{3, -2}[:d], d)
				}
			}
			want, err := run(t, node(), opset, in...)
			require.NoError(t, err)
			for _, x := range [][]int64{{0, 1, 2}, {1, 0, 2}} {
				for _, y := range [][]int64{{0, 1, 2, 3}, {0, 2, 1, 3}, {2, 0, 1, 3}, {1, 2, 0, 3}, {2, 1, 0, 3}} {
					n := node()
					n.Domain = FusedDomain
					n.Attributes = append(n.Attributes, axes(x...)("x_perm"), axes(y...)("y_perm"))
					turned := append([]*tensor.Tensor{transposed(t, in[inX], x)}, in[1:]...)
					got, err := run(t, n, 1, turned...)
					require.NoError(t, err)
					require.Equal(t, transposed(t, want[0], y).Bytes(), got[0].Bytes(), "%s %s, x %v, y %v", op, direction, x, y)
					for i := range want[1:] {
						require.Equal(t, want[1+i].Bytes(), got[1+i].Bytes())
					}
				}
			}
		}
	}
	for _, c := range []struct {
		attrs []*onnx.Attribute
		want  string
	}{
		{[]*onnx.Attribute{axes(0, 1, 2)("x_perm")}, `attribute "y_perm": is missing`},
		{[]*onnx.Attribute{axes(2, 1, 0)("x_perm"), axes(0, 1, 2, 3)("y_perm")}, `attribute "x_perm": is [2 1 0], expected a permutation of 3 axes that leaves the last in its place`},
		{[]*onnx.Attribute{axes(0, 1, 2)("x_perm"), axes(0, 1, 1, 3)("y_perm")}, `attribute "y_perm": is [0 1 1 3], expected a permutation of 4 axes that leaves the last in its place`},
	} {
		_, err := run(t, fused("LSTM", 3, 1, c.attrs...), 1, ramp(0, 2, 1, 3), ramp(1, 1, 8, 3), ramp(2, 1, 8, 2))
		require.EqualError(t, err, c.want)
	}
}

// transposed is Transpose of x.
func transposed(t *testing.T, x *tensor.Tensor, perm []int64) *tensor.Tensor {
	y, err := run(t, node("Transpose", 1, 1, onnx.AttrInts("perm", perm...)), 13, x)
	require.NoError(t, err)
	return y[0]
}
