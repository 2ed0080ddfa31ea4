package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// padOps grow and crop tensors at their edges.
func padOps() []Op {
	pad := func(inputs int, f func(*Attrs) (Kernel, error)) Version {
		return Version{MinIn: 2, MaxIn: inputs, MinOut: 1, MaxOut: 1, New: f}
	}
	return []Op{
		{Name: "Pad", Versions: versions(
			repeat(unaryVersion(newPad1), 1),
			repeat(unaryVersion(newPad2), 2),
			repeat(pad(3, newPad11), 11, 13),
			repeat(pad(4, newPad11), 18),
			repeat(pad(4, newPad19), 19, 21, 23, 24, 25))},
		{Name: "CenterCropPad", Versions: repeat(pad(2, newCenterCropPad), 18)},
	}
}

// padMode says where the elements beyond the edges come from.
type padMode int

const (
	padConstant padMode = iota
	padReflect          // mirrored at the outermost element, which isn't repeated
	padEdge             // the outermost element
	padWrap             // from the opposite edge on
)

func readPadMode(a *Attrs, names ...string) padMode {
	s := a.Enum("mode", "constant", names...)
	return map[string]padMode{"reflect": padReflect, "edge": padEdge, "wrap": padWrap}[s]
}

// pad adds input 1's counts of elements before and after each axis (of those
// in input 3) and removes elements where a count is negative. Input 2 is what
// constant mode adds.
type pad struct{ mode padMode }

func newPad11(a *Attrs) (Kernel, error) {
	return pad{readPadMode(a, "constant", "reflect", "edge")}, nil
}

func newPad19(a *Attrs) (Kernel, error) {
	return pad{readPadMode(a, "constant", "reflect", "edge", "wrap")}, nil
}

// margins are the pads of each axis of one tensor and the shape they give it.
type margins struct {
	before, after, shape [tensor.MaxRank]int
}

// of spreads pads over the axes of shape in, whose extents may be Unknown.
func (m *margins) of(in, pads, axes []int) error {
	rank := len(in)
	if rank > tensor.MaxRank {
		return fmt.Errorf("input 0: has rank %d, at most %d is supported", rank, tensor.MaxRank)
	}
	copy(m.shape[:], in)
	var buf [tensor.MaxRank]int
	n := rank
	if axes != nil {
		var err error
		if axes, err = toAxes(buf[:0], axes, rank); err != nil {
			return err
		}
		n = len(axes)
	}
	if len(pads) != 2*n {
		return fmt.Errorf("there are %d pads for %d axes, expected %d", len(pads), n, 2*n)
	}
	for i := range n {
		a := i
		if axes != nil {
			a = axes[i]
		}
		m.before[a], m.after[a] = pads[i], pads[n+i]
		if in[a] == Unknown {
			continue
		}
		d := in[a]
		for _, p := range [2]int{pads[i], pads[n+i]} {
			if p < -d {
				return fmt.Errorf("pads %d and %d remove more than extent %d at dimension %d", pads[i], pads[n+i], in[a], a)
			}
			if p < 0 {
				d += p
				continue
			}
			var err error
			if d, err = addDim(d, p); err != nil {
				return err
			}
		}
		m.shape[a] = d
	}
	return nil
}

func (k pad) Infer(c *Infer) error {
	f := c.In(0)
	pads, ok := c.Ints(1)
	axes, ok2 := c.Ints(3)
	if !f.Ranked {
		c.Set(0, Unranked(f.DType))
		return nil
	}
	if !ok || c.Has(3) && !ok2 {
		c.Set(0, Shaped(f.DType, unknownShape(len(f.Shape))...))
		return nil
	}
	return inferPad(c, pads, axes)
}

func inferPad(c *Infer, pads, axes []int) error {
	f := c.In(0)
	var m margins
	if err := m.of(f.Shape, pads, axes); err != nil {
		return err
	}
	c.Set(0, Shaped(f.DType, append([]int(nil), m.shape[:len(f.Shape)]...)...))
	return nil
}

