package lstmattn

import (
	"fmt"
	"slices"
)

// Quantile is the value (B, horizon, F) that each forecast stays below with
// probability level, above 0 and below 1: that of the sampled paths, linear
// between neighbouring ones; of the distribution; or of quantiles, linear between
// the neighbouring levels, whose range level must be in. A point forecast and
// beams have none.
func (f *Forecast) Quantile(level float64) ([]float32, error) {
	if !(level > 0 && level < 1) {
		return nil, fmt.Errorf("lstmattn: the level is %v, must be above 0 and below 1", level)
	}
	out := make([]float32, len(f.Values))
	switch {
	case f.sampled:
		row := make([]float32, f.Paths)
		for i := range out {
			out[i] = empirical(f.paths(row, i), level)
		}
	case f.Paths > 0:
		return nil, fmt.Errorf("lstmattn: beams have no quantiles, only sampled paths and distributions")
	case len(f.Levels) > 0:
		if first, last := f.Levels[0], f.Levels[len(f.Levels)-1]; level < first || level > last {
			return nil, fmt.Errorf("lstmattn: the level is %v, the forecast's quantiles are from %v to %v", level, first, last)
		}
		lo, hi, frac := between(f.Levels, level)
		for i := range out {
			q := piece(f.Quantiles, i, len(f.Levels))
			out[i] = q[lo] + float32(float32(frac)*(q[hi]-q[lo]))
		}
	case len(f.Scale) > 0:
		for i := range out {
			d := Distribution{Location: float64(f.Values[i]), Scale: float64(f.Scale[i])}
			if len(f.DF) > 0 {
				d.DF = float64(f.DF[i])
			}
			out[i] = float32(d.Quantile(level))
		}
	default:
		return nil, fmt.Errorf("lstmattn: a point forecast has no quantiles")
	}
	return out, nil
}

// UsualLevels are the levels of the quantiles that are shown of a forecast where
// nobody asks for others: a quantile head's own, of a distribution or sampled paths
// the ends and the middle of 80 %, none of a point forecast and of beams.
func (f *Forecast) UsualLevels() []float64 {
	switch {
	case len(f.Levels) > 0:
		return slices.Clone(f.Levels)
	case f.sampled || len(f.Scale) > 0:
		return []float64{0.1, 0.5, 0.9}
	}
	return nil
}

// paths sets row to the sampled values of value i, rising.
func (f *Forecast) paths(row []float32, i int) []float32 {
	n := f.Horizon * f.Features
	for j := range row {
		row[j] = f.Samples[(i/n*f.Paths+j)*n+i%n]
	}
	slices.Sort(row)
	return row
}

// empirical is the quantile at position level*(n-1) of n sorted values.
func empirical(sorted []float32, level float64) float32 {
	at := level * float64(len(sorted)-1)
	lo := int(at)
	hi := min(lo+1, len(sorted)-1)
	return sorted[lo] + float32(float32(at-float64(lo))*(sorted[hi]-sorted[lo]))
}

// summarize sets what the trajectories of windows lo to lo+batch say of each value.
func (f *Forecast) summarize(h *head, lo, batch int) {
	n := f.Horizon * f.Features
	row := make([]float32, f.Paths)
	for i := lo * n; i < (lo+batch)*n; i++ {
		if !f.sampled {
			f.Values[i] = f.Samples[i/n*f.Paths*n+i%n]
			continue
		}
		f.paths(row, i)
		f.Values[i] = empirical(row, 0.5)
		for k, level := range h.levels {
			f.Quantiles[i*h.width+k] = empirical(row, level)
		}
	}
}
