package export

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nlpodyssey/safetensors"
	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
)

// tiny is a configuration whose sizes all differ, tinyModel a model of it whose
// every parameter matters.
func tiny() lstmattn.Config {
	c := lstmattn.DefaultConfig(3)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads = 11, 5, 8, 2
	return c
}

func tinyModel(t testing.TB, change func(*lstmattn.Config)) *lstmattn.Model {
	t.Helper()
	c := tiny()
	if change != nil {
		change(&c)
	}
	m, err := lstmattn.New(c, 7)
	require.NoError(t, err)
	for i, v := range m.Params().Data {
		m.Params().Data[i] = v*1.5 + .2*float32(math.Sin(float64(i)))
	}
	mean, scale := make([]float32, c.NumFeatures), make([]float32, c.NumFeatures)
	for f := range mean {
		mean[f], scale[f] = 10-7*float32(f), 1.5+float32(f)
	}
	require.NoError(t, m.SetScaler(mean, scale))
	require.NoError(t, m.Pack())
	return m
}

func windowsFor(m *lstmattn.Model, batch int) []float32 {
	c := m.Config()
	x := make([]float32, batch*c.InputSize*c.NumFeatures)
	for i := range x {
		f, t := i%c.NumFeatures, i/c.NumFeatures
		p := m.Params()
		x[i] = p.ScalerMean[f] + p.ScalerScale[f]*float32(1.3*math.Sin(.37*float64(t)+float64(f))+.4*math.Cos(float64(i*i)))
	}
	return x
}

func forecast(t testing.TB, m *lstmattn.Model, x []float32, o *lstmattn.Options) *lstmattn.Forecast {
	t.Helper()
	f, err := m.Forecast(context.Background(), x, o)
	require.NoError(t, err)
	return f
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		files[e.Name()] = string(data)
	}
	return files
}

// requireFiles checks that a folder has these files and no others, byte for byte.
func requireFiles(t *testing.T, want map[string]string, dir string) {
	t.Helper()
	got := contents(t, dir)
	require.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(got)))
	for name := range want {
		require.True(t, want[name] == got[name], "%s has changed", name)
	}
}

func TestSaveAndLoad(t *testing.T) {
	for _, change := range []func(*lstmattn.Config){
		nil,
		func(c *lstmattn.Config) {
			c.Bidirectional, c.LayerNorm, c.Normalization = false, false, lstmattn.NormalizationRobust
			c.FeatureNames, c.FeatureUnits = []string{"load", "wind", "sun"}, []string{"MW", "m/s", ""}
		},
	} {
		m := tinyModel(t, change)
		dir := filepath.Join(t.TempDir(), "new", "model")
		require.NoError(t, Save(dir, m))
		back, err := Load(dir)
		require.NoError(t, err)
		require.Equal(t, m.Config(), back.Config())
		require.Equal(t, m.Params(), back.Params())
		x := windowsFor(m, 3)
		require.Equal(t, forecast(t, m, x, nil), forecast(t, back, x, nil))

		first := contents(t, dir)
		require.Len(t, first, 2, "no other file is left")
		require.NoError(t, Save(dir, back))
		requireFiles(t, first, dir)
	}
}

// A file's rows are in PyTorch's gate order: its second block is f, its third
// g, its fourth o.
func TestFileHasPyTorchsGateOrder(t *testing.T) {
	m := tinyModel(t, nil)
	dir := t.TempDir()
	require.NoError(t, Save(dir, m))
	data, err := os.ReadFile(filepath.Join(dir, TensorsFile))
	require.NoError(t, err)
	file, err := safetensors.Deserialize(data)
	require.NoError(t, err)
	const H = 8
	for name, width := range map[string]int{"encoder.weight_ih_l1_reverse": 2 * H, "decoder.weight_hh_l0": H, "encoder.bias_hh_l0": 1} {
		view, ok := file.Tensor(name)
		require.True(t, ok)
		memory := m.Params().View(name)
		for fileGate, memoryGate := range []int{0, 2, 3, 1} {
			for i := range H * width {
				got := math.Float32frombits(binary.LittleEndian.Uint32(view.Data()[4*(fileGate*H*width+i):]))
				require.Equal(t, memory[memoryGate*H*width+i], got, "%s, block %d", name, fileGate)
			}
		}
	}
}

