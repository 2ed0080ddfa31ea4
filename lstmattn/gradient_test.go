package lstmattn

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel"
)

// refLoss is the loss of all windows by the formula in float64.
func refLoss(m *Model, x, target []float32, forced []bool, loss func(e float64) float64) float64 {
	c, p := m.Config(), m.Params()
	window := c.InputSize * c.NumFeatures
	batch := len(x) / window
	row := len(target) / batch
	var sum float64
	for b := range batch {
		goal := target[b*row : (b+1)*row]
		values, _ := refForecast(m, x[b*window:(b+1)*window], goal, row/c.NumFeatures, forced)
		for t := range values {
			for f := range values[t] {
				sum += loss((values[t][f] - float64(goal[t*c.NumFeatures+f])) / float64(p.ScalerScale[f]))
			}
		}
	}
	return sum / float64(len(target))
}

func square(e float64) float64 { return e * e }

// requireGradient compares some elements of every parameter's gradient with
// central differences of loss, which reads the model's parameters as they are.
func requireGradient(t *testing.T, m *Model, grad *Params, loss func() float64, step, tolerance float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	for _, row := range m.Params().Table() {
		view, got := m.Params().View(row.Name), grad.View(row.Name)
		largest := 0.0
		for _, g := range got {
			largest = math.Max(largest, math.Abs(float64(g)))
		}
		require.NotZero(t, largest, "%s has a gradient", row.Name)
		for range 6 {
			i := rng.IntN(len(view))
			at := view[i]
			view[i] = at + float32(step)
			up, above := loss(), float64(view[i])
			view[i] = at - float32(step)
			down, below := loss(), float64(view[i])
			view[i] = at
			want := (up - down) / (above - below)
			require.InDelta(t, want, float64(got[i]), tolerance*math.Max(1, math.Abs(want)), "gradient of %s[%d]", row.Name, i)
		}
	}
}

func TestGradientIsTheDerivativeOfTheFormula(t *testing.T) {
	cases := map[string]struct {
		change func(*Config)
		ratio  float64
		loss   Loss
		of     func(float64) float64
	}{
		"free-running":     {func(*Config) {}, 0, Loss{Kind: MSE}, square},
		"teacher forced":   {func(*Config) {}, 1, Loss{Kind: MSE}, square},
		"half forced":      {func(c *Config) { c.Normalization = NormalizationMeanStd }, .5, Loss{Kind: MSE}, square},
		"one way":          {func(c *Config) { c.Bidirectional = false }, 0, Loss{Kind: MSE}, square},
		"one way, 2 and 3": {func(c *Config) { c.Bidirectional = false; c.NumDecoderLayers = 3 }, 0, Loss{Kind: MSE}, square},
		"3 and 1":          {func(c *Config) { c.NumEncoderLayers, c.NumDecoderLayers = 3, 1 }, 0, Loss{Kind: MSE}, square},
		"1 and 3":          {func(c *Config) { c.NumEncoderLayers, c.NumDecoderLayers = 1, 3 }, 0, Loss{Kind: MSE}, square},
		"no layer norm":    {func(c *Config) { c.LayerNorm = false; c.Normalization = NormalizationRobust }, 0, Loss{Kind: MSE}, square},
		"1 feature, last":  {func(c *Config) { c.NumFeatures, c.NumAttentionHeads = 1, 1; c.Normalization = NormalizationLast }, 0, Loss{Kind: MSE}, square},
		"MAE":              {func(*Config) {}, 0, Loss{Kind: MAE}, math.Abs},
		"Huber": {func(*Config) {}, 0, Loss{Kind: Huber, Delta: .7}, func(e float64) float64 {
			if math.Abs(e) <= .7 {
				return e * e / 2
			}
			return .7 * (math.Abs(e) - .35)
		}},
		"smallest": {func(c *Config) { *c = smallest(); c.HiddenSize = 2; c.InputSize = 2 }, 0, Loss{Kind: MSE}, square},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := small()
			tc.change(&c)
			m := randomModel(t, c, 4)
			const batch, steps = 2, 4
			x, target := windows(m, batch, c.InputSize, 1), windows(m, batch, steps, 8)
			o := &ForwardOptions{TeacherForcing: tc.ratio, Seed: 5}
			grad := m.Params().NewGradient()
			got, err := m.Gradient(context.Background(), grad, x, target, tc.loss, o)
			require.NoError(t, err)

			draws := stream(5, "teacher forcing")
			forced := make([]bool, steps+1)
			for s := range steps {
				forced[s+1] = draws.Float64() < tc.ratio
			}
			loss := func() float64 { return refLoss(m, x, target, forced, tc.of) }
			require.InDelta(t, loss(), got, 1e-5)
			requireGradient(t, m, grad, loss, 1e-3, 2e-4)
		})
	}
}

