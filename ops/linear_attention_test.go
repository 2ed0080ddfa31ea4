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

// linearCase is one node of LinearAttention with batch, steps, heads of queries
// and of keys, and the widths of keys and values as below.
type linearCase struct {
	rule       string
	wide, past bool // decay per key element and beta for all heads; a state to begin with
}

const linB, linT, linH, linG, linDK, linDV = 2, 3, 4, 2, 3, 2

func (c *linearCase) decays() bool { return c.rule == "gated" || c.rule == "gated_delta" }
func (c *linearCase) deltas() bool { return c.rule == "delta" || c.rule == "gated_delta" }

// widths are those of decay and of beta.
func (c *linearCase) widths() (decay, beta int) {
	if c.wide {
		return linG * linDK, 1
	}
	return linG, linG
}

// inputs makes the node's tensors and their values. Keys, decays and betas are
// small: the state must not grow beyond float16.
func (c *linearCase) inputs(t *testing.T, r *rand.Rand, dt tensor.DType) (in []*tensor.Tensor, v [6][]float64) {
	const B, T = linB, linT
	decay, beta := c.widths()
	in = []*tensor.Tensor{randomOf(r, dt, B, T, linH*linDK), randomOf(r, dt, B, T, linG*linDK), randomOf(r, dt, B, T, linG*linDV), nil, nil, nil}
	if c.past {
		in[3] = randomOf(r, tensor.Float32, B, linG, linDK, linDV)
	}
	if c.decays() {
		in[4] = randomOf(r, dt, B, T, decay)
	}
	if c.deltas() {
		in[5] = randomOf(r, dt, B, T, beta)
	}
	for i, x := range in {
		if x == nil {
			continue
		}
		v[i] = floatsOf(t, x)
		if i == 1 || i > 3 {
			for j := range v[i] {
				v[i][j] /= 8
			}
			in[i] = tensorOf(dt, v[i], x.Shape()...)
		}
	}
	return in, v
}

// naive is the definition in float64: y (B, T, H*DV) and the last state (B, G,
// DK, DV).
func (c *linearCase) naive(v [6][]float64) (y, final []float64) {
	const B, T, H, G, DK, DV = linB, linT, linH, linG, linDK, linDV
	y, final = make([]float64, B*T*H*DV), make([]float64, B*G*DK*DV)
	copy(final, v[3])
	for bg := range B * G {
		for step := range T {
			g, at := bg%G, bg/G*T+step
			s := final[bg*DK*DV : (bg+1)*DK*DV]
			c.step(s, v, at, g)
			for h := g * H / G; h < (g+1)*H/G; h++ {
				for i := range DK * DV {
					y[(at*H+h)*DV+i%DV] += v[0][(at*H+h)*DK+i/DV] * s[i] / math.Sqrt(DK)
				}
			}
		}
	}
	return y, final
}

// step moves the state s (DK, DV) of key head g over position at of all.
func (c *linearCase) step(s []float64, v [6][]float64, at, g int) {
	const G, DK, DV = linG, linDK, linDV
	decayN, betaN := c.widths()
	for i := range s {
		switch {
		case v[4] != nil && c.wide:
			s[i] *= math.Exp(v[4][at*decayN+g*DK+i/DV])
		case v[4] != nil:
			s[i] *= math.Exp(v[4][at*decayN+g])
		}
	}
	u := make([]float64, DV)
	for m := range DV {
		u[m] = v[2][(at*G+g)*DV+m]
		if v[5] != nil {
			for i := range DK {
				u[m] -= v[1][(at*G+g)*DK+i] * s[i*DV+m]
			}
			u[m] *= v[5][at*betaN+g%betaN]
		}
	}
	for i := range s {
		s[i] += v[1][(at*G+g)*DK+i/DV] * u[i%DV]
	}
}

func TestLinearAttention(t *testing.T) {
	r := rand.New(rand.NewPCG(61, 1))
	for _, rule := range []string{"linear", "gated", "delta", "gated_delta"} {
		for i := range 4 {
			c := linearCase{rule, i&1 != 0, i&2 != 0}
			for _, dt := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.BFloat16} {
				in, v := c.inputs(t, r, dt)
				want, final := c.naive(v)
				y, err := run(t, node("LinearAttention", 6, 2, onnx.AttrInt("q_num_heads", linH), onnx.AttrInt("kv_num_heads", linG),
					onnx.AttrString("update_rule", rule)), 27, in...)
				require.NoError(t, err)
				requireNear(t, want, floatsOf(t, y[0]), 4*precision(dt))
				stateType := dt
				if c.past {
					stateType = tensor.Float32
				}
				require.Equal(t, stateType, y[1].DType())
				requireNear(t, final, floatsOf(t, y[1]), 4*precision(stateType))
			}
		}
	}
}

