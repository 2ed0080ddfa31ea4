package export

import (
	"fmt"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/onnx"
)

// encoded are the values that the encoder leaves to the decoder; "" for those
// that the model has none of. N, M, S, P and W are as in sequences.go.
type encoded struct {
	keys          string   // (N, heads, width, S), for the Attention operator (N, heads, S, width)
	values        string   // (N, heads, S, width)
	prev, context string   // (N, P*W), (N, hidden_size); none for direct decoding
	h, c          []string // by decoder layer (1, N, hidden_size)
	channels      string   // (N, C) the columns' embeddings
	ahead, static string   // (N, M, P*num_future), (N, num_static) scaled covariates
	skip          string   // (N, M, P*W)
	position      string   // () int64, where the decoder's step is, for what it takes of ahead and skip
	shift, spread string   // (batch, 1, num_features); "" where the normalisation has none
}

// encode adds everything from the raw values to the decoder's first state.
func (b *body) encode(r raw) encoded {
	c := b.config
	e := encoded{}
	mean, scale := b.columnScaler()
	n := b.op("Div", "scaled", []string{b.op("Sub", "scaled.centred", []string{r.x, mean}), scale})
	n, e.shift, e.spread = b.normalize(n)
	segments := b.segments(n)
	if !b.direct() {
		e.prev = b.gather("prev", segments, "last_step", int64(c.InputSize/c.Segment-1), false)
	}
	var history []string
	history, e.ahead, e.static = b.covariates(r)
	read := []string{b.read("segments", segments)}
	if len(history) > 0 {
		width := c.Segment*(c.NumPast+c.NumFuture) + c.NumStatic
		read = append(read, b.fold("history", b.concat("history", history, 2), width))
	}
	e.channels, e.skip = b.channels(r.x), b.skip(n)

	memory, finalH, finalC := b.lstm(b.concat("encoder.input", read, 2))
	for k := range c.NumDecoderLayers {
		j := max(0, k+c.NumEncoderLayers-c.NumDecoderLayers)
		h, cell := finalH[j], finalC[j]
		if c.Bidirectional {
			h = b.bridge(fmt.Sprintf("bridge_h.%d", k), h, true)
			cell = b.bridge(fmt.Sprintf("bridge_c.%d", k), cell, false)
		}
		e.h, e.c = append(e.h, h), append(e.c, cell)
	}
	if !c.Attention {
		return e
	}
	perm := []int64{0, 2, 3, 1}
	if b.attentionOp() {
		perm = []int64{0, 2, 1, 3}
	}
	e.keys = b.project("keys", memory, 1, perm)
	e.values = b.project("values", memory, 2, []int64{0, 2, 1, 3})
	if !b.direct() {
		shape := b.concat("context_shape", []string{b.extent("sequences", e.prev, 0), b.ints("hidden_size", int64(c.HiddenSize))}, 0)
		e.context = b.op("ConstantOfShape", "context", []string{shape})
	}
	return e
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

// lstm is the encoder over what it reads (N, S, .): its outputs (N, S,
// directions*hidden), and the final states of each layer (directions, N, hidden).
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

// bridge turns the final states (2, N, hidden) of both directions into one
// state (1, N, hidden).
func (b *body) bridge(name, state string, tanh bool) string {
	joined := b.reshape(name+".joined", b.transpose(name+".rows", state, 1, 0, 2), "joined_shape", 0, 2*int64(b.config.HiddenSize))
	y := b.linear(name+".y", joined, b.param(name+".weight"), b.param(name+".bias"))
	if tanh {
		y = b.op("Tanh", name+".tanh", []string{y})
	}
	return b.unsqueeze(name, y, 0)
}

// layerNorm normalises the rows of x (..., hidden).
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
