package export

import (
	"fmt"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/onnx"
)

// The documentation of inputs and outputs.
const (
	docX         = "raw values, oldest first"
	docHorizon   = "steps to forecast"
	docForecast  = "raw values, the step after the last input first"
	docAttention = "how much each forecast step looked at each input step, by head; sums to 1 over the inputs"
	docWindow    = "of the window's normalisation, the same at every step"
)

func (w *writer) valueX() *onnx.ValueInfo {
	return value("x", docX, onnx.Float, symbolicBatch, w.config.InputSize, w.config.NumFeatures)
}

// outputs makes y (batch, horizon, features), normalised, and the weights
// (batch, heads, horizon, input_size) outputs of the main graph.
func (b *body) outputs(e encoded, y, weights string, horizon int) {
	c := b.config
	b.output(b.restore("forecast", y, e.shift, e.spread), value("forecast", docForecast, onnx.Float, symbolicBatch, horizon, c.NumFeatures))
	if b.options.Attention {
		b.output(weights, value("attention", docAttention, onnx.Float, symbolicBatch, c.NumAttentionHeads, horizon, c.InputSize))
	}
}

// loop is the model with the decoder as a Loop.
func (w *writer) loop() *onnx.Model {
	c, b := w.config, w.begin("forecaster")
	x := b.input(w.valueX())
	horizon := b.input(value("horizon", docHorizon, onnx.Int64))
	b.constant("horizon", func() *onnx.Tensor { return onnx.TensorInt64("horizon", nil, []int64{int64(w.options.Horizon)}) })
	e := b.encode(x)

	step := &body{writer: w, graph: &onnx.Graph{Name: "decoder"}, prefix: "step."}
	step.input(value("step.index", "", onnx.Int64))
	on := step.input(value("step.on", "", onnx.Bool))
	// carry adds a value that a step hands to the next.
	carry := func(name string, dims ...int) string { return step.input(value("step."+name, "", onnx.Float, dims...)) }
	B, F, H := symbolicBatch, c.NumFeatures, c.HiddenSize
	first := []string{horizon, "", e.prev, e.context}
	state := encoded{keys: e.keys, values: e.values, prev: carry("prev", B, F), context: carry("context_in", B, H)}
	for k := range c.NumDecoderLayers {
		state.h = append(state.h, carry(fmt.Sprintf("h.%d", k), 1, B, H))
		state.c = append(state.c, carry(fmt.Sprintf("c.%d", k), 1, B, H))
		first = append(first, e.h[k], e.c[k])
	}
	s := step.decode(state)
	step.output(on, value("step.on_out", "", onnx.Bool))
	step.output(s.y, value(s.y, "", onnx.Float, B, F))
	step.output(s.context, value(s.context, "", onnx.Float, B, H))
	results := []string{"loop.prev", "loop.context"}
	for k := range c.NumDecoderLayers {
		step.output(s.h[k], value(s.h[k], "", onnx.Float, 1, B, H))
		step.output(s.c[k], value(s.c[k], "", onnx.Float, 1, B, H))
		results = append(results, fmt.Sprintf("loop.h.%d", k), fmt.Sprintf("loop.c.%d", k))
	}
	step.output(s.y, value("step.value", "", onnx.Float, B, F))
	results = append(results, "loop.values")
	if w.options.Attention {
		row := step.squeeze("attention.row", s.weights, 2)
		step.output(row, value(row, "", onnx.Float, B, c.NumAttentionHeads, c.InputSize))
		results = append(results, "loop.weights")
	}
	b.ops("Loop", first, results, onnx.AttrGraph("body", step.graph))
	weights := ""
	if w.options.Attention {
		weights = b.transpose("loop.attention", "loop.weights", 1, 2, 0, 3)
	}
	b.outputs(e, b.transpose("loop.forecast", "loop.values", 1, 0, 2), weights, symbolicHorizon)
	return w.model(w.graph, "Forecasts from raw values to raw values, as many steps as horizon says.")
}

// unrolled is the model with a step's nodes repeated for each step.
func (w *writer) unrolled() *onnx.Model {
	b := w.begin("forecaster")
	e := b.encode(b.input(w.valueX()))
	state := e
	var values, rows []string
	for t := range w.options.Horizon {
		step := &body{writer: w, graph: w.graph, prefix: fmt.Sprintf("step%d.", t)}
		s := step.decode(state)
		values = append(values, step.unsqueeze("value", s.y, 1))
		rows = append(rows, s.weights)
		state.prev, state.context, state.h, state.c = s.y, s.context, s.h, s.c
	}
	weights := ""
	if w.options.Attention {
		weights = b.op("Concat", "all_weights", rows, onnx.AttrInt("axis", 2))
	}
	b.outputs(e, b.op("Concat", "all_values", values, onnx.AttrInt("axis", 1)), weights, w.options.Horizon)
	return w.model(w.graph, fmt.Sprintf("Forecasts %d steps from raw values to raw values.", w.options.Horizon))
}

