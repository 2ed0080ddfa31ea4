package ops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// attentionCase is one node of Attention.
type attentionCase struct {
	B, Hq, Hkv, Tq, Tkv, D, DV int
	flat                       bool
	past                       int
	mask                       []int // its shape
	boolMask                   bool
	causal                     bool
	softcap                    float32
	stage                      int64
	lens                       []int64
	scale                      float32
}

// naive is the definition, a scalar at a time in float64. Data are in
// (B, heads, T, width).
func (c *attentionCase) naive(q, k, v, mask, oldK, oldV []float64) (y, scores []float64) {
	total := c.past + c.Tkv
	scale := float64(c.scale)
	if scale == 0 {
		scale = 1 / math.Sqrt(float64(c.D))
	}
	read := func(old, now []float64, b, h, j, width, i int) float64 {
		if j < c.past {
			return old[((b*c.Hkv+h)*c.past+j)*width+i]
		}
		return now[((b*c.Hkv+h)*c.Tkv+j-c.past)*width+i]
	}
	for b := range c.B {
		for h := range c.Hq {
			g := h / (c.Hq / c.Hkv)
			for i := range c.Tq {
				s, kept := make([]float64, total), make([]float64, total)
				largest, sum := math.Inf(-1), 0.0
				for j := range total {
					for l := range c.D {
						s[j] += scale * q[((b*c.Hq+h)*c.Tq+i)*c.D+l] * read(oldK, k, b, g, j, c.D, l)
					}
					stages := [4]float64{s[j]}
					if c.softcap > 0 {
						s[j] = float64(c.softcap) * math.Tanh(s[j]/float64(c.softcap))
					}
					stages[1] = s[j]
					if mask != nil {
						at, ok := 0, true
						full := []int{b, h, i, j}[4-len(c.mask):]
						for d, e := range c.mask {
							if full[d] >= e && e != 1 {
								ok = false
							}
							at = at*e + full[d]%e
						}
						switch {
						case !ok || c.boolMask && mask[at] == 0:
							s[j] = math.Inf(-1)
						case !c.boolMask:
							s[j] += mask[at]
						}
					}
					if c.causal && j > i+c.past || c.lens != nil && int64(j) >= c.lens[b] {
						s[j] = math.Inf(-1)
					}
					stages[2] = s[j]
					kept[j] = stages[c.stage]
					largest = math.Max(largest, s[j])
				}
				for j := range s {
					s[j] = math.Exp(s[j] - largest)
					sum += s[j]
				}
				for j := range s {
					s[j] /= sum
					if c.stage == 3 {
						kept[j] = s[j]
					}
				}
				scores = append(scores, kept...)
				for l := range c.DV {
					var o float64
					for j := range s {
						o += s[j] * read(oldV, v, b, g, j, c.DV, l)
					}
					y = append(y, o)
				}
			}
		}
	}
	return y, scores
}

// mergeHeads turns (B, heads, T, width) into (B, T, heads*width).
func mergeHeads(v []float64, b, h, t, w int) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		bi, hi, ti, wi := i/(h*t*w), i/(t*w)%h, i/w%t, i%w
		out[((bi*t+ti)*h+hi)*w+wi] = x
	}
	return out
}

