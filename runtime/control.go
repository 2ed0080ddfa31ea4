package runtime

import (
	"slices"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// flow is what is known of a node with subgraphs: the facts of each subgraph's
// inputs, for every time it runs, and of the node's outputs.
type flow struct {
	in  [][]ops.Fact
	out []ops.Fact
}

// maxInferDepth bounds how deep facts are worked out through nested subgraphs:
// each level goes through the inner ones several times.
const maxInferDepth = 3

// inferControl works out the outputs of If, Loop and Scan, nil where it can't.
func (w *work) inferControl(n *node) ([]ops.Fact, error) {
	f := w.flow(n)
	if f == nil {
		return nil, nil
	}
	return f.out, nil
}

// flow works out If, Loop and Scan; it is nil for what it doesn't know.
func (w *work) flow(n *node) *flow {
	if w.depth >= maxInferDepth || w.effort == nil || *w.effort <= 0 {
		return nil
	}
	switch {
	case n.is("If"):
		return w.flowIf(n)
	case n.is("Loop"):
		return w.flowLoop(n)
	case n.is("Scan") && n.version.Since >= 9:
		return w.flowScan(n)
	}
	return nil
}

// inside works out the facts of a subgraph's outputs. The second result tells
// for each output which input it hands on, or -1.
func (w *work) inside(n *node, b *body, in []ops.Fact) ([]ops.Fact, []int) {
	g := b.latest()
	*w.effort -= len(g.nodes) + 1
	inner := newWork(w.compiler, g, false)
	inner.depth, inner.effort, inner.memory, inner.fold = w.depth+1, w.effort, w.memory, w.fold
	inner.enter(in, w.captured(n, b))
	if err := inner.sweep(); err != nil {
		return make([]ops.Fact, len(g.outputs)), slices.Repeat([]int{-1}, len(g.outputs))
	}
	out, from := make([]ops.Fact, len(g.outputs)), make([]int, len(g.outputs))
	for i, s := range inner.g.outputs {
		out[i] = inner.facts[s]
		from[i] = slices.Index(inner.g.inputs, s)
	}
	return out, from
}

// enter states the facts of a subgraph's inputs and captures.
func (w *work) enter(in, captured []ops.Fact) {
	for i, s := range w.g.inputs {
		if i < len(in) {
			w.facts[s] = in[i]
		} else {
			w.facts[s] = ops.Fact{}
		}
	}
	for i, s := range w.g.captures {
		if s >= 0 {
			w.facts[s] = captured[i]
		}
	}
}

// captured lists the facts of the values that a subgraph captures.
func (w *work) captured(n *node, b *body) []ops.Fact {
	facts := make([]ops.Fact, len(b.g.captures))
	for i := range facts {
		if s := n.captures[b.base+i]; s >= 0 {
			facts[i] = w.facts[w.find(s)]
		}
	}
	return facts
}

func (w *work) flowIf(n *node) *flow {
	var out []ops.Fact
	for i, b := range n.bodies {
		facts, _ := w.inside(n, b, nil)
		for j := range facts {
			facts[j].Value = nil
			if i > 0 && j < len(out) {
				facts[j] = meet(facts[j], out[j])
			}
		}
		out = facts
	}
	return &flow{in: make([][]ops.Fact, len(n.bodies)), out: out}
}

func (w *work) flowLoop(n *node) *flow {
	b := n.bodies[0]
	state := len(b.g.inputs) - 2
	if state < 0 || len(n.in) > state+2 || len(b.g.outputs) < 1+state {
		return nil
	}
	in := make([]ops.Fact, state+2)
	in[0], in[1] = ops.Shaped(tensor.Int64), ops.Shaped(tensor.Bool)
	for i := range state {
		in[2+i] = w.fact(n.input(2 + i))
		in[2+i].Value = nil
	}
	out, from := w.settle(n, b, in[2:], in, 1)
	trips := ops.Unknown
	endless := n.input(1) < 0 || holds(w.value(n.input(1)))
	goesOn := from[0] == 1 || holds(out[0].Value)
	if m, ok := scalar(w.value(n.input(0))); ok && endless && goesOn {
		trips = int(max(m, 0))
	}
	f := &flow{in: [][]ops.Fact{in}, out: slices.Clone(in[2:])}
	for _, s := range out[1+state:] {
		f.out = append(f.out, stacked(s, trips, 0))
	}
	return f
}

func (w *work) flowScan(n *node) *flow {
	b := n.bodies[0]
	scans := 0
	if a := n.proto.Attribute("num_scan_inputs"); a != nil {
		scans = int(a.I)
	}
	state := len(n.in) - scans
	if scans < 1 || state < 0 || len(b.g.inputs) != len(n.in) || len(b.g.outputs) < state {
		return nil
	}
	axes := func(name string, i int) int64 {
		if a := n.proto.Attribute(name); a != nil && i < len(a.Ints) {
			return a.Ints[i]
		}
		return 0
	}
	in := make([]ops.Fact, len(n.in))
	trips := ops.Unknown
	for i := range in {
		in[i] = w.fact(n.in[i])
		in[i].Value = nil
		if i < state || !in[i].Ranked {
			continue
		}
		axis, err := tensor.Axis(axes("scan_input_axes", i-state), len(in[i].Shape))
		if err != nil {
			return nil
		}
		trips = max(trips, in[i].Shape[axis])
		in[i].Shape = slices.Delete(slices.Clone(in[i].Shape), axis, axis+1)
	}
	out, _ := w.settle(n, b, in[:state], in, 0)
	f := &flow{in: [][]ops.Fact{in}, out: slices.Clone(in[:state])}
	for i, s := range out[state:] {
		f.out = append(f.out, stacked(s, trips, axes("scan_output_axes", i)))
	}
	return f
}

// settle weakens the facts of a subgraph's state until what goes in holds for
// what comes out as well. state is the part of in that holds it; it comes out
// from output at on.
func (w *work) settle(n *node, b *body, state, in []ops.Fact, at int) ([]ops.Fact, []int) {
	for range 4 {
		out, from := w.inside(n, b, in)
		stable := true
		for i := range state {
			m := meet(state[i], out[at+i])
			if m.Ranked != state[i].Ranked || m.DType != state[i].DType || !slices.Equal(m.Shape, state[i].Shape) {
				state[i], stable = m, false
			}
		}
		if stable {
			return out, from
		}
	}
	for i := range state {
		state[i] = ops.Fact{}
	}
	out, from := w.inside(n, b, in)
	return out, from
}

// meet is what two facts have in common.
func meet(a, b ops.Fact) ops.Fact {
	if a.DType != b.DType {
		return ops.Fact{}
	}
	if !a.Ranked || !b.Ranked || len(a.Shape) != len(b.Shape) {
		return ops.Unranked(a.DType)
	}
	shape := slices.Clone(a.Shape)
	for i := range shape {
		if b.Shape[i] != shape[i] {
			shape[i] = ops.Unknown
		}
	}
	return ops.Shaped(a.DType, shape...)
}

// stacked is the fact of one value a trip, joined along a new axis. Where no
// trip may happen the file's declarations decide the shape, so that extents are
// only known if some does.
func stacked(f ops.Fact, trips int, axis int64) ops.Fact {
	if !f.Ranked || trips == 0 {
		return ops.Unranked(f.DType)
	}
	if trips < 0 {
		return ops.Shaped(f.DType, slices.Repeat([]int{ops.Unknown}, len(f.Shape)+1)...)
	}
	at, err := tensor.Axis(axis, len(f.Shape)+1)
	if err != nil {
		return ops.Unranked(f.DType)
	}
	return ops.Shaped(f.DType, slices.Insert(slices.Clone(f.Shape), at, trips)...)
}

// fact is what is known of slot s; nothing if it is -1.
func (w *work) fact(s int) ops.Fact {
	if s < 0 {
		return ops.Fact{}
	}
	return w.facts[w.find(s)]
}

// holds reports whether v is a single true.
func holds(v *tensor.Tensor) bool {
	return v != nil && v.DType() == tensor.Bool && v.Len() == 1 && tensor.Of[bool](v)[0]
}

// scalar is the single integer in v.
func scalar(v *tensor.Tensor) (int64, bool) {
	if v == nil || v.Len() != 1 {
		return 0, false
	}
	switch v.DType() {
	case tensor.Int64:
		return tensor.Of[int64](v)[0], true
	case tensor.Int32:
		return int64(tensor.Of[int32](v)[0]), true
	}
	return 0, false
}
