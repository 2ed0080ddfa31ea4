package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// A floating type is one that kernels compute in. float16 and bfloat16 are computed
// in float32 and rounded once.
type floating interface{ float32 | float64 }

// reals is t's elements as Ts: t's own memory where they are, else a converted
// copy. It is nil for nil.
func reals[T floating](c *Ctx, t *tensor.Tensor) ([]T, error) {
	if t == nil {
		return nil, nil
	}
	if t.DType() == tensor.DTypeOf[T]() {
		return tensor.Of[T](t), nil
	}
	if err := c.Memory.Reserve(t.Len() * tensor.DTypeOf[T]().Size()); err != nil {
		return nil, err
	}
	return realCopy[T](t)
}

// float32s is t's elements as float32s, converted if need be.
func float32s(t *tensor.Tensor) ([]float32, error) {
	if t.DType() == tensor.Float32 {
		return tensor.Of[float32](t), nil
	}
	return realCopy[float32](t)
}

// realCopy is a copy of the floating-point tensor t as Ts.
func realCopy[T floating](t *tensor.Tensor) ([]T, error) {
	out := make([]T, t.Len())
	switch t.DType() {
	case tensor.Float32:
		kernel.ConvertTo(out, tensor.Of[float32](t))
		return out, nil
	case tensor.Float64:
		kernel.ConvertTo(out, tensor.Of[float64](t))
		return out, nil
	case tensor.Float16, tensor.BFloat16:
	default:
		return nil, fmt.Errorf("has type %v, expected %v", t.DType(), floatsBF)
	}
	if f, ok := any(out).([]float32); ok {
		widen(f, t)
		return out, nil
	}
	f := make([]float32, t.Len())
	widen(f, t)
	kernel.ConvertTo(out, f)
	return out, nil
}

// A realOut is room for an output computed as Ts: the output's own memory where
// it holds Ts, else a temporary that done rounds into it.
type realOut[T floating] struct {
	data []T
	t    *tensor.Tensor
}

// outReal is c.Out with the elements as Ts.
func outReal[T floating](c *Ctx, i int, dt tensor.DType, shape ...int) (o realOut[T], err error) {
	if o.t, err = c.Out(i, dt, shape...); err != nil {
		return o, err
	}
	if dt == tensor.DTypeOf[T]() {
		o.data = tensor.Of[T](o.t)
		return o, nil
	}
	o.data, err = reserved[T](c, o.t.Len())
	return o, err
}

// done puts the elements where the output is, each rounded once.
func (o realOut[T]) done() {
	if o.t != nil && o.t.DType() != tensor.DTypeOf[T]() {
		round(o.t, o.data)
	}
}

// round writes data to t, rounding to t's floating-point type.
func round[T floating](t *tensor.Tensor, data []T) {
	switch t.DType() {
	case tensor.Float32:
		kernel.ConvertTo(tensor.Of[float32](t), data)
	case tensor.Float64:
		kernel.ConvertTo(tensor.Of[float64](t), data)
	case tensor.Float16, tensor.BFloat16:
		f, ok := any(data).([]float32)
		if !ok {
			f = make([]float32, len(data))
			kernel.ConvertTo(f, data)
		}
		narrow(t, f)
	}
}
