package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/backtest"
	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/train"
)

type backtestCmd struct {
	Model string `arg:"" help:"A model directory, or an ONNX file of a forecaster." type:"path"`
	dataFlags
	From       string    `help:"The first row to forecast: 80%, a number of rows, --from=-720 for so many from the end, or a time; default 80%." default:"80%" placeholder:"ROW"`
	To         string    `help:"The row after the last to forecast, in the same form; default 100%." default:"100%" placeholder:"ROW"`
	Horizon    int       `help:"Steps to forecast; 0 means the model's own." placeholder:"N"`
	Stride     int       `help:"Rows from one origin to the next; 0 means the horizon." placeholder:"N"`
	Refit      string    `help:"When to train the model anew, on all rows before the origin: never, always, or every-K origins; default never." default:"never" placeholder:"never|always|every-K"`
	Period     int       `help:"Rows of a season, for the seasonal naive forecast and MASE; 0 means what the timestamps suggest." placeholder:"N"`
	Levels     []float64 `help:"Levels of the quantile loss; default 0.1 to 0.9." placeholder:"P"`
	Intervals  []float64 `help:"Probabilities of the intervals whose coverage is measured; default 0.5, 0.8, 0.95." placeholder:"P"`
	Scaled     bool      `help:"Count errors in standard deviations of the rows before --from, by column, as published tables do."`
	Paths      int       `help:"Take the distribution from so many sampled paths, which know how one step's uncertainty adds to the next's; 0 means the distribution of each step." placeholder:"N"`
	SampleSeed uint64    `help:"Seed of the paths." placeholder:"N"`
	SkipShort  bool      `help:"Leave out series too short for a forecast."`
	Steps      bool      `help:"Print the errors of each step ahead."`
	ByColumn   bool      `help:"Print the errors of each column."`
	JSON       bool      `name:"json" help:"Print JSON: all measures, also by step and by column."`
	Epochs     *int      `help:"Epochs of a refit; default the configuration's." placeholder:"N"`
	Seed       *uint64   `help:"Seed of a refit; default the configuration's." placeholder:"N"`
	Threads    int       `help:"Cores to use; 0 means all." placeholder:"N"`
	Quiet      bool      `help:"Show no progress on standard error."`
}

func (c *backtestCmd) Run(a *app) error {
	every, err := c.every()
	if err != nil {
		return err
	}
	f, err := openForecaster(c.Model, c.Threads)
	if err != nil {
		return err
	}
	steps, features := f.window()
	frame, err := c.readFor(a, f.names(), features)
	if err != nil {
		return err
	}
	defer frame.Close()
	o := backtest.Options{
		InputSize: steps, Horizon: cmp.Or(c.Horizon, f.horizon()), Calendar: f.names().calendar, PerSeries: f.perSeries(),
		From: series.Cut(c.From), To: series.Cut(c.To), Stride: c.Stride, Refit: every, Period: c.Period,
		Levels: c.Levels, Intervals: c.Intervals, Scaled: c.Scaled, SkipShort: c.SkipShort,
	}
	if o.Horizon < 1 {
		return fmt.Errorf("%s: doesn't tell its horizon; give --horizon", c.Model)
	}
	log := newBacktestLog(a, c.Quiet)
	o.Progress = log.progress
	fit := backtest.Fixed(adapter{f, c.options()})
	if every > 0 {
		if fit, err = c.fitter(log); err != nil {
			return err
		}
	}
	report, err := backtest.Run(a.ctx, frame, fit, o)
	log.end()
	if err != nil {
		return fmt.Errorf("%s: %w", c.Data, err)
	}
	if c.JSON {
		return a.json(report)
	}
	return report.WriteText(a.stdout, c.Steps, c.ByColumn)
}

// every is how many origins a fit serves, 0 for no refit.
func (c *backtestCmd) every() (int, error) {
	switch c.Refit {
	case "never":
		return 0, nil
	case "always":
		return 1, nil
	}
	var k int
	if n, err := fmt.Sscanf(c.Refit, "every-%d", &k); n != 1 || err != nil || k < 1 || c.Refit != "every-"+strconv.Itoa(k) {
		return 0, fmt.Errorf("--refit %s: expected never, always or every-K with a K above 0", c.Refit)
	}
	return k, nil
}

// options are those of each forecast.
func (c *backtestCmd) options() lstmattn.Options {
	o := lstmattn.Options{Horizon: c.Horizon, Paths: c.Paths, Seed: c.SampleSeed}
	if c.Paths > 0 {
		o.Strategy = lstmattn.Sample
	}
	return o
}

// fitter trains as the model's configuration says.
func (c *backtestCmd) fitter(log *backtestLog) (backtest.Fitter, error) {
	info, err := os.Stat(c.Model)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("--refit %s: %s is no model directory, an ONNX file can't be trained", c.Refit, c.Model)
	}
	path := filepath.Join(c.Model, export.ConfigFile)
	config, err := export.ReadConfig(path)
	if err != nil {
		return nil, err
	}
	training := train.DefaultConfig()
	if _, err := export.ReadSection(path, "training", &training); err != nil {
		return nil, err
	}
	override(&training.Epochs, c.Epochs)
	override(&training.Seed, c.Seed)
	if c.Threads > 0 {
		training.Threads = c.Threads
	}
	config.Horizon = cmp.Or(c.Horizon, config.Horizon)
	return backtest.Train(config, training, c.options(), log), nil
}

// adapter is the tool's forecaster as backtest's.
type adapter struct {
	f forecaster
	o lstmattn.Options
}

func (a adapter) Forecast(ctx context.Context, b *lstmattn.Batch) (*backtest.Prediction, error) {
	y, err := a.f.forecast(ctx, b, a.o)
	if err != nil {
		return nil, err
	}
	return backtest.PredictionOf(y, a.o.Strategy), nil
}
