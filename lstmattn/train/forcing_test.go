package train

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
)

// The formulas of Bengio et al. 2015 with a first ratio of 1 and k given.
func TestDecaysOfScheduledSampling(t *testing.T) {
	for i := range 100 {
		at := float64(i)
		require.InDelta(t, 1-at/100, (&TeacherForcing{Decay: Linear}).ratio(1, i, 100), 1e-12)
		require.InDelta(t, math.Pow(.97, at), (&TeacherForcing{Decay: Exponential, K: .97}).ratio(1, i, 100), 1e-12)
		require.InDelta(t, 20/(20+math.Exp(at/20)), (&TeacherForcing{Decay: InverseSigmoid, K: 20}).ratio(1, i, 100), 1e-12)
	}
}

// Every decay falls from the first ratio to the last one and stays there; by
// itself it leaves a hundredth at the end.
func TestDecaysEndFreeRunning(t *testing.T) {
	for _, decay := range []Decay{Linear, Exponential, InverseSigmoid} {
		f := &TeacherForcing{Decay: decay, End: .1}
		for _, n := range []int{3, 100, 100000} {
			last := f.ratio(.9, 0, n)
			if n > 3 { // k of an inverse sigmoid is at least 1, too much for few steps
				require.InDelta(t, .9, last, .06, "%s over %d steps", decay, n)
			}
			for i := 1; i < n; i += max(1, n/1000) {
				next := f.ratio(.9, i, n)
				require.Less(t, next, last)
				require.Greater(t, next, .1)
				last = next
			}
			require.Equal(t, .1, f.ratio(.9, n, n))
			require.Equal(t, .1, f.ratio(.9, 10*n, n))
			if decay != Linear && n > 3 {
				require.InDelta(t, .01, f.left(float64(n), float64(n)), 1e-6, "%s over %d steps", decay, n)
			}
		}
	}
	require.Equal(t, .9, (&TeacherForcing{Decay: Fixed, End: .1}).ratio(.9, 10, 5))
}

// Draws by batch let a batch see all of its targets or none; the share of the
// batches is the ratio.
func TestDrawsByBatch(t *testing.T) {
	ctx := context.Background()
	k := newTask(t, func(_ *lstmattn.Config, c *Config) {
		c.TeacherForcing, c.Epochs = TeacherForcing{Decay: Fixed, Per: PerBatch}, 20
	})
	r, err := newRun(ctx, k.model, k.training, k.validation, k.config, &Options{})
	require.NoError(t, err)
	defer r.team.stop()
	forced := 0
	for range 150 {
		require.NoError(t, r.take(ctx))
		switch r.step.options.TeacherForcing {
		case 1:
			forced++
		default:
			require.Zero(t, r.step.options.TeacherForcing)
		}
	}
	require.InDelta(t, 75, forced, 25)
}
