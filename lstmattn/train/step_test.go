package train

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
)

// Every epoch has every window once, each epoch in its own order.
func TestOrderOfWindows(t *testing.T) {
	o := newOrder(7, 50)
	epoch := func(n int) (all []int) {
		for b := range 7 {
			all = append(all, o.of(n, b, 8)...)
		}
		return all
	}
	first, second := epoch(0), epoch(1)
	require.NotEqual(t, first, second)
	require.Equal(t, first, epoch(0), "whatever came before")
	require.Len(t, o.of(0, 6, 8), 2)
	for _, e := range [][]int{first, second} {
		require.False(t, slices.IsSorted(e))
		slices.Sort(e)
		for i, v := range e {
			require.Equal(t, i, v)
		}
	}
	require.NotEqual(t, first, newOrder(8, 50).of(0, 0, 50))
}

// What the settings say is what the steps do.
func TestSettingsReachTheSteps(t *testing.T) {
	var reports []StepReport
	k := newTask(t, func(c *lstmattn.Config, cfg *Config) {
		c.TeacherForcingRatio = .8
		cfg.Schedule = Schedule{Kind: StepDown, StepEpochs: 1, Gamma: .5, WarmupSteps: 4, Factor: .1, Threshold: .1}
		cfg.TeacherForcing.DecayEpochs = 2
	})
	result, err := k.run(context.Background(), &Options{Observer: &watcher{step: func(r StepReport) { reports = append(reports, r) }}})
	require.NoError(t, err)
	require.Len(t, reports, 30)
	require.Equal(t, &Result{Steps: 30, Epochs: 3, Why: "epochs", BestStep: result.BestStep, Best: result.Best}, result)
	for i, r := range reports {
		require.Equal(t, []int{i + 1, 30, i/10 + 1, 3}, []int{r.Step, r.TotalSteps, r.Epoch, r.Epochs})
		rate := .01 * math.Pow(.5, float64(i/10))
		if i < 4 {
			rate = .01 * float64(i+1) / 4
		}
		require.InDelta(t, rate, r.LearningRate, 1e-12)
		require.InDelta(t, .8*max(0, 1-float64(i)/20), r.TeacherForcing, 1e-12)
		if i%10 == 9 {
			require.Equal(t, 7, r.Windows, "79 windows leave seven for the last batch")
		}
	}
}

// One step of plain SGD moves the parameters by the learning rate times the
// gradient, which has the norm that it is clipped to.
func TestStepIsClipped(t *testing.T) {
	for _, threads := range []int{1, 3} {
		k := newTask(t, func(c *lstmattn.Config, cfg *Config) {
			c.GradClip = .01
			cfg.Optimizer, cfg.WeightDecay, cfg.MaxSteps, cfg.Threads, cfg.Schedule.Kind = "sgd", 0, 1, threads, Constant
		})
		before := slices.Clone(k.model.Params().Data)
		var norm float64
		_, err := k.run(context.Background(), &Options{Observer: &watcher{step: func(r StepReport) { norm = r.GradientNorm }}})
		require.NoError(t, err)
		require.Greater(t, norm, .1)
		var moved float64
		for i, v := range k.model.Params().Data {
			moved += math.Pow(float64(v-before[i]), 2)
		}
		require.InEpsilon(t, .01*.01, math.Sqrt(moved), 1e-3)
	}
}

// The optimiser's parts, one to a thread, together take its whole step.
func TestOptimizerInPartsIsTheOptimizer(t *testing.T) {
	for _, name := range []string{"adamw", "sgd"} {
		c := DefaultConfig()
		c.Optimizer, c.Momentum = name, .9
		const n = 10
		run := func(cuts ...int) []float32 {
			moments := map[string][]float32{}
			for _, m := range c.momentNames() {
				moments[m] = make([]float32, n)
			}
			params, grads := make([]float32, n), make([]float32, n)
			for i := range params {
				params[i], grads[i] = float32(i)-4, float32(i*i)-20
			}
			var parts []optimizer
			for i := range cuts[1:] {
				parts = append(parts, c.newOptimizer(moments, cuts[i], cuts[i+1]))
			}
			for range 5 {
				for i, p := range parts {
					require.NoError(t, p.step(.1, params[cuts[i]:cuts[i+1]], grads[cuts[i]:cuts[i+1]]))
				}
			}
			return params
		}
		require.Equal(t, run(0, n), run(0, 3, 3, 7, n), name)
	}
}

// Every step and every shard draws dropout and teacher forcing by itself. The
// data are one window, shown to all shards again and again, and the rate is zero,
// so that losses can differ by the draws alone.
func TestStepsAndShardsDrawByThemselves(t *testing.T) {
	for what, change := range map[string]func(*lstmattn.Config){
		"dropout":         func(c *lstmattn.Config) { c.Dropout, c.TeacherForcingRatio = .5, 1 },
		"teacher forcing": func(c *lstmattn.Config) { c.Dropout, c.TeacherForcingRatio = 0, .5 },
	} {
		k := newTask(t, func(c *lstmattn.Config, cfg *Config) {
			change(c)
			cfg.LearningRate, cfg.BatchSize, cfg.MaxSteps, cfg.TeacherForcing.Decay, cfg.Patience = 0, 2, 3, Fixed, 0
		})
		k.training = &same{k.training}
		r, err := newRun(context.Background(), k.model, k.training, k.validation, k.config, &Options{})
		require.NoError(t, err)
		losses := map[float64]bool{}
		for range 3 {
			require.NoError(t, r.take(context.Background()))
			for _, w := range r.team.members {
				losses[w.loss] = true
			}
		}
		r.team.stop()
		require.Len(t, losses, 6, what)
	}
}

// same is a data set all of whose windows are its first.
type same struct{ lstmattn.Dataset }

func (d *same) Read(ctx context.Context, index []int, b *lstmattn.Batch) error {
	return d.Dataset.Read(ctx, make([]int, len(index)), b)
}

func TestDropoutIsApplied(t *testing.T) {
	params := func(dropout float64) []float32 {
		k := newTask(t, func(c *lstmattn.Config, cfg *Config) { c.Dropout, cfg.MaxSteps = dropout, 2 })
		_, err := k.run(context.Background(), nil)
		require.NoError(t, err)
		return k.model.Params().Data
	}
	require.NotEqual(t, params(0), params(.5))
}
