package runtime

import (
	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// rewriteLayerNorm finds layer normalisation over the last axis in its
// primitives, as exporters before opset 17 write it:
//
//	d = x - mean(x)
//	d / sqrt(mean(d^2) + eps) * gamma + beta -> LayerNormalization(x, gamma, beta)
func rewriteLayerNorm(w *work, n *node) *node {
	if !n.is("Add") {
		return nil
	}
	for i := range 2 {
		mul := w.inner(n.in[i], "Mul")
		if mul == nil || !w.vector(n.in[1-i]) {
			continue
		}
		for j := range 2 {
			div := w.inner(mul.in[j], "Div")
			if div == nil || !w.vector(mul.in[1-j]) {
				continue
			}
			x, eps, ok := w.normalised(div)
			f := w.fact(x)
			if !ok || !f.Ranked || len(f.Shape) == 0 || f.Shape[len(f.Shape)-1] != w.value(mul.in[1-j]).Len() || w.value(n.in[1-i]).Len() != w.value(mul.in[1-j]).Len() {
				continue
			}
			return w.own(n, "LayerNormalization", []int{x, mul.in[1-j], n.in[1-i]},
				onnx.AttrInt("axis", -1), onnx.AttrFloat("epsilon", float32(eps)))
		}
	}
	return nil
}

// vector reports whether slot s is a constant float vector.
func (w *work) vector(s int) bool {
	v := w.value(s)
	return v != nil && w.float(s) && v.Rank() == 1
}

// normalised matches div = d / sqrt(mean(d^2) + eps) with d = x - mean(x).
func (w *work) normalised(div *node) (x int, eps float64, ok bool) {
	d := div.in[0]
	sub := w.by(d, "Sub")
	root := w.inner(div.in[1], "Sqrt")
	if sub == nil || root == nil || w.reads[d] > 3 {
		return -1, 0, false
	}
	x = sub.in[0]
	mean := w.by(sub.in[1], "ReduceMean")
	if mean == nil || mean.in[0] != x || !w.overLast(mean) || !w.float(x) {
		return -1, 0, false
	}
	eps, variance, ok := w.with(w.inner(root.in[0], "Add"))
	if !ok {
		return -1, 0, false
	}
	second := w.inner(variance, "ReduceMean")
	if second == nil || !w.overLast(second) {
		return -1, 0, false
	}
	square := w.inner(second.in[0], "Pow", "Mul")
	if square == nil || !w.isD(square.in[0], d) {
		return -1, 0, false
	}
	if square.is("Pow") {
		return x, eps, w.isNumber(square.in[1], 2)
	}
	return x, eps, w.isD(square.in[1], d)
}

// isD reports whether slot s is slot d, maybe through a cast to its own type or
// computed again.
func (w *work) isD(s, d int) bool {
	if s == d {
		return true
	}
	a, b := w.by(s, "Sub"), w.by(d, "Sub")
	return a != nil && b != nil && a.in[0] == b.in[0] && a.in[1] == b.in[1]
}

// overLast reports whether a reduction keeps its dimensions and is over the
// last axis alone.
func (w *work) overLast(n *node) bool {
	if a := n.proto.Attribute("keepdims"); a != nil && a.I == 0 {
		return false
	}
	f := w.facts[n.in[0]]
	if !f.Ranked {
		return false
	}
	var axis int64
	if a := n.proto.Attribute("axes"); a != nil {
		if len(a.Ints) != 1 {
			return false
		}
		axis = a.Ints[0]
	} else {
		v, ok := scalar(w.value(n.input(1)))
		if !ok {
			return false
		}
		axis = v
	}
	at, err := tensor.Axis(axis, len(f.Shape))
	return err == nil && at == len(f.Shape)-1
}
