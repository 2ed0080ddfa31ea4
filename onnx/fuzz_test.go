package onnx

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onda-ml/onda/testmodels"
)

// addModels gives f the models of testdata and the small ones of testmodels to start from.
func addModels(f *testing.F) {
	f.Add(testFile(f, "everything.onnx"))
	f.Add(testFile(f, "elements.onnx"))
	for b := testFile(f, "random.bin"); len(b) > 0; {
		file, n := protowire.ConsumeBytes(b)
		f.Add(file)
		b = b[n:]
	}
	for _, c := range testmodels.Cases() {
		if file, err := fs.ReadFile(testmodels.FS(), c.Model()); err == nil && len(file) < 4<<10 {
			f.Add(file)
		}
	}
	f.Add(encode(f, valid()))
}

// What decodes encodes, and what that gives decodes to the same again.
func FuzzDecode(f *testing.F) {
	addModels(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		stable(t, file, func(b []byte) (*Model, error) { return Decode(b, WithMemoryLimit(64<<20)) }, (*Model).Encode)
		stable(t, file, DecodeTensor, EncodeTensor)
		stable(t, file, DecodeSequence, EncodeSequence)
		stable(t, file, DecodeMap, EncodeMap)
		stable(t, file, DecodeOptional, EncodeOptional)
	})
}

func stable[M any](t *testing.T, file []byte, decode func([]byte) (*M, error), encode func(*M) ([]byte, error)) {
	m, err := decode(file)
	if err != nil {
		require.Less(t, len(err.Error()), 1<<16, "an error of readable length")
		return
	}
	first, err := encode(m)
	require.NoError(t, err)
	again, err := decode(first)
	require.NoError(t, err)
	second, err := encode(again)
	require.NoError(t, err)
	require.True(t, bytes.Equal(first, second))
}

// No model makes the checker, the text or a tensor's elements panic, and what passes the checker has sound constants.
func FuzzCheck(f *testing.F) {
	addModels(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := Decode(file, WithMemoryLimit(64<<20))
		if err != nil {
			return
		}
		passes := Check(m) == nil
		require.NoError(t, Text(io.Discard, m))
		if m.Graph == nil {
			require.False(t, passes)
			return
		}
		for _, p := range m.Graph.Initializers {
			_, err := p.Raw()
			if passes && p.DataType != String && p.DataLocation != LocationExternal {
				require.NoError(t, err)
			}
		}
	})
}

// Whatever a model says about its external data, what it gets is a part of the one file in its folder.
func FuzzExternal(f *testing.F) {
	dir := f.TempDir()
	inside := bytes.Repeat([]byte{'i'}, 64)
	write(f, filepath.Join(dir, "model", "w.bin"), inside)
	write(f, filepath.Join(dir, "secret"), bytes.Repeat([]byte{'s'}, 64))
	require.NoError(f, os.Symlink("../secret", filepath.Join(dir, "model", "link")))
	require.NoError(f, os.Symlink("..", filepath.Join(dir, "model", "up")))
	path := filepath.Join(dir, "model", "m.onnx")

	f.Add("w.bin", "8", "16", int64(4), int32(1))
	f.Add("../secret", "0", "", int64(1), int32(1))
	f.Add("up/secret", "", "4", int64(1), int32(1))
	f.Add("link", "-1", "0", int64(0), int32(8))
	f.Add("./w.bin", "9223372036854775807", "9223372036854775807", int64(1<<61), int32(22))
	f.Fuzz(func(t *testing.T, location, offset, length string, dim int64, typ int32) {
		m := outside("location", location, "offset", offset, "length", length)
		m.Graph.Initializers[0].Dims = []int64{dim}
		m.Graph.Initializers[0].DataType = DataType(typ)
		decoded, err := Decode(encode(t, m))
		require.NoError(t, err)
		check := func(m *Model, err error) {
			if err == nil {
				data := m.Graph.Initializers[0].RawData
				require.LessOrEqual(t, len(data), len(inside))
				require.Equal(t, inside[:len(data)], data)
			}
		}
		check(decoded, decoded.LoadExternal(os.DirFS(filepath.Dir(path))))
		write(t, path, encode(t, m))
		check(Load(path, WithMemoryLimit(1<<20)))
	})
}
