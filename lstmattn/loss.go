package lstmattn

import (
	"fmt"
	"math"
)

// A Loss is the mean over all values, by their weights, of a function of a
// forecast and its target, both scaled by column. e is the error of the point
// forecast, forecast minus target.
type Loss struct {
	Kind  LossKind // the function
	Delta float64  // of Huber: where the square becomes a line; above 0
}

// LossKind names a loss as configurations do, such as "huber".
type LossKind string

// The losses. The first three are of every head's point forecast.
const (
	MSE   LossKind = "mse"   // e*e
	MAE   LossKind = "mae"   // |e|
	Huber LossKind = "huber" // e*e/2 up to Delta, then Delta*(|e| - Delta/2) (Huber 1964)

	// Pinball is of a quantile head: the mean over its quantiles q of q*d where
	// the target lies d above the quantile, and of (1-q)*d where it lies d below
	// (Koenker and Bassett 1978).
	Pinball LossKind = "quantile"
	// GaussianNLL and StudentTNLL are of the heads of those distributions: minus
	// the logarithm of the target's density.
	GaussianNLL LossKind = "gaussian"
	StudentTNLL LossKind = "student_t"
)

// OwnLoss is the loss that a head's numbers are made for: MSE, Pinball,
// GaussianNLL, StudentTNLL.
func (h Head) OwnLoss() LossKind {
	switch h {
	case HeadQuantile:
		return Pinball
	case HeadGaussian:
		return GaussianNLL
	case HeadStudentT:
		return StudentTNLL
	}
	return MSE
}

// Validate is the error of a loss that is unknown, has no delta that it needs, or
// that the numbers of a head don't make, or nil.
func (l Loss) Validate(h Head) error {
	switch l.Kind {
	case MSE, MAE:
		return nil
	case Huber:
		if !(l.Delta > 0) || math.IsInf(l.Delta, 1) {
			return fmt.Errorf("lstmattn: the Huber loss's delta is %v, must be a number above 0", l.Delta)
		}
		return nil
	case Pinball, GaussianNLL, StudentTNLL:
		if l.Kind != h.OwnLoss() {
			return fmt.Errorf("lstmattn: the loss is %s, which a %s head doesn't give the numbers for", l.Kind, h)
		}
		return nil
	}
	return fmt.Errorf("lstmattn: the loss is %q, must be mse, mae, huber, quantile, gaussian or student_t", string(l.Kind))
}

// of is the function of one error and its derivative; that of |e| at 0 is 0.
func (l Loss) of(e float64) (value, slope float64) {
	switch {
	case l.Kind == MSE:
		return e * e, 2 * e
	case l.Kind == Huber && math.Abs(e) <= l.Delta:
		return e * e / 2, e
	}
	size, sign := math.Abs(e), 0.0
	if e != 0 {
		sign = math.Copysign(1, e)
	}
	if l.Kind == Huber {
		return l.Delta * (size - l.Delta/2), l.Delta * sign
	}
	return size, sign
}

// at is the loss of one value's K numbers y against a target, both normalised,
// unit being what one is in scaled units. It adds share times its derivatives to
// dy unless that is nil.
func (l Loss) at(h *head, dy, y []float32, target, unit, share float64) (value float64) {
	switch l.Kind {
	case Pinball:
		for k, q := range h.levels {
			rise, slope := (target-float64(y[k]))*unit, -q
			if rise == 0 {
				slope = 0
			} else if rise < 0 {
				slope = 1 - q
			}
			value -= slope * rise / float64(len(h.levels))
			if dy != nil {
				dy[k] += float32(share * slope * unit / float64(len(h.levels)))
			}
		}
		return value
	case GaussianNLL, StudentTNLL:
		d := h.distribution(y)
		value, location, scale, df := d.negative(target)
		if dy != nil {
			dy[0] += float32(share * location)
			dy[1] += float32(share * scale * logistic(float64(y[1])))
			if h.kind == HeadStudentT {
				dy[2] += float32(share * df * logistic(float64(y[2])))
			}
		}
		return value + math.Log(unit)
	}
	value, slope := l.of((float64(h.point(y)) - target) * unit)
	if dy != nil {
		h.addPoint(dy, float32(share*slope*unit))
	}
	return value
}

// measure is the sum of the loss of the network's numbers (B, T, F, K) against
// a normalised target (B, T, F), each times its weight; without weights (nil)
// each is 1. It sets dy, unless nil, to the gradient of that sum over total. A
// target of weight 0 may be anything.
func (l Loss) measure(h *head, w *window, dy, numbers, target, weight []float32, steps int, total float64) float64 {
	var sum float64
	clear(dy)
	for i := range target {
		share := 1.0
		if weight != nil {
			share = float64(weight[i])
		}
		if share == 0 {
			continue
		}
		unit := float64(w.spread[i/(steps*w.cols)*w.cols+i%w.cols])
		sum += share * l.at(h, piece(dy, i, h.width), piece(numbers, i, h.width), float64(target[i]), unit, share/total)
	}
	return sum
}
