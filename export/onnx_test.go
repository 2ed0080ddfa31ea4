package export

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// variations are configurations that between them reach every branch of the
// export.
var variations = map[string]func(*lstmattn.Config){
	"both ways": nil,
	"one way":   func(c *lstmattn.Config) { c.Bidirectional = false },
	"no norm, last, 1 and 3": func(c *lstmattn.Config) {
		c.LayerNorm = false
		c.Normalization = "last"
		c.NumEncoderLayers, c.NumDecoderLayers = 1, 3
	},
	"mean_std, 3 and 1, 8 heads": func(c *lstmattn.Config) {
		c.Normalization = "mean_std"
		c.NumEncoderLayers, c.NumDecoderLayers, c.NumAttentionHeads = 3, 1, 8
	},
	"robust, one way, 2 and 3, 1 head": func(c *lstmattn.Config) {
		c.Normalization, c.Bidirectional, c.NumDecoderLayers, c.NumAttentionHeads, c.NumFeatures = "robust", false, 3, 1, 1
	},
	"smallest": func(c *lstmattn.Config) {
		*c = lstmattn.DefaultConfig(1)
		c.InputSize, c.Horizon, c.HiddenSize, c.NumEncoderLayers, c.NumDecoderLayers, c.NumAttentionHeads = 1, 1, 1, 1, 1, 1
		c.Normalization = "robust"
	},
}

// requireAgreement checks an exported forecast, with its attention, against the
// hand-built model's.
func requireAgreement(t *testing.T, m *lstmattn.Model, want *lstmattn.Forecast, values, weights *tensor.Tensor) {
	t.Helper()
	require.Equal(t, tensor.Shape{want.Batch, want.Horizon, want.Features}, values.Shape())
	require.Equal(t, tensor.Shape{want.Batch, want.Heads, want.Horizon, want.InputSize}, weights.Shape())
	scale := m.Params().ScalerScale
	for i, v := range tensor.Of[float32](values) {
		unit := float64(scale[i%len(scale)])
		require.InDelta(t, float64(want.Values[i])/unit, float64(v)/unit, 1e-5, "value %d, in scaled units", i)
	}
	for i, v := range tensor.Of[float32](weights) {
		require.InDelta(t, want.Attention[i], v, 1e-5, "attention weight %d", i)
	}
}

func compile(t *testing.T, p Part, level runtime.Level, options ...runtime.Option) *runtime.Model {
	t.Helper()
	r, err := runtime.Compile(p.Model, append(options, runtime.WithLevel(level))...)
	require.NoError(t, err)
	return r
}

func input(t *testing.T, m *lstmattn.Model, batch int) ([]float32, *tensor.Tensor) {
	t.Helper()
	x := windowsFor(m, batch)
	in, err := tensor.New(x, batch, m.Config().InputSize, m.Config().NumFeatures)
	require.NoError(t, err)
	return x, in
}

// Our runtime gives the hand-built model's numbers for every form.
func TestExportsAgreeWithTheModel(t *testing.T) {
	ctx := context.Background()
	for name, change := range variations {
		for _, opset := range []int{OldestOpset, DefaultOpset, 22, 23, NewestOpset} {
			if opset != DefaultOpset && name != "both ways" && name != "mean_std, 3 and 1, 8 heads" {
				continue
			}
			for _, level := range []runtime.Level{runtime.Plain, runtime.Optimised} {
				m := tinyModel(t, change)
				export := func(d Decoder) []Part {
					parts, err := ONNX(m, Options{Opset: opset, Decoder: d, Attention: true})
					require.NoError(t, err)
					return parts
				}
				where := fmt.Sprintf("%s/opset %d/level %d", name, opset, level)
				t.Run(where+"/loop", func(t *testing.T) {
					part := export(Loop)[0]
					forms := []*runtime.Model{compile(t, part, level), compile(t, part, level, runtime.WithoutRewrite("unroll"))}
					for _, batch := range []int{1, 3} {
						x, in := input(t, m, batch)
						for _, horizon := range []int{0, 1, 8} {
							feeds := map[string]*tensor.Tensor{"x": in}
							if horizon > 0 {
								feeds["horizon"] = tensor.Scalar(int64(horizon))
							}
							want := forecast(t, m, x, &lstmattn.Options{Horizon: horizon, Attention: true})
							for _, r := range forms[:1+int(level)] {
								out, err := r.Run(ctx, feeds)
								require.NoError(t, err)
								requireAgreement(t, m, want, out["forecast"], out["attention"])
							}
						}
					}
				})
				t.Run(where+"/unrolled", func(t *testing.T) {
					r := compile(t, export(Unrolled)[0], level)
					for _, batch := range []int{1, 3} {
						x, in := input(t, m, batch)
						out, err := r.Run(ctx, map[string]*tensor.Tensor{"x": in})
						require.NoError(t, err)
						requireAgreement(t, m, forecast(t, m, x, &lstmattn.Options{Attention: true}), out["forecast"], out["attention"])
					}
				})
				t.Run(where+"/split", func(t *testing.T) {
					parts := export(Split)
					x, in := input(t, m, 2)
					values, weights := runSplit(t, compile(t, parts[0], level), compile(t, parts[1], level), in, 6)
					requireAgreement(t, m, forecast(t, m, x, &lstmattn.Options{Horizon: 6, Attention: true}), values, weights)
				})
			}
		}
	}
}

