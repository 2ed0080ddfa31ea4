package train

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

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

func (n never) Step(StepReport) { n.t.Fatal("a step was taken") }

func (n never) Evaluation(EvaluationReport) {}
