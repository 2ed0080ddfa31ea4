package lstmattn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Strategy says which trajectories of the predictive distribution a forecast
// gives.
type Strategy string

// The strategies. The distribution at a step is that of each column by itself,
// given what came before; all but Greedy need a head that has one.
const (
	// Greedy takes, and reads next, the point forecast. What a forecast says of a
	// step's distribution is then conditional on the point forecasts before.
	Greedy Strategy = "greedy"
	// Sample draws paths: each reads next what was drawn of it (ancestral
	// sampling), so that together they show the distribution of whole trajectories.
	Sample Strategy = "sample"
	// Beam searches for the trajectories of the largest density. The values that a
	// step may take are, of a distribution, its quantiles at 0.1, 0.2 to 0.9, and
	// of a quantile head the quantiles themselves; columns combine freely. Beam k
	// goes on with the best that is left of what beams 1 to k lead to, so that a
	// wider search finds all that a narrower one does (monotonic beam search,
	// Lemons et al. 2022). One beam of a distribution is Greedy.
	Beam Strategy = "beam"
)

// beamLevels are the quantiles of a distribution that a beam may take.
var beamLevels = [...]float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}

const maxPaths = 1 << 16

// checkStrategy checks the options that say which trajectories are wanted.
func (m *Model) checkStrategy(o *Options, horizon int) error {
	switch o.Strategy {
	case "", Greedy:
		if o.Paths != 0 {
			return fmt.Errorf("lstmattn: paths is %d, greedy decoding has none", o.Paths)
		}
		return nil
	case Sample, Beam:
	default:
		return fmt.Errorf("lstmattn: the strategy is %q, must be greedy, sample or beam", string(o.Strategy))
	}
	h := m.head
	switch {
	case o.Paths < 1 || o.Paths > maxPaths:
		return fmt.Errorf("lstmattn: paths is %d, must be between 1 and %d", o.Paths, maxPaths)
	case o.Attention:
		return fmt.Errorf("lstmattn: attention weights are of greedy decoding, the strategy is %s", o.Strategy)
	case h.kind == HeadPoint:
		return fmt.Errorf("lstmattn: the strategy is %s, a point head has no distribution", o.Strategy)
	case h.kind == HeadQuantile && len(h.levels) < 2:
		return fmt.Errorf("lstmattn: the strategy is %s, one quantile is no distribution", o.Strategy)
	}
	if o.Strategy == Beam {
		most := math.Pow(float64(h.candidates()), float64(horizon*m.config.columns()))
		if float64(o.Paths) > most {
			return fmt.Errorf("lstmattn: paths is %d, beams over %d steps have %v trajectories", o.Paths, horizon, most)
		}
	}
	return nil
}

// draw draws a value of the distribution that numbers y (K) have, in the unit of
// the window, and the logarithm of its density. Between neighbouring quantiles
// the density of a quantile head is constant, and beyond the outermost as it is
// next to them. y is sorted if it has quantiles.
func (h *head) draw(rng *rand.Rand, y []float32) (value float32, density float64) {
	if h.kind != HeadQuantile {
		d := h.distribution(y)
		value = float32(d.sample(rng))
		return value, d.LogDensity(float64(value))
	}
	slices.Sort(y)
	u := rng.Float64()
	lo, hi := h.piece(u)
	rise, width := float64(y[hi]-y[lo]), h.levels[hi]-h.levels[lo]
	return float32(float64(y[lo]) + rise*(u-h.levels[lo])/width), math.Log(width / max(rise, MinDeviation))
}

// piece is the neighbouring levels that level is between or next to.
func (h *head) piece(level float64) (lo, hi int) {
	for hi = 1; hi < len(h.levels)-1 && h.levels[hi] < level; hi++ {
	}
	return hi - 1, hi
}

// candidates is how many values a beam may take at a step of a column.
func (h *head) candidates() int {
	if h.kind == HeadQuantile {
		return len(h.levels)
	}
	return len(beamLevels)
}