func TestAttention(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 1))
	for _, c := range []attentionCase{
		{B: 2, Hq: 3, Hkv: 3, Tq: 4, Tkv: 5, D: 6, DV: 7},
		{B: 2, Hq: 3, Hkv: 3, Tq: 4, Tkv: 5, D: 6, DV: 7, flat: true, scale: 0.5},
		{B: 2, Hq: 6, Hkv: 2, Tq: 4, Tkv: 5, D: 3, DV: 2},
		{B: 2, Hq: 6, Hkv: 2, Tq: 4, Tkv: 5, D: 3, DV: 2, flat: true, mask: []int{2, 6, 4, 5}},
		{B: 1, Hq: 2, Hkv: 2, Tq: 4, Tkv: 4, D: 3, DV: 3, causal: true},
		{B: 1, Hq: 2, Hkv: 2, Tq: 4, Tkv: 6, D: 3, DV: 3, causal: true},
		{B: 1, Hq: 2, Hkv: 2, Tq: 6, Tkv: 4, D: 3, DV: 3, causal: true},
		{B: 2, Hq: 4, Hkv: 2, Tq: 2, Tkv: 2, D: 3, DV: 4, causal: true, past: 3},
		{B: 2, Hq: 4, Hkv: 2, Tq: 2, Tkv: 3, D: 3, DV: 4, flat: true, past: 3, mask: []int{2, 6}},
		{B: 2, Hq: 2, Hkv: 2, Tq: 3, Tkv: 4, D: 3, DV: 3, mask: []int{3, 4}, boolMask: true},
		{B: 2, Hq: 2, Hkv: 2, Tq: 3, Tkv: 4, D: 3, DV: 3, mask: []int{2, 3, 4}, causal: true},
		{B: 2, Hq: 2, Hkv: 2, Tq: 3, Tkv: 4, D: 3, DV: 3, mask: []int{2, 1, 1, 4}, boolMask: true},
		{B: 2, Hq: 2, Hkv: 1, Tq: 3, Tkv: 4, D: 3, DV: 3, mask: []int{1, 2, 3, 1}},
		{B: 2, Hq: 2, Hkv: 2, Tq: 3, Tkv: 4, D: 3, DV: 3, mask: []int{3, 2}},
		{B: 2, Hq: 2, Hkv: 2, Tq: 3, Tkv: 4, D: 3, DV: 3, mask: []int{3, 2}, boolMask: true, causal: true},
		{B: 2, Hq: 2, Hkv: 2, Tq: 3, Tkv: 4, D: 3, DV: 3, lens: []int64{2, 4}},
		{B: 2, Hq: 2, Hkv: 2, Tq: 3, Tkv: 4, D: 3, DV: 3, lens: []int64{1, 3}, mask: []int{3, 4}, causal: true},
		{B: 1, Hq: 1, Hkv: 1, Tq: 60, Tkv: 70, D: 8, DV: 8, causal: true},
	} {
		for stage := range int64(4) {
			for _, softcap := range []float32{0, 1.5} {
				c.stage, c.softcap = stage, softcap
				for _, dt := range realTypes {
					if c.Tq > 10 && dt != tensor.Float32 {
						continue
					}
					t.Run(fmt.Sprintf("%v%+v", dt, c), func(t *testing.T) { c.check(t, r, dt) })
				}
			}
		}
	}
}

// check runs the node on random data and holds it against its definition, with
// all outputs and with the first alone.
func (c *attentionCase) check(t *testing.T, r *rand.Rand, dt tensor.DType) {
	random := func(b, h, n, w int) (*tensor.Tensor, []float64) {
		x := randomOf(r, dt, b, h, n, w)
		v := floatsOf(t, x)
		if c.flat {
			return tensorOf(dt, mergeHeads(v, b, h, n, w), b, n, h*w), v
		}
		return x, v
	}
	q, qv := random(c.B, c.Hq, c.Tq, c.D)
	k, kv := random(c.B, c.Hkv, c.Tkv, c.D)
	v, vv := random(c.B, c.Hkv, c.Tkv, c.DV)
	in := []*tensor.Tensor{q, k, v, nil, nil, nil, nil}
	var mask, oldK, oldV []float64
	if c.mask != nil {
		in[attMask] = randomOf(r, dt, c.mask...)
		mask = floatsOf(t, in[attMask])
		if c.boolMask {
			set := make([]bool, len(mask))
			for i := range set {
				set[i] = r.IntN(3) > 0 || i%c.mask[len(c.mask)-1] == 0 // no row without a key
				mask[i] = map[bool]float64{true: 1}[set[i]]
			}
			in[attMask] = tensor.Must(set, c.mask...)
		}
	}
	if c.past > 0 {
		in[attPastK], in[attPastV] = randomOf(r, dt, c.B, c.Hkv, c.past, c.D), randomOf(r, dt, c.B, c.Hkv, c.past, c.DV)
		oldK, oldV = floatsOf(t, in[attPastK]), floatsOf(t, in[attPastV])
	}
	if c.lens != nil {
		in[attLens] = i64(c.lens, c.B)
	}
	want, scores := c.naive(qv, kv, vv, mask, oldK, oldV)
	if c.flat {
		want = mergeHeads(want, c.B, c.Hq, c.Tq, c.DV)
	}
	y, err := run(t, node("Attention", 7, 4, c.attrs()...), 24, in...)
	require.NoError(t, err)
	requireNear(t, want, floatsOf(t, y[0]), 8*precision(dt))
	requireNear(t, scores, floatsOf(t, y[3]), 8*precision(dt))
	total := c.past + c.Tkv
	for i, x := range floatsOf(t, y[1]) {
		bh, j, l := i/(total*c.D), i/c.D%total, i%c.D
		if j < c.past {
			require.Equal(t, oldK[(bh*c.past+j)*c.D+l], x)
		} else {
			require.Equal(t, kv[(bh*c.Tkv+j-c.past)*c.D+l], x)
		}
	}
	require.Equal(t, tensor.Shape{c.B, c.Hkv, total, c.DV}, y[2].Shape())

	alone, err := run(t, node("Attention", 7, 1, c.attrs()...), 24, in...)
	require.NoError(t, err)
	requireNear(t, want, floatsOf(t, alone[0]), 8*precision(dt))
}

