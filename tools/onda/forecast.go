package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

type forecastCmd struct {
	Model string `arg:"" help:"A model directory, or an ONNX file of a forecaster." type:"path"`
	dataFlags
	Future    string    `help:"CSV or Parquet of the covariates known ahead, for the rows after the end of --data; default the rows at its end that have nothing else." placeholder:"FILE" type:"existingfile"`
	Out       string    `required:"" help:"CSV to write, in the form of --data." placeholder:"FILE.csv" type:"path"`
	Horizon   int       `help:"Steps to forecast; 0 means the model's own."`
	Quantiles []float64 `help:"Levels of quantiles to write beside the forecast; default those of a model that has some, 0.1,0.5,0.9 of a distribution."`
	Strategy  string    `help:"Where the values come from: greedy (the point forecast of each step), sample (paths drawn from the distribution, their median and quantiles) or beam (the most likely paths)." enum:"greedy,sample,beam" default:"greedy"`
	Paths     int       `help:"How many paths to draw, default 100, or beams to follow, default 5."`
	PathsOut  string    `help:"CSV to write the paths to." placeholder:"FILE.csv" type:"path"`
	Seed      uint64    `help:"Seed of the draws."`
	Plot      string    `help:"PNG to draw: history, forecast and, where the model tells, intervals and attention." placeholder:"FILE.png" type:"path"`
	Attention string    `help:"CSV to write the attention weights to, the mean over heads: a row per series and step ahead, a column per step looked back on." placeholder:"FILE.csv" type:"path"`
	Series    string    `help:"The series to plot; default the first."`
	Column    string    `help:"The column to plot; default the first."`
	Show      bool      `help:"Draw the forecast in the terminal as well."`
	Threads   int       `help:"Cores to use; 0 means all."`
}

// defaultPaths are how many paths a strategy has.
var defaultPaths = map[string]int{string(lstmattn.Sample): 100, string(lstmattn.Beam): 5}

// forecastBatch is how many series are forecast together.
const forecastBatch = 256

func (c *forecastCmd) Run(a *app) error {
	if c.Horizon < 0 {
		return fmt.Errorf("--horizon %d: expected 0 or more", c.Horizon)
	}
	if c.PathsOut != "" && c.Strategy == string(lstmattn.Greedy) {
		return errors.New("--paths-out: greedy decoding has no paths; choose --strategy sample or beam")
	}
	for i, level := range c.Quantiles {
		if !(level > 0 && level < 1) || (i > 0 && level <= c.Quantiles[i-1]) {
			return fmt.Errorf("--quantiles %v: expected rising levels above 0 and below 1", level)
		}
	}
	if c.Paths == 0 {
		c.Paths = defaultPaths[c.Strategy]
	}
	f, err := openForecaster(c.Model, c.Threads)
	if err != nil {
		return err
	}
	frame, err := c.open(f)
	if err != nil {
		return err
	}
	defer frame.Close()
	at, column, err := c.plotted(frame)
	if err != nil {
		return err
	}
	steps, _ := f.window()
	windows, err := series.NewLatest(frame, series.WindowOptions{
		InputSize: steps, Horizon: max(cmp.Or(c.Horizon, f.horizon()), 1), Calendar: f.names().calendar, PerSeries: f.perSeries(),
	})
	if err != nil {
		return fmt.Errorf("%s: %w", c.Data, err)
	}
	greedy := c.Strategy == string(lstmattn.Greedy)
	paths := pathTable{}
	out := newForecastTable(frame, c.Quantiles, c.Strategy)
	weights := attentionTable{}
	var plot *chart
	b := &lstmattn.Batch{}
	for lo := 0; lo < windows.Len(); lo += forecastBatch {
		var index []int
		for i := lo; i < min(lo+forecastBatch, windows.Len()); i++ {
			index = append(index, i)
		}
		if err := windows.Read(a.ctx, index, b); err != nil {
			return fmt.Errorf("%s: %w", c.Data, err)
		}
		drawn := lo <= at && at < lo+len(index)
		y, err := f.forecast(a.ctx, b, lstmattn.Options{
			Horizon: c.Horizon, Attention: c.Attention != "" || (drawn && c.Plot != "" && greedy),
			Strategy: lstmattn.Strategy(c.Strategy), Paths: c.Paths, Seed: c.Seed,
		})
		if err != nil {
			return fmt.Errorf("%s: %w", c.Model, err)
		}
		if f.perSeries() {
			unscale(y, windows, lo)
		}
		if err := out.add(y, frame.Series[lo:lo+len(index)]); err != nil {
			return fmt.Errorf("%s: %w", c.Model, err)
		}
		if c.PathsOut != "" {
			paths.add(y, frame, lo)
		}
		if c.Attention != "" {
			if err := weights.add(y, frame, lo); err != nil {
				return err
			}
		}
		if drawn {
			if column >= y.Features {
				return fmt.Errorf("--column %s: the model forecasts the first %d columns only", c.Column, y.Features)
			}
			if plot, err = newChart(frame, y, at, at-lo, column, out.levels); err != nil {
				return err
			}
		}
	}
	if err := out.write(c.Out); err != nil {
		return err
	}
	a.printf("%s: %d steps of %d series, %d columns\n", c.Out, out.horizon, len(frame.Series), out.features)
	if c.Attention != "" {
		if err := weights.write(c.Attention); err != nil {
			return err
		}
	}
	if c.PathsOut != "" {
		if err := paths.write(c.PathsOut); err != nil {
			return err
		}
	}
	if c.Show {
		plot.print(a.stdout)
	}
	if c.Plot != "" {
		return plot.writePNG(c.Plot)
	}
	return nil
}

