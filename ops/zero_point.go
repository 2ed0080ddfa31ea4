package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// centred is x minus its zero point, input z, if that is given. A zero point of
// rank 1 belongs to x's rows, or else to its columns.
func centred[T int32 | float32](c *Ctx, z int, x *tensor.Tensor, rows bool) ([]T, error) {
	zero := c.In(z)
	if zero == nil {
		return minusZero[T](c, z, x, nil, nil)
	}
	shape := zero.Shape()
	if n := zero.Len(); n == 1 {
		shape = nil
	} else if zero.Rank() == 1 && rows && x.Rank() > 1 {
		shape = tensor.Shape{n, 1}
	}
	return minusZero[T](c, z, x, zero, shape)
}

// minusZero is x minus input z, zero, counted as being of the given shape; nil
// is 0.
func minusZero[T int32 | float32](c *Ctx, z int, x, zero *tensor.Tensor, shape []int) ([]T, error) {
	out, err := reserved[T](c, x.Len())
	if err != nil {
		return nil, err
	}
	if f, ok := any(out).([]float32); ok && byteTypes.has(x.DType()) && (zero == nil || zero.Len() == 1 && len(shape) == 0) {
		b, one := kernel.Blocks{Outer: 1, N: 1, Inner: x.Len(), Size: 1}, [1]float32{1}
		if x.DType() == tensor.Int8 {
			kernel.Dequantize(c.Pool(), f, tensor.Of[int8](x), one[:], zerosOf[int8](zero), &b)
		} else {
			kernel.Dequantize(c.Pool(), f, tensor.Of[uint8](x), one[:], zerosOf[uint8](zero), &b)
		}
		return out, nil
	}
	if zero == nil {
		if zero, err = tensor.Zeros(x.DType()); err != nil {
			return nil, err
		}
	}
	if _, err := unidirectional(nil, x.Shape(), shape); err != nil {
		return nil, fmt.Errorf("input %d: %w", z, err)
	}
	bc := kernel.NewBroadcast(x.Shape(), x.Shape(), shape)
	switch {
	case x.Len() == 0:
	case x.DType() == tensor.Int8:
		kernel.SubtractTo(out, tensor.Of[int8](x), tensor.Of[int8](zero), &bc)
	case x.DType() == tensor.Uint8:
		kernel.SubtractTo(out, tensor.Of[uint8](x), tensor.Of[uint8](zero), &bc)
	default: // float8
		tmp, err := reserved[float32](c, x.Len()+zero.Len())
		if err != nil {
			return nil, err
		}
		widen(tmp[:x.Len()], x)
		widen(tmp[x.Len():], zero)
		kernel.SubtractTo(out, tmp[:x.Len()], tmp[x.Len():], &bc)
	}
	return out, nil
}

// zeroOf is the zero point z, 0 if there is none.
func zeroOf[T tensor.Elem](z *tensor.Tensor) (zero T) {
	if z == nil {
		return zero
	}
	return tensor.Of[T](z)[0]
}

// zeroBytes is the elements of a zero point, which is 0 if it is nil.
func zeroBytes[T int8 | uint8](t *tensor.Tensor) []T {
	if t == nil {
		return []T{0}
	}
	return tensor.Of[T](t)
}