func (c *attentionCase) attrs() []*onnx.Attribute {
	attrs := []*onnx.Attribute{onnx.AttrInt("qk_matmul_output_mode", c.stage)}
	if c.flat {
		attrs = append(attrs, onnx.AttrInt("q_num_heads", int64(c.Hq)), onnx.AttrInt("kv_num_heads", int64(c.Hkv)))
	}
	if c.causal {
		attrs = append(attrs, onnx.AttrInt("is_causal", 1))
	}
	if c.softcap > 0 {
		attrs = append(attrs, onnx.AttrFloat("softcap", c.softcap))
	}
	if c.scale > 0 {
		attrs = append(attrs, onnx.AttrFloat("scale", c.scale))
	}
	return attrs
}

func TestAttentionOnAPool(t *testing.T) {
	r := rand.New(rand.NewPCG(42, 1))
	q, k := randomOf(r, tensor.Float32, 2, 4, 50, 16), randomOf(r, tensor.Float32, 2, 2, 40, 16)
	n := node("Attention", 3, 1)
	want, err := run(t, n, 23, q, k, k)
	require.NoError(t, err)
	kern, _, err := Standard().Bind(n, 23, nil)
	require.NoError(t, err)
	c := testCtx(n, []tensor.Value{q, k, k})
	c.Workers = kernel.NewPool(3)
	require.NoError(t, kern.Run(c))
	require.Equal(t, want[0].Bytes(), c.Outputs[0].(*tensor.Tensor).Bytes())
}

func TestRotaryEmbedding(t *testing.T) {
	r := rand.New(rand.NewPCG(43, 1))
	for _, flat := range []bool{false, true} {
		for _, interleaved := range []int64{0, 1} {
			for _, dim := range []int{0, 4} {
				for _, ids := range []bool{false, true} {
					for _, dt := range []tensor.DType{tensor.Float32, tensor.Float16, tensor.BFloat16} {
						B, H, T, D := 2, 3, 5, 6
						R := D
						if dim > 0 {
							R = dim
						}
						x := randomOf(r, dt, B, H, T, D)
						v := floatsOf(t, x)
						in := []*tensor.Tensor{x, randomOf(r, dt, B, T, R/2), randomOf(r, dt, B, T, R/2)}
						row := func(b, i int) int { return b*T + i }
						n := node("RotaryEmbedding", 3, 1)
						if ids {
							pos := make([]int64, B*T)
							for i := range pos {
								pos[i] = int64(r.IntN(9))
							}
							in = []*tensor.Tensor{x, randomOf(r, dt, 9, R/2), randomOf(r, dt, 9, R/2), i64(pos, B, T)}
							row = func(b, i int) int { return int(pos[b*T+i]) }
							n = node("RotaryEmbedding", 4, 1)
						}
						n.Attributes = []*onnx.Attribute{onnx.AttrInt("interleaved", interleaved), onnx.AttrInt("rotary_embedding_dim", int64(dim))}
						cos, sin := floatsOf(t, in[1]), floatsOf(t, in[2])
						want := append([]float64(nil), v...)
						for i := 0; i < len(v); i += D {
							at := row(i/(H*T*D), i/D%T) * (R / 2)
							for j := range R / 2 {
								a, b := i+j, i+j+R/2
								if interleaved == 1 {
									a, b = i+2*j, i+2*j+1
								}
								want[a] = cos[at+j]*v[a] - sin[at+j]*v[b]
								want[b] = sin[at+j]*v[a] + cos[at+j]*v[b]
							}
						}
						if flat {
							in[0] = tensorOf(dt, mergeHeads(v, B, H, T, D), B, T, H*D)
							want = mergeHeads(want, B, H, T, D)
							n.Attributes = append(n.Attributes, onnx.AttrInt("num_heads", int64(H)))
						}
						y, err := run(t, n, 23, in...)
						require.NoError(t, err)
						requireNear(t, want, floatsOf(t, y[0]), precision(dt))
					}
				}
			}
		}
	}
}

