package runtime

import (
	"math"

	"github.com/onda-ml/onda/ops/tensor"
)

// A linear is a node that multiplies by a constant matrix W (k, n), which nobody else
// reads, and may add a constant b (n).
type linear struct {
	*node
	w     *work
	k, n  int
	trans bool // the constant is W transposed
}

// linear is n as one, or nil if it is none or has an activation.
func (w *work) linear(n *node) *linear {
	if n == nil || !n.only() || !n.is("MatMul") && !n.isOwn("Linear") || n.proto.Attribute("activation") != nil || !w.matrix(n.in[1]) || w.reads[n.in[1]] != 1 || !w.float(n.in[0]) {
		return nil
	}
	if x := w.facts[n.in[0]]; !x.Ranked || len(x.Shape) == 0 {
		return nil
	}
	if b := n.input(2); b >= 0 && (w.value(b) == nil || !w.float(b)) {
		return nil
	}
	v := w.value(n.in[1])
	if flag(n.proto, "transB") {
		return &linear{n, w, v.Dim(1), v.Dim(0), true}
	}
	return &linear{n, w, v.Dim(0), v.Dim(1), false}
}

// linearOf is the linear that makes slot s, if nobody else reads it.
func (w *work) linearOf(s int) *linear {
	if s < 0 || w.reads[s] != 1 {
		return nil
	}
	return w.linear(w.producer(s))
}

// bias is b in float64, zeros if there is none.
func (l *linear) bias() []float64 {
	bias := make([]float64, l.n)
	if s := l.input(2); s >= 0 {
		b := tensor.Of[float32](l.w.value(s))
		for j := range bias {
			bias[j] = float64(b[j%len(b)])
		}
	}
	return bias
}

// scaled is, in n's place, the product of slot x with rows[i]*W(i,j)*columns[j], where
// nil is ones, plus a bias. Where memory is short, or a number would be too large, it
// is nil.
func (l *linear) scaled(n *node, x int, rows, columns, bias []float64) *node {
	w, from := l.w, l.w.value(l.in[1])
	if w.memory.lay(int64(4*from.Len())) != nil {
		return nil
	}
	var made *node
	defer func() {
		if made == nil {
			w.memory.unlay(int64(4 * from.Len()))
		}
	}()
	weights := from.Clone()
	data, width := tensor.Of[float32](weights), from.Dim(1)
	if l.trans {
		rows, columns = columns, rows
	}
	for i := range from.Dim(0) {
		for j := range width {
			v := &data[i*width+j]
			s := float64(*v) * scaleAt(rows, i) * scaleAt(columns, j)
			if finite(*v) && !finite(float32(s)) {
				return nil
			}
			*v = float32(s)
		}
	}
	made = l.with(n, x, w.constant(w.g.slots[l.in[1]]+".scaled", weights), bias)
	return made
}

// with is the linear of slots x and weights with another bias, in n's place.
func (l *linear) with(n *node, x, weights int, bias []float64) *node {
	sums := make([]float32, l.n)
	for j, b := range bias {
		if sums[j] = float32(b); !finite(sums[j]) {
			return nil
		}
	}
	in := []int{x, weights, l.w.constant(l.w.g.slots[l.in[1]]+".bias", tensor.Must(sums, l.n))}
	return l.w.own(n, "Linear", in, l.proto.Attributes...)
}

func scaleAt(scales []float64, i int) float64 {
	if scales == nil {
		return 1
	}
	return scales[i]
}

func finite(v float32) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }

