package onnx

import (
	"bytes"
	"io/fs"
	"math"
	"os"
	"path"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onda-ml/onda/testmodels"
)

// testdata/ is written by testmodels/scripts/make_format.py with protobuf's own encoder.
func testFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return b
}

func TestEncodeWritesWhatProtobufWrites(t *testing.T) {
	got, err := everything().Encode()
	require.NoError(t, err)
	require.Equal(t, testFile(t, "everything.onnx"), got)
}

func TestDecodeFillsEveryField(t *testing.T) {
	m, err := Decode(testFile(t, "everything.onnx"))
	require.NoError(t, err)
	forgetWire(reflect.ValueOf(m))
	require.Equal(t, everything(), m)
}

// forgetWire clears the unexported fields, so that what was read can be compared with what was built.
func forgetWire(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			forgetWire(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			forgetWire(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); v.Type().Field(i).IsExported() {
				forgetWire(f)
			} else {
				reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem().SetZero()
			}
		}
	}
}

// The models have fields that are present but empty, lists packed the other way and fields of a newer schema.
func TestRandomModelsComeBackByteForByte(t *testing.T) {
	b := testFile(t, "random.bin")
	count := 0
	for len(b) > 0 {
		file, n := protowire.ConsumeBytes(b)
		require.Positive(t, n)
		b = b[n:]
		m, err := Decode(file)
		require.NoError(t, err, "model %d", count)
		got, err := m.Encode()
		require.NoError(t, err, "model %d", count)
		require.Equal(t, file, got, "model %d", count)
		count++
	}
	require.Equal(t, 60, count)
}

// Every model and every value of testmodels, as PyTorch, onnx and numpy wrote them.
func TestModelsOfManyProducersComeBackByteForByte(t *testing.T) {
	fsys := testmodels.FS()
	models := 0
	for _, c := range testmodels.Cases() {
		file, err := fs.ReadFile(fsys, c.Model())
		require.NoError(t, err)
		m, err := Decode(file)
		require.NoError(t, err, c.Name)
		got, err := m.Encode()
		require.NoError(t, err, c.Name)
		require.True(t, bytes.Equal(file, got), c.Name)
		require.NoError(t, Check(m), c.Name)
		models++
		for _, set := range c.Sets {
			values, err := fs.Glob(fsys, set+"/*.pb")
			require.NoError(t, err)
			for _, name := range values {
				valueComesBack(t, fsys, name, valueType(m, path.Base(name)))
			}
		}
	}
	require.Greater(t, models, 100)
}

// valueType is the type of the graph's input or output that input_3.pb or output_0.pb belongs to.
func valueType(m *Model, file string) *Type {
	kind, index, _ := strings.Cut(strings.TrimSuffix(file, ".pb"), "_")
	list := m.Graph.Outputs
	if kind == "input" {
		list = nil
		for _, v := range m.Graph.Inputs {
			if m.Graph.Initializer(v.Name) == nil {
				list = append(list, v)
			}
		}
	}
	i := 0
	for _, c := range index {
		i = 10*i + int(c-'0')
	}
	return list[i].Type
}

func valueComesBack(t *testing.T, fsys fs.FS, name string, typ *Type) {
	file, err := fs.ReadFile(fsys, name)
	require.NoError(t, err)
	var got []byte
	switch {
	case typ.Sequence != nil:
		v, err := DecodeSequence(file)
		require.NoError(t, err, name)
		got, err = EncodeSequence(v)
		require.NoError(t, err, name)
	case typ.Optional != nil:
		v, err := DecodeOptional(file)
		require.NoError(t, err, name)
		got, err = EncodeOptional(v)
		require.NoError(t, err, name)
	default:
		v, err := DecodeTensor(file)
		require.NoError(t, err, name)
		got, err = EncodeTensor(v)
		require.NoError(t, err, name)
	}
	require.True(t, bytes.Equal(file, got), name)
}

func TestMessageInPiecesIsMerged(t *testing.T) {
	piece := func(g *Graph) []byte {
		b, err := (&Model{Graph: g}).Encode()
		require.NoError(t, err)
		return b
	}
	m, err := Decode(append(piece(&Graph{Name: "g", Nodes: []*Node{{OpType: "A"}}}), piece(&Graph{Nodes: []*Node{{OpType: "B"}}})...))
	require.NoError(t, err)
	require.Equal(t, "g", m.Graph.Name)
	require.Len(t, m.Graph.Nodes, 2)
}

