package train

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

// seasonal is n rows of two columns with periods of 12 and 8 rows.
func seasonal(t testing.TB, n int) *series.Frame {
	t.Helper()
	text := "a,b\n"
	for s := range n {
		text += fmt.Sprintf("%v,%v\n", 100+20*math.Sin(2*math.Pi*float64(s)/12), -3+.5*math.Cos(2*math.Pi*float64(s)/8))
	}
	f, err := series.ReadCSV(strings.NewReader(text), series.Options{})
	require.NoError(t, err)
	return f
}

// A task is a small model, its data and how to train it.
type task struct {
	model                *lstmattn.Model
	training, validation lstmattn.Dataset
	config               Config
}

func newTask(t testing.TB, change func(*lstmattn.Config, *Config)) *task {
	t.Helper()
	c := lstmattn.DefaultConfig(2)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumEncoderLayers, c.NumDecoderLayers, c.NumAttentionHeads = 16, 6, 16, 1, 1, 2
	c.Normalization = lstmattn.NormalizationMeanStd
	cfg := DefaultConfig()
	cfg.LearningRate, cfg.BatchSize, cfg.Epochs, cfg.Threads, cfg.Seed = 1e-2, 8, 3, 2, 5
	if change != nil {
		change(&c, &cfg)
	}
	m, err := lstmattn.New(c, cfg.Seed)
	require.NoError(t, err)
	values := seasonal(t, 140)
	training, err := series.NewWindows(values, series.WindowOptions{InputSize: c.InputSize, Horizon: c.Horizon, To: "100"})
	require.NoError(t, err)
	validation, err := series.NewWindows(values, series.WindowOptions{InputSize: c.InputSize, Horizon: c.Horizon, From: "100"})
	require.NoError(t, err)
	scalers, err := training.Scalers()
	require.NoError(t, err)
	require.NoError(t, m.SetScaler(scalers.Columns.Mean, scalers.Columns.Scale))
	return &task{m, training, validation, cfg}
}

func (k *task) run(ctx context.Context, o *Options) (*Result, error) {
	return Run(ctx, k.model, k.training, k.validation, k.config, o)
}

// watcher calls functions for what it is told.
type watcher struct {
	step       func(StepReport)
	evaluation func(EvaluationReport)
}

func (w *watcher) Step(r StepReport) {
	if w.step != nil {
		w.step(r)
	}
}

func (w *watcher) Evaluation(r EvaluationReport) {
	if w.evaluation != nil {
		w.evaluation(r)
	}
}
