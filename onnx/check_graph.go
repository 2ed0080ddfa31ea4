package onnx

// scope is the values visible at a place: those of a graph or function, and through up those of the graphs around it.
type scope struct {
	up         *scope
	values     map[string]bool
	imports    map[string]bool // domains of operators
	parameters map[string]bool // attributes of the function around, nil outside functions
	main       bool            // the model's own graph
	depth      int
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.up {
		if s.values[name] {
			return true
		}
	}
	return false
}

// inside is a scope for a graph inside this one.
func (s *scope) inside() *scope {
	return &scope{up: s, imports: s.imports, parameters: s.parameters, depth: s.depth + 1}
}

func (c *checker) checkGraph(p *place, g *Graph, s *scope) {
	if s.depth > maxDepth {
		c.report(p, "graphs nested too deeply")
		return
	}
	if g.Name == "" {
		c.report(p, "no name")
	}
	s.values = map[string]bool{}
	for i, v := range g.Inputs {
		q := p.at("input", i, v)
		if !c.checkValueInfo(q, v, s.main) {
			continue
		}
		if s.values[v.Name] {
			c.report(q, "is assigned twice")
		}
		s.values[v.Name] = true
	}
	c.checkInitializers(p, g, s)
	c.checkNodes(p, g.Nodes, s)
	for i, v := range g.Outputs {
		q := p.at("output", i, v)
		if c.checkValueInfo(q, v, s.main) && !s.values[v.Name] {
			c.report(q, "is not produced in this graph")
		}
	}
	for i, v := range g.ValueInfos {
		c.checkValueInfo(p.at("value_info", i, v), v, false)
	}
	c.checkMetadata(p, g.Metadata)
}

func (c *checker) checkInitializers(p *place, g *Graph, s *scope) {
	constants := map[string]bool{}
	add := func(q *place, name string) {
		switch {
		case name == "":
			c.report(q, "no name")
		case constants[name]:
			c.report(q, "is assigned twice")
		case c.model.IRVersion < 4 && s.main && !s.values[name]:
			c.report(q, "is not among the inputs, as ir_version 3 demands")
		}
		constants[name] = true
	}
	for i, t := range g.Initializers {
		q := p.at("initializer", i, t)
		if t == nil {
			c.report(q, "is nil")
			continue
		}
		add(q, t.Name)
		c.checkTensor(q, t)
	}
	for i, t := range g.SparseInitializers {
		q := p.at("sparse_initializer", i, t)
		if t == nil {
			c.report(q, "is nil")
			continue
		}
		add(q, t.title())
		c.checkSparse(q, t)
	}
	for name := range constants {
		s.values[name] = true
	}
}

func (c *checker) checkNodes(p *place, nodes []*Node, s *scope) {
	for i, n := range nodes {
		if c.full() {
			return
		}
		q := p.at("node", i, n)
		if n == nil {
			c.report(q, "is nil")
			continue
		}
		c.checkNode(q, n, s)
	}
}

func (c *checker) checkNode(p *place, n *Node, s *scope) {
	if n.OpType == "" {
		c.report(p, "no op_type")
	}
	if len(n.Inputs) == 0 && len(n.Outputs) == 0 {
		c.report(p, "neither inputs nor outputs")
	}
	if !s.imports[normalDomain(n.Domain)] {
		c.report(p, "domain %s has no opset import", quote(n.Domain))
	}
	for i, name := range n.Inputs {
		if name != "" && !s.has(name) {
			c.report(p, "input %d, %s, is not defined before", i, quote(name))
		}
	}
	names := map[string]bool{}
	for i, a := range n.Attributes {
		q := p.at("attribute", i, a)
		if a != nil {
			if names[a.Name] {
				c.report(q, "there twice")
			}
			names[a.Name] = true
		}
		c.checkAttribute(q, a, s)
	}
	for i, name := range n.Outputs {
		if name == "" {
			continue
		}
		if s.has(name) {
			c.report(p, "output %d, %s, is assigned twice", i, quote(name))
		}
		s.values[name] = true
	}
}
