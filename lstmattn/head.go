package lstmattn

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

func newHead(kind Head, levels []float64) *head {
	h := &head{kind: kind, width: 1}
	switch kind {
	case HeadGaussian:
		h.width = 2
	case HeadStudentT:
		h.width = 3
	case HeadQuantile:
		h.width, h.levels = len(levels), levels
		h.lo, h.hi, h.frac = between(levels, 0.5)
	}
	return h
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

// addPoint adds the gradient of the point forecast to that of the K numbers.
func (h *head) addPoint(dy []float32, slope float32) {
	if h.lo == h.hi {
		dy[h.lo] += slope
		return
	}
	dy[h.lo] += slope * float32(1-h.frac)
	dy[h.hi] += slope * float32(h.frac)
}

// distribution is the predictive distribution of a value, of a head that has one.
func (h *head) distribution(y []float32) Distribution {
	d := Distribution{Location: float64(y[0]), Scale: MinDeviation + softplus(float64(y[1]))}
	if h.kind == HeadStudentT {
		d.DF = 2 + softplus(float64(y[2]))
	}
	return d
}
