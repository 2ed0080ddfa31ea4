package export

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/onnx"
)

// encoded are the values that the encoder leaves to the decoder.
type encoded struct {
	keys          string   // (batch, heads, width, input_size), for the Attention operator (batch, heads, input_size, width)
	values        string   // (batch, heads, input_size, width)
	prev, context string   // (batch, num_features), (batch, hidden_size)
	h, c          []string // by decoder layer (1, batch, hidden_size)
	shift, spread string   // (batch, 1, num_features); "" where the normalisation has none
}

// encode adds everything from the raw x to the decoder's first state.
func (b *body) encode(x string) encoded {
	c := b.config
	e := encoded{}
	n := b.scale("scaled", x)
	n, e.shift, e.spread = b.normalize(n)
	e.prev = b.gather("prev", n, "last_step", int64(c.InputSize-1), false)

	memory, finalH, finalC := b.lstm(n)
	for k := range c.NumDecoderLayers {
		j := max(0, k+c.NumEncoderLayers-c.NumDecoderLayers)
		h, cell := finalH[j], finalC[j]
		if c.Bidirectional {
			h = b.bridge(fmt.Sprintf("bridge_h.%d", k), h, true)
			cell = b.bridge(fmt.Sprintf("bridge_c.%d", k), cell, false)
		}
		e.h, e.c = append(e.h, h), append(e.c, cell)
	}

	perm := []int64{0, 2, 3, 1}
	if b.attentionOp() {
		perm = []int64{0, 2, 1, 3}
	}
	e.keys = b.project("keys", memory, 1, perm)
	e.values = b.project("values", memory, 2, []int64{0, 2, 1, 3})

	batch := b.op("Gather", "batch_size", []string{b.op("Shape", "x_shape", []string{x}), b.ints("first", 0)})
	shape := b.op("Concat", "context_shape", []string{batch, b.ints("hidden_size", int64(c.HiddenSize))}, onnx.AttrInt("axis", 0))
	e.context = b.op("ConstantOfShape", "context", []string{shape})
	return e
}

// scale turns raw values into scaled ones.
func (b *body) scale(out, x string) string {
	centred := b.op("Sub", out+".centred", []string{x, b.scaler("mean")})
	return b.op("Div", out, []string{centred, b.scaler("scale")})
}

// unscale turns scaled values into raw ones.
func (b *body) unscale(out, z string) string {
	wide := b.op("Mul", out+".wide", []string{z, b.scaler("scale")})
	return b.op("Add", out, []string{wide, b.scaler("mean")})
}

func (b *body) scaler(which string) string {
	data := b.params.ScalerMean
	if which == "scale" {
		data = b.params.ScalerScale
	}
	return b.floats("scaler."+which, data, int64(len(data)))
}

// normalize is the window's normalisation of z (batch, input_size, features).
// Statistics are taken of differences from the last value, as lstmattn does:
// they lose nothing to rounding where the values are large beside their spread.
func (b *body) normalize(z string) (n, shift, spread string) {
	c := b.config
	if c.Normalization == lstmattn.NormalizationNone {
		return z, "", ""
	}
	anchor := b.gather("anchor", z, "last_row", int64(c.InputSize-1), true)
	fromAnchor := b.op("Sub", "from_anchor", []string{z, anchor})
	var middle, deviation string
	switch c.Normalization {
	case lstmattn.NormalizationMeanStd:
		middle = b.mean("middle", fromAnchor, 1)
		deviation = b.op("Sub", "deviation", []string{fromAnchor, middle})
		std := b.op("Sqrt", "std", []string{b.mean("variance", b.op("Mul", "squares", []string{deviation, deviation}), 1)})
		spread = b.atLeast("window.spread", std)
	case lstmattn.NormalizationRobust:
		sorted := b.ops("TopK", []string{fromAnchor, b.ints("input_size", int64(c.InputSize))}, []string{"sorted", "order"},
			onnx.AttrInt("axis", 1), onnx.AttrInt("largest", 0), onnx.AttrInt("sorted", 1))[0]
		middle = b.quartile("middle", sorted, 2)
		deviation = b.op("Sub", "deviation", []string{fromAnchor, middle})
		iqr := b.op("Sub", "iqr", []string{b.quartile("q75", sorted, 3), b.quartile("q25", sorted, 1)})
		spread = b.atLeast("window.spread", b.op("Div", "iqr_std", []string{iqr, b.floats("iqr_of_normal", []float32{lstmattn.IQROfNormal})}))
	default:
		return fromAnchor, anchor, ""
	}
	shift = b.op("Add", "window.shift", []string{anchor, middle})
	return b.op("Div", "normalized", []string{deviation, spread}), shift, spread
}

func (b *body) atLeast(out, x string) string {
	return b.op("Max", out, []string{x, b.floats("min_spread", []float32{lstmattn.MinSpread})})
}