func TestLastMemberOfAOneofCounts(t *testing.T) {
	value := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 5)
	param := protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), "n")
	var d Dim
	require.NoError(t, decodeMessage(&decoder{buf: append(value, param...)}, &d, 0, 5))
	require.Equal(t, DimParam("n"), Dim{Value: d.Value, HasValue: d.HasValue, Param: d.Param})
	d = Dim{}
	require.NoError(t, decodeMessage(&decoder{buf: append(param, value...)}, &d, 0, 5))
	require.Equal(t, DimValue(5), Dim{Value: d.Value, HasValue: d.HasValue, Param: d.Param})

	tensor := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), nil)
	sequence := protowire.AppendBytes(protowire.AppendTag(nil, 4, protowire.BytesType), nil)
	var typ Type
	b := append(tensor, sequence...)
	require.NoError(t, decodeMessage(&decoder{buf: b}, &typ, 0, len(b)))
	require.Nil(t, typ.Tensor)
	require.NotNil(t, typ.Sequence)
}

// A change to a model that was read is written like the same change to one built by hand.
func TestChangesToADecodedModelAreWritten(t *testing.T) {
	m, err := Decode(testFile(t, "everything.onnx"))
	require.NoError(t, err)
	want := everything()
	for _, m := range []*Model{m, want} {
		m.ProducerName = "other"
		m.Graph.Nodes[0].Attributes[1].I = 0
		m.Graph.Nodes[0].Inputs = append(m.Graph.Nodes[0].Inputs, "more")
		m.Graph.Inputs[0].Type.Tensor.Shape = &Shape{Dims: []Dim{DimValue(0)}}
		dims := m.Graph.Nodes[0].Attributes[12].TypeProto.Tensor.Shape.Dims
		dims[0].HasValue, dims[0].Param = false, "now"
		dims[1] = DimValue(0)
		t := m.Graph.Initializer("float")
		t.RawData, t.FloatData = make([]byte, 8), nil
	}
	got, err := m.Encode()
	require.NoError(t, err)
	expected, err := want.Encode()
	require.NoError(t, err)
	require.True(t, bytes.Equal(expected, got))
}

func TestElementsAreTheSameInBothEncodings(t *testing.T) {
	m, err := Decode(testFile(t, "elements.onnx"))
	require.NoError(t, err)
	require.NoError(t, Check(m))
	types := map[DataType]bool{}
	for i := 0; i < len(m.Graph.Initializers); i += 2 {
		raw, typed := m.Graph.Initializers[i], m.Graph.Initializers[i+1]
		require.Equal(t, raw.DataType, typed.DataType)
		require.NotNil(t, raw.RawData, raw.Name)
		require.Nil(t, typed.RawData, typed.Name)
		want, err := raw.Raw()
		require.NoError(t, err)
		got, err := typed.Raw()
		require.NoError(t, err)
		require.Equal(t, want, got, typed.Name)
		types[raw.DataType] = true
	}
	for d := Float; d.Valid(); d++ {
		require.True(t, types[d] || d == String, d)
	}
}

func TestBuildersHoldTheirElements(t *testing.T) {
	dims := []int64{2}
	raw := func(p *Tensor) []byte {
		b, err := p.Raw()
		require.NoError(t, err)
		return b
	}
	require.Equal(t, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x80}, raw(TensorFloat32("", dims, []float32{1, float32(math.Copysign(0, -1))})))
	require.Equal(t, []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0}, raw(TensorFloat64("", dims, []float64{1, -2})))
	require.Equal(t, []byte{1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 255, 255, 255, 255, 255, 255, 255}, raw(TensorInt64("", dims, []int64{1, -2})))
	require.Equal(t, []byte{1, 0, 0, 0, 0xfe, 255, 255, 255}, raw(TensorInt32("", dims, []int32{1, -2})))
	require.Equal(t, []byte{1, 0}, raw(TensorBool("", dims, []bool{true, false})))
	s, err := TensorString("", dims, []string{"a", ""}).Strings()
	require.NoError(t, err)
	require.Equal(t, []string{"a", ""}, s)
}
