package runtime

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// Kind is the kind of value a port carries.
type Kind string

// The kinds of ONNX values.
const (
	KindTensor   Kind = "tensor"
	KindSequence Kind = "sequence"
	KindOptional Kind = "optional"
	KindMap      Kind = "map"
	KindUnknown  Kind = "unknown"
)

// Port is an input or output of a model.
type Port struct {
	Name     string       // the key in the maps of Run
	Kind     Kind         // tensor, sequence, optional, map
	DType    tensor.DType // of a tensor, or of a sequence's or optional's tensors
	Shape    []Dim        // of a tensor
	Ranked   bool         // the model states the rank
	Optional bool         // an input with a default
}

// Dim is one extent of a port: Size where the model fixes it, else -1 with the
// symbol's name, which may be empty.
type Dim struct {
	Size int
	Name string
}

// String writes the extent as the model does: 24, or batch, or ?.
func (d Dim) String() string {
	switch {
	case d.Size >= 0:
		return strconv.Itoa(d.Size)
	case d.Name != "":
		return d.Name
	}
	return "?"
}

// String writes the port's type as float(batch, 24).
func (p Port) String() string {
	if p.Kind != KindTensor {
		return fmt.Sprintf("%s(%v)", p.Kind, p.DType)
	}
	if !p.Ranked {
		return p.DType.String() + "(...)"
	}
	dims := make([]string, len(p.Shape))
	for i, d := range p.Shape {
		dims[i] = d.String()
	}
	return p.DType.String() + "(" + strings.Join(dims, ", ") + ")"
}

func portOf(v *onnx.ValueInfo) Port {
	p := Port{Name: v.Name, Kind: KindUnknown}
	p.fill(v.Type)
	return p
}

func (p *Port) fill(t *onnx.Type) {
	if t == nil {
		return
	}
	switch {
	case t.Tensor != nil:
		if p.Kind == KindUnknown {
			p.Kind = KindTensor
		}
		p.DType = tensor.DType(t.Tensor.ElemType)
		if p.Kind == KindTensor && t.Tensor.Shape != nil {
			p.Ranked = true
			for _, d := range t.Tensor.Shape.Dims {
				p.Shape = append(p.Shape, dimOf(d))
			}
		}
	case t.Sequence != nil:
		if p.Kind == KindUnknown {
			p.Kind = KindSequence
		}
		p.fill(t.Sequence)
	case t.Optional != nil:
		if p.Kind == KindUnknown {
			p.Kind = KindOptional
		}
		p.fill(t.Optional)
	case t.Map != nil:
		if p.Kind == KindUnknown {
			p.Kind = KindMap
		}
	}
}

// fact is what the port promises of its value.
func (p Port) fact() ops.Fact {
	if p.Kind != KindTensor {
		return ops.Fact{}
	}
	f := ops.Fact{DType: p.DType, Ranked: p.Ranked && p.DType != tensor.Undefined}
	if !f.Ranked {
		return ops.Unranked(p.DType)
	}
	for _, d := range p.Shape {
		f.Shape = append(f.Shape, max(d.Size, ops.Unknown))
	}
	return f
}

func dimOf(d onnx.Dim) Dim {
	if d.HasValue && d.Value >= 0 && int64(int(d.Value)) == d.Value {
		return Dim{Size: int(d.Value)}
	}
	return Dim{Size: -1, Name: d.Param}
}

// accepts checks a value against the port; sizes holds what the run's other
// inputs made of the symbols.
func (p Port) accepts(v tensor.Value, sizes map[string]int) error {
	if got := kindOf(v); p.Kind != KindUnknown && string(p.Kind) != got && p.Kind != KindOptional {
		return fmt.Errorf("is a %s, expected a %s", got, p.Kind)
	}
	t, ok := v.(*tensor.Tensor)
	if !ok {
		return nil
	}
	if p.DType != tensor.Undefined && t.DType() != p.DType {
		return fmt.Errorf("has type %v, expected %v", t.DType(), p.DType)
	}
	if !p.Ranked || p.Kind != KindTensor {
		return nil
	}
	if t.Rank() != len(p.Shape) {
		return fmt.Errorf("has shape %v, expected %v", t.Shape(), p)
	}
	for i, d := range p.Shape {
		size := t.Dim(i)
		if d.Size >= 0 && d.Size != size {
			return fmt.Errorf("has shape %v, expected %v", t.Shape(), p)
		}
		if d.Size < 0 && d.Name != "" {
			if other, seen := sizes[d.Name]; seen && other != size {
				return fmt.Errorf("has shape %v, but %s is %d in another input", t.Shape(), d.Name, other)
			}
			sizes[d.Name] = size
		}
	}
	return nil
}
