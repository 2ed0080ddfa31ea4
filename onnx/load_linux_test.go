package onnx

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPipesAndDevicesAreNotOpened(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666)) // opening it would block
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(dir, "zero")))
	for location, want := range map[string]string{"pipe": "is not a regular file", "zero": "path escapes from parent"} {
		path := filepath.Join(dir, "m.onnx")
		write(t, path, encode(t, outside("location", location)))
		_, err := Load(path)
		require.EqualError(t, err, `onnx: `+path+`: graph "g": initializer "w": external data "`+location+`": `+want)
		_, err = LoadFS(os.DirFS(dir), "m.onnx")
		require.EqualError(t, err, `onnx: m.onnx: graph "g": initializer "w": external data "`+location+`": is not a regular file`)
	}
}

// mapped says whether a file is mapped into this process.
func mapped(t *testing.T, path string) bool {
	maps, err := os.ReadFile("/proc/self/maps")
	require.NoError(t, err)
	return strings.Contains(string(maps), path)
}

// collected waits for the garbage collector to have a file's map undone.
func collected(t *testing.T, path string) bool {
	for range 100 {
		runtime.GC()
		if !mapped(t, path) {
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

func TestMapsLiveAsLongAsTheirTensors(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	path, data := filepath.Join(dir, "m.onnx"), filepath.Join(dir, "w.bin")
	m := outside("location", "w.bin")
	m.Graph.Initializers = append(m.Graph.Initializers, &Tensor{Name: "v", DataType: Uint8, Dims: []int64{1 << 16}, RawData: raw(1 << 16)})
	write(t, path, encode(t, m))
	write(t, data, raw(8))

	load := func(n int) *Tensor {
		m, err := Load(path)
		require.NoError(t, err)
		return m.Graph.Initializers[n]
	}
	w := load(0)
	require.True(t, collected(t, path), "the model itself is not needed any more")
	require.True(t, mapped(t, data))
	require.Equal(t, raw(8), w.RawData)
	v := load(1)
	runtime.GC()
	require.True(t, mapped(t, path))
	require.Equal(t, raw(1<<16), v.RawData)
	owner := v.Owner()
	part := v.RawData[3:7]
	v = nil
	runtime.GC()
	runtime.GC()
	require.True(t, mapped(t, path))
	require.Equal(t, raw(7)[3:], part)
	runtime.KeepAlive(owner)
	require.True(t, collected(t, path))
	runtime.KeepAlive(w)
	require.True(t, collected(t, data))

	loaded, err := Load(path)
	require.NoError(t, err)
	owner = loaded.Owner()
	part = loaded.Graph.Initializers[0].RawData
	loaded = nil
	runtime.GC()
	runtime.GC()
	require.True(t, mapped(t, data))
	require.Equal(t, raw(8), part)
	runtime.KeepAlive(owner)
}

func TestWritingToMappedDataLeavesTheFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.onnx")
	m := &Model{Graph: &Graph{Initializers: []*Tensor{TensorInt64("w", []int64{1}, []int64{1})}}}
	write(t, path, encode(t, m))
	loaded, err := Load(path)
	require.NoError(t, err)
	loaded.Graph.Initializers[0].RawData[0] = 9
	again, err := Load(path)
	require.NoError(t, err)
	require.Equal(t, byte(1), again.Graph.Initializers[0].RawData[0])
}
