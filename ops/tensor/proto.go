package tensor

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/onda-ml/onda/onnx"
)

// hostIsLittleEndian tells whether a file's raw data is already in host order.
var hostIsLittleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// FromONNX is the tensor that a TensorProto describes. Raw data of whole bytes
// is shared, not copied, where its alignment and the host's byte order allow.
// It is an error if dimensions and data disagree.
func FromONNX(p *onnx.Tensor) (*Tensor, error) {
	t, err := fromONNX(p)
	if err != nil {
		if p != nil && p.Name != "" {
			return nil, fmt.Errorf("tensor %q: %w", p.Name, err)
		}
		return nil, err
	}
	return t, nil
}

func fromONNX(p *onnx.Tensor) (*Tensor, error) {
	if p == nil {
		return nil, fmt.Errorf("tensor: is missing")
	}
	dt := DType(p.DataType)
	if p.DataType < 0 || p.DataType > 255 || !dt.Valid() {
		return nil, fmt.Errorf("element type %d is not known", p.DataType)
	}
	shape := make([]int, len(p.Dims))
	for i, d := range p.Dims {
		if d < 0 {
			return nil, fmt.Errorf("dimension %d has extent %d, expected at least 0", i, d)
		}
		if d > math.MaxInt {
			return nil, fmt.Errorf("dimension %d has extent %d, which is more than memory can address", i, d)
		}
		shape[i] = int(d)
	}
	n, err := CheckShape(shape, dt.Size())
	if err != nil {
		return nil, err
	}
	if p.DataLocation == onnx.LocationExternal && p.RawData == nil && n > 0 {
		return nil, fmt.Errorf("its external data has not been loaded")
	}
	if dt == String {
		return fromStrings(p.StringData, n, shape)
	}
	if p.RawData != nil {
		t, err := fromRaw(dt, p.RawData, n, shape)
		if err == nil {
			t.owner = p.Owner()
		}
		return t, err
	}
	return fromFields(p, dt, n, shape)
}

func fromStrings(data [][]byte, n int, shape []int) (*Tensor, error) {
	if len(data) != n {
		return nil, countError(n, len(data), shape)
	}
	s := make([]string, n)
	for i, b := range data {
		s[i] = string(b)
	}
	return &Tensor{dtype: String, shape: shape, strs: s}, nil
}

func countError(want, got int, shape Shape) error {
	return fmt.Errorf("shape %v has %d elements, the data has %d", shape, want, got)
}

// fromRaw reads little-endian elements, packed where they have fewer than
// eight bits.
func fromRaw(dt DType, raw []byte, n int, shape []int) (*Tensor, error) {
	if bits := dt.Bits(); bits < 8 {
		if want := (n*bits + 7) / 8; len(raw) != want {
			return nil, fmt.Errorf("shape %v of %v takes %d bytes, the data has %d", Shape(shape), dt, want, len(raw))
		}
		return &Tensor{dtype: dt, shape: shape, raw: unpack(raw, n, bits, dt.IsSigned())}, nil
	}
	t, err := FromBytes(dt, raw, shape...)
	if err != nil {
		return nil, err
	}
	if !hostIsLittleEndian && dt.Size() > 1 {
		t = t.Clone()
		size := dt.Size()
		if dt == Complex64 || dt == Complex128 {
			size /= 2
		}
		swapBytes(t.raw, size)
	}
	return t, nil
}

func swapBytes(b []byte, size int) {
	for ; len(b) >= size; b = b[size:] {
		for i, j := 0, size-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
}

// unpack spreads n elements of 2 or 4 bits, lowest bits first, to a byte each.
func unpack(packed []byte, n, bits int, signed bool) []byte {
	out := make([]byte, n)
	per, mask := 8/bits, byte(1<<bits-1)
	for i := range out {
		v := packed[i/per] >> (i % per * bits) & mask
		if signed && v>>(bits-1) != 0 {
			v |= ^mask
		}
		out[i] = v
	}
	return out
}

// pack is the inverse of unpack.
func pack(elems []byte, bits int) []byte {
	per, mask := 8/bits, byte(1<<bits-1)
	out := make([]byte, (len(elems)+per-1)/per)
	for i, v := range elems {
		out[i/per] |= v & mask << (i % per * bits)
	}
	return out
}

// fromFields reads the typed fields, of which each serves several types.
func fromFields(p *onnx.Tensor, dt DType, n int, shape []int) (*Tensor, error) {
	t := &Tensor{dtype: dt, shape: shape}
	got := 0
	switch dt {
	case Float32, Complex64:
		got = len(p.FloatData)
		if t.raw = asBytes(p.FloatData); dt == Complex64 {
			got /= 2
		}
	case Float64, Complex128:
		got = len(p.DoubleData)
		if t.raw = asBytes(p.DoubleData); dt == Complex128 {
			got /= 2
		}
	case Int64:
		got, t.raw = len(p.Int64Data), asBytes(p.Int64Data)
	case Uint64:
		got, t.raw = len(p.Uint64Data), asBytes(p.Uint64Data)
	case Uint32:
		got, t.raw = len(p.Uint64Data), narrow[uint64, uint32](p.Uint64Data)
	case Int32:
		got, t.raw = len(p.Int32Data), asBytes(p.Int32Data)
	case Int16, Uint16, Float16, BFloat16:
		got, t.raw = len(p.Int32Data), narrow[int32, uint16](p.Int32Data)
	default:
		b := narrow[int32, uint8](p.Int32Data)
		if bits := dt.Bits(); bits < 8 {
			if len(b) != (n*bits+7)/8 {
				return nil, countError(n, len(b)*8/bits, shape)
			}
			t.raw = unpack(b, n, bits, dt.IsSigned())
			return t, nil
		}
		got, t.raw = len(b), b
	}
	if got != n {
		return nil, countError(n, got, shape)
	}
	if len(t.raw) != n*dt.Size() {
		return nil, countError(n, got, shape)
	}
	return t, nil
}

func narrow[F int32 | uint64, T uint8 | uint16 | uint32](in []F) []byte {
	out := make([]T, len(in))
	for i, v := range in {
		out[i] = T(v)
	}
	return asBytes(out)
}

// ToONNX is the TensorProto of t, with its elements as raw data (strings in
// their own field). Raw data shares t's memory where the host is little-endian
// and elements fill whole bytes.
func ToONNX(name string, t *Tensor) *onnx.Tensor {
	p := &onnx.Tensor{Name: name, DataType: onnx.DataType(t.dtype), Dims: make([]int64, len(t.shape))}
	for i, d := range t.shape {
		p.Dims[i] = int64(d)
	}
	if t.dtype == String {
		p.StringData = make([][]byte, len(t.strs))
		for i, s := range t.strs {
			p.StringData[i] = []byte(s)
		}
		return p
	}
	raw := t.raw
	switch size := t.dtype.Size(); {
	case t.dtype.Bits() < 8:
		raw = pack(raw, t.dtype.Bits())
	case !hostIsLittleEndian && size > 1:
		raw = append([]byte(nil), raw...)
		if t.dtype == Complex64 || t.dtype == Complex128 {
			size /= 2
		}
		swapBytes(raw, size)
	}
	p.RawData = raw
	return p
}
