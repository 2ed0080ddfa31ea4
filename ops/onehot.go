package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// oneHot gives each index in input 0 a vector along a new axis of the length
// in input 1, with input 2's second value at the index and its first elsewhere.
type oneHot struct{ axis int64 }

func newOneHot(a *Attrs) (Kernel, error) { return oneHot{a.Int("axis", -1)}, nil }

// depthOf is the one element of the depth tensor.
func depthOf(t *tensor.Tensor) (int, error) {
	if t.Len() != 1 {
		return 0, fmt.Errorf("input 1: has shape %v, expected one element", t.Shape())
	}
	if err := numbers.check(1, t.DType()); err != nil {
		return 0, err
	}
	var d [1]int64
	if err := toInt64(d[:], t); err != nil {
		return 0, err
	}
	if d[0] < 0 || d[0] > 1<<40 {
		return 0, fmt.Errorf("input 1: is %d, expected a depth of 0 to %d", d[0], int64(1<<40))
	}
	return toInt(d[0]), nil
}

// toInt64 converts numbers to integers, fractions cut off.
func toInt64(dst []int64, t *tensor.Tensor) error {
	if isHalf(t.DType()) {
		wide := make([]float32, t.Len())
		widen(wide, t)
		kernel.ConvertTo(dst, wide)
		return nil
	}
	convertNumbers(dst, t)
	return nil
}

func (k oneHot) Infer(c *Infer) error {
	idx, values := c.In(0), c.In(2)
	c.Set(0, Unranked(values.DType))
	if !idx.Ranked {
		return nil
	}
	axis, err := tensor.Axis(k.axis, len(idx.Shape)+1)
	if err != nil {
		return err
	}
	depth := Unknown
	if v := c.In(1).Value; v != nil {
		if depth, err = depthOf(v); err != nil {
			return err
		}
	}
	c.Set(0, Shaped(values.DType, slices.Insert(slices.Clone(idx.Shape), axis, depth)...))
	return nil
}

func (k oneHot) Run(c *Ctx) error {
	idx, depthIn, values, err := oneHotInputs(c)
	if err != nil {
		return err
	}
	depth, err := depthOf(depthIn)
	if err != nil {
		return err
	}
	axis, err := tensor.Axis(k.axis, idx.Rank()+1)
	if err != nil {
		return err
	}
	var buf [tensor.MaxRank + 1]int
	shape := append(append(append(buf[:0], idx.Shape()[:axis]...), depth), idx.Shape()[axis:]...)
	y, err := c.Out(0, values.DType(), shape...)
	if err != nil || y.Len() == 0 {
		return err
	}
	if err := fill(c, y, values); err != nil {
		return err
	}
	inner := idx.Shape()[axis:].Len()
	switch idx.DType() {
	case tensor.Int64:
		markHot(y, values, tensor.Of[int64](idx), depth, inner)
	case tensor.Int32:
		markHot(y, values, tensor.Of[int32](idx), depth, inner)
	default:
		wide, err := reserved[int64](c, idx.Len())
		if err != nil {
			return err
		}
		if err := toInt64(wide, idx); err != nil {
			return err
		}
		markHot(y, values, wide, depth, inner)
	}
	return nil
}

func oneHotInputs(c *Ctx) (idx, depth, values *tensor.Tensor, err error) {
	if idx, err = given(c, 0); err != nil {
		return
	}
	if depth, err = given(c, 1); err != nil {
		return
	}
	if values, err = given(c, 2); err != nil {
		return
	}
	if err = numbers.check(0, idx.DType()); err != nil {
		return
	}
	if values.Rank() != 1 || values.Len() != 2 {
		err = fmt.Errorf("input 2: has shape %v, expected (2)", values.Shape())
	}
	return
}

// markHot is kernel.OneHot for the elements' size.
func markHot[I kernel.Index](y, values *tensor.Tensor, idx []I, depth, inner int) {
	switch y.DType().Size() {
	case 0:
		kernel.OneHot(tensor.Of[string](y), tensor.Of[string](values)[1], idx, depth, inner)
	case 1:
		kernel.OneHot(tensor.Of[uint8](y), tensor.Of[uint8](values)[1], idx, depth, inner)
	case 2:
		kernel.OneHot(tensor.Of[uint16](y), tensor.Of[uint16](values)[1], idx, depth, inner)
	case 4:
		kernel.OneHot(tensor.Of[uint32](y), tensor.Of[uint32](values)[1], idx, depth, inner)
	case 8:
		kernel.OneHot(tensor.Of[uint64](y), tensor.Of[uint64](values)[1], idx, depth, inner)
	default:
		kernel.OneHot(tensor.Of[complex128](y), tensor.Of[complex128](values)[1], idx, depth, inner)
	}
}
