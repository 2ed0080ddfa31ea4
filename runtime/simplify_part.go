package runtime

import (
	"github.com/onda-ml/onda/ops/tensor"
)

// slice drops a slice of everything, and reads a part that was joined to others
// just before from where it was.
func slice(w *work, n *node) int {
	s := sameShape(w, n)
	if steps := n.input(4); steps >= 0 && !all(w.value(steps), func(v float64) bool { return v > 0 }) {
		return -1
	}
	if s >= 0 {
		return s
	}
	if part := w.partOfConcat(n); part >= 0 {
		return part
	}
	return w.partOfShape(n)
}

// span is the stretch [lo, hi) that a Slice with known starts and ends takes of
// its only axis, whose extent is known, with step 1.
func (w *work) span(n *node) (axis, lo, hi int, ok bool) {
	f := w.facts[n.in[0]]
	if n.version.Since < 10 || !f.Ranked {
		return
	}
	starts, known := scalar(w.value(n.input(1)))
	ends, known2 := scalar(w.value(n.input(2)))
	at := int64(0)
	if n.input(3) >= 0 {
		a, known := scalar(w.value(n.input(3)))
		if !known {
			return
		}
		at = a
	}
	if n.input(4) >= 0 {
		if step, known := scalar(w.value(n.input(4))); !known || step != 1 {
			return
		}
	}
	axis, err := tensor.Axis(at, len(f.Shape))
	if !known || !known2 || err != nil || f.Shape[axis] < 0 {
		return
	}
	extent := int64(f.Shape[axis])
	clamp := func(v int64) int {
		if v < 0 {
			v += extent
		}
		return int(min(max(v, 0), extent))
	}
	lo, hi = clamp(starts), clamp(ends)
	return axis, lo, hi, lo < hi
}

// partOfConcat is the input of a Concat that a slice of it takes whole, or -1.
func (w *work) partOfConcat(n *node) int {
	joined := w.producer(n.in[0])
	if joined == nil || !joined.is("Concat") {
		return -1
	}
	axis, lo, hi, ok := w.span(n)
	a := joined.proto.Attribute("axis")
	if !ok || a == nil {
		return -1
	}
	if at, err := tensor.Axis(a.I, len(w.facts[n.in[0]].Shape)); err != nil || at != axis {
		return -1
	}
	offset := 0
	for _, s := range joined.in {
		f := w.facts[s]
		if !f.Ranked || axis >= len(f.Shape) || f.Shape[axis] < 0 {
			return -1
		}
		if offset == lo && offset+f.Shape[axis] == hi {
			return s
		}
		offset += f.Shape[axis]
	}
	return -1
}

// partOfShape makes a slice of a Shape whose extents are known a constant,
// though others aren't.
func (w *work) partOfShape(n *node) int {
	dims := w.dims(n.in[0])
	_, lo, hi, ok := w.span(n)
	if !ok || hi > len(dims) {
		return -1
	}
	var part []int64
	for _, d := range dims[lo:hi] {
		if d < 0 {
			return -1
		}
		part = append(part, int64(d))
	}
	return w.constant(w.g.slots[n.out[0]], tensor.Must(part, len(part)))
}

// gather makes an element of a Shape that is known a constant, though others
// aren't.
func gather(w *work, n *node) int {
	dims := w.dims(n.in[0])
	index := w.value(n.input(1))
	i, ok := scalar(index)
	if a := n.proto.Attribute("axis"); !ok || dims == nil || a != nil && a.I != 0 {
		return -1
	}
	if i < 0 {
		i += int64(len(dims))
	}
	if i < 0 || i >= int64(len(dims)) || dims[i] < 0 {
		return -1
	}
	return w.constant(w.g.slots[n.out[0]], tensor.Must([]int64{int64(dims[i])}, index.Shape()...))
}

// dims is the shape that slot s holds, if a Shape of all axes makes it.
func (w *work) dims(s int) []int {
	n := w.producer(s)
	if n == nil || !n.is("Shape") || len(n.proto.Attributes) > 0 {
		return nil
	}
	if f := w.facts[n.in[0]]; f.Ranked {
		return f.Shape
	}
	return nil
}

// pad drops a pad by nothing.
func pad(w *work, n *node) int {
	s := sameShape(w, n)
	if n.version.Since < 11 || s >= 0 && !all(w.value(n.input(1)), func(v float64) bool { return v == 0 }) {
		return -1
	}
	return s
}
