package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// newTopK reads k as an attribute in version 1, else it is input 1.
func newTopK(allowed dtypes, since int) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k := &topK{allowed: allowed, axis: a.Int("axis", -1), largest: true, k: -1}
		if since == 1 {
			a.Require("k")
			if n := a.Int("k", 0); n >= 0 && n <= 1<<40 {
				k.k = int(n)
			} else {
				a.Fail("k", "is %d, expected at least 0", n)
			}
		}
		if since >= 11 {
			k.largest = a.Bool("largest", true)
			a.Bool("sorted", true) // the result is sorted in any case
		}
		return k, nil
	}
}

// topK is the k largest or smallest elements along an axis, best first, and
// their indices.
type topK struct {
	allowed dtypes
	axis    int64
	k       int // -1: input 1 has it
	largest bool
}

// shape appends the outputs' shape to dst; k is Unknown where it isn't known.
func (t *topK) shape(dst, in []int, k int) ([]int, int, error) {
	axis, err := tensor.Axis(t.axis, len(in))
	if err != nil {
		return nil, 0, fmt.Errorf("attribute \"axis\": %w", err)
	}
	if n := in[axis]; k < Unknown || k != Unknown && n != Unknown && k > n {
		return nil, 0, fmt.Errorf("k is %d, expected 0 to %d", k, n)
	}
	dst = append(dst, in...)
	dst[axis] = k
	return dst, axis, nil
}

func (t *topK) Infer(c *Infer) error {
	x, k := c.In(0), t.k
	if err := t.allowed.check(0, x.DType); err != nil {
		return err
	}
	c.Set(0, Unranked(x.DType))
	c.Set(1, Unranked(tensor.Int64))
	if !x.Ranked {
		return nil
	}
	if n, ok := c.Ints(1); ok && len(n) == 1 {
		if k = n[0]; k < 0 {
			return fmt.Errorf("k is %d, expected at least 0", k)
		}
	}
	shape, _, err := t.shape(nil, x.Shape, k)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(x.DType, shape...))
	c.Set(1, Shaped(tensor.Int64, shape...))
	return nil
}

func (t *topK) Run(c *Ctx) error {
	x, k := c.In(0), t.k
	if err := t.allowed.check(0, x.DType()); err != nil {
		return err
	}
	if k < 0 {
		var one [1]int
		n, err := c.IntsInto(one[:0], 1)
		if err != nil {
			return err
		}
		if len(n) != 1 || n[0] < 0 {
			return fmt.Errorf("input 1: has k %v, expected one number that is not negative", append([]int(nil), n...))
		}
		k = n[0]
	}
	var s [tensor.MaxRank]int
	shape, axis, err := t.shape(s[:0], x.Shape(), k)
	if err != nil {
		return err
	}
	if isHalf(x.DType()) {
		return inFloat32(c, x.DType(), t.Run)
	}
	values, err := c.Out(0, x.DType(), shape...)
	if err != nil {
		return err
	}
	indices, err := c.Out(1, tensor.Int64, shape...)
	if err != nil {
		return err
	}
	outer, n, inner := around(x.Shape(), axis)
	return pick(x.DType(), topKOf[float32], topKOf[float64], topKOf[int8], topKOf[int16], topKOf[int32], topKOf[int64],
		topKOf[uint8], topKOf[uint16], topKOf[uint32], topKOf[uint64])(c, t, values, indices, x, outer, n, inner, k)
}

func topKOf[T number](c *Ctx, t *topK, values, indices, x *tensor.Tensor, outer, n, inner, k int) error {
	if err := c.Memory.Reserve(kernel.RoomForTopK[T](c.Pool(), outer, n, inner, k)); err != nil {
		return err
	}
	kernel.TopKAxis(c.Pool(), c.Err, tensor.Of[T](values), tensor.Of[int64](indices), tensor.Of[T](x), outer, n, inner, k, !t.largest)
	return c.Err()
}
