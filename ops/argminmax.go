package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// axisOps find, order or accumulate elements along one axis.
func axisOps() []Op {
	arg := func(name string, least bool) Op {
		return Op{Name: name, Versions: []Version{
			one(1, newArg(least, numbers, 1)), one(11, newArg(least, numbers, 11)),
			one(12, newArg(least, numbers, 12)), one(13, newArg(least, numbersBF, 13)),
		}}
	}
	return []Op{
		arg("ArgMax", false),
		arg("ArgMin", true),
		{Name: "TopK", Versions: []Version{
			// The integers came with opset 11, but PyTorch sorts them by TopK before it.
			{Since: 1, MinIn: 1, MaxIn: 1, MinOut: 2, MaxOut: 2, New: newTopK(numbers, 1)},
			{Since: 10, MinIn: 2, MaxIn: 2, MinOut: 2, MaxOut: 2, New: newTopK(numbers, 10)},
			{Since: 11, MinIn: 2, MaxIn: 2, MinOut: 2, MaxOut: 2, New: newTopK(numbers, 11)},
			{Since: 24, MinIn: 2, MaxIn: 2, MinOut: 2, MaxOut: 2, New: newTopK(numbersBF, 24)},
		}},
		{Name: "CumSum", Versions: []Version{
			two(11, newCumulate(floats64|wideInts, false)), two(14, newCumulate(floatsBF|wideInts, false)),
		}},
		{Name: "CumProd", Versions: []Version{two(26, newCumulate(floatsBF|wideInts, true))}},
	}
}

// around splits a shape into (outer, n, inner) around an axis that is in range.
func around(shape []int, axis int) (outer, n, inner int) {
	outer, inner = 1, 1
	for _, d := range shape[:axis] {
		outer *= d
	}
	for _, d := range shape[axis+1:] {
		inner *= d
	}
	return outer, shape[axis], inner
}

func newArg(least bool, allowed dtypes, since int) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k := &arg{least: least, allowed: allowed, axis: a.Int("axis", 0), keep: a.Bool("keepdims", true)}
		if since >= 12 {
			k.last = a.Bool("select_last_index", false)
		}
		return k, nil
	}
}

// arg is the index of the largest or smallest element along an axis.
type arg struct {
	least, last, keep bool
	allowed           dtypes
	axis              int64
}

// shape appends the output's shape to dst.
func (k *arg) shape(dst, in []int) ([]int, int, error) {
	if len(in) == 0 && (k.axis == 0 || k.axis == -1) { // a scalar counts as (1)
		return dst, -1, nil
	}
	axis, err := tensor.Axis(k.axis, len(in))
	if err != nil {
		return nil, 0, fmt.Errorf("attribute \"axis\": %w", err)
	}
	for i, d := range in {
		switch {
		case i != axis:
			dst = append(dst, d)
		case d == 0:
			return nil, 0, fmt.Errorf("input 0: axis %d of shape %v is empty", k.axis, shapeOf(in))
		case k.keep:
			dst = append(dst, 1)
		}
	}
	return dst, axis, nil
}

func (k *arg) Infer(c *Infer) error {
	x := c.In(0)
	c.Set(0, Unranked(tensor.Int64))
	if err := k.allowed.check(0, x.DType); err != nil || !x.Ranked {
		return err
	}
	shape, _, err := k.shape(nil, x.Shape)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(tensor.Int64, shape...))
	return nil
}

func (k *arg) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType()); err != nil {
		return err
	}
	if isHalf(x.DType()) {
		return inFloat32(c, tensor.Float32, k.Run)
	}
	var s [tensor.MaxRank]int
	shape, axis, err := k.shape(s[:0], x.Shape())
	if err != nil {
		return err
	}
	y, err := c.Out(0, tensor.Int64, shape...)
	if err != nil {
		return err
	}
	outer, n, inner := 1, 1, 1
	if axis >= 0 {
		outer, n, inner = around(x.Shape(), axis)
	}
	pick(x.DType(), argOf[float32], argOf[float64], argOf[int8], argOf[int16], argOf[int32], argOf[int64],
		argOf[uint8], argOf[uint16], argOf[uint32], argOf[uint64])(c, k, y, x, outer, n, inner)
	return nil
}

func argOf[T number](c *Ctx, k *arg, y, x *tensor.Tensor, outer, n, inner int) {
	kernel.ArgMaxAxis(c.Pool(), tensor.Of[int64](y), tensor.Of[T](x), outer, n, inner, k.least, k.last)
}

func newCumulate(allowed dtypes, prod bool) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		return &cumulate{allowed, prod, a.Bool("exclusive", false), a.Bool("reverse", false)}, nil
	}
}

// cumulate is the running sum or product along the axis that input 1 names.
type cumulate struct {
	allowed                  dtypes
	prod, exclusive, reverse bool
}

func (k *cumulate) InPlace() []int { return []int{0} }

func (k *cumulate) Infer(c *Infer) error {
	c.SameAs(0, 0)
	return k.allowed.check(0, c.In(0).DType)
}

func (k *cumulate) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType()); err != nil {
		return err
	}
	var one [1]int
	axes, err := c.IntsInto(one[:0], 1)
	if err != nil {
		return err
	}
	if len(axes) != 1 {
		return fmt.Errorf("input 1: has shape %v, expected a scalar", c.In(1).Shape())
	}
	outer, n, inner := 1, 1, 1
	if x.Rank() > 0 || axes[0] != 0 && axes[0] != -1 {
		axis, err := tensor.Axis(int64(axes[0]), x.Rank())
		if err != nil {
			return fmt.Errorf("input 1: %w", err)
		}
		outer, n, inner = around(x.Shape(), axis)
	}
	if isHalf(x.DType()) {
		return inFloat32(c, x.DType(), k.Run)
	}
	y, err := c.Out(0, x.DType(), x.Shape()...)
	if err != nil {
		return err
	}
	pick(x.DType(), cumulateOf[float32], cumulateOf[float64], nil, nil, cumulateOf[int32], cumulateOf[int64],
		nil, nil, cumulateOf[uint32], cumulateOf[uint64])(c, k, y, x, outer, n, inner)
	return nil
}

func cumulateOf[T number](c *Ctx, k *cumulate, y, x *tensor.Tensor, outer, n, inner int) {
	kernel.CumulateAxis(c.Pool(), tensor.Of[T](y), tensor.Of[T](x), outer, n, inner, k.prod, k.exclusive, k.reverse)
}