// unscale turns the forecasts of the windows from lo on, of values scaled by
// series, into raw values. Likelihoods stay those of scaled values.
func unscale(y *lstmattn.Forecast, w *series.Windows, lo int) {
	for k := range y.Batch {
		raw := w.Unscaler(lo + k)
		for _, list := range []struct {
			values []float32
			by     int // how many stand side by side for a column
			spread bool
		}{{y.Values, 1, false}, {y.Samples, 1, false}, {y.Quantiles, max(len(y.Levels), 1), false}, {y.Scale, 1, true}} {
			n := len(list.values) / y.Batch
			for i := range n {
				v, column := &list.values[k*n+i], i/list.by%y.Features
				shift := 0.0
				if list.spread {
					shift = raw(column, 0)
				}
				*v = float32(raw(column, float64(*v)) - shift)
			}
		}
	}
}

// open reads the history, and the covariates after it.
func (c *forecastCmd) open(f forecaster) (*series.Frame, error) {
	names := f.names()
	_, features := f.window()
	frame, err := c.readFor(names, features)
	if err != nil || c.Future == "" {
		return frame, err
	}
	if len(frame.Future) == 0 {
		frame.Close()
		return nil, fmt.Errorf("--future %s: the model takes no covariates that are known ahead", c.Future)
	}
	future, err := c.readFile(c.Future, columnNames{columns: names.future})
	if err != nil {
		frame.Close()
		return nil, err
	}
	defer future.Close()
	if err := frame.SetAhead(future); err != nil {
		frame.Close()
		return nil, fmt.Errorf("%s: %w", c.Future, err)
	}
	return frame, nil
}

// plotted is the place of the series and of the column to plot.
func (c *forecastCmd) plotted(frame *series.Frame) (at, column int, err error) {
	if c.Series != "" {
		if at = slices.IndexFunc(frame.Series, func(s *series.Series) bool { return s.ID == c.Series }); at < 0 {
			return 0, 0, fmt.Errorf("--series %s: no such series in %s", c.Series, c.Data)
		}
	}
	if c.Column != "" {
		if column = slices.Index(frame.Columns, c.Column); column < 0 {
			return 0, 0, fmt.Errorf("--column %s: the model's columns are %s", c.Column, strings.Join(frame.Columns, ", "))
		}
	}
	return at, column, nil
}

// newChart is a column of series at, window k of y: at most four look-backs of
// history.
func newChart(frame *series.Frame, y *lstmattn.Forecast, at, k, column int, levels []float64) (*chart, error) {
	s := frame.Series[at]
	shown := min(s.Len(), max(4*y.Horizon, 4*y.InputSize, 60))
	rows, err := s.Last(shown)
	if err != nil {
		return nil, err
	}
	c := &chart{title: strings.TrimPrefix(s.ID+" "+frame.Columns[column], " ")}
	for t := range shown {
		c.history = append(c.history, float64(rows[t*frame.Width()+column]))
	}
	for t := range y.Horizon {
		c.forecast = append(c.forecast, float64(y.Values[(k*y.Horizon+t)*y.Features+column]))
	}
	quantiles, err := quantilesOf(y, levels)
	if err != nil {
		return nil, err
	}
	for i := range len(levels) / 2 {
		b := band{name: fmt.Sprintf("%.4g %%", 100*(levels[len(levels)-1-i]-levels[i]))}
		for t := range y.Horizon {
			j := (k*y.Horizon+t)*y.Features + column
			b.lower = append(b.lower, float64(quantiles[i][j]))
			b.upper = append(b.upper, float64(quantiles[len(levels)-1-i][j]))
		}
		c.bands = append(c.bands, b)
	}
	c.label = func(k int) string { return s.Times.Format(s.Len() - shown + k) }
	if y.Attention != nil {
		c.attention = meanAttention(y, k)
	}
	return c, nil
}
