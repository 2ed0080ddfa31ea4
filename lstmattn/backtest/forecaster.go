package backtest

import (
	"context"
	"fmt"
	"slices"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/metrics"
	"github.com/onda-ml/onda/lstmattn/series"
)

// A Forecaster forecasts a batch of windows. It must not look at b.Target.
type Forecaster interface {
	Forecast(ctx context.Context, b *lstmattn.Batch) (*Prediction, error)
}

// Func is a function as a Forecaster.
type Func func(ctx context.Context, b *lstmattn.Batch) (*Prediction, error)

// Forecast implements [Forecaster].
func (f Func) Forecast(ctx context.Context, b *lstmattn.Batch) (*Prediction, error) { return f(ctx, b) }

// A Fitter makes a forecaster from the rows before an origin: past holds these
// rows of each series and no others.
type Fitter func(ctx context.Context, past *series.Frame) (Forecaster, error)

// A Prediction is the forecasts of B windows over T steps of F columns, in the
// unit of the data. Distributions, quantiles and samples are optional; where
// there are several, the first in this order is measured.
type Prediction struct {
	Values []float32 // (B, T, F) the point forecasts

	Distributions []lstmattn.Distribution // (B, T, F)

	Levels    []float64 // rising, above 0 and below 1
	Quantiles []float32 // (B, T, F, len(Levels))

	Paths   int       // sampled for each window
	Samples []float32 // (B, Paths, T, F)
}

// check compares the sizes with those of a batch.
func (p *Prediction) check(b, t, f int) error {
	n := b * t * f
	for _, c := range []struct {
		what      string
		got, want int
	}{
		{"values", len(p.Values), n},
		{"distributions", len(p.Distributions), n},
		{"quantiles", len(p.Quantiles), n * len(p.Levels)},
		{"samples", len(p.Samples), n * p.Paths},
	} {
		if c.got != c.want && (c.got > 0 || c.what == "values") {
			return fmt.Errorf("the forecast has %d %s, expected %d for %d windows, %d steps, %d columns", c.got, c.what, c.want, b, t, f)
		}
	}
	return nil
}

// A spread is what is known of one value beside the point forecast.
type spread struct {
	distribution *lstmattn.Distribution
	levels       []float64
	values       []float64 // at the levels, or without levels sorted samples
}

// spread is that of value j of window k, j counting steps times columns, n of
// them.
func (p *Prediction) spread(k, j, n int, room *[]float64) (s spread, ok bool) {
	*room = (*room)[:0]
	switch i := k*n + j; {
	case p.Distributions != nil:
		return spread{distribution: &p.Distributions[i]}, true
	case p.Quantiles != nil:
		for _, v := range p.Quantiles[i*len(p.Levels) : (i+1)*len(p.Levels)] {
			*room = append(*room, float64(v))
		}
		return spread{levels: p.Levels, values: *room}, true
	case p.Samples != nil:
		for path := range p.Paths {
			*room = append(*room, float64(p.Samples[(k*p.Paths+path)*n+j]))
		}
		slices.Sort(*room)
		return spread{values: *room}, true
	}
	return spread{}, false
}

// unscale turns a spread of scaled values into one of raw values; f is a rising
// line.
func (s *spread) unscale(f func(float64) float64) {
	if d := s.distribution; d != nil {
		zero := f(0)
		s.distribution = &lstmattn.Distribution{Location: f(d.Location), Scale: f(d.Scale) - zero, DF: d.DF}
		return
	}
	for i, v := range s.values {
		s.values[i] = f(v)
	}
}

// crps is the score against the actual value.
func (s *spread) crps(actual float64) float64 {
	switch d := s.distribution; {
	case d == nil && s.levels != nil:
		return metrics.CRPSQuantiles(actual, s.levels, s.values)
	case d == nil:
		return metrics.CRPSSamples(actual, s.values)
	case d.DF == 0:
		return metrics.CRPSNormal(actual, d.Location, d.Scale)
	default:
		return metrics.CRPSStudentT(actual, d.DF, d.Location, d.Scale)
	}
}

// quantile is the value at a level. A forecast of quantiles knows it between
// its levels only, where it interpolates.
func (s *spread) quantile(level float64) (v float64, ok bool) {
	if s.distribution != nil {
		return s.distribution.Quantile(level), true
	}
	if s.levels == nil {
		at := level * float64(len(s.values)-1)
		i := min(int(at), len(s.values)-2)
		if i < 0 {
			return s.values[0], true
		}
		return s.values[i] + (at-float64(i))*(s.values[i+1]-s.values[i]), true
	}
	const near = 1e-9
	for i, l := range s.levels {
		if level <= l+near {
			if level >= l-near {
				return s.values[i], true
			}
			if i == 0 {
				break
			}
			w := (level - s.levels[i-1]) / (l - s.levels[i-1])
			return s.values[i-1] + w*(s.values[i]-s.values[i-1]), true
		}
	}
	return 0, false
}

// Model is m as a Forecaster of horizon steps, 0 for its own.
func Model(m *lstmattn.Model, horizon int) Forecaster {
	return model{m, lstmattn.Options{Horizon: horizon}}
}

// Sampled is Model with the distribution of so many sampled paths, which
// knows how the uncertainty of one step adds to that of the next.
func Sampled(m *lstmattn.Model, horizon, paths int, seed uint64) Forecaster {
	return model{m, lstmattn.Options{Horizon: horizon, Strategy: lstmattn.Sample, Paths: paths, Seed: seed}}
}

type model struct {
	m *lstmattn.Model
	o lstmattn.Options
}

func (f model) Forecast(ctx context.Context, b *lstmattn.Batch) (*Prediction, error) {
	o := f.o
	o.Past, o.Future, o.Static = b.Past, b.Future, b.Static
	y, err := f.m.Forecast(ctx, b.X, &o)
	if err != nil {
		return nil, err
	}
	return PredictionOf(y, o.Strategy), nil
}

// PredictionOf is what a model's forecast by a strategy says. Of beams the best
// is a point forecast.
func PredictionOf(y *lstmattn.Forecast, strategy lstmattn.Strategy) *Prediction {
	p := &Prediction{Values: y.Values}
	switch strategy {
	case lstmattn.Sample:
		p.Paths, p.Samples = y.Paths, y.Samples
		return p
	case lstmattn.Beam:
		return p
	}
	if len(y.Quantiles) > 0 {
		p.Levels, p.Quantiles = y.Levels, y.Quantiles
	}
	for i, scale := range y.Scale {
		d := lstmattn.Distribution{Location: float64(y.Values[i]), Scale: float64(scale)}
		if len(y.DF) > 0 {
			d.DF = float64(y.DF[i])
		}
		p.Distributions = append(p.Distributions, d)
	}
	return p
}
