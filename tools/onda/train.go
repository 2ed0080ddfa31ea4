package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/train"
)

type trainCmd struct {
	dataFlags
	Config string `required:"" help:"JSON with the model's configuration and a section training; what it leaves out has the default." placeholder:"config.json" type:"existingfile"`
	Out    string `required:"" help:"The model directory to write: config.json and model.safetensors of the best model, checkpoint.safetensors." placeholder:"DIR" type:"path"`

	Epochs    *int     `help:"Epochs to train at most. This and the next four replace the configuration's." placeholder:"N"`
	BatchSize *int     `help:"Windows per step." placeholder:"N"`
	LR        *float64 `name:"lr" help:"Learning rate." placeholder:"RATE"`
	Seed      *uint64  `help:"Seed of the initial weights, the order, dropout and teacher forcing." placeholder:"N"`
	Threads   *int     `help:"Cores to use; 0 means all. The trained bits are the same only for the same number." placeholder:"N"`

	SkipShort bool `help:"Leave out series too short for a window in the rows for training or validation."`
	Resume    bool `help:"Go on from the checkpoint in --out, if there is one."`
	Overwrite bool `help:"Start anew even where --out has the checkpoint of an unfinished training."`
	LogJSON   bool `name:"log-json" help:"Write a line of JSON to standard output for every validation, and one at the end."`
	Quiet     bool `help:"Show no progress on standard error."`
}

func (c *trainCmd) Run(a *app) error {
	training, err := c.training()
	if err != nil {
		return err
	}
	frame, config, err := c.open(a)
	if err != nil {
		return err
	}
	defer frame.Close()
	windows, validation, err := train.Datasets(frame, config, training.Split)
	if errors.Is(err, series.ErrShort) && len(frame.Series) > 1 {
		return fmt.Errorf("%s: %w; --skip-short leaves such series out", c.Data, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Data, err)
	}
	m, err := lstmattn.New(config, training.Seed)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Config, err)
	}
	if err := train.SetScalers(m, windows); err != nil {
		return fmt.Errorf("%s: %w", c.Data, err)
	}
	watch := newTrainLog(a, c.LogJSON, c.Quiet)
	watch.begin(len(frame.Series), windows, validation, m.NumParameters(), training.BatchSize)
	o := &train.Options{Dir: c.Out, Resume: c.Resume, Overwrite: c.Overwrite, Observer: watch}
	result, err := train.Run(a.ctx, m, windows, validation, training, o)
	watch.end()
	var unfinished *train.UnfinishedError
	if errors.As(err, &unfinished) {
		return fmt.Errorf("%s is of a training that stopped at step %d: go on with --resume, or start anew with --overwrite", unfinished.Checkpoint, unfinished.Step)
	}
	var stopped *train.InterruptedError
	if errors.As(err, &stopped) {
		return fmt.Errorf("stopped after step %d; go on with: onda train %s --resume", stopped.Step, strings.Join(c.again(), " "))
	}
	if err != nil {
		return err
	}
	return watch.result(c.Out, result)
}

// training is the configuration file's section with the flags applied.
func (c *trainCmd) training() (train.Config, error) {
	training := train.DefaultConfig()
	if _, err := export.ReadSection(c.Config, "training", &training); err != nil {
		return training, err
	}
	override(&training.Epochs, c.Epochs)
	override(&training.BatchSize, c.BatchSize)
	override(&training.LearningRate, c.LR)
	override(&training.Seed, c.Seed)
	override(&training.Threads, c.Threads)
	training.Split.SkipShort = training.Split.SkipShort || c.SkipShort
	return training, training.Validate()
}

// open reads the data, and the model's configuration, which it completes by
// the data's columns.
func (c *trainCmd) open(a *app) (*series.Frame, lstmattn.Config, error) {
	var names columnNames
	for _, list := range []struct {
		field string
		names *[]string
	}{{"feature_names", &names.columns}, {"past_names", &names.past}, {"future_names", &names.future}, {"static_names", &names.static}, {"calendar", &names.calendar}} {
		if _, err := export.ReadSection(c.Config, list.field, list.names); err != nil {
			return nil, lstmattn.Config{}, err
		}
	}
	frame, err := c.read(a, names)
	if err != nil {
		return nil, lstmattn.Config{}, err
	}
	n := len(frame.Columns)
	config, err := export.ReadConfig(c.Config, section("num_features", n),
		section("num_past", len(names.past)), section("num_future", len(names.future)+len(names.calendar)), section("num_static", len(names.static)))
	if err != nil {
		return nil, config, err
	}
	if n != config.NumFeatures {
		return nil, config, fmt.Errorf("%s: has %d columns of values (%s), num_features is %d in %s; choose them with --columns",
			c.Data, n, strings.Join(frame.Columns, ", "), config.NumFeatures, c.Config)
	}
	for _, kind := range []struct {
		field, names string
		n, want      int
	}{{"num_past", "past_names", config.NumPast, len(frame.Past)}, {"num_future", "future_names and calendar", config.NumFuture, len(frame.Future) + len(names.calendar)}, {"num_static", "static_names", config.NumStatic, len(frame.Static)}} {
		if kind.n != kind.want {
			return nil, config, fmt.Errorf("%s: %s is %d, %s has %d", c.Config, kind.field, kind.n, kind.names, kind.want)
		}
	}
	if len(config.FeatureNames) == 0 {
		config.FeatureNames = frame.Columns
	}
	return frame, config, nil
}

// section is a field of a configuration that doesn't have it.
func section(name string, n int) export.Section {
	return export.Section{Name: name, Value: []byte(strconv.Itoa(n))}
}

func override[T any](v, flag *T) {
	if flag != nil {
		*v = *flag
	}
}

// again is the command line, without what says how to begin.
func (c *trainCmd) again() []string {
	args := append(c.args(), "--config", quote(c.Config), "--out", quote(c.Out))
	add := func(name string, v any, given bool) {
		if given {
			args = append(args, name, fmt.Sprint(v))
		}
	}
	add("--epochs", deref(c.Epochs), c.Epochs != nil)
	add("--batch-size", deref(c.BatchSize), c.BatchSize != nil)
	add("--lr", deref(c.LR), c.LR != nil)
	add("--seed", deref(c.Seed), c.Seed != nil)
	add("--threads", deref(c.Threads), c.Threads != nil)
	if c.SkipShort {
		args = append(args, "--skip-short")
	}
	return args
}

// quote is a word for a shell.
func quote(word string) string {
	if strings.IndexFunc(word, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-,:\\", r)
	}) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
