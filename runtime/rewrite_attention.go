package runtime

import (
	"slices"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
)

// rewriteAttention finds scaled dot-product attention as PyTorch's exporters
// write it, with the transposes around it:
//
//	MatMul(Softmax(scale * MatMul(q, k') + mask), v) -> Attention(q, k, v, mask)
//
// q, k and v have 3 or 4 axes. The scale is a multiplication or division of the
// scores, or of q and k before.
func rewriteAttention(w *work, n *node) *node {
	if out := w.attentionOut(n); out != nil {
		return out
	}
	if !n.is("MatMul") {
		return nil
	}
	soft := w.by(n.in[0], "Softmax")
	if soft == nil {
		return nil
	}
	f := w.facts[n.in[0]]
	rank := len(f.Shape)
	if !f.Ranked || rank < 3 || rank > 4 || !w.softmaxOverLast(soft, rank) || !w.float(n.in[1]) {
		return nil
	}
	scores, mask := soft.in[0], -1
	if add := w.inner(scores, "Add"); add != nil {
		for i := range 2 {
			if w.isScores(add.in[i]) && mask < 0 {
				scores, mask = add.in[i], add.in[1-i]
			}
		}
		if mask < 0 || !w.float(mask) || !w.facts[mask].Ranked || len(w.facts[mask].Shape) > rank {
			return nil
		}
	}
	scores, scale := w.scaled(scores)
	mm := w.inner(scores, "MatMul")
	if mm == nil {
		return nil
	}
	q, s := w.scaled(mm.in[0])
	scale *= s
	k, s := w.scaled(mm.in[1])
	scale *= s
	q, qPerm := w.unpermuted(q, rank)
	k, kPerm := w.unpermuted(k, rank)
	v, vPerm := w.unpermuted(n.in[1], rank)
	// k' has its last two axes exchanged.
	kPerm[rank-2], kPerm[rank-1] = kPerm[rank-1], kPerm[rank-2]
	// What is scaled may have been transposed after that.
	q, s = w.scaled(q)
	scale *= s
	k, s = w.scaled(k)
	scale *= s
	last := rank - 1
	if qPerm[last] != last || vPerm[last] != last || kPerm[last] != last && kPerm[last-1] != last {
		return nil
	}
	for _, x := range []int{q, k, v} {
		if g := w.facts[x]; !w.float(x) || !g.Ranked || len(g.Shape) != rank {
			return nil
		}
	}
	in := []int{q, k, v}
	if mask >= 0 {
		in = append(in, mask)
	}
	straight := []int{0, 1, 2, 3}[:rank]
	out := n.out
	if weights := soft.out[0]; w.reads[weights] > 1 { // the weights are wanted as well
		out = []int{n.out[0], weights}
	}
	m := w.fused(&node{proto: n.proto, graph: n.graph, index: n.index, id: n.id, out: out}, ops.FusedDomain, "Attention", 1, in,
		perm("q_perm", qPerm), perm("k_perm", kPerm), perm("v_perm", vPerm), perm("out_perm", straight), onnx.AttrFloat("scale", float32(scale)))
	if m != nil && len(out) > 1 {
		soft.out[0] = w.newSlot(w.g.slots[out[1]], w.facts[out[1]])
		w.unsorted = true
	}
	return m
}

// isScores reports whether slot s is a product, scaled or not, rather than a
// mask.
func (w *work) isScores(s int) bool {
	of, _ := w.scaled(s)
	return w.inner(of, "MatMul") != nil
}

func perm(name string, p []int) *onnx.Attribute {
	ints := make([]int64, len(p))
	for i, x := range p {
		ints[i] = int64(x)
	}
	return onnx.AttrInts(name, ints...)
}

// unpermuted takes a transpose off slot s: axis i of s is axis p[i] of the
// result.
func (w *work) unpermuted(s, rank int) (int, []int) {
	p := []int{0, 1, 2, 3}[:rank:rank]
	if t := w.by(s, "Transpose"); t != nil && w.facts[s].Ranked && len(w.facts[s].Shape) == rank {
		if of := permutation(t, rank); of != nil {
			return t.in[0], slices.Clone(of)
		}
	}
	return s, slices.Clone(p)
}

func (w *work) softmaxOverLast(n *node, rank int) bool {
	a := n.proto.Attribute("axis")
	if a == nil {
		return n.version.Since >= 13
	}
	return a.I == -1 || a.I == int64(rank-1)
}

// attentionOut lets an Attention write its output as the transpose after it
// wants it.
func (w *work) attentionOut(n *node) *node {
	if !n.is("Transpose") || w.reads[n.in[0]] != 1 {
		return nil
	}
	att := w.producer(n.in[0])
	if att == nil || !att.isOwn("Attention") || len(att.out) != 1 {
		return nil
	}
	old := att.proto.Attribute("out_perm").Ints
	p := permutation(n, len(old))
	if p == nil || p[len(p)-1] != len(p)-1 {
		return nil
	}
	joined := make([]int, len(p))
	for i, x := range p {
		joined[i] = int(old[x])
	}
	attrs := slices.DeleteFunc(slices.Clone(att.proto.Attributes), func(a *onnx.Attribute) bool { return a.Name == "out_perm" })
	return w.own(n, "Attention", att.in, append(attrs, perm("out_perm", joined))...)
}
