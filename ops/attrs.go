package ops

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// Attrs reads one node's attributes for a constructor. It keeps the first
// error, so constructors read everything and look once; [Attrs.Done] adds a
// refusal of whatever nobody read.
type Attrs struct {
	// Opset is the version of the node's domain that the model imports.
	Opset int64
	// Inputs and Outputs tell which of the node's inputs and outputs are named,
	// up to the last that is.
	Inputs, Outputs []bool

	byName map[string]*onnx.Attribute
	read   map[string]bool
	bind   func(*onnx.Graph) (Body, error)
	err    error
}

// NewAttrs prepares the attributes of node for its constructor. bind turns a
// subgraph attribute into a Body; it may be nil where none can occur.
func NewAttrs(node *onnx.Node, opset int64, bind func(*onnx.Graph) (Body, error)) *Attrs {
	a := &Attrs{Opset: opset, byName: map[string]*onnx.Attribute{}, read: map[string]bool{}, bind: bind}
	for _, at := range node.Attributes {
		if a.byName[at.Name] != nil {
			a.fail(at.Name, errors.New("given twice"))
		}
		a.byName[at.Name] = at
	}
	for _, n := range node.Inputs[:named(node.Inputs)] {
		a.Inputs = append(a.Inputs, n != "")
	}
	for _, n := range node.Outputs[:named(node.Outputs)] {
		a.Outputs = append(a.Outputs, n != "")
	}
	return a
}

func (a *Attrs) fail(name string, err error) {
	if a.err == nil {
		a.err = fmt.Errorf("attribute %q: %w", name, err)
	}
}

// Fail records that attribute name has a value that the operator can't have.
func (a *Attrs) Fail(name, format string, args ...any) { a.fail(name, fmt.Errorf(format, args...)) }

// Unsupported records that attribute name has a value that is right but beyond
// this build.
func (a *Attrs) Unsupported(name, format string, args ...any) {
	a.fail(name, Unsupportedf(format, args...))
}

// Done is the first error, or the refusal of attributes that nobody read.
func (a *Attrs) Done() error {
	if a.err != nil {
		return a.err
	}
	var left []string
	for name := range a.byName {
		if !a.read[name] {
			left = append(left, fmt.Sprintf("%q", name))
		}
	}
	if len(left) == 0 {
		return nil
	}
	slices.Sort(left)
	noun := "attribute"
	if len(left) > 1 {
		noun = "attributes"
	}
	return Unsupportedf("%s %s", noun, strings.Join(left, ", "))
}

// Has reports whether the attribute is given, and counts as reading it.
func (a *Attrs) Has(name string) bool { return a.get(name) != nil }

func (a *Attrs) get(name string) *onnx.Attribute {
	a.read[name] = true
	return a.byName[name]
}

func (a *Attrs) typed(name string, t onnx.AttributeType) *onnx.Attribute {
	at := a.get(name)
	if at == nil {
		return nil
	}
	if at.Type != t {
		a.fail(name, fmt.Errorf("has type %v, expected %v", at.Type, t))
		return nil
	}
	return at
}

// Ignore accepts attributes that don't change what this operator computes,
// such as training hints.
func (a *Attrs) Ignore(names ...string) {
	for _, n := range names {
		a.read[n] = true
	}
}

// Int is an INT attribute, or def where it is absent.
func (a *Attrs) Int(name string, def int64) int64 {
	if at := a.typed(name, onnx.AttributeInt); at != nil {
		return at.I
	}
	return def
}

// Bool is an INT attribute taken as false if it is 0, else as true; def where it
// is absent.
func (a *Attrs) Bool(name string, def bool) bool {
	at := a.typed(name, onnx.AttributeInt)
	if at == nil {
		return def
	}
	return at.I != 0
}

// Float is a FLOAT attribute, or def where it is absent.
func (a *Attrs) Float(name string, def float32) float32 {
	if at := a.typed(name, onnx.AttributeFloat); at != nil {
		return at.F
	}
	return def
}

// String is a STRING attribute, or def where it is absent.
func (a *Attrs) String(name, def string) string {
	if at := a.typed(name, onnx.AttributeString); at != nil {
		return string(at.S)
	}
	return def
}