// runSplit is what a user of a split model writes.
func runSplit(t *testing.T, encoder, step *runtime.Model, x *tensor.Tensor, horizon int) (values, weights *tensor.Tensor) {
	t.Helper()
	ctx := context.Background()
	fixed, err := encoder.Run(ctx, map[string]*tensor.Tensor{"x": x})
	require.NoError(t, err)
	state, err := step.NewState(map[string]string{"next_prev": "prev", "next_context": "context", "next_h": "h", "next_c": "c"})
	require.NoError(t, err)
	for _, name := range []string{"prev", "context", "h", "c"} {
		require.NoError(t, state.Set(name, fixed[name]))
		delete(fixed, name)
	}
	var v, w []float32
	var heads, steps int
	B, F := x.Shape()[0], x.Shape()[2]
	for range horizon {
		out, err := state.Step(ctx, fixed)
		require.NoError(t, err)
		v, w = append(v, tensor.Of[float32](out["forecast"])...), append(w, tensor.Of[float32](out["attention"])...)
		heads, steps = out["attention"].Shape()[1], out["attention"].Shape()[2]
	}
	// From (horizon, batch, ...) to batch first.
	values, weights = tensor.Must(make([]float32, len(v)), B, horizon, F), tensor.Must(make([]float32, len(w)), B, heads, horizon, steps)
	for s := range horizon {
		for b := range B {
			copy(tensor.Of[float32](values)[(b*horizon+s)*F:][:F], v[(s*B+b)*F:])
			for a := range heads {
				copy(tensor.Of[float32](weights)[((b*heads+a)*horizon+s)*steps:][:steps], w[((s*B+b)*heads+a)*steps:])
			}
		}
	}
	return values, weights
}

// eachNode visits the nodes of a graph and its subgraphs.
func eachNode(g *onnx.Graph, f func(*onnx.Node)) {
	for _, n := range g.Nodes {
		f(n)
		for _, a := range n.Attributes {
			if a.G != nil {
				eachNode(a.G, f)
			}
		}
	}
}

func TestExportsAreWellFormed(t *testing.T) {
	for name, change := range variations {
		m := tinyModel(t, change)
		for opset := OldestOpset; opset <= NewestOpset; opset++ {
			for _, d := range []Decoder{Loop, Unrolled, Split} {
				parts, err := ONNX(m, Options{Opset: opset, Decoder: d, Attention: opset%2 == 0})
				require.NoError(t, err)
				for _, p := range parts {
					require.NoError(t, onnx.Check(p.Model), "%s, opset %d, %s", name, opset, d)
					version, _ := p.Model.OpsetVersion("")
					require.EqualValues(t, opset, version)
					eachNode(p.Model.Graph, func(n *onnx.Node) {
						if n.OpType == "Reshape" {
							shape := p.Model.Graph.Initializer(n.Inputs[1])
							require.NotNil(t, shape)
							require.Equal(t, []byte{0, 0, 0, 0, 0, 0, 0, 0}, shape.RawData[:8], "%s keeps the first axis, the batch", n.Name)
						}
						if n.OpType == "LSTM" {
							require.Nil(t, n.Attribute("layout"), "layout 0 is what every runtime has")
							if len(n.Inputs) > 4 {
								require.Len(t, n.Inputs, 7)
								require.Empty(t, n.Inputs[4])
								for _, state := range n.Inputs[5:] {
									require.Nil(t, p.Model.Graph.Initializer(state), "no state is baked")
								}
							}
						}
					})
				}
			}
		}
	}
}