func TestConfigFileIsReadable(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Save(dir, tinyModel(t, func(c *lstmattn.Config) { c.FeatureNames = []string{"a", "b", "c"} })))
	require.Equal(t, `{
  "format_version": 1,
  "model_type": "lstm_attention",
  "input_size": 11,
  "horizon": 5,
  "num_features": 3,
  "hidden_size": 8,
  "num_encoder_layers": 2,
  "num_decoder_layers": 2,
  "num_attention_heads": 2,
  "bidirectional": true,
  "layer_norm": true,
  "normalization": "none",
  "dropout": 0.1,
  "teacher_forcing_ratio": 0.5,
  "grad_clip": 1,
  "feature_names": [
    "a",
    "b",
    "c"
  ]
}
`, contents(t, dir)[ConfigFile])
}

// Every format that was ever written is read, and gives the forecasts it gave.
func TestReleasedFormats(t *testing.T) {
	versions, err := filepath.Glob("testdata/v*")
	require.NoError(t, err)
	require.Len(t, versions, FormatVersion, "a folder for every version")
	for _, dir := range versions {
		m, err := Load(dir)
		require.NoError(t, err)
		data, err := os.ReadFile(filepath.Join(dir, "forecast.json"))
		require.NoError(t, err)
		var expected struct{ X, Forecast []float32 }
		require.NoError(t, json.Unmarshal(data, &expected))
		got := forecast(t, m, expected.X, nil)
		require.InDeltaSlice(t, expected.Forecast, got.Values, 1e-4, dir)
	}
}

// What PyTorch writes has no metadata but the format, and loads.
func TestLoadWithoutMetadata(t *testing.T) {
	m := tinyModel(t, nil)
	dir := t.TempDir()
	require.NoError(t, Save(dir, m))
	path := filepath.Join(dir, TensorsFile)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	file, err := safetensors.Deserialize(data)
	require.NoError(t, err)
	views := map[string]safetensors.TensorView{}
	for _, v := range file.Tensors() {
		views[v.Name] = v.TensorView
	}
	data, err = safetensors.Serialize(views, map[string]string{"format": "pt"})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	back, err := Load(dir)
	require.NoError(t, err)
	require.Equal(t, m.Params(), back.Params())
}

// Another horizon, other training settings and names need no other parameters.
func TestSettingsMayChangeUnderTheParameters(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Save(dir, tinyModel(t, nil)))
	path := filepath.Join(dir, ConfigFile)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	text := strings.NewReplacer(`"horizon": 5`, `"horizon": 9`, `"dropout": 0.1`, `"dropout": 0`, `"grad_clip": 1`, `"grad_clip": 0, "feature_names": ["a", "b", "c"]`).Replace(string(data))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	m, err := Load(dir)
	require.NoError(t, err)
	require.Equal(t, 9, m.Config().Horizon)
}

func TestReadConfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "my.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"num_features": 2, "horizon": 48}`), 0o600))
	cfg, err := ReadConfig(path)
	require.NoError(t, err)
	want := lstmattn.DefaultConfig(2)
	want.Horizon = 48
	require.Equal(t, want, cfg)
	require.NoError(t, os.WriteFile(path, []byte(`{"format_version": 3, "num_features": 2}`), 0o600))
	_, err = ReadConfig(path)
	require.EqualError(t, err, path+": format_version is 3, this build reads 1 to 1")
	require.NoError(t, os.WriteFile(path, []byte(`{"horizon": 0, "layers": 2}`), 0o600))
	_, err = ReadConfig(path)
	require.EqualError(t, err, path+`: unknown field "layers"`)
}

func TestUpgradesGoOneVersionAtATime(t *testing.T) {
	rename := func(from, to string) func(fields) (fields, error) {
		return func(f fields) (fields, error) {
			i := f.index(from)
			if i < 0 {
				return nil, fmt.Errorf("field %q is missing", from)
			}
			f[i].name = to
			return f, nil
		}
	}
	u := upgrades{1: rename("lookback", "window"), 2: rename("window", "input_size")}
	apply := func(text string) (string, error) {
		f, err := parseFields([]byte(text))
		require.NoError(t, err)
		f, err = u.apply(f, 3, true)
		return string(f.object()), err
	}
	for _, text := range []string{
		`{"format_version":1,"lookback":4,"b":[1, 2]}`, `{"format_version":2,"window":4,"b":[1, 2]}`, `{"input_size":4,"format_version":3,"b":[1, 2]}`,
	} {
		got, err := apply(text)
		require.NoError(t, err)
		require.Equal(t, `{"input_size":4,"b":[1, 2]}`, got)
	}
	_, err := apply(`{"format_version":1,"window":4}`)
	require.EqualError(t, err, `upgrading from format_version 1: field "lookback" is missing`)
}

// What can't be written is named as it was asked for, not as the file beside it.
func TestWriteFileNamesThePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nowhere", "out.csv")
	require.EqualError(t, WriteFile(path, nil), "open "+path+": no such file or directory")
}
