package onnx

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// pb builds messages field by field.
type pb []byte

func (b pb) bytes(num protowire.Number, v ...byte) pb {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func (b pb) text(num protowire.Number, s string) pb { return b.bytes(num, []byte(s)...) }

func (b pb) int(num protowire.Number, v uint64) pb {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}

func (b pb) raw(v ...byte) pb { return append(b, v...) }

func TestDecodeErrorsNameThePlace(t *testing.T) {
	attribute := pb{}.text(1, "hidden_size").raw(0x18, 0x80)
	node := pb{}.text(1, "x").text(3, "enc").text(4, "LSTM").bytes(5, attribute...)
	other := pb{}.text(4, "Relu")
	for name, c := range map[string]struct {
		file pb
		want string
	}{
		"attribute": {
			pb{}.int(1, 8).bytes(7, pb{}.bytes(1, other...).bytes(1, node...).text(2, "main")...),
			`onnx: graph "main": node 1 (LSTM "enc"): attribute "hidden_size": i: truncated varint at byte 44`,
		},
		"node of a custom domain, named after the error": {
			pb{}.bytes(7, pb{}.bytes(1, pb{}.text(4, "Op").bytes(5, 0x0a, 9, 'x').text(7, "my.domain")...)...),
			`onnx: graph: node 0 (my.domain.Op): attribute 0: name: length 9 where 1 bytes are left at byte 11`,
		},
		"graph without a name": {
			pb{}.bytes(7, pb{}.bytes(11, pb{}.text(1, "x").bytes(2, pb{}.bytes(1, pb{}.bytes(2, pb{}.bytes(1, 0x08, 0xff)...)...)...)...)...),
			`onnx: graph: input "x": type: tensor_type: shape: dim 0: dim_value: truncated varint at byte 16`,
		},
		"subgraph": {
			pb{}.bytes(7, pb{}.bytes(1, pb{}.text(4, "If").bytes(5, pb{}.text(1, "then_branch").bytes(6, pb{}.text(2, "then").bytes(5, 0x3a, 1, 0x80)...)...)...).text(2, "main")...),
			`onnx: graph "main": node 0 (If): attribute "then_branch": graph "then": initializer 0: int64_data: truncated varint at byte 36`,
		},
		"function": {
			pb{}.bytes(25, pb{}.text(1, "f").bytes(7, pb{}.text(4, "Add").raw(0x0b)...)...),
			`onnx: function "f": node 0 (Add): input: malformed group at byte 14`,
		},
		"packed floats": {
			pb{}.bytes(7, pb{}.bytes(5, pb{}.text(8, "w").bytes(4, 1, 2, 3)...)...),
			`onnx: graph: initializer "w": float_data: packed list of 3 bytes, not a multiple of 4, at byte 9`,
		},
		"overlong varint": {
			pb{}.raw(0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1),
			`onnx: ir_version: overlong varint at byte 1`,
		},
		"overlong varint in a packed list": {
			pb{}.bytes(7, pb{}.bytes(5, pb{}.bytes(7, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1)...)...),
			`onnx: graph: initializer 0: int64_data: overlong varint at byte 6`,
		},
		"wire type":         {pb{}.text(1, "eight"), `onnx: ir_version: wire type length-delimited, expected varint, at byte 2`},
		"wire type of list": {pb{}.bytes(7, pb{}.int(1, 3)...), `onnx: graph: node 0: wire type varint, expected length-delimited, at byte 3`},
		"wire type of text": {pb{}.int(2, 3), `onnx: producer_name: wire type varint, expected length-delimited, at byte 1`},
		"end of group":      {pb{}.raw(0x0c), `onnx: ir_version: invalid wire type 4 at byte 0`},
		"field number 0":    {pb{}.raw(0x00), `onnx: invalid field number 0 at byte 0`},
		"huge field number": {pb{}.raw(0xf8, 0xff, 0xff, 0xff, 0xff, 0x7f), `onnx: invalid field number 549755813887 at byte 0`},
		"truncated tag":     {pb{}.raw(0x80), `onnx: truncated tag at byte 0`},
		"truncated length":  {pb{}.raw(0x3a, 0x80), `onnx: graph: truncated length at byte 1`},
		"huge length":       {pb{}.raw(0x3a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1), `onnx: graph: length 18446744073709551615 where 0 bytes are left at byte 1`},
		"truncated float":   {pb{}.bytes(7, pb{}.bytes(1, pb{}.bytes(5, 0x15, 1)...)...), `onnx: graph: node 0: attribute 0: f: truncated number of 4 bytes at byte 7`},
		"truncated unknown": {pb{}.raw(0xf9, 0x01, 1), `onnx: truncated number of 8 bytes at byte 2`},
		"web page":          {pb("<html>"), `onnx: is HTML or XML`},
		"Git LFS":           {pb("version https://git-lfs.github.com/spec/v1"), `onnx: is a Git LFS pointer, not the file it stands for`},
		"checkpoint":        {pb("PK\x03\x04\x14"), `onnx: is a zip archive, such as a PyTorch checkpoint`},
		"Keras":             {pb("\x89HDF\r\n\x1a\n"), `onnx: is an HDF5 file, such as a Keras model`},
		"gzip":              {pb("\x1f\x8b\x08\x00"), `onnx: is compressed with gzip`},
		"JSON":              {pb("{\"irVersion\": 8}"), `onnx: is JSON`},
		"ORT":               {pb("\x1c\x00\x00\x00ORTM\x00"), `onnx: is a model in ONNX Runtime's own format`},
		"TFLite":            {pb("\x1c\x00\x00\x00TFL3\x00"), `onnx: is a TensorFlow Lite model`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(c.file)
			require.EqualError(t, err, c.want)
			var f *FormatError
			require.ErrorAs(t, err, &f)
		})
	}
}

