package onnx

import (
	"errors"
	"fmt"
)

// oldestIRVersion is the first version of the format with opset imports.
const oldestIRVersion = 3

// maxFindings is where Check stops reporting: a hostile file could have one for every byte.
const maxFindings = 100

// Check examines the structure of a model: versions and opset imports; names; that every value is assigned once, before
// it is used, and visible where it is used; that graphs and functions produce their outputs; attributes, constants,
// sparse tensors and types; and that functions do not call themselves. What an operator demands of its inputs and
// attributes is not looked at, nor is training information.
//
// It returns nil or all findings joined, each a *FormatError that names its place (at most 100).
func Check(m *Model) error {
	c := &checker{model: m}
	c.checkModel()
	return errors.Join(c.findings...)
}

type checker struct {
	model     *Model
	functions map[functionID]*Function
	findings  []error
}

type functionID struct{ domain, name, overload string }

func (c *checker) full() bool { return len(c.findings) >= maxFindings }

func (c *checker) report(p *place, format string, args ...any) {
	if !c.full() {
		c.findings = append(c.findings, &FormatError{Place: p.String(), Problem: fmt.Sprintf(format, args...), Offset: -1})
	}
}

// reportError is report for an error of another part of the package.
func (c *checker) reportError(p *place, err error) {
	if err != nil && !c.full() {
		c.findings = append(c.findings, within(p.String(), err))
	}
}

func (c *checker) checkModel() {
	m := c.model
	if m == nil {
		c.report(nil, "no model")
		return
	}
	if m.IRVersion < oldestIRVersion || m.IRVersion > IRVersion {
		c.report(nil, "ir_version %d, expected %d to %d", m.IRVersion, oldestIRVersion, IRVersion)
	}
	imports := c.checkImports(nil, m.OpsetImports)
	c.checkMetadata(nil, m.Metadata)
	c.indexFunctions()
	if m.Graph == nil {
		c.report(nil, "no graph")
	} else {
		c.checkGraph((*place)(nil).at("graph", -1, m.Graph), m.Graph, &scope{imports: imports, main: true})
	}
	for i, f := range m.Functions {
		if f != nil {
			c.checkFunction((*place)(nil).at("function", i, f), f)
		}
	}
	c.checkRecursion()
}

// checkImports returns the imported domains.
func (c *checker) checkImports(p *place, imports []OpsetImport) map[string]bool {
	if len(imports) == 0 {
		c.report(p, "no opset imports")
	}
	domains, versions := map[string]bool{}, map[string]int64{}
	for i := range imports {
		d := normalDomain(imports[i].Domain)
		// skl2onnx writes the same import twice.
		if domains[d] && versions[d] != imports[i].Version {
			c.report(p.at("opset_import", i, nil), "domain %s twice", quote(imports[i].Domain))
		}
		if imports[i].Version < 1 {
			c.report(p.at("opset_import", i, nil), "version %d of domain %s", imports[i].Version, quote(imports[i].Domain))
		}
		domains[d], versions[d] = true, imports[i].Version
	}
	return domains
}

func (c *checker) checkMetadata(p *place, entries []StringEntry) {
	seen := map[string]bool{}
	for i := range entries {
		if seen[entries[i].Key] {
			c.report(p.at("metadata_props", i, nil), "key %s twice", quote(entries[i].Key))
		}
		seen[entries[i].Key] = true
	}
}

func (f *Function) id() functionID { return functionID{normalDomain(f.Domain), f.Name, f.Overload} }

func (c *checker) indexFunctions() {
	c.functions = map[functionID]*Function{}
	for i, f := range c.model.Functions {
		p := (*place)(nil).at("function", i, f)
		switch {
		case f == nil:
			c.report(p, "is nil")
		case f.Name == "":
			c.report(p, "no name")
		case c.functions[f.id()] != nil:
			c.report(p, "a second function of domain %s and overload %s", quote(f.Domain), quote(f.Overload))
		default:
			c.functions[f.id()] = f
		}
	}
}

func (c *checker) checkFunction(p *place, f *Function) {
	s := &scope{imports: c.checkImports(p, f.OpsetImports), values: map[string]bool{}, parameters: map[string]bool{}}
	for i, name := range f.Inputs {
		q := p.at("input", i, nil)
		switch {
		case name == "":
			c.report(q, "no name")
		case s.values[name]:
			c.report(q, "%s is assigned twice", quote(name))
		}
		s.values[name] = true
	}
	for i, name := range f.Attributes {
		if name == "" || s.parameters[name] {
			c.report(p.at("attribute", i, nil), "%s is empty or there twice", quote(name))
		}
		s.parameters[name] = true
	}
	for i, a := range f.AttributeProtos {
		q := p.at("attribute_proto", i, a)
		if a != nil && s.parameters[a.Name] {
			c.report(q, "there twice")
		}
		if a != nil {
			s.parameters[a.Name] = true
		}
		c.checkAttribute(q, a, &scope{imports: s.imports})
	}
	c.checkNodes(p, f.Nodes, s)
	outputs := map[string]bool{}
	for i, name := range f.Outputs {
		q := p.at("output", i, nil)
		switch {
		case outputs[name]:
			c.report(q, "%s is there twice", quote(name))
		case !s.values[name]:
			c.report(q, "%s is not produced", quote(name))
		}
		outputs[name] = true
	}
}

// checkRecursion looks for a function that calls itself, directly or through others.
func (c *checker) checkRecursion() {
	const (
		active = 1
		done   = 2
	)
	state := map[*Function]int{}
	var visit func(f *Function, depth int) bool
	visit = func(f *Function, depth int) bool {
		p := (*place)(nil).at("function", -1, f)
		if state[f] == done {
			return true
		}
		if state[f] == active {
			c.report(p, "calls itself")
			return false
		}
		if depth > maxDepth {
			c.report(p, "more than %d functions call each other", maxDepth)
			return false
		}
		state[f] = active
		ok := true
		eachNode(f.Nodes, 0, func(n *Node) {
			callee := c.functions[functionID{normalDomain(n.Domain), n.OpType, n.Overload}]
			if callee != nil && ok {
				ok = visit(callee, depth+1)
			}
		})
		state[f] = done
		return ok
	}
	for _, f := range c.model.Functions {
		if f != nil && !visit(f, 0) {
			return
		}
	}
}

// eachNode visits the nodes and those of their subgraphs. It gives up on graphs nested too deeply.
func eachNode(nodes []*Node, depth int, visit func(n *Node)) bool {
	if depth > maxDepth {
		return false
	}
	for _, n := range nodes {
		if n == nil {
			continue
		}
		visit(n)
		for _, a := range n.Attributes {
			if a == nil {
				continue
			}
			if a.G != nil && !eachNode(a.G.Nodes, depth+1, visit) {
				return false
			}
			for _, g := range a.Graphs {
				if g != nil && !eachNode(g.Nodes, depth+1, visit) {
					return false
				}
			}
		}
	}
	return true
}
