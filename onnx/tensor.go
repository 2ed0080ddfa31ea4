package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Tensor is a constant (TensorProto). Its elements are in RawData (little-endian, row-major) if that is not nil, else in
// the typed list that belongs to DataType, or, while DataLocation is External, in another file.
type Tensor struct {
	Name         string
	DataType     DataType
	Dims         []int64
	RawData      []byte
	FloatData    []float32 // FLOAT, and COMPLEX64 as pairs
	Int32Data    []int32   // INT32, BOOL and every type of 16 bits or fewer, as bits; 4- and 2-bit types packed in bytes
	Int64Data    []int64   // INT64
	StringData   [][]byte  // STRING
	DoubleData   []float64 // DOUBLE, and COMPLEX128 as pairs
	Uint64Data   []uint64  // UINT64 and UINT32
	DocString    string
	External     []StringEntry // location, offset, length, checksum
	DataLocation DataLocation
	Segment      *Segment
	Metadata     []StringEntry

	wire  wireState
	owner *mapping
}

// Owner is what keeps RawData valid, or nil if RawData is ordinary memory. A Tensor holds its owner; code that keeps
// RawData longer than the Tensor keeps the owner beside it.
func (t *Tensor) Owner() any {
	if t.owner == nil {
		return nil
	}
	return t.owner
}

// DataLocation says where a tensor's elements are.
type DataLocation int32

// The data locations.
const (
	LocationDefault  DataLocation = 0
	LocationExternal DataLocation = 1
)

// Segment is the part of a very large tensor that a Tensor holds.
type Segment struct {
	Begin, End int64

	wire wireState
}

// SparseTensor is a constant in coordinate form (SparseTensorProto). Values is a tensor of shape (NNZ), Indices an INT64
// tensor of shape (NNZ) or (NNZ, rank); the name is that of Values.
type SparseTensor struct {
	Values  *Tensor
	Indices *Tensor
	Dims    []int64

	wire wireState
}

// TensorFloat32 is a FLOAT tensor of the given shape with its elements in RawData.
func TensorFloat32(name string, dims []int64, data []float32) *Tensor {
	raw := make([]byte, 0, 4*len(data))
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return &Tensor{Name: name, DataType: Float, Dims: dims, RawData: raw}
}

// TensorFloat64 is a DOUBLE tensor of the given shape with its elements in RawData.
func TensorFloat64(name string, dims []int64, data []float64) *Tensor {
	raw := make([]byte, 0, 8*len(data))
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
	}
	return &Tensor{Name: name, DataType: Double, Dims: dims, RawData: raw}
}

// TensorInt64 is an INT64 tensor of the given shape with its elements in RawData.
func TensorInt64(name string, dims []int64, data []int64) *Tensor {
	raw := make([]byte, 0, 8*len(data))
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	return &Tensor{Name: name, DataType: Int64, Dims: dims, RawData: raw}
}

// TensorInt32 is an INT32 tensor of the given shape with its elements in RawData.
func TensorInt32(name string, dims []int64, data []int32) *Tensor {
	raw := make([]byte, 0, 4*len(data))
	for _, v := range data {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(v))
	}
	return &Tensor{Name: name, DataType: Int32, Dims: dims, RawData: raw}
}

// TensorBool is a BOOL tensor of the given shape with its elements in RawData.
func TensorBool(name string, dims []int64, data []bool) *Tensor {
	raw := make([]byte, len(data))
	for i, v := range data {
		if v {
			raw[i] = 1
		}
	}
	return &Tensor{Name: name, DataType: Bool, Dims: dims, RawData: raw}
}

// TensorString is a STRING tensor of the given shape.
func TensorString(name string, dims []int64, data []string) *Tensor {
	s := make([][]byte, len(data))
	for i := range data {
		s[i] = []byte(data[i])
	}
	return &Tensor{Name: name, DataType: String, Dims: dims, StringData: s}
}

func enumName(names []string, v int32, kind string) string {
	if v >= 0 && int(v) < len(names) {
		return names[v]
	}
	return fmt.Sprintf("%s(%d)", kind, v)
}