func TestGradientOfForms(t *testing.T) {
	for name, change := range forms {
		t.Run(name, func(t *testing.T) {
			c := small()
			c.InputSize, c.HiddenSize = 4, 8
			change(&c)
			m := randomModel(t, c, 4)
			const batch, steps, ratio = 2, 5, .5
			x, target := windows(m, batch, c.InputSize, 1), windows(m, batch, steps, 8)
			grad := m.Params().NewGradient()
			got, err := m.Gradient(context.Background(), grad, x, target, Loss{Kind: MSE}, &ForwardOptions{TeacherForcing: ratio, Seed: 5})
			require.NoError(t, err)
			draws := stream(5, "teacher forcing")
			forced := make([]bool, steps+1)
			for s := range steps {
				forced[s+1] = draws.Float64() < ratio
			}
			loss := func() float64 { return refLoss(m, x, target, forced, square) }
			require.InDelta(t, loss(), got, 1e-5)
			requireGradient(t, m, grad, loss, 1e-3, 2e-4)
		})
	}
}

// Under dropout the derivative is that of the pass itself with the same masks.
func TestGradientUnderDropout(t *testing.T) {
	changes := map[string]func(*Config){"classic": func(*Config) {}}
	for _, name := range []string{"no attention", "everything", "segments"} {
		changes[name] = forms[name]
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			c := small()
			change(&c)
			c.Dropout, c.NumEncoderLayers, c.NumDecoderLayers = .3, 3, 3
			m := randomModel(t, c, 4)
			x, target := windows(m, 2, c.InputSize, 1), windows(m, 2, 4, 8)
			o := &ForwardOptions{Dropout: true, Seed: 5}
			grad, scratch := m.Params().NewGradient(), m.Params().NewGradient()
			first, err := m.Gradient(context.Background(), grad, x, target, Loss{Kind: MSE}, o)
			require.NoError(t, err)
			loss := func() float64 {
				require.NoError(t, m.Pack())
				l, err := m.Gradient(context.Background(), scratch, x, target, Loss{Kind: MSE}, o)
				require.NoError(t, err)
				return l
			}
			require.Equal(t, first, loss())
			requireGradient(t, m, grad, loss, 1e-2, 3e-3)

			// The pass is Forward's, masks and all.
			f, err := m.Forward(context.Background(), x, target, o)
			require.NoError(t, err)
			var sum float64
			for i := range target {
				sum += square(float64(f.Values[i]-target[i]) / float64(m.Params().ScalerScale[i%3]))
			}
			require.InDelta(t, sum/float64(len(target)), loss(), 1e-5)
		})
	}
}

func TestGradientAddsUp(t *testing.T) {
	m := randomModel(t, small(), 4)
	x, target := windows(m, 3, 11, 1), windows(m, 3, 4, 8)
	ctx, loss := context.Background(), Loss{Kind: MSE}
	once, twice := m.Params().NewGradient(), m.Params().NewGradient()
	state := &State{}
	run := func(g *Params, batch int, o Options) {
		_, err := m.Gradient(ctx, g, x[:batch*33], target[:batch*12], loss, &ForwardOptions{Options: o, Seed: 1, TeacherForcing: .5})
		require.NoError(t, err)
	}
	run(once, 3, Options{})
	run(twice, 3, Options{State: state})
	require.Equal(t, once.Data, twice.Data)
	mustForecast(t, m, x, &Options{State: state}) // a state serves both
	run(m.Params().NewGradient(), 2, Options{State: state})
	run(twice, 3, Options{State: state, Pool: kernel.NewPool(1)})
	for i, v := range once.Data {
		require.InDelta(t, 2*float64(v), float64(twice.Data[i]), 1e-5*math.Max(1, math.Abs(float64(v))))
	}

	again := m.Params().NewGradient()
	run(again, 3, Options{Pool: kernel.NewPool(3)})
	require.Equal(t, once.Data, again.Data, "the threads do not change the bits")
}

func TestGradientRefuses(t *testing.T) {
	m := randomModel(t, small(), 4)
	x, target := windows(m, 2, 11, 1), windows(m, 2, 4, 8)
	grad := m.Params().NewGradient()
	ctx := context.Background()
	for _, tc := range []struct {
		loss Loss
		o    ForwardOptions
		want string
	}{
		{Loss{}, ForwardOptions{}, `lstmattn: the loss is "", must be mse, mae, huber, quantile, gaussian or student_t`},
		{Loss{Kind: Huber}, ForwardOptions{}, "lstmattn: the Huber loss's delta is 0, must be a number above 0"},
		{Loss{Kind: MSE}, ForwardOptions{TeacherForcing: -1}, "lstmattn: the teacher forcing ratio is -1, must be between 0 and 1"},
	} {
		_, err := m.Gradient(ctx, grad, x, target, tc.loss, &tc.o)
		require.EqualError(t, err, tc.want)
	}
	_, err := m.Gradient(ctx, &Params{}, x, target, Loss{Kind: MSE}, nil)
	require.ErrorContains(t, err, "lstmattn: the gradient has 0 elements, the model ")
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = m.Gradient(ended, grad, x, target, Loss{Kind: MSE}, nil)
	require.ErrorIs(t, err, context.Canceled)
}
