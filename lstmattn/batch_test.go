package lstmattn

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// weighted is a batch of 3 windows whose targets have weights 0 to 3; those of
// weight 0 are NaN.
func weighted(m *Model, steps int) *Batch {
	c := m.Config()
	b := &Batch{Size: 3, X: windows(m, 3, c.InputSize, 1), Target: windows(m, 3, steps, 8)}
	b.Weight = make([]float32, len(b.Target))
	for i := range b.Weight {
		b.Weight[i] = float32(i * 7 % 4)
		if b.Weight[i] == 0 {
			b.Target[i] = float32(math.NaN())
		}
	}
	return b
}

// The loss is the weighted mean of the errors of Forecast, in scaled units, and
// its gradient the derivative of that.
func TestWeightsOfTargets(t *testing.T) {
	c := small()
	c.Normalization = NormalizationMeanStd
	m := randomModel(t, c, 4)
	const steps = 4
	b := weighted(m, steps)
	grad := m.Params().NewGradient()
	got, err := m.GradientBatch(context.Background(), grad, b, Loss{Kind: MSE}, nil)
	require.NoError(t, err)
	loss := func() float64 {
		var sum, weight float64
		for w := range b.Size {
			values, _ := refForecast(m, b.X[w*33:(w+1)*33], nil, steps, nil)
			for s := range steps {
				for f := range 3 {
					i := (w*steps+s)*3 + f
					if share := float64(b.Weight[i]); share > 0 {
						sum += share * square((values[s][f]-float64(b.Target[i]))/float64(m.Params().ScalerScale[f]))
						weight += share
					}
				}
			}
		}
		return sum / weight
	}
	require.InDelta(t, loss(), got, 1e-5)
	requireGradient(t, m, grad, loss, 1e-3, 2e-4)

	sum, weight, err := m.Measure(context.Background(), b, Loss{Kind: MSE}, nil)
	require.NoError(t, err)
	require.InDelta(t, got, sum/weight, 1e-6)
}

// A batch's gradient is the sum of its parts', given the whole batch's weight.
func TestPartsOfABatchAddUp(t *testing.T) {
	m := randomModel(t, small(), 4)
	const steps = 4
	b := weighted(m, steps)
	ctx, loss := context.Background(), Loss{Kind: Huber, Delta: .7}
	whole, parts := m.Params().NewGradient(), m.Params().NewGradient()
	want, err := m.GradientBatch(ctx, whole, b, loss, nil)
	require.NoError(t, err)
	c := m.Config()
	var got float64
	for _, cut := range [][2]int{{0, 1}, {1, 3}} {
		l, err := m.GradientBatch(ctx, parts, b.part(&c, steps, cut[0], cut[1]), loss, &ForwardOptions{TotalWeight: b.TotalWeight()})
		require.NoError(t, err)
		got += l
	}
	require.InDelta(t, want, got, 1e-6)
	require.InDeltaSlice(t, whole.Data, parts.Data, 1e-5)
}

func TestMeasureOfManyWindows(t *testing.T) {
	m := randomModel(t, small(), 4)
	n := forecastBatch + 2
	b := &Batch{Size: n, X: windows(m, n, 11, 1), Target: windows(m, n, 4, 8)}
	f := mustForecast(t, m, b.X, &Options{Horizon: 4})
	var want float64
	for i, v := range f.Values {
		want += math.Abs(float64(v-b.Target[i])) / float64(m.Params().ScalerScale[i%3])
	}
	sum, weight, err := m.Measure(context.Background(), b, Loss{Kind: MAE}, nil)
	require.NoError(t, err)
	require.Equal(t, float64(n*12), weight)
	require.InDelta(t, want, sum, 1e-4*want)
}

func TestBatchesRefused(t *testing.T) {
	m := randomModel(t, small(), 4)
	ctx, grad := context.Background(), m.Params().NewGradient()
	b := func(change func(*Batch)) *Batch {
		b := weighted(m, 4)
		change(b)
		return b
	}
	for _, tc := range []struct {
		b    *Batch
		o    ForwardOptions
		want string
	}{
		{b(func(b *Batch) { b.Size = 2 }), ForwardOptions{}, "lstmattn: the batch's size is 2, x has 3 windows"},
		{b(func(b *Batch) { b.Weight = b.Weight[:3] }), ForwardOptions{}, "lstmattn: weight has 3 elements, expected 36"},
		{b(func(b *Batch) { b.Weight[5] = -1 }), ForwardOptions{}, "lstmattn: weight 5 is -1, must be at least 0"},
		{b(func(*Batch) {}), ForwardOptions{TotalWeight: math.NaN()}, "lstmattn: the total weight is NaN, must be at least 0"},
	} {
		_, err := m.GradientBatch(ctx, grad, tc.b, Loss{Kind: MSE}, &tc.o)
		require.EqualError(t, err, tc.want)
	}
	_, _, err := m.Measure(ctx, b(func(b *Batch) { b.Size = 2 }), Loss{Kind: MSE}, nil)
	require.EqualError(t, err, "lstmattn: the batch's size is 2, x has 3 windows")

	none := b(func(b *Batch) { clear(b.Weight) })
	loss, err := m.GradientBatch(ctx, grad, none, Loss{Kind: MSE}, nil)
	require.NoError(t, err)
	require.Zero(t, loss)
	for _, g := range grad.Data {
		require.Zero(t, g)
	}
}
