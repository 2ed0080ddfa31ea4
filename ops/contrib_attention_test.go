package ops

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// Queries, keys and values in one tensor are the same numbers in another order.
// ONNX Runtime has the packed forms on GPUs only.
func TestMultiHeadAttentionPacked(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 1))
	const b, n, steps, keys, d = 2, 3, 4, 5, 6
	heads := onnx.AttrInt("num_heads", n)
	bias := randomOf(r, tensor.Float32, 3*n*d)
	pack := func(length int, parts ...*tensor.Tensor) *tensor.Tensor {
		var out []float64
		for i := range b * length * n {
			for _, p := range parts {
				out = append(out, floatsOf(t, p)[i*d:(i+1)*d]...)
			}
		}
		return tensorOf(tensor.Float32, out, b, length, n, len(parts), d)
	}
	q := randomOf(r, tensor.Float32, b, steps, n*d)
	for _, length := range []int{steps, keys} {
		k, v := randomOf(r, tensor.Float32, b, length, n*d), randomOf(r, tensor.Float32, b, length, n*d)
		want, err := run(t, contribNode("MultiHeadAttention", 4, 3, heads), 1, q, k, v, bias)
		require.NoError(t, err)
		in := []*tensor.Tensor{q, pack(length, k, v), nil, bias}
		if length == steps {
			in = []*tensor.Tensor{pack(length, q, k, v), nil, nil, bias}
		}
		got, err := run(t, contribNode("MultiHeadAttention", 4, 3, heads), 1, in...)
		require.NoError(t, err)
		for i := range want {
			require.Equal(t, want[i].Bytes(), got[i].Bytes(), "output %d", i)
		}
	}
}

// In 16 bits the result is that of the same numbers in float32, rounded once.
func TestContribAttentionInHalf(t *testing.T) {
	i32 := func(v ...float64) *tensor.Tensor { return tensorOf(tensor.Int32, v, len(v)) }
	heads, groups := onnx.AttrInt("num_heads", 2), onnx.AttrInt("kv_num_heads", 1)
	for name, c := range map[string]struct {
		node   *onnx.Node
		shapes [][]int // of real inputs; nil: of others
		others []*tensor.Tensor
	}{
		"MultiHeadAttention": {contribNode("MultiHeadAttention", 8, 3, heads, onnx.AttrInt("unidirectional", 1)),
			[][]int{{1, 3, 8}, {1, 3, 8}, {1, 3, 8}, {24}, nil, {1, 1, 3, 5}, {1, 2, 2, 4}, {1, 2, 2, 4}}, []*tensor.Tensor{4: i32(4)}},
		"Attention": {contribNode("Attention", 5, 2, heads), [][]int{{1, 3, 5}, {5, 24}, {24}, nil, {2, 1, 2, 2, 4}}, []*tensor.Tensor{3: i32(4)}},
		"GroupQueryAttention": {contribNode("GroupQueryAttention", 7, 3, heads, groups), [][]int{{1, 3, 8}, {1, 3, 4}, {1, 3, 4}, {1, 1, 2, 4}, {1, 1, 2, 4}, nil, nil},
			[]*tensor.Tensor{5: i32(4), 6: i32(5)}},
		"RotaryEmbedding": {contribNode("RotaryEmbedding", 4, 1), [][]int{{1, 3, 8}, nil, {9, 2}, {9, 2}}, []*tensor.Tensor{1: i64([]int64{4, 0, 8}, 1, 3)}},
		"EmbedLayerNormalization": {contribNode("EmbedLayerNormalization", 8, 3), [][]int{nil, nil, {9, 4}, {3, 4}, {2, 4}, {4}, {4}, nil},
			[]*tensor.Tensor{0: tensorOf(tensor.Int32, []float64{1, 8, 0}, 1, 3), 1: tensorOf(tensor.Int32, []float64{1, 0, 0}, 1, 3), 7: tensorOf(tensor.Int32, []float64{1, 1, 0}, 1, 3)}},
	} {
		for _, dt := range []tensor.DType{tensor.Float16, tensor.BFloat16} {
			t.Run(name+" "+dt.String(), func(t *testing.T) {
				r := rand.New(rand.NewPCG(52, 1))
				half, wide := make([]*tensor.Tensor, len(c.shapes)), make([]*tensor.Tensor, len(c.shapes))
				for i, s := range c.shapes {
					if s == nil {
						if i < len(c.others) {
							half[i], wide[i] = c.others[i], c.others[i]
						}
						continue
					}
					half[i] = randomOf(r, dt, s...)
					wide[i] = tensorOf(tensor.Float32, floatsOf(t, half[i]), s...)
				}
				n := *c.node
				n.Inputs = append([]string(nil), n.Inputs...)
				want, err := run(t, &n, 1, wide...)
				require.NoError(t, err)
				got, err := run(t, &n, 1, half...)
				require.NoError(t, err)
				for i := range want {
					if want[i].DType() != tensor.Float32 {
						require.Equal(t, want[i].Bytes(), got[i].Bytes(), "output %d", i)
						continue
					}
					rounded := tensorOf(dt, floatsOf(t, want[i]), want[i].Shape()...)
					require.Equal(t, rounded.Bytes(), got[i].Bytes(), "output %d", i)
				}
			})
		}
	}
}