func TestExportSaysWhatItIs(t *testing.T) {
	m := tinyModel(t, func(c *lstmattn.Config) {
		c.FeatureNames, c.FeatureUnits = []string{"load", "wind", "sun"}, []string{"MW", "m/s", ""}
	})
	parts, err := ONNX(m, Options{Attention: true})
	require.NoError(t, err)
	r := compile(t, parts[0], runtime.Plain)
	var ports []string
	for _, p := range append(r.Inputs(), r.Outputs()...) {
		ports = append(ports, p.Name+" "+p.String())
	}
	require.Equal(t, []string{"x float(batch, 11, 3)", "horizon int64()", "forecast float(batch, horizon, 3)", "attention float(batch, 2, horizon, 11)"}, ports)
	require.True(t, r.Inputs()[1].Optional)
	meta := r.Metadata()
	require.Equal(t, `["load","wind","sun"]`, meta["feature_names"])
	require.Equal(t, `["MW","m/s",""]`, meta["feature_units"])
	require.Equal(t, []string{"lstm_attention", "11", "5", "3", "loop"},
		[]string{meta["model_type"], meta["input_size"], meta["horizon"], meta["num_features"], meta["decoder"]})
	var back lstmattn.Config
	require.NoError(t, back.UnmarshalJSON([]byte(meta["config"])))
	require.Equal(t, m.Config(), back)

	parts, err = ONNX(m, Options{Decoder: Unrolled, Horizon: 3})
	require.NoError(t, err)
	r = compile(t, parts[0], runtime.Plain)
	require.Len(t, r.Inputs(), 1)
	require.Len(t, r.Outputs(), 1)
	require.Equal(t, "float(batch, 3, 3)", r.Outputs()[0].String())
}

func TestWriteONNX(t *testing.T) {
	m := tinyModel(t, nil)
	dir := t.TempDir()
	path := filepath.Join(dir, "model.onnx")
	names, err := WriteONNX(path, m, Options{})
	require.NoError(t, err)
	require.Equal(t, []string{path}, names)
	split, err := WriteONNX(path, m, Options{Decoder: Split})
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "encoder.onnx"), filepath.Join(dir, "decoder_step.onnx")}, split)
	first := contents(t, dir)
	require.Len(t, first, 3)
	for name := range first {
		_, err := runtime.Load(filepath.Join(dir, name))
		require.NoError(t, err)
	}
	_, err = WriteONNX(path, m, Options{})
	require.NoError(t, err)
	_, err = WriteONNX(path, m, Options{Decoder: Split})
	require.NoError(t, err)
	requireFiles(t, first, dir)

	blocked := filepath.Join(dir, "folder.onnx")
	require.NoError(t, os.Mkdir(blocked, 0o700))
	_, err = WriteONNX(blocked, m, Options{})
	require.ErrorContains(t, err, blocked)
	require.Len(t, entries(t, dir), 4, "nothing is left beside")
}

// What is too large for one file keeps its constants in a second.
func TestLargeModelsUseExternalData(t *testing.T) {
	m := tinyModel(t, nil)
	parts, err := ONNX(m, Options{Attention: true})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.onnx")
	require.NoError(t, save(path, parts[0].Model, 1<<12))
	require.FileExists(t, path+".data")
	r, err := runtime.Load(path)
	require.NoError(t, err)
	x, in := input(t, m, 2)
	out, err := r.Run(context.Background(), map[string]*tensor.Tensor{"x": in})
	require.NoError(t, err)
	requireAgreement(t, m, forecast(t, m, x, &lstmattn.Options{Attention: true}), out["forecast"], out["attention"])
}

func entries(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	return entries
}

func TestONNXRefuses(t *testing.T) {
	m := tinyModel(t, nil)
	for _, tc := range []struct {
		o    Options
		want string
	}{
		{Options{Opset: 13}, "export: opset is 13, must be between 14 and 27"},
		{Options{Opset: 28}, "export: opset is 28, must be between 14 and 27"},
		{Options{Decoder: "scan"}, `export: decoder is "scan", must be loop, unrolled or split`},
		{Options{Horizon: -2}, "export: the horizon is -2, must be at least 1"},
		{Options{Horizon: 20000, Decoder: Unrolled}, "export: the horizon is 20000, an unrolled decoder has at most 10000 steps"},
	} {
		_, err := ONNX(m, tc.o)
		require.EqualError(t, err, tc.want)
		_, err = WriteONNX(filepath.Join(t.TempDir(), "m.onnx"), m, tc.o)
		require.EqualError(t, err, tc.want)
	}
}
