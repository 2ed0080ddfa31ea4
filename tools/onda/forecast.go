package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/plot"
	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/table"
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
	var outCSV, pathsCSV, attentionCSV bytes.Buffer
	out, paths, attention := table.NewValues(&outCSV, frame, c.Quantiles), table.NewPaths(&pathsCSV, frame), table.NewAttention(&attentionCSV, frame)
	var chart *plot.Chart
	var ahead, features int
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
		windows.UnscaleForecast(y, lo)
		ahead, features = y.Horizon, min(y.Features, len(frame.Columns))
		if err := out.Add(y, lo); err != nil {
			return fmt.Errorf("%s: %w", c.Model, err)
		}
		if c.PathsOut != "" {
			if err := paths.Add(y, lo); err != nil {
				return fmt.Errorf("--paths-out: %w", err)
			}
		}
		if c.Attention != "" {
			if y.Attention == nil {
				return errors.New("--attention: the model doesn't return its attention weights; onda export --attention adds them to an ONNX file")
			}
			if err := attention.Add(y, lo); err != nil {
				return fmt.Errorf("--attention: %w", err)
			}
		}
		if drawn {
			if column >= y.Features {
				return fmt.Errorf("--column %s: the model forecasts the first %d columns only", c.Column, y.Features)
			}
			if chart, err = plot.New(frame, at, column, y, at-lo, c.Quantiles...); err != nil {
				return err
			}
		}
	}
	for _, file := range []struct {
		path  string
		table interface{ Flush() error }
		csv   *bytes.Buffer
	}{{c.Out, out, &outCSV}, {c.Attention, attention, &attentionCSV}, {c.PathsOut, paths, &pathsCSV}} {
		if file.path == "" {
			continue
		}
		if err := file.table.Flush(); err != nil {
			return err
		}
		if err := export.WriteFile(file.path, file.csv.Bytes()); err != nil {
			return err
		}
	}
	a.printf("%s: %d steps of %d series, %d columns\n", c.Out, ahead, len(frame.Series), features)
	if c.Show {
		printChart(a.stdout, chart)
	}
	if c.Plot != "" {
		return writePNG(c.Plot, chart)
	}
	return nil
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