func (k pad) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	var padsBuf [2 * tensor.MaxRank]int
	var axesBuf [tensor.MaxRank]int
	pads, err := c.IntsInto(padsBuf[:0], 1)
	if err != nil {
		return err
	}
	var axes []int
	if c.Has(3) {
		if axes, err = c.IntsInto(axesBuf[:0], 3); err != nil {
			return err
		}
	}
	value := c.In(2)
	if value != nil && (value.DType() != x.DType() || value.Len() != 1) {
		return fmt.Errorf("input 2: is %v, expected one element of type %v", value, x.DType())
	}
	return k.run(c, x, value, pads, axes)
}

func (k pad) run(c *Ctx, x, value *tensor.Tensor, pads, axes []int) error {
	var m margins
	if err := m.of(x.Shape(), pads, axes); err != nil {
		return err
	}
	rank := x.Rank()
	y, err := c.Out(0, x.DType(), m.shape[:rank]...)
	if err != nil || y.Len() == 0 {
		return err
	}
	if k.mode == padConstant {
		if err := k.background(c, y, value); err != nil {
			return err
		}
	}
	p := padder{c: c, y: y, x: x, m: m, mode: k.mode}
	tensor.Strides(p.dst[:], m.shape[:rank])
	tensor.Strides(p.src[:], x.Shape())
	return p.axis(0, kernel.Strided{})
}

// background fills y with value, zero or "" if there is none.
func (pad) background(c *Ctx, y, value *tensor.Tensor) error {
	if value != nil {
		return fill(c, y, value)
	}
	if y.DType() == tensor.String {
		clear(tensor.Of[string](y))
	}
	clear(y.Bytes())
	return nil
}

// padder copies every block of the output that is one strided copy: the
// product over the axes of the stretches in which the source index moves by a
// constant step.
type padder struct {
	c        *Ctx
	y, x     *tensor.Tensor
	m        margins
	mode     padMode
	dst, src [tensor.MaxRank]int
}

func (p *padder) axis(d int, s kernel.Strided) error {
	if d == p.x.Rank() {
		return move(p.c, p.y, p.x, &s)
	}
	// What is left of the axis after cropping: n source elements from first on,
	// at lo in the output.
	lo, first := max(p.m.before[d], 0), max(-p.m.before[d], 0)
	n := p.x.Dim(d) - first - max(-p.m.after[d], 0)
	total := p.m.shape[d]
	stretch := func(at, count, from, step int) error {
		if count <= 0 {
			return nil
		}
		part := s
		part.DstOff += at * p.dst[d]
		part.SrcOff += (first + from) * p.src[d]
		part.Add(count, p.dst[d], step*p.src[d])
		return p.axis(d+1, part)
	}
	if n <= 0 {
		if p.mode != padConstant && total > 0 {
			return fmt.Errorf("dimension %d has no elements to pad with", d)
		}
		return nil
	}
	if p.mode == padConstant {
		return stretch(lo, n, 0, 1)
	}
	if p.mode == padEdge || p.mode == padReflect && n == 1 {
		if err := stretch(0, lo, 0, 0); err != nil {
			return err
		}
		if err := stretch(lo, n, 0, 1); err != nil {
			return err
		}
		return stretch(lo+n, total-lo-n, n-1, 0)
	}
	// Reflections and copies repeat with a period; at is an output index, and
	// phase its distance from the start of a period.
	period := n
	if p.mode == padReflect {
		period = 2 * (n - 1)
	}
	for at := 0; at < total; {
		if err := p.c.Err(); err != nil {
			return err
		}
		phase := ((at-lo)%period + period) % period
		var count, from, step int
		switch {
		case p.mode == padWrap:
			count, from, step = n-phase, phase, 1
		case phase < n-1:
			count, from, step = n-1-phase, phase, 1
		default:
			count, from, step = period-phase, period-phase, -1
		}
		count = min(count, total-at)
		if err := stretch(at, count, from, step); err != nil {
			return err
		}
		at += count
	}
	return nil
}
