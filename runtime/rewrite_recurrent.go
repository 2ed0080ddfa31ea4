package runtime

import (
	"slices"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// rewriteRecurrent lets LSTM, GRU, RNN and DynamicQuantizeLSTM read and write
// their sequences in the order that the transposes around them ask for, as
// exporters of batch-first layers write them:
//
//	LSTM(Transpose(x))               -> LSTM(x)
//	Transpose(LSTM(x))               -> LSTM(x)
//	Transpose(Reshape(LSTM(x), 0 0 -1)) -> Reshape(LSTM(x), 0 0 -1)
//	Transpose(Squeeze(LSTM(x), 1))   -> Squeeze(LSTM(x), 1)
func rewriteRecurrent(w *work, n *node) *node {
	if x, y, ok := w.recurrent(n); ok {
		if t := w.by(n.in[0], "Transpose"); t != nil && slices.Equal(permutation(t, 3), []int{1, 0, 2}) {
			in := append([]int{t.in[0]}, n.in[1:]...)
			return w.reordered(n, in, n.out, []int{x[1], x[0], 2}, y)
		}
		return nil
	}
	if !n.is("Transpose") || w.reads[n.in[0]] != 1 {
		return nil
	}
	from := w.producer(n.in[0])
	if from == nil || from.out[0] != n.in[0] {
		return nil
	}
	if x, y, ok := w.recurrent(from); ok {
		perm := permutation(n, 4)
		if perm == nil || perm[3] != 3 {
			return nil
		}
		out := slices.Clone(from.out)
		out[0] = n.out[0]
		m := w.reordered(from, from.in, out, x, permuted(y, perm))
		if m != nil {
			for i, s := range from.out { // what is left of it makes nothing that is read
				if s >= 0 {
					from.out[i] = w.newSlot(w.g.slots[s], w.facts[s])
				}
			}
			w.unsorted = true
		}
		return m
	}
	return w.transposedBefore(n, from)
}

// transposedBefore moves transpose n to before mid, a node that joins the last
// axes of a recurrent node's output or drops that of the directions, and into
// the recurrent node. It returns mid in the place of n.
func (w *work) transposedBefore(n, mid *node) *node {
	perm := permutation(n, 3)
	if perm == nil || perm[2] != 2 || w.reads[mid.in[0]] != 1 {
		return nil
	}
	switch {
	case mid.is("Reshape") && w.joinsLast(mid):
		perm = append(perm, 3)
	case mid.is("Squeeze") && w.squeezesOne(mid):
		for i, p := range perm {
			if p > 0 {
				perm[i] = p + 1
			}
		}
		perm = slices.Insert(perm, 1, 1)
	default:
		return nil
	}
	from := w.producer(mid.in[0])
	if from == nil || from.out[0] != mid.in[0] {
		return nil
	}
	x, y, ok := w.recurrent(from)
	if !ok {
		return nil
	}
	m := w.reordered(from, from.in, from.out, x, permuted(y, perm))
	if m == nil {
		return nil
	}
	w.g.nodes[slices.Index(w.g.nodes, from)] = m
	for _, s := range m.out {
		if s >= 0 {
			w.made[s] = m
		}
	}
	_ = w.infer(m)
	last := mid.clone()
	last.out[0] = n.out[0]
	return last
}

// recurrent tells in which order recurrent node n has the axes of its input
// (time, batch, width) and of its output (time, directions, batch, hidden).
func (w *work) recurrent(n *node) (x, y []int, ok bool) {
	dynamic := n.proto.OpType == "DynamicQuantizeLSTM"
	if !dynamic && !slices.Contains([]string{"LSTM", "GRU", "RNN"}, n.proto.OpType) || n.replaced || n.packed != 0 || len(n.in) == 0 || len(n.out) == 0 || n.out[0] < 0 {
		return nil, nil, false
	}
	if n.proto.Domain == ops.FusedDomain {
		return ints(n.proto.Attribute("x_perm")), ints(n.proto.Attribute("y_perm")), true
	}
	if dynamic && n.proto.Domain == "com.microsoft" {
		return []int{0, 1, 2}, []int{0, 1, 2, 3}, true
	}
	if !n.is(n.proto.OpType) || n.version.Since < 7 || flag(n.proto, "layout") {
		return nil, nil, false
	}
	return []int{0, 1, 2}, []int{0, 1, 2, 3}, true
}

func ints(a *onnx.Attribute) []int {
	out := make([]int, len(a.Ints))
	for i, v := range a.Ints {
		out[i] = int(v)
	}
	return out
}

// reordered is recurrent node n with its axes in another order.
func (w *work) reordered(n *node, in, out, x, y []int) *node {
	attrs := slices.DeleteFunc(slices.Clone(n.proto.Attributes), func(a *onnx.Attribute) bool {
		return a.Name == "layout" || a.Name == "x_perm" || a.Name == "y_perm"
	})
	of := &node{proto: n.proto, graph: n.graph, index: n.index, id: n.id, out: out}
	return w.own(of, n.proto.OpType, in, append(attrs, perm("x_perm", x), perm("y_perm", y))...)
}

// permuted is the order of axes in which axis i is axis p[i] of order.
func permuted(order, p []int) []int {
	joined := make([]int, len(p))
	for i, x := range p {
		joined[i] = order[x]
	}
	return joined
}

// joinsLast reports whether a Reshape makes one of the last two of four axes.
func (w *work) joinsLast(n *node) bool {
	shape, f := w.value(n.input(1)), w.facts[n.in[0]]
	if shape == nil || shape.DType() != tensor.Int64 || shape.Len() != 3 || flag(n.proto, "allowzero") || !f.Ranked || len(f.Shape) != 4 {
		return false
	}
	to := tensor.Of[int64](shape)
	joined := f.Shape[2] >= 0 && f.Shape[3] >= 0 && to[2] == int64(f.Shape[2]*f.Shape[3])
	return to[0] == 0 && to[1] == 0 && (to[2] == -1 || joined)
}

// squeezesOne reports whether a Squeeze drops axis 1 of four.
func (w *work) squeezesOne(n *node) bool {
	f := w.facts[n.in[0]]
	if !f.Ranked || len(f.Shape) != 4 {
		return false
	}
	if v := w.value(n.input(1)); v != nil {
		axis, ok := scalar(v)
		return ok && (axis == 1 || axis == -3)
	}
	a := n.proto.Attribute("axes")
	return n.input(1) < 0 && a != nil && len(a.Ints) == 1 && (a.Ints[0] == 1 || a.Ints[0] == -3)
}
