package onnx

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// twoGiB is a model whose encoding is just over the limit: one small tensor, many times.
func twoGiB() *Model {
	t := &Tensor{Name: "w", DataType: Uint8, RawData: make([]byte, 1<<16)}
	return &Model{Graph: &Graph{Initializers: slices.Repeat([]*Tensor{t}, 1<<15)}}
}

func files(t *testing.T, dir string) []string {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestSaveWritesWhatEncodeGives(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.onnx")
	m := everything()
	m.Graph.Initializers = append(m.Graph.Initializers, &Tensor{Name: "large", DataType: Uint8, Dims: []int64{1 << 20}, RawData: raw(1 << 20)})
	require.NoError(t, m.Save(path))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(encode(t, m), got))
	require.Equal(t, []string{"m.onnx"}, files(t, dir))
}

func TestSaveOverTheLoadedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.onnx")
	m := &Model{Graph: &Graph{Initializers: []*Tensor{TensorInt64("w", []int64{1}, []int64{7})}}}
	require.NoError(t, m.Save(path))
	loaded, err := Load(path)
	require.NoError(t, err)
	loaded.ProducerName = "again"
	require.NoError(t, loaded.Save(path))
	require.Equal(t, []byte{7, 0, 0, 0, 0, 0, 0, 0}, loaded.Graph.Initializers[0].RawData)
	again, err := Load(path)
	require.NoError(t, err)
	require.Equal(t, "again", again.ProducerName)
}

func TestSaveWithExternalData(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.onnx")
	small := &Tensor{Name: "small", DataType: Uint8, Dims: []int64{99}, RawData: raw(99)}
	first := &Tensor{Name: "first", DataType: Uint8, Dims: []int64{100}, RawData: raw(100)}
	second := &Tensor{DataType: Uint8, Dims: []int64{5000}, RawData: raw(5000)}
	m := &Model{Graph: &Graph{Initializers: []*Tensor{small, first}, Nodes: []*Node{
		{OpType: "Constant", Attributes: []*Attribute{AttrTensor("value", second)}},
		{OpType: "Constant", Attributes: []*Attribute{AttrTensor("value", first)}}}}}
	before := encode(t, m)
	require.NoError(t, m.Save(path, WithExternalData("m.bin", 100)))
	require.True(t, bytes.Equal(before, encode(t, m)), "the model in memory stays as it was")
	require.Equal(t, []string{"m.bin", "m.onnx"}, files(t, dir))

	data, err := os.ReadFile(filepath.Join(dir, "m.bin"))
	require.NoError(t, err)
	require.Equal(t, append(append(raw(100), make([]byte, 4096-100)...), raw(5000)...), data)
	saved, err := Load(path, WithoutExternalData())
	require.NoError(t, err)
	require.Equal(t, raw(99), saved.Graph.Initializers[0].RawData)
	external := saved.Graph.Nodes[0].Attributes[0].T
	require.Nil(t, external.RawData)
	require.Equal(t, LocationExternal, external.DataLocation)
	for i, want := range []string{"m.bin", "4096", "5000"} {
		require.Equal(t, want, external.External[i].Value)
	}
	loaded, err := Load(path)
	require.NoError(t, err)
	require.Equal(t, raw(100), loaded.Graph.Nodes[1].Attributes[0].T.RawData)

	// A model of references saved again keeps them.
	require.NoError(t, saved.Save(path))
	loaded, err = Load(path)
	require.NoError(t, err)
	require.Equal(t, raw(5000), loaded.Graph.Nodes[0].Attributes[0].T.RawData)
}

func TestAFailedSaveLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.onnx")
	write(t, path, []byte("old"))
	for _, c := range []struct {
		model   *Model
		options []SaveOption
		want    string
	}{
		{&Model{Graph: &Graph{Nodes: []*Node{nil}}}, nil, `graph: node 0: is nil`},
		{twoGiB(), nil, `takes 2147909640 bytes, protobuf's readers accept at most 2147483647: use external data`},
		{&Model{}, []SaveOption{WithExternalData("../w.bin", 0)}, `external data "../w.bin": expected the name of another file beside the model`},
		{&Model{}, []SaveOption{WithExternalData("sub/w.bin", 0)}, `external data "sub/w.bin": expected the name of another file beside the model`},
		{&Model{}, []SaveOption{WithExternalData("m.onnx", 0)}, `external data "m.onnx": expected the name of another file beside the model`},
	} {
		require.EqualError(t, c.model.Save(path, c.options...), "onnx: "+path+": "+c.want)
		require.Equal(t, []string{"m.onnx"}, files(t, dir))
		old, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "old", string(old))
	}
	require.EqualError(t, (&Model{}).Save(dir), "onnx: write "+dir+": is not a regular file")
	require.Error(t, (&Model{}).Save(filepath.Join(dir, "none", "m.onnx")))
}
