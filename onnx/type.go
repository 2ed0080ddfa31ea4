package onnx

// Type is the type of a value (TypeProto): one of its pointers is set, or none when the type is not known.
type Type struct {
	Denotation string

	Tensor       *TensorType
	Sequence     *Type // of the elements
	Map          *MapType
	Optional     *Type // of the element
	SparseTensor *TensorType
	Opaque       *OpaqueType

	wire         wireState
	sequenceWire wireState // of the message around Sequence
	optionalWire wireState // of the message around Optional
}

// TensorType is an element type and a shape; a nil Shape means that not even the rank is known.
type TensorType struct {
	ElemType DataType
	Shape    *Shape

	wire wireState
}

// MapType is a map from an integer or string type to values.
type MapType struct {
	KeyType DataType
	Value   *Type

	wire wireState
}

// OpaqueType is a type known only to its domain.
type OpaqueType struct {
	Domain, Name string

	wire wireState
}

// Shape is a list of dimensions; an empty one is a scalar's.
type Shape struct {
	Dims []Dim

	wire wireState
}

// Dim is one dimension: a number if HasValue, else a name if Param is not empty, else unknown.
type Dim struct {
	Value      int64
	HasValue   bool
	Param      string
	Denotation string

	wire wireState
}

// DimValue is a dimension of known size.
func DimValue(n int64) Dim { return Dim{Value: n, HasValue: true} }

// DimParam is a dimension known by name, such as "batch".
func DimParam(name string) Dim { return Dim{Param: name} }

// TensorValue is the ValueInfo of a tensor.
func TensorValue(name string, elem DataType, dims ...Dim) *ValueInfo {
	return &ValueInfo{Name: name, Type: &Type{Tensor: &TensorType{ElemType: elem, Shape: &Shape{Dims: dims}}}}
}
