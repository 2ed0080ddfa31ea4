package runtime

import (
	"fmt"

	"github.com/onda-ml/onda/onnx"
)

// call expands a model-local function in place of the node that calls it: its
// nodes join the caller's graph, under names of their own.
func (s *scope) call(n *node, f *onnx.Function) {
	if s.depth >= maxDepth {
		s.fail(n.fail(fmt.Errorf("functions nest deeper than %d", maxDepth)))
		return
	}
	if len(n.in) > len(f.Inputs) {
		s.fail(n.fail(fmt.Errorf("has %d inputs, the function takes %d", len(n.in), len(f.Inputs))))
		return
	}
	if len(n.proto.Outputs) > len(f.Outputs) {
		s.fail(n.fail(fmt.Errorf("has %d outputs, the function makes %d", len(n.proto.Outputs), len(f.Outputs))))
		return
	}
	inner := &scope{b: s.b, g: s.g, names: map[string]int{}, opsets: opsetsOf(f.OpsetImports),
		label: f.Name, depth: s.depth + 1, attrs: map[string]*onnx.Attribute{}}
	for domain, version := range s.opsets {
		if _, own := inner.opsets[domain]; !own {
			inner.opsets[domain] = version
		}
	}
	for _, a := range f.AttributeProtos {
		inner.attrs[a.Name] = a
	}
	for _, a := range n.proto.Attributes {
		inner.attrs[a.Name] = a
	}
	for i, name := range f.Inputs {
		slot := -1
		if i < len(n.in) {
			slot = n.in[i]
		}
		inner.names[name] = slot
	}
	inner.nodes(f.Nodes)
	for i, name := range n.proto.Outputs {
		if name == "" {
			continue
		}
		slot, ok := inner.names[f.Outputs[i]]
		if !ok || slot < 0 {
			s.fail(n.fail(fmt.Errorf("the function's output %q is computed by no node", f.Outputs[i])))
			continue
		}
		if _, twice := s.names[name]; twice {
			s.failf("value %q is defined twice", name)
		}
		s.names[name] = slot
	}
}

// substitute replaces attributes that refer to an attribute of the calling node
// by its value, or leaves them out where the call doesn't give them.
func (s *scope) substitute(p *onnx.Node) *onnx.Node {
	refers := false
	for _, a := range p.Attributes {
		refers = refers || a.RefAttrName != ""
	}
	if !refers {
		return p
	}
	q := *p
	q.Attributes = nil
	for _, a := range p.Attributes {
		if a.RefAttrName != "" {
			given := s.attrs[a.RefAttrName]
			if given == nil {
				continue
			}
			named := *given
			named.Name = a.Name
			named.RefAttrName = ""
			a = &named
		}
		q.Attributes = append(q.Attributes, a)
	}
	return &q
}
