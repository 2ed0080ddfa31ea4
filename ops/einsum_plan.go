package ops

import (
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// An einsumPlan is an Einsum for operands of certain shapes: sums over single
// operands, then products of pairs from left to right. A node keeps the plan of
// its last run, with its temporaries, for a next one of the same shapes.
type einsumPlan[T number] struct {
	shapes  [][]int
	out     []int
	extents map[label]int
	bufs    [][]T // the operands, then temporaries
	last    int   // the buffer that is the output
	steps   []func(c *Ctx) error
}

// A factor is an array that a plan has: element (i...) of its labels is at
// sum(i*steps) of its buffer.
type factor struct {
	labels []label
	steps  []int
	buf    int
}

type einsumKept[T number] struct{ plan *einsumPlan[T] }

func runEinsum[T number](c *Ctx, k *einsum) (err error) {
	kept := c.Local(func() any { return &einsumKept[T]{} }).(*einsumKept[T])
	if kept.plan == nil || !kept.plan.fits(c) {
		if kept.plan, err = planEinsum[T](c, k); err != nil {
			return err
		}
	}
	p := kept.plan
	y, err := c.Out(0, c.In(0).DType(), p.out...)
	if err != nil {
		return err
	}
	for i := range p.shapes {
		p.bufs[i] = tensor.Of[T](c.In(i))
	}
	p.bufs[p.last] = tensor.Of[T](y)
	defer p.forget()
	for _, step := range p.steps {
		if err := step(c); err != nil {
			return err
		}
	}
	return c.Err()
}

// fits reports whether the plan is for these inputs.
func (p *einsumPlan[T]) fits(c *Ctx) bool {
	for i, s := range p.shapes {
		if !c.In(i).Shape().Equal(s) {
			return false
		}
	}
	return true
}

// forget lets go of what belongs to one run.
func (p *einsumPlan[T]) forget() {
	clear(p.bufs[:len(p.shapes)])
	p.bufs[p.last] = nil
}

func planEinsum[T number](c *Ctx, k *einsum) (*einsumPlan[T], error) {
	p := &einsumPlan[T]{shapes: make([][]int, c.NumIn()), bufs: make([][]T, c.NumIn())}
	for i := range p.shapes {
		p.shapes[i] = slices.Clone(c.In(i).Shape())
	}
	labels, extents, out, err := k.resolve(p.shapes)
	if err != nil {
		return nil, err
	}
	p.extents = extents
	factors := make([]factor, len(labels))
	for i := range labels {
		factors[i] = p.operand(i, labels[i])
	}
	acc := factors[0]
	for i := range factors {
		later := slices.Clone(out) // the labels still needed after operand i
		for _, f := range factors[i+1:] {
			later = append(later, f.labels...)
		}
		if i == 0 {
			if acc, err = p.sum(c, acc, later); err != nil {
				return nil, err
			}
			continue
		}
		if acc, err = p.product(c, acc, factors[i], later); err != nil {
			return nil, err
		}
	}
	for _, l := range out {
		p.out = append(p.out, extents[l])
	}
	if acc.buf < len(factors) || !p.inOrder(acc, out) {
		if acc, err = p.copied(c, acc, out); err != nil {
			return nil, err
		}
	}
	p.last = acc.buf
	p.bufs[p.last] = nil
	return p, nil
}

// operand is input i: a label that it has twice is a diagonal, and one of
// extent 1 where other operands have more is left out, which repeats it.
func (p *einsumPlan[T]) operand(i int, labels []label) factor {
	f := factor{buf: i}
	step := 1
	for d := len(labels) - 1; d >= 0; d-- {
		l, e := labels[d], p.shapes[i][d]
		if j := slices.Index(f.labels, l); j >= 0 && (e != 1 || p.extents[l] == 1) {
			f.steps[j] += step
		} else if e != 1 || p.extents[l] == 1 {
			f.labels, f.steps = append([]label{l}, f.labels...), append([]int{step}, f.steps...)
		}
		step *= e
	}
	return f
}

// inOrder reports whether f has exactly the given labels, densely in this
// order.
func (p *einsumPlan[T]) inOrder(f factor, order []label) bool {
	if len(order) != len(f.labels) {
		return false
	}
	step := 1
	for d := len(order) - 1; d >= 0; d-- {
		j := slices.Index(f.labels, order[d])
		if j < 0 || f.steps[j] != step && p.extents[order[d]] != 1 {
			return false
		}
		step *= p.extents[order[d]]
	}
	return true
}

// temporary is a new buffer for an array of the given labels.
func (p *einsumPlan[T]) temporary(c *Ctx, labels []label) (factor, error) {
	f := factor{labels: labels, steps: make([]int, len(labels)), buf: len(p.bufs)}
	extents := make([]int, len(labels))
	for i, l := range labels {
		extents[i] = p.extents[l]
	}
	size := tensor.DTypeOf[T]().Size()
	n := 1
	for len(extents) > 0 { // more labels than a tensor may have dimensions
		part := extents[:min(len(extents), tensor.MaxRank-1)]
		extents = extents[len(part):]
		m, err := tensor.CheckShape(append([]int{n}, part...), size)
		if err != nil {
			return f, err
		}
		n = m
	}
	if err := c.Memory.Reserve(n * size); err != nil {
		return f, err
	}
	p.bufs = append(p.bufs, make([]T, n))
	step := 1
	for d := len(labels) - 1; d >= 0; d-- {
		f.steps[d] = step
		step *= p.extents[labels[d]]
	}
	return f, nil
}

// copied is f with its labels in the given order; those f lacks repeat it.
func (p *einsumPlan[T]) copied(c *Ctx, f factor, order []label) (factor, error) {
	to, err := p.temporary(c, order)
	if err != nil {
		return to, err
	}
	var s kernel.Strided
	for d, l := range order {
		step := 0
		if j := slices.Index(f.labels, l); j >= 0 {
			step = f.steps[j]
		}
		s.Add(p.extents[l], to.steps[d], step)
	}
	p.steps = append(p.steps, func(*Ctx) error {
		kernel.CopyStrided(p.bufs[to.buf], p.bufs[f.buf], &s)
		return nil
	})
	return to, nil
}

// sum is f summed over the labels that aren't in keep.
func (p *einsumPlan[T]) sum(c *Ctx, f factor, keep []label) (factor, error) {
	stay, gone := partition(f.labels, keep)
	if len(gone) == 0 {
		return f, nil
	}
	order := append(slices.Clone(stay), gone...)
	if !p.inOrder(f, order) {
		var err error
		if f, err = p.copied(c, f, order); err != nil {
			return f, err
		}
	}
	to, err := p.temporary(c, stay)
	if err != nil {
		return to, err
	}
	rows, n := p.volume(stay), p.volume(gone)
	p.steps = append(p.steps, func(c *Ctx) error {
		kernel.SumRows(c.Pool(), p.bufs[to.buf], p.bufs[f.buf], rows, n)
		return nil
	})
	return to, nil
}

// partition divides labels into those in set and those not.
func partition(labels, set []label) (in, out []label) {
	for _, l := range labels {
		if slices.Contains(set, l) {
			in = append(in, l)
		} else {
			out = append(out, l)
		}
	}
	return in, out
}

func (p *einsumPlan[T]) volume(labels []label) int {
	n := 1
	for _, l := range labels {
		n *= p.extents[l]
	}
	return n
}

// product is a times b summed over the labels that aren't in keep, as a batch of
// matrix products: labels of both that stay are the batch, those of one only
// rows or columns, those of both that go are summed.
func (p *einsumPlan[T]) product(c *Ctx, a, b factor, keep []label) (factor, error) {
	var err error
	if a, err = p.sum(c, a, append(slices.Clone(b.labels), keep...)); err != nil {
		return a, err
	}
	if b, err = p.sum(c, b, append(slices.Clone(a.labels), keep...)); err != nil {
		return b, err
	}
	both, rows := partition(a.labels, b.labels)
	batch, inner := partition(both, keep)
	_, cols := partition(b.labels, both)
	g := &batched[T]{alpha: 1, m: p.volume(rows), k: p.volume(inner), n: p.volume(cols)}
	g.each = g.products
	if a, g.transA, err = p.matrix(c, a, batch, rows, inner); err != nil {
		return a, err
	}
	if b, g.transB, err = p.matrix(c, b, batch, inner, cols); err != nil {
		return b, err
	}
	to, err := p.temporary(c, slices.Concat(batch, rows, cols))
	if err != nil {
		return to, err
	}
	count := []int{p.volume(batch)}
	p.steps = append(p.steps, func(c *Ctx) error {
		m := g.m // which run may change
		g.a, g.b, g.y = p.bufs[a.buf], p.bufs[b.buf], p.bufs[to.buf]
		err := g.run(c, count, count)
		g.m = m
		return err
	})
	return to, nil
}

// matrix brings f into the order batch, rows, columns, or reports that it is
// transposed.
func (p *einsumPlan[T]) matrix(c *Ctx, f factor, batch, rows, cols []label) (factor, bool, error) {
	order := slices.Concat(batch, rows, cols)
	if p.inOrder(f, order) {
		return f, false, nil
	}
	if p.inOrder(f, slices.Concat(batch, cols, rows)) {
		return f, true, nil
	}
	f, err := p.copied(c, f, order)
	return f, false, err
}
