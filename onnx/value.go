package onnx

// ValueKind says which list or field of a Sequence or OptionalValue holds its elements.
type ValueKind int32

// The kinds of element.
const (
	KindUndefined    ValueKind = 0
	KindTensor       ValueKind = 1
	KindSparseTensor ValueKind = 2
	KindSequence     ValueKind = 3
	KindMap          ValueKind = 4
	KindOptional     ValueKind = 5
)

// Sequence is a value of sequence type (SequenceProto), as test-data folders hold them.
type Sequence struct {
	Name          string
	ElemType      ValueKind
	Tensors       []*Tensor
	SparseTensors []*SparseTensor
	Sequences     []*Sequence
	Maps          []*Map
	Optionals     []*OptionalValue

	wire wireState
}

// Map is a value of map type (MapProto): Keys or StringKeys, in step with the elements of Values.
type Map struct {
	Name       string
	KeyType    DataType
	Keys       []int64
	StringKeys [][]byte
	Values     *Sequence

	wire wireState
}

// OptionalValue is a value of optional type (OptionalProto); without any value it is empty.
type OptionalValue struct {
	Name         string
	ElemType     ValueKind
	Tensor       *Tensor
	SparseTensor *SparseTensor
	Sequence     *Sequence
	Map          *Map
	Optional     *OptionalValue

	wire wireState
}
