package imported_test

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/imported"
	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/runtime"
)

func wave(n int, phase float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(3 + math.Sin(phase+float64(i)*0.7))
	}
	return x
}

// written exports a model of the configuration and reads it back.
func written(t *testing.T, c lstmattn.Config) (*lstmattn.Model, *imported.Model) {
	t.Helper()
	m, err := lstmattn.New(c, 3)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.onnx")
	_, err = export.WriteONNX(path, m, export.Options{Attention: true})
	require.NoError(t, err)
	f, err := imported.Load(path)
	require.NoError(t, err)
	return m, f
}

// What was exported forecasts what the model forecasts, and says what it is.
func TestForecastIsTheModels(t *testing.T) {
	c := lstmattn.DefaultConfig(2)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads = 12, 4, 8, 2
	c.NumPast, c.NumFuture, c.NumStatic = 1, 2, 1
	c.FeatureNames, c.PastNames = []string{"load", "price"}, []string{"wind"}
	c.FutureNames, c.StaticNames = []string{"holiday", "hour"}, []string{"size"}
	c.Head, c.Quantiles = lstmattn.HeadQuantile, []float64{0.1, 0.5, 0.9}
	m, f := written(t, c)

	require.Equal(t, []int{12, 2, 4}, []int{f.InputSize(), f.NumFeatures(), f.Horizon()})
	require.Equal(t, imported.Names{Features: c.FeatureNames, Past: c.PastNames, Future: c.FutureNames, Static: c.StaticNames}, f.Names())
	require.NotEqual(t, lstmattn.ScalingSeries, f.Scaling())

	b := &lstmattn.Batch{Size: 3, X: wave(3*12*2, 0), Past: wave(3*12, 1), Future: wave(3*16*2, 2), Static: wave(3, 3)}
	got, err := f.Forecast(context.Background(), b, &lstmattn.Options{Attention: true})
	require.NoError(t, err)
	want, err := m.Forecast(context.Background(), b.X, &lstmattn.Options{Past: b.Past, Future: b.Future, Static: b.Static, Attention: true})
	require.NoError(t, err)
	require.Equal(t, []int{want.Batch, want.Horizon, want.Features}, []int{got.Batch, got.Horizon, got.Features})
	require.InDeltaSlice(t, want.Values, got.Values, 1e-5)
	require.Equal(t, want.Levels, got.Levels)
	require.InDeltaSlice(t, want.Quantiles, got.Quantiles, 1e-5)
	require.InDeltaSlice(t, want.Attention, got.Attention, 1e-5)
}

func TestHorizonIsChosenByTheRun(t *testing.T) {
	c := lstmattn.DefaultConfig(1)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads = 12, 4, 8, 2
	_, f := written(t, c)
	y, err := f.Forecast(context.Background(), &lstmattn.Batch{Size: 1, X: wave(12, 0)}, &lstmattn.Options{Horizon: 7})
	require.NoError(t, err)
	require.Equal(t, 7, y.Horizon)
	require.Nil(t, y.Attention)
}

func TestForecastRefuses(t *testing.T) {
	c := lstmattn.DefaultConfig(1)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads, c.NumPast = 12, 4, 8, 2, 1
	_, f := written(t, c)
	for want, b := range map[string]*lstmattn.Batch{
		"a batch of 0 windows, expected at least one":                               {},
		"the model takes 1 past covariates, the data has none of those names":       {Size: 1, X: wave(12, 0)},
		"windows: tensor: shape (2, 12, 1) has 24 elements, the data has 12":        {Size: 2, X: wave(12, 0), Past: wave(24, 0)},
		"past covariates: tensor: shape (1, 12, 1) has 12 elements, the data has 5": {Size: 1, X: wave(12, 0), Past: wave(5, 0)},
	} {
		_, err := f.Forecast(context.Background(), b, nil)
		require.EqualError(t, err, want)
	}
	_, err := f.Forecast(context.Background(), &lstmattn.Batch{Size: 1}, &lstmattn.Options{Strategy: lstmattn.Beam})
	require.EqualError(t, err, `strategy "beam": an ONNX graph forecasts greedily; the others need the model itself`)
}

// Graphs that can't be forecasters are refused by what they lack.
func TestNewRefuses(t *testing.T) {
	value := func(name string, dims ...onnx.Dim) *onnx.ValueInfo {
		return onnx.TensorValue(name, onnx.Float, dims...)
	}
	batch := onnx.DimParam("batch")
	for want, ports := range map[string][2]*onnx.ValueInfo{
		"not a forecaster: expected a float input (batch, steps, features) and an output (batch, horizon, features)": {
			value("x", batch, onnx.DimValue(4), onnx.DimValue(1)), value("y", batch, onnx.DimValue(4), onnx.DimValue(1), onnx.DimValue(1), onnx.DimValue(1))},
		`input "x" float(batch, 2, 3, 4) is not what a forecaster takes: one float input (batch, steps, features) and an optional int64 horizon`: {
			value("x", batch, onnx.DimValue(2), onnx.DimValue(3), onnx.DimValue(4)), value("y")},
		`neither input "x" nor the metadata's input_size tells how many steps to look back on`: {
			value("x", batch, onnx.DimParam("steps"), onnx.DimValue(1)), value("y", batch, onnx.DimParam("steps"), onnx.DimValue(1))},
	} {
		op := &onnx.Node{OpType: "Abs", Inputs: []string{"x"}, Outputs: []string{"y"}}
		if len(ports[1].Name) > 0 && want[0] == 'n' && want[1] == 'o' {
			op = &onnx.Node{OpType: "Unsqueeze", Inputs: []string{"x", "axes"}, Outputs: []string{"y"}}
		}
		model := &onnx.Model{IRVersion: 8, OpsetImports: []onnx.OpsetImport{{Version: 17}}, Graph: &onnx.Graph{
			Name: "g", Inputs: []*onnx.ValueInfo{ports[0]}, Outputs: []*onnx.ValueInfo{ports[1]}, Nodes: []*onnx.Node{op},
			Initializers: []*onnx.Tensor{onnx.TensorInt64("axes", []int64{2}, []int64{3, 4})},
		}}
		if op.OpType == "Abs" {
			model.Graph.Initializers = nil
		}
		file, err := model.Encode()
		require.NoError(t, err)
		m, err := runtime.LoadBytes(file)
		require.NoError(t, err)
		_, err = imported.New(m)
		require.EqualError(t, err, want)
	}
}
