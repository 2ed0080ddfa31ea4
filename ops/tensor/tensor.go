package tensor

import (
	"fmt"
	"runtime"
	"slices"
	"unsafe"
)

// Value is what flows along an edge of a graph: a *Tensor, a *Sequence, an
// *Optional or a *Map.
type Value interface{ isValue() }

// Tensor is a dense row-major array. It shares memory with whoever made it and
// is reclaimed by the garbage collector; nothing is ever released by hand.
// Reading one from many goroutines is safe, writing is the owner's business.
type Tensor struct {
	dtype DType
	shape Shape
	raw   []byte   // every type but String: elements in host byte order, aligned to their size unless they are a file's
	strs  []string // String
	owner any      // what keeps raw valid where it is not Go memory, such as a mapped file
}

// Sequence is ONNX's seq(T): an ordered list of tensors (or of sequences or
// maps) of one element type. It is immutable: operators make new ones.
type Sequence struct {
	Elem  DType // element type of the tensors; Undefined when unknown
	Items []Value
}

// Optional is ONNX's optional(T); a nil Value is the empty optional.
type Optional struct{ Value Value }

// Map is ONNX's map(K, V) with its keys in a tensor of rank 1 (int64 or
// string) and the values in another of the same length.
type Map struct{ Keys, Values *Tensor }

func (*Tensor) isValue()   {}
func (*Sequence) isValue() {}
func (*Optional) isValue() {}
func (*Map) isValue()      {}

// New makes a tensor of the given shape over data, without copying it. No
// shape at all makes a scalar. It is an error if the shape doesn't hold exactly
// len(data) elements.
func New[T Elem](data []T, shape ...int) (*Tensor, error) {
	dt := DTypeOf[T]()
	n, err := CheckShape(shape, dt.Size())
	if err != nil {
		return nil, err
	}
	if n != len(data) {
		return nil, fmt.Errorf("tensor: shape %v has %d elements, the data has %d", Shape(slices.Clone(shape)), n, len(data))
	}
	t := &Tensor{dtype: dt, shape: slices.Clone(shape)}
	if strs, ok := any(data).([]string); ok {
		t.strs = strs
		return t, nil
	}
	t.raw = asBytes(data)
	return t, nil
}

// Must is New for shapes known to fit, such as literals in tests and tools; it
// panics where New has an error.
func Must[T Elem](data []T, shape ...int) *Tensor {
	t, err := New(data, shape...)
	if err != nil {
		panic(err)
	}
	return t
}

// Scalar makes a tensor of rank 0.
func Scalar[T Elem](v T) *Tensor { return Must([]T{v}) }

// Zeros makes a tensor with every element zero, false or "".
func Zeros(dt DType, shape ...int) (*Tensor, error) {
	if !dt.Valid() {
		return nil, fmt.Errorf("tensor: %v is no element type", dt)
	}
	n, err := CheckShape(shape, dt.Size())
	if err != nil {
		return nil, err
	}
	t := &Tensor{dtype: dt, shape: slices.Clone(shape)}
	if dt == String {
		t.strs = make([]string, n)
		return t, nil
	}
	t.raw = AlignedBytes(n * dt.Size())
	return t, nil
}

// FromBytes makes a tensor over raw, elements in host byte order, without
// copying unless raw is misaligned for dt and either small or on a processor
// that can't read it so. raw must have exactly the shape's bytes; dt can't be
// String.
func FromBytes(dt DType, raw []byte, shape ...int) (*Tensor, error) {
	if !dt.Valid() || dt == String {
		return nil, fmt.Errorf("tensor: bytes can't hold elements of type %v", dt)
	}
	n, err := CheckShape(shape, dt.Size())
	if err != nil {
		return nil, err
	}
	if n*dt.Size() != len(raw) {
		return nil, fmt.Errorf("tensor: shape %v of %v takes %d bytes, the data has %d", Shape(slices.Clone(shape)), dt, n*dt.Size(), len(raw))
	}
	if len(raw) > 0 && uintptr(unsafe.Pointer(unsafe.SliceData(raw)))%uintptr(min(dt.Size(), 8)) != 0 && (len(raw) < worthSharing || !readsUnaligned) {
		raw = append(AlignedBytes(len(raw))[:0], raw...)
	}
	return &Tensor{dtype: dt, shape: slices.Clone(shape), raw: raw}, nil
}

// A file may hold weights at any offset. Processors that read them from there
// need no second copy of the large ones.
const (
	worthSharing   = 4 << 10
	readsUnaligned = runtime.GOARCH == "amd64" || runtime.GOARCH == "386" || runtime.GOARCH == "arm64"
)

// AlignedBytes is a zeroed slice of n bytes whose first lies on a 64-byte
// boundary.
func AlignedBytes(n int) []byte {
	const align = 64
	if n == 0 {
		return []byte{}
	}
	b := make([]byte, n+align-1)
	off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (align - 1))
	return b[off : off+n : off+n]
}

// Data is t's elements as a slice that shares t's memory. It is an error if T
// isn't t's element type.
func Data[T Elem](t *Tensor) ([]T, error) {
	if want := DTypeOf[T](); t.dtype != want {
		return nil, fmt.Errorf("tensor: elements are %v, not %v", t.dtype, want)
	}
	return Of[T](t), nil
}

