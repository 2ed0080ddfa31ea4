package onnx

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
)

// outside is a model of one FLOAT initializer of two elements with the given external entries.
func outside(entries ...string) *Model {
	t := &Tensor{Name: "w", DataType: Float, Dims: []int64{2}, DataLocation: LocationExternal}
	for i := 0; i < len(entries); i += 2 {
		t.External = append(t.External, StringEntry{Key: entries[i], Value: entries[i+1]})
	}
	return &Model{IRVersion: 8, OpsetImports: []OpsetImport{{Version: 17}}, Graph: &Graph{Name: "g", Initializers: []*Tensor{t}}}
}

func encode(t testing.TB, m *Model) []byte {
	t.Helper()
	b, err := m.Encode()
	require.NoError(t, err)
	return b
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	require.NoError(t, os.WriteFile(path, data, 0o666))
}

// raw is the numbers 0 to n-1 as bytes.
func raw(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestLoadFindsTheSameModelEverywhere(t *testing.T) {
	want := testFile(t, "elements.onnx")
	check := func(m *Model, err error) {
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, encode(t, m)))
	}
	check(Load("testdata/elements.onnx"))
	check(LoadFS(os.DirFS("."), "testdata/elements.onnx"))
	check(LoadFS(fstest.MapFS{"a/m.onnx": &fstest.MapFile{Data: want}}, "a/m.onnx"))
	check(LoadReader(bytes.NewReader(want)))
	check(Decode(want))
}

func TestExternalDataBecomeRawData(t *testing.T) {
	m := outside("location", "./data/w.bin", "offset", "4", "length", "8", "checksum", "ignored")
	second := *m.Graph.Initializers[0]
	second.Name, second.External = "v", []StringEntry{{Key: "location", Value: "data/w.bin"}}
	empty := Tensor{Name: "e", DataType: Int4, Dims: []int64{0}, DataLocation: LocationExternal,
		External: []StringEntry{{Key: "location", Value: "data/w.bin"}, {Key: "offset", Value: "12"}}}
	inside := &Graph{Name: "s", Nodes: []*Node{{OpType: "Constant", Attributes: []*Attribute{AttrTensor("value", &second)}}}}
	m.Graph.Nodes = []*Node{{OpType: "If", Attributes: []*Attribute{AttrGraph("then_branch", inside)}}}
	m.Graph.Initializers = append(m.Graph.Initializers, &empty)
	file := encode(t, m)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "m.onnx"), file)
	write(t, filepath.Join(dir, "data", "w.bin"), raw(12))

	check := func(m *Model, err error) {
		require.NoError(t, err)
		w := m.Graph.Initializers[0]
		require.Equal(t, raw(12)[4:], w.RawData)
		require.Equal(t, LocationDefault, w.DataLocation)
		require.Empty(t, w.External)
		require.Equal(t, raw(8), m.Graph.Nodes[0].Attributes[0].G.Nodes[0].Attributes[0].T.RawData)
		require.Empty(t, m.Graph.Initializers[1].RawData)
		again, err := Decode(encode(t, m))
		require.NoError(t, err)
		require.Equal(t, raw(12)[4:], again.Graph.Initializers[0].RawData)
	}
	check(Load(filepath.Join(dir, "m.onnx")))
	check(LoadFS(os.DirFS(filepath.Dir(dir)), filepath.Base(dir)+"/m.onnx"))
	check(LoadFS(fstest.MapFS{"x/m.onnx": {Data: file}, "x/data/w.bin": {Data: raw(12)}}, "x/m.onnx"))
	decoded, err := Decode(file)
	require.NoError(t, err)
	check(decoded, decoded.LoadExternal(os.DirFS(dir)))

	left, err := Load(filepath.Join(dir, "m.onnx"), WithoutExternalData())
	require.NoError(t, err)
	require.True(t, bytes.Equal(file, encode(t, left)))
}