// Cutting a file anywhere gives an error or, between two fields of the model, a shorter model; never a panic.
func TestEveryPrefixOfAFileIsSafe(t *testing.T) {
	file := testFile(t, "everything.onnx")
	for n := range file {
		m, err := Decode(file[:n])
		if err == nil {
			_, err = m.Encode()
			require.NoError(t, err)
		}
	}
}

func TestRawDataIsPartOfTheInput(t *testing.T) {
	file, err := EncodeTensor(TensorFloat32("w", []int64{1}, []float32{1}))
	require.NoError(t, err)
	p, err := DecodeTensor(file)
	require.NoError(t, err)
	before := p.RawData[0]
	for i := range file {
		file[i]++
	}
	require.Equal(t, before+1, p.RawData[0])
	require.Equal(t, len(p.RawData), cap(p.RawData), "appending must not write into the input")
	require.Equal(t, "w", p.Name, "everything else is a copy")
	require.Nil(t, p.Owner())
}

// nested is n graphs in the attributes of each other's nodes.
func nested(n int) *Graph {
	g := &Graph{Name: "g"}
	for range n {
		g = &Graph{Name: "g", Nodes: []*Node{{OpType: "If", Attributes: []*Attribute{AttrGraph("b", g)}}}}
	}
	return g
}

func TestDepthIsLimited(t *testing.T) {
	b, err := (&Model{Graph: nested(32)}).Encode()
	require.NoError(t, err)
	_, err = Decode(b)
	require.NoError(t, err)

	_, err = (&Model{Graph: nested(33)}).Encode()
	require.ErrorContains(t, err, ": more than 100 messages inside each other")
	typ := pb{}
	for range 3000 {
		typ = pb{}.bytes(4, pb{}.bytes(1, typ...)...)
	}
	_, err = Decode(pb{}.bytes(7, pb{}.bytes(11, pb{}.bytes(2, typ...)...)...))
	require.ErrorContains(t, err, "onnx: graph: input 0: type: sequence_type: elem_type: sequence_type: ")
	require.ErrorContains(t, err, ": more than 100 messages inside each other at byte ")
	var g Graph
	g.Nodes = []*Node{{OpType: "Loop", Attributes: []*Attribute{AttrGraph("body", &g)}}}
	_, err = (&Model{Graph: &g}).Encode()
	require.ErrorContains(t, err, ": more than 100 messages inside each other")
}

// Nested groups, which protobuf still allows in unknown fields, must not exhaust the stack.
func TestNestedGroupsAreLimited(t *testing.T) {
	file := []byte(strings.Repeat("\xfb\x01", 1<<20))
	_, err := Decode(file)
	require.EqualError(t, err, "onnx: malformed group at byte 2")
}

