package train

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
)

type shifted struct{ lstmattn.Dataset }

func (s *shifted) Read(ctx context.Context, index []int, b *lstmattn.Batch) error {
	err := s.Dataset.Read(ctx, index, b)
	for i := range b.Target {
		b.Target[i]++
	}
	return err
}

// broken is a data set whose targets become something else after some reads.
type broken struct {
	lstmattn.Dataset
	window int
	value  float32
}

func (d *broken) Read(ctx context.Context, index []int, b *lstmattn.Batch) error {
	err := d.Dataset.Read(ctx, index, b)
	for w, i := range index {
		if i == d.window {
			b.Target[w*len(b.Target)/len(index)] = d.value
		}
	}
	return err
}

func TestDivergenceStopsWithASentence(t *testing.T) {
	dir := t.TempDir()
	k := newTask(t, nil)
	k.training = &broken{k.training, 42, float32(math.NaN())}
	steps := 0
	_, err := k.run(context.Background(), &Options{Dir: dir, Observer: &watcher{step: func(r StepReport) { steps = r.Step }}})
	var diverged *DivergedError
	require.ErrorAs(t, err, &diverged)
	require.Equal(t, steps+1, diverged.Step)
	require.EqualError(t, err, fmt.Sprintf("train: step %d: the loss is NaN; nothing is kept yet; try a lower lr, a lower grad_clip, more schedule.warmup_steps, or look for outliers in the data", steps+1))
	for _, v := range k.model.Params().Data {
		require.False(t, math.IsNaN(float64(v)), "the step was not taken")
	}

	k = newTask(t, func(c *lstmattn.Config, cfg *Config) {
		c.GradClip, cfg.Optimizer, cfg.LearningRate, cfg.Epochs, cfg.Schedule.Kind, cfg.Patience = 0, "sgd", 1e4, 50, Constant, 0
	})
	_, err = k.run(context.Background(), nil)
	require.ErrorAs(t, err, &diverged)
	require.ErrorContains(t, err, "explodes")

	k = newTask(t, nil)
	k.validation = &broken{k.validation, 3, float32(math.Inf(1))}
	_, err = k.run(context.Background(), nil)
	require.ErrorContains(t, err, "the validation loss is +Inf")
}

// A training that breaks down late says which model is kept.
func TestDivergenceKeepsTheBestModel(t *testing.T) {
	dir := t.TempDir()
	k := newTask(t, func(_ *lstmattn.Config, c *Config) { c.Epochs, c.Patience = 5, 0 })
	data := &broken{k.training, -1, float32(math.NaN())}
	k.training = data
	_, err := k.run(context.Background(), &Options{Dir: dir, Observer: &watcher{evaluation: func(EvaluationReport) { data.window = 42 }}})
	var diverged *DivergedError
	require.ErrorAs(t, err, &diverged)
	require.Equal(t, 10, diverged.Best)
	require.ErrorContains(t, err, "the best model, of step 10, is kept")
	kept, err := export.Load(dir)
	require.NoError(t, err)
	c, err := readCheckpoint(filepath.Join(dir, CheckpointFile))
	require.NoError(t, err)
	require.Equal(t, 10, c.progress.BestStep)
	require.Equal(t, c.tensors["best"], kept.Params().Data)
}
