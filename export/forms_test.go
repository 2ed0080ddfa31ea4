package export

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
)

// A form that no graph is written for yet leaves no file.
func TestWriteONNXRefusesOtherForms(t *testing.T) {
	for _, change := range []func(*lstmattn.Config){
		func(c *lstmattn.Config) { c.Segment = 2 },
		func(c *lstmattn.Config) { c.Channels = lstmattn.ChannelsFolded },
		func(c *lstmattn.Config) { c.Decoding = lstmattn.DecodingDirect },
		func(c *lstmattn.Config) { c.Attention = false },
		func(c *lstmattn.Config) { c.LinearSkip = true },
	} {
		c := lstmattn.DefaultConfig(2)
		c.InputSize, c.Horizon, c.HiddenSize = 4, 2, 8
		change(&c)
		m, err := lstmattn.New(c, 1)
		require.NoError(t, err)
		path := filepath.Join(t.TempDir(), "model.onnx")
		_, err = WriteONNX(path, m, Options{})
		require.EqualError(t, err, "export: ONNX is supported with segment 1, channels mixed, decoding autoregressive, attention true and linear_skip false alone")
		require.NoFileExists(t, path)
	}
}
