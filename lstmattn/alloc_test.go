//go:build !race

package lstmattn

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel"
)

// The race detector makes pools of memory forget at random, so it is left out.

// Once warm, a longer horizon allocates no more than a short one.
func TestNoAllocationPerStep(t *testing.T) {
	m := randomModel(t, small(), 2)
	x := windows(m, 3, 11, 1)
	state, f := &State{}, &Forecast{}
	count := func(horizon int) float64 {
		o := &Options{Horizon: horizon, Attention: true, State: state, Pool: kernel.NewPool(1)}
		return testing.AllocsPerRun(5, func() {
			if err := m.ForecastInto(context.Background(), f, x, o); err != nil {
				t.Error(err)
			}
		})
	}
	long := count(64)
	require.Equal(t, count(2), long)
}