// Enum is a STRING attribute that must be one of allowed.
func (a *Attrs) Enum(name, def string, allowed ...string) string {
	s := a.String(name, def)
	if a.Has(name) && !slices.Contains(allowed, s) {
		a.fail(name, fmt.Errorf("is %q, expected one of %s", s, strings.Join(allowed, ", ")))
	}
	return s
}

// Ints is an INTS attribute, nil where it is absent.
func (a *Attrs) Ints(name string) []int64 {
	if at := a.typed(name, onnx.AttributeInts); at != nil {
		return at.Ints
	}
	return nil
}

// Floats is a FLOATS attribute, nil where it is absent.
func (a *Attrs) Floats(name string) []float32 {
	if at := a.typed(name, onnx.AttributeFloats); at != nil {
		return at.Floats
	}
	return nil
}

// Strings is a STRINGS attribute, nil where it is absent.
func (a *Attrs) Strings(name string) []string {
	at := a.typed(name, onnx.AttributeStrings)
	if at == nil {
		return nil
	}
	out := make([]string, len(at.Strings))
	for i, s := range at.Strings {
		out[i] = string(s)
	}
	return out
}

// Tensor is a TENSOR attribute, nil where it is absent.
func (a *Attrs) Tensor(name string) *tensor.Tensor {
	at := a.typed(name, onnx.AttributeTensor)
	if at == nil {
		return nil
	}
	t, err := tensor.FromONNX(at.T)
	if err != nil {
		a.fail(name, err)
	}
	return t
}

// SparseTensor is a SPARSE_TENSOR attribute made dense, nil where it is absent.
func (a *Attrs) SparseTensor(name string) *tensor.Tensor {
	at := a.typed(name, onnx.AttributeSparseTensor)
	if at == nil {
		return nil
	}
	t, err := tensor.FromSparseONNX(at.SparseTensor)
	if err != nil {
		a.fail(name, err)
	}
	return t
}

// DType is an INT attribute that names an element type, def where it is
// absent.
func (a *Attrs) DType(name string, def tensor.DType) tensor.DType {
	at := a.typed(name, onnx.AttributeInt)
	if at == nil {
		return def
	}
	dt := tensor.DType(at.I)
	if at.I < 0 || at.I > 255 || !dt.Valid() {
		a.fail(name, fmt.Errorf("is %d, which is no element type", at.I))
	}
	return dt
}

// Type is a TYPE_PROTO attribute, nil where it is absent.
func (a *Attrs) Type(name string) *onnx.Type {
	if at := a.typed(name, onnx.AttributeTypeProto); at != nil {
		return at.TypeProto
	}
	return nil
}

// Body is a GRAPH attribute, bound; a missing one is an error.
func (a *Attrs) Body(name string) Body {
	at := a.typed(name, onnx.AttributeGraph)
	if at == nil {
		a.fail(name, errors.New("is missing"))
		return nil
	}
	if a.bind == nil {
		a.fail(name, Unsupportedf("subgraph here"))
		return nil
	}
	b, err := a.bind(at.G)
	if err != nil {
		a.fail(name, err)
	}
	return b
}

// BodyOutputs is what the subgraph of a GRAPH attribute declares of each of its
// outputs: the zero Fact where that isn't a tensor.
func (a *Attrs) BodyOutputs(name string) []Fact {
	at := a.typed(name, onnx.AttributeGraph)
	if at == nil || at.G == nil {
		return nil
	}
	facts := make([]Fact, len(at.G.Outputs))
	for i, v := range at.G.Outputs {
		if v == nil || v.Type == nil || v.Type.Tensor == nil {
			continue
		}
		f := Fact{DType: tensor.DType(v.Type.Tensor.ElemType)}
		if s := v.Type.Tensor.Shape; s != nil {
			f.Ranked = true
			for _, d := range s.Dims {
				extent := Unknown
				if d.HasValue && d.Value >= 0 && d.Value <= math.MaxInt {
					extent = int(d.Value)
				}
				f.Shape = append(f.Shape, extent)
			}
		}
		facts[i] = f
	}
	return facts
}

// Require records an error where the attribute is absent.
func (a *Attrs) Require(names ...string) {
	for _, n := range names {
		if a.byName[n] == nil {
			a.fail(n, errors.New("is missing"))
		}
	}
}
