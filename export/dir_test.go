package export

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
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
		require.Equal(t, first, contents(t, dir), "the same model gives the same bytes")
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

func TestLoadRefuses(t *testing.T) {
	good := t.TempDir()
	require.NoError(t, Save(good, tinyModel(t, nil)))
	files := contents(t, good)
	config, tensors := files[ConfigFile], files[TensorsFile]
	edit := func(pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			require.Contains(t, config, pairs[i])
		}
		return strings.NewReplacer(pairs...).Replace(config)
	}
	rewrite := func(change func(map[string]safetensors.TensorView, map[string]string)) string {
		file, err := safetensors.Deserialize([]byte(tensors))
		require.NoError(t, err)
		_, meta, err := safetensors.ReadMetadata([]byte(tensors))
		require.NoError(t, err)
		views := map[string]safetensors.TensorView{}
		for _, v := range file.Tensors() {
			views[v.Name] = v.TensorView
		}
		change(views, meta.Metadata())
		out, err := safetensors.Serialize(views, meta.Metadata())
		require.NoError(t, err)
		return string(out)
	}
	bare := rewrite(func(_ map[string]safetensors.TensorView, meta map[string]string) { clear(meta) })

	cases := map[string]struct{ config, tensors, want string }{
		"future version":   {edit(`"format_version": 1`, `"format_version": 2`), tensors, "config.json: format_version is 2, this build reads 1 to 1"},
		"version 0":        {edit(`"format_version": 1`, `"format_version": 0`), tensors, "config.json: format_version is 0, this build reads 1 to 1"},
		"no version":       {edit("\"format_version\": 1,\n", ""), tensors, `config.json: field "format_version" is missing`},
		"version no int":   {edit(`"format_version": 1`, `"format_version": "1"`), tensors, `config.json: format_version is "1", expected an integer`},
		"version twice":    {edit(`"format_version": 1`, `"format_version": 1, "format_version": 1`), tensors, `config.json: field "format_version" is given twice`},
		"no type":          {edit("\"model_type\": \"lstm_attention\",\n", ""), tensors, `config.json: field "model_type" is missing`},
		"other type":       {edit("lstm_attention", "tft"), tensors, `config.json: model_type is "tft", expected "lstm_attention"`},
		"unknown field":    {edit(`"dropout"`, `"drop_out"`), tensors, `config.json: unknown field "drop_out"`},
		"impossible":       {edit(`"num_attention_heads": 2`, `"num_attention_heads": 3`), tensors, "config.json: num_attention_heads is 3, must divide hidden_size 8"},
		"huge":             {edit(`"hidden_size": 8`, `"hidden_size": 5000`), bare, "model.safetensors: has "},
		"empty config":     {"", tensors, "config.json: not valid JSON: EOF"},
		"cut config":       {config[:100], tensors, "config.json: not valid JSON: unexpected EOF"},
		"long config":      {config + strings.Repeat(" ", 1<<20), tensors, "config.json: has 1048937 bytes, at most 1048576 are read"},
		"empty tensors":    {config, "", "model.safetensors: not a whole safetensors file: header too small"},
		"cut in header":    {config, tensors[:500], "model.safetensors: not a whole safetensors file: invalid header length"},
		"cut in tensors":   {config, tensors[:len(tensors)-1], "model.safetensors: not a whole safetensors file: metadata incomplete buffer"},
		"longer":           {config, tensors + "x", "model.safetensors: not a whole safetensors file: metadata incomplete buffer"},
		"a changed number": {config, tensors[:len(tensors)-9] + "@" + tensors[len(tensors)-8:], "model.safetensors: the tensors do not have the checksum in the file's metadata"},
		"other heads":      {edit(`"num_attention_heads": 2`, `"num_attention_heads": 4`), tensors, "model.safetensors: was saved with num_attention_heads 2, the configuration has 4"},
		"other window":     {edit(`"none"`, `"last"`), tensors, `model.safetensors: was saved with normalization "none", the configuration has "last"`},
		"other sizes": {edit(`"num_features": 3`, `"num_features": 2`), bare,
			"model.safetensors: tensor encoder.weight_ih_l0 has shape [32 3], the configuration has [32 2]; tensor encoder.weight_ih_l0_reverse has shape [32 3], the configuration has [32 2]; tensor decoder.weight_ih_l0 has shape [32 11], the configuration has [32 10]; tensor output.weight has shape [3 8], the configuration has [2 8]; tensor output.bias has shape [3], the configuration has [2]; and 2 more"},
		"missing": {config, rewrite(func(v map[string]safetensors.TensorView, _ map[string]string) { delete(v, "norm.bias") }), "model.safetensors: tensor norm.bias is missing"},
		"unexpected": {config, rewrite(func(v map[string]safetensors.TensorView, _ map[string]string) { v["head.bias"] = v["norm.bias"] }),
			`model.safetensors: tensor "head.bias" is not one of the model's`},
		"type": {config, rewrite(func(v map[string]safetensors.TensorView, _ map[string]string) {
			v["norm.bias"], _ = safetensors.NewTensorView(safetensors.F16, []uint64{8}, make([]byte, 16))
		}), "model.safetensors: tensor norm.bias is of type F16, expected F32"},
		"scale of zero": {config, rewrite(func(v map[string]safetensors.TensorView, meta map[string]string) {
			v["scaler.scale"], _ = safetensors.NewTensorView(safetensors.F32, []uint64{3}, make([]byte, 12))
			clear(meta)
		}), "model.safetensors: lstmattn: the scaler's scale of column 0 is 0, must be a positive finite number"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, ConfigFile), []byte(tc.config), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(dir, TensorsFile), []byte(tc.tensors), 0o600))
			_, err := Load(dir)
			if name == "huge" {
				require.ErrorContains(t, err, "tensor encoder.weight_ih_l0 has shape [32 3], the configuration has [20000 3]")
				return
			}
			require.EqualError(t, err, filepath.Join(dir, tc.want))
		})
	}

	_, err := Load(filepath.Join(good, "nothing"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.Remove(filepath.Join(good, TensorsFile)))
	_, err = Load(good)
	require.ErrorIs(t, err, os.ErrNotExist)
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

// Whatever stops a save, the old files are whole and nothing is left beside.
func TestAFailedSaveLeavesTheOldFiles(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, Save(dir, tinyModel(t, nil)))
	before := contents(t, dir)

	for _, blocked := range []string{ConfigFile, TensorsFile} {
		broken := t.TempDir()
		for name, data := range before {
			require.NoError(t, os.WriteFile(filepath.Join(broken, name), []byte(data), 0o600))
		}
		require.NoError(t, os.Remove(filepath.Join(broken, blocked)))
		require.NoError(t, os.Mkdir(filepath.Join(broken, blocked), 0o700))
		err := Save(broken, tinyModel(t, func(c *lstmattn.Config) { c.NumDecoderLayers = 1 }))
		require.EqualError(t, err, "write "+filepath.Join(broken, blocked)+": not a regular file")
		require.NoError(t, os.Remove(filepath.Join(broken, blocked)))
		after := contents(t, broken)
		require.Len(t, after, 1)
		for name, data := range after {
			require.Equal(t, before[name], data)
		}
	}

	file := filepath.Join(dir, ConfigFile)
	require.ErrorContains(t, Save(filepath.Join(file, "model"), tinyModel(t, nil)), file)
	require.Equal(t, before, contents(t, dir))
}

