package lstmattn

import (
	"fmt"
	"math"
)

// A Loss is the mean over all values, by their weights, of a function of the
// error e, forecast minus target, both scaled by column.
type Loss struct {
	Kind  LossKind
	Delta float64 // of Huber: where the square becomes a line; above 0
}

// LossKind is the function of the error.
type LossKind string

// The losses.
const (
	MSE   LossKind = "mse"   // e*e
	MAE   LossKind = "mae"   // |e|
	Huber LossKind = "huber" // e*e/2 up to Delta, then Delta*(|e| - Delta/2) (Huber 1964)
)

func (l Loss) validate() error {
	switch l.Kind {
	case MSE, MAE:
		return nil
	case Huber:
		if !(l.Delta > 0) || math.IsInf(l.Delta, 1) {
			return fmt.Errorf("lstmattn: the Huber loss's delta is %v, must be a number above 0", l.Delta)
		}
		return nil
	}
	return fmt.Errorf("lstmattn: the loss is %q, must be mse, mae or huber", string(l.Kind))
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

// measure is the sum of the loss of normalised values against a normalised
// target, both (B, T, F), in scaled units, each times its weight; without
// weights (nil) each is 1. It sets dy, unless nil, to the gradient of that sum
// over total. A target of weight 0 may be anything.
func (l Loss) measure(w *window, dy, values, target, weight []float32, steps int, total float64) float64 {
	var sum float64
	window := steps * w.cols
	for i, v := range values {
		share := 1.0
		if weight != nil {
			share = float64(weight[i])
		}
		if share == 0 {
			if dy != nil {
				dy[i] = 0
			}
			continue
		}
		unit := float64(w.spread[i/window*w.cols+i%w.cols])
		value, slope := l.of((float64(v) - float64(target[i])) * unit)
		sum += share * value
		if dy != nil {
			dy[i] = float32(share * slope * unit / total)
		}
	}
	return sum
}
