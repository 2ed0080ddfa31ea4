package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

const previewTraining = "ai.onnx.preview.training"

// trainingOps are the optimisers of ai.onnx.preview.training: one step on any
// number of tensors.
func trainingOps() []Op {
	optimiser := func(name string, states int, read func(*Attrs) stepper) Op {
		return Op{Name: name, Domain: previewTraining, Versions: []Version{{
			Since: 1, MinIn: 3, MaxIn: Unlimited, MinOut: 1, MaxOut: Unlimited,
			New: func(a *Attrs) (Kernel, error) { return &optimiser{states, read(a)}, nil },
		}}}
	}
	return []Op{
		optimiser("Momentum", 1, func(a *Attrs) stepper {
			a.Require("alpha", "beta", "mode", "norm_coefficient")
			return &momentum{a.Float("alpha", 0), a.Float("beta", 0), a.Float("norm_coefficient", 0), a.Enum("mode", "", "standard", "nesterov") == "nesterov"}
		}),
		optimiser("Adagrad", 1, func(a *Attrs) stepper {
			return &adagrad{a.Float("decay_factor", 0), a.Float("epsilon", 1e-6), a.Float("norm_coefficient", 0)}
		}),
		optimiser("Adam", 2, func(a *Attrs) stepper {
			return &adam{a.Float("alpha", 0.9), a.Float("beta", 0.999), a.Float("epsilon", 1e-6), a.Float("norm_coefficient", 0), a.Float("norm_coefficient_post", 0)}
		}),
	}
}

// stepper is one optimiser's rule: out and in have the parameter, then (in) the
// gradient, then its states.
type stepper interface {
	step32(out, in [][]float32, rate float64, t int64)
	step64(out, in [][]float64, rate float64, t int64)
}

// optimiser has inputs rate, step count, then n parameters, their n gradients
// and n of each state; its outputs are the parameters and states anew.
type optimiser struct {
	states int
	stepper
}

func (k *optimiser) count(inputs int) (int, error) {
	n := (inputs - 2) / (2 + k.states)
	if n*(2+k.states)+2 != inputs || n == 0 {
		return 0, fmt.Errorf("has %d inputs, expected 2 and %d for each tensor", inputs, 2+k.states)
	}
	return n, nil
}

func (k *optimiser) Infer(c *Infer) error {
	n, err := k.count(c.NumIn())
	if err != nil {
		return err
	}
	for i := range n {
		c.SameAs(i, 2+i)
		for s := range k.states {
			c.SameAs((1+s)*n+i, 2+i)
		}
	}
	return nil
}

func (k *optimiser) Run(c *Ctx) error {
	n, err := k.count(c.NumIn())
	if err != nil {
		return err
	}
	rate, t, err := rateAndStep(c)
	if err != nil {
		return err
	}
	for i := range n {
		x := c.In(2 + i)
		if x == nil {
			return fmt.Errorf("input %d is missing", 2+i)
		}
		if err := floats64.check(2+i, x.DType()); err != nil {
			return err
		}
		if x.DType() == tensor.Float64 {
			err = optimise(c, k, i, n, x, rate, t, k.step64)
		} else {
			err = optimise(c, k, i, n, x, rate, t, k.step32)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func rateAndStep(c *Ctx) (rate float64, t int64, err error) {
	r, count := c.In(0), c.In(1)
	if r == nil || r.Len() != 1 || !floats64.has(r.DType()) {
		return 0, 0, fmt.Errorf("input 0: is %s, expected a scalar of %v", formOf(c.Value(0)), floats64)
	}
	if count == nil || count.Len() != 1 || count.DType() != tensor.Int64 {
		return 0, 0, fmt.Errorf("input 1: is %s, expected a scalar of int64", formOf(c.Value(1)))
	}
	if r.DType() == tensor.Float64 {
		rate = tensor.Of[float64](r)[0]
	} else {
		rate = float64(tensor.Of[float32](r)[0])
	}
	return rate, tensor.Of[int64](count)[0], nil
}

func optimise[T float32 | float64](c *Ctx, k *optimiser, i, n int, x *tensor.Tensor, rate float64, t int64, step func(out, in [][]T, rate float64, t int64)) error {
	in, out := [][]T{tensor.Of[T](x)}, [][]T{}
	for j := range k.states + 1 {
		at := 2 + (1+j)*n + i
		v := c.In(at)
		if v == nil || v.DType() != x.DType() || !v.Shape().Equal(x.Shape()) {
			return fmt.Errorf("input %d: is %v, expected %v like input %d", at, v, x, 2+i)
		}
		in = append(in, tensor.Of[T](v))
	}
	for j := range k.states + 1 {
		y, err := c.Out(j*n+i, x.DType(), x.Shape()...)
		if err != nil {
			return err
		}
		out = append(out, tensor.Of[T](y))
	}
	step(out, in, rate, t)
	return nil
}

type momentum struct {
	alpha, beta, decay float32
	nesterov           bool
}

func (k *momentum) step32(out, in [][]float32, rate float64, t int64) {
	momentumStep(k, out, in, rate, t)
}
func (k *momentum) step64(out, in [][]float64, rate float64, t int64) {
	momentumStep(k, out, in, rate, t)
}

// momentumStep takes the whole gradient at the first step.
func momentumStep[T float32 | float64](k *momentum, out, in [][]T, rate float64, t int64) {
	beta := T(k.beta)
	if t == 0 {
		beta = 1
	}
	kernel.Momentum(out[0], out[1], in[0], in[1], in[2], T(rate), T(k.decay), T(k.alpha), beta, k.nesterov)
}

type adagrad struct{ decay, eps, norm float32 }

func (k *adagrad) step32(out, in [][]float32, rate float64, t int64) {
	adagradStep(k, out, in, rate, t)
}
func (k *adagrad) step64(out, in [][]float64, rate float64, t int64) {
	adagradStep(k, out, in, rate, t)
}

func adagradStep[T float32 | float64](k *adagrad, out, in [][]T, rate float64, t int64) {
	rate /= 1 + float64(t)*float64(k.decay)
	kernel.Adagrad(out[0], out[1], in[0], in[1], in[2], T(rate), T(k.norm), T(k.eps))
}

type adam struct{ alpha, beta, eps, norm, post float32 }

func (k *adam) step32(out, in [][]float32, rate float64, t int64) { adamStep(k, out, in, rate, t) }
func (k *adam) step64(out, in [][]float64, rate float64, t int64) { adamStep(k, out, in, rate, t) }

// adamStep corrects the moments' bias towards zero, except at step 0.
func adamStep[T float32 | float64](k *adam, out, in [][]T, rate float64, t int64) {
	if t > 0 {
		rate *= math.Sqrt(1-math.Pow(float64(k.beta), float64(t))) / (1 - math.Pow(float64(k.alpha), float64(t)))
	}
	kernel.Adam(out[0], out[1], out[2], in[0], in[1], in[2], in[3], T(rate), T(k.norm), T(k.alpha), T(k.beta), T(k.eps), T(k.post))
}