// handed lists the values that the encoder hands to the decoder's step.
func (w *writer) handed() []*onnx.ValueInfo {
	c := w.config
	B, F, H, A, L := symbolicBatch, c.NumFeatures, c.HiddenSize, c.NumAttentionHeads, c.InputSize
	keys := []int{B, A, H / A, L}
	if w.options.Opset >= 23 {
		keys = []int{B, A, L, H / A}
	}
	return []*onnx.ValueInfo{
		value("keys", "projected memory, the same at every step", onnx.Float, keys...),
		value("values", "projected memory, the same at every step", onnx.Float, B, A, L, H/A),
		value("prev", "the value before this step, normalised", onnx.Float, B, F),
		value("context", "the attention's output of the step before", onnx.Float, B, H),
		value("h", "hidden states by layer", onnx.Float, c.NumDecoderLayers, B, H),
		value("c", "cell states by layer", onnx.Float, c.NumDecoderLayers, B, H),
	}
}

// windowStats lists what the window's normalisation leaves for the forecast.
func (w *writer) windowStats() []*onnx.ValueInfo {
	shift := value("shift", docWindow, onnx.Float, symbolicBatch, w.config.NumFeatures)
	spread := value("spread", docWindow, onnx.Float, symbolicBatch, w.config.NumFeatures)
	switch w.config.Normalization {
	case lstmattn.NormalizationNone:
		return nil
	case lstmattn.NormalizationLast:
		return []*onnx.ValueInfo{shift}
	}
	return []*onnx.ValueInfo{shift, spread}
}

// encoder is the first half of a split model.
func (w *writer) encoder() *onnx.Model {
	b := w.begin("encoder")
	e := b.encode(b.input(w.valueX()))
	from := []string{e.keys, e.values, e.prev, e.context, b.stack("h", e.h), b.stack("c", e.c)}
	for i, v := range w.handed() {
		b.output(from[i], v)
	}
	for i, v := range w.windowStats() {
		b.output(b.squeeze(v.Name, []string{e.shift, e.spread}[i], 1), v)
	}
	return w.model(w.graph, "Encodes raw values for decoder_step.onnx, whose inputs are these outputs under the same names.")
}

// stack joins the layers' states (1, batch, hidden).
func (b *body) stack(out string, states []string) string {
	return b.op("Concat", out, states, onnx.AttrInt("axis", 0))
}

// step is the second half of a split model.
func (w *writer) step() *onnx.Model {
	c, b := w.config, w.begin("decoder_step")
	for _, v := range append(w.handed(), w.windowStats()...) {
		b.input(v)
	}
	e := encoded{keys: "keys", values: "values", prev: "prev", context: "context"}
	for k := range c.NumDecoderLayers {
		index := b.ints(fmt.Sprintf("layer_%d", k), int64(k))
		for _, state := range []struct {
			name string
			to   *[]string
		}{{"h", &e.h}, {"c", &e.c}} {
			one := b.op("Gather", fmt.Sprintf("%s.%d", state.name, k), []string{state.name, index}, onnx.AttrInt("axis", 0))
			*state.to = append(*state.to, one)
		}
	}
	for _, v := range w.windowStats() {
		if v.Name == "shift" {
			e.shift = v.Name
		} else {
			e.spread = v.Name
		}
	}
	b.prefix = "step."
	s := b.decode(e)
	b.prefix = ""
	B := symbolicBatch
	b.output(b.restore("forecast", s.y, e.shift, e.spread), value("forecast", "raw values of this step", onnx.Float, B, c.NumFeatures))
	from := []string{s.y, s.context, b.stack("next_h", s.h), b.stack("next_c", s.c)}
	for i, v := range w.handed()[2:] {
		v.Name, v.DocString = "next_"+v.Name, v.Name+" of the next step"
		b.output(from[i], v)
	}
	if w.options.Attention {
		b.output(b.squeeze("attention", s.weights, 2), value("attention", docAttention, onnx.Float, B, c.NumAttentionHeads, c.InputSize))
	}
	return w.model(w.graph, "One step of the decoder: its outputs next_prev, next_context, next_h and next_c are prev, context, h and c of the next step.")
}