func TestAttentionRefuses(t *testing.T) {
	x := func(shape ...int) *tensor.Tensor {
		return randomOf(rand.New(rand.NewPCG(1, 1)), tensor.Float32, shape...)
	}
	q := x(1, 2, 3, 4)
	for _, c := range []struct {
		node *onnx.Node
		in   []*tensor.Tensor
		want string
	}{
		{node("Attention", 3, 1), []*tensor.Tensor{x(1, 3, 8), x(1, 3, 8), x(1, 3, 8)}, `attribute "q_num_heads": is missing, which inputs of rank 3 need`},
		{node("Attention", 3, 1, onnx.AttrInt("q_num_heads", 3)), []*tensor.Tensor{x(1, 3, 8), x(1, 3, 8), x(1, 3, 8)}, "input 0: has width 8, which 3 heads do not divide"},
		{node("Attention", 3, 1, onnx.AttrInt("kv_num_heads", 0)), []*tensor.Tensor{q, q, q}, `attribute "kv_num_heads": is 0, expected a positive number`},
		{node("Attention", 3, 1), []*tensor.Tensor{q, x(1, 3, 8), q}, "input 1: has rank 3, expected 4"},
		{node("Attention", 3, 1), []*tensor.Tensor{x(3, 4), q, q}, "input 0: has rank 2, expected 3 or 4"},
		{node("Attention", 3, 1), []*tensor.Tensor{x(1, 3, 3, 4), q, q}, "has 3 query heads, which 2 key heads do not divide"},
		{node("Attention", 3, 1), []*tensor.Tensor{q, x(1, 2, 3, 5), q}, "input 1: has width of a head 5, expected 4"},
		{node("Attention", 3, 1), []*tensor.Tensor{q, q, x(1, 2, 4, 4)}, "input 2: has length 4, expected 3"},
		{node("Attention", 4, 1), []*tensor.Tensor{q, q, q, x(2, 3)}, "input 3: shape (2, 3) does not broadcast to (1, 2, 3, 3)"},
		{node("Attention", 4, 1), []*tensor.Tensor{q, q, q, x(3, 4)}, "input 3: shape (3, 4) does not broadcast to (1, 2, 3, 3)"},
		{node("Attention", 6, 1), []*tensor.Tensor{q, q, q, nil, x(1, 2, 3, 5), q}, "input 4: has shape (1, 2, 3, 5), expected (1, 2, -1, 4)"},
		{node("Attention", 6, 1), []*tensor.Tensor{q, q, q, nil, x(1, 2, 5, 4), q}, "input 5: has length 3, expected 5 like input 4"},
		{node("Attention", 7, 1), []*tensor.Tensor{q, q, q, nil, nil, nil, i64([]int64{1, 2}, 2)}, "input 6: has shape (2), expected (1)"},
		{node("Attention", 3, 1, onnx.AttrInt("qk_matmul_output_mode", 4)), []*tensor.Tensor{q, q, q}, `attribute "qk_matmul_output_mode": is 4, expected 0 to 3`},
		{node("RotaryEmbedding", 3, 1), []*tensor.Tensor{x(1, 3, 8), x(1, 3, 4), x(1, 3, 4)}, `attribute "num_heads": is missing, which an input of rank 3 needs`},
		{node("RotaryEmbedding", 3, 1), []*tensor.Tensor{q, x(1, 3, 4), x(1, 3, 2)}, "input 1: has shape (1, 3, 4), expected (1, 3, 2)"},
		{node("RotaryEmbedding", 4, 1), []*tensor.Tensor{q, x(9, 2), x(7, 2), i64([]int64{0, 8, 7}, 1, 3)}, "input 3: position 8 at 1 is out of range for 7 cached positions"},
		{node("RotaryEmbedding", 3, 1, onnx.AttrInt("rotary_embedding_dim", 3)), []*tensor.Tensor{q, q, q}, `attribute "rotary_embedding_dim": is 3, expected an even number`},
	} {
		t.Run(c.want, func(t *testing.T) {
			_, err := run(t, c.node, 24, c.in...)
			require.EqualError(t, err, c.want)
		})
	}
}
