package export

import (
	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/onnx"
)

// The documentation of the inputs of covariates.
const (
	docPast   = "raw covariates known for the history only"
	docFuture = "raw covariates known for the horizon too, input_size steps of the history first"
	docStatic = "raw covariates of the series"
)

// raw are the inputs of a graph, "" for those that the model has none of.
type raw struct {
	x, past, future, static string

	// The forecast's steps, and M where the decoder takes as many, () int64; ""
	// where the graph has them fixed or need not know.
	steps, positions string
}

// inputs adds what a forecast is made from. Where there are future covariates
// their length says how many steps are forecast.
func (b *body) inputs() raw {
	c, B, L := b.config, symbolicBatch, b.config.InputSize
	r := raw{x: b.input(value("x", docX, onnx.Float, B, L, c.NumFeatures))}
	if c.NumPast > 0 {
		r.past = b.input(value("past", docPast, onnx.Float, B, L, c.NumPast))
	}
	if c.NumFuture > 0 {
		steps := symbolicSteps
		if b.fixed() {
			steps = L + b.options.Horizon
		}
		r.future = b.input(value("future", docFuture, onnx.Float, B, steps, c.NumFuture))
	}
	if c.NumStatic > 0 {
		r.static = b.input(value("static", docStatic, onnx.Float, B, c.NumStatic))
	}
	switch {
	case b.fixed():
	case c.NumFuture > 0:
		all := b.squeeze("future_steps", b.extent("future_extent", r.future, 1), 0)
		r.steps = b.op("Sub", "horizon_of_future", []string{all, b.scalar("input_steps", int64(L))})
	case b.options.Decoder == Loop:
		r.steps = b.input(value("horizon", docHorizon, onnx.Int64))
		b.scalar("horizon", int64(b.options.Horizon))
	}
	if r.steps != "" && !b.direct() {
		r.positions = b.positions(r.steps)
	}
	return r
}

// covariates scales the covariates. history are parts (batch, S, .) of what the
// encoder reads beside the segments, ahead (N, M, P*num_future) and static (N,
// num_static) what the decoder reads; none, or "", where the model has none.
func (b *body) covariates(r raw) (history []string, ahead, static string) {
	c := b.config
	P, L := c.Segment, int64(c.InputSize)
	S := L / int64(P)
	p := b.params
	if r.past != "" {
		z := b.scale("past.scaled", r.past, "past_", &p.Past)
		history = append(history, b.reshape("past.segments", z, "past_shape", 0, S, int64(P*c.NumPast)))
	}
	if r.future != "" {
		z := b.scale("future.scaled", r.future, "future_", &p.Future)
		known := b.slice("future.history", z, 1, 0, L)
		history = append(history, b.reshape("future.segments", known, "future_shape", 0, S, int64(P*c.NumFuture)))
		ahead = b.fold("future.ahead", b.ahead(b.slice("future.steps", z, 1, L, toEnd), r), P*c.NumFuture)
	}
	if r.static != "" {
		z := b.unsqueeze("static.row", b.scale("static.scaled", r.static, "static_", &p.Static), 1)
		history = append(history, b.expand("static.segments", z, "static_shape", 1, S, 1))
		static = b.squeeze("static.of_sequences", b.fold("static", z, c.NumStatic), 1)
	}
	return history, ahead, static
}

// ahead is the scaled future (batch, T, num_future) by position (batch, M,
// P*num_future), with zeros after its end.
func (b *body) ahead(z string, r raw) string {
	c := b.config
	P := c.Segment
	var pads string
	switch missing := b.most()*P - b.options.Horizon; {
	case b.fixed():
		if missing > 0 {
			pads = b.ints("future.pads", 0, 0, 0, 0, int64(missing), 0)
		}
	case b.direct():
		pads = b.pads(b.scalar("learnt_steps", int64(b.most()*P)), r.steps)
	case P > 1:
		all := b.op("Mul", "future.covered", []string{r.positions, b.scalar("segment", int64(P))})
		pads = b.pads(all, r.steps)
	}
	if pads != "" {
		z = b.op("Pad", "future.padded", []string{z, pads})
	}
	if P == 1 {
		return z
	}
	return b.reshape("future.positions", z, "future_positions_shape", 0, -1, int64(P*c.NumFuture))
}

// pads fill a middle axis up from steps to covered, both () int64.
func (b *body) pads(covered, steps string) string {
	missing := b.unsqueeze("future.missing_list", b.op("Sub", "future.missing", []string{covered, steps}), 0)
	return b.concat("future.pads", []string{b.ints("no_pads", 0, 0, 0, 0), missing, b.ints("no_pad", 0)}, 0)
}

// scale turns raw values into scaled ones; prefix tells the buffers' names.
func (b *body) scale(out, x, prefix string, s *lstmattn.Scaler) string {
	mean, scale := b.scaler(prefix, s)
	return b.op("Div", out, []string{b.op("Sub", out+".centred", []string{x, mean}), scale})
}

func (b *body) scaler(prefix string, s *lstmattn.Scaler) (mean, scale string) {
	n := int64(len(s.Mean))
	return b.floats("scaler."+prefix+"mean", s.Mean, n), b.floats("scaler."+prefix+"scale", s.Scale, n)
}
