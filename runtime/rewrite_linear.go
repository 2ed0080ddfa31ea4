package runtime

import "github.com/onda-ml/onda/onnx"

// rewriteLinear makes one node of a product with a constant matrix and the
// addition of a bias:
//
//	Add(MatMul(x, W), b) -> Linear(x, W, b)
//	Gemm(x, W, b)        -> Linear(x, W, b)
func rewriteLinear(w *work, n *node) *node {
	switch {
	case n.is("Add"):
		for i := range 2 {
			m := w.inner(n.in[i], "MatMul")
			if m == nil || !w.matrix(m.in[1]) || !w.float(m.in[0]) {
				continue
			}
			x, b := w.facts[m.in[0]], w.value(n.in[1-i])
			size := w.value(m.in[1]).Dim(1)
			if b != nil && b.Rank() <= 1 && b.Len() == size && x.Ranked && len(x.Shape) > 0 {
				return w.own(n, "Linear", []int{m.in[0], m.in[1], n.in[1-i]})
			}
		}
	case n.is("Gemm"):
		p := n.proto
		if len(n.in) < 2 || !w.matrix(n.in[1]) || !w.float(n.in[0]) || given(p, "alpha", 1) != 1 || given(p, "beta", 1) != 1 || flag(p, "transA") {
			return nil
		}
		size := w.value(n.in[1]).Dim(1)
		if flag(p, "transB") {
			size = w.value(n.in[1]).Dim(0)
		}
		if c := n.input(2); c >= 0 {
			if b := w.value(c); b == nil || b.Len() != size || b.Rank() > 2 || b.Rank() > 0 && b.Dim(b.Rank()-1) != size {
				return nil
			}
		}
		var attrs []*onnx.Attribute
		if flag(p, "transB") {
			attrs = append(attrs, onnx.AttrInt("transB", 1))
		}
		return w.own(n, "Linear", n.in, attrs...)
	}
	return nil
}

// matrix reports whether slot s is a constant float matrix with elements.
func (w *work) matrix(s int) bool {
	v := w.value(s)
	return v != nil && w.float(s) && v.Rank() == 2 && v.Len() > 0
}

func given(p *onnx.Node, name string, otherwise float32) float32 {
	if a := p.Attribute(name); a != nil {
		return a.F
	}
	return otherwise
}

func flag(p *onnx.Node, name string) bool {
	a := p.Attribute(name)
	return a != nil && a.I != 0
}

// rewriteLinearActivation lets a Linear end with the activation after it.
func rewriteLinearActivation(w *work, n *node) *node {
	name := ""
	x := n.input(0)
	switch {
	case n.is("Relu"), n.is("Sigmoid"), n.is("Tanh"):
		name = n.proto.OpType
	case n.is("Gelu"), n.isOwn("Gelu"):
		name = "Gelu"
		if a := n.proto.Attribute("approximate"); a != nil && string(a.S) == "tanh" {
			name = "Gelu:tanh"
		}
	case n.is("Mul"): // x * sigmoid(x)
		for i := range 2 {
			if s := w.inner(n.in[i], "Sigmoid"); s != nil && s.in[0] == n.in[1-i] && w.reads[s.in[0]] == 2 {
				name, x = "Silu", s.in[0]
			}
		}
	}
	if name == "" || x < 0 || name != "Silu" && w.reads[x] != 1 {
		return nil
	}
	l := w.producer(x)
	if l == nil || !l.isOwn("Linear") || l.proto.Attribute("activation") != nil {
		return nil
	}
	attrs := append([]*onnx.Attribute{onnx.AttrString("activation", name)}, l.proto.Attributes...)
	return w.own(n, "Linear", l.in, attrs...)
}
