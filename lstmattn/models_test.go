package lstmattn

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// small is a configuration whose every size is different.
func small() Config {
	c := DefaultConfig(3)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumEncoderLayers, c.NumDecoderLayers, c.NumAttentionHeads = 11, 5, 12, 2, 2, 4
	return c
}

// randomModel is a model whose every parameter matters: none zero, none one,
// weights large enough to leave the linear part of the gates.
func randomModel(t testing.TB, c Config, seed uint64) *Model {
	t.Helper()
	m, err := New(c, seed)
	require.NoError(t, err)
	rng := rand.New(rand.NewPCG(seed, 77))
	for _, row := range m.Params().Table() {
		view := m.Params().View(row.Name)
		for i := range view {
			if row.Init.Kind == Uniform {
				view[i] *= 1.5
			} else {
				view[i] += float32(rng.Float64()-.5) * .4
			}
		}
	}
	mean, scale := make([]float32, c.NumFeatures), make([]float32, c.NumFeatures)
	for f := range mean {
		mean[f], scale[f] = float32(10*rng.NormFloat64()), float32(1+4*rng.Float64())
	}
	require.NoError(t, m.SetScaler(mean, scale))
	for _, s := range m.params.covariates(&c) {
		for i := range s.Mean {
			s.Mean[i], s.Scale[i] = float32(10*rng.NormFloat64()), float32(1+4*rng.Float64())
		}
	}
	require.NoError(t, m.Pack())
	return m
}

// windows are n random walks with the columns' means and scales of m.
func windows(m *Model, n int, steps int, seed uint64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 1))
	c, p := m.Config(), m.Params()
	x := make([]float32, n*steps*c.NumFeatures)
	for b := range n {
		for f := range c.NumFeatures {
			z := rng.NormFloat64()
			for t := range steps {
				z = .9*z + .5*rng.NormFloat64()
				x[(b*steps+t)*c.NumFeatures+f] = p.ScalerMean[f] + float32(z)*p.ScalerScale[f]
			}
		}
	}
	return x
}
