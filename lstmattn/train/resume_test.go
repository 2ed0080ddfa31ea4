package train

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
)

// cancelAfter is a context that ends after a step, and the observer that ends it.
func cancelAfter(steps int) (context.Context, *watcher) {
	ctx, cancel := context.WithCancel(context.Background())
	return ctx, &watcher{step: func(r StepReport) {
		if r.Step == steps {
			cancel()
		}
	}}
}

func TestResumedTrainingHasTheBitsOfAnUninterruptedOne(t *testing.T) {
	for name, change := range map[string]func(*lstmattn.Config, *Config){
		"adamw": func(c *lstmattn.Config, _ *Config) { c.Dropout = .2 },
		"sgd": func(_ *lstmattn.Config, c *Config) {
			c.Optimizer, c.Momentum, c.Schedule.Kind, c.Schedule.Patience = "sgd", .9, Plateau, 0
			c.ValidateSteps, c.TeacherForcing = 7, TeacherForcing{Decay: InverseSigmoid, Per: PerBatch}
		},
		"average": func(c *lstmattn.Config, cfg *Config) { c.Dropout, cfg.EMADecay, cfg.ValidateSteps = .2, .9, 4 },
	} {
		t.Run(name, func(t *testing.T) {
			whole := newTask(t, change)
			want, err := whole.run(context.Background(), nil)
			require.NoError(t, err)
			dir := filepath.Join(t.TempDir(), "out")
			for _, at := range []int{1, 10, 11, 14, 29} {
				k := newTask(t, change)
				ctx, w := cancelAfter(at)
				_, err := k.run(ctx, &Options{Dir: dir, Resume: true, Observer: w})
				var stopped *InterruptedError
				require.ErrorAs(t, err, &stopped)
				require.Equal(t, at, stopped.Step)
				require.ErrorIs(t, err, context.Canceled)
			}
			k := newTask(t, change)
			got, err := k.run(context.Background(), &Options{Dir: dir, Resume: true})
			require.NoError(t, err)
			require.Equal(t, 29, got.Resumed)
			got.Resumed = 0
			require.Equal(t, want, got)
			require.Equal(t, whole.model.Params().Data, k.model.Params().Data)

			k = newTask(t, change)
			_, err = k.run(context.Background(), &Options{Dir: dir, Resume: true})
			require.NoError(t, err)
			require.Equal(t, whole.model.Params().Data, k.model.Params().Data, "a finished training is finished")
		})
	}
}

func TestUnfinishedTrainingIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	ctx, w := cancelAfter(2)
	_, err := newTask(t, nil).run(ctx, &Options{Dir: dir, Observer: w})
	require.Error(t, err)
	path := filepath.Join(dir, CheckpointFile)
	_, err = newTask(t, nil).run(context.Background(), &Options{Dir: dir})
	require.EqualError(t, err, path+" is of a training that stopped at step 2: resume it, or say that it may be overwritten")
	_, err = newTask(t, nil).run(context.Background(), &Options{Dir: dir, Overwrite: true})
	require.NoError(t, err)
	_, err = newTask(t, nil).run(context.Background(), &Options{Dir: dir})
	require.NoError(t, err, "a finished one may be")
}

func TestCheckpointOfAnotherTrainingIsRefused(t *testing.T) {
	dir := t.TempDir()
	ctx, w := cancelAfter(2)
	_, err := newTask(t, nil).run(ctx, &Options{Dir: dir, Observer: w})
	require.Error(t, err)
	path := filepath.Join(dir, CheckpointFile)
	for want, change := range map[string]func(*task){
		"training had lr 0.01, now it has 0.02":                           func(k *task) { k.config.LearningRate = .02 },
		"training had threads 2, now it has 3":                            func(k *task) { k.config.Threads = 3 },
		"the model had dropout 0.1, now it has 0":                         func(k *task) { *k = *newTask(t, func(c *lstmattn.Config, _ *Config) { c.Dropout = 0 }) },
		"the training set is another, its values differ":                  func(k *task) { k.training = &shifted{k.training} },
		"the validation set is another, it had 35 windows, now it has 79": func(k *task) { k.validation = k.training },
	} {
		k := newTask(t, nil)
		change(k)
		_, err := k.run(context.Background(), &Options{Dir: dir, Resume: true})
		require.EqualError(t, err, path+": the checkpoint is of another training: "+want)
	}
	k := newTask(t, nil)
	k.config.CheckpointSteps = 7
	require.NoError(t, k.model.SetScaler([]float32{1, 2}, []float32{3, 4}))
	_, err = k.run(context.Background(), &Options{Dir: dir, Resume: true})
	require.ErrorContains(t, err, "differs from the model's, so it is of other data")

	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, whole[:len(whole)-5], 0o666))
	_, err = newTask(t, nil).run(context.Background(), &Options{Dir: dir, Resume: true})
	require.ErrorContains(t, err, path+": not a whole safetensors file")
}

// No checkpoint is written of parameters that are of no use.
func TestCheckpointsAreOfNumbers(t *testing.T) {
	dir := t.TempDir()
	k := newTask(t, nil)
	r, err := newRun(context.Background(), k.model, k.training, k.validation, k.config, &Options{Dir: dir})
	require.NoError(t, err)
	defer r.team.stop()
	require.NoError(t, r.save())
	before, err := os.ReadFile(r.checkpointPath())
	require.NoError(t, err)
	k.model.Params().Data[5] = float32(math.Inf(1))
	var diverged *DivergedError
	require.ErrorAs(t, r.save(), &diverged)
	after, err := os.ReadFile(r.checkpointPath())
	require.NoError(t, err)
	require.True(t, string(before) == string(after))
}

// A folder that can't be written is an error before the first step.
func TestLeftoversOfAKilledTrainingAreRemoved(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".probe.123", CheckpointFile + ".ABCDEFGH.tmp", export.TensorsFile + ".ABCDEFGH.tmp", "notes.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o666))
	}
	require.NoError(t, (&run{options: &Options{Dir: dir}}).prepareFolder())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, "notes.txt", left[0].Name())
}

func TestFoldersAreTriedFirst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o666))
	_, err := newTask(t, nil).run(context.Background(), &Options{Dir: filepath.Join(file, "model"), Overwrite: true, Observer: &watcher{step: func(StepReport) {
		t.Error("a step was taken")
	}}})
	require.ErrorContains(t, err, file)
}
