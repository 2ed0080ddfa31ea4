package onnx

// eachTensor visits every tensor of the model: initializers, attributes, sparse parts, in subgraphs, functions and
// training graphs too. It stops at the first error. A tensor that is in several places is visited in each.
func (m *Model) eachTensor(visit func(p *place, t *Tensor) error) error {
	w := tensorWalk{visit: visit}
	if err := w.graph(nil, -1, m.Graph); err != nil {
		return err
	}
	for i, t := range m.TrainingInfo {
		if t == nil {
			continue
		}
		p := (*place)(nil).at("training_info", i, nil)
		if err := w.graph(p, 0, t.Initialization); err != nil {
			return err
		}
		if err := w.graph(p, 1, t.Algorithm); err != nil {
			return err
		}
	}
	for i, f := range m.Functions {
		if f == nil {
			continue
		}
		p := (*place)(nil).at("function", i, f)
		if err := w.attributes(p, "attribute_proto", f.AttributeProtos); err != nil {
			return err
		}
		if err := w.nodes(p, f.Nodes); err != nil {
			return err
		}
	}
	return nil
}

type tensorWalk struct {
	visit func(p *place, t *Tensor) error
	depth int
}

func (w *tensorWalk) graph(up *place, index int, g *Graph) error {
	if g == nil {
		return nil
	}
	p := up.at("graph", index, g)
	if w.depth++; w.depth > maxDepth {
		return within(p.up.String(), &FormatError{Problem: "graphs nested too deeply", Offset: -1})
	}
	defer func() { w.depth-- }()
	for i, t := range g.Initializers {
		if err := w.tensor(p, "initializer", i, t); err != nil {
			return err
		}
	}
	for i, s := range g.SparseInitializers {
		if err := w.sparse(p, "sparse_initializer", i, s); err != nil {
			return err
		}
	}
	return w.nodes(p, g.Nodes)
}

func (w *tensorWalk) nodes(p *place, nodes []*Node) error {
	for i, n := range nodes {
		if n == nil || len(n.Attributes) == 0 {
			continue
		}
		if err := w.attributes(p.at("node", i, n), "attribute", n.Attributes); err != nil {
			return err
		}
	}
	return nil
}

func (w *tensorWalk) attributes(up *place, kind string, attributes []*Attribute) error {
	for i, a := range attributes {
		if a == nil {
			continue
		}
		if err := w.attribute(up.at(kind, i, a), a); err != nil {
			return err
		}
	}
	return nil
}

func (w *tensorWalk) attribute(p *place, a *Attribute) error {
	if err := w.tensor(p, "tensor", -1, a.T); err != nil {
		return err
	}
	if err := w.sparse(p, "sparse_tensor", -1, a.SparseTensor); err != nil {
		return err
	}
	if err := w.graph(p, -1, a.G); err != nil {
		return err
	}
	for i, t := range a.Tensors {
		if err := w.tensor(p, "tensor", i, t); err != nil {
			return err
		}
	}
	for i, s := range a.SparseTensors {
		if err := w.sparse(p, "sparse_tensor", i, s); err != nil {
			return err
		}
	}
	for i, g := range a.Graphs {
		if err := w.graph(p, i, g); err != nil {
			return err
		}
	}
	return nil
}

func (w *tensorWalk) sparse(up *place, kind string, index int, s *SparseTensor) error {
	if s == nil {
		return nil
	}
	p := up.at(kind, index, s)
	if err := w.tensor(p, "values", -1, s.Values); err != nil {
		return err
	}
	return w.tensor(p, "indices", -1, s.Indices)
}

func (w *tensorWalk) tensor(up *place, kind string, index int, t *Tensor) error {
	if t == nil {
		return nil
	}
	return w.visit(up.at(kind, index, t), t)
}
