package export

import (
	"fmt"
	"strings"

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
	docFixed     = ", the same at every step"
)

// fixed says whether the horizon is the graph's own.
func (w *writer) fixed() bool { return w.options.Decoder == Unrolled }

// outputs makes of the numbers y (N, M, P*W*K) of segments, and the weights (N,
// heads, M, S), the outputs of the main graph.
func (b *body) outputs(e encoded, y, weights, steps string) {
	c := b.config
	horizon := symbolicHorizon
	if b.fixed() {
		horizon = b.options.Horizon
	}
	numbers := b.cut("forecast.steps", b.steps("forecast.of_segments", y), 1, steps)
	for _, r := range b.report(numbers, e.shift, e.spread) {
		b.output(r.from, value(r.name, r.doc, onnx.Float, append([]int{symbolicBatch, horizon, c.NumFeatures}, r.more...)...))
	}
	if b.options.Attention {
		weights = b.cut("attention.steps", b.spreadWeights(weights), 2, steps)
		b.output(weights, value("attention", docAttention, onnx.Float, symbolicBatch, c.NumAttentionHeads, horizon, c.InputSize))
	}
}

// atOnce is the model with direct decoding.
func (w *writer) atOnce() *onnx.Model {
	b := w.begin("forecaster")
	r := b.inputs()
	e := b.encode(r)
	y, weights := b.decodeDirect(e)
	b.outputs(e, y, weights, r.steps)
	return w.model(w.graph, "Forecasts from raw values to raw values, all steps at once.")
}

// loop is the model with the decoder as a Loop.
func (w *writer) loop() *onnx.Model {
	c, b := w.config, w.begin("forecaster")
	r := b.inputs()
	e := b.encode(r)

	step := &body{writer: w, graph: &onnx.Graph{Name: "decoder"}, prefix: "step."}
	state := e
	state.position = step.input(value("step.index", "", onnx.Int64))
	on := step.input(value("step.on", "", onnx.Bool))
	first, results := []string{r.positions, ""}, []string{}
	// carry adds a value that a step hands to the next.
	carry := func(name, from string, dims ...int) string {
		first = append(first, from)
		return step.input(value("step."+name, "", onnx.Float, dims...))
	}
	N, width, H := w.rows(), w.segmentWidth(), c.HiddenSize
	state.prev = carry("prev", e.prev, N, width)
	if c.Attention {
		state.context = carry("context_in", e.context, N, H)
	}
	state.h, state.c = nil, nil
	for k := range c.NumDecoderLayers {
		state.h = append(state.h, carry(fmt.Sprintf("h.%d", k), e.h[k], 1, N, H))
		state.c = append(state.c, carry(fmt.Sprintf("c.%d", k), e.c[k], 1, N, H))
	}
	s := step.decode(state)
	step.output(on, value("step.on_out", "", onnx.Bool))
	give := func(result, from, name string, dims ...int) {
		step.output(from, value(name, "", onnx.Float, dims...))
		results = append(results, result)
	}
	give("loop.prev", s.prev, s.prev, N, width)
	if c.Attention {
		give("loop.context", s.context, s.context, N, H)
	}
	for k := range c.NumDecoderLayers {
		give(fmt.Sprintf("loop.h.%d", k), s.h[k], s.h[k], 1, N, H)
		give(fmt.Sprintf("loop.c.%d", k), s.c[k], s.c[k], 1, N, H)
	}
	give("loop.values", s.y, "step.value", N, width*w.numbers())
	weights := ""
	if w.options.Attention {
		row := step.squeeze("attention.row", s.weights, 2)
		give("loop.weights", row, row, N, c.NumAttentionHeads, c.InputSize/c.Segment)
	}
	b.ops("Loop", first, results, onnx.AttrGraph("body", step.graph))
	if w.options.Attention {
		weights = b.transpose("loop.attention", "loop.weights", 1, 2, 0, 3)
	}
	b.outputs(e, b.transpose("loop.forecast", "loop.values", 1, 0, 2), weights, r.steps)
	return w.model(w.graph, "Forecasts from raw values to raw values, as many steps as horizon says.")
}

// unrolled is the model with a step's nodes repeated for each step.
func (w *writer) unrolled() *onnx.Model {
	b := w.begin("forecaster")
	e := b.encode(b.inputs())
	state := e
	var values, rows []string
	for m := range w.most() {
		step := &body{writer: w, graph: w.graph, prefix: fmt.Sprintf("step%d.", m)}
		if e.ahead != "" || e.skip != "" {
			state.position = b.scalar(fmt.Sprintf("position_%d", m), int64(m))
		}
		s := step.decode(state)
		values = append(values, step.unsqueeze("value", s.y, 1))
		rows = append(rows, s.weights)
		state.prev, state.context, state.h, state.c = s.prev, s.context, s.h, s.c
	}
	weights := ""
	if w.options.Attention {
		weights = b.concat("all_weights", rows, 2)
	}
	b.outputs(e, b.concat("all_values", values, 1), weights, "")
	return w.model(w.graph, fmt.Sprintf("Forecasts %d steps from raw values to raw values.", w.options.Horizon))
}

// A handing is a value that the encoder hands to the decoder's step.
type handing struct {
	*onnx.ValueInfo
	carried bool // the step hands it on to the next as next_ and the name
}

