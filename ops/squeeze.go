package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/tensor"
)

// axesFrom is a list of axes that older versions have as an attribute and
// newer ones as an input; absent where nil.
type axesFrom struct {
	attr  []int
	input int // index of the input, 0 where there is none
}

func (k axesFrom) infer(c *Infer) (axes []int, present, known bool) {
	if k.input == 0 {
		return k.attr, k.attr != nil, true
	}
	if !c.Has(k.input) {
		return nil, false, true
	}
	axes, known = c.Ints(k.input)
	return axes, true, known
}

func (k axesFrom) run(c *Ctx, dst []int) (axes []int, present bool, err error) {
	if k.input == 0 {
		return k.attr, k.attr != nil, nil
	}
	if !c.Has(k.input) {
		return nil, false, nil
	}
	axes, err = c.IntsInto(dst, k.input)
	return axes, true, err
}

// squeeze drops axes of extent 1: those listed, or all.
type squeeze struct{ axes axesFrom }

func newSqueeze(*Attrs) (Kernel, error) { return squeeze{axesFrom{input: 1}}, nil }

func (k squeeze) shape(dst, in, axes []int, all bool) ([]int, error) {
	var drop [2 * tensor.MaxRank]bool
	for _, v := range axes {
		a, err := tensor.Axis(int64(v), len(in))
		if err != nil {
			return nil, err
		}
		if in[a] != 1 && in[a] != Unknown {
			return nil, fmt.Errorf("axis %d has extent %d, expected 1", v, in[a])
		}
		drop[a] = true
	}
	for i, d := range in {
		if !drop[i] && (!all || d != 1) {
			dst = append(dst, d)
		}
	}
	return dst, nil
}

func (k squeeze) Infer(c *Infer) error {
	f := c.In(0)
	axes, present, known := k.axes.infer(c)
	if !known || !f.Ranked || len(f.Shape) > tensor.MaxRank || !present && anyUnknown(f.Shape) {
		c.Set(0, Unranked(f.DType))
		return nil
	}
	shape, err := k.shape(nil, f.Shape, axes, !present)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(f.DType, shape...))
	return nil
}

func anyUnknown(shape []int) bool {
	for _, d := range shape {
		if d < 0 {
			return true
		}
	}
	return false
}

func (k squeeze) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	var axesBuf, buf [tensor.MaxRank]int
	axes, present, err := k.axes.run(c, axesBuf[:0])
	if err != nil {
		return err
	}
	shape, err := k.shape(buf[:0], x.Shape(), axes, !present)
	if err != nil {
		return err
	}
	return passOn(c, 0, x, shape)
}

func (squeeze) View() bool { return true }

// unsqueeze inserts axes of extent 1 at the places that they have in the
// output.
type unsqueeze struct{ axes axesFrom }

func newUnsqueeze(*Attrs) (Kernel, error) { return unsqueeze{axesFrom{input: 1}}, nil }

func (k unsqueeze) shape(dst, in, axes []int) ([]int, error) {
	rank := len(in) + len(axes)
	if rank > tensor.MaxRank {
		return nil, fmt.Errorf("output would have rank %d, at most %d is supported", rank, tensor.MaxRank)
	}
	var buf [tensor.MaxRank]int
	axes, err := toAxes(buf[:0], axes, rank)
	if err != nil {
		return nil, err
	}
	var insert [tensor.MaxRank]bool
	for _, a := range axes {
		insert[a] = true
	}
	for i, next := 0, 0; i < rank; i++ {
		if insert[i] {
			dst = append(dst, 1)
			continue
		}
		dst = append(dst, in[next])
		next++
	}
	return dst, nil
}

func (k unsqueeze) Infer(c *Infer) error {
	f := c.In(0)
	axes, _, known := k.axes.infer(c)
	if !known || !f.Ranked {
		c.Set(0, Unranked(f.DType))
		if a := c.In(k.axes.input); !known && f.Ranked && a.Ranked && len(a.Shape) == 1 && a.Shape[0] >= 0 && a.Shape[0] < tensor.MaxRank {
			c.Set(0, Shaped(f.DType, unknownShape(len(f.Shape)+a.Shape[0])...))
		}
		return nil
	}
	shape, err := k.shape(nil, f.Shape, axes)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(f.DType, shape...))
	return nil
}

func (k unsqueeze) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	var axesBuf, buf [tensor.MaxRank]int
	axes, _, err := k.axes.run(c, axesBuf[:0])
	if err != nil {
		return err
	}
	shape, err := k.shape(buf[:0], x.Shape(), axes)
	if err != nil {
		return err
	}
	return passOn(c, 0, x, shape)
}

func (unsqueeze) View() bool { return true }
