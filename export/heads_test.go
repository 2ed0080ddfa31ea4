package export

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
)

// A directory holds the whole of a model: its head and every scaler.
func TestSaveKeepsHeadsAndCovariates(t *testing.T) {
	m := tinyModel(t, func(c *lstmattn.Config) {
		c.Head, c.Quantiles = lstmattn.HeadQuantile, []float64{.05, .5, .95}
		c.NumPast, c.NumFuture, c.NumStatic = 2, 3, 1
		c.Calendar, c.FutureNames = []string{"hour_of_day"}, []string{"wind", "sun"}
	})
	require.NoError(t, m.SetCovariateScaler("past", []float32{1, 2}, []float32{3, 4}))
	require.NoError(t, m.SetCovariateScaler("future", []float32{5, 6, 0}, []float32{7, 8, 1}))
	require.NoError(t, m.SetCovariateScaler("static", []float32{9}, []float32{10}))
	dir := filepath.Join(t.TempDir(), "model")
	require.NoError(t, Save(dir, m))
	back, err := Load(dir)
	require.NoError(t, err)
	require.Equal(t, m.Config(), back.Config())
	require.Equal(t, m.Params().Buffers(), back.Params().Buffers())
	require.Len(t, back.Params().Buffers(), 8)

	c := m.Config()
	some := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(i*i%17) - 8
		}
		return v
	}
	o := &lstmattn.Options{Past: some(c.InputSize * 2), Future: some((c.InputSize + c.Horizon) * 3), Static: some(1)}
	want, err := m.Forecast(context.Background(), windowsFor(m, 1), o)
	require.NoError(t, err)
	got, err := back.Forecast(context.Background(), windowsFor(m, 1), o)
	require.NoError(t, err)
	require.Equal(t, want, got)
}