func TestCausalConvWithState(t *testing.T) {
	r := rand.New(rand.NewPCG(62, 1))
	const B, C = 2, 3
	for _, n := range []int{1, 2, 7} {
		for _, taps := range []int{1, 3, 4} {
			for _, act := range []string{"none", "silu"} {
				for _, dt := range []tensor.DType{tensor.Float32, tensor.Float16} {
					x, w, b, past := randomOf(r, dt, B, C, n), randomOf(r, dt, C, 1, taps), randomOf(r, dt, C), randomOf(r, dt, B, C, taps-1)
					y, err := run(t, node("CausalConvWithState", 4, 2, onnx.AttrString("activation", act)), 27, x, w, b, past)
					require.NoError(t, err)
					var want, state []float64
					for bc := range B * C {
						padded := append(append([]float64(nil), floatsOf(t, past)[bc*(taps-1):(bc+1)*(taps-1)]...), floatsOf(t, x)[bc*n:(bc+1)*n]...)
						for i := range n {
							s := floatsOf(t, b)[bc%C]
							for k := range taps {
								s += floatsOf(t, w)[bc%C*taps+k] * padded[i+k]
							}
							if act == "silu" {
								s /= 1 + math.Exp(-s)
							}
							want = append(want, s)
						}
						state = append(state, padded[n:]...)
					}
					requireNear(t, want, floatsOf(t, y[0]), precision(dt))
					requireNear(t, state, floatsOf(t, y[1]), 0)
				}
			}
		}
	}
}

func TestDeformConv(t *testing.T) {
	r := rand.New(rand.NewPCG(63, 1))
	for _, c := range []struct{ group, cin, cout, offsets int }{{1, 2, 3, 1}, {2, 2, 1, 2}, {1, 4, 2, 2}} {
		for _, dt := range realTypes {
			win := windowCase{in: []int{5, 6}, size: []int{2, 3}, strides: []int64{2, 1}, pads: []int64{1, 0, 1, 2}, dilations: []int64{1, 2}}
			out, pad, _ := win.place()
			n, taps := out[0]*out[1], 6
			C := c.group * c.cin
			x, w, b := randomOf(r, dt, 2, C, 5, 6), randomOf(r, dt, c.group*c.cout, c.cin, 2, 3), randomOf(r, dt, c.group*c.cout)
			off, mask := randomOf(r, dt, 2, c.offsets*taps*2, out[0], out[1]), randomOf(r, dt, 2, c.offsets*taps, out[0], out[1])
			y, err := run(t, node("DeformConv", 5, 1, append(win.attrs(true), onnx.AttrInt("group", int64(c.group)), onnx.AttrInt("offset_group", int64(c.offsets)))...),
				22, x, w, off, b, mask)
			require.NoError(t, err)
			xv, wv, ov, bv, mv := floatsOf(t, x), floatsOf(t, w), floatsOf(t, off), floatsOf(t, b), floatsOf(t, mask)
			var want []float64
			for batch := range 2 {
				for m := range c.group * c.cout {
					for o := range n {
						sum := bv[m]
						for ci := range c.cin {
							ch := m/c.cout*c.cin + ci
							for k := range taps {
								at := (batch*c.offsets+ch/(C/c.offsets))*taps + k
								i := float64(o/out[1]*2-pad[0]+k/3) + ov[2*at*n+o]
								j := float64(o%out[1]-pad[1]+k%3*2) + ov[(2*at+1)*n+o]
								var v float64 // every pixel by the tent it stands under
								for p := range 30 {
									di, dj := math.Abs(i-float64(p/6)), math.Abs(j-float64(p%6))
									v += math.Max(0, 1-di) * math.Max(0, 1-dj) * xv[(batch*C+ch)*30+p]
								}
								sum += wv[(m*c.cin+ci)*taps+k] * mv[at*n+o] * v
							}
						}
						want = append(want, sum)
					}
				}
			}
			requireNear(t, want, floatsOf(t, y[0]), precision(dt))
		}
	}
}

