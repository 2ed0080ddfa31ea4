package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// dropoutOps is Dropout: the identity, except in training mode.
func dropoutOps() []Op {
	old := func(since int, build func(*Attrs) (Kernel, error)) Version {
		return Version{Since: since, MinIn: 1, MaxIn: 1, MinOut: 1, MaxOut: 2, New: build, Random: since < 7}
	}
	input := func(since int, allowed, ratio dtypes) Version {
		return Version{Since: since, MinIn: 1, MaxIn: 3, MinOut: 1, MaxOut: 2, Random: true, New: func(a *Attrs) (Kernel, error) {
			k := &dropout{allowed: allowed, ratios: ratio, mask: tensor.Bool, mode: 2, seed: readSeedInt(a)}
			if len(a.Inputs) < 3 || !a.Inputs[2] {
				return keepAll{k}, nil
			}
			return k, nil
		}}
	}
	return []Op{{Name: "Dropout", Versions: []Version{
		old(1, newDropoutTest), old(6, newDropoutTest),
		old(7, newDropout(tensor.Undefined)), old(10, newDropout(tensor.Bool)),
		input(12, floats, floats), input(13, floatsBF, floats), input(22, floatsBF|float8s, floatsBF|float8s),
	}}}
}

// newDropoutTest is Dropout before opset 7, which trains unless is_test.
func newDropoutTest(a *Attrs) (Kernel, error) {
	a.Ignore("consumed_inputs")
	k := &dropout{allowed: floats, ratio: a.Float("ratio", 0.5), seed: noSeed}
	if a.Bool("is_test", false) {
		return keepAll{k}, nil
	}
	k.mode = 1
	return k, nil
}

// newDropout never trains; its mask has the input's type or is bool.
func newDropout(mask tensor.DType) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		a.Float("ratio", 0.5)
		return keepAll{&dropout{allowed: floats, mask: mask, seed: noSeed}}, nil
	}
}

// dropout is y = x * mask / (1 - ratio) in training mode, where mask is 0 with
// probability ratio; else y = x.
type dropout struct {
	allowed, ratios dtypes
	mask            tensor.DType // Undefined: the input's
	mode            int          // 0 never trains, 1 always, 2 as input 2 says
	ratio           float32
	seed            seed
}

// keepAll is a dropout that never trains.
type keepAll struct{ *dropout }

func (keepAll) View() bool { return true }

func (k *dropout) maskType(dt tensor.DType) tensor.DType {
	if k.mask == tensor.Undefined {
		return dt
	}
	return k.mask
}

func (k *dropout) Infer(c *Infer) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType); err != nil {
		return err
	}
	c.SameAs(0, 0)
	c.Set(1, Fact{DType: k.maskType(x.DType), Shape: x.Shape, Ranked: x.Ranked})
	return nil
}

// training tells whether this run drops anything, and how much.
func (k *dropout) training(c *Ctx) (ratio float64, train bool, err error) {
	ratio, train = float64(k.ratio), k.mode == 1
	if k.mode == 2 {
		ratio = 0.5
		if r := c.In(1); r != nil {
			if err := k.ratios.check(1, r.DType()); err != nil {
				return 0, false, err
			}
			if r.Len() != 1 {
				return 0, false, fmt.Errorf("input 1: has shape %v, expected a scalar", r.Shape())
			}
			var v [1]float32
			if r.DType() == tensor.Float64 {
				ratio = tensor.Of[float64](r)[0]
			} else {
				widen(v[:], r)
				ratio = float64(v[0])
			}
		}
		if m := c.In(2); m != nil {
			if m.DType() != tensor.Bool || m.Len() != 1 {
				return 0, false, fmt.Errorf("input 2: is %v, expected a bool scalar", m)
			}
			train = tensor.Of[bool](m)[0]
		}
	}
	if train && !(ratio >= 0 && ratio < 1) {
		return 0, false, fmt.Errorf("ratio is %v, expected 0 to below 1", ratio)
	}
	return ratio, train && ratio != 0, nil
}

func (k *dropout) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType()); err != nil {
		return err
	}
	ratio, train, err := k.training(c)
	if err != nil {
		return err
	}
	if !train {
		if err := c.SetOut(0, x); err != nil || !c.Wants(1) {
			return err
		}
		return k.ones(c, x)
	}
	keep, err := reserved[bool](c, x.Len())
	if err != nil {
		return err
	}
	k.seed.generator(c).Keep(keep, ratio)
	if c.NumOut() > 1 {
		m, err := c.Out(1, k.maskType(x.DType()), x.Shape()...)
		if err != nil {
			return err
		}
		flags := tensor.Must(keep, x.Shape()...)
		if err := castInto(c, m, flags, rounding{saturate: true}); err != nil {
			return err
		}
	}
	y, err := c.Out(0, x.DType(), x.Shape()...)
	if err != nil {
		return err
	}
	switch x.DType() {
	case tensor.Float32:
		kernel.Mask(tensor.Of[float32](y), tensor.Of[float32](x), keep, float32(1/(1-ratio)))
	case tensor.Float64:
		kernel.Mask(tensor.Of[float64](y), tensor.Of[float64](x), keep, 1/(1-ratio))
	default:
		tmp, err := c.F32(x.Len())
		if err != nil {
			return err
		}
		widen(tmp, x)
		kernel.Mask(tmp, tmp, keep, float32(1/(1-ratio)))
		castFrom(y, tmp, tensor.Float32, rounding{saturate: true})
	}
	return nil
}

// ones makes the mask that keeps everything.
func (k *dropout) ones(c *Ctx, x *tensor.Tensor) error {
	m, err := c.Out(1, k.maskType(x.DType()), x.Shape()...)
	if err != nil {
		return err
	}
	all, err := reserved[uint8](c, x.Len())
	if err != nil {
		return err
	}
	kernel.NotOf(all, all, 1)
	castFrom(m, all, tensor.Uint8, rounding{})
	return nil
}
