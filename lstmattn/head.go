package lstmattn

import (
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
)

// Head says what the output layer gives for each value: K numbers, beside each
// other. All are in the units of the normalised window.
type Head string

// The heads. softplus(x) is log(1 + exp(x)).
const (
	HeadPoint    Head = "point"     // K 1: the value
	HeadQuantile Head = "quantile"  // K of quantiles: the value at each (Koenker and Bassett 1978; Wen et al. 2017)
	HeadGaussian Head = "gaussian"  // K 2: mean, s; the deviation is MinDeviation + softplus(s)
	HeadStudentT Head = "student_t" // K 3: location, s, d; the scale is MinDeviation + softplus(s), the degrees of freedom 2 + softplus(d)
)

// checkHead refuses an unknown head, and quantiles that are not what it needs.
func (c *Config) checkHead(refuse func(format string, args ...any)) {
	switch c.Head {
	case HeadPoint, HeadGaussian, HeadStudentT:
		if len(c.Quantiles) > 0 {
			refuse("quantiles has %d entries, a %s head has none", len(c.Quantiles), c.Head)
		}
	case HeadQuantile:
		if n := len(c.Quantiles); n < 1 || n > maxQuantiles {
			refuse("quantiles has %d entries, must have 1 to %d for a quantile head", n, maxQuantiles)
		}
		for i, q := range c.Quantiles {
			if !(q > 0 && q < 1) {
				refuse("quantiles has %v, must be above 0 and below 1", q)
			} else if i > 0 && !(q > c.Quantiles[i-1]) {
				refuse("quantiles has %v after %v, must rise", q, c.Quantiles[i-1])
			}
		}
	default:
		refuse("head is %q, must be point, quantile, gaussian or student_t", string(c.Head))
	}
}

const maxQuantiles = 1000

// MinDeviation bounds the deviation of a distribution from below, as a share of
// the window's spread, so that a series that does not move has a likelihood.
const MinDeviation = 0.001

// A head is what a configuration says of the K numbers of a value.
type head struct {
	kind   Head
	width  int       // K
	levels []float64 // of quantiles, rising

	// The point forecast is the first number, or at the median of quantiles:
	// y[lo] + frac*(y[hi]-y[lo]), which is the nearest where all are on one side.
	lo, hi int
	frac   float64
}

func (c *Config) head() *head { return newHead(c.Head, c.Quantiles) }

func newHead(kind Head, levels []float64) *head {
	h := &head{kind: kind, width: widthOf(kind, levels)}
	if kind == HeadQuantile {
		h.levels = levels
		h.lo, h.hi, h.frac = between(levels, 0.5)
	}
	return h
}

// widthOf is K.
func widthOf(kind Head, levels []float64) int {
	switch kind {
	case HeadQuantile:
		return len(levels)
	case HeadGaussian:
		return 2
	case HeadStudentT:
		return 3
	}
	return 1
}

// between says where level is among rising levels: at lo + frac*(hi-lo).
func between(levels []float64, level float64) (lo, hi int, frac float64) {
	for hi < len(levels)-1 && levels[hi] < level {
		hi++
	}
	if lo = max(hi-1, 0); lo == hi || levels[hi] <= level {
		return hi, hi, 0
	}
	if levels[lo] >= level {
		return lo, lo, 0
	}
	return lo, hi, (level - levels[lo]) / (levels[hi] - levels[lo])
}

// point is the point forecast among the K numbers of a value.
func (h *head) point(y []float32) float32 {
	if h.lo == h.hi {
		return y[h.lo]
	}
	return y[h.lo] + float32(float32(h.frac)*(y[h.hi]-y[h.lo]))
}

// MedianPosition says where the point forecast of a quantile head is among the
// values of rising levels: at lo + frac*(hi-lo).
func MedianPosition(levels []float64) (lo, hi int, frac float32) {
	lo, hi, f := between(levels, 0.5)
	return lo, hi, float32(f)
}

// points sets values to the point forecasts among numbers, K for each.
func (h *head) points(values, numbers []float32) {
	if h.width == 1 {
		copy(values, numbers)
		return
	}
	for i := range values {
		values[i] = h.point(piece(numbers, i, h.width))
	}
}

// located is how many of the K numbers, from the first on, are values: what is
// added to a forecast is added to these.
func (h *head) located() int {
	if h.kind == HeadQuantile {
		return h.width
	}
	return 1
}

// addPoint adds the gradient of the point forecast to that of the K numbers.
func (h *head) addPoint(dy []float32, slope float32) {
	if h.lo == h.hi {
		dy[h.lo] += slope
		return
	}
	dy[h.lo] += slope * float32(1-h.frac)
	dy[h.hi] += slope * float32(h.frac)
}

// addPoints adds the gradient of points' values to that of the numbers.
func (h *head) addPoints(dNumbers, d []float32) {
	if h.width == 1 {
		kernel.Add(dNumbers[:len(d)], dNumbers, d)
		return
	}
	for i, v := range d {
		h.addPoint(piece(dNumbers, i, h.width), v)
	}
}

// distribution is the predictive distribution of a value, of a head that has one.
func (h *head) distribution(y []float32) Distribution {
	d := Distribution{Location: float64(y[0]), Scale: MinDeviation + softplus(float64(y[1]))}
	if h.kind == HeadStudentT {
		d.DF = 2 + softplus(float64(y[2]))
	}
	return d
}

// scales and freedoms are how many of these numbers a value's distribution has.
func (h *head) scales() int {
	if h.kind == HeadGaussian || h.kind == HeadStudentT {
		return 1
	}
	return 0
}

func (h *head) freedoms() int {
	if h.kind == HeadStudentT {
		return 1
	}
	return 0
}

// report sets windows lo to lo+batch of a forecast from the network's numbers
// (B, T, F, K), in the unit of the data. Quantiles that cross are sorted
// (Chernozhukov, Fernandez-Val and Galichon 2010), and the point forecast is
// of the sorted.
func (h *head) report(f *Forecast, w *window, numbers []float32, lo, batch int) {
	row := f.Horizon * f.Features
	for i := range batch * row {
		y, at := piece(numbers, i, h.width), lo*row+i
		b, col := i/row, i%f.Features
		if h.kind == HeadQuantile {
			slices.Sort(y)
			for k := range y {
				f.Quantiles[at*h.width+k] = w.raw(b, col, y[k])
			}
		}
		f.Values[at] = w.raw(b, col, h.point(y))
		if h.scales() == 0 {
			continue
		}
		d := h.distribution(y)
		_, _, spread := w.of(b)
		f.Scale[at] = float32(d.Scale * float64(spread[col]) * float64(w.scale[col]))
		if h.freedoms() > 0 {
			f.DF[at] = float32(d.DF)
		}
	}
}
