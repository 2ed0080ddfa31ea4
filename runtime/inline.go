package runtime

import (
	"slices"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// taken is the branch of an If whose condition is known.
func (w *work) taken(n *node) *body {
	v := w.value(n.input(0))
	if v == nil || v.DType() != tensor.Bool || v.Len() != 1 || len(n.bodies) != 2 {
		return nil
	}
	want := "else_branch"
	if holds(v) {
		want = "then_branch"
	}
	for _, b := range n.bodies {
		if b.attr == want && len(b.g.inputs) == 0 && len(b.g.outputs) >= len(n.out) {
			return b
		}
	}
	return nil
}

// inline puts the nodes of a branch in the place of their If.
func (w *work) inline(n *node, b *body) error {
	w.changed = true
	out, err := w.enclose(n, b, w.shared(n, b), nil)
	if err != nil {
		return err
	}
	for i, s := range n.out {
		if s >= 0 {
			w.replace(s, w.find(out[i]))
		}
	}
	return nil
}

// shared are the slots of w for those of b's that are the same whenever it runs:
// its captures and constants. The others are -1.
func (w *work) shared(n *node, b *body) []int {
	g := b.latest()
	here := slices.Repeat([]int{-1}, len(g.slots))
	for i, s := range g.captures {
		if s >= 0 {
			here[s] = n.captures[b.base+i]
		}
	}
	for _, k := range g.consts {
		here[k.slot] = w.constant(g.slots[k.slot], k.value)
	}
	return here
}

// enclose adds the nodes of n's subgraph b, given slots of w for its inputs and
// for what shared says, and returns those of its outputs.
func (w *work) enclose(n *node, b *body, shared, in []int) ([]int, error) {
	g := b.latest()
	here := slices.Clone(shared)
	for i, s := range g.inputs {
		here[s] = in[i]
	}
	local := func(s int) int {
		if s < 0 {
			return -1
		}
		if here[s] < 0 {
			here[s] = w.newSlot(g.slots[s], ops.Fact{})
		}
		return here[s]
	}
	for _, m := range g.nodes {
		m = m.clone()
		for _, list := range [][]int{m.in, m.out, m.captures} {
			for i, s := range list {
				list[i] = local(s)
			}
		}
		if err := w.visit(m); err != nil {
			return nil, err
		}
	}
	out := make([]int, len(g.outputs))
	for i, s := range g.outputs {
		out[i] = local(s)
	}
	return out, nil
}
