package export

import (
	"math"

	"github.com/onda-ml/onda/lstmattn"
)

// What the network reads and gives is by sequence and position: N sequences,
// the windows or under folded channels their columns, S segments of the past, M
// of the future, each P steps of W columns. See the comment of lstmattn.

func (w *writer) folded() bool { return w.config.Channels == lstmattn.ChannelsFolded }
func (w *writer) direct() bool { return w.config.Decoding == lstmattn.DecodingDirect }

// columns is W.
func (w *writer) columns() int {
	if w.folded() {
		return 1
	}
	return w.config.NumFeatures
}

// segmentWidth is P*W.
func (w *writer) segmentWidth() int { return w.config.Segment * w.columns() }

// rows is N as an extent.
func (w *writer) rows() int {
	if w.folded() {
		return symbolicSequences
	}
	return symbolicBatch
}

// covered is how many segments cover a number of steps.
func (w *writer) covered(steps int) int { return (steps + w.config.Segment - 1) / w.config.Segment }

// most is M of the longest forecast of a graph that has a longest.
func (w *writer) most() int {
	if w.fixed() {
		return w.covered(w.options.Horizon)
	}
	return w.covered(w.config.Horizon)
}

// segments is the sequences (N, S, P*W) of the normalised windows (batch,
// input_size, features).
func (b *body) segments(n string) string {
	c := b.config
	S, width := int64(c.InputSize/c.Segment), int64(b.segmentWidth())
	switch {
	case b.folded():
		return b.reshape("segments", b.transpose("columns", n, 0, 2, 1), "segments_shape", -1, S, width)
	case c.Segment > 1:
		return b.reshape("segments", n, "segments_shape", 0, S, width)
	}
	return n
}

// read is what the network reads of segments (..., P*W).
func (b *body) read(out, segments string) string {
	if b.config.Segment == 1 {
		return segments
	}
	return b.op("Relu", out+".read", []string{b.dense(out+".embedded", segments, "embed")})
}

// fold repeats what a window has (batch, positions, width) for each of its
// columns, if they are sequences: (N, positions, width).
func (b *body) fold(out, x string, width int) string {
	if !b.folded() {
		return x
	}
	F := int64(b.config.NumFeatures)
	byPosition := b.unsqueeze(out+".by_position", b.transpose(out+".turned", x, 1, 0, 2), 2)
	wide := b.expand(out+".wide", byPosition, "fold_shape", 1, 1, F, 1)
	return b.transpose(out+".folded", b.reshape(out+".rows", wide, out+".rows_shape", 0, -1, int64(width)), 1, 0, 2)
}

// channels is the embedding (N, C) of each sequence's column; "" without.
func (b *body) channels(x string) string {
	c := b.config
	F, C := int64(c.NumFeatures), int64(c.ChannelEmbedding)
	if C == 0 {
		return ""
	}
	table := b.floats("channel_embedding.weight", b.params.View("channel_embedding.weight"), 1, F, C)
	shape := b.concat("channels_shape", []string{b.extent("batch_of_channels", x, 0), b.ints("one", 1), b.ints("one", 1)}, 0)
	return b.reshape("channels", b.op("Expand", "channels_by_window", []string{table, shape}), "channels_rows", -1, C)
}

// skip is what the linear skip adds (N, M, P*W); "" without.
func (b *body) skip(n string) string {
	c := b.config
	if !c.LinearSkip {
		return ""
	}
	L, M, P, F := c.InputSize, b.most(), c.Segment, int64(c.NumFeatures)
	from, fromBias := b.params.View("skip.weight"), b.params.View("skip.bias")
	weight, bias := make([]float32, M*P*L), make([]float32, M*P) // nothing for steps after the horizon
	copy(weight, from[:min(len(from), len(weight))])
	copy(bias, fromBias[:min(len(fromBias), len(bias))])
	y := b.affine("skip.columns", b.transpose("skip.x", n, 0, 2, 1), "skip", turned(weight, M*P), bias)
	if b.folded() {
		return b.reshape("skip", y, "skip_shape", -1, int64(M), int64(P))
	}
	return b.reshape("skip", b.transpose("skip.steps", y, 0, 2, 1), "skip_shape", 0, int64(M), int64(P)*F)
}