// Of is Data for code that has just switched on t.DType(): a wrong T is a
// programming error and panics.
func Of[T Elem](t *Tensor) []T {
	var zero T
	if _, ok := any(zero).(string); ok {
		return any(t.strs).([]T)
	}
	if t.dtype.Size() != int(unsafe.Sizeof(zero)) {
		panic(fmt.Sprintf("tensor: %v read as %T", t.dtype, zero))
	}
	if len(t.raw) == 0 {
		return []T{}
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(t.raw))), len(t.raw)/int(unsafe.Sizeof(zero)))
}

func asBytes[T Elem](data []T) []byte {
	if len(data) == 0 {
		return []byte{}
	}
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), len(data)*int(unsafe.Sizeof(zero)))
}

// DType is the element type.
func (t *Tensor) DType() DType { return t.dtype }

// Shape is the extent of each dimension; the caller must not change it.
func (t *Tensor) Shape() Shape { return t.shape }

// Rank is the number of dimensions.
func (t *Tensor) Rank() int { return len(t.shape) }

// Dim is the extent of dimension i.
func (t *Tensor) Dim(i int) int { return t.shape[i] }

// Len is the number of elements.
func (t *Tensor) Len() int {
	if t.dtype == String {
		return len(t.strs)
	}
	return len(t.raw) / t.dtype.Size()
}

// Bytes is the elements' memory, nil for String. Whoever keeps it longer than t
// keeps t as well: the memory may be a mapped file's.
func (t *Tensor) Bytes() []byte { return t.raw }

// Release gives back the memory that t takes of a mapped file that was loaded
// with onnx.WithoutWrites; it is read from the file again when it is needed.
// Other tensors stay as they are, and so do small ones, which share their pages.
func (t *Tensor) Release() {
	if m, ok := t.owner.(interface{ Release([]byte) }); ok && len(t.raw) >= 16*worthSharing {
		m.Release(t.raw)
	}
}

// Reshaped is a tensor of another shape over the same memory.
func (t *Tensor) Reshaped(shape ...int) (*Tensor, error) {
	n, err := CheckShape(shape, t.dtype.Size())
	if err != nil {
		return nil, err
	}
	if n != t.Len() {
		return nil, fmt.Errorf("tensor: %v has %d elements, shape %v has %d", t.shape, t.Len(), Shape(slices.Clone(shape)), n)
	}
	return &Tensor{dtype: t.dtype, shape: slices.Clone(shape), raw: t.raw, strs: t.strs, owner: t.owner}, nil
}

// Rows is the part of t from index lo to hi of dimension 0, over the same
// memory.
func (t *Tensor) Rows(lo, hi int) (*Tensor, error) {
	if len(t.shape) == 0 || lo < 0 || hi < lo || hi > t.shape[0] {
		return nil, fmt.Errorf("tensor: %v has no rows %d to %d", t.shape, lo, hi)
	}
	part := &Tensor{dtype: t.dtype, shape: slices.Clone(t.shape), owner: t.owner}
	part.shape[0] = hi - lo
	row := t.shape[1:].Len()
	if t.dtype == String {
		part.strs = t.strs[lo*row : hi*row]
		return part, nil
	}
	row *= t.dtype.Size()
	part.raw = t.raw[lo*row : hi*row : hi*row]
	return part, nil
}

// Row is the part of t at index i of dimension 0, without that dimension, over the same
// memory.
func (t *Tensor) Row(i int) (*Tensor, error) {
	if len(t.shape) == 0 || i < 0 || i >= t.shape[0] {
		return nil, fmt.Errorf("tensor: %v has no row %d", t.shape, i)
	}
	part := &Tensor{dtype: t.dtype, shape: slices.Clone(t.shape[1:]), owner: t.owner}
	row := part.shape.Len()
	if t.dtype == String {
		part.strs = t.strs[i*row : (i+1)*row]
		return part, nil
	}
	row *= t.dtype.Size()
	part.raw = t.raw[i*row : (i+1)*row : (i+1)*row]
	return part, nil
}

// Clone is a copy that shares nothing with t.
func (t *Tensor) Clone() *Tensor {
	c := &Tensor{dtype: t.dtype, shape: slices.Clone(t.shape), strs: slices.Clone(t.strs)}
	if t.dtype != String {
		c.raw = append(AlignedBytes(len(t.raw))[:0], t.raw...)
	}
	return c
}

// CopyFrom copies o's elements into t, which has the same type and as many
// elements.
func (t *Tensor) CopyFrom(o *Tensor) error {
	if t.dtype != o.dtype || t.Len() != o.Len() {
		return fmt.Errorf("tensor: can't copy %v %v into %v %v", o.dtype, o.shape, t.dtype, t.shape)
	}
	copy(t.raw, o.raw)
	copy(t.strs, o.strs)
	return nil
}

// String describes the tensor as float(2, 3), without its elements.
func (t *Tensor) String() string { return t.dtype.String() + t.shape.String() }
