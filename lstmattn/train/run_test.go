package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/export"
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

func TestTrainingBeatsRepeatingTheLastValue(t *testing.T) {
	k := newTask(t, func(_ *lstmattn.Config, c *Config) { c.Epochs, c.Horizons = 15, []int{1, 6} })
	dir := t.TempDir()
	result, err := k.run(context.Background(), &Options{Dir: dir})
	require.NoError(t, err)

	var b lstmattn.Batch
	var naive float64
	require.NoError(t, k.validation.Read(context.Background(), []int{0, 5, 11, 20}, &b))
	for i, v := range b.Target {
		window, column := i/12, i%2
		last := b.X[window*32+30+column]
		naive += math.Pow(float64(v-last)/float64(k.model.Params().ScalerScale[column]), 2) / float64(len(b.Target))
	}
	require.Less(t, result.Best.Metrics[1].MSE, naive/5)
	require.Equal(t, result.Best.Metrics[1].MSE, result.Best.Loss)
	require.NotEqual(t, result.Best.Metrics[0].MSE, result.Best.Loss, "the first step alone")

	saved, err := export.Load(dir)
	require.NoError(t, err)
	require.Equal(t, k.model.Params().Data, saved.Params().Data, "the model and its folder have the best parameters")
	again, err := Measure(context.Background(), saved, k.validation, lstmattn.Loss{Kind: lstmattn.MSE}, 1, 1, 6)
	require.NoError(t, err)
	require.Equal(t, result.Best, again, "on any number of threads")

	var c Config
	found, err := export.ReadSection(filepath.Join(dir, export.ConfigFile), "training", &c)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, k.config, c)
}

func TestSameSeedAndThreadsGiveTheSameBits(t *testing.T) {
	params := func(change func(*lstmattn.Config, *Config)) []float32 {
		k := newTask(t, change)
		_, err := k.run(context.Background(), nil)
		require.NoError(t, err)
		return k.model.Params().Data
	}
	require.Equal(t, params(nil), params(nil))
	require.NotEqual(t, params(nil), params(func(_ *lstmattn.Config, c *Config) { c.Seed++ }))
}

// The shards' gradients together are the gradient of the whole batch, also
// where they are of different sizes and targets are missing.
func TestShardsAddUpToTheBatch(t *testing.T) {
	k := newTask(t, func(c *lstmattn.Config, _ *Config) { c.Dropout = 0 })
	index := []int{3, 1, 4, 15, 9, 2, 6}
	data := &holes{k.training}
	var b lstmattn.Batch
	require.NoError(t, data.Read(context.Background(), index, &b))
	want := k.model.Params().NewGradient()
	wantLoss, err := k.model.GradientBatch(context.Background(), want, &b, lstmattn.Loss{Kind: lstmattn.MSE}, nil)
	require.NoError(t, err)
	require.False(t, math.IsNaN(wantLoss))
	for _, threads := range []int{1, 2, 3, 9} {
		team := newTeam(k.model, threads)
		loss, err := team.gradient(&step{
			ctx: context.Background(), model: k.model, data: data, windows: index, loss: lstmattn.Loss{Kind: lstmattn.MSE},
		})
		require.NoError(t, err)
		require.InEpsilon(t, wantLoss, loss, 1e-6)
		got := team.members[0].grad.Data
		for i := range got {
			require.InDelta(t, want.Data[i], got[i], 1e-6+1e-5*math.Abs(float64(want.Data[i])), "%d threads", threads)
		}
		team.stop()
	}
}

// holes is a data set with targets missing: all of a window's, and some.
type holes struct{ lstmattn.Dataset }

func (h *holes) Read(ctx context.Context, index []int, b *lstmattn.Batch) error {
	err := h.Dataset.Read(ctx, index, b)
	b.Weight = b.Weight[:0]
	row := len(b.Target) / len(index)
	for w, window := range index {
		for i := range row {
			weight := float32(1)
			if window == 4 || window%2 == 0 && i%3 == 0 {
				weight, b.Target[w*row+i] = 0, float32(math.NaN())
			}
			b.Weight = append(b.Weight, weight)
		}
	}
	return err
}

func TestMissingTargetsDoNotCount(t *testing.T) {
	k := newTask(t, func(c *lstmattn.Config, _ *Config) { c.TeacherForcingRatio = 0 })
	k.training, k.validation = &holes{k.training}, &holes{k.validation}
	result, err := k.run(context.Background(), nil)
	require.NoError(t, err)
	require.False(t, math.IsNaN(result.Best.Loss))
	full, err := Measure(context.Background(), k.model, k.validation, lstmattn.Loss{Kind: lstmattn.Huber, Delta: 1e6}, 2)
	require.NoError(t, err)
	require.InEpsilon(t, full.Metrics[0].MSE/2, full.Loss, 1e-6, "the Huber loss with a large delta is half the squared error")
}

func TestEarlyStoppingKeepsTheBestParameters(t *testing.T) {
	var losses []float64
	k := newTask(t, func(_ *lstmattn.Config, c *Config) {
		c.Epochs, c.LearningRate, c.Patience, c.Schedule.Kind, c.ValidateSteps = 200, .1, 3, Constant, 4
	})
	result, err := k.run(context.Background(), &Options{Observer: &watcher{evaluation: func(r EvaluationReport) {
		losses = append(losses, r.Validation.Loss)
		require.Equal(t, 4*len(losses), r.Step)
	}}})
	require.NoError(t, err)
	require.Equal(t, "early stopping", result.Why)
	best := 0
	for i, v := range losses {
		if v < losses[best] {
			best = i
		}
	}
	require.Len(t, losses, best+1+3, "three validations after the best")
	require.Equal(t, 4*(best+1), result.BestStep)
	require.Equal(t, losses[best], result.Best.Loss)
	m, err := Measure(context.Background(), k.model, k.validation, lstmattn.Loss{Kind: lstmattn.MSE}, 2)
	require.NoError(t, err)
	require.Equal(t, losses[best], m.Loss)
}

