package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// clipOps is Clip, whose bounds are attributes before opset 11.
func clipOps() []Op {
	bounds := func(since int, allowed dtypes) Version {
		return Version{Since: since, MinIn: 1, MaxIn: 3, MinOut: 1, MaxOut: 1,
			New: func(*Attrs) (Kernel, error) { return &clip{allowed, math.MaxFloat32}, nil }}
	}
	return []Op{{Name: "Clip", Versions: []Version{
		oldUnary(newClipAttributes), one(6, newClipAttributes),
		bounds(11, floats), bounds(12, numbers), bounds(13, numbersBF),
	}}}
}

// newClipAttributes is Clip before opset 11: a bound that is absent is
// float32's largest.
func newClipAttributes(a *Attrs) (Kernel, error) {
	lo, hi := a.Float("min", -math.MaxFloat32), a.Float("max", math.MaxFloat32)
	return &unary{floats, loops{
		f32: func(dst, src []float32) { kernel.Clip(dst, src, lo, hi) },
		f64: func(dst, src []float64) { kernel.ClipOf(dst, src, float64(lo), float64(hi)) },
	}}, nil
}

// clip is y = min(max(x, low), high), where low and high are scalars. One that is
// absent is the type's least or largest number, which infinities become.
type clip struct {
	allowed dtypes
	most    float32 // of a type that is computed in float32
}

func (k *clip) InPlace() []int { return []int{0} }

func (k *clip) Infer(c *Infer) error {
	x := c.In(0).DType
	if err := k.allowed.check(0, x); err != nil {
		return err
	}
	for i := 1; i < c.NumIn(); i++ {
		if err := sameType(i, c.In(i).DType, x); err != nil {
			return err
		}
	}
	c.SameAs(0, 0)
	return nil
}

func (k *clip) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType()); err != nil {
		return err
	}
	for i := 1; i < c.NumIn(); i++ {
		if b := c.In(i); b != nil {
			if err := sameType(i, b.DType(), x.DType()); err != nil {
				return err
			}
			if b.Len() != 1 {
				return fmt.Errorf("input %d: has shape %v, expected a scalar", i, b.Shape())
			}
		}
	}
	if isHalf(x.DType()) {
		half := clip{k.allowed, 65504}
		if x.DType() == tensor.BFloat16 {
			half.most = math.Float32frombits(0x7f7f0000)
		}
		return inFloat32(c, x.DType(), half.Run)
	}
	y, err := c.Out(0, x.DType(), x.Shape()...)
	if err != nil {
		return err
	}
	pick(x.DType(), clipTo(-k.most, k.most), clipTo(-math.MaxFloat64, math.MaxFloat64),
		clipTo[int8](math.MinInt8, math.MaxInt8), clipTo[int16](math.MinInt16, math.MaxInt16),
		clipTo[int32](math.MinInt32, math.MaxInt32), clipTo[int64](math.MinInt64, math.MaxInt64),
		clipTo[uint8](0, math.MaxUint8), clipTo[uint16](0, math.MaxUint16),
		clipTo[uint32](0, math.MaxUint32), clipTo[uint64](0, math.MaxUint64))(c, y, x)
	return nil
}

// clipTo clips to the bounds given as inputs 1 and 2, or else to least and most.
func clipTo[T number](least, most T) func(c *Ctx, y, x *tensor.Tensor) {
	return func(c *Ctx, y, x *tensor.Tensor) {
		lo, hi := least, most
		if b := c.In(1); b != nil {
			lo = tensor.Of[T](b)[0]
		}
		if b := c.In(2); b != nil {
			hi = tensor.Of[T](b)[0]
		}
		if dst, ok := any(tensor.Of[T](y)).([]float32); ok {
			kernel.Clip(dst, tensor.Of[float32](x), float32(lo), float32(hi))
			return
		}
		kernel.ClipOf(tensor.Of[T](y), tensor.Of[T](x), lo, hi)
	}
}