func TestExternalDataStayInTheFolder(t *testing.T) {
	const notInside = `is not a relative path inside the model's folder`
	top := t.TempDir()
	dir := filepath.Join(top, "model")
	write(t, filepath.Join(top, "secret"), raw(8))
	write(t, filepath.Join(dir, "w.bin"), raw(12))
	write(t, filepath.Join(dir, "sub", "w.bin"), raw(12))
	require.NoError(t, os.Symlink("../secret", filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink(filepath.Join(top, "secret"), filepath.Join(dir, "absolute")))
	require.NoError(t, os.Symlink("..", filepath.Join(dir, "up")))
	require.NoError(t, os.Symlink("loop", filepath.Join(dir, "loop")))

	for _, c := range []struct {
		entries []string
		want    string // after the place
	}{
		{[]string{"location", "../secret"}, `external data "../secret": ` + notInside},
		{[]string{"location", "sub/../../secret"}, `external data "sub/../../secret": ` + notInside},
		{[]string{"location", "sub/../w.bin"}, `external data "sub/../w.bin": ` + notInside},
		{[]string{"location", `..\secret`}, `external data "..\\secret": ` + notInside},
		{[]string{"location", filepath.Join(top, "secret")}, `external data "` + filepath.Join(top, "secret") + `": ` + notInside},
		{[]string{"location", "w.bin\x00"}, `external data "w.bin\x00": ` + notInside},
		{[]string{"location", "."}, `external data ".": ` + notInside},
		{[]string{"location", "link"}, `external data "link": path escapes from parent`},
		{[]string{"location", "absolute"}, `external data "absolute": path escapes from parent`},
		{[]string{"location", "up/secret"}, `external data "up/secret": path escapes from parent`},
		{[]string{"location", "sub"}, `external data "sub": is not a regular file`},
		{[]string{"location", "none"}, `external data "none": no such file or directory`},
		{[]string{"location", "w.bin/x"}, `external data "w.bin/x": not a directory`},
		{[]string{"location", ""}, `external data: no location`},
		{[]string{"offset", "0"}, `external data: no location`},
		{[]string{"location", "w.bin", "location", "w.bin"}, `external data: key "location" twice`},
		{[]string{"location", "w.bin", "offset", "5"}, `external data "w.bin": offset 5 and length 8, but the file has 12 bytes`},
		{[]string{"location", "w.bin", "offset", "9223372036854775807"}, `external data "w.bin": offset 9223372036854775807 and length 8, but the file has 12 bytes`},
		{[]string{"location", "w.bin", "offset", "9223372036854775808"}, `external data "w.bin": offset "9223372036854775808", expected a number of bytes`},
		{[]string{"location", "w.bin", "offset", "-4"}, `external data "w.bin": offset "-4", expected a number of bytes`},
		{[]string{"location", "w.bin", "length", ""}, `external data "w.bin": length "", expected a number of bytes`},
		{[]string{"location", "w.bin", "length", "4"}, `external data "w.bin": length 4, expected 8 bytes for FLOAT of shape [2]`},
	} {
		path := filepath.Join(dir, "m.onnx")
		write(t, path, encode(t, outside(c.entries...)))
		_, err := Load(path)
		require.EqualError(t, err, `onnx: `+path+`: graph "g": initializer "w": `+c.want)
		_, err = LoadFS(os.DirFS(dir), "m.onnx")
		require.Error(t, err, "%q through a file system", c.entries)
	}
	write(t, filepath.Join(dir, "m.onnx"), encode(t, outside("location", "loop")))
	_, err := Load(filepath.Join(dir, "m.onnx"))
	require.Error(t, err)
}

func TestExternalDataOfImpossibleTensors(t *testing.T) {
	for _, c := range []struct {
		change func(w *Tensor)
		want   string
	}{
		{func(w *Tensor) { w.DataType = String }, `external data "w.bin": no size for STRING of shape [2]`},
		{func(w *Tensor) { w.DataType = 99 }, `external data "w.bin": no size for DataType(99) of shape [2]`},
		{func(w *Tensor) { w.Dims = []int64{-2} }, `external data "w.bin": no size for FLOAT of shape [-2]`},
		{func(w *Tensor) { w.Dims = []int64{1 << 40, 1 << 40} }, `external data "w.bin": no size for FLOAT of shape [1099511627776 1099511627776]`},
		{func(w *Tensor) { w.Dims = []int64{1 << 62} }, `external data "w.bin": no size for FLOAT of shape [4611686018427387904]`},
		{func(w *Tensor) { w.Dims = []int64{1 << 57} }, `external data "w.bin": offset 0 and length 576460752303423488, but the file has 8 bytes`},
	} {
		m := outside("location", "w.bin")
		c.change(m.Graph.Initializers[0])
		err := m.LoadExternal(fstest.MapFS{"w.bin": {Data: raw(8)}})
		require.EqualError(t, err, `onnx: graph "g": initializer "w": `+c.want)
	}
}

// liar is a file that claims to be huge.
type liar struct{ fs.File }

func (f liar) Stat() (fs.FileInfo, error) { return liarInfo{f.File}, nil }

type liarInfo struct{ file fs.File }

func (l liarInfo) Name() string       { return "m.onnx" }
func (l liarInfo) Size() int64        { return 1 << 60 }
func (l liarInfo) Mode() fs.FileMode  { return 0 }
func (l liarInfo) IsDir() bool        { return false }
func (l liarInfo) Sys() any           { return nil }
func (l liarInfo) ModTime() time.Time { return time.Time{} }

type liarFS struct{ fstest.MapFS }

func (f liarFS) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	return liar{file}, err
}