// candidate is value c that a beam may take of numbers y (K), which are sorted if
// they are quantiles, and the logarithm of its density. A quantile's is that of
// both pieces next to it.
func (h *head) candidate(y []float32, c int) (value float32, density float64) {
	if h.kind != HeadQuantile {
		d := h.distribution(y)
		v := d.Quantile(beamLevels[c])
		return float32(v), d.LogDensity(v)
	}
	lo, hi := max(c-1, 0), min(c+1, len(y)-1)
	return y[c], math.Log((h.levels[hi] - h.levels[lo]) / max(float64(y[hi]-y[lo]), MinDeviation))
}

// A chooser takes the place of the point forecast in what the decoder reads next.
type chooser interface {
	// choose sets prev (R, P*W) to the values that the rows of the decoder take of
	// the numbers y (R, P*W*K) at a position. It may exchange the rows of the
	// state and of the next input, which is nil where rows do not depend on them.
	choose(position int, y, prev, next []float32)
	// finish writes the trajectories of the windows of the pass to f from window lo.
	finish(f *Forecast, lo int)
}

// trajectories is what both choosers have.
type trajectories struct {
	*pass
	steps, paths int
	values       [][]float32 // by position (R, P*W)
}

// take remembers the values of a position.
func (t *trajectories) take(prev []float32) { t.values = append(t.values, slices.Clone(prev)) }

// inside is how many of a position's values, steps first, are within the horizon.
func (t *trajectories) inside(position int) int {
	return min(t.config.Segment, t.steps-position*t.config.Segment) * t.config.columns()
}

// unit is the logarithm of the spread of the window and column of value i of
// sequence n: densities are of values scaled by column.
func (t *trajectories) unit(n, i int) float64 {
	b, col := t.column(n, i)
	_, _, spread := t.state.window.of(b)
	return math.Log(float64(spread[col]))
}

// column is the window and column of value i of a segment of sequence n.
func (t *trajectories) column(n, i int) (b, col int) {
	if t.config.folded() {
		return n / t.config.NumFeatures, n % t.config.NumFeatures
	}
	return n, i % t.config.NumFeatures
}

// write puts a row's values of a position to path j of its windows.
func (t *trajectories) write(f *Forecast, lo, n, j, position int, row []float32) {
	for i := range t.inside(position) {
		b, col := t.column(n, i)
		step := position*t.config.Segment + i/t.config.columns()
		f.Samples[(((lo+b)*t.paths+j)*t.steps+step)*f.Features+col] = t.state.window.raw(b, col, row[i])
	}
}

// A sampler draws paths; each has a random stream of its own.
type sampler struct {
	trajectories
	streams []*rand.Rand
	density []float64 // (R)
}

func newSampler(p *pass, steps, lo int, seed uint64) *sampler {
	s := &sampler{trajectories: trajectories{pass: p, steps: steps, paths: p.fan}, density: make([]float64, p.rows*p.fan)}
	first := uint64(p.config.sequences(lo) * p.fan)
	for r := range s.density {
		s.streams = append(s.streams, rand.New(rand.NewPCG(seed, first+uint64(r))))
	}
	return s
}

func (s *sampler) choose(position int, y, prev, _ []float32) {
	width, inside := s.config.segmentWidth(), s.inside(position)
	for r, rng := range s.streams {
		for i := range width {
			value, density := s.head.draw(rng, piece(y, r*width+i, s.head.width))
			if prev[r*width+i] = value; i < inside {
				s.density[r] += density - s.unit(r/s.paths, i)
			}
		}
	}
	s.take(prev)
}

func (s *sampler) finish(f *Forecast, lo int) {
	width := s.config.segmentWidth()
	for r, density := range s.density {
		n, j := r/s.paths, r%s.paths
		b, _ := s.column(n, 0)
		f.LogLikelihood[(lo+b)*s.paths+j] += density
		for position, values := range s.values {
			s.write(f, lo, n, j, position, piece(values, r, width))
		}
	}
}
