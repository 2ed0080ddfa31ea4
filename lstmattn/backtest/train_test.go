package backtest

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
	"github.com/onda-ml/onda/lstmattn/train"
)

func TestSplitOfThePast(t *testing.T) {
	for _, c := range []struct{ from, to, want series.Cut }{
		{"60%", "80%", "75%"}, {"8640", "11520", "-2880"}, {"-40", "-10", "-30"},
	} {
		s, err := pastSplit(train.Split{Train: train.Range{From: "0%", To: c.from}, Validation: train.Range{From: c.from, To: c.to}})
		require.NoError(t, err)
		require.Equal(t, train.Split{Train: train.Range{From: "0%", To: c.want}, Validation: train.Range{From: c.want, To: "100%"}}, s)
	}
	s, err := pastSplit(train.Split{Train: train.Range{From: "0%", To: "60%"}})
	require.NoError(t, err)
	require.Equal(t, train.Split{Train: train.Range{From: "0%", To: "100%"}}, s)
	for _, r := range []train.Range{{From: "60%", To: "100"}, {From: "2020-01-01", To: "2020-02-01"}, {From: "80%", To: "60%"}, {From: "9", To: "5"}} {
		_, err := pastSplit(train.Split{Validation: r})
		require.Error(t, err)
	}
}

// A refit is a training: the parameters after it differ from those of the fit
// before, although seed and configuration are the same, and the same refit gives
// the same bits.
func TestRefitTrainsAnew(t *testing.T) {
	c := lstmattn.DefaultConfig(1)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads, c.NumEncoderLayers, c.NumDecoderLayers = 8, 2, 8, 2, 1, 1
	training := train.DefaultConfig()
	training.MaxSteps, training.Threads = 6, 1
	frame := file(t, series.Options{Columns: []string{"y"}}, []int{80}, func(_, i int) float64 { return math.Sin(float64(i)) + float64(i)/20 })
	fits := func() (parameters [][]float32) {
		trained := Train(c, training, lstmattn.Options{}, nil)
		fit := func(ctx context.Context, past *series.Frame) (Forecaster, error) {
			f, err := trained(ctx, past)
			if err == nil {
				p := f.(model).m.Params()
				parameters = append(parameters, slices.Concat(p.Data, p.ScalerMean))
			}
			return f, err
		}
		r, err := Run(context.Background(), frame, fit, Options{InputSize: 8, Horizon: 2, From: "-8", Refit: 2, Period: 6})
		require.NoError(t, err)
		require.Equal(t, 2, r.Fits)
		return parameters
	}
	first, second := fits(), fits()
	require.Equal(t, first, second)
	require.NotEqual(t, first[0], first[1])
	initial, err := lstmattn.New(c, training.Seed)
	require.NoError(t, err)
	for _, p := range first {
		require.NotEqual(t, initial.Params().Data, p[:len(initial.Params().Data)])
	}
}

// A refit is the very training that the settings say, on the rows before the
// origin split as before: training by hand gives the same bits.
func TestRefitIsTheTrainingOfItsSettings(t *testing.T) {
	c := lstmattn.DefaultConfig(1)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads, c.NumEncoderLayers, c.NumDecoderLayers = 8, 2, 8, 2, 1, 1
	training := train.DefaultConfig()
	training.Epochs, training.Threads, training.LearningRate, training.BatchSize, training.Seed = 3, 2, 1e-2, 8, 9
	past := file(t, series.Options{Columns: []string{"y"}}, []int{80}, func(_, i int) float64 { return math.Sin(float64(i)) })
	ctx := context.Background()
	f, err := Train(c, training, lstmattn.Options{}, nil)(ctx, past)
	require.NoError(t, err)

	windows, validation, err := train.Datasets(past, c, train.Split{Train: train.Range{From: "0%", To: "75%"}, Validation: train.Range{From: "75%", To: "100%"}})
	require.NoError(t, err)
	m, err := lstmattn.New(c, training.Seed)
	require.NoError(t, err)
	require.NoError(t, train.SetScalers(m, windows))
	_, err = train.Run(ctx, m, windows, validation, training, nil)
	require.NoError(t, err)
	require.Equal(t, m.Params().Data, f.(model).m.Params().Data)
	require.Equal(t, m.Params().ScalerMean, f.(model).m.Params().ScalerMean)
}

// With its parameters at zero and the last value as the window's shift, a model
// repeats the last value: its scores are those of that naive forecast, so that
// no step between data, model and measure is off by one.
func TestAModelOfZerosRepeatsTheLastValue(t *testing.T) {
	c := lstmattn.DefaultConfig(2)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads, c.Normalization = 8, 5, 8, 2, lstmattn.NormalizationLast
	m, err := lstmattn.New(c, 1)
	require.NoError(t, err)
	clear(m.Params().Data)
	require.NoError(t, m.Pack())
	frame := file(t, series.Options{}, []int{60, 70}, func(s, i int) float64 { return math.Round(100*math.Sin(float64(i+s))) / 8 })
	r, err := Run(context.Background(), frame, Fixed(Model(m, 0)), Options{InputSize: 8, Horizon: 5, From: "-30", Stride: 1, Period: 3})
	require.NoError(t, err)
	require.Equal(t, 52, r.Windows)
	require.Equal(t, r.RepeatLast, r.Model)
	for k := range r.Steps {
		require.Equal(t, r.Steps[k].RepeatLast, r.Steps[k].Model)
	}
}

// One step ahead, sampled paths show the distribution that the head tells, so
// that their scores agree within what so many samples leave to chance.
func TestSampledPathsScoreAsTheirDistribution(t *testing.T) {
	c := lstmattn.DefaultConfig(1)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads, c.Normalization, c.Head = 8, 1, 8, 2, lstmattn.NormalizationMeanStd, lstmattn.HeadGaussian
	m, err := lstmattn.New(c, 1)
	require.NoError(t, err)
	frame := file(t, series.Options{Columns: []string{"y"}}, []int{80}, func(_, i int) float64 { return math.Sin(float64(i)) })
	o := Options{InputSize: 8, Horizon: 1, From: "-40", Period: 6}
	told, err := Run(context.Background(), frame, Fixed(Model(m, 0)), o)
	require.NoError(t, err)
	drawn, err := Run(context.Background(), frame, Fixed(Sampled(m, 0, 400, 7)), o)
	require.NoError(t, err)
	require.Equal(t, 40, drawn.Model.Coverage[1].N)
	require.InEpsilon(t, told.Model.CRPS.Value(), drawn.Model.CRPS.Value(), 0.03)
	require.InEpsilon(t, told.Model.QuantileLoss.Value(), drawn.Model.QuantileLoss.Value(), 0.03)
	require.InDelta(t, told.Model.Coverage[1].Value(), drawn.Model.Coverage[1].Value(), 0.051)
}
