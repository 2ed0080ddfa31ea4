package train

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

// A measurement is that of every window, the last batch's included, by step: of
// more windows than two batches, forecast one by one and compared in float64.
func TestMeasureCountsEveryWindow(t *testing.T) {
	k := newTask(t, nil)
	ctx, frame := context.Background(), seasonal(t, 2*measureBatch+60)
	c := k.model.Config()
	data, err := series.NewWindows(frame, series.WindowOptions{InputSize: c.InputSize, Horizon: c.Horizon})
	require.NoError(t, err)
	require.Greater(t, data.Len(), 2*measureBatch)
	got, err := Measure(ctx, k.model, data, lstmattn.Loss{Kind: lstmattn.MAE}, 2, 1, 4, c.Horizon)
	require.NoError(t, err)
	var b lstmattn.Batch
	var squares, sizes [6]float64
	for i := range data.Len() {
		require.NoError(t, data.Read(ctx, []int{i}, &b))
		f, err := k.model.Forecast(ctx, b.X, nil)
		require.NoError(t, err)
		for j, v := range f.Values {
			d := float64(v-b.Target[j]) / float64(k.model.Params().ScalerScale[j%2])
			squares[j/2] += d * d
			sizes[j/2] += math.Abs(d)
		}
	}
	for _, m := range got.Metrics {
		var square, size float64
		for step := range m.Horizon {
			square += squares[step]
			size += sizes[step]
		}
		n := float64(data.Len() * m.Horizon * 2)
		require.InEpsilon(t, square/n, m.MSE, 1e-5, "up to step %d", m.Horizon)
		require.InEpsilon(t, size/n, m.MAE, 1e-5, "up to step %d", m.Horizon)
	}
	require.InEpsilon(t, got.Metrics[2].MAE, got.Loss, 1e-9)
}

// Training and validation have the targets that the split says and no other:
// nothing that is validated was trained on, nor was what comes after.
func TestDatasetsAreTheSplits(t *testing.T) {
	values := make([]float32, 100)
	for i := range values {
		values[i] = float32(i)
	}
	frame, err := series.NewFrame([]string{"row"}, values)
	require.NoError(t, err)
	c := lstmattn.DefaultConfig(1)
	c.InputSize, c.Horizon = 7, 3
	training, validation, err := Datasets(frame, c, Split{Train: Range{"10%", "60%"}, Validation: Range{"60%", "80%"}, Test: Range{"80%", "100%"}})
	require.NoError(t, err)
	for name, set := range map[string]struct {
		data    lstmattn.Dataset
		from, n int
	}{"training": {training, 10, 50 - 2}, "validation": {validation, 60, 20 - 2}} {
		require.Equal(t, set.n, set.data.Len(), name)
		var b lstmattn.Batch
		for i := range set.n {
			require.NoError(t, set.data.Read(context.Background(), []int{i}, &b))
			first := float32(set.from + i)
			require.Equal(t, []float32{first, first + 1, first + 2}, b.Target, name)
			require.Equal(t, first-1, b.X[6], "the history may begin before")
		}
	}
	m, err := lstmattn.New(c, 1)
	require.NoError(t, err)
	require.NoError(t, SetScalers(m, training))
	require.InDelta(t, 59./2, m.Params().ScalerMean[0], 1e-4, "of the rows up to the end of training")
}
