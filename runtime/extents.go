package runtime

import (
	"math"
	"slices"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// refine states more about the shape of what n makes than its kernel can, which
// knows a list of extents only if it knows all of it: those of Concat(batch, 256)
// are known but for one. PyTorch's exporter cuts an LSTMCell's weights by the second
// extent of such zeros.
func (w *work) refine(n *node) {
	if !n.is("Expand") && !n.is("ConstantOfShape") && !n.is("Reshape") || n.input(0) < 0 || n.out[0] < 0 {
		return
	}
	f := w.facts[n.out[0]]
	if f.Value != nil || !f.Ranked || f.Known() {
		return
	}
	in, listed := []int(nil), n.in[0]
	if !n.is("ConstantOfShape") {
		in, listed = w.facts[n.in[0]].Shape, n.input(1)
	}
	want := w.extents(listed, len(f.Shape), 2)
	shape := slices.Clone(f.Shape)
	for i := range shape {
		d := ops.Unknown
		if j := i - (len(shape) - len(want)); j >= 0 {
			d = want[j]
		}
		if n.is("Expand") && d <= 1 { // what the input has may count
			j := i - (len(shape) - len(in))
			switch {
			case j >= 0 && in[j] > 1:
				d = in[j]
			case j >= 0 && in[j] != 1 && d != 0:
				d = ops.Unknown
			}
		}
		if n.is("Reshape") && d == 0 {
			d = ops.Unknown // of the input's shape, maybe
		}
		if shape[i] < 0 {
			shape[i] = d
		}
	}
	f.Shape = shape
	w.facts[n.out[0]] = f
}

// extents is the list of extents in slot s, each Unknown that isn't known; nil if
// there are more than most, or nobody knows how many. Lists of lists are followed
// depth times.
func (w *work) extents(s, most, depth int) []int {
	if s < 0 {
		return nil
	}
	f := w.facts[w.find(s)]
	if !f.Ranked || len(f.Shape) != 1 || f.Shape[0] < 0 || f.Shape[0] > most || f.DType != tensor.Int64 {
		return nil
	}
	var list []int
	switch n := w.producer(s); {
	case f.Value != nil:
		for _, d := range tensor.Of[int64](f.Value) {
			if d < 0 || d > math.MaxInt32 {
				d = ops.Unknown
			}
			list = append(list, int(d))
		}
	case n != nil && n.is("Concat") && depth > 0:
		for _, part := range n.in {
			list = append(list, w.extents(part, most, depth-1)...)
		}
	default:
		list = w.dims(s)
	}
	if len(list) != f.Shape[0] {
		return slices.Repeat([]int{ops.Unknown}, f.Shape[0])
	}
	return list
}
