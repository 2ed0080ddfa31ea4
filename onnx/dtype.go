package onnx

import "math"

// DataType is the element type of a tensor, with ONNX's numbers (TensorProto.DataType).
type DataType int32

// The element types.
const (
	Undefined      DataType = 0
	Float          DataType = 1
	Uint8          DataType = 2
	Int8           DataType = 3
	Uint16         DataType = 4
	Int16          DataType = 5
	Int32          DataType = 6
	Int64          DataType = 7
	String         DataType = 8
	Bool           DataType = 9
	Float16        DataType = 10
	Double         DataType = 11
	Uint32         DataType = 12
	Uint64         DataType = 13
	Complex64      DataType = 14
	Complex128     DataType = 15
	BFloat16       DataType = 16
	Float8E4M3FN   DataType = 17
	Float8E4M3FNUZ DataType = 18
	Float8E5M2     DataType = 19
	Float8E5M2FNUZ DataType = 20
	Uint4          DataType = 21
	Int4           DataType = 22
	Float4E2M1     DataType = 23
	Float8E8M0     DataType = 24
	Uint2          DataType = 25
	Int2           DataType = 26
)

// list is the typed field of a Tensor in which a DataType's elements may stand instead of RawData.
type list int

const (
	noList list = iota
	floatList
	int32List
	int64List
	stringList
	doubleList
	uint64List
)

var listNames = [...]string{"none", "float_data", "int32_data", "int64_data", "string_data", "double_data", "uint64_data"}

func (l list) String() string { return listNames[l] }

// dataTypes is indexed by DataType.
var dataTypes = [...]struct {
	name string
	bits int64 // of one element in raw_data; 0: raw_data is not allowed
	list list
}{
	Undefined:      {"UNDEFINED", 0, noList},
	Float:          {"FLOAT", 32, floatList},
	Uint8:          {"UINT8", 8, int32List},
	Int8:           {"INT8", 8, int32List},
	Uint16:         {"UINT16", 16, int32List},
	Int16:          {"INT16", 16, int32List},
	Int32:          {"INT32", 32, int32List},
	Int64:          {"INT64", 64, int64List},
	String:         {"STRING", 0, stringList},
	Bool:           {"BOOL", 8, int32List},
	Float16:        {"FLOAT16", 16, int32List},
	Double:         {"DOUBLE", 64, doubleList},
	Uint32:         {"UINT32", 32, uint64List},
	Uint64:         {"UINT64", 64, uint64List},
	Complex64:      {"COMPLEX64", 64, floatList},
	Complex128:     {"COMPLEX128", 128, doubleList},
	BFloat16:       {"BFLOAT16", 16, int32List},
	Float8E4M3FN:   {"FLOAT8E4M3FN", 8, int32List},
	Float8E4M3FNUZ: {"FLOAT8E4M3FNUZ", 8, int32List},
	Float8E5M2:     {"FLOAT8E5M2", 8, int32List},
	Float8E5M2FNUZ: {"FLOAT8E5M2FNUZ", 8, int32List},
	Uint4:          {"UINT4", 4, int32List},
	Int4:           {"INT4", 4, int32List},
	Float4E2M1:     {"FLOAT4E2M1", 4, int32List},
	Float8E8M0:     {"FLOAT8E8M0", 8, int32List},
	Uint2:          {"UINT2", 2, int32List},
	Int2:           {"INT2", 2, int32List},
}

// Valid says whether d is an element type this package knows, Undefined not among them.
func (d DataType) Valid() bool { return d > 0 && int(d) < len(dataTypes) }

// String is ONNX's name of the type, such as "FLOAT".
func (d DataType) String() string {
	if d.Valid() || d == Undefined {
		return dataTypes[d].name
	}
	return enumName(nil, int32(d), "DataType")
}

// Bits is the size of one element in raw data: 2 to 128, and 0 for STRING and types that are not Valid.
func (d DataType) Bits() int64 {
	if !d.Valid() {
		return 0
	}
	return dataTypes[d].bits
}

// ByteSize is the number of bytes that n elements of the type take in raw data, elements under a byte packed; false if n
// is negative, the count overflows or the type has no raw form.
func (d DataType) ByteSize(n int64) (int64, bool) {
	bits := d.Bits()
	if bits == 0 || n < 0 || n > (math.MaxInt64-7)/bits {
		return 0, false
	}
	return (n*bits + 7) / 8, true
}

// ElementCount is the product of the dimensions, 1 for none; false if one is negative or the product overflows.
func ElementCount(dims []int64) (int64, bool) {
	n := int64(1)
	for _, d := range dims {
		if d < 0 {
			return 0, false
		}
		if d != 0 && n > math.MaxInt64/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}
