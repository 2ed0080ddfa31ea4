package runtime_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// residentKB is how much of a mapped file is in this process's memory.
func residentKB(t *testing.T, path string) (kb int) {
	data, err := os.ReadFile("/proc/self/smaps")
	require.NoError(t, err)
	inside := false
	for _, line := range strings.Split(string(data), "\n") {
		if key, value, _ := strings.Cut(line, ":"); strings.Contains(key, "-") {
			inside = strings.HasSuffix(line, path)
		} else if inside && key == "Rss" {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			require.NoError(t, err)
			kb += n
		}
	}
	return kb
}

// Weights that are packed when a model is loaded are in memory once: the file's
// pages are given back, whatever their offset in the file.
func TestPackedWeightsAreInMemoryOnce(t *testing.T) {
	const n, hidden = 1024, 256
	m := modelOf(17, &onnx.Graph{
		Inputs:       []*onnx.ValueInfo{floats("x", "t", "b", n)},
		Initializers: []*onnx.Tensor{initializer("m", wave(1, n, n)), initializer("w", wave(2, 1, 4*hidden, n)), initializer("r", wave(3, 1, 4*hidden, hidden))},
		Nodes: []*onnx.Node{
			op("MatMul", names("x", "m"), names("xm")),
			op("LSTM", names("xm", "w", "r"), names("y"), onnx.AttrInt("hidden_size", hidden)),
		},
		Outputs: []*onnx.ValueInfo{value("y", onnx.Float)},
	})
	data, err := m.Encode()
	require.NoError(t, err)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	path := filepath.Join(dir, "m.onnx")
	require.NoError(t, os.WriteFile(path, data, 0o600))

	mapped, err := runtime.Load(path)
	require.NoError(t, err)
	require.Less(t, residentKB(t, path), 1024, "of %d kB", len(data)>>10)
	held, err := runtime.LoadBytes(data)
	require.NoError(t, err)
	x := map[string]*tensor.Tensor{"x": wave(4, 2, 1, n)}
	want, err := held.Run(context.Background(), x)
	require.NoError(t, err)
	got, err := mapped.Run(context.Background(), x)
	require.NoError(t, err)
	require.Equal(t, tensor.Of[float32](want["y"]), tensor.Of[float32](got["y"]))
	require.Less(t, residentKB(t, path), 1024)
}

// A model that somebody else loaded may have been changed in memory. Compiling
// it leaves the changes alone.
func TestChangedWeightsStayChanged(t *testing.T) {
	const n = 256
	data, err := modelOf(13, &onnx.Graph{
		Inputs:       []*onnx.ValueInfo{floats("x", "b", n)},
		Initializers: []*onnx.Tensor{initializer("w", wave(1, n, n))},
		Nodes:        []*onnx.Node{op("MatMul", names("x", "w"), names("y"))},
		Outputs:      []*onnx.ValueInfo{floats("y", "b", n)},
	}).Encode()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "m.onnx")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	p, err := onnx.Load(path)
	require.NoError(t, err)
	raw := p.Graph.Initializers[0].RawData
	for i := range raw {
		raw[i] = 0x3f
	}
	_, err = runtime.Compile(p)
	require.NoError(t, err)
	require.Equal(t, byte(0x3f), raw[len(raw)/2])
}