func TestContribAttentionRefuses(t *testing.T) {
	x := func(shape ...int) *tensor.Tensor {
		return randomOf(rand.New(rand.NewPCG(1, 1)), tensor.Float32, shape...)
	}
	i32 := func(v ...float64) *tensor.Tensor { return tensorOf(tensor.Int32, v, len(v)) }
	two, one := onnx.AttrInt("num_heads", 2), onnx.AttrInt("kv_num_heads", 1)
	q, kv, past := x(1, 3, 8), x(1, 3, 4), x(1, 1, 2, 4)
	for _, c := range []struct {
		node *onnx.Node
		in   []*tensor.Tensor
		want string
	}{
		{contribNode("MultiHeadAttention", 3, 1), []*tensor.Tensor{q, q, q}, `attribute "num_heads": is missing`},
		{contribNode("MultiHeadAttention", 3, 1, onnx.AttrInt("num_heads", 3)), []*tensor.Tensor{q, q, q}, "input 0: has width 8, which 3 heads do not divide"},
		{contribNode("MultiHeadAttention", 3, 1, two), []*tensor.Tensor{q, x(1, 4, 6), q}, "input 1: has shape (1, 4, 6), expected (1, -1, 8)"},
		{contribNode("MultiHeadAttention", 3, 1, two), []*tensor.Tensor{q, q, x(1, 4, 8)}, "input 2: has shape (1, 4, 8), expected (1, 3, -1)"},
		{contribNode("MultiHeadAttention", 2, 1, two), []*tensor.Tensor{q, q}, "input 2 is missing"},
		{contribNode("MultiHeadAttention", 4, 1, two), []*tensor.Tensor{q, q, q, x(23)}, "input 3: has shape (23), expected (24)"},
		{contribNode("MultiHeadAttention", 5, 1, two), []*tensor.Tensor{q, q, q, nil, i32(1, 2, 3)}, "input 4: has shape (3), expected (1), (2) or (5)"},
		{contribNode("MultiHeadAttention", 6, 1, two), []*tensor.Tensor{q, q, q, nil, nil, x(1, 2, 3, 4)}, "input 5: shape (1, 2, 3, 4) does not broadcast to (1, 2, 3, 3)"},
		{contribNode("MultiHeadAttention", 7, 1, two), []*tensor.Tensor{q, q, q, nil, nil, nil, past}, "inputs 6 and 7 must be given together"},
		{contribNode("Attention", 2, 1, two), []*tensor.Tensor{q, x(8, 25)}, "input 1: has 25 columns, which is not three times a width"},
		{contribNode("Attention", 2, 1, two), []*tensor.Tensor{q, x(7, 24)}, "input 1: has shape (7, 24), expected (8, -1)"},
		{contribNode("Attention", 2, 1, two, onnx.AttrInt("do_rotary", 1)), []*tensor.Tensor{q, x(8, 24)}, `attribute "do_rotary": is 1: unsupported`},
		{contribNode("Attention", 5, 1, two), []*tensor.Tensor{q, x(8, 24), nil, nil, x(2, 1, 2, 3, 5)}, "input 4: has shape (2, 1, 2, 3, 5), expected (2, 1, 2, -1, 4)"},
		{contribNode("GroupQueryAttention", 7, 3, two, one), []*tensor.Tensor{q, kv, kv, past, past, i32(5), i32(5)}, "input 5: is 5 for batch 0, expected 0 to 4"},
		{contribNode("GroupQueryAttention", 7, 3, two, one), []*tensor.Tensor{q, kv, kv, past, past, i32(4), i32(6)}, "input 6: is 6, expected 3 to 5"},
		{contribNode("GroupQueryAttention", 7, 3, onnx.AttrInt("num_heads", 2), onnx.AttrInt("kv_num_heads", 3)), nil, `attribute "num_heads": is 2, which 3 key heads do not divide`},
		{contribNode("GroupQueryAttention", 7, 3, two, one, onnx.AttrInt("do_rotary", 1)), nil, "input 7 is missing"},
		{contribNode("RotaryEmbedding", 4, 1), []*tensor.Tensor{q, i64([]int64{0, 1, 9}, 1, 3), x(9, 2), x(9, 2)}, "input 1: position 9 at 2 is out of range for 9 cached positions"},
		{contribNode("EmbedLayerNormalization", 7, 1), []*tensor.Tensor{tensorOf(tensor.Int32, []float64{4}, 1, 1), nil, x(4, 2), x(3, 2), nil, x(2), x(2)}, "input 0: 4 at 0 is out of range for 4 rows"},
	} {
		t.Run(c.want, func(t *testing.T) {
			_, err := run(t, c.node, 1, c.in...)
			require.EqualError(t, err, c.want)
		})
	}
}

