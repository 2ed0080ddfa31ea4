package export

import (
	"fmt"

	"github.com/onda-ml/onda/onnx"
)

// stepped are the results of one step of the autoregressive decoder.
type stepped struct {
	y       string   // (N, P*W*K) the output layer's numbers
	prev    string   // (N, P*W) the values that the next step reads
	context string   // (N, hidden); "" without attention
	h, c    []string // by layer (1, N, hidden)
	weights string   // (N, heads, 1, S); "" if not asked for
}

// decode adds one step of the decoder.
func (b *body) decode(e encoded) stepped {
	c := b.config
	H, heads := int64(c.HiddenSize), int64(c.NumAttentionHeads)
	var s stepped
	ahead := ""
	if e.ahead != "" {
		ahead = b.pick("ahead", e.ahead, e.position, 1)
	}
	input := b.concat("decoder.input", given(b.read("prev", e.prev), e.channels, ahead, e.static, e.context), 1)
	x := b.unsqueeze("decoder.x", input, 0)
	for k := range c.NumDecoderLayers {
		x = b.decoderLayer(k, x, e.h[k], e.c[k], &s)
	}
	q := b.squeeze("query", x, 0)
	sum := q
	if c.Attention {
		weight, bias := b.attentionWeights(0)
		projected := b.linear("attention.q", q, b.floats("attention.query_weight", weight, H, H), b.floats("attention.query_bias", bias, H))
		var mixed string
		mixed, s.weights = b.look(b.reshape("attention.q_heads", projected, "query_shape", 0, heads, 1, H/heads), e)
		joined := b.reshape("attention.joined", mixed, "joined_heads_shape", 0, H)
		s.context = b.linear("context", joined, b.param("attention.out_proj.weight"), b.param("attention.out_proj.bias"))
		sum = b.op("Add", "sum", []string{q, s.context})
	}
	if c.LayerNorm {
		sum = b.layerNorm("norm", sum)
	}
	s.y = b.linear("y", sum, b.param("output.weight"), b.param("output.bias"))
	if e.skip != "" {
		s.y = b.addSkip("y_and_skip", s.y, b.pick("skip", e.skip, e.position, 1), 0)
	}
	s.prev = s.y
	if K := int64(b.numbers()); K > 1 {
		s.prev = b.point("point", b.reshape("numbers", s.y, "numbers_of_position", 0, int64(b.segmentWidth()), K), 2)
	}
	return s
}

// given leaves out what the model has not.
func given(parts ...string) (there []string) {
	for _, p := range parts {
		if p != "" {
			there = append(there, p)
		}
	}
	return there
}

// decoderLayer is a step of one LSTM layer from x (1, rows, .) and a state (1,
// rows, hidden).
func (b *body) decoderLayer(k int, x, h, c string, s *stepped) string {
	name := fmt.Sprintf("decoder.l%d", k)
	inputs := append([]string{x}, b.lstmWeights("decoder", k, 1)...)
	out := b.ops("LSTM", append(inputs, "", h, c), []string{"", name + ".h", name + ".c"}, onnx.AttrInt("hidden_size", int64(b.config.HiddenSize)))
	s.h, s.c = append(s.h, out[1]), append(s.c, out[2])
	return out[1]
}

// decodeDirect adds all positions at once: each takes one step of the decoder
// from the encoder's final state. y is (N, M, P*W*K), the weights (N, heads, M, S).
func (b *body) decodeDirect(e encoded) (y, weights string) {
	c := b.config
	H, M := int64(c.HiddenSize), int64(b.most())
	width := H - int64(c.ChannelEmbedding)
	table := b.params.View("position_embedding.weight")[:M*width]
	rows := b.extent("sequences", e.h[0], 1)
	shape := b.concat("positions_shape", []string{rows, b.ints("one", 1), b.ints("one", 1)}, 0)
	parts := []string{b.op("Expand", "positions", []string{b.floats("position_embedding", table, 1, M, width), shape})}
	atEach := func(out, x string) string {
		return b.expand(out, b.unsqueeze(out+".row", x, 1), "at_each_position", 1, M, 1)
	}
	if e.channels != "" {
		parts = append(parts, atEach("decoder.channels", e.channels))
	}
	if e.ahead != "" {
		parts = append(parts, e.ahead)
	}
	if e.static != "" {
		parts = append(parts, atEach("decoder.static", e.static))
	}
	input := int64(c.HiddenSize + c.Segment*c.NumFuture + c.NumStatic)
	x := b.reshape("decoder.x", b.concat("decoder.input", parts, 2), "decoder_shape", 1, -1, input)
	repeated := func(out, state string) string {
		wide := b.expand(out+".wide", b.unsqueeze(out+".row", state, 2), "state_of_each_position", 1, 1, M, 1)
		return b.reshape(out, wide, "states_shape", 1, -1, H)
	}
	for k := range c.NumDecoderLayers {
		x = b.decoderLayer(k, x, repeated(fmt.Sprintf("h0.%d", k), e.h[k]), repeated(fmt.Sprintf("c0.%d", k), e.c[k]), &stepped{})
	}
	q := b.reshape("query", x, "queries_shape", -1, M, H)
	sum := q
	if c.Attention {
		var mixed string
		mixed, weights = b.look(b.project("queries", q, 0, []int64{0, 2, 1, 3}), e)
		joined := b.reshape("attention.joined", b.transpose("attention.by_position", mixed, 0, 2, 1, 3), "joined_heads_shape", 0, M, H)
		sum = b.op("Add", "sum", []string{q, b.dense("context", joined, "attention.out_proj")})
	}
	if c.LayerNorm {
		sum = b.layerNorm("norm", sum)
	}
	y = b.dense("y", sum, "output")
	if e.skip != "" {
		y = b.addSkip("y_and_skip", y, e.skip, int(M))
	}
	return y, weights
}
