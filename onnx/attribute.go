package onnx

// AttributeType says which field of an Attribute holds its value.
type AttributeType int32

// The attribute types, with ONNX's numbers.
const (
	AttributeUndefined     AttributeType = 0
	AttributeFloat         AttributeType = 1
	AttributeInt           AttributeType = 2
	AttributeString        AttributeType = 3
	AttributeTensor        AttributeType = 4
	AttributeGraph         AttributeType = 5
	AttributeFloats        AttributeType = 6
	AttributeInts          AttributeType = 7
	AttributeStrings       AttributeType = 8
	AttributeTensors       AttributeType = 9
	AttributeGraphs        AttributeType = 10
	AttributeSparseTensor  AttributeType = 11
	AttributeSparseTensors AttributeType = 12
	AttributeTypeProto     AttributeType = 13
	AttributeTypeProtos    AttributeType = 14
)

var attributeTypeNames = [...]string{"UNDEFINED", "FLOAT", "INT", "STRING", "TENSOR", "GRAPH", "FLOATS", "INTS", "STRINGS",
	"TENSORS", "GRAPHS", "SPARSE_TENSOR", "SPARSE_TENSORS", "TYPE_PROTO", "TYPE_PROTOS"}

// String is ONNX's name of the type, such as "INTS".
func (t AttributeType) String() string {
	return enumName(attributeTypeNames[:], int32(t), "AttributeType")
}

// Attribute is a named constant of a node (AttributeProto): Type says which of the fields from F on holds the value.
// Inside a function RefAttrName may name the function's attribute whose value to take instead. To give an attribute that
// was read from a file another type, put a new one in its place.
type Attribute struct {
	Name        string
	RefAttrName string
	DocString   string
	Type        AttributeType

	F             float32
	I             int64
	S             []byte
	T             *Tensor
	G             *Graph
	SparseTensor  *SparseTensor
	TypeProto     *Type
	Floats        []float32
	Ints          []int64
	Strings       [][]byte
	Tensors       []*Tensor
	Graphs        []*Graph
	SparseTensors []*SparseTensor
	TypeProtos    []*Type

	wire wireState
}

// AttrFloat is a FLOAT attribute.
func AttrFloat(name string, v float32) *Attribute {
	return &Attribute{Name: name, Type: AttributeFloat, F: v}
}

// AttrInt is an INT attribute.
func AttrInt(name string, v int64) *Attribute {
	return &Attribute{Name: name, Type: AttributeInt, I: v}
}

// AttrString is a STRING attribute.
func AttrString(name, v string) *Attribute {
	return &Attribute{Name: name, Type: AttributeString, S: []byte(v)}
}

// AttrTensor is a TENSOR attribute.
func AttrTensor(name string, v *Tensor) *Attribute {
	return &Attribute{Name: name, Type: AttributeTensor, T: v}
}

// AttrGraph is a GRAPH attribute.
func AttrGraph(name string, v *Graph) *Attribute {
	return &Attribute{Name: name, Type: AttributeGraph, G: v}
}

// AttrFloats is a FLOATS attribute.
func AttrFloats(name string, v ...float32) *Attribute {
	return &Attribute{Name: name, Type: AttributeFloats, Floats: v}
}

// AttrInts is an INTS attribute.
func AttrInts(name string, v ...int64) *Attribute {
	return &Attribute{Name: name, Type: AttributeInts, Ints: v}
}

// AttrStrings is a STRINGS attribute.
func AttrStrings(name string, v ...string) *Attribute {
	s := make([][]byte, len(v))
	for i := range v {
		s[i] = []byte(v[i])
	}
	return &Attribute{Name: name, Type: AttributeStrings, Strings: s}
}

// AttrRef is an attribute of a node inside a function that takes the value of the function's attribute ref.
func AttrRef(name string, t AttributeType, ref string) *Attribute {
	return &Attribute{Name: name, Type: t, RefAttrName: ref}
}
