package plot

import (
	"iter"
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// ticks labels whole steps with their timestamps, a few of them, and none so
// near an end that its text would be cut off.
type ticks struct{ label func(i int) string }

func (t ticks) Ticks(lo, hi float64) (out []plot.Tick) {
	label := t.label
	if label == nil {
		label = strconv.Itoa
	}
	margin := (hi - lo) / 12
	for i := range wholeNumbers(lo, hi, 5) {
		if v := float64(i); i >= 0 && v >= lo+margin && v <= hi-margin {
			out = append(out, plot.Tick{Value: v, Label: label(i)})
		}
	}
	return out
}

// whole labels some whole numbers.
type whole struct{}

func (whole) Ticks(lo, hi float64) (out []plot.Tick) {
	for i := range wholeNumbers(lo, hi, 10) {
		out = append(out, plot.Tick{Value: float64(i), Label: strconv.Itoa(i)})
	}
	return out
}

// wholeNumbers are the multiples between lo and hi of the smallest of 1, 2, 5, 10, 20
// and so on that gives at most so many.
func wholeNumbers(lo, hi float64, most int) iter.Seq[int] {
	step := 1
	for k := 0; (hi-lo)/float64(step) > float64(most); k++ {
		step = []int{2, 5, 10}[k%3] * int(math.Pow10(k/3))
	}
	return func(yield func(int) bool) {
		for i := int(math.Ceil(lo/float64(step))) * step; float64(i) <= hi; i += step {
			if !yield(i) {
				return
			}
		}
	}
}