func TestSizesThatLieAllocateLittle(t *testing.T) {
	fsys := liarFS{fstest.MapFS{"m.onnx": {Data: testFile(t, "elements.onnx")}}}
	_, err := LoadFS(fsys, "m.onnx")
	require.NoError(t, err)
}

func TestReadersAreBounded(t *testing.T) {
	_, err := LoadReader(io.MultiReader(strings.NewReader("\x3a\xff\xff\xff\x0f"), zeros{}), WithMemoryLimit(1<<20))
	require.ErrorIs(t, err, ErrMemoryLimit)
	require.EqualError(t, err, "onnx: has more than 1048576 bytes")
	broken := errors.New("line is down")
	_, err = LoadReader(io.MultiReader(strings.NewReader("\x3a"), failing{broken}))
	require.ErrorIs(t, err, broken)
	require.EqualError(t, err, "onnx: line is down")
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestLoadErrorsNameTheFile(t *testing.T) {
	dir := t.TempDir()
	none, bad := filepath.Join(dir, "none.onnx"), filepath.Join(dir, "bad.onnx")
	_, err := Load(none)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.EqualError(t, err, "onnx: open "+none+": no such file or directory")
	_, err = Load(dir)
	require.EqualError(t, err, "onnx: "+dir+": is a folder, expected a file")
	write(t, bad, []byte{0x3a, 5})
	_, err = Load(bad)
	require.EqualError(t, err, "onnx: "+bad+": graph: length 5 where 0 bytes are left at byte 1")
	_, err = LoadFS(os.DirFS(dir), "bad.onnx")
	require.EqualError(t, err, "onnx: bad.onnx: graph: length 5 where 0 bytes are left at byte 1")
	_, err = LoadFS(os.DirFS(dir), "../bad.onnx")
	require.ErrorIs(t, err, fs.ErrInvalid)
	write(t, filepath.Join(dir, "empty.onnx"), nil)
	m, err := Load(filepath.Join(dir, "empty.onnx"))
	require.NoError(t, err)
	require.EqualError(t, Check(m), "onnx: ir_version 0, expected 3 to 13\nonnx: no opset imports\nonnx: no graph")
}
