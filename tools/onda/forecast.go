package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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
	Out       string    `required:"" help:"CSV to write, in the form of --data; - for standard output." placeholder:"FILE.csv" type:"path"`
	Horizon   int       `help:"Steps to forecast; 0 means the model's own." placeholder:"N"`
	Quantiles []float64 `help:"Levels of quantiles to write beside the forecast; default those of a model that has some, 0.1,0.5,0.9 of a distribution." placeholder:"P"`
	Strategy  string    `help:"Where the values come from: greedy (the point forecast of each step), sample (paths drawn from the distribution, their median and quantiles) or beam (the most likely paths)." enum:"greedy,sample,beam" default:"greedy"`
	Paths     int       `help:"How many paths to draw, default 100, or beams to follow, default 5." placeholder:"N"`
	PathsOut  string    `help:"CSV to write the paths to." placeholder:"FILE.csv" type:"path"`
	Seed      uint64    `help:"Seed of the draws." placeholder:"N"`
	Plot      string    `help:"PNG to draw: history, forecast and, where the model tells, intervals and attention." placeholder:"FILE.png" type:"path"`
	Attention string    `help:"CSV to write the attention weights to, the mean over heads: a row per series and step ahead, a column per step looked back on." placeholder:"FILE.csv" type:"path"`
	Series    string    `help:"The series to plot; default the first." placeholder:"ID"`
	Column    string    `help:"The column to plot; default the first." placeholder:"NAME"`
	Show      bool      `help:"Draw the forecast in the terminal as well."`
	SkipShort bool      `help:"Leave out series shorter than the model looks back."`
	Threads   int       `help:"Cores to use; 0 means all." placeholder:"N"`
}

// defaultPaths are how many paths a strategy has.
var defaultPaths = map[string]int{string(lstmattn.Sample): 100, string(lstmattn.Beam): 5}

// forecastBatch is how many series are forecast together.
const forecastBatch = 256

func (c *forecastCmd) Run(a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	f, err := openForecaster(c.Model, c.Threads)
	if err != nil {
		return err
	}
	frame, err := c.open(a, f)
	if err != nil {
		return err
	}
	defer frame.Close()
	steps, _ := f.window()
	if c.SkipShort {
		frame.Series = slices.DeleteFunc(frame.Series, func(s *series.Series) bool { return s.Len() < steps })
		if len(frame.Series) == 0 {
			return fmt.Errorf("%s: no series has the %d rows that the model looks back", c.Data, steps)
		}
	}
	at, column, err := c.plotted(frame)
	if err != nil {
		return err
	}
	windows, err := series.NewLatest(frame, series.WindowOptions{
		InputSize: steps, Horizon: max(cmp.Or(c.Horizon, f.horizon()), 1), Calendar: f.names().calendar, PerSeries: f.perSeries(),
	})
	if errors.Is(err, series.ErrShort) && len(frame.Series) > 1 {
		return fmt.Errorf("%s: %w; --skip-short leaves such series out", c.Data, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Data, err)
	}
	files := c.files(frame)
	var chart *plot.Chart
	var ahead, features int
	b := &lstmattn.Batch{}
	for lo := 0; lo < windows.Len(); lo += forecastBatch {
		n := min(forecastBatch, windows.Len()-lo)
		plotted := lo <= at && at < lo+n
		y, err := c.forecast(a.ctx, f, windows, lo, n, b, plotted)
		if err != nil {
			return err
		}
		ahead, features = y.Horizon, min(y.Features, len(frame.Columns))
		for _, file := range files {
			if err := file.table.Add(y, lo); err != nil {
				return fmt.Errorf("%s: %w", file.source, err)
			}
		}
		if plotted {
			if column >= y.Features {
				return fmt.Errorf("--column %s: the model forecasts the first %d columns only", c.Column, y.Features)
			}
			if chart, err = plot.New(frame, at, column, y, at-lo, c.Quantiles...); err != nil {
				return err
			}
		}
	}
	for _, file := range files {
		if err := file.write(a.stdout); err != nil {
			return err
		}
	}
	out, name := a.stdout, c.Out
	if slices.Contains([]string{c.Out, c.PathsOut, c.Attention}, stdio) {
		out = a.stderr // standard output has the CSV alone
	}
	if name == stdio {
		name = "standard output"
	}
	fmt.Fprintf(out, "%s: %d steps of %d series, %d columns\n", name, ahead, len(frame.Series), features)
	if c.Show {
		if err := chart.WriteText(out, isTerminal(out)); err != nil {
			return err
		}
	}
	if c.Plot != "" {
		return writePNG(c.Plot, chart)
	}
	return nil
}

// check refuses flags that can't be, and gives the strategy its number of paths.
func (c *forecastCmd) check() error {
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
	return nil
}

// forecast forecasts windows lo to lo+n, which it reads into b.
func (c *forecastCmd) forecast(ctx context.Context, f forecaster, windows *series.Windows, lo, n int, b *lstmattn.Batch, plotted bool) (*lstmattn.Forecast, error) {
	index := make([]int, n)
	for i := range index {
		index[i] = lo + i
	}
	if err := windows.Read(ctx, index, b); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Data, err)
	}
	greedy := c.Strategy == string(lstmattn.Greedy)
	y, err := f.forecast(ctx, b, lstmattn.Options{
		Horizon: c.Horizon, Attention: c.Attention != "" || (plotted && c.Plot != "" && greedy),
		Strategy: lstmattn.Strategy(c.Strategy), Paths: c.Paths, Seed: c.Seed,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Model, err)
	}
	if c.Attention != "" && y.Attention == nil {
		return nil, errors.New("--attention: the model doesn't return its attention weights; onda export --attention adds them to an ONNX file")
	}
	windows.UnscaleForecast(y, lo)
	return y, nil
}

// outFile is a CSV file of forecasts, written once all of them are known.
type outFile struct {
	path   string
	source string // what its errors name
	csv    bytes.Buffer
	table  interface {
		Add(f *lstmattn.Forecast, lo int) error
		Flush() error
	}
}

// files are the CSV files that were asked for.
func (c *forecastCmd) files(frame *series.Frame) []*outFile {
	values := &outFile{path: c.Out, source: c.Model}
	values.table = table.NewValues(&values.csv, frame, c.Quantiles)
	files := []*outFile{values}
	if c.Attention != "" {
		attention := &outFile{path: c.Attention, source: "--attention"}
		attention.table = table.NewAttention(&attention.csv, frame)
		files = append(files, attention)
	}
	if c.PathsOut != "" {
		paths := &outFile{path: c.PathsOut, source: "--paths-out"}
		paths.table = table.NewPaths(&paths.csv, frame)
		files = append(files, paths)
	}
	return files
}

func (o *outFile) write(stdout io.Writer) error {
	if err := o.table.Flush(); err != nil {
		return err
	}
	if o.path == stdio {
		_, err := o.csv.WriteTo(stdout)
		return err
	}
	return export.WriteFile(o.path, o.csv.Bytes())
}

// open reads the history, and the covariates after it.
func (c *forecastCmd) open(a *app, f forecaster) (*series.Frame, error) {
	names := f.names()
	_, features := f.window()
	frame, err := c.readFor(a, names, features)
	if err != nil || c.Future == "" {
		return frame, err
	}
	if len(frame.Future) == 0 {
		frame.Close()
		return nil, fmt.Errorf("--future %s: the model takes no covariates that are known ahead", c.Future)
	}
	future, err := c.readFile(a, c.Future, columnNames{columns: names.future})
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