// handed lists them.
func (w *writer) handed() (list []handing) {
	c := w.config
	N, H, A, S, M := w.rows(), c.HiddenSize, c.NumAttentionHeads, c.InputSize/c.Segment, symbolicPositions
	add := func(there, carried bool, name, doc string, dims ...int) {
		if there {
			list = append(list, handing{value(name, doc, onnx.Float, dims...), carried})
		}
	}
	keys := []int{N, A, H / A, S}
	if w.options.Opset >= 23 {
		keys = []int{N, A, S, H / A}
	}
	add(c.Attention, false, "keys", "projected memory"+docFixed, keys...)
	add(c.Attention, false, "values", "projected memory"+docFixed, N, A, S, H/A)
	add(c.ChannelEmbedding > 0, false, "channels", "embeddings of the columns"+docFixed, N, c.ChannelEmbedding)
	add(c.NumFuture > 0, false, "known_future", "scaled covariates of all positions"+docFixed, N, M, c.Segment*c.NumFuture)
	add(c.NumStatic > 0, false, "known_static", "scaled covariates"+docFixed, N, c.NumStatic)
	add(c.LinearSkip, false, "linear_skip", "what is added at all positions"+docFixed, N, w.most(), w.segmentWidth())
	add(true, true, "prev", "the value before this step, normalised", N, w.segmentWidth())
	add(c.Attention, true, "context", "the attention's output of the step before", N, H)
	add(true, true, "h", "hidden states by layer", c.NumDecoderLayers, N, H)
	add(true, true, "c", "cell states by layer", c.NumDecoderLayers, N, H)
	if c.NumFuture > 0 || c.LinearSkip {
		list = append(list, handing{value("position", "0 at the first step", onnx.Int64), true})
	}
	return list
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
	e := b.encode(b.inputs())
	from := map[string]string{
		"keys": e.keys, "values": e.values, "channels": e.channels, "known_future": e.ahead, "known_static": e.static,
		"linear_skip": e.skip, "prev": e.prev, "context": e.context, "h": b.stack("h", e.h), "c": b.stack("c", e.c), "position": "first_position",
	}
	for _, v := range w.handed() {
		if v.Name == "position" {
			b.scalar("first_position", 0)
		}
		b.output(from[v.Name], v.ValueInfo)
	}
	for i, v := range w.windowStats() {
		b.output(b.squeeze(v.Name, []string{e.shift, e.spread}[i], 1), v)
	}
	return w.model(w.graph, "Encodes raw values for decoder_step.onnx, whose inputs are these outputs under the same names.")
}

// stack joins the layers' states (1, N, hidden).
func (b *body) stack(out string, states []string) string {
	return b.op("Concat", out, states, onnx.AttrInt("axis", 0))
}

// step is the second half of a split model.
func (w *writer) step() *onnx.Model {
	c, b := w.config, w.begin("decoder_step")
	there := map[string]string{}
	for _, v := range w.handed() {
		there[v.Name] = b.input(v.ValueInfo)
	}
	for _, v := range w.windowStats() {
		there[v.Name] = b.unsqueeze("window."+v.Name, b.input(v), 1)
	}
	e := encoded{
		keys: there["keys"], values: there["values"], prev: there["prev"], context: there["context"], channels: there["channels"],
		ahead: there["known_future"], static: there["known_static"], skip: there["linear_skip"], position: there["position"],
		shift: there["shift"], spread: there["spread"],
	}
	for k := range c.NumDecoderLayers {
		index := b.ints(fmt.Sprintf("layer_%d", k), int64(k))
		e.h = append(e.h, b.pick(fmt.Sprintf("h.%d", k), "h", index, 0))
		e.c = append(e.c, b.pick(fmt.Sprintf("c.%d", k), "c", index, 0))
	}
	b.prefix = "step."
	s := b.decode(e)
	numbers := b.steps("forecast.of_segment", b.unsqueeze("value", s.y, 1))
	results := b.report(numbers, e.shift, e.spread)
	b.prefix = ""
	for _, r := range results {
		dims := append([]int{symbolicBatch, c.Segment, c.NumFeatures}, r.more...)
		from := r.from
		if c.Segment == 1 {
			from, dims = b.squeeze(r.name, r.from, 1), append(dims[:1:1], dims[2:]...)
		}
		b.output(from, value(r.name, r.doc, onnx.Float, dims...))
	}
	b.hand(e, s)
	if w.options.Attention {
		dims := []int{symbolicBatch, c.NumAttentionHeads, c.Segment, c.InputSize}
		weights := b.spreadWeights(s.weights)
		if c.Segment == 1 {
			weights, dims = b.squeeze("attention", weights, 2), append(dims[:2:2], c.InputSize)
		}
		b.output(weights, value("attention", docAttention, onnx.Float, dims...))
	}
	var next, in []string
	for _, v := range w.handed() {
		if v.carried {
			next, in = append(next, "next_"+v.Name), append(in, v.Name)
		}
	}
	return w.model(w.graph, fmt.Sprintf("One step of the decoder: its outputs %s are %s of the next step.", strings.Join(next, ", "), strings.Join(in, ", ")))
}

// hand makes outputs of what the next step reads.
func (b *body) hand(e encoded, s stepped) {
	for _, v := range b.handed() {
		if !v.carried {
			continue
		}
		next := "next_" + v.Name
		from := map[string]string{"prev": s.prev, "context": s.context}[v.Name]
		switch v.Name {
		case "h":
			from = b.stack(next, s.h)
		case "c":
			from = b.stack(next, s.c)
		case "position":
			from = b.op("Add", next, []string{e.position, b.scalar("one_step", 1)})
		}
		v.Name, v.DocString = next, v.Name+" of the next step"
		b.output(from, v.ValueInfo)
	}
}
