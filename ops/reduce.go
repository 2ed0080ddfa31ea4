package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// reduceOps fold dimensions. The axes are an attribute first, and an input
// since opset 18 (ReduceSum: 13).
func reduceOps() []Op {
	wide := floats | wideInts
	wideBF := floatsBF | wideInts
	bytes := types(tensor.Int8, tensor.Uint8)
	by := func(name string, op kernel.ReduceOp) Op {
		return Op{Name: name, Versions: []Version{
			one(1, newReduceAttribute(op, wide)), one(11, newReduceAttribute(op, wide)), one(13, newReduceAttribute(op, wideBF)),
			reduceInput(18, op, wideBF),
		}}
	}
	extremum := func(name string, op kernel.ReduceOp) Op {
		return Op{Name: name, Versions: []Version{
			one(1, newReduceAttribute(op, wide)), one(11, newReduceAttribute(op, wide)),
			one(12, newReduceAttribute(op, wide|bytes)), one(13, newReduceAttribute(op, wideBF|bytes)),
			reduceInput(18, op, wideBF|bytes), reduceInput(20, op, wideBF|bytes|boolType),
		}}
	}
	return []Op{
		by("ReduceL1", kernel.ReduceL1),
		by("ReduceL2", kernel.ReduceL2),
		by("ReduceLogSum", kernel.ReduceLogSum),
		by("ReduceLogSumExp", kernel.ReduceLogSumExp),
		by("ReduceMean", kernel.ReduceMean),
		by("ReduceProd", kernel.ReduceProd),
		by("ReduceSumSquare", kernel.ReduceSumSquare),
		extremum("ReduceMax", kernel.ReduceMax),
		extremum("ReduceMin", kernel.ReduceMin),
		{Name: "ReduceSum", Versions: []Version{
			one(1, newReduceAttribute(kernel.ReduceSum, wide)), one(11, newReduceAttribute(kernel.ReduceSum, wide)),
			reduceInput(13, kernel.ReduceSum, wideBF),
		}},
	}
}

func newReduceAttribute(op kernel.ReduceOp, allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		return &reduce{op: op, allowed: allowed, axes: a.Ints("axes"), keep: a.Bool("keepdims", true)}, nil
	}
}

func reduceInput(since int, op kernel.ReduceOp, allowed dtypes) Version {
	return Version{Since: since, MinIn: 1, MaxIn: 2, MinOut: 1, MaxOut: 1, New: func(a *Attrs) (Kernel, error) {
		return &reduce{op: op, allowed: allowed, keep: a.Bool("keepdims", true), none: a.Bool("noop_with_empty_axes", false)}, nil
	}}
}

// reduce folds the axes (of the attribute, or of input 1) by op. No axes at all
// means every axis, or none of them.
type reduce struct {
	op         kernel.ReduceOp
	allowed    dtypes
	axes       []int64
	keep, none bool
}

// shape appends the output's shape to dst and tells which axes go.
func (k *reduce) shape(dst, in, axes []int, folded *[tensor.MaxRank]bool) ([]int, error) {
	all := len(axes) == 0 && len(k.axes) == 0 && !k.none
	for i := range in {
		folded[i] = all
	}
	for _, a := range axes {
		i, err := tensor.Axis(int64(a), len(in))
		if err != nil {
			return nil, fmt.Errorf("input 1: %w", err)
		}
		folded[i] = true
	}
	for _, a := range k.axes {
		i, err := tensor.Axis(a, len(in))
		if err != nil {
			return nil, fmt.Errorf("attribute \"axes\": %w", err)
		}
		folded[i] = true
	}
	for i, d := range in {
		switch {
		case !folded[i]:
			dst = append(dst, d)
		case k.keep:
			dst = append(dst, 1)
		}
	}
	return dst, nil
}

func (k *reduce) Infer(c *Infer) error {
	x := c.In(0)
	c.Set(0, Unranked(x.DType))
	if err := k.allowed.check(0, x.DType); err != nil || !x.Ranked {
		return err
	}
	if len(x.Shape) > tensor.MaxRank {
		return fmt.Errorf("input 0: has rank %d, at most %d is supported", len(x.Shape), tensor.MaxRank)
	}
	axes, known := c.Ints(1)
	if c.Has(1) && !known {
		if k.keep {
			shape := make([]int, len(x.Shape))
			for i := range shape {
				shape[i] = Unknown
			}
			c.Set(0, Shaped(x.DType, shape...))
		}
		return nil
	}
	var folded [tensor.MaxRank]bool
	shape, err := k.shape(nil, x.Shape, axes, &folded)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(x.DType, shape...))
	return nil
}

func (k *reduce) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType()); err != nil {
		return err
	}
	var a, s [tensor.MaxRank]int
	axes := a[:0]
	if c.Has(1) {
		var err error
		if axes, err = c.IntsInto(axes, 1); err != nil {
			return err
		}
	}
	var folded [tensor.MaxRank]bool
	shape, err := k.shape(s[:0], x.Shape(), axes, &folded)
	if err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil {
		return err
	}
	r := kernel.NewReduction(x.Shape(), &folded)
	switch dt := x.DType(); {
	case isHalf(dt):
		tmp, err := c.F32(x.Len() + y.Len())
		if err != nil {
			return err
		}
		wide, out := tmp[:x.Len()], tmp[x.Len():]
		widen(wide, x)
		kernel.Reduce[float32, float64](c.Pool(), k.op, out, wide, &r)
		narrow(y, out)
	case dt == tensor.Bool:
		kernel.Reduce[uint8, uint64](c.Pool(), k.op, asUint8(y), asUint8(x), &r)
		if r.Count == 0 {
			kernel.NonZero(tensor.Of[bool](y), asUint8(y))
		}
	default:
		pick(dt, reduceOf[float32, float64], reduceOf[float64, float64],
			reduceOf[int8, int64], reduceOf[int16, int64], reduceOf[int32, int64], reduceOf[int64, int64],
			reduceOf[uint8, uint64], reduceOf[uint16, uint64], reduceOf[uint32, uint64], reduceOf[uint64, uint64])(c, k.op, y, x, r)
	}
	return nil
}

func reduceOf[T, A number](c *Ctx, op kernel.ReduceOp, y, x *tensor.Tensor, r kernel.Reduction) {
	kernel.Reduce[T, A](c.Pool(), op, tensor.Of[T](y), tensor.Of[T](x), &r)
}
