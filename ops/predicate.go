package ops

import (
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// not is the complement of truth values or of integers' bits.
type not struct{ allowed dtypes }

func (k *not) InPlace() []int { return []int{0} }

func (k *not) Infer(c *Infer) error {
	c.SameAs(0, 0)
	return k.allowed.check(0, c.In(0).DType)
}

func (k *not) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType()); err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), x.Shape()...)
	if err != nil {
		return err
	}
	complement := notBits
	if x.DType() == tensor.Bool {
		complement = notTruth
	}
	parallel(c.Pool(), complement, y.Bytes(), x.Bytes())
	return nil
}

func notBits(dst, src []uint8)  { kernel.NotOf(dst, src, 0xff) }
func notTruth(dst, src []uint8) { kernel.NotOf(dst, src, 1) }

func newIsNaN(allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(*Attrs) (Kernel, error) {
		return &predicate{allowed, kernel.IsNaN[float32], kernel.IsNaN[float64]}, nil
	}
}

func newIsInf(allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		negative, positive := a.Bool("detect_negative", true), a.Bool("detect_positive", true)
		return &predicate{allowed,
			func(dst []bool, src []float32) { kernel.IsInf(dst, src, negative, positive) },
			func(dst []bool, src []float64) { kernel.IsInf(dst, src, negative, positive) }}, nil
	}
}

// predicate is a truth value about each element of a floating-point tensor.
type predicate struct {
	allowed dtypes
	f32     func(dst []bool, src []float32)
	f64     func(dst []bool, src []float64)
}

func (k *predicate) Infer(c *Infer) error {
	x := c.In(0)
	c.Set(0, Fact{DType: tensor.Bool, Shape: x.Shape, Ranked: x.Ranked})
	return k.allowed.check(0, x.DType)
}

func (k *predicate) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType()); err != nil {
		return err
	}
	y, err := c.Out(0, tensor.Bool, x.Shape()...)
	if err != nil {
		return err
	}
	switch x.DType() {
	case tensor.Float32:
		parallel(c.Pool(), k.f32, tensor.Of[bool](y), tensor.Of[float32](x))
	case tensor.Float64:
		parallel(c.Pool(), k.f64, tensor.Of[bool](y), tensor.Of[float64](x))
	default:
		tmp, err := c.F32(x.Len())
		if err != nil {
			return err
		}
		widen(tmp, x)
		parallel(c.Pool(), k.f32, tensor.Of[bool](y), tmp)
	}
	return nil
}
