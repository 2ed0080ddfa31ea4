package backtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/metrics"
	"github.com/onda-ml/onda/lstmattn/series"
)

// Options of a backtest. InputSize and Horizon must be given.
type Options struct {
	InputSize int // rows a forecast looks back on
	Horizon   int // steps of a forecast

	// From and To bound the rows that are forecast; default from 80% on. The
	// origins of all series are taken together, first with first: where series
	// have different lengths, a date or a number of rows from the end keeps one
	// from knowing what others don't know yet.
	From, To series.Cut
	Stride   int // rows between origins; default Horizon

	// Refit is how many origins a fitted model serves before the next is fitted,
	// to all rows before the origin; 0 for one model throughout.
	Refit int

	Period    int       // of the seasonal naive forecast; default what the timestamps' step suggests
	Levels    []float64 // of the quantile loss, rising; default 0.1, 0.2 to 0.9
	Intervals []float64 // probabilities of the central intervals whose coverage is measured; default 0.5, 0.8, 0.95

	// Scaled counts errors in standard deviations of the rows before From, by
	// column over all series, as published tables do. Otherwise they are in the
	// data's unit.
	Scaled bool

	// Calendar features, scaling of each series by itself, and whether to leave
	// out series too short for a window: as in series.WindowOptions.
	Calendar  []string
	PerSeries bool
	SkipShort bool

	// Progress is called after each batch with the number of windows done.
	Progress func(done, all int)
}

// batch is how many windows are forecast together.
const batch = 64

// Fixed is a Fitter that always gives f: a backtest without fitting.
func Fixed(f Forecaster) Fitter {
	return func(context.Context, *series.Frame) (Forecaster, error) { return f, nil }
}

// Run forecasts the rows of a frame from one origin after the other and measures
// the forecasts. Fit is called with the rows before the first origin, and with
// Refit again for every so many origins. The errors are those of options that
// can't be, of series too short, of fit and its forecasters, and ctx's.
func Run(ctx context.Context, frame *series.Frame, fit Fitter, o Options) (*Report, error) {
	r, err := newRun(frame, o)
	if err != nil {
		return nil, err
	}
	var f Forecaster
	for k, group := range r.rounds {
		if k == 0 || (o.Refit > 0 && k%o.Refit == 0) {
			if f, err = fit(ctx, frame.Before(r.rowsBefore(k))); err != nil {
				return nil, fmt.Errorf("fitting before origin %d of %d: %w", k+1, len(r.rounds), err)
			}
			r.report.Fits++
		}
		for part := range slices.Chunk(group, batch) {
			if err := r.measure(ctx, f, part); err != nil {
				return nil, err
			}
		}
	}
	return r.finish(), nil
}

// run is a backtest under way.
type run struct {
	o       Options
	frame   *series.Frame
	windows *series.Windows
	rounds  [][]int     // the windows of each origin, over all series
	first   []int       // by series, the first origin; 0 for none
	scale   [][]float64 // by series and column, of the MASE
	unit    []float64   // by column
	cells   []Row       // by step and column
	report  *Report
	done    int
	batch   lstmattn.Batch
}

func newRun(frame *series.Frame, o Options) (*run, error) {
	o.From, o.Stride = cmp.Or(o.From, "80%"), cmp.Or(o.Stride, o.Horizon)
	if o.Refit < 0 {
		return nil, fmt.Errorf("a model refitted every %d origins: expected 0 or more", o.Refit)
	}
	o.Period = cmp.Or(o.Period, frame.Series[0].Times.Season())
	if o.Period < 1 {
		return nil, fmt.Errorf("a period of %d rows: expected 1 or more", o.Period)
	}
	if o.Levels == nil {
		o.Levels = []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}
	}
	if o.Intervals == nil {
		o.Intervals = []float64{0.5, 0.8, 0.95}
	}
	for _, p := range slices.Concat(o.Levels, o.Intervals) {
		if !(p > 0 && p < 1) {
			return nil, fmt.Errorf("a level of %v: expected one above 0 and below 1", p)
		}
	}
	r := &run{o: o, frame: frame, report: &Report{Horizon: o.Horizon, Period: o.Period, Levels: o.Levels, Intervals: o.Intervals}}
	var err error
	if r.windows, err = series.NewWindows(frame, series.WindowOptions{
		InputSize: o.InputSize, Horizon: o.Horizon, Stride: o.Stride, From: o.From, To: o.To,
		Calendar: o.Calendar, SkipShort: o.SkipShort, PerSeries: o.PerSeries,
	}); err != nil {
		return nil, err
	}
	r.origins()
	if err := r.units(); err != nil {
		return nil, err
	}
	for t := range o.Horizon {
		for _, c := range frame.Columns {
			r.cells = append(r.cells, newRow(strconv.Itoa(t+1)+" "+c, len(o.Intervals)))
		}
	}
	return r, nil
}

