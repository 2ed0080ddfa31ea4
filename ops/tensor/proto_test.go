package tensor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
)

// What ToONNX writes FromONNX reads, for every type.
func TestRoundTripThroughONNX(t *testing.T) {
	for _, x := range []*Tensor{
		Must([]float32{1, -2}, 2), Must([]float64{1, -2}, 2, 1), Must([]int8{-128, 127}, 2), Must([]int16{-3}, 1), Must([]int32{-3}, 1),
		Must([]int64{-3, 1 << 40}, 2), Must([]uint8{255}, 1), Must([]uint16{65535}, 1), Must([]uint32{1 << 31}, 1), Must([]uint64{1 << 63}, 1),
		Must([]bool{true, false, true}, 3), Must([]string{"", "a\x00b"}, 2), Must([]complex64{1 + 2i}, 1), Must([]complex128{1 + 2i}, 1),
		Must([]F16{0x3c00}, 1), Must([]BF16{0x3f80}, 1), Must([]F8E4M3{0x38}, 1), Must([]F8E5M2UZ{0x80}, 1), Must([]F8E8M0{127}, 1),
		Must([]U4{1, 15, 7}, 3), Must([]I4{-8, 7, -1}, 3), Must([]F4E2M1{1, 15, 8}, 3), Must([]U2{0, 1, 2, 3, 1}, 5), Must([]I2{-2, -1, 0, 1, -2}, 5),
		Scalar(float32(1)), Must([]float32{}, 0, 3),
	} {
		p := ToONNX("x", x)
		require.Equal(t, "x", p.Name)
		y, err := FromONNX(p)
		require.NoError(t, err, "%v", x)
		require.Equal(t, x.String(), y.String())
		require.Equal(t, x.Bytes(), y.Bytes())
		require.Equal(t, x.strs, y.strs)
	}
}

// Types of four and two bits lie lowest bits first, and fill bytes.
func TestPackedLayout(t *testing.T) {
	require.Equal(t, []byte{0x21, 0x03}, ToONNX("", Must([]U4{1, 2, 3}, 3)).RawData)
	require.Equal(t, []byte{0xf8}, ToONNX("", Must([]I4{-8, -1}, 2)).RawData)
	require.Equal(t, []byte{0b11100100, 0b01}, ToONNX("", Must([]U2{0, 1, 2, 3, 1}, 5)).RawData)
}

// The typed fields serve several types each.
func TestTypedFields(t *testing.T) {
	for _, c := range []struct {
		p    *onnx.Tensor
		want []float64
	}{
		{&onnx.Tensor{DataType: onnx.DataType(Float16), Dims: []int64{2}, Int32Data: []int32{0x3c00, 0xc000}}, []float64{1, -2}},
		{&onnx.Tensor{DataType: onnx.DataType(BFloat16), Dims: []int64{1}, Int32Data: []int32{0x3f80}}, []float64{1}},
		{&onnx.Tensor{DataType: onnx.DataType(Int8), Dims: []int64{2}, Int32Data: []int32{-1, 5}}, []float64{-1, 5}},
		{&onnx.Tensor{DataType: onnx.DataType(Uint16), Dims: []int64{1}, Int32Data: []int32{65535}}, []float64{65535}},
		{&onnx.Tensor{DataType: onnx.DataType(Uint32), Dims: []int64{1}, Uint64Data: []uint64{1 << 31}}, []float64{1 << 31}},
		{&onnx.Tensor{DataType: onnx.DataType(Bool), Dims: []int64{2}, Int32Data: []int32{1, 0}}, []float64{1, 0}},
		{&onnx.Tensor{DataType: onnx.DataType(Int4), Dims: []int64{3}, Int32Data: []int32{0x7f, 0x08}}, []float64{-1, 7, -8}},
		{&onnx.Tensor{DataType: onnx.DataType(Float64), Dims: nil, DoubleData: []float64{2.5}}, []float64{2.5}},
		{&onnx.Tensor{DataType: onnx.DataType(Complex64), Dims: []int64{1}, FloatData: []float32{1, 2}}, []float64{1, 2}},
	} {
		x, err := FromONNX(c.p)
		require.NoError(t, err)
		require.Equal(t, c.want, Float64s(x))
	}
}

func TestFromONNXRefuses(t *testing.T) {
	for _, c := range []struct {
		p    *onnx.Tensor
		want string
	}{
		{nil, "tensor: is missing"},
		{&onnx.Tensor{Name: "w", DataType: 99}, `tensor "w": element type 99 is not known`},
		{&onnx.Tensor{Name: "w", DataType: 1, Dims: []int64{-2}}, `tensor "w": dimension 0 has extent -2, expected at least 0`},
		{&onnx.Tensor{Name: "w", DataType: 1, Dims: []int64{3}, RawData: make([]byte, 8)}, `tensor "w": tensor: shape (3) of float takes 12 bytes, the data has 8`},
		{&onnx.Tensor{Name: "w", DataType: 1, Dims: []int64{3}, FloatData: []float32{1}}, `tensor "w": shape (3) has 3 elements, the data has 1`},
		{&onnx.Tensor{Name: "w", DataType: 22, Dims: []int64{3}, RawData: []byte{1}}, `tensor "w": shape (3) of int4 takes 2 bytes, the data has 1`},
		{&onnx.Tensor{Name: "w", DataType: 8, Dims: []int64{2}, StringData: [][]byte{nil}}, `tensor "w": shape (2) has 2 elements, the data has 1`},
		{&onnx.Tensor{Name: "w", DataType: 1, Dims: []int64{3}, DataLocation: onnx.LocationExternal}, `tensor "w": its external data has not been loaded`},
	} {
		_, err := FromONNX(c.p)
		require.EqualError(t, err, c.want)
	}
}

func TestSparse(t *testing.T) {
	values := onnx.TensorFloat32("s", []int64{2}, []float32{5, 7})
	for _, indices := range []*onnx.Tensor{
		onnx.TensorInt64("", []int64{2}, []int64{1, 5}),
		onnx.TensorInt64("", []int64{2, 2}, []int64{0, 1, 1, 2}),
	} {
		x, err := FromSparseONNX(&onnx.SparseTensor{Values: values, Indices: indices, Dims: []int64{2, 3}})
		require.NoError(t, err)
		require.Equal(t, []float32{0, 5, 0, 0, 0, 7}, Of[float32](x))
	}
	for _, c := range []struct {
		indices *onnx.Tensor
		dims    []int64
		want    string
	}{
		{onnx.TensorInt64("", []int64{2}, []int64{5, 1}), []int64{2, 3}, "sparse tensor: index 1 is 1, expected rising indices below 6"},
		{onnx.TensorInt64("", []int64{2}, []int64{1, 6}), []int64{2, 3}, "sparse tensor: index 1 is 6, expected rising indices below 6"},
		{onnx.TensorInt64("", []int64{2, 2}, []int64{0, 3, 1, 2}), []int64{2, 3}, "sparse tensor: index 0 has coordinate 3, expected 0 to 2"},
		{onnx.TensorInt64("", []int64{3}, []int64{0, 1, 2}), []int64{2, 3}, "sparse tensor: indices have shape (3) for 2 values of rank 2"},
		{onnx.TensorInt64("", []int64{2}, []int64{0, 1}), []int64{24576, 16384}, "sparse tensor: shape (24576, 16384) of float is too large to make dense"},
	} {
		_, err := FromSparseONNX(&onnx.SparseTensor{Values: values, Indices: c.indices, Dims: c.dims})
		require.EqualError(t, err, c.want)
	}
}
