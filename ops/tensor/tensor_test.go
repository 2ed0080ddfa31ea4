package tensor

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func TestNewSharesMemory(t *testing.T) {
	data := []float32{1, 2, 3, 4, 5, 6}
	x, err := New(data, 2, 3)
	require.NoError(t, err)
	data[4] = 50
	got, err := Data[float32](x)
	require.NoError(t, err)
	require.Equal(t, float32(50), got[4])
	got[0] = 10
	require.Equal(t, float32(10), data[0])
	y, err := x.Reshaped(3, 2)
	require.NoError(t, err)
	require.Same(t, unsafe.SliceData(x.Bytes()), unsafe.SliceData(y.Bytes()))
	require.NotSame(t, unsafe.SliceData(x.Bytes()), unsafe.SliceData(x.Clone().Bytes()))
}

func TestRefusals(t *testing.T) {
	x := Must([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	for _, c := range []struct {
		err  func() error
		want string
	}{
		{func() error { _, err := New([]float32{1, 2}, 3); return err }, "tensor: shape (3) has 3 elements, the data has 2"},
		{func() error { _, err := New([]int8{}, -1); return err }, "tensor: shape (-1) has a negative extent"},
		{func() error { _, err := New([]float64{}, math.MaxInt/4, 8); return err }, "has more elements than memory can address"},
		{func() error { _, err := New([]string{}, make([]int, 17)...); return err }, "tensor: 17 dimensions, at most 16 are supported"},
		{func() error { _, err := Data[int32](x); return err }, "tensor: elements are float, not int32"},
		{func() error { _, err := x.Reshaped(4, 2); return err }, "tensor: (2, 3) has 6 elements, shape (4, 2) has 8"},
		{func() error { _, err := FromBytes(Float64, make([]byte, 12), 2); return err }, "tensor: shape (2) of double takes 16 bytes, the data has 12"},
		{func() error { _, err := FromBytes(String, nil); return err }, "tensor: bytes can't hold elements of type string"},
		{func() error { _, err := Zeros(Undefined, 1); return err }, "tensor: undefined is no element type"},
		{func() error { return x.CopyFrom(Scalar(int64(1))) }, "tensor: can't copy int64 () into float (2, 3)"},
	} {
		require.ErrorContains(t, c.err(), c.want)
	}
}

// A zero extent makes a shape of no elements, whatever the others are.
func TestZeroExtent(t *testing.T) {
	n, err := CheckShape([]int{math.MaxInt, 0, math.MaxInt}, 1)
	if err == nil {
		require.Zero(t, n)
	}
	x, err := Zeros(Float32, 3, 0, 2)
	require.NoError(t, err)
	require.Zero(t, x.Len())
	require.Empty(t, Of[float32](x))
}

func TestMisalignedBytesAreCopied(t *testing.T) {
	raw := AlignedBytes(17)[1:]
	raw[0] = 1
	x, err := FromBytes(Int64, raw, 2)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 0}, Of[int64](x))
	require.Zero(t, uintptr(unsafe.Pointer(unsafe.SliceData(x.Bytes())))%8)
}

// Large data are not copied for their alignment where the processor reads them
// as they are; elements come out the same.
func TestLargeMisalignedBytes(t *testing.T) {
	raw := AlignedBytes(8<<10 + 1)[1:]
	for i := range raw {
		raw[i] = byte(i * 7)
	}
	x, err := FromBytes(Float32, raw, 2<<10)
	require.NoError(t, err)
	for i, v := range Of[float32](x) {
		require.Equal(t, binary.NativeEndian.Uint32(raw[4*i:]), math.Float32bits(v))
	}
	require.Equal(t, readsUnaligned, unsafe.SliceData(raw) == unsafe.SliceData(x.Bytes()))
}

func TestBroadcast(t *testing.T) {
	for _, c := range []struct{ a, b, want []int }{
		{[]int{2, 3}, []int{2, 3}, []int{2, 3}},
		{[]int{2, 1}, []int{3}, []int{2, 3}},
		{nil, []int{4, 5}, []int{4, 5}},
		{[]int{1, 0}, []int{7, 1}, []int{7, 0}},
		{[]int{3}, []int{2}, nil},
		{[]int{2, 3}, []int{3, 2}, nil},
	} {
		var room [MaxRank]int
		got, err := Broadcast(room[:0], c.a, c.b)
		if c.want == nil {
			require.ErrorContains(t, err, "do not broadcast")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	require.Equal(t, []int{12, 4, 1}, Strides(make([]int, 3), []int{2, 3, 4}))
}

func TestAxis(t *testing.T) {
	for _, c := range []struct {
		axis int64
		rank int
		want int
	}{{0, 3, 0}, {-1, 3, 2}, {-3, 3, 0}} {
		got, err := Axis(c.axis, c.rank)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	for _, axis := range []int64{3, -4, math.MinInt64, math.MaxInt64} {
		_, err := Axis(axis, 3)
		require.ErrorContains(t, err, "is out of range for rank 3")
	}
}

func TestFloat64sOfEveryNumber(t *testing.T) {
	for _, x := range []*Tensor{
		Scalar(float32(3)), Scalar(3.0), Scalar(int8(3)), Scalar(int16(3)), Scalar(int32(3)), Scalar(int64(3)),
		Scalar(uint8(3)), Scalar(uint16(3)), Scalar(uint32(3)), Scalar(uint64(3)), Scalar(U4(3)), Scalar(I4(3)), Scalar(U2(3)),
		Scalar(ToF16(3)), Scalar(ToBF16(3)), Scalar(ToF8E4M3(3, true)), Scalar(ToF8E5M2(3, true)), Scalar(ToF8E4M3UZ(3, true)),
		Scalar(ToF8E5M2UZ(3, true)), Scalar(ToF4E2M1(3)),
	} {
		require.Equal(t, []float64{3}, Float64s(x), "%v", x)
	}
	require.Equal(t, []float64{4}, Float64s(Scalar(F8E8M0(129))))
	require.Equal(t, []float64{1}, Float64s(Scalar(true)))
	require.Equal(t, []float64{1, -2}, Float64s(Scalar(complex64(1-2i))))
	require.Nil(t, Float64s(Scalar("3")))
}

// A row is a view without the first dimension.
func TestRow(t *testing.T) {
	x, err := New([]float32{1, 2, 3, 4, 5, 6}, 3, 2)
	require.NoError(t, err)
	row, err := x.Row(1)
	require.NoError(t, err)
	require.Equal(t, Shape{2}, row.Shape())
	require.Equal(t, []float32{3, 4}, Of[float32](row))
	Of[float32](row)[0] = 7
	require.Equal(t, float32(7), Of[float32](x)[2])
	one, err := row.Row(1)
	require.NoError(t, err)
	require.Equal(t, 0, one.Rank())
	require.Equal(t, []float32{4}, Of[float32](one))
	text, err := New([]string{"a", "b"}, 2)
	require.NoError(t, err)
	b, err := text.Row(1)
	require.NoError(t, err)
	require.Equal(t, []string{"b"}, Of[string](b))
	for _, i := range []int{-1, 3} {
		_, err = x.Row(i)
		require.EqualError(t, err, fmt.Sprintf("tensor: (3, 2) has no row %d", i))
	}
	_, err = one.Row(0)
	require.Error(t, err)
}
