package ops

import (
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// A resizePlan is what a node keeps from run to run: its axes and their tables, for as
// long as shapes and scales stay the same.
type resizePlan struct {
	known       bool // axes and out are those of:
	in, sizes   []int
	scales, roi []float32
	list        []int // what input sizes was read to

	axes    []resizeAxis
	out     []int
	tables  bool // the following are those of axes
	bytes   int
	nearest kernel.Nearest
	single  []kernel.Resample[float32] // interpolation, one or two axes at a time
	double  []kernel.Resample[float64]

	c    *Ctx
	halt func() error
}

func newResizePlan() any {
	p := new(resizePlan)
	p.halt = func() error { return p.c.Err() }
	return p
}

// plan sets the axes of p for this run.
func (k *resize) plan(c *Ctx, p *resizePlan, x *tensor.Tensor) (err error) {
	scales, sizes, roi := k.scales, []int(nil), []float32(nil)
	if k.scalesIn > 0 && c.Has(k.scalesIn) {
		if scales, err = floatList(c.In(k.scalesIn), k.scalesIn); err != nil {
			return err
		}
	}
	if k.sizesIn > 0 && c.Has(k.sizesIn) {
		if p.list, err = c.IntsInto(p.list[:0], k.sizesIn); err != nil {
			return err
		}
		if len(p.list) > 0 {
			sizes = p.list
		}
	}
	if k.coordinate == "tf_crop_and_resize" && c.Has(k.roiIn) {
		if roi, err = floatList(c.In(k.roiIn), k.roiIn); err != nil {
			return err
		}
	}
	if p.known && slices.Equal(p.in, x.Shape()) && slices.Equal(p.sizes, sizes) && slices.Equal(p.scales, scales) && slices.Equal(p.roi, roi) {
		return nil
	}
	p.known, p.tables = false, false
	axes, err := k.target(x.Shape(), roi, scales, sizes)
	if err != nil {
		return err
	}
	p.in, p.sizes, p.scales, p.roi = slices.Clone(x.Shape()), slices.Clone(sizes), slices.Clone(scales), slices.Clone(roi)
	p.axes, p.out, p.known = axes, extents(axes), true
	return nil
}

// reserve accounts for count entries of tables of the given size.
func (p *resizePlan) reserve(c *Ctx, count, size int) error {
	n, err := tensor.CheckShape([]int{count}, size)
	if err != nil {
		return err
	}
	p.bytes += n * size
	return c.Memory.Reserve(n * size)
}

// tabled reports whether the tables are there, and accounts for them if so.
func (p *resizePlan) tabled(c *Ctx) (bool, error) {
	if !p.tables {
		p.bytes = 0
		return false, nil
	}
	return true, c.Memory.Reserve(p.bytes)
}

// picks makes the tables of nearest.
func (p *resizePlan) picks(c *Ctx, rule string) error {
	if there, err := p.tabled(c); there {
		return err
	}
	s := kernel.Nearest{Inner: 1}
	for i := range p.axes {
		r := &p.axes[i]
		a, last := kernel.Pick{N: r.n, M: r.m}, len(s.Axes)-1
		switch {
		case !r.identity():
			if err := p.reserve(c, r.m, 4); err != nil {
				return err
			}
			a.Index = r.nearest(make([]int32, 0, r.m), rule)
			s.Axes = append(s.Axes, a)
		case last >= 0 && s.Axes[last].Index == nil:
			s.Axes[last].N *= r.n
			s.Axes[last].M *= r.m
		default:
			s.Axes = append(s.Axes, a)
		}
	}
	if last := len(s.Axes) - 1; last >= 0 && s.Axes[last].Index == nil {
		s.Inner, s.Axes = s.Axes[last].N, s.Axes[:last]
	}
	if len(s.Axes) == 0 {
		s.Axes = []kernel.Pick{{N: 1, M: 1}}
	}
	p.nearest, p.tables = s, true
	return nil
}

// resizeStepsOf makes those of filter f, axis after axis, the last two together where one
// follows the other.
func resizeStepsOf[T floating](c *Ctx, p *resizePlan, f filter) ([]kernel.Resample[T], error) {
	kept := any(&p.single)
	if tensor.DTypeOf[T]() == tensor.Float64 {
		kept = &p.double
	}
	steps := kept.(*[]kernel.Resample[T])
	if there, err := p.tabled(c); there {
		return *steps, err
	}
	*steps = nil
	shape := slices.Clone(p.in)
	for d := range p.axes {
		r := &p.axes[d]
		if r.identity() {
			continue
		}
		a, err := tapsOf[T](c, p, f, r)
		if err != nil {
			return nil, err
		}
		s := kernel.Resample[T]{Outer: tensor.Shape(shape[:d]).Len(), Inner: tensor.Shape(shape[d+1:]).Len(), V: a, Halt: p.halt}
		shape[d] = r.m
		if s.Inner == 1 {
			s.V, s.H = nil, a
			if last := len(*steps) - 1; last >= 0 && (*steps)[last].H == nil && (*steps)[last].Inner == r.n {
				b := (*steps)[last]
				s.Outer, s.V = b.Outer, b.V
				*steps = (*steps)[:last]
			}
		}
		*steps = append(*steps, s)
	}
	p.tables = true
	return *steps, nil
}

// tapsOf is one axis.
func tapsOf[T floating](c *Ctx, p *resizePlan, f filter, r *resizeAxis) (*kernel.Taps[T], error) {
	a := &kernel.Taps[T]{N: r.n, M: r.m, Taps: 2 * f.reach(float64(r.scale))}
	n, err := tensor.CheckShape([]int{r.m, a.Taps}, 16)
	if err != nil {
		return nil, err
	}
	if err := p.reserve(c, n, 12+tensor.DTypeOf[T]().Size()); err != nil {
		return nil, err
	}
	a.Index, a.Weight = make([]int32, n), make([]T, n)
	wide := make([]float64, n)
	f.taps(r, a.Index, wide)
	kernel.ConvertTo(a.Weight, wide)
	a.Prepare()
	return a, nil
}
