package export

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nlpodyssey/safetensors"
	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
)

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

	full := errors.New("no space left on device")
	for _, failing := range []int{1, 2} { // the first file, the second
		files := 0
		err := filler(func(f *os.File, content []byte) error {
			if files++; files == failing {
				_, err := f.Write(content[:len(content)/2])
				return errors.Join(err, full)
			}
			return fill(f, content)
		}).save(dir, tinyModel(t, func(c *lstmattn.Config) { c.NumDecoderLayers = 1 }))
		require.ErrorIs(t, err, full)
		requireFiles(t, before, dir)
	}

	file := filepath.Join(dir, ConfigFile)
	require.ErrorContains(t, Save(filepath.Join(file, "model"), tinyModel(t, nil)), file)
	requireFiles(t, before, dir)
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
	temp, err := filler(fill).beside(filepath.Join(dir, TensorsFile), tensors[:len(tensors)/2])
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
	for i := range 150 {
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
	require.Greater(t, refused[TensorsFile], 140)
	require.Greater(t, refused[ConfigFile], 90)
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
