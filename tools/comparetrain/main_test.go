package main

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two shards are the same training as one.
func TestShardsGiveTheLossOfTheBatch(t *testing.T) {
	s := shape{2, 8, 1, 2, 12, 4, 6}
	one, err := newOnda(s, 1)
	require.NoError(t, err)
	two, err := newOnda(s, 2)
	require.NoError(t, err)
	defer one.stop()
	defer two.stop()
	for range 3 {
		want, _, err := one.step(true)
		require.NoError(t, err)
		got, _, err := two.step(true)
		require.NoError(t, err)
		require.InEpsilon(t, want, got, 1e-4)
	}
}

// Products and nothing else: LSTM gates, projections, scores, output, each forward
// and backward, counted by hand for a model of one unit.
func TestProductsOfAStep(t *testing.T) {
	c := shape{features: 1, hidden: 1, layers: 1, heads: 1, input: 5, horizon: 2}.config()
	encoder := 5 * 2 * 4 * (2*1 + 3*1) // 5 steps, 2 directions, 4 gates; the window needs no gradient
	memory := 3 * 2 * 5 * 2            // keys and values of 5 steps of width 2
	decoder := 3 * 2 * (4*(2+1) + 2 + 2*5 + 1)
	bridges := 3 * 2 * 2
	require.Equal(t, 2*float64(encoder+memory+decoder+bridges), productsOf(&c))
}

// A warm step allocates next to nothing, and equal steps in batch or window add
// equal amounts of memory.
func TestMemoryGrowsLinearly(t *testing.T) {
	runtime.GC() // of the tests before
	of := func(input, batch int) float64 {
		bytes, allocations, err := memory(shape{2, 16, 1, 2, input, 8, batch}, 2)
		require.NoError(t, err)
		require.LessOrEqual(t, allocations, 1.0, "reading the statistics may count")
		return bytes
	}
	small := of(32, 16)
	for _, more := range [][2][2]int{{{32, 32}, {32, 48}}, {{64, 16}, {96, 16}}} {
		a, b := of(more[0][0], more[0][1]), of(more[1][0], more[1][1])
		require.Greater(t, a, small)
		require.InEpsilon(t, a-small, b-a, 0.1)
	}
}

func TestQuantile(t *testing.T) {
	require.Equal(t, 3.0, quantile([]float64{5, 1, 3}, .5))
	require.Equal(t, 1.5, quantile([]float64{3, 2, 1}, .25))
	require.Equal(t, 7.0, quantile([]float64{7}, .75))
}
