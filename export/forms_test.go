package export

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// drawnConfig is a small configuration of any options.
func drawnConfig(seed uint64) lstmattn.Config {
	rng := rand.New(rand.NewPCG(seed, 0))
	coin := func() bool { return rng.IntN(2) == 0 }
	c := lstmattn.DefaultConfig(1 + rng.IntN(3))
	c.Segment = 1 + rng.IntN(3)
	c.InputSize, c.Horizon = c.Segment*(1+rng.IntN(4)), 1+rng.IntN(7)
	c.HiddenSize, c.NumAttentionHeads = 8, 1<<rng.IntN(3)
	c.NumEncoderLayers, c.NumDecoderLayers = 1+rng.IntN(2), 1+rng.IntN(2)
	c.Bidirectional, c.LayerNorm, c.Attention, c.LinearSkip = coin(), coin(), coin(), coin()
	c.Normalization = []lstmattn.Normalization{"none", "last", "mean_std", "robust"}[rng.IntN(4)]
	if coin() {
		c.Decoding = lstmattn.DecodingDirect
	}
	if coin() {
		c.Channels, c.ChannelEmbedding = lstmattn.ChannelsFolded, 3*rng.IntN(2)
	}
	c.Head = []lstmattn.Head{"point", "point", "quantile", "gaussian", "student_t"}[rng.IntN(5)]
	if c.Head == lstmattn.HeadQuantile {
		c.Quantiles = [][]float64{{.5}, {.1, .5, .9}, {.2, .4, .6, .95}}[rng.IntN(3)]
	}
	c.NumPast, c.NumFuture, c.NumStatic = rng.IntN(2)*2, rng.IntN(2)*3, rng.IntN(2)*2
	return c
}

// drawnModel is a model of it, with scalers of every kind.
func drawnModel(t testing.TB, c lstmattn.Config) *lstmattn.Model {
	t.Helper()
	m := tinyModel(t, func(into *lstmattn.Config) { *into = c })
	for kind, n := range map[string]int{"past": c.NumPast, "future": c.NumFuture, "static": c.NumStatic} {
		mean, scale := make([]float32, n), make([]float32, n)
		for i := range n {
			mean[i], scale[i] = float32(i)-.5, 2+float32(i)
		}
		require.NoError(t, m.SetCovariateScaler(kind, mean, scale))
	}
	return m
}

// drawnInputs is windows of a model with the covariates for a number of steps, as
// the model and as its graph take them.
func drawnInputs(t testing.TB, m *lstmattn.Model, batch, steps int) (*lstmattn.Options, map[string]*tensor.Tensor) {
	t.Helper()
	c := m.Config()
	rng := rand.New(rand.NewPCG(9, uint64(steps)))
	feeds := map[string]*tensor.Tensor{"x": tensor.Must(windowsFor(m, batch), batch, c.InputSize, c.NumFeatures)}
	some := func(name string, shape ...int) []float32 {
		if shape[len(shape)-1] == 0 {
			return nil
		}
		v := make([]float32, tensor.Shape(shape).Len())
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		feeds[name] = tensor.Must(v, shape...)
		return v
	}
	o := &lstmattn.Options{Horizon: steps, Attention: c.Attention}
	o.Past = some("past", batch, c.InputSize, c.NumPast)
	o.Future = some("future", batch, c.InputSize+steps, c.NumFuture)
	o.Static = some("static", batch, c.NumStatic)
	return o, feeds
}

