package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// rangeOp is start, start+delta, start+2*delta ... up to but not including
// limit; delta may be left out where the operator allows that, and is 1 then.
type rangeOp struct{}

func newRange(a *Attrs) (Kernel, error) {
	if a.Opset >= 27 {
		if t := a.DType("stash_type", tensor.Float32); t != tensor.Float32 && t != tensor.Float16 && t != tensor.BFloat16 && t != tensor.Float64 {
			a.Unsupported("stash_type", "is %v", t)
		}
	}
	return rangeOp{}, nil
}

func (rangeOp) Infer(c *Infer) error {
	f := c.In(0)
	n := Unknown
	a, b, d := c.In(0).Value, c.In(1).Value, c.In(2).Value
	if !c.Has(2) && a != nil {
		d = oneLike(a.DType())
	}
	if a != nil && b != nil && d != nil {
		var err error
		if n, err = rangeLen(a, b, d); err != nil {
			return err
		}
	}
	c.Set(0, Shaped(f.DType, n))
	return nil
}

// rangeLen is max(ceil((limit-start)/delta), 0).
func rangeLen(start, limit, delta *tensor.Tensor) (int, error) {
	for i, t := range []*tensor.Tensor{start, limit, delta} {
		if t == nil {
			return 0, fmt.Errorf("input %d is missing", i)
		}
		if t.Len() != 1 {
			return 0, fmt.Errorf("input %d: has shape %v, expected a scalar", i, t.Shape())
		}
		if t.DType() != start.DType() {
			return 0, fmt.Errorf("input %d: has type %v, expected %v", i, t.DType(), start.DType())
		}
	}
	switch start.DType() {
	case tensor.Int16:
		return intRange(scalar[int16](start), scalar[int16](limit), scalar[int16](delta))
	case tensor.Int32:
		return intRange(scalar[int32](start), scalar[int32](limit), scalar[int32](delta))
	case tensor.Int64:
		return intRange(scalar[int64](start), scalar[int64](limit), scalar[int64](delta))
	case tensor.Float32:
		return floatRange(float64(scalar[float32](limit)-scalar[float32](start)), float64(scalar[float32](delta)))
	case tensor.Float64:
		return floatRange(scalar[float64](limit)-scalar[float64](start), scalar[float64](delta))
	case tensor.Float16:
		return floatRange(float64(scalar[tensor.F16](limit).Float32()-scalar[tensor.F16](start).Float32()), float64(scalar[tensor.F16](delta).Float32()))
	case tensor.BFloat16:
		return floatRange(float64(scalar[tensor.BF16](limit).Float32()-scalar[tensor.BF16](start).Float32()), float64(scalar[tensor.BF16](delta).Float32()))
	}
	return 0, fmt.Errorf("input 0: has type %v, expected float16, bfloat16, float, double, int16, int32 or int64", start.DType())
}

// oneLike is 1 as a tensor of type dt, nil where that is no type of a Range.
func oneLike(dt tensor.DType) *tensor.Tensor {
	switch dt {
	case tensor.Int16:
		return tensor.Scalar[int16](1)
	case tensor.Int32:
		return tensor.Scalar[int32](1)
	case tensor.Int64:
		return tensor.Scalar[int64](1)
	case tensor.Float32:
		return tensor.Scalar[float32](1)
	case tensor.Float64:
		return tensor.Scalar[float64](1)
	}
	return nil
}

// scalar is a tensor's first element.
func scalar[T tensor.Elem](t *tensor.Tensor) T { return tensor.Of[T](t)[0] }

func intRange[T int16 | int32 | int64](start, limit, delta T) (int, error) {
	span, step := uint64(int64(limit))-uint64(int64(start)), uint64(int64(delta))
	switch {
	case delta == 0:
		return 0, fmt.Errorf("input 2: is 0, expected a positive or negative delta")
	case (delta > 0) != (limit > start) || limit == start:
		return 0, nil
	case delta < 0:
		span, step = -span, -step
	}
	n := (span-1)/step + 1
	if n > math.MaxInt/16 {
		return 0, fmt.Errorf("a range of %d elements is more than memory can address", n)
	}
	return int(n), nil
}

func floatRange(span, delta float64) (int, error) {
	n := math.Ceil(span / delta)
	switch {
	case delta == 0:
		return 0, fmt.Errorf("input 2: is 0, expected a positive or negative delta")
	case math.IsNaN(n) || n > math.MaxInt/16:
		return 0, fmt.Errorf("a range of %g elements is more than memory can address", n)
	}
	return int(max(n, 0)), nil
}

func (rangeOp) Run(c *Ctx) error {
	start, err := given(c, 0)
	if err != nil {
		return err
	}
	limit, err := given(c, 1)
	if err != nil {
		return err
	}
	delta := oneLike(start.DType())
	if c.Value(2) != nil {
		if delta, err = given(c, 2); err != nil {
			return err
		}
	}
	n, err := rangeLen(start, limit, delta)
	if err != nil {
		return err
	}
	y, err := c.Out(0, start.DType(), n)
	if err != nil {
		return err
	}
	switch y.DType() {
	case tensor.Int16:
		kernel.Range(tensor.Of[int16](y), scalar[int16](start), scalar[int16](delta))
	case tensor.Int32:
		kernel.Range(tensor.Of[int32](y), scalar[int32](start), scalar[int32](delta))
	case tensor.Int64:
		kernel.Range(tensor.Of[int64](y), scalar[int64](start), scalar[int64](delta))
	case tensor.Float32:
		kernel.Range(tensor.Of[float32](y), scalar[float32](start), scalar[float32](delta))
	case tensor.Float64:
		kernel.Range(tensor.Of[float64](y), scalar[float64](start), scalar[float64](delta))
	case tensor.Float16:
		s, d, out := scalar[tensor.F16](start).Float32(), scalar[tensor.F16](delta).Float32(), tensor.Of[tensor.F16](y)
		for i := range out {
			out[i] = tensor.ToF16(float64(s + float32(float32(i)*d)))
		}
	case tensor.BFloat16:
		s, d, out := scalar[tensor.BF16](start).Float32(), scalar[tensor.BF16](delta).Float32(), tensor.Of[tensor.BF16](y)
		for i := range out {
			out[i] = tensor.ToBF16(s + float32(float32(i)*d))
		}
	}
	return nil
}
