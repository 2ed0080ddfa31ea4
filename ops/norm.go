package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// normOps are the normalisations over channels, groups and chosen axes.
func normOps() []Op {
	one := func(since int, f func(*Attrs) (Kernel, error)) Version {
		return Version{Since: since, MinIn: 1, MaxIn: 1, MinOut: 1, MaxOut: 1, New: f}
	}
	three := func(since int, f func(*Attrs) (Kernel, error)) Version {
		return Version{Since: since, MinIn: 3, MaxIn: 3, MinOut: 1, MaxOut: 1, New: f}
	}
	return []Op{
		{Name: "InstanceNormalization", Versions: []Version{
			three(1, newInstanceNorm(floats)), three(6, newInstanceNorm(floats)), three(22, newInstanceNorm(floatsBF)),
		}},
		{Name: "GroupNormalization", Versions: []Version{
			three(18, newGroupNorm), three(21, newGroupNorm),
		}},
		{Name: "LpNormalization", Versions: []Version{one(1, newLpNorm(floats)), one(22, newLpNorm(floatsBF))}},
		{Name: "LRN", Versions: []Version{one(1, newLRN(floats)), one(13, newLRN(floatsBF))}},
		{Name: "MeanVarianceNormalization", Versions: []Version{one(9, newMVN(floats)), one(13, newMVN(floatsBF))}},
	}
}

// groupNorm is InstanceNormalization (a group per channel) and
// GroupNormalization.
type groupNorm struct {
	types    dtypes
	groups   int  // 0: one per channel
	perGroup bool // opset 18 to 20: scale and bias have an element per group
	eps      float64
}

func newInstanceNorm(types dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		if a.Opset < 6 {
			a.Ignore("consumed_inputs")
		}
		return &groupNorm{types: types, eps: float64(a.Float("epsilon", 1e-5))}, nil
	}
}

func newGroupNorm(a *Attrs) (Kernel, error) {
	a.Require("num_groups")
	groups := a.Int("num_groups", 1)
	if groups < 1 || groups > math.MaxInt32 {
		a.Fail("num_groups", "is %d, expected a positive number", groups)
	}
	if a.Opset >= 21 {
		stashType(a)
	}
	return &groupNorm{types: floatsBF, groups: int(groups), perGroup: a.Opset < 21, eps: float64(a.Float("epsilon", 1e-5))}, nil
}

