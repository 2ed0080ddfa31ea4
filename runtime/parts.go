package runtime

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// A batch of images goes through the first layers of a network a few at a time: what a
// layer makes of all of them wouldn't stay in the caches until the next one reads it.
// Later layers, whose weights are larger than the values of an image, get the whole
// batch.

// splitting is the name under which WithoutRewrite turns parts off.
const splitting = "batch-parts"

const (
	// partFar is from how many bytes on, read and made by one node, a batch is cut.
	partFar = 2 << 20
	// partNear is about how many bytes a node then reads and makes of a part, for each
	// thread.
	partNear = 1 << 20
)

// parts are nodes that run several times, each time on the next part of the batch.
type parts struct {
	first, end int   // the nodes
	count      int   // how many parts
	slots      []int // what others make or read too: each time the next part of it
}

// in reports whether node i is one of them.
func (p *parts) in(i int) bool { return p != nil && p.first <= i && i < p.end }

// parts finds the nodes, among those that follow each other, of which most bytes stay
// near if they run on parts of the batch, less the weights that are read again for
// each; nil if there are none. What nobody else reads of their values gets the shape of
// a part.
func (l *layout) parts(w *work) *parts {
	if slices.Contains(w.config.without, splitting) || len(l.g.inputs) == 0 {
		return nil
	}
	batch := 0
	for _, s := range l.g.inputs {
		if f := l.facts[s]; f.Known() && len(f.Shape) > 2 {
			batch = f.Shape[0]
			break
		}
	}
	if batch < 2 {
		return nil
	}
	var best *parts
	most, sample := 0, 0 // bytes
	for i := 0; i < len(l.g.nodes); i++ {
		run := &parts{first: i}
		gain, largest := 0, 0
		for ; i < len(l.g.nodes) && l.apart(w, i, batch); i++ {
			bytes, again := l.moved(l.g.nodes[i], batch), (batch-1)*l.weights(l.g.nodes[i])
			if bytes < partFar {
				bytes = 0
			}
			if gain += bytes - again; gain <= 0 {
				run, gain, largest = &parts{first: i + 1}, 0, 0
				continue
			}
			if largest = max(largest, bytes/batch); gain > most {
				best, most, sample = &parts{first: run.first, end: i + 1}, gain, largest
			}
		}
	}
	if best == nil {
		return nil
	}
	wanted := min(batch, w.pool.Threads()*max(1, partNear/sample)) // samples in a part
	size := wanted
	for batch%size != 0 {
		size--
	}
	best.count = batch / size
	if best.count < 2 || 2*size < wanted { // a batch of 10007 has no parts but single ones
		return nil
	}
	l.cut(best, batch, size)
	return best
}

// cut shares out the values of p: those that nobody else reads are made small.
func (l *layout) cut(p *parts, batch, size int) {
	const made, read, elsewhere = 1, 2, 4
	use := make([]int, len(l.facts))
	for i, n := range l.g.nodes {
		for _, list := range [][]int{n.in, n.captures} {
			for _, s := range list {
				switch {
				case s < 0:
				case p.in(i):
					use[s] |= read
				default:
					use[s] |= elsewhere
				}
			}
		}
		for _, s := range n.out {
			if s >= 0 && p.in(i) {
				use[s] |= made
			}
		}
	}
	for _, s := range l.g.outputs {
		use[s] |= elsewhere
	}
	for s, u := range use {
		switch {
		case u&(made|read) == 0 || !l.sliced(s, batch):
		case u&made != 0 && u&elsewhere == 0:
			l.facts[s].Shape = slices.Clone(l.facts[s].Shape)
			l.facts[s].Shape[0] = size
		default:
			p.slots = append(p.slots, s)
		}
	}
}

// sliced reports whether slot s has an element of the batch in each step of its first
// axis.
func (l *layout) sliced(s, batch int) bool {
	f := l.facts[s]
	return f.Value == nil && len(f.Shape) > 1 && f.Shape[0] == batch
}

