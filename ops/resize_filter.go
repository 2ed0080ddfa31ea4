package ops

import (
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// interpolate runs linear and cubic modes: 16-bit floats in float32, integers
// in float64, rounded and clipped.
func (k *resize) interpolate(c *Ctx, y, x *tensor.Tensor, p *resizePlan) error {
	if err := k.everywhere(c, y, x, p); err != nil || k.coordinate != "tf_crop_and_resize" {
		return err
	}
	return extrapolate(c, y, p.axes, k.extrapolation)
}

// everywhere interpolates, outside the input too.
func (k *resize) everywhere(c *Ctx, y, x *tensor.Tensor, p *resizePlan) error {
	switch x.DType() {
	case tensor.Float32:
		return resample(c, k, tensor.Of[float32](y), tensor.Of[float32](x), p)
	case tensor.Float64:
		return resample(c, k, tensor.Of[float64](y), tensor.Of[float64](x), p)
	case tensor.Float16, tensor.BFloat16:
		src, err := reserved[float32](c, x.Len())
		if err != nil {
			return err
		}
		dst, err := reserved[float32](c, y.Len())
		if err != nil {
			return err
		}
		widen(src, x)
		if err := resample(c, k, dst, src, p); err != nil {
			return err
		}
		narrow(y, dst)
		return nil
	}
	if !integers.has(x.DType()) {
		return (floatsBF | integers).check(0, x.DType())
	}
	src, err := reserved[float64](c, x.Len())
	if err != nil {
		return err
	}
	dst, err := reserved[float64](c, y.Len())
	if err != nil {
		return err
	}
	convertNumbers(src, x)
	if err := resample(c, k, dst, src, p); err != nil {
		return err
	}
	roundTo(y, dst)
	return nil
}

// roundTo rounds and clips src to y's integer type.
func roundTo(y *tensor.Tensor, src []float64) {
	switch y.DType() {
	case tensor.Int8:
		kernel.RoundTo(tensor.Of[int8](y), src, math.MinInt8, math.MaxInt8)
	case tensor.Int16:
		kernel.RoundTo(tensor.Of[int16](y), src, math.MinInt16, math.MaxInt16)
	case tensor.Int32:
		kernel.RoundTo(tensor.Of[int32](y), src, math.MinInt32, math.MaxInt32)
	case tensor.Int64:
		kernel.RoundTo(tensor.Of[int64](y), src, math.MinInt64, math.MaxInt64)
	case tensor.Uint8:
		kernel.RoundTo(tensor.Of[uint8](y), src, 0, math.MaxUint8)
	case tensor.Uint16:
		kernel.RoundTo(tensor.Of[uint16](y), src, 0, math.MaxUint16)
	case tensor.Uint32:
		kernel.RoundTo(tensor.Of[uint32](y), src, 0, math.MaxUint32)
	case tensor.Uint64:
		kernel.RoundTo(tensor.Of[uint64](y), src, 0, math.MaxUint64)
	}
}

// resample interpolates step after step.
func resample[T floating](c *Ctx, k *resize, dst, src []T, p *resizePlan) error {
	steps, err := resizeStepsOf[T](c, p, k.filter)
	if err != nil {
		return err
	}
	size := tensor.DTypeOf[T]().Size()
	for i := range steps {
		s := &steps[i]
		s.Src, s.Dst = src, dst
		if i < len(steps)-1 {
			n, err := tensor.CheckShape([]int{s.Rows(), s.Width()}, size)
			if err != nil {
				return err
			}
			if s.Dst, err = reserved[T](c, n); err != nil {
				return err
			}
		}
		room, err := tensor.CheckShape([]int{c.Pool().Threads(), s.Room()}, size)
		if err != nil {
			return err
		}
		if err := c.Memory.Reserve(room * size); err != nil {
			return err
		}
		s.Run(c.Pool())
		src, s.Src, s.Dst = s.Dst, nil, nil
		if err := c.Err(); err != nil {
			return err
		}
	}
	if len(steps) == 0 {
		copy(dst, src)
	}
	return nil
}

// extrapolate puts value wherever some axis lies outside the input.
func extrapolate(c *Ctx, y *tensor.Tensor, axes []resizeAxis, value float32) error {
	v, err := tensor.Zeros(y.DType(), 1)
	if err != nil {
		return err
	}
	switch dt := y.DType(); {
	case dt == tensor.Float64:
		tensor.Of[float64](v)[0] = float64(value)
	case dt == tensor.Float32 || isHalf(dt):
		narrow(v, []float32{value})
	case integers.has(dt):
		roundTo(v, []float64{float64(value)})
	default:
		return (floatsBF | integers).check(0, dt)
	}
	for d := range axes {
		outer, inner := y.Shape()[:d].Len(), y.Shape()[d+1:].Len()
		for j := range axes[d].m {
			if !axes[d].outside(j) {
				continue
			}
			s := kernel.Strided{DstOff: j * inner}
			s.Add(outer, axes[d].m*inner, 0)
			s.Add(inner, 1, 0)
			if err := move(c, y, v, &s); err != nil {
				return err
			}
		}
	}
	return nil
}