// steps turns the numbers (N, M, P*W*K) of segments into those of steps (batch,
// M*P, features, K), without the last axis of a point head.
func (b *body) steps(out, y string) string {
	c := b.config
	F, K := int64(c.NumFeatures), int64(b.numbers())
	point := c.Head == lstmattn.HeadPoint
	switch {
	case !b.folded() && point && c.Segment == 1:
		return y
	case !b.folded() && point:
		return b.reshape(out, y, "steps_shape", 0, -1, F)
	case !b.folded():
		return b.reshape(out, y, "steps_shape", 0, -1, F, K)
	}
	rows := b.reshape(out+".rows", y, "sequence_steps_shape", 0, -1, K)
	byStep := b.reshape(out+".by_step", b.transpose(out+".turned", rows, 1, 0, 2), "step_columns_shape", 0, -1, F, K)
	if !point {
		return b.transpose(out, byStep, 1, 0, 2, 3)
	}
	return b.squeeze(out, b.transpose(out+".by_window", byStep, 1, 0, 2, 3), 3)
}

// spreadWeights turns the weights (N, heads, M, S) of segments into those of steps
// (batch, heads, M*P, input_size).
func (b *body) spreadWeights(weights string) string {
	c := b.config
	A, S, P := int64(c.NumAttentionHeads), int64(c.InputSize/c.Segment), int64(c.Segment)
	if b.folded() {
		byPosition := b.transpose("weights.by_position", weights, 2, 0, 1, 3)
		byColumn := b.reshape("weights.by_column", byPosition, "weights_columns_shape", 0, -1, int64(c.NumFeatures), A*S)
		mean := b.reshape("weights.mean", b.mean("weights.mean_of_columns", byColumn, 2), "weights_heads_shape", 0, -1, A, S)
		weights = b.transpose("weights.by_window", mean, 1, 2, 0, 3)
	}
	if P == 1 {
		return weights
	}
	share := b.op("Mul", "weights.share", []string{weights, b.floats("weights.segment", []float32{1 / float32(P)})})
	apart := b.unsqueeze("weights.apart", b.unsqueeze("weights.apart_within", share, 4), 3)
	wide := b.expand("weights.wide", apart, "weights_wide_shape", 1, 1, 1, P, 1, P)
	return b.reshape("weights.by_step", wide, "weights_steps_shape", 0, 0, -1, int64(c.InputSize))
}

// cut leaves the steps of the forecast, of M*P steps of x along an axis. Where
// the model has a longest horizon, more is an error of the graph's run.
func (b *body) cut(out, x string, axis int64, steps string) string {
	c := b.config
	P, limited := c.Segment, b.limited()
	if b.fixed() {
		if b.most()*P == b.options.Horizon {
			return x
		}
		return b.slice(out, x, axis, 0, int64(b.options.Horizon))
	}
	if P == 1 && !b.direct() {
		return x
	}
	if limited && b.most()*P != c.Horizon {
		x = b.slice(out+".learnt", x, axis, 0, int64(c.Horizon))
	}
	if !limited {
		return b.op("Slice", out, []string{x, b.ints("bound_0", 0), b.unsqueeze(out+".end", steps, 0), b.axis(axis)})
	}
	index := b.op("Range", out+".index", []string{b.scalar("zero_step", 0), steps, b.scalar("one_step", 1)})
	return b.pick(out, x, index, axis)
}

// limited says whether there is a longest forecast.
func (w *writer) limited() bool { return w.direct() || w.config.LinearSkip }

// positions is M for a number of steps, both () int64.
func (b *body) positions(steps string) string {
	P := int64(b.config.Segment)
	if P == 1 {
		return steps
	}
	more := b.op("Add", "positions.rounding", []string{steps, b.scalar("segment_less_one", P-1)})
	return b.op("Div", "positions", []string{more, b.scalar("segment", P)})
}

// toEnd is a bound of a slice.
const toEnd = math.MaxInt64