// requireAllAgree checks all outputs of a graph against the hand-built model's.
func requireAllAgree(t *testing.T, m *lstmattn.Model, want *lstmattn.Forecast, got map[string]*tensor.Tensor) {
	t.Helper()
	shape := tensor.Shape{want.Batch, want.Horizon, want.Features}
	unit := func(i int) float64 { return float64(m.Params().ScalerScale[i%want.Features]) }
	one := func(int) float64 { return 1 }
	outputs := 0
	check := func(name string, values []float32, shape tensor.Shape, unit func(int) float64) {
		if len(values) == 0 {
			require.NotContains(t, got, name)
			return
		}
		outputs++
		require.Contains(t, got, name)
		require.Equal(t, shape, got[name].Shape(), name)
		for i, v := range tensor.Of[float32](got[name]) {
			require.InDelta(t, float64(values[i])/unit(i), float64(v)/unit(i), 1e-5, "%s at %d, in scaled units", name, i)
		}
	}
	levels := len(want.Levels)
	check("forecast", want.Values, shape, unit)
	check("quantiles", want.Quantiles, append(shape[:3:3], levels), func(i int) float64 { return unit(i / levels) })
	check("scale", want.Scale, shape, unit)
	check("df", want.DF, shape, one)
	check("attention", want.Attention, tensor.Shape{want.Batch, want.Heads, want.Horizon, want.InputSize}, one)
	require.Len(t, got, outputs)
}

// Our runtime gives the hand-built model's numbers for options of every kind together.
func TestAnyOptionsAgreeWithTheModel(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(60) {
		c := drawnConfig(seed)
		opset := []int{OldestOpset, DefaultOpset, 18, 23, NewestOpset}[seed%5]
		level := []runtime.Level{runtime.Plain, runtime.Optimised}[seed/5%2]
		text, err := c.MarshalJSON()
		require.NoError(t, err)
		m := drawnModel(t, c)
		export := func(d Decoder, horizon int) []Part {
			parts, err := ONNX(m, Options{Opset: opset, Decoder: d, Horizon: horizon, Attention: c.Attention})
			require.NoError(t, err)
			for _, p := range parts {
				require.NoError(t, onnx.Check(p.Model))
			}
			return parts
		}
		limited := c.LinearSkip || c.Decoding == lstmattn.DecodingDirect
		run := func(form string, horizon int, got func(*testing.T, map[string]*tensor.Tensor) map[string]*tensor.Tensor) {
			t.Run(fmt.Sprintf("%d/opset %d/level %d/%s/%d steps", seed, opset, level, form, horizon), func(t *testing.T) {
				o, feeds := drawnInputs(t, m, 2, horizon)
				want, err := m.Forecast(ctx, tensor.Of[float32](feeds["x"]), o)
				require.NoError(t, err)
				requireAllAgree(t, m, want, got(t, feeds))
				if t.Failed() {
					t.Log(string(text))
				}
			})
		}
		horizons := []int{c.Horizon, max(1, c.Horizon-1), 1}
		if !limited {
			horizons = append(horizons, c.Horizon+2)
		}
		loop := compile(t, export(Loop, 0)[0], level)
		for _, horizon := range horizons {
			run("loop", horizon, func(t *testing.T, feeds map[string]*tensor.Tensor) map[string]*tensor.Tensor {
				if c.NumFuture == 0 {
					feeds["horizon"] = tensor.Scalar(int64(horizon))
				}
				out, err := loop.Run(ctx, feeds)
				require.NoError(t, err)
				return out
			})
		}
		if limited {
			_, feeds := drawnInputs(t, m, 1, c.Horizon+1)
			if c.NumFuture == 0 {
				feeds["horizon"] = tensor.Scalar(int64(c.Horizon + 1))
			}
			_, err := loop.Run(ctx, feeds)
			require.Error(t, err, "%d: more steps than were learnt", seed)
		}
		horizon := horizons[seed%3]
		run("unrolled", horizon, func(t *testing.T, feeds map[string]*tensor.Tensor) map[string]*tensor.Tensor {
			out, err := compile(t, export(Unrolled, horizon)[0], level).Run(ctx, feeds)
			require.NoError(t, err)
			return out
		})
		if c.Decoding == lstmattn.DecodingDirect {
			continue
		}
		run("split", horizon, func(t *testing.T, feeds map[string]*tensor.Tensor) map[string]*tensor.Tensor {
			parts := export(Split, 0)
			return stepByStep(t, compile(t, parts[0], level), compile(t, parts[1], level), feeds, horizon, c.Segment)
		})
	}
}

