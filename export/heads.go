package export

import (
	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/onnx"
)

// The documentation of what heads give.
const (
	docQuantiles = "raw values at each of the quantiles, rising"
	docScale     = "the distribution's scale, in the unit of the data"
	docDF        = "the distribution's degrees of freedom"
)

// numbers is K, how many numbers the output layer gives for each value.
func (w *writer) numbers() int {
	switch c := w.config; c.Head {
	case lstmattn.HeadQuantile:
		return len(c.Quantiles)
	case lstmattn.HeadGaussian:
		return 2
	case lstmattn.HeadStudentT:
		return 3
	}
	return 1
}

// point is the point forecast among the numbers, which are an axis of y.
func (b *body) point(out, y string, axis int64) string {
	if b.config.Head != lstmattn.HeadQuantile {
		return b.pick(out, y, b.number(0), axis)
	}
	lo, hi, frac := lstmattn.MedianPosition(b.config.Quantiles)
	if lo == hi {
		return b.pick(out, y, b.number(lo), axis)
	}
	low, high := b.pick(out+".low", y, b.number(lo), axis), b.pick(out+".high", y, b.number(hi), axis)
	gap := b.op("Sub", out+".gap", []string{high, low})
	part := b.op("Mul", out+".part", []string{gap, b.floats("median.fraction", []float32{frac})})
	return b.op("Add", out, []string{low, part})
}

// addSkip adds the linear skip (N, M, P*W) to the numbers (N, M, P*W*K); M 0 for
// neither to have that axis.
func (b *body) addSkip(out, y, skip string, M int) string {
	K := int64(b.numbers())
	if K == 1 {
		return b.op("Add", out, []string{y, skip})
	}
	width := int64(b.segmentWidth())
	axes, name := []int64{0}, "position"
	if M > 0 {
		axes, name = append(axes, int64(M)), "positions"
	}
	apart := b.reshape(out+".numbers", y, "numbers_of_"+name, append(axes[:len(axes):len(axes)], width, K)...)
	skip = b.unsqueeze(out+".skip", skip, int64(len(axes)+1))
	if b.config.Head != lstmattn.HeadQuantile { // the location alone
		located := make([]float32, K)
		located[0] = 1
		skip = b.op("Mul", out+".located", []string{skip, b.floats("located", located, K)})
	}
	sum := b.op("Add", out+".sum", []string{apart, skip})
	return b.reshape(out, sum, "width_of_"+name, append(axes[:len(axes):len(axes)], width*K)...)
}

// A result is an output of the model.
type result struct {
	name, from, doc string
	more            []int // extents after those of the values
}

// report turns the numbers (batch, steps, features, K), without the last axis of a
// point head, into what the head gives, in the unit of the data. shift and
// spread are (batch, 1, features), or "".
func (b *body) report(numbers, shift, spread string) []result {
	c := b.config
	if c.Head == lstmattn.HeadPoint {
		return []result{{"forecast", b.restore("forecast", numbers, shift, spread, false), docForecast, nil}}
	}
	Q := b.numbers()
	if c.Head == lstmattn.HeadQuantile {
		if Q > 1 {
			numbers = b.ops("TopK", []string{numbers, b.ints("levels", int64(Q))}, []string{"rising", "rising.order"},
				onnx.AttrInt("axis", -1), onnx.AttrInt("largest", 0), onnx.AttrInt("sorted", 1))[0]
		}
		return []result{
			{"forecast", b.restore("forecast", b.point("median", numbers, -1), shift, spread, false), docForecast, nil},
			{"quantiles", b.restore("quantiles", numbers, shift, spread, true), docQuantiles, []int{Q}},
		}
	}
	results := []result{{"forecast", b.restore("forecast", b.point("location", numbers, -1), shift, spread, false), docForecast, nil}}
	scale := b.positive("scale.normalised", numbers, 1, lstmattn.MinDeviation)
	if spread != "" {
		scale = b.op("Mul", "scale.scaled", []string{scale, spread})
	}
	_, unit := b.columnScaler()
	results = append(results, result{"scale", b.op("Mul", "scale", []string{scale, unit}), docScale, nil})
	if c.Head == lstmattn.HeadStudentT {
		results = append(results, result{"df", b.positive("df", numbers, 2, 2), docDF, nil})
	}
	return results
}

// positive is least + softplus of number i.
func (b *body) positive(out, numbers string, i int, least float32) string {
	above := b.op("Softplus", out+".above", []string{b.pick(out+".number", numbers, b.number(i), -1)})
	return b.op("Add", out, []string{above, b.floats(out+".least", []float32{least})})
}

// restore turns normalised values y (batch, steps, features) into raw ones; wide
// says that there is one axis more.
func (b *body) restore(out, y, shift, spread string, wide bool) string {
	mean, scale := b.columnScaler()
	if wide {
		p, n := b.params, int64(len(b.params.ScalerMean))
		mean, scale = b.floats("scaler.mean_column", p.ScalerMean, n, 1), b.floats("scaler.scale_column", p.ScalerScale, n, 1)
	}
	window := func(which, stat string) string {
		if wide {
			return b.unsqueeze(out+"."+which+"_column", stat, 3)
		}
		return stat
	}
	if spread != "" {
		y = b.op("Mul", out+".spread", []string{y, window("spread", spread)})
	}
	if shift != "" {
		y = b.op("Add", out+".shifted", []string{y, window("shift", shift)})
	}
	return b.op("Add", out, []string{b.op("Mul", out+".wide", []string{y, scale}), mean})
}

// columnScaler is the buffers of the scaling by column.
func (b *body) columnScaler() (mean, scale string) {
	return b.scaler("", &lstmattn.Scaler{Mean: b.params.ScalerMean, Scale: b.params.ScalerScale})
}