// check checks shapes that may have unknown extents.
func (k *groupNorm) check(types [3]tensor.DType, shapes [3][]int, ranked [3]bool) error {
	if err := k.types.check(0, types[0]); err != nil {
		return err
	}
	for i := 1; i < 3; i++ {
		if err := sameType(i, types[i], types[0]); err != nil {
			return err
		}
	}
	if !ranked[0] {
		return nil
	}
	if len(shapes[0]) < 2 {
		return fmt.Errorf("input 0: has rank %d, expected at least 2", len(shapes[0]))
	}
	channels := shapes[0][1]
	if k.groups > 0 && channels >= 0 && channels%k.groups != 0 {
		return fmt.Errorf("input 0: has %d channels, which %d groups do not divide", channels, k.groups)
	}
	want := channels
	if k.perGroup {
		want = k.groups
	}
	for i := 1; i < 3; i++ {
		if ranked[i] {
			if err := checkDims(i, shapes[i], want); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *groupNorm) Infer(c *Infer) error {
	var dts [3]tensor.DType
	var shapes [3][]int
	var ranked [3]bool
	for i := range dts {
		f := c.In(i)
		dts[i], shapes[i], ranked[i] = f.DType, f.Shape, f.Ranked
	}
	c.SameAs(0, 0)
	return k.check(dts, shapes, ranked)
}

func (k *groupNorm) Run(c *Ctx) error {
	if c.In(0).DType() == tensor.Float64 {
		return runGroupNorm[float64](c, k)
	}
	return runGroupNorm[float32](c, k)
}

func runGroupNorm[T floating](c *Ctx, k *groupNorm) error {
	x, scale, bias := c.In(0), c.In(1), c.In(2)
	if err := k.check([3]tensor.DType{x.DType(), scale.DType(), bias.DType()},
		[3][]int{x.Shape(), scale.Shape(), bias.Shape()}, [3]bool{true, true, true}); err != nil {
		return err
	}
	y, err := outReal[T](c, 0, x.DType(), x.Shape()...)
	if err != nil {
		return err
	}
	var data [3][]T
	for i := range data {
		if data[i], err = reals[T](c, c.In(i)); err != nil {
			return err
		}
	}
	batch, channels := x.Dim(0), x.Dim(1)
	groups := k.groups
	if groups == 0 {
		groups = channels
	}
	if x.Len() == 0 {
		return nil
	}
	if k.perGroup {
		for i := 1; i < 3; i++ {
			if data[i], err = spread(c, data[i], []int{groups, 1}, []int{groups, channels / groups}); err != nil {
				return err
			}
		}
	}
	kernel.GroupNorm(c.Pool(), y.data, data[0], data[1], data[2], k.eps, batch, channels, x.Len()/(batch*channels), groups)
	y.done()
	return nil
}

// lpNorm divides by the norm along an axis.
type lpNorm struct {
	unaryReal
	axis int64
	p    int
}

func newLpNorm(types dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k := &lpNorm{unaryReal: unaryReal{types}, axis: a.Int("axis", -1), p: int(a.Int("p", 2))}
		if k.p != 1 && k.p != 2 {
			a.Fail("p", "is %d, expected 1 or 2", k.p)
		}
		return k, nil
	}
}

func (k *lpNorm) Infer(c *Infer) error {
	if f := c.In(0); f.Ranked {
		if _, err := tensor.Axis(k.axis, len(f.Shape)); err != nil {
			return err
		}
	}
	return k.infer(c)
}

func (k *lpNorm) Run(c *Ctx) error {
	return k.run(c, func(x, y any) error {
		shape := c.In(0).Shape()
		axis, err := tensor.Axis(k.axis, len(shape))
		if err != nil {
			return err
		}
		outer, n, inner := shape[:axis].Len(), shape[axis], shape[axis+1:].Len()
		switch x := x.(type) {
		case []float32:
			kernel.LpNormalize(c.Pool(), y.([]float32), x, k.p, outer, n, inner)
		case []float64:
			kernel.LpNormalize(c.Pool(), y.([]float64), x, k.p, outer, n, inner)
		}
		return nil
	})
}

// lrn is local response normalisation across channels.
type lrn struct {
	unaryReal
	alpha, beta, bias float64
	size              int
}

func newLRN(types dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		a.Require("size")
		k := &lrn{unaryReal{types}, float64(a.Float("alpha", 1e-4)), float64(a.Float("beta", 0.75)), float64(a.Float("bias", 1)), int(a.Int("size", 1))}
		if k.size < 1 {
			a.Fail("size", "is %d, expected a positive number of channels", k.size)
		}
		return k, nil
	}
}

func (k *lrn) Infer(c *Infer) error {
	if f := c.In(0); f.Ranked {
		if err := atLeast2(f.Shape); err != nil {
			return err
		}
	}
	return k.infer(c)
}

func atLeast2(shape []int) error {
	if len(shape) < 2 {
		return fmt.Errorf("input 0: has rank %d, expected at least 2", len(shape))
	}
	return nil
}

func (k *lrn) Run(c *Ctx) error {
	return k.run(c, func(x, y any) error {
		shape := c.In(0).Shape()
		if err := atLeast2(shape); err != nil {
			return err
		}
		batch, channels, size := shape[0], shape[1], shape[2:].Len()
		switch x := x.(type) {
		case []float32:
			kernel.LocalResponse(c.Pool(), c.Err, y.([]float32), x, k.alpha, k.beta, k.bias, k.size, batch, channels, size)
		case []float64:
			kernel.LocalResponse(c.Pool(), c.Err, y.([]float64), x, k.alpha, k.beta, k.bias, k.size, batch, channels, size)
		}
		return c.Err()
	})
}

// unaryReal is what kernels of one floating-point input and an output of the
// same type and shape have in common.
type unaryReal struct{ types dtypes }

func (u unaryReal) infer(c *Infer) error {
	c.SameAs(0, 0)
	return u.types.check(0, c.In(0).DType)
}

// run calls f with input and output as []float32 or []float64.
func (u unaryReal) run(c *Ctx, f func(x, y any) error) error {
	if err := u.types.check(0, c.In(0).DType()); err != nil {
		return err
	}
	if c.In(0).DType() == tensor.Float64 {
		return runUnaryReal[float64](c, f)
	}
	return runUnaryReal[float32](c, f)
}

func runUnaryReal[T floating](c *Ctx, f func(x, y any) error) error {
	in := c.In(0)
	y, err := outReal[T](c, 0, in.DType(), in.Shape()...)
	if err != nil {
		return err
	}
	x, err := reals[T](c, in)
	if err != nil {
		return err
	}
	if err := f(x, y.data); err != nil {
		return err
	}
	y.done()
	return nil
}