// stepByStep runs a split model of any options.
func stepByStep(t *testing.T, encoder, step *runtime.Model, feeds map[string]*tensor.Tensor, horizon, segment int) map[string]*tensor.Tensor {
	t.Helper()
	ctx := context.Background()
	fixed, err := encoder.Run(ctx, feeds)
	require.NoError(t, err)
	feedback := map[string]string{}
	for _, p := range step.Outputs() {
		if name, ok := strings.CutPrefix(p.Name, "next_"); ok {
			feedback[p.Name] = name
		}
	}
	state, err := step.NewState(feedback)
	require.NoError(t, err)
	for _, name := range feedback {
		require.NoError(t, state.Set(name, fixed[name]))
		delete(fixed, name)
	}
	all := map[string]*tensor.Tensor{}
	for at := 0; at < horizon; at += segment {
		out, err := state.Step(ctx, fixed)
		require.NoError(t, err)
		for name, y := range out {
			if feedback[name] == "" {
				axis := 1
				if name == "attention" {
					axis = 2
				}
				all[name] = behind(all[name], y, axis, segment, horizon)
			}
		}
	}
	return all
}

// behind puts what a step gave for its segment behind what those before gave,
// along an axis.
func behind(before, y *tensor.Tensor, axis, segment, horizon int) *tensor.Tensor {
	shape := y.Shape()
	if segment == 1 {
		shape = append(append(shape[:axis:axis], 1), shape[axis:]...)
	}
	outer, inner := shape[:axis].Len(), shape[axis+1:].Len()
	had := 0
	if before != nil {
		had = before.Dim(axis)
	}
	count := min(segment, horizon-had)
	var joined []float32
	for i := range outer {
		if had > 0 {
			joined = append(joined, tensor.Of[float32](before)[i*had*inner:][:had*inner]...)
		}
		joined = append(joined, tensor.Of[float32](y)[i*segment*inner:][:count*inner]...)
	}
	return tensor.Must(joined, append(append(shape[:axis:axis], had+count), shape[axis+1:]...)...)
}

// No graph has the batch in it, and a directory gives back what it was given.
func TestAnyOptionsHaveAnyBatch(t *testing.T) {
	for seed := range uint64(60) {
		m := drawnModel(t, drawnConfig(seed))
		dir := t.TempDir()
		require.NoError(t, Save(dir, m))
		back, err := Load(dir)
		require.NoError(t, err)
		require.Equal(t, m.Config(), back.Config())
		require.Equal(t, m.Params(), back.Params())

		parts, err := ONNX(m, Options{})
		require.NoError(t, err)
		again, err := ONNX(back, Options{})
		require.NoError(t, err)
		require.Equal(t, parts, again)
		eachNode(parts[0].Model.Graph, func(n *onnx.Node) {
			if n.OpType == "Reshape" {
				shape, err := tensor.FromONNX(parts[0].Model.Graph.Initializer(n.Inputs[1]))
				require.NoError(t, err)
				require.True(t, tensor.Of[int64](shape)[0] < 1 || tensor.Of[int64](shape)[1] == -1, "%s leaves the batch open", n.Name)
			}
		})
	}
}

func TestONNXRefusesOptionsThatCannotBe(t *testing.T) {
	for _, tc := range []struct {
		change func(*lstmattn.Config)
		o      Options
		want   string
	}{
		{func(c *lstmattn.Config) { c.Decoding = lstmattn.DecodingDirect }, Options{Decoder: Split}, "export: decoder is split, but direct decoding has no steps to run one by one; it must be loop or unrolled"},
		{func(c *lstmattn.Config) { c.Decoding = lstmattn.DecodingDirect }, Options{Horizon: 6}, "export: the horizon is 6, direct decoding learnt 5 steps"},
		{func(c *lstmattn.Config) { c.LinearSkip = true }, Options{Horizon: 6}, "export: the horizon is 6, linear_skip learnt 5 steps"},
		{func(c *lstmattn.Config) { c.Attention = false }, Options{Attention: true}, "export: attention weights are asked for, the configuration's attention is false"},
	} {
		_, err := ONNX(tinyModel(t, tc.change), tc.o)
		require.EqualError(t, err, tc.want)
	}
}
