package tensor

import "fmt"

// DType is an element type. Its numbers are those of ONNX's
// TensorProto.DataType.
type DType uint8

// The element types of ONNX.
const (
	Undefined      DType = 0
	Float32        DType = 1
	Uint8          DType = 2
	Int8           DType = 3
	Uint16         DType = 4
	Int16          DType = 5
	Int32          DType = 6
	Int64          DType = 7
	String         DType = 8
	Bool           DType = 9
	Float16        DType = 10
	Float64        DType = 11
	Uint32         DType = 12
	Uint64         DType = 13
	Complex64      DType = 14
	Complex128     DType = 15
	BFloat16       DType = 16
	Float8E4M3FN   DType = 17
	Float8E4M3FNUZ DType = 18
	Float8E5M2     DType = 19
	Float8E5M2FNUZ DType = 20
	Uint4          DType = 21
	Int4           DType = 22
	Float4E2M1     DType = 23
	Float8E8M0     DType = 24
	Uint2          DType = 25
	Int2           DType = 26
)

// info is what the package knows of one element type.
type info struct {
	name string // as ONNX writes it in a type string: tensor(NAME)
	size int    // bytes an element takes in memory
	bits int    // bits an element takes in a file's raw data
}

var infos = [...]info{
	Undefined:      {"undefined", 0, 0},
	Float32:        {"float", 4, 32},
	Uint8:          {"uint8", 1, 8},
	Int8:           {"int8", 1, 8},
	Uint16:         {"uint16", 2, 16},
	Int16:          {"int16", 2, 16},
	Int32:          {"int32", 4, 32},
	Int64:          {"int64", 8, 64},
	String:         {"string", 0, 0},
	Bool:           {"bool", 1, 8},
	Float16:        {"float16", 2, 16},
	Float64:        {"double", 8, 64},
	Uint32:         {"uint32", 4, 32},
	Uint64:         {"uint64", 8, 64},
	Complex64:      {"complex64", 8, 64},
	Complex128:     {"complex128", 16, 128},
	BFloat16:       {"bfloat16", 2, 16},
	Float8E4M3FN:   {"float8e4m3fn", 1, 8},
	Float8E4M3FNUZ: {"float8e4m3fnuz", 1, 8},
	Float8E5M2:     {"float8e5m2", 1, 8},
	Float8E5M2FNUZ: {"float8e5m2fnuz", 1, 8},
	Uint4:          {"uint4", 1, 4},
	Int4:           {"int4", 1, 4},
	Float4E2M1:     {"float4e2m1", 1, 4},
	Float8E8M0:     {"float8e8m0", 1, 8},
	Uint2:          {"uint2", 1, 2},
	Int2:           {"int2", 1, 2},
}

// String is the name ONNX gives the type inside tensor(NAME), such as float,
// double, int64 or float8e4m3fn.
func (d DType) String() string {
	if int(d) < len(infos) {
		return infos[d].name
	}
	return fmt.Sprintf("dtype(%d)", uint8(d))
}

// Valid reports whether d is one of the types above other than Undefined.
func (d DType) Valid() bool { return d != Undefined && int(d) < len(infos) }

// Size is the number of bytes of one element in memory. Types of fewer than
// eight bits take one byte each: movement and indexing are the same code for
// every type, and packing happens only at the file's edge. It is 0 for String.
func (d DType) Size() int {
	if int(d) < len(infos) {
		return infos[d].size
	}
	return 0
}

// Bits is the number of bits of one element in a file's raw data, 0 for String.
func (d DType) Bits() int {
	if int(d) < len(infos) {
		return infos[d].bits
	}
	return 0
}

// IsFloat reports whether d is a floating-point type of any width.
func (d DType) IsFloat() bool {
	switch d {
	case Float16, Float32, Float64, BFloat16, Float8E4M3FN, Float8E4M3FNUZ, Float8E5M2, Float8E5M2FNUZ, Float4E2M1, Float8E8M0:
		return true
	}
	return false
}

// IsInteger reports whether d is a signed or unsigned integer type.
func (d DType) IsInteger() bool { return d.IsSigned() || d.IsUnsigned() }

// IsSigned reports whether d is a signed integer type.
func (d DType) IsSigned() bool {
	switch d {
	case Int2, Int4, Int8, Int16, Int32, Int64:
		return true
	}
	return false
}

// IsUnsigned reports whether d is an unsigned integer type.
func (d DType) IsUnsigned() bool {
	switch d {
	case Uint2, Uint4, Uint8, Uint16, Uint32, Uint64:
		return true
	}
	return false
}

// The Go types of the elements that Go has no type for. Each holds the bit
// pattern; those of fewer than eight bits hold it in the low bits (I4 and I2
// hold the value itself).
type (
	F16      uint16 // IEEE 754 binary16
	BF16     uint16 // bfloat16: the upper half of a float32
	F8E4M3   uint8  // float8e4m3fn
	F8E4M3UZ uint8  // float8e4m3fnuz
	F8E5M2   uint8  // float8e5m2
	F8E5M2UZ uint8  // float8e5m2fnuz
	F8E8M0   uint8  // float8e8m0: a power of two
	F4E2M1   uint8  // float4e2m1
	U4       uint8  // 0..15
	I4       int8   // -8..7
	U2       uint8  // 0..3
	I2       int8   // -2..1
)

// Elem is the set of Go types that elements have.
type Elem interface {
	float32 | float64 | int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | bool | string |
		complex64 | complex128 | F16 | BF16 | F8E4M3 | F8E4M3UZ | F8E5M2 | F8E5M2UZ | F8E8M0 | F4E2M1 | U4 | I4 | U2 | I2
}

// DTypeOf is the DType whose elements have the Go type T.
func DTypeOf[T Elem]() DType {
	var zero T
	switch any(zero).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case int8:
		return Int8
	case int16:
		return Int16
	case int32:
		return Int32
	case int64:
		return Int64
	case uint8:
		return Uint8
	case uint16:
		return Uint16
	case uint32:
		return Uint32
	case uint64:
		return Uint64
	case bool:
		return Bool
	case string:
		return String
	case complex64:
		return Complex64
	case complex128:
		return Complex128
	case F16:
		return Float16
	case BF16:
		return BFloat16
	case F8E4M3:
		return Float8E4M3FN
	case F8E4M3UZ:
		return Float8E4M3FNUZ
	case F8E5M2:
		return Float8E5M2
	case F8E5M2UZ:
		return Float8E5M2FNUZ
	case F8E8M0:
		return Float8E8M0
	case F4E2M1:
		return Float4E2M1
	case U4:
		return Uint4
	case I4:
		return Int4
	case U2:
		return Uint2
	case I2:
		return Int2
	}
	return Undefined
}
