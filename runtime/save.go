package runtime

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// SaveOptimized writes the model as it was rewritten at load: folded, merged,
// fused, functions expanded. Operators that stand for several of ONNX's are in
// the domain "onda", which this package runs; other runtimes read the file only
// where none occurs. The file is written beside path first and then moved there.
func (m *Model) SaveOptimized(path string) error {
	if m.opt == nil {
		return errors.New("runtime: the model was loaded at level Plain, which rewrites nothing")
	}
	// The rewritten graph that runs has given up constants for packed kernels,
	// so that it is made again, without packing.
	memory := m.budget()
	g, err := bind(m.proto, m.config, &memory)
	if err != nil {
		return err
	}
	again := &Model{proto: m.proto, graph: g, compiler: m.compiler}
	again.unpacked = true
	again.ports()
	if err := again.optimise(); err != nil {
		return fmt.Errorf("runtime: %w", err)
	}
	p, err := again.export()
	if err != nil {
		return fmt.Errorf("runtime: %w", err)
	}
	return p.Save(path)
}

// export is the file of a rewritten model.
func (m *Model) export() (*onnx.Model, error) {
	p := *m.proto
	p.Functions, p.TrainingInfo = nil, nil
	p.IRVersion = max(p.IRVersion, 8)
	p.OpsetImports = append(slices.Clone(p.OpsetImports), onnx.OpsetImport{Domain: ops.FusedDomain, Version: 1})
	e := &exporter{set: m.config.set, opsets: opsetsOf(p.OpsetImports), taken: map[string]bool{"": true}}
	g := &onnx.Graph{Name: m.proto.Graph.Name, Outputs: m.proto.Graph.Outputs}
	names := map[int]string{}
	for i, port := range m.inputs {
		at := slices.IndexFunc(m.proto.Graph.Inputs, func(v *onnx.ValueInfo) bool { return v.Name == port.Name })
		g.Inputs = append(g.Inputs, m.proto.Graph.Inputs[at])
		names[m.opt.inputs[i]] = port.Name
		e.taken[port.Name] = true
		if m.defaults[i] != nil {
			g.Initializers = append(g.Initializers, tensor.ToONNX(port.Name, m.defaults[i]))
		}
	}
	for _, port := range m.outputs {
		e.taken[port.Name] = true
	}
	for i, s := range m.opt.outputs {
		if _, named := names[s]; !named && !isConstant(m.opt, s) {
			names[s] = m.outputs[i].Name
		}
	}
	if err := e.graph(g, m.opt, names); err != nil {
		return nil, err
	}
	p.OpsetImports = append(p.OpsetImports, e.imports...)
	for i, s := range m.opt.outputs {
		if name := m.outputs[i].Name; names[s] != name { // an input, a constant, or an output twice
			g.Nodes = append(g.Nodes, &onnx.Node{OpType: "Identity", Inputs: []string{names[s]}, Outputs: []string{name}})
		}
	}
	p.Graph = g
	return &p, nil
}

func isConstant(g *graph, slot int) bool {
	return slices.ContainsFunc(g.consts, func(k constant) bool { return k.slot == slot })
}

// exporter writes graphs whose values have slots as graphs whose values have
// names.
type exporter struct {
	set    *ops.Set
	opsets map[string]int64
	taken  map[string]bool
	// imports are of domains that the model had no node of before it was
	// rewritten.
	imports []onnx.OpsetImport
}

// graph writes the constants and nodes of g into p. names has the names of the
// values that have one already.
func (e *exporter) graph(p *onnx.Graph, g *graph, names map[int]string) error {
	for _, k := range g.consts {
		if _, named := names[k.slot]; !named {
			p.Initializers = append(p.Initializers, tensor.ToONNX(e.name(g, names, k.slot), k.value))
		}
	}
	for _, n := range g.nodes {
		q, err := e.node(g, n, names)
		if err != nil {
			return n.fail(err)
		}
		p.Nodes = append(p.Nodes, q)
	}
	return nil
}

// name is the name of a slot: its own, with a number where another value has it.
func (e *exporter) name(g *graph, names map[int]string, slot int) string {
	if slot < 0 {
		return ""
	}
	if name, named := names[slot]; named {
		return name
	}
	name := g.slots[slot]
	for i := 1; e.taken[name]; i++ {
		name = g.slots[slot] + "." + strconv.Itoa(i)
	}
	e.taken[name], names[slot] = true, name
	return name
}

func (e *exporter) node(g *graph, n *node, names map[int]string) (*onnx.Node, error) {
	domain := domainOf(n.proto.Domain)
	if _, imported := e.opsets[domain]; !imported {
		e.opsets[domain] = n.opset
		e.imports = append(e.imports, onnx.OpsetImport{Domain: domain, Version: n.opset})
	}
	if v, err := e.set.Lookup(domain, n.proto.OpType, e.opsets[domain]); err != nil || v.Since != n.version.Since {
		return nil, fmt.Errorf("means opset %d, the model imports %d", n.opset, e.opsets[domain])
	}
	q := &onnx.Node{Name: n.proto.Name, OpType: n.proto.OpType, Domain: n.proto.Domain, Attributes: slices.Clone(n.proto.Attributes)}
	for _, s := range n.in {
		q.Inputs = append(q.Inputs, e.name(g, names, s))
	}
	for _, b := range n.bodies {
		inner, err := e.body(g, n, b, names)
		if err != nil {
			return nil, err
		}
		for i, a := range q.Attributes {
			if a.Name == b.attr {
				q.Attributes[i] = onnx.AttrGraph(a.Name, inner)
			}
		}
	}
	for _, s := range n.out {
		q.Outputs = append(q.Outputs, e.name(g, names, s))
	}
	return q, nil
}

// body writes a subgraph. What it captures has the enclosing graph's names.
func (e *exporter) body(outer *graph, n *node, b *body, names map[int]string) (*onnx.Graph, error) {
	g := b.latest()
	p := &onnx.Graph{Name: g.name}
	if p.Name == "" {
		p.Name = b.attr
	}
	inner := map[int]string{}
	for i, s := range g.captures {
		if s >= 0 {
			inner[s] = e.name(outer, names, n.captures[b.base+i])
		}
	}
	file := n.proto.Attribute(b.attr).G
	for i, s := range g.inputs {
		p.Inputs = append(p.Inputs, &onnx.ValueInfo{Name: e.name(g, inner, s), Type: file.Inputs[i].Type})
	}
	if err := e.graph(p, g, inner); err != nil {
		return nil, err
	}
	own := map[int]bool{}
	for _, m := range g.nodes {
		for _, s := range m.out {
			own[s] = true
		}
	}
	for i, s := range g.outputs {
		name := e.name(g, inner, s)
		if !own[s] { // an input, a constant, a captured value, or an output twice
			copied := name + ".out"
			for k := 1; e.taken[copied]; k++ {
				copied = name + ".out" + strconv.Itoa(k)
			}
			e.taken[copied] = true
			p.Nodes = append(p.Nodes, &onnx.Node{OpType: "Identity", Inputs: []string{name}, Outputs: []string{copied}})
			name = copied
		}
		own[s] = false
		p.Outputs = append(p.Outputs, &onnx.ValueInfo{Name: name, Type: file.Outputs[i].Type})
	}
	return p, nil
}
