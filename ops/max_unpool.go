package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// maxUnpool puts each element where MaxPool found it.
type maxUnpool struct {
	spatial
	types dtypes
}

func newMaxUnpool(types dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		a.Require("kernel_shape")
		k := &maxUnpool{types: types}
		k.size, k.strides, k.pads = smallInts(a, "kernel_shape", 1), smallInts(a, "strides", 1), smallInts(a, "pads", 0)
		return k, nil
	}
}

// shape is the shape that x was pooled from, as far as the window tells.
func (k *maxUnpool) shape(dst, x []int) ([]int, error) {
	if err := atLeast2(x); err != nil {
		return nil, err
	}
	n := len(x) - 2
	if err := k.rank(n); err != nil {
		return nil, err
	}
	dst = append(dst, x[:2]...)
	for d, e := range x[2:] {
		if e < 0 {
			dst = append(dst, Unknown)
			continue
		}
		if e > math.MaxInt32 {
			return nil, fmt.Errorf("spatial dimension %d of %d is more than memory can address", d, e)
		}
		dst = append(dst, max((e-1)*at(k.strides, d, 1)-at(k.pads, d, 0)-at(k.pads, n+d, 0)+k.size[d], 0))
	}
	return dst, nil
}

func (k *maxUnpool) Infer(c *Infer) error {
	x, index := c.In(0), c.In(1)
	if err := k.types.check(0, x.DType); err != nil {
		return err
	}
	if err := types(tensor.Int64).check(1, index.DType); err != nil {
		return err
	}
	if !x.Ranked {
		c.Set(0, Unranked(x.DType))
		return nil
	}
	shape, err := k.shape(nil, x.Shape)
	if err != nil {
		return err
	}
	if c.Has(2) {
		if want, ok := c.Ints(2); ok {
			shape = want
		} else {
			c.Set(0, Unranked(x.DType))
			return nil
		}
	}
	c.Set(0, Shaped(x.DType, shape...))
	return nil
}

func (k *maxUnpool) Run(c *Ctx) error {
	x, index := c.In(0), c.In(1)
	if err := k.types.check(0, x.DType()); err != nil {
		return err
	}
	if err := types(tensor.Int64).check(1, index.DType()); err != nil {
		return err
	}
	if err := checkDims(1, index.Shape(), x.Shape()...); err != nil {
		return err
	}
	pooled, err := k.shape(nil, x.Shape())
	if err != nil {
		return err
	}
	shape := pooled
	if c.Has(2) {
		if shape, err = c.Ints(2); err != nil {
			return err
		}
		if len(shape) != len(pooled) {
			return fmt.Errorf("input 2: has %d extents, expected %d", len(shape), len(pooled))
		}
	}
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil {
		return err
	}
	n, err := tensor.CheckShape(pooled, 8)
	if err != nil {
		return err
	}
	for i, v := range tensor.Of[int64](index) {
		if v < 0 || v >= int64(n) {
			return fmt.Errorf("input 1: index %d at %d is out of range for %d elements", v, i, n)
		}
	}
	switch x.DType() {
	case tensor.Float64:
		kernel.Unpool(tensor.Of[float64](y), shape, tensor.Of[float64](x), tensor.Of[int64](index), pooled)
	case tensor.Float32:
		kernel.Unpool(tensor.Of[float32](y), shape, tensor.Of[float32](x), tensor.Of[int64](index), pooled)
	default:
		kernel.Unpool(tensor.Of[uint16](y), shape, tensor.Of[uint16](x), tensor.Of[int64](index), pooled)
	}
	return nil
}