// A validation that is better by less than min_delta counts as none.
func TestSmallImprovementsDoNotCount(t *testing.T) {
	k := newTask(t, func(_ *lstmattn.Config, c *Config) { c.Epochs, c.Patience, c.MinDelta = 50, 3, 1000 })
	result, err := k.run(context.Background(), nil)
	require.NoError(t, err)
	require.Equal(t, &Result{Steps: 40, Epochs: 4, Why: "early stopping", BestStep: 10, Best: result.Best}, result)
}

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

// A head's own loss is what its model is trained and judged by, unless the
// settings say otherwise.
func TestHeadsTrainByTheirOwnLoss(t *testing.T) {
	for head, loss := range map[lstmattn.Head]lstmattn.LossKind{
		lstmattn.HeadQuantile: lstmattn.Pinball, lstmattn.HeadGaussian: lstmattn.GaussianNLL, lstmattn.HeadStudentT: lstmattn.StudentTNLL,
	} {
		t.Run(string(head), func(t *testing.T) {
			k := newTask(t, func(c *lstmattn.Config, cfg *Config) {
				if c.Head = head; head == lstmattn.HeadQuantile {
					c.Quantiles = []float64{.1, .5, .9}
				}
				cfg.Epochs = 4
			})
			before, err := Measure(context.Background(), k.model, k.validation, lstmattn.Loss{Kind: loss}, 2)
			require.NoError(t, err)
			result, err := k.run(context.Background(), nil)
			require.NoError(t, err)
			require.Less(t, result.Best.Loss, before.Loss-.1)
			require.Less(t, result.Best.Metrics[0].MSE, before.Metrics[0].MSE)
			after, err := Measure(context.Background(), k.model, k.validation, lstmattn.Loss{Kind: loss}, 1)
			require.NoError(t, err)
			require.Equal(t, result.Best, after)
		})
	}
	k := newTask(t, nil)
	k.config.Loss = lstmattn.Pinball
	_, err := k.run(context.Background(), nil)
	require.EqualError(t, err, "lstmattn: the loss is quantile, which a point head doesn't give the numbers for")
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
func TestFoldersAreTriedFirst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o666))
	_, err := newTask(t, nil).run(context.Background(), &Options{Dir: filepath.Join(file, "model"), Overwrite: true, Observer: &watcher{step: func(StepReport) {
		t.Error("a step was taken")
	}}})
	require.ErrorContains(t, err, file)
}

func TestWithoutValidationTheLastParametersStay(t *testing.T) {
	k := newTask(t, func(_ *lstmattn.Config, c *Config) { c.MaxSteps, c.DropLast = 12, true })
	k.validation = nil
	var reports []EvaluationReport
	result, err := k.run(context.Background(), &Options{Observer: &watcher{evaluation: func(r EvaluationReport) { reports = append(reports, r) }}})
	require.NoError(t, err)
	require.Equal(t, &Result{Steps: 12, Epochs: 2, Why: "max_steps", BestStep: 12}, result)
	require.Len(t, reports, 2)
	require.Equal(t, 9, reports[0].Step, "79 windows are nine full batches of eight")
}

func TestErrorsOfDataReachTheCaller(t *testing.T) {
	k := newTask(t, nil)
	k.training = &failing{k.training}
	_, err := k.run(context.Background(), nil)
	require.EqualError(t, err, "row 7 is gone")
}

type failing struct{ lstmattn.Dataset }

func (f *failing) Read(ctx context.Context, index []int, b *lstmattn.Batch) error {
	if len(index) > 1 {
		return errors.New("row 7 is gone")
	}
	return f.Dataset.Read(ctx, index, b)
}

// What can't be measured is refused before a step is taken and a folder made.
func TestRefusedAtTheStart(t *testing.T) {
	gaps, err := series.ReadCSV(strings.NewReader("a,b\n1,1\n"+strings.Repeat(",\n", 60)), series.Options{Missing: series.Mask})
	require.NoError(t, err)
	unknown, err := series.NewWindows(gaps, series.WindowOptions{InputSize: 16, Horizon: 6})
	require.NoError(t, err)
	for want, change := range map[string]func(*task){
		"the training set: train: no target is known, all are missing":                            func(k *task) { k.training = unknown },
		"the validation set: train: no target is known, all are missing":                          func(k *task) { k.validation = unknown },
		"the validation set: train: metrics up to step 7 are asked for, the targets have 6 steps": func(k *task) { k.config.Horizons = []int{1, 7} },
		"lstmattn: the loss is gaussian, which a point head doesn't give the numbers for":         func(k *task) { k.config.Loss = lstmattn.GaussianNLL },
	} {
		k, dir := newTask(t, nil), filepath.Join(t.TempDir(), "model")
		change(k)
		_, err := Run(context.Background(), k.model, k.training, k.validation, k.config, &Options{Dir: dir, Observer: never{t}})
		require.EqualError(t, err, want)
		require.NoDirExists(t, dir)
	}
	k := newTask(t, nil)
	_, err = Measure(context.Background(), k.model, unknown, lstmattn.Loss{Kind: lstmattn.MSE}, 1)
	require.EqualError(t, err, "train: no target is known, all are missing")
}

type never struct{ t *testing.T }

func (n never) Step(StepReport)             { n.t.Fatal("a step was taken") }
func (n never) Evaluation(EvaluationReport) {}
