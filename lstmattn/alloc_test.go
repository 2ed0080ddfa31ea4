//go:build !race

package lstmattn

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/kernel/alloctest"
)

// The race detector makes pools of memory forget at random, so it is left out.

// Once warm, a longer horizon allocates no more than a short one.
func TestNoAllocationPerStep(t *testing.T) {
	m := randomModel(t, small(), 2)
	x := windows(m, 3, 11, 1)
	state, f := &State{}, &Forecast{}
	count := func(horizon int) float64 {
		o := &Options{Horizon: horizon, Attention: true, State: state, Pool: kernel.NewPool(1)}
		return alloctest.PerRun(5, func() {
			if err := m.ForecastInto(context.Background(), f, x, o); err != nil {
				t.Error(err)
			}
		})
	}
	long := count(64)
	require.Equal(t, count(2), long)
}

// trainedForms are the forms whose training must not allocate once warm.
func trainedForms() map[string]Config {
	classic := small()
	classic.Dropout = .3
	direct := segRNN(24, 12, 16, 4)
	direct.Attention, direct.NumAttentionHeads, direct.LinearSkip, direct.NumDecoderLayers = true, 4, true, 2
	stepped := direct
	stepped.Decoding = DecodingAutoregressive
	return map[string]Config{"classic": classic, "direct": direct, "stepped": stepped}
}

// Once warm, a gradient and the packing of what an optimiser made of the
// parameters allocate nothing.
func TestTrainingStepAllocatesNothing(t *testing.T) {
	for name, c := range trainedForms() {
		t.Run(name, func(t *testing.T) {
			m := randomModel(t, c, 2)
			const batch = 3
			x, target := windows(m, batch, c.InputSize, 1), windows(m, batch, c.Horizon, 2)
			target[1] = float32(math.NaN())
			b := &Batch{Size: batch, X: x, Target: target, Weight: make([]float32, len(target))}
			for i := range b.Weight {
				b.Weight[i] = 1
			}
			b.Weight[1] = 0
			grad := m.Params().NewGradient()
			o := &ForwardOptions{Options: Options{State: &State{}, Pool: kernel.NewPool(1)}, TeacherForcing: .5, Dropout: true}
			require.Zero(t, alloctest.PerRun(10, func() {
				o.Seed++
				if _, err := m.GradientBatch(context.Background(), grad, b, Loss{Kind: MSE}, o); err != nil {
					t.Error(err)
				}
				if err := m.Pack(); err != nil {
					t.Error(err)
				}
			}))
		})
	}
}

// The memory of training rises by as much for each window of a batch and for
// each step of the window.
func TestTrainingMemoryIsLinear(t *testing.T) {
	bytes := func(c Config, batch int) int {
		m := randomModel(t, c, 2)
		s := &State{}
		o := &ForwardOptions{Options: Options{State: s, Pool: kernel.NewPool(1)}}
		x, target := windows(m, batch, c.InputSize, 1), windows(m, batch, c.Horizon, 2)
		_, err := m.Gradient(context.Background(), m.Params().NewGradient(), x, target, Loss{Kind: MSE}, o)
		require.NoError(t, err)
		return 4 * (len(s.arena) + len(s.backArena.arena) + len(s.numbers) + len(s.dNumbers) + len(s.force.normalized))
	}
	for name, c := range trainedForms() {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, bytes(c, 4)-bytes(c, 2), bytes(c, 6)-bytes(c, 4), "batch")
			longer := func(by int) Config {
				c := c
				c.InputSize += by * c.Segment
				return c
			}
			require.Equal(t, bytes(longer(5), 2)-bytes(c, 2), bytes(longer(10), 2)-bytes(longer(5), 2), "window")
		})
	}
}

// A state that served one gradient, model and batch serves the next: the bits
// are those of a new one.
func TestTrainingStateServesAnyGradient(t *testing.T) {
	used := &State{}
	for _, c := range trainedForms() {
		for _, batch := range []int{2, 3, 2} {
			m := randomModel(t, c, 2)
			x, target := windows(m, batch, c.InputSize, 1), windows(m, batch, c.Horizon, 2)
			step := func(s *State, grad *Params) []float32 {
				_, err := m.Gradient(context.Background(), grad, x, target, Loss{Kind: MSE},
					&ForwardOptions{Options: Options{State: s, Pool: kernel.NewPool(1)}, Dropout: true, TeacherForcing: .5})
				require.NoError(t, err)
				return grad.Data
			}
			first := step(used, m.Params().NewGradient())
			require.Equal(t, step(&State{}, m.Params().NewGradient()), first)
			for i := range m.Params().Data {
				m.Params().Data[i] *= 1.01
			}
			require.NoError(t, m.Pack())
			other := step(used, m.Params().NewGradient())
			require.NotEqual(t, first, other)
			require.Equal(t, step(&State{}, m.Params().NewGradient()), other)
			again, err := FromParams(c, m.Params().Clone())
			require.NoError(t, err)
			m = again
			require.Equal(t, other, step(used, m.Params().NewGradient()), "as a model packed for the first time")
		}
	}
}