// A process that dies between its writes leaves what it wrote beside the files;
// they load, and the next save goes through.
func TestWhatACrashLeavesIsNoHindrance(t *testing.T) {
	dir := t.TempDir()
	m := tinyModel(t, nil)
	require.NoError(t, Save(dir, m))
	other := tinyModel(t, func(c *lstmattn.Config) { c.NumAttentionHeads = 4 })
	tensors, err := formatTensors(other)
	require.NoError(t, err)
	temp, err := writeBeside(filepath.Join(dir, TensorsFile), tensors[:len(tensors)/2])
	require.NoError(t, err)
	back, err := Load(dir)
	require.NoError(t, err)
	require.Equal(t, m.Params(), back.Params())

	// Dead after the first rename: refused, not misread.
	require.NoError(t, os.WriteFile(temp, tensors, 0o600))
	require.NoError(t, os.Rename(temp, filepath.Join(dir, TensorsFile)))
	_, err = Load(dir)
	require.EqualError(t, err, filepath.Join(dir, TensorsFile)+": was saved with num_attention_heads 4, the configuration has 2")
	require.NoError(t, Save(dir, other))
	_, err = Load(dir)
	require.NoError(t, err)
}

// One changed byte anywhere is refused or does not matter to the parameters;
// so is a file cut anywhere.
func TestDamagedFilesAreNotMisread(t *testing.T) {
	good := t.TempDir()
	m := tinyModel(t, nil)
	require.NoError(t, Save(good, m))
	files := contents(t, good)
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 1))
	refused := map[string]int{}
	for i := range 400 {
		for name, whole := range files {
			data := []byte(whole)
			at := rng.IntN(len(data))
			if i%4 == 0 {
				at = rng.IntN(min(len(data), 2000)) // where the structure is
			}
			if i%10 == 0 {
				data = data[:at]
			} else {
				data[at] ^= byte(1 + rng.IntN(255))
			}
			for other, content := range files {
				if other == name {
					content = string(data)
				}
				require.NoError(t, os.WriteFile(filepath.Join(dir, other), []byte(content), 0o600))
			}
			back, err := Load(dir)
			if err != nil {
				require.ErrorContains(t, err, dir+string(filepath.Separator), "the error names a file")
				refused[name]++
				continue
			}
			require.Equal(t, m.Params(), back.Params(), "%s, byte %d", name, at)
		}
	}
	require.Greater(t, refused[TensorsFile], 380)
	require.Greater(t, refused[ConfigFile], 250)
}

func FuzzLoadTensors(f *testing.F) {
	c := lstmattn.DefaultConfig(1)
	c.InputSize, c.HiddenSize, c.NumEncoderLayers, c.NumDecoderLayers, c.NumAttentionHeads = 2, 1, 1, 1, 1
	m, err := lstmattn.New(c, 1)
	if err != nil {
		f.Fatal(err)
	}
	data, err := formatTensors(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parseTensors(c, data)
		if err == nil {
			_, _ = lstmattn.FromParams(c, p)
		}
	})
}
