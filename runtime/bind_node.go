package runtime

import (
	"errors"
	"fmt"
	"slices"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
)

// node binds one node, expanding it in place if it calls a function of the
// model.
func (s *scope) node(index int, p *onnx.Node) {
	p = s.substitute(p)
	domain := domainOf(p.Domain)
	n := &node{proto: p, graph: s.label, index: index, id: uint64(s.b.nodes), opset: s.opsets[domain]}
	failed := len(s.b.errs)
	for _, name := range p.Inputs {
		slot := -1
		if name != "" {
			var ok bool
			if slot, ok = s.resolve(name); !ok {
				s.fail(n.fail(fmt.Errorf("input %q is defined by no earlier node, input or initializer", name)))
				slot = -1
			}
		}
		n.in = append(n.in, slot)
	}
	n.in = trim(n.in)
	if len(s.b.errs) == failed {
		n.proto = withoutAbsent(p, n.in)
	}
	if f := s.b.functions[functionKey{domain, p.OpType, p.Overload}]; f != nil {
		s.call(n, f)
		return
	}
	s.bindKernel(n)
	for _, name := range p.Outputs {
		slot := -1
		if name != "" {
			slot = s.define(name)
		}
		n.out = append(n.out, slot)
	}
	n.out = trim(n.out)
	s.g.nodes = append(s.g.nodes, n)
}

// withoutAbsent is p with the inputs left out that name a parameter of a
// function which its call leaves out.
func withoutAbsent(p *onnx.Node, in []int) *onnx.Node {
	absent := func(i int) bool { return p.Inputs[i] != "" && (i >= len(in) || in[i] < 0) }
	for i := range p.Inputs {
		if !absent(i) {
			continue
		}
		q := *p
		q.Inputs = slices.Clone(p.Inputs)
		for j := range q.Inputs {
			if absent(j) {
				q.Inputs[j] = ""
			}
		}
		return &q
	}
	return p
}

func trim(slots []int) []int {
	for len(slots) > 0 && slots[len(slots)-1] < 0 {
		slots = slots[:len(slots)-1]
	}
	return slots
}

func (s *scope) bindKernel(n *node) {
	domain := domainOf(n.proto.Domain)
	if _, imported := s.opsets[domain]; !imported {
		name := domain
		if name == "" {
			name = "ai.onnx"
		}
		s.fail(n.fail(fmt.Errorf("the model imports no opset of domain %q", name)))
		return
	}
	if newest, known := ops.NewestOpset(domain); known && n.opset > newest && !s.b.newer[domain] && !s.b.set.Replaced(domain, n.proto.OpType) {
		s.b.newer[domain] = true // once says it all
		s.fail(n.fail(ops.Unsupportedf("opset newer than %d", newest)))
	}
	for _, a := range n.proto.Attributes {
		if a.SparseTensor == nil {
			continue
		}
		if err := s.b.spread(a.SparseTensor); err != nil {
			s.fail(n.fail(fmt.Errorf("attribute %q: %w", a.Name, err)))
			return
		}
	}
	failed := len(s.b.errs)
	bindBody := func(p *onnx.Graph) (ops.Body, error) { return s.body(n, p) }
	k, v, err := s.b.set.Bind(s.b.blocked(n.proto), n.opset, bindBody)
	// A subgraph's errors are already listed, each with its own node.
	if err != nil && len(s.b.errs) == failed {
		s.fail(n.fail(err))
	}
	n.kernel, n.version, n.replaced = k, v, s.b.set.Replaced(n.proto.Domain, n.proto.OpType)
}

// body binds a subgraph of n.
func (s *scope) body(n *node, p *onnx.Graph) (ops.Body, error) {
	if p == nil {
		return nil, errors.New("the subgraph is missing")
	}
	if s.depth >= maxDepth {
		return nil, fmt.Errorf("subgraphs nest deeper than %d", maxDepth)
	}
	label := p.Name
	if label == "" {
		label = "subgraph of " + n.proto.OpType
	}
	inner := &scope{b: s.b, g: &graph{name: p.Name}, names: map[string]int{}, parent: s,
		opsets: s.opsets, label: label, depth: s.depth + 1, attrs: s.attrs}
	failed := len(s.b.errs)
	inner.graph(p)
	if len(s.b.errs) > failed {
		return nil, errors.New("the subgraph can't be bound")
	}
	body := &body{g: inner.g, base: len(n.captures), index: len(n.bodies)}
	for _, a := range n.proto.Attributes {
		if a.G == p {
			body.attr = a.Name
		}
	}
	n.captures = append(n.captures, inner.captured...)
	n.bodies = append(n.bodies, body)
	return body, nil
}
