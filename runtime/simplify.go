package runtime

import (
	"math"
	"slices"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// simplified drops a node that hands one of its inputs on unchanged, or makes
// it read past nodes before it that don't matter. It is true if the node is
// gone.
func (w *work) simplified(n *node) bool {
	if len(n.out) == 0 || len(n.in) == 0 || len(n.bodies) > 0 || !n.is(n.proto.OpType) {
		return false
	}
	rule := rules[n.proto.OpType]
	if rule == nil {
		return false
	}
	for _, s := range n.out[1:] {
		if s >= 0 && n.proto.OpType != "Dropout" {
			return false
		}
	}
	from := rule(w, n)
	if from < 0 || n.out[0] < 0 {
		return false
	}
	w.replace(n.out[0], from)
	return true
}

// rules are, by operator, functions that give the slot of the value that output
// 0 equals, or -1.
var rules = map[string]func(w *work, n *node) int{
	"Identity":  func(w *work, n *node) int { return n.in[0] },
	"Dropout":   dropout,
	"Cast":      cast,
	"CastLike":  sameType,
	"Transpose": transpose,
	"Reshape":   reshape,
	"Flatten":   sameShape,
	"Squeeze":   sameShape,
	"Unsqueeze": sameShape,
	"Expand":    sameShape,
	"Tile":      sameShape,
	"Concat":    single,
	"Sum":       single,
	"Mean":      single,
	"Max":       single,
	"Min":       single,
	"Split":     single,
	"Slice":     slice,
	"Gather":    gather,
	"Pad":       pad,
	"Add":       neutral(0, true),
	"Sub":       neutral(0, false),
	"Mul":       neutral(1, true),
	"Div":       neutral(1, false),
	"Pow":       neutral(1, false),
}

// sameShape drops a node that only gives or copies a shape, where the shape is
// its input's own.
func sameShape(w *work, n *node) int {
	if alike(w.facts[n.in[0]], w.facts[n.out[0]]) {
		return n.in[0]
	}
	return -1
}

// single drops a node of one input and output, which adds nothing to it.
func single(w *work, n *node) int {
	if len(n.in) == 1 && len(n.out) == 1 {
		return sameShape(w, n)
	}
	return -1
}

func sameType(w *work, n *node) int {
	from, to := w.facts[n.in[0]].DType, w.facts[n.out[0]].DType
	if from == to && from != tensor.Undefined {
		return n.in[0]
	}
	return -1
}

// dropout is the identity unless it is told to train or asked for its mask.
func dropout(w *work, n *node) int {
	switch {
	case n.version.Since >= 12:
		if s := n.input(2); s >= 0 {
			if v := w.value(s); v == nil || v.DType() != tensor.Bool || v.Len() != 1 || holds(v) {
				return -1
			}
		}
	case n.version.Since < 7:
		return -1
	}
	if len(n.out) > 1 && n.out[1] >= 0 {
		return -1
	}
	return n.in[0]
}

// cast drops a cast to the type the value has, also where an exact cast before
// it came from that type.
func cast(w *work, n *node) int {
	if s := sameType(w, n); s >= 0 {
		return s
	}
	before := w.producer(n.in[0])
	if before == nil || !before.is("Cast") {
		return -1
	}
	source := w.facts[before.in[0]].DType
	if source != tensor.Undefined && source == w.facts[n.out[0]].DType && widens(source, w.facts[n.in[0]].DType) {
		return before.in[0]
	}
	return -1
}

// widens reports whether every value of type from has an exact counterpart of
// type to.
func widens(from, to tensor.DType) bool {
	switch from {
	case tensor.Float32:
		return to == tensor.Float64
	case tensor.Float16, tensor.BFloat16:
		return to == tensor.Float32 || to == tensor.Float64
	case tensor.Bool:
		return to.IsInteger() || to == tensor.Float32 || to == tensor.Float64
	case tensor.Int32:
		return to == tensor.Int64 || to == tensor.Float64
	case tensor.Uint8, tensor.Int8:
		return to == tensor.Int32 || to == tensor.Int64 || to == tensor.Float32 || to == tensor.Float64
	}
	return false
}

// transpose joins a transpose to one before it and drops what moves nothing.
func transpose(w *work, n *node) int {
	f := w.facts[n.in[0]]
	if !f.Ranked {
		return -1
	}
	perm := permutation(n, len(f.Shape))
	if before := w.producer(n.in[0]); before != nil && before.is("Transpose") && perm != nil {
		if first := permutation(before, len(perm)); first != nil {
			joined := make([]int64, len(perm))
			for i, p := range perm {
				joined[i] = int64(first[p])
			}
			if w.rebind(n, onnx.AttrInts("perm", joined...)) {
				n.in[0] = before.in[0]
				w.changed = true
				perm = permutation(n, len(perm))
			}
		}
	}
	for i, p := range perm {
		if i != p {
			return -1
		}
	}
	if perm == nil {
		return -1
	}
	return n.in[0]
}

// permutation is a Transpose's perm, nil if it has none that fits.
func permutation(n *node, rank int) []int {
	perm := make([]int, rank)
	a := n.proto.Attribute("perm")
	for i := range perm {
		perm[i] = rank - 1 - i
		if a != nil {
			if len(a.Ints) != rank || a.Ints[i] < 0 || a.Ints[i] >= int64(rank) {
				return nil
			}
			perm[i] = int(a.Ints[i])
		}
	}
	return perm
}

// reshape reads past other nodes that keep the elements in order.
func reshape(w *work, n *node) int {
	if s := sameShape(w, n); s >= 0 {
		return s
	}
	shape := w.value(n.input(1))
	if shape == nil || shape.DType() != tensor.Int64 || slices.Contains(tensor.Of[int64](shape), 0) {
		return -1
	}
	for before := w.producer(n.in[0]); before != nil && keepsOrder(before); before = w.producer(n.in[0]) {
		n.in[0] = before.in[0]
		w.changed = true
	}
	return -1
}

func keepsOrder(n *node) bool {
	return n.is("Reshape") || n.is("Squeeze") || n.is("Unsqueeze") || n.is("Flatten")
}

// neutral drops arithmetic with a constant that changes nothing.
func neutral(v float64, eitherSide bool) func(w *work, n *node) int {
	return func(w *work, n *node) int {
		if len(n.in) != 2 || n.in[0] < 0 || n.in[1] < 0 || n.version.Since < 7 {
			return -1
		}
		for i := range n.in {
			if i == 0 && !eitherSide {
				continue
			}
			x, k := w.facts[n.in[1-i]], w.value(n.in[i])
			if k != nil && k.Len() > 0 && k.DType() == x.DType && alikeOrScalar(x, w.facts[n.out[0]], k) && all(k, func(e float64) bool { return e == v }) {
				return n.in[1-i]
			}
		}
		return -1
	}
}

// alikeOrScalar reports whether an elementwise operation of x and constant k
// has x's shape.
func alikeOrScalar(x, y ops.Fact, k *tensor.Tensor) bool {
	return alike(x, y) || x.Ranked && k.Len() == 1 && k.Rank() <= len(x.Shape)
}

// all reports whether every number of v has a property; false without a value.
func all(v *tensor.Tensor, is func(float64) bool) bool {
	if v == nil || v.DType() == tensor.String {
		return false
	}
	if v.Len() > 1<<16 {
		return false
	}
	for _, e := range tensor.Float64s(v) {
		if !is(e) || math.IsNaN(e) {
			return false
		}
	}
	return true
}

// producer is the kept node that makes slot s, nil if none does.
func (w *work) producer(s int) *node {
	if s < 0 || s >= len(w.g.slots) {
		return nil
	}
	return w.made[w.find(s)]
}

// rebind gives n one attribute in place of all it has.
func (w *work) rebind(n *node, a *onnx.Attribute) bool {
	p := *n.proto
	p.Attributes = []*onnx.Attribute{a}
	k, v, err := w.config.set.Bind(&p, n.opset, nil)
	if err != nil {
		return false
	}
	n.proto, n.kernel, n.version, n.signature = &p, k, v, ""
	return true
}
