package onnxgo

import (
	"context"
	"fmt"
	"strconv"

	onnxgo "github.com/owulveryck/onnx-go"
	gorgonia "gorgonia.org/tensor"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// DefaultOpset is the opset that a node is taken to be of, unless its inputs and
// attributes only make sense in another: onnx-go's decoder was written for it.
const DefaultOpset = 9

// plan is a compiled graph.
type plan struct {
	model  *runtime.Model
	inputs []*Node
}

// Run computes every value of the graph that an operation makes.
func (g *Graph) Run() error {
	if g.plan == nil {
		p, err := g.compile()
		if err != nil {
			return err
		}
		g.plan = p
	}
	inputs := map[string]*tensor.Tensor{}
	for _, n := range g.plan.inputs {
		t, err := fromGorgonia(n.value)
		if err == nil && n.typed {
			t, err = convert(t, n.dtype)
		}
		if err != nil {
			return fmt.Errorf("onnxgo: value %q: %w", n.name, err)
		}
		inputs[n.key()] = t
	}
	out, err := g.plan.model.Run(context.Background(), inputs)
	if err != nil {
		return err
	}
	for _, c := range g.calls {
		for _, n := range c.outputs {
			t := out[n.key()]
			if t == nil {
				continue
			}
			if n.value, err = toGorgonia(t); err != nil {
				return fmt.Errorf("onnxgo: value %q: %w", n.name, err)
			}
		}
	}
	return nil
}

// key is the node's name within the compiled model.
func (n *Node) key() string { return "v" + strconv.FormatInt(n.id, 10) }

// compile makes a model of the graph. Every operation becomes a function of the
// model, because a function may import an opset of its own.
func (g *Graph) compile() (*plan, error) {
	const domain = "onnxgo"
	m := &onnx.Model{IRVersion: 10, Graph: &onnx.Graph{Name: "onnx-go"},
		OpsetImports: []onnx.OpsetImport{{Domain: "", Version: DefaultOpset}, {Domain: domain, Version: 1}}}
	p := &plan{}
	seen := map[*Node]bool{}
	for i, c := range g.calls {
		inner, outer := &onnx.Node{OpType: c.op.Name, Name: c.outputs[0].name}, &onnx.Node{OpType: "op" + strconv.Itoa(i), Domain: domain}
		f := &onnx.Function{Name: outer.OpType, Domain: domain}
		for _, in := range c.inputs {
			if in == nil || in.maker == nil && in.value == nil { // an optional input left out
				inner.Inputs = append(inner.Inputs, "")
				continue
			}
			if in.maker == nil && !seen[in] {
				seen[in] = true
				p.inputs = append(p.inputs, in)
				m.Graph.Inputs = append(m.Graph.Inputs, &onnx.ValueInfo{Name: in.key()})
			}
			inner.Inputs = append(inner.Inputs, in.key())
			outer.Inputs = append(outer.Inputs, in.key())
			f.Inputs = appendNew(f.Inputs, in.key())
		}
		outer.Inputs = f.Inputs
		for len(inner.Inputs) > 0 && inner.Inputs[len(inner.Inputs)-1] == "" {
			inner.Inputs = inner.Inputs[:len(inner.Inputs)-1]
		}
		for _, n := range c.outputs {
			if n.name == "" {
				inner.Outputs = append(inner.Outputs, "")
				continue
			}
			inner.Outputs = append(inner.Outputs, n.key())
			f.Outputs = append(f.Outputs, n.key())
			m.Graph.Outputs = append(m.Graph.Outputs, &onnx.ValueInfo{Name: n.key()})
		}
		outer.Outputs = f.Outputs
		var err error
		if inner.Attributes, err = attributes(c.op); err != nil {
			return nil, err
		}
		opset, err := opsetOf(inner)
		if err != nil {
			return nil, &onnxgo.ErrNotImplemented{Operator: c.op.Name, Message: err.Error()}
		}
		f.OpsetImports = []onnx.OpsetImport{{Domain: "", Version: opset}}
		f.Nodes = []*onnx.Node{inner}
		m.Functions = append(m.Functions, f)
		m.Graph.Nodes = append(m.Graph.Nodes, outer)
	}
	var err error
	p.model, err = runtime.Compile(m)
	return p, err
}

func appendNew(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}

// standard is the set of operators that graphs run on.
var standard = ops.Standard()

func known(name string) bool {
	_, err := standard.Lookup("", name, 1<<30)
	return err == nil
}

// opsetOf is the opset nearest to DefaultOpset, newer ones first, that accepts
// the node. The error is that of DefaultOpset.
func opsetOf(n *onnx.Node) (int64, error) {
	_, _, first := standard.Bind(n, DefaultOpset, nil)
	if first == nil {
		return DefaultOpset, nil
	}
	for opset := int64(DefaultOpset + 1); opset <= 30; opset++ {
		if _, _, err := standard.Bind(n, opset, nil); err == nil {
			return opset, nil
		}
	}
	for opset := int64(DefaultOpset - 1); opset >= 1; opset-- {
		if _, _, err := standard.Bind(n, opset, nil); err == nil {
			return opset, nil
		}
	}
	return 0, first
}

// attributes turns the attributes that onnx-go decoded back into ONNX's.
func attributes(op onnxgo.Operation) ([]*onnx.Attribute, error) {
	var out []*onnx.Attribute
	for name, v := range op.Attributes {
		switch v := v.(type) {
		case float32:
			out = append(out, onnx.AttrFloat(name, v))
		case int64:
			out = append(out, onnx.AttrInt(name, v))
		case string:
			out = append(out, onnx.AttrString(name, v))
		case []float32:
			out = append(out, onnx.AttrFloats(name, v...))
		case []int64:
			out = append(out, onnx.AttrInts(name, v...))
		case []string:
			out = append(out, onnx.AttrStrings(name, v...))
		case gorgonia.Tensor:
			t, err := fromGorgonia(v)
			if err != nil {
				return nil, fmt.Errorf("onnxgo: operation %s: attribute %q: %w", op.Name, name, err)
			}
			out = append(out, onnx.AttrTensor(name, tensor.ToONNX("", t)))
		default:
			return nil, &onnxgo.ErrNotImplemented{Operator: op.Name, AttributeName: name, AttributeValue: v, Message: fmt.Sprintf("an attribute of type %T", v)}
		}
	}
	return out, nil
}