// origins orders the windows by their place among the origins of their series.
func (r *run) origins() {
	r.first = make([]int, len(r.frame.Series))
	r.report.Windows = r.windows.Len()
	for i := range r.windows.Len() {
		s, origin := r.windows.At(i)
		if r.first[s] == 0 {
			r.first[s] = origin
			r.report.Series++
		}
		k := (origin - r.first[s]) / r.o.Stride
		if k == len(r.rounds) {
			r.rounds = append(r.rounds, nil)
		}
		r.rounds[k] = append(r.rounds[k], i)
	}
	r.report.Origins = len(r.rounds)
}

// rowsBefore is how many rows of each series lie before origin k.
func (r *run) rowsBefore(k int) []int {
	rows := make([]int, len(r.first))
	for s, first := range r.first {
		if first > 0 {
			rows[s] = min(first+k*r.o.Stride, r.frame.Series[s].Len())
		}
	}
	return rows
}

// measure forecasts some windows and counts the errors.
func (r *run) measure(ctx context.Context, f Forecaster, index []int) error {
	b := &r.batch
	if err := r.windows.Read(ctx, index, b); err != nil {
		return err
	}
	hidden := *b
	hidden.Target, hidden.Weight = nil, nil
	p, err := f.Forecast(ctx, &hidden)
	if err != nil {
		return err
	}
	width := len(r.frame.Columns)
	if err := p.check(b.Size, r.o.Horizon, width); err != nil {
		return err
	}
	n := r.o.Horizon * width
	naive, last := make([]float32, n), make([]float32, n)
	var room []float64
	for k, i := range index {
		s, origin := r.windows.At(i)
		past, err := r.past(s, origin)
		if err != nil {
			return err
		}
		metrics.SeasonalNaive(naive, past, width, r.o.Period)
		metrics.RepeatLast(last, past, width)
		target, values := b.Target[k*n:(k+1)*n], p.Values[k*n:(k+1)*n]
		unscale := r.windows.Unscaler(i)
		for j := range n {
			v := value{unscale(j%width, float64(target[j])), r.unit[j%width], r.scale[s][j%width]}
			if b.Weight != nil && b.Weight[k*n+j] == 0 {
				continue
			}
			cell := &r.cells[j]
			forecast := unscale(j%width, float64(values[j]))
			if d, ok := p.spread(k, j, n, &room); ok {
				d.unscale(func(x float64) float64 { return unscale(j%width, x) })
				cell.Model.spread(v, forecast, &d, r.o.Levels, r.o.Intervals)
			} else {
				cell.Model.point(v, forecast)
			}
			cell.SeasonalNaive.point(v, float64(naive[j]))
			cell.RepeatLast.point(v, float64(last[j]))
		}
	}
	if r.done += len(index); r.o.Progress != nil {
		r.o.Progress(r.done, r.windows.Len())
	}
	return nil
}

// finish sums the cells up.
func (r *run) finish() *Report {
	width := len(r.frame.Columns)
	for t := range r.o.Horizon {
		r.report.Steps = append(r.report.Steps, newRow(strconv.Itoa(t+1), len(r.o.Intervals)))
	}
	for _, c := range r.frame.Columns {
		r.report.Columns = append(r.report.Columns, newRow(c, len(r.o.Intervals)))
	}
	all := newRow("", len(r.o.Intervals))
	for j := range r.cells {
		all.merge(&r.cells[j])
		r.report.Steps[j/width].merge(&r.cells[j])
		r.report.Columns[j%width].merge(&r.cells[j])
	}
	r.report.Model, r.report.SeasonalNaive, r.report.RepeatLast = all.Model, all.SeasonalNaive, all.RepeatLast
	return r.report
}
