package train

import (
	"encoding/json"
	"testing"

	"github.com/nlpodyssey/safetensors"
	"github.com/stretchr/testify/require"
)

// What is read as a configuration is written and read as the same.
func FuzzConfig(f *testing.F) {
	whole, err := json.Marshal(DefaultConfig())
	require.NoError(f, err)
	f.Add(whole)
	f.Add([]byte(`{"schedule": {"kind": "step"}, "split": {"train": [0, "90%"]}, "horizons": [1, 2], "seed": 18446744073709551615}`))
	f.Add([]byte(`{"teacher_forcing": {"decay": "inverse_sigmoid", "k": 1e308}, "betas": [0, 0.999]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c, again Config
		if json.Unmarshal(data, &c) != nil {
			return
		}
		text, err := json.Marshal(c)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &again), "%s", text)
		require.Equal(t, c, again)
	})
}

// A damaged checkpoint is refused or holds no more than its file.
func FuzzCheckpoint(f *testing.F) {
	view, err := safetensors.NewTensorView(safetensors.F32, []uint64{2}, make([]byte, 8))
	require.NoError(f, err)
	for _, progress := range []string{`{}`, `{"Step": 9}`, `[`} {
		data, err := safetensors.Serialize(map[string]safetensors.TensorView{"parameters": view, "m": view},
			map[string]string{metaVersion: checkpointVersion, metaProgress: progress, metaIdentity: `{}`})
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseCheckpoint(data)
		if err != nil {
			return
		}
		held := 0
		for _, v := range c.tensors {
			held += 4 * len(v)
		}
		require.LessOrEqual(t, held, len(data))
	})
}
