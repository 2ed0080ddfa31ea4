package plot

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

// Chart is one column of one series with its forecast, in the unit of the data.
type Chart struct {
	Title    string    // above the picture; "" for none
	History  []float64 // oldest first; NaN where a value is missing, which leaves a gap
	Forecast []float64 // of the steps after the history
	Actual   []float64 // what came at those steps, NaN where it is missing; nil where nothing is known
	Bands    []Band    // intervals of the forecast, the widest first

	// Attention is how much each step of the forecast looked at each step back,
	// (len(Forecast), look-back), the oldest first; nil for no heat map.
	Attention [][]float64

	// Label is the text of time step i, counted from the first of History; nil for
	// its number.
	Label func(i int) string
}

// Band is an interval that a step of the forecast lies in with some probability.
type Band struct {
	Name         string    // in the legend
	Lower, Upper []float64 // one of each for every step of the forecast
}

// New is the chart of a column of series number at of frame, whose forecast is
// window number window of f. The history is at most four look-backs or horizons.
// Bands are those between pairs of levels, outermost first; without levels
// those of f.UsualLevels. f must be in the unit of the data, see
// series.Windows.UnscaleForecast. The errors are those of numbers out of range, of
// levels that f has no quantiles of, and of reading the history.
func New(frame *series.Frame, at, column int, f *lstmattn.Forecast, window int, levels ...float64) (*Chart, error) {
	for _, n := range []struct {
		name       string
		v, without int
	}{{"series", at, len(frame.Series)}, {"column", column, min(len(frame.Columns), f.Features)}, {"window", window, f.Batch}} {
		if n.v < 0 || n.v >= n.without {
			return nil, fmt.Errorf("plot: %s %d, expected 0 to %d", n.name, n.v, n.without-1)
		}
	}
	s := frame.Series[at]
	shown := min(s.Len(), max(4*f.Horizon, 4*f.InputSize, 60))
	rows, err := s.Last(shown)
	if err != nil {
		return nil, fmt.Errorf("plot: %w", err)
	}
	c := &Chart{
		Title: strings.TrimPrefix(s.ID+" "+frame.Columns[column], " "),
		Label: func(i int) string { return s.Times.Format(s.Len() - shown + i) },
	}
	for t := range shown {
		c.History = append(c.History, float64(rows[t*frame.Width()+column]))
	}
	c.Forecast = valuesOf(f.Values, f, window, column)
	if len(levels) == 0 {
		levels = f.UsualLevels()
	}
	for i := range len(levels) / 2 {
		lo, hi := levels[i], levels[len(levels)-1-i]
		lower, err := f.Quantile(lo)
		if err != nil {
			return nil, fmt.Errorf("plot: %w", err)
		}
		upper, err := f.Quantile(hi)
		if err != nil {
			return nil, fmt.Errorf("plot: %w", err)
		}
		c.Bands = append(c.Bands, Band{
			Name:  fmt.Sprintf("%.4g %%", 100*(hi-lo)),
			Lower: valuesOf(lower, f, window, column), Upper: valuesOf(upper, f, window, column),
		})
	}
	if f.Attention != nil {
		c.Attention = f.MeanAttention(window)
	}
	return c, nil
}

// valuesOf is a column of a window of values (B, horizon, F).
func valuesOf(values []float32, f *lstmattn.Forecast, window, column int) []float64 {
	out := make([]float64, f.Horizon)
	for t := range out {
		out[t] = float64(values[(window*f.Horizon+t)*f.Features+column])
	}
	return out
}

// check refuses what can't be drawn.
func (c *Chart) check() error {
	steps := len(c.Forecast)
	switch {
	case len(c.History) == 0:
		return errors.New("plot: the history is empty")
	case steps == 0:
		return errors.New("plot: the forecast is empty")
	case !known(c.History):
		return fmt.Errorf("plot: none of the history's %d values is a number", len(c.History))
	case c.Actual != nil && len(c.Actual) != steps:
		return fmt.Errorf("plot: %d actual values, the forecast has %d steps", len(c.Actual), steps)
	case c.Attention != nil && len(c.Attention) != steps:
		return fmt.Errorf("plot: attention of %d steps, the forecast has %d", len(c.Attention), steps)
	}
	if err := finite("the history", c.History, true); err != nil {
		return err
	}
	if err := finite("what came", c.Actual, true); err != nil {
		return err
	}
	if err := finite("the forecast", c.Forecast, false); err != nil {
		return err
	}
	for _, b := range c.Bands {
		if len(b.Lower) != steps || len(b.Upper) != steps {
			return fmt.Errorf("plot: band %q has %d lower and %d upper values, the forecast has %d steps", b.Name, len(b.Lower), len(b.Upper), steps)
		}
		for _, v := range [][]float64{b.Lower, b.Upper} {
			if err := finite(fmt.Sprintf("band %q", b.Name), v, false); err != nil {
				return err
			}
		}
	}
	for t, row := range c.Attention {
		if len(row) == 0 || len(row) != len(c.Attention[0]) {
			return fmt.Errorf("plot: attention of step %d has %d weights, expected as many as step 1 and at least one", t+1, len(row))
		}
		if err := finite(fmt.Sprintf("attention of step %d", t+1), row, false); err != nil {
			return err
		}
	}
	return nil
}

func known(values []float64) bool {
	for _, v := range values {
		if !math.IsNaN(v) {
			return true
		}
	}
	return false
}

// finite refuses values that are infinite, or NaN where none may be missing.
func finite(name string, values []float64, missing bool) error {
	for i, v := range values {
		if math.IsInf(v, 0) || math.IsNaN(v) && !missing {
			return fmt.Errorf("plot: value %d of %s is %v, expected a number", i+1, name, v)
		}
	}
	return nil
}
