package lstmattn

import (
	"math"
	"slices"
)

// MinSpread bounds the divisor of a window from below: a hundredth of the
// column's scale, so that an almost constant window does not blow up.
const MinSpread = 0.01

// IQROfNormal is about the interquartile range of the standard normal distribution.
const IQROfNormal = 1.349

// A window is the normalisation of B windows of one model.
type window struct {
	kind        Normalization
	steps, cols int
	mean, scale []float32 // (F) of the columns

	// (B, F) of each window. Statistics are taken of differences from the anchor,
	// its last value, which lose nothing to rounding where the values are large
	// beside their spread; what is subtracted in all is anchor + shift.
	anchor, shift, spread []float32
	sorted                []float32 // (L) scratch of robust
}

// normalize sets n (B, L, F) from the raw x (B, L, F), and shift and spread.
func (w *window) normalize(n, x []float32, batch int) {
	w.toScaled(n[:batch*w.steps*w.cols], x)
	for b := range batch {
		one := n[b*w.steps*w.cols : (b+1)*w.steps*w.cols]
		if w.kind != NormalizationNone {
			copy(piece(w.anchor, b, w.cols), one[(w.steps-1)*w.cols:])
		}
		w.fromAnchor(one, b)
		w.measure(one, b)
		w.center(one, b)
	}
}

// normalizeTarget sets n (B, T, F) from the raw y (B, T, F) by the windows'
// shift and spread.
func (w *window) normalizeTarget(n, y []float32, batch, steps int) {
	w.toScaled(n[:batch*steps*w.cols], y)
	for b := range batch {
		one := n[b*steps*w.cols : (b+1)*steps*w.cols]
		w.fromAnchor(one, b)
		w.center(one, b)
	}
}

// raw turns a normalised value y of column f of window b into a raw one.
func (w *window) raw(b, f int, y float32) float32 {
	if w.kind != NormalizationNone {
		anchor, shift, spread := w.of(b)
		y = float32(y*spread[f]) + float32(anchor[f]+shift[f])
	}
	return float32(y*w.scale[f]) + w.mean[f]
}

func (w *window) of(b int) (anchor, shift, spread []float32) {
	return piece(w.anchor, b, w.cols), piece(w.shift, b, w.cols), piece(w.spread, b, w.cols)
}

func (w *window) toScaled(dst, src []float32) {
	for i := 0; i < len(dst); i += w.cols {
		for f := range w.cols {
			dst[i+f] = (src[i+f] - w.mean[f]) / w.scale[f]
		}
	}
}

// fromAnchor subtracts the anchor of window b.
func (w *window) fromAnchor(n []float32, b int) {
	if w.kind == NormalizationNone {
		return
	}
	anchor, _, _ := w.of(b)
	for i := 0; i < len(n); i += w.cols {
		for f := range w.cols {
			n[i+f] -= anchor[f]
		}
	}
}

// center applies shift and spread of window b.
func (w *window) center(n []float32, b int) {
	if w.kind == NormalizationNone {
		return
	}
	_, shift, spread := w.of(b)
	for i := 0; i < len(n); i += w.cols {
		for f := range w.cols {
			n[i+f] = (n[i+f] - shift[f]) / spread[f]
		}
	}
}

// measure computes shift and spread of window b from its differences d (L, F)
// from the anchor.
func (w *window) measure(d []float32, b int) {
	anchor, shift, spread := w.of(b)
	for f := range w.cols {
		switch w.kind {
		case NormalizationLast:
			shift[f], spread[f] = 0, 1
		case NormalizationMeanStd:
			shift[f], spread[f] = w.meanStd(d[f:])
		case NormalizationRobust:
			shift[f], spread[f] = w.medianIQR(d[f:])
		default:
			anchor[f], shift[f], spread[f] = 0, 0, 1
		}
	}
}

// meanStd is of the column that begins at z[0].
func (w *window) meanStd(z []float32) (mean, std float32) {
	var sum float64
	for t := range w.steps {
		sum += float64(z[t*w.cols])
	}
	m := sum / float64(w.steps)
	var squares float64
	for t := range w.steps {
		d := float64(z[t*w.cols]) - m
		squares += d * d
	}
	return float32(m), max(float32(math.Sqrt(squares/float64(w.steps))), MinSpread)
}

// medianIQR is of the column that begins at z[0].
func (w *window) medianIQR(z []float32) (median, iqr float32) {
	for t := range w.steps {
		w.sorted[t] = z[t*w.cols]
	}
	slices.Sort(w.sorted)
	quartile := func(q int) float32 {
		lo, hi, frac := QuartilePosition(w.steps, q)
		return w.sorted[lo] + float32(frac*(w.sorted[hi]-w.sorted[lo]))
	}
	return quartile(2), max((quartile(3)-quartile(1))/IQROfNormal, MinSpread)
}

// QuartilePosition says where quartile q (1, 2 or 3) of n sorted values is:
// at lo + frac*(hi-lo).
func QuartilePosition(n, q int) (lo, hi int, frac float32) {
	at := q * (n - 1)
	lo = at / 4
	return lo, min(lo+1, n-1), float32(at%4) / 4
}