// moved is how many bytes of the batch node n reads and makes.
func (l *layout) moved(n *node, batch int) int {
	total := 0
	for _, list := range [][]int{n.in, n.out} {
		for _, s := range list {
			if s >= 0 && l.sliced(s, batch) {
				total += l.bytes(s)
			}
		}
	}
	return total
}

// weights is how many bytes of constants node n reads.
func (l *layout) weights(n *node) int {
	total := 0
	if k, ok := n.kernel.(ops.Heavy); ok {
		total = k.WeightBytes()
	}
	for _, s := range n.in {
		if s >= 0 && l.facts[s].Value != nil {
			total += l.bytes(s)
		}
	}
	return total
}

// apart reports whether node i computes each element of the batch from those inputs
// that belong to it, and nothing may hold on to its values.
func (l *layout) apart(w *work, i, batch int) bool {
	n := l.g.nodes[i]
	if l.groups[i] > 0 || n.version.Random || len(n.bodies) > 0 || !n.only() || n.out[0] < 0 {
		return false
	}
	for _, list := range [][]int{n.in, n.out} {
		for _, s := range list {
			if s >= 0 && (!placeable(l.facts[s]) || l.kept[s]) {
				return false
			}
		}
	}
	y := l.facts[n.out[0]].Shape
	if !l.sliced(n.out[0], batch) {
		return false
	}
	of := []int{0} // the inputs that may belong to elements of the batch
	switch {
	case n.isOwn("Conv"):
		of = []int{0, 3}
	case n.byElement():
		if flag(n.proto, "training_mode") {
			return false
		}
	case n.is("Add"), n.is("Sub"), n.is("Mul"), n.is("Div"), n.is("PRelu"):
		of = []int{0, 1}
	case n.is("Concat"):
		of = of[:0] // along axis 0 the result would have another extent there
		for j := range n.in {
			of = append(of, j)
		}
	case n.is("Transpose"):
		if p := permutation(n, len(y)); p == nil || p[0] != 0 {
			return false
		}
	case n.is("Resize"), n.is("Upsample"):
		scales := w.value(n.in[len(n.in)-1])
		if a := n.proto.Attribute("coordinate_transformation_mode"); a != nil && string(a.S) == "tf_crop_and_resize" {
			return false
		}
		if scales == nil || scales.DType() != tensor.Float32 || scales.Len() != len(y) || tensor.Of[float32](scales)[0] != 1 {
			return false
		}
	default:
		return false
	}
	some := false
	for j, s := range n.in {
		if s < 0 {
			continue
		}
		f, may := l.facts[s], slices.Contains(of, j)
		switch {
		case l.sliced(s, batch) && may && len(f.Shape) == len(y):
			some = true
		case l.sliced(s, batch), may && f.Value != nil && len(f.Shape) == len(y) && f.Shape[0] == batch:
			return false
		}
	}
	return some
}

// part is a value of which each part of the batch gets a piece.
type part struct {
	whole, piece *tensor.Tensor // headers
}

// partHeaders are headers with pieces for what is cut, and x's list of them.
func (x *instance) partHeaders(headers []*tensor.Tensor) ([]*tensor.Tensor, error) {
	p := x.p.parted
	if p == nil {
		return headers, nil
	}
	of := slices.Clone(headers)
	for _, s := range p.slots {
		f := x.p.facts[s]
		shape := slices.Clone(f.Shape)
		shape[0] /= p.count
		piece, err := tensor.Header(f.DType, shape...)
		if err != nil {
			return nil, err
		}
		x.parts = append(x.parts, part{headers[s], piece})
		of[s] = piece
	}
	return of, nil
}

// partByPart runs n steps from step i on for each part of the batch.
func (x *instance) partByPart(i, n int) error {
	for k := range x.p.parted.count {
		for _, p := range x.parts {
			if err := p.piece.Attach(p.whole, k*p.piece.Len()); err != nil {
				return fmt.Errorf("%w: %w", ErrInternal, err)
			}
		}
		for at := i; at < i+n; at++ {
			if err := x.one(at); err != nil {
				return err
			}
		}
	}
	return nil
}
