package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// convOps are Conv and ConvTranspose.
func convOps() []Op {
	version := func(since int, f func(*Attrs) (Kernel, error)) Version {
		return Version{Since: since, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 1, New: f}
	}
	return []Op{
		{Name: "Conv", Versions: []Version{
			version(1, newConv(floats)), version(11, newConv(floats)), version(22, newConv(floatsBF)),
		}},
		{Name: "ConvTranspose", Versions: []Version{
			version(1, newConvTranspose(floats)), version(11, newConvTranspose(floats)), version(22, newConvTranspose(floatsBF)),
		}},
	}
}

// conv is Conv: x (N, C, in...), w (M, C/group, size...), bias (M).
type conv struct {
	spatial
	types dtypes
	group int
}

func newConv(types dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		return &conv{spatial: readSpatial(a, true), types: types, group: groupOf(a, "group")}, nil
	}
}

// groupOf is a count of groups of channels.
func groupOf(a *Attrs, name string) int {
	n := a.Int(name, 1)
	if n < 1 || n > 1<<31-1 {
		a.Fail(name, "is %d, expected a positive number", n)
		return 1
	}
	return int(n)
}

// check checks types and, where known, ranks and extents of x, w and bias.
func (k *conv) check(dts [3]tensor.DType, shapes [3][]int, ranked [3]bool) error {
	if err := checkConvTypes(k.types, dts); err != nil {
		return err
	}
	x, w := shapes[0], shapes[1]
	if ranked[0] && len(x) < 2 {
		return fmt.Errorf("input 0: has rank %d, expected at least 3", len(x))
	}
	if ranked[0] && ranked[1] {
		if err := checkRank(1, len(w), len(x)); err != nil {
			return err
		}
		if x[1] >= 0 && w[1] >= 0 && x[1] != w[1]*k.group {
			return fmt.Errorf("input 0: has %d channels, expected %d in each of %d groups", x[1], w[1], k.group)
		}
	}
	if !ranked[1] {
		return nil
	}
	if len(w) < 2 {
		return fmt.Errorf("input 1: has rank %d, expected at least 3", len(w))
	}
	if w[0] >= 0 && w[0]%k.group != 0 {
		return fmt.Errorf("input 1: has %d output channels, which %d groups do not divide", w[0], k.group)
	}
	if k.size != nil {
		if err := checkDims(1, w[2:], k.size...); err != nil {
			return fmt.Errorf("input 1: has taps %v, expected %v as kernel_shape says", shapeOf(w[2:]), shapeOf(k.size))
		}
	}
	if ranked[2] {
		return checkDims(2, shapes[2], w[0])
	}
	return nil
}

func checkConvTypes(types dtypes, dts [3]tensor.DType) error {
	if err := types.check(0, dts[0]); err != nil {
		return err
	}
	if err := sameType(1, dts[1], dts[0]); err != nil {
		return err
	}
	return sameType(2, dts[2], dts[0])
}

// facts3 are the types and shapes of the first three inputs.
func facts3(c *Infer) (dts [3]tensor.DType, shapes [3][]int, ranked [3]bool) {
	for i := range dts {
		f := c.In(i)
		dts[i], shapes[i], ranked[i] = f.DType, f.Shape, f.Ranked
	}
	return
}

// inputs3 is facts3 of a run.
func inputs3(c *Ctx) (dts [3]tensor.DType, shapes [3][]int, ranked [3]bool) {
	for i := range dts {
		if t := c.In(i); t != nil {
			dts[i], shapes[i], ranked[i] = t.DType(), t.Shape(), true
		}
	}
	return
}

func (k *conv) Infer(c *Infer) error {
	dts, shapes, ranked := facts3(c)
	if err := k.check(dts, shapes, ranked); err != nil {
		return err
	}
	size := k.size
	if ranked[1] {
		size = shapes[1][2:]
	}
	if !ranked[0] || size == nil {
		c.Set(0, Unranked(dts[0]))
		return nil
	}
	w, err := k.window(shapes[0][2:], size)
	if err != nil {
		return err
	}
	channels := Unknown
	if ranked[1] {
		channels = shapes[1][0]
	}
	c.Set(0, Shaped(dts[0], outShape(nil, shapes[0][0], channels, &w)...))
	return nil
}

func (k *conv) Run(c *Ctx) error {
	if c.In(0).DType() == tensor.Float64 {
		return runConv[float64](c, k)
	}
	return runConv[float32](c, k)
}

// convRun is what a Conv node keeps from run to run.
type convRun[T floating] struct {
	c       *Ctx
	args    kernel.ConvArgs[T]
	scratch kernel.ConvScratch[T]
	stop    func() error
}

func (r *convRun[T]) err() error { return r.c.Err() }

func runConv[T floating](c *Ctx, k *conv) error {
	dts, shapes, ranked := inputs3(c)
	if err := k.check(dts, shapes, ranked); err != nil {
		return err
	}
	win, err := k.window(shapes[0][2:], shapes[1][2:])
	if err != nil {
		return err
	}
	var dims [tensor.MaxRank]int
	y, err := outReal[T](c, 0, dts[0], outShape(dims[:0], shapes[0][0], shapes[1][0], &win)...)
	if err != nil {
		return err
	}
	r := c.Local(func() any {
		r := &convRun[T]{}
		r.stop = r.err
		return r
	}).(*convRun[T])
	r.c = c
	a := &r.args
	*a = kernel.ConvArgs[T]{Window: win, Batch: shapes[0][0], Group: k.group, Cin: shapes[1][1], Cout: shapes[1][0] / k.group, Y: y.data, Stop: r.stop}
	defer func() { r.c, r.args = nil, kernel.ConvArgs[T]{} }()
	for i, data := range []*[]T{&a.X, &a.W, &a.Bias} {
		if *data, err = reals[T](c, c.In(i)); err != nil {
			return err
		}
	}
	n, err := tensor.CheckShape([]int{c.Pool().Threads(), a.ScratchLen()}, tensor.DTypeOf[T]().Size())
	if err != nil {
		return err
	}
	if err := c.Memory.Reserve(n * tensor.DTypeOf[T]().Size()); err != nil {
		return err
	}
	if err := c.Memory.Reserve(a.RoomToMultiply(c.Pool())); err != nil {
		return err
	}
	if err := kernel.Conv(c.Pool(), a, &r.scratch); err != nil {
		return err
	}
	y.done()
	return nil
}