// quartile q of sorted (batch, input_size, features) along the time.
func (b *body) quartile(out, sorted string, q int) string {
	lo, hi, frac := lstmattn.QuartilePosition(b.config.InputSize, q)
	low := b.gather(out+".low", sorted, fmt.Sprintf("quartile_%d.low", q), int64(lo), true)
	high := b.gather(out+".high", sorted, fmt.Sprintf("quartile_%d.high", q), int64(hi), true)
	gap := b.op("Sub", out+".gap", []string{high, low})
	part := b.op("Mul", out+".part", []string{gap, b.floats(fmt.Sprintf("quartile_%d.fraction", q), []float32{frac})})
	return b.op("Add", out, []string{low, part})
}

// restore turns normalised values y (..., features) into raw ones; shift and
// spread must broadcast to y.
func (b *body) restore(out, y, shift, spread string) string {
	if spread != "" {
		y = b.op("Mul", out+".spread", []string{y, spread})
	}
	if shift != "" {
		y = b.op("Add", out+".shifted", []string{y, shift})
	}
	return b.unscale(out, y)
}

// lstm is the encoder over n (batch, input_size, features): its outputs
// (batch, input_size, directions*hidden), and the final states of each layer
// (directions, batch, hidden).
func (b *body) lstm(n string) (memory string, h, c []string) {
	cfg := b.config
	x := b.transpose("encoder.x", n, 1, 0, 2)
	for k := range cfg.NumEncoderLayers {
		name := fmt.Sprintf("encoder.l%d", k)
		inputs := append([]string{x}, b.lstmWeights("encoder", k, cfg.Directions())...)
		direction := "forward"
		if cfg.Bidirectional {
			direction = "bidirectional"
		}
		out := b.ops("LSTM", inputs, []string{name + ".y", name + ".h", name + ".c"},
			onnx.AttrString("direction", direction), onnx.AttrInt("hidden_size", int64(cfg.HiddenSize)))
		h, c = append(h, out[1]), append(c, out[2])
		if cfg.Bidirectional {
			x = b.reshape(name, b.transpose(name+".rows", out[0], 0, 2, 1, 3), "sequence_shape", 0, 0, int64(cfg.MemorySize()))
		} else {
			x = b.squeeze(name, out[0], 1)
		}
	}
	return b.transpose("memory", x, 1, 0, 2), h, c
}

// lstmWeights are W (D, 4H, I), R (D, 4H, H) and B (D, 8H) of a layer.
func (b *body) lstmWeights(module string, k, directions int) []string {
	p, H := b.params, int64(b.config.HiddenSize)
	join := func(names ...string) []float32 {
		var all []float32
		for d := range directions {
			for _, name := range names {
				name = fmt.Sprintf("%s.%s_l%d", module, name, k)
				if d == 1 {
					name += "_reverse"
				}
				all = append(all, p.View(name)...)
			}
		}
		return all
	}
	D := int64(directions)
	w := join("weight_ih")
	return []string{
		b.floats(fmt.Sprintf("%s.weight_ih_l%d", module, k), w, D, 4*H, int64(len(w))/(D*4*H)),
		b.floats(fmt.Sprintf("%s.weight_hh_l%d", module, k), join("weight_hh"), D, 4*H, H),
		b.floats(fmt.Sprintf("%s.bias_l%d", module, k), join("bias_ih", "bias_hh"), D, 8*H),
	}
}

// bridge turns the final states (2, batch, hidden) of both directions into one
// state (1, batch, hidden).
func (b *body) bridge(name, state string, tanh bool) string {
	joined := b.reshape(name+".joined", b.transpose(name+".rows", state, 1, 0, 2), "joined_shape", 0, 2*int64(b.config.HiddenSize))
	y := b.linear(name+".y", joined, b.param(name+".weight"), b.param(name+".bias"))
	if tanh {
		y = b.op("Tanh", name+".tanh", []string{y})
	}
	return b.unsqueeze(name, y, 0)
}

// attentionOp says whether the opset has the Attention operator.
func (b *body) attentionOp() bool { return b.options.Opset >= 23 }

// attentionWeights are the input projection's rows of q, k or v (part 0, 1, 2)
// and their bias.
func (b *body) attentionWeights(part int) (weight, bias []float32) {
	p, H := b.params, b.config.HiddenSize
	bias = p.View("attention.in_proj_bias")[part*H : (part+1)*H]
	if all := p.View("attention.in_proj_weight"); all != nil {
		return all[part*H*H : (part+1)*H*H], bias
	}
	return p.View([]string{"attention.q_proj_weight", "attention.k_proj_weight", "attention.v_proj_weight"}[part]), bias
}

