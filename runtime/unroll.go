package runtime

import (
	"slices"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// unrolling is the name under which WithoutRewrite turns unrolling off.
const unrolling = "unroll"

// maxUnrolled bounds how many nodes the unrolled Loops of a plan become: about
// what is planned in a tenth of a second.
const maxUnrolled = 4096

// unrollable is the body of a Loop that a plan may write out, and how often it
// runs: where the count is known, nothing in the body can end the loop, and the
// result isn't too large. It is nil for other nodes.
func (w *work) unrollable(n *node) (*body, int) {
	if !w.exact || w.depth > 0 || !n.is("Loop") || slices.Contains(w.config.without, unrolling) {
		return nil, 0
	}
	b := n.bodies[0]
	g := b.latest()
	state := len(g.inputs) - 2
	count, known := scalar(w.value(n.input(0)))
	if !known || count < 1 || state < 0 || len(n.in) != state+2 || len(g.outputs) < 1+state {
		return nil, 0
	}
	if limit := (maxUnrolled - w.unrolled) / (len(g.nodes) + len(g.outputs)); count > int64(limit) {
		return nil, 0
	}
	if n.input(1) >= 0 && (!holds(w.value(n.input(1))) || g.outputs[0] != g.inputs[1] && !holds(g.constant(g.outputs[0]))) {
		return nil, 0
	}
	for _, name := range []string{"Unsqueeze", "Concat"} {
		if w.config.set.Replaced("", name) {
			return nil, 0
		}
	}
	return b, int(count)
}

// constant is the constant in slot s, nil if it isn't one.
func (g *graph) constant(s int) *tensor.Tensor {
	for _, k := range g.consts {
		if k.slot == s {
			return k.value
		}
	}
	return nil
}

// unroll puts the nodes of a Loop's body, once for each trip, in the place of the
// Loop. What they make lies in the plan's memory like everything else, and what
// doesn't depend on the trip is computed once.
func (w *work) unroll(n *node, b *body, trips int) error {
	w.changed = true
	w.unrolled += trips * (len(b.latest().nodes) + len(b.latest().outputs))
	shared := w.shared(n, b)
	in := append([]int{-1, w.constant("", tensor.Scalar(true))}, n.in[2:]...)
	state := len(in) - 2
	stacks := make([][]int, len(b.g.outputs)-1-state)
	for trip := range trips {
		in[0] = w.constant("", tensor.Scalar(int64(trip)))
		out, err := w.enclose(n, b, shared, in)
		if err != nil {
			return err
		}
		copy(in[2:], out[1:1+state])
		for i := range stacks {
			stacks[i] = append(stacks[i], out[1+state+i])
		}
	}
	for i, s := range n.out {
		switch {
		case s < 0:
		case i < state:
			w.replace(s, w.find(in[2+i]))
		default:
			if err := w.stack(n, s, stacks[i-state]); err != nil {
				return err
			}
		}
	}
	return nil
}

// stack makes slot s the values of rows, one after the other along a new first
// axis.
func (w *work) stack(n *node, s int, rows []int) error {
	of := *n
	joined := make([]int, len(rows))
	for i, row := range rows {
		joined[i] = w.newSlot(w.g.slots[s], ops.Fact{})
		of.out = joined[i : i+1]
		if err := w.visit(w.fused(&of, "", "Unsqueeze", 11, []int{row}, onnx.AttrInts("axes", 0))); err != nil {
			return err
		}
	}
	of.out = []int{s}
	return w.visit(w.fused(&of, "", "Concat", 13, joined, onnx.AttrInt("axis", 0)))
}