// rewriteLinearBatchNorm folds a batch normalisation before or after a product with a
// constant matrix into it, with s and t of [work.normalisation]:
//
//	BatchNormalization(Linear(x, W, b)) -> Linear(x, W*s, b*s + t)
//	Linear(BatchNormalization(x), W, b) -> Linear(x, s*W, t*W + b)
//
// One before the product subtracts means from inputs; where they are many times the
// deviation, sums of products would lose digits that differences keep.
func rewriteLinearBatchNorm(w *work, n *node) *node {
	if n.is("BatchNormalization") {
		l := w.linearOf(n.in[0])
		if l == nil || !w.isMatrix(l.in[0]) {
			return nil
		}
		s, t, _ := w.normalisation(n, l.n)
		if s == nil {
			return nil
		}
		bias := l.bias()
		for j := range bias {
			bias[j] = bias[j]*s[j] + t[j]
		}
		return l.scaled(n, l.in[0], nil, s, bias)
	}
	l := w.linear(n)
	if l == nil || !w.isMatrix(n.in[0]) {
		return nil
	}
	norm := w.inner(n.in[0], "BatchNormalization")
	if norm == nil {
		return nil
	}
	s, t, far := w.normalisation(norm, l.k)
	if s == nil || far > farMean {
		return nil
	}
	bias, weights := l.bias(), tensor.Of[float32](w.value(n.in[1]))
	for i := range l.k {
		for j := range bias {
			at := i*l.n + j
			if l.trans {
				at = j*l.k + i
			}
			bias[j] += t[i] * float64(weights[at])
		}
	}
	return l.scaled(n, norm.in[0], s, nil, bias)
}

// farMean is up to how many deviations a mean is taken into sums.
const farMean = 16

// isMatrix reports whether slot s has two dimensions.
func (w *work) isMatrix(s int) bool { return w.facts[s].Ranked && len(w.facts[s].Shape) == 2 }

// normalisation is a batch normalisation by constant statistics as x*s + t:
//
//	s = gamma/sqrt(var+eps), t = beta - mean*s
//
// and how many deviations the farthest mean is from 0. They are nil if n is another
// kind of node.
func (w *work) normalisation(n *node, channels int) (s, t []float64, far float64) {
	if !n.is("BatchNormalization") || !n.only() || len(n.in) != 5 || flag(n.proto, "training_mode") || n.version.Since < 7 {
		return nil, nil, 0
	}
	if a := n.proto.Attribute("spatial"); a != nil && a.I == 0 {
		return nil, nil, 0
	}
	var norm [4][]float32 // gamma, beta, mean, variance
	for i := range norm {
		v := w.value(n.in[1+i])
		if v == nil || v.DType() != tensor.Float32 || v.Len() != channels {
			return nil, nil, 0
		}
		norm[i] = tensor.Of[float32](v)
	}
	eps := float64(given(n.proto, "epsilon", 1e-5))
	for c := range channels {
		mean, deviation := float64(norm[2][c]), math.Sqrt(float64(norm[3][c])+eps)
		s = append(s, float64(norm[0][c])/deviation)
		t = append(t, float64(norm[1][c])-mean*s[c])
		far = max(far, math.Abs(mean)/deviation)
	}
	return s, t, far
}

// rewriteLinearScale folds what is multiplied with, or added to, each column of a
// product with a constant matrix into it, as exporters write a batch normalisation whose
// statistics they fold:
//
//	Mul(Linear(x, W, b), s) -> Linear(x, W*s, b*s)
//	Add(Linear(x, W, b), t) -> Linear(x, W, b+t)
func rewriteLinearScale(w *work, n *node) *node {
	if !n.is("Mul") && !n.is("Add") || len(n.in) != 2 {
		return nil
	}
	for i := range 2 {
		l, v := w.linearOf(n.in[i]), w.value(n.in[1-i])
		if l == nil || n.is("Add") && !l.isOwn("Linear") || v == nil || !w.float(n.in[1-i]) || v.Rank() > 1 || v.Len() != 1 && v.Len() != l.n {
			continue
		}
		bias, of := l.bias(), make([]float64, l.n)
		for j := range of {
			of[j] = float64(tensor.Of[float32](v)[j%v.Len()])
			if n.is("Mul") {
				bias[j] *= of[j]
			} else {
				bias[j] += of[j]
			}
		}
		if n.is("Mul") {
			return l.scaled(n, l.in[0], nil, of, bias)
		}
		return l.with(n, l.in[0], l.in[1], bias)
	}
	return nil
}
