package backtest

import (
	"math"

	"github.com/onda-ml/onda/lstmattn/metrics"
)

// Score is how good forecasts were: means over all windows, steps and columns
// that a report, or a row of it, is about.
type Score struct {
	metrics.Point

	// What forecasts with quantiles, a distribution or samples have. QuantileLoss
	// is the mean over the levels. The CRPS of a point forecast is its absolute
	// error, which is what a distribution of no width has.
	QuantileLoss metrics.Mean
	CRPS         metrics.Mean   // in the data's unit, or in standard deviations with Options.Scaled
	Coverage     []metrics.Mean // share of actual values within each central interval of Report.Intervals, from 0 to 1
}

// Report is what a backtest found.
type Report struct {
	Windows int // forecasts, one for each series and origin
	Series  int // that were long enough for a forecast
	Origins int // of the series with the most
	Fits    int // how often a model was fitted
	Horizon int // steps of a forecast
	Period  int // of the seasonal naive forecast and of the MASE's scale

	Levels    []float64 // of the quantile loss
	Intervals []float64 // probabilities of the intervals whose coverage is measured

	// The model's score and, over the very same values, those of the two naive
	// forecasts: the value one season before, and the last value repeated.
	Model, SeasonalNaive, RepeatLast Score

	Steps   []Row // the same three for each step ahead, from 1 to Horizon
	Columns []Row // and for each column
}

// Row is the scores of one step ahead or of one column.
type Row struct {
	Name                             string // "1", "2" and so on for steps ahead; the column's header
	Model, SeasonalNaive, RepeatLast Score
}

// value is an actual value, NaN where it is missing, in the unit that errors are
// counted in: raw over unit. Scale is that of the MASE.
type value struct{ raw, unit, scale float64 }

// point counts a point forecast.
func (s *Score) point(v value, forecast float64) {
	s.Point.Add(v.raw/v.unit, forecast/v.unit, v.scale/v.unit)
	if v.raw == v.raw {
		s.CRPS.Add(math.Abs(v.raw-forecast) / v.unit)
	}
}

// spread counts a forecast with a distribution.
func (s *Score) spread(v value, forecast float64, d *spread, levels, intervals []float64) {
	s.Point.Add(v.raw/v.unit, forecast/v.unit, v.scale/v.unit)
	if v.raw != v.raw {
		return
	}
	s.CRPS.Add(d.crps(v.raw) / v.unit)
	for _, level := range levels {
		if q, ok := d.quantile(level); ok {
			s.QuantileLoss.Add(metrics.QuantileLoss(v.raw, q, level) / v.unit)
		}
	}
	for i, p := range intervals {
		lower, ok := d.quantile((1 - p) / 2)
		upper, also := d.quantile((1 + p) / 2)
		if ok && also {
			s.Coverage[i].Add(metrics.Covered(v.raw, lower, upper))
		}
	}
}

func (s *Score) merge(o *Score) {
	s.Point.Merge(&o.Point)
	s.QuantileLoss.Merge(o.QuantileLoss)
	s.CRPS.Merge(o.CRPS)
	for i := range o.Coverage {
		s.Coverage[i].Merge(o.Coverage[i])
	}
}

func newRow(name string, intervals int) Row {
	r := Row{Name: name}
	for _, s := range []*Score{&r.Model, &r.SeasonalNaive, &r.RepeatLast} {
		s.Coverage = make([]metrics.Mean, intervals)
	}
	return r
}

func (r *Row) merge(o *Row) {
	r.Model.merge(&o.Model)
	r.SeasonalNaive.merge(&o.SeasonalNaive)
	r.RepeatLast.merge(&o.RepeatLast)
}
