package lstmattn

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Ten steps from the same start with the same gradients as torch.optim took in
// PyTorch 2.
func TestOptimizersTakePyTorchsSteps(t *testing.T) {
	type stepper interface {
		Step(params, grads []float32) error
	}
	for name, tc := range map[string]struct {
		optimizer stepper
		want      []float32
	}{
		"AdamW":    {&AdamW{LearningRate: .05, Beta1: .9, Beta2: .999, Epsilon: 1e-8, WeightDecay: .1}, []float32{-0.0059094541, -1.1795959, 1.5380315, 0.21923772}},
		"defaults": {NewAdamW(), []float32{0.49010453, -1.2495861, 1.9923432, 0.0045561637}},
		"SGD":      {&SGD{LearningRate: .05, Momentum: .9, WeightDecay: .1}, []float32{-0.4624323, -1.6124381, -1.5749779, 0.0001267225}},
	} {
		p := []float32{.5, -1.25, 2, 0}
		for s := range 10 {
			at := float64(s)
			odd := float32(3)
			if s%2 == 1 {
				odd = 0
			}
			g := []float32{float32(.1 * (at + 1)), float32(-.7 + .3*at), odd, float32(1e-4 * (at - 4))}
			require.NoError(t, tc.optimizer.Step(p, g))
		}
		require.InDeltaSlice(t, tc.want, p, 1e-6, name)
	}
	require.EqualError(t, NewAdamW().Step(make([]float32, 2), make([]float32, 3)), "lstmattn: 2 parameters, 3 gradients, 2 and 2 moments, expected the same number")
	require.EqualError(t, (&SGD{}).Step(make([]float32, 2), make([]float32, 3)), "lstmattn: 2 parameters, 3 gradients, 2 moments, expected the same number")
}

func TestClipGradient(t *testing.T) {
	g := []float32{3, -4, 12}
	require.Equal(t, 13., ClipGradient(g, 1))
	require.InDeltaSlice(t, []float32{0.23076922, -0.30769229, 0.92307687}, g, 1e-7)
	require.InDelta(t, 1, ClipGradient(g, 5), 1e-6)
	require.InDelta(t, .92307687, float64(g[2]), 1e-7, "a norm within the limit leaves the gradient")
	long := make([]float32, 10001)
	for i := range long {
		long[i] = 2
	}
	require.InDelta(t, 2*math.Sqrt(10001), ClipGradient(long, 0), 1e-6)
	require.Equal(t, float32(2), long[0])
	require.True(t, math.IsNaN(ClipGradient([]float32{1, float32(math.NaN())}, 1)))
}

// The whole way: gradient, clipping, optimiser. A small model learns two sines
// well enough to beat repeating the last value several times over.
func TestTrainingLearnsASeries(t *testing.T) {
	c := DefaultConfig(2)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumEncoderLayers, c.NumDecoderLayers, c.NumAttentionHeads = 16, 6, 16, 1, 1, 2
	c.Normalization = NormalizationMeanStd
	m, err := New(c, 3)
	require.NoError(t, err)
	require.NoError(t, m.SetScaler([]float32{100, -3}, []float32{20, .5}))
	series := func(from int, steps int) []float32 {
		v := make([]float32, 0, 2*steps)
		for s := from; s < from+steps; s++ {
			v = append(v, float32(100+20*math.Sin(2*math.Pi*float64(s)/12)), float32(-3+.5*math.Cos(2*math.Pi*float64(s)/8)))
		}
		return v
	}
	optimizer := NewAdamW()
	optimizer.LearningRate = 1e-2
	grad := m.Params().NewGradient()
	state := &State{}
	ctx := context.Background()
	var loss float64
	for step := range 150 {
		var x, target []float32
		for b := range 8 {
			from := (step*8 + b*5) % 24
			x, target = append(x, series(from, 16)...), append(target, series(from+16, 6)...)
		}
		clear(grad.Data)
		o := &ForwardOptions{Options: Options{State: state}, TeacherForcing: .3, Dropout: true, Seed: uint64(step)}
		loss, err = m.Gradient(ctx, grad, x, target, Loss{Kind: MSE}, o)
		require.NoError(t, err)
		ClipGradient(grad.Data, c.GradClip)
		require.NoError(t, optimizer.Step(m.Params().Data, grad.Data))
		require.NoError(t, m.Pack())
	}
	x, target := series(1003, 16), series(1019, 6)
	f, err := m.Forecast(ctx, x, nil)
	require.NoError(t, err)
	var mse, naive float64
	for i := range target {
		scale := float64(m.Params().ScalerScale[i%2])
		mse += square(float64(f.Values[i]-target[i])/scale) / 12
		naive += square(float64(x[30+i%2]-target[i])/scale) / 12
	}
	require.Less(t, mse, naive/5, "free-running error, last training loss %v", loss)
}