func TestQuantisedCacheRefuses(t *testing.T) {
	bytes := func(dt tensor.DType, width int) *tensor.Tensor {
		return tensorOf(dt, make([]float64, 2*width), 1, 1, 2, width)
	}
	x := tensorOf(tensor.Float32, make([]float64, 6), 1, 1, 6)
	lens, total := tensorOf(tensor.Int32, []float64{2}, 1), tensorOf(tensor.Int32, []float64{3})
	s := scalarF(.1)
	node := func(k, v string, bits int64, inputs int) *onnx.Node {
		return contribNode("GroupQueryAttention", inputs, 3, onnx.AttrInt("num_heads", 1), onnx.AttrInt("kv_num_heads", 1),
			onnx.AttrString("k_quant_type", k), onnx.AttrString("v_quant_type", v), onnx.AttrInt("kv_cache_bit_width", bits))
	}
	in := func(past, scale *tensor.Tensor) []*tensor.Tensor {
		return []*tensor.Tensor{x, x, x, past, past, lens, total, nil, nil, nil, nil, nil, scale, s}
	}
	_, err := run(t, node("PER_TENSOR", "PER_CHANNEL", 8, 14), 3, in(bytes(tensor.Int8, 6), s)...)
	require.NoError(t, err)
	for _, c := range []struct {
		node *onnx.Node
		in   []*tensor.Tensor
		want string
	}{
		{node("PER_TENSOR", "NONE", 8, 14), in(bytes(tensor.Int8, 6), s), `attribute "v_quant_type": is "NONE" beside k_quant_type "PER_TENSOR", expected both or neither`},
		{node("PER_TENSOR", "PER_TENSOR", 3, 14), in(bytes(tensor.Int8, 6), s), `attribute "kv_cache_bit_width": is 3, expected 8 or 4`},
		{node("PER_HEAD", "PER_TENSOR", 8, 14), in(bytes(tensor.Int8, 6), s), `attribute "k_quant_type": is "PER_HEAD": unsupported`},
		{node("PER_TENSOR", "PER_TENSOR", 4, 14), in(bytes(tensor.Int8, 3), s), "input 3: has type int8, expected uint8"},
		{node("PER_TENSOR", "PER_TENSOR", 4, 14), in(bytes(tensor.Uint8, 6), s), "input 3: has shape (1, 1, 2, 6), expected (1, 1, -1, 3)"},
		{node("PER_TENSOR", "PER_TENSOR", 8, 14), in(bytes(tensor.Int8, 6), tensorOf(tensor.Float32, []float64{1, 2}, 2)), "input 12: has shape (2), expected 1 or 6 elements"},
		{node("PER_TENSOR", "PER_TENSOR", 8, 12), in(bytes(tensor.Int8, 6), s)[:12], "input 12 is missing"},
		{node("NONE", "NONE", 0, 14), in(tensorOf(tensor.Float32, make([]float64, 12), 1, 1, 2, 6), s), "input 12 is given to a cache that isn't quantised"},
	} {
		_, err := run(t, c.node, 3, c.in...)
		require.EqualError(t, err, c.want)
	}
}