// project is the keys or values of the memory (batch, input_size, E), by head.
func (b *body) project(name, memory string, part int, perm []int64) string {
	c := b.config
	H, E := c.HiddenSize, c.MemorySize()
	weight, bias := b.attentionWeights(part)
	turned := make([]float32, len(weight))
	for i := range H {
		for j := range E {
			turned[j*H+i] = weight[i*E+j]
		}
	}
	y := b.op("MatMul", name+".product", []string{memory, b.floats("attention."+name+"_weight", turned, int64(E), int64(H))})
	y = b.op("Add", name+".all", []string{y, b.floats("attention."+name+"_bias", bias, int64(H))})
	heads := int64(c.NumAttentionHeads)
	y = b.reshape(name+".heads", y, "heads_shape", 0, 0, heads, int64(H)/heads)
	return b.transpose(name, y, perm...)
}

// stepped are the results of one decoder step.
type stepped struct {
	y       string   // (batch, features) normalised
	context string   // (batch, hidden)
	h, c    []string // by layer (1, batch, hidden)
	weights string   // (batch, heads, 1, input_size); "" if not asked for
}

// decode adds one step of the decoder.
func (b *body) decode(e encoded) stepped {
	c := b.config
	H, heads := int64(c.HiddenSize), int64(c.NumAttentionHeads)
	var s stepped
	x := b.unsqueeze("decoder.x", b.op("Concat", "decoder.input", []string{e.prev, e.context}, onnx.AttrInt("axis", 1)), 0)
	for k := range c.NumDecoderLayers {
		name := fmt.Sprintf("decoder.l%d", k)
		inputs := append([]string{x}, b.lstmWeights("decoder", k, 1)...)
		out := b.ops("LSTM", append(inputs, "", e.h[k], e.c[k]), []string{"", name + ".h", name + ".c"}, onnx.AttrInt("hidden_size", H))
		s.h, s.c = append(s.h, out[1]), append(s.c, out[2])
		x = out[1]
	}
	q := b.squeeze("query", x, 0)

	weight, bias := b.attentionWeights(0)
	projected := b.linear("attention.q", q, b.floats("attention.query_weight", weight, H, H), b.floats("attention.query_bias", bias, H))
	byHead := b.reshape("attention.q_heads", projected, "query_shape", 0, heads, 1, H/heads)
	scale := float32(1 / math.Sqrt(float64(H/heads)))
	var mixed string
	if b.attentionOp() {
		outputs := []string{"attention.mixed"}
		attributes := []*onnx.Attribute{onnx.AttrFloat("scale", scale)}
		if b.options.Attention {
			outputs = append(outputs, "", "", "attention.weights")
			attributes = append(attributes, onnx.AttrInt("qk_matmul_output_mode", 3))
		}
		out := b.ops("Attention", []string{byHead, e.keys, e.values}, outputs, attributes...)
		mixed = out[0]
		if b.options.Attention {
			s.weights = out[3]
		}
	} else {
		scores := b.op("MatMul", "attention.scores", []string{byHead, e.keys})
		scaled := b.op("Mul", "attention.scaled", []string{scores, b.floats("attention.scale", []float32{scale})})
		s.weights = b.op("Softmax", "attention.weights", []string{scaled}, onnx.AttrInt("axis", -1))
		mixed = b.op("MatMul", "attention.mixed", []string{s.weights, e.values})
	}
	joined := b.reshape("attention.joined", mixed, "joined_heads_shape", 0, H)
	s.context = b.linear("context", joined, b.param("attention.out_proj.weight"), b.param("attention.out_proj.bias"))

	sum := b.op("Add", "sum", []string{q, s.context})
	if c.LayerNorm {
		sum = b.layerNorm("norm", sum)
	}
	s.y = b.linear("y", sum, b.param("output.weight"), b.param("output.bias"))
	return s
}

// layerNorm normalises the rows of x (batch, hidden).
func (b *body) layerNorm(out, x string) string {
	weight, bias := b.param("norm.weight"), b.param("norm.bias")
	if b.options.Opset >= 17 {
		return b.op("LayerNormalization", out, []string{x, weight, bias}, onnx.AttrInt("axis", -1), onnx.AttrFloat("epsilon", lstmattn.LayerNormEpsilon))
	}
	d := b.op("Sub", out+".deviation", []string{x, b.mean(out+".mean", x, -1)})
	variance := b.mean(out+".variance", b.op("Mul", out+".squares", []string{d, d}), -1)
	std := b.op("Sqrt", out+".std", []string{b.op("Add", out+".above_zero", []string{variance, b.floats("norm.epsilon", []float32{lstmattn.LayerNormEpsilon})})})
	wide := b.op("Mul", out+".wide", []string{b.op("Div", out+".unit", []string{d, std}), weight})
	return b.op("Add", out, []string{wide, bias})
}