func TestFlexAttentionWithoutSubgraphs(t *testing.T) {
	r := rand.New(rand.NewPCG(64, 1))
	c := attentionCase{B: 2, Hq: 4, Hkv: 2, Tq: 3, Tkv: 5, D: 4, DV: 3}
	for _, dt := range realTypes {
		q, k, v := randomOf(r, dt, 2, 4, 3, 4), randomOf(r, dt, 2, 2, 5, 4), randomOf(r, dt, 2, 2, 5, 3)
		want, _ := c.naive(floatsOf(t, q), floatsOf(t, k), floatsOf(t, v), nil, nil, nil)
		n := node("FlexAttention", 3, 1)
		n.Domain = "ai.onnx.preview"
		y, err := run(t, n, 1, q, k, v)
		require.NoError(t, err)
		requireNear(t, want, floatsOf(t, y[0]), 2*precision(dt))
	}
}

func TestLinearAttentionRefuses(t *testing.T) {
	x := func(shape ...int) *tensor.Tensor {
		return randomOf(rand.New(rand.NewPCG(1, 1)), tensor.Float32, shape...)
	}
	heads := func(q, kv int64, rule string) []*onnx.Attribute {
		return []*onnx.Attribute{onnx.AttrInt("q_num_heads", q), onnx.AttrInt("kv_num_heads", kv), onnx.AttrString("update_rule", rule)}
	}
	for _, c := range []struct {
		node *onnx.Node
		in   []*tensor.Tensor
		want string
	}{
		{node("LinearAttention", 3, 1), []*tensor.Tensor{x(1, 2, 4), x(1, 2, 4), x(1, 2, 4)}, `attribute "q_num_heads": is missing`},
		{node("LinearAttention", 3, 1, heads(3, 2, "linear")...), []*tensor.Tensor{x(1, 2, 4), x(1, 2, 4), x(1, 2, 4)}, `attribute "q_num_heads": is 3, expected a positive multiple of kv_num_heads, 2`},
		{node("LinearAttention", 3, 1, heads(2, 2, "gated")...), []*tensor.Tensor{x(1, 2, 4), x(1, 2, 4), x(1, 2, 4)}, `attribute "update_rule": is "gated", which needs input 4 (decay)`},
		{node("LinearAttention", 6, 1, heads(2, 2, "linear")...), []*tensor.Tensor{x(1, 2, 4), x(1, 2, 4), x(1, 2, 4), nil, nil, x(1, 2, 2)}, `attribute "update_rule": is "linear", which has no input 5 (beta)`},
		{node("LinearAttention", 3, 1, heads(2, 2, "linear")...), []*tensor.Tensor{x(1, 2, 4), x(1, 2, 5), x(1, 2, 4)}, "input 1: has width 5, which 2 heads do not divide"},
		{node("LinearAttention", 3, 1, heads(2, 2, "linear")...), []*tensor.Tensor{x(1, 2, 4), x(1, 3, 4), x(1, 2, 4)}, "input 1: has shape (1, 3, 4), expected (1, 2, -1)"},
		{node("CausalConvWithState", 2, 1), []*tensor.Tensor{x(1, 2, 4), x(2, 2, 3)}, "input 1: has shape (2, 2, 3), expected (2, 1, -1)"},
		{node("CausalConvWithState", 2, 1), []*tensor.Tensor{x(1, 2, 4), x(2, 1, 0)}, "input 1: has no taps, expected at least 1"},
		{node("CausalConvWithState", 4, 1), []*tensor.Tensor{x(1, 2, 4), x(2, 1, 3), nil, x(1, 2, 3)}, "input 3: has shape (1, 2, 3), expected (1, 2, 2)"},
		{node("DeformConv", 3, 1), []*tensor.Tensor{x(1, 2, 4), x(2, 2, 3), x(1, 6, 2)}, "input 0 of rank 3, other than two spatial dimensions: unsupported"},
		{node("DeformConv", 3, 1), []*tensor.Tensor{x(1, 2, 4, 4), x(2, 2, 3, 3), x(1, 9, 2, 2)}, "input 2: has shape (1, 9, 2, 2), expected (1, 18, 2, 2)"},
	} {
		t.Run(fmt.Sprint(c.node.OpType, c.want), func(t *testing.T) {
			_, err := run(t, c.node, 27, c.in...)
			require.EqualError(t, err, c.want)
		})
	}
}