// A byte or two of file can stand for a struct of hundreds of bytes: the limit counts what is allocated.
func TestMemoryLimit(t *testing.T) {
	for name, file := range map[string][]byte{
		"empty nodes":      pb{}.bytes(7, []byte(strings.Repeat("\x0a\x00", 50_000))...),
		"empty attributes": pb{}.bytes(7, pb{}.bytes(1, []byte(strings.Repeat("\x2a\x00", 50_000))...)...),
		"empty names":      pb{}.bytes(7, pb{}.bytes(1, []byte(strings.Repeat("\x0a\x00", 50_000))...)...),
		"empty entries":    []byte(strings.Repeat("\x72\x00", 50_000)),
		"packed numbers":   pb{}.bytes(7, pb{}.bytes(5, pb{}.bytes(7, make([]byte, 200_000)...)...)...),
		"single numbers":   pb{}.bytes(7, pb{}.bytes(5, []byte(strings.Repeat("\x08\x00", 100_000))...)...),
		"unknown fields":   pb{}.bytes(31, make([]byte, 1_100_000)...),
		"strings":          pb{}.bytes(7, pb{}.bytes(5, []byte(strings.Repeat("\x32\x00", 50_000))...)...),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(file)
			require.NoError(t, err)
			_, err = Decode(file, WithMemoryLimit(1<<20))
			require.ErrorIs(t, err, ErrMemoryLimit)
			require.ErrorContains(t, err, "decoding takes more than the memory limit of 1048576 bytes at byte ")
		})
	}
	_, err := Decode(testFile(t, "elements.onnx"), WithMemoryLimit(1<<20))
	require.NoError(t, err)
}

func TestEncodeErrorsNameThePlace(t *testing.T) {
	for _, c := range []struct {
		model *Model
		want  string
	}{
		{&Model{Graph: &Graph{Name: "g", Nodes: []*Node{{}, nil}}}, `onnx: graph "g": node 1: is nil`},
		{&Model{Graph: &Graph{Nodes: []*Node{{OpType: "Op", Name: "n", Attributes: []*Attribute{nil}}}}},
			`onnx: graph: node 0 (Op "n"): attribute 0: is nil`},
		{twoGiB(), `onnx: takes 2147909640 bytes, protobuf's readers accept at most 2147483647: use external data`},
	} {
		_, err := c.model.Encode()
		require.EqualError(t, err, c.want)
	}
}

func TestRawRefusesWhatDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		tensor *Tensor
		want   string
	}{
		{&Tensor{Name: "w"}, `onnx: tensor "w": type UNDEFINED is not an element type`},
		{&Tensor{DataType: 99}, `onnx: tensor: type DataType(99) is not an element type`},
		{&Tensor{DataType: -1}, `onnx: tensor: type DataType(-1) is not an element type`},
		{&Tensor{DataType: Float, Dims: []int64{-1}}, `onnx: tensor: shape [-1] has no number of elements`},
		{&Tensor{DataType: Float, Dims: []int64{1 << 32, 1 << 32}}, `onnx: tensor: shape [4294967296 4294967296] has no number of elements`},
		{&Tensor{DataType: Double, Dims: []int64{math.MaxInt64}, RawData: []byte{1}},
			`onnx: tensor: raw data of type DOUBLE and shape [9223372036854775807] are not possible`},
		{&Tensor{DataType: Float, Dims: []int64{1 << 40}}, `onnx: tensor: 0 numbers in float_data, expected 1099511627776 for FLOAT of shape [1099511627776]`},
		{&Tensor{DataType: Float, Dims: []int64{2}, RawData: make([]byte, 7)}, `onnx: tensor: 7 bytes of raw data, expected 8 for FLOAT of shape [2]`},
		{&Tensor{DataType: Int4, Dims: []int64{3}, RawData: make([]byte, 3)}, `onnx: tensor: 3 bytes of raw data, expected 2 for INT4 of shape [3]`},
		{&Tensor{DataType: Uint2, Dims: []int64{5}, Int32Data: make([]int32, 5)}, `onnx: tensor: 5 numbers in int32_data, expected 2 for UINT2 of shape [5]`},
		{&Tensor{DataType: Complex64, Dims: []int64{2}, FloatData: make([]float32, 2)}, `onnx: tensor: 2 numbers in float_data, expected 4 for COMPLEX64 of shape [2]`},
		{&Tensor{DataType: Float, Dims: []int64{1}, DoubleData: []float64{1}}, `onnx: tensor: data in double_data, expected float_data for FLOAT`},
		{&Tensor{DataType: Float, Dims: []int64{1}, RawData: make([]byte, 4), FloatData: []float32{1}}, `onnx: tensor: data in both raw_data and float_data`},
		{&Tensor{DataType: String, Dims: []int64{1}, RawData: []byte("a")}, `onnx: tensor: raw data of type STRING and shape [1] are not possible`},
		{TensorString("", []int64{1}, []string{"a"}), `onnx: tensor: strings have no raw data`},
		{&Tensor{DataType: Float, DataLocation: LocationExternal, External: []StringEntry{{Key: "location", Value: "w"}}}, `onnx: tensor: external data are not loaded`},
	} {
		_, err := c.tensor.Raw()
		require.EqualError(t, err, c.want)
	}
	_, err := TensorInt64("n", nil, []int64{1}).Strings()
	require.EqualError(t, err, `onnx: tensor "n": type INT64, expected STRING`)
}
