package ops

import (
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

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
	packed  convPackedRun
	stop    func() error
}

// convPackedRun is the working memory of convolutions with packed weights.
type convPackedRun struct {
	direct   kernel.ConvRun
	winograd kernel.WinogradRun
}

func (r *convRun[T]) err() error { return r.c.Err() }

func runConv[T floating](c *Ctx, k *conv) error {
	dts, shapes, ranked := inputs3(c)
	if k.shape != nil {
		dts[1], shapes[1], ranked[1] = tensor.Float32, k.shape, true
	}
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
		if i == 1 && k.shape != nil {
			continue
		}
		if *data, err = reals[T](c, c.In(i)); err != nil {
			return err
		}
	}
	if f, ok := any(a).(*kernel.ConvArgs[float32]); ok && kernel.Packable(a.Cin, win.Taps()) {
		err = k.runPacked(c, f, &r.packed)
	} else {
		err = runLoose(c, a, &r.scratch)
		if err == nil && k.fused {
			err = k.end(c, any(a.Y).([]float32))
		}
	}
	if err != nil {
		return err
	}
	y.done()
	return nil
}

// runPacked computes with weights that are packed, or will be.
func (k *conv) runPacked(c *Ctx, a *kernel.ConvArgs[float32], r *convPackedRun) error {
	z, err := k.addend(c)
	if err != nil {
		return err
	}
	end := kernel.ConvEnd{Add: z}
	if k.act.limited {
		end.Clip, end.Lo, end.Hi = true, k.act.lo, k.act.hi
	} else {
		end.Act = k.act.f
	}
	if k.winograd != nil && r.winograd.Moderate(c.Pool(), a) {
		if err := c.Memory.Reserve(r.winograd.RoomForWinograd(c.Pool(), a, k.winograd)); err != nil {
			return err
		}
		return kernel.ConvWinograd(c.Pool(), a, k.winograd, end, &r.winograd)
	}
	w := k.packed
	if w == nil {
		if err := c.Memory.Reserve(4 * a.Group * a.Cin * a.Cout * a.Taps()); err != nil {
			return err
		}
		if k.winograd != nil {
			w = k.winograd.Direct()
		} else {
			w = kernel.PackConv(a.W, a.Group, a.Cin, a.Cout, a.Taps())
		}
	}
	if err := k.reserve(c, r.direct.RoomForConv(c.Pool(), a, w)); err != nil {
		return err
	}
	return kernel.ConvPacked(c.Pool(), a, w, end, &r.direct)
}

// reserve accounts for so many bytes of every thread.
func (k *conv) reserve(c *Ctx, bytes int) error {
	n, err := tensor.CheckShape([]int{c.Pool().Threads(), bytes}, 1)
	if err != nil {
		return err
	}
	return c.Memory.Reserve(n)
}

// addend is input 3, nil if it isn't given.
func (k *conv) addend(c *Ctx) ([]float32, error) {
	if !k.fused || !c.Has(3) {
		return nil, nil
	}
	z, y := c.In(3), c.Outputs[0].(*tensor.Tensor)
	if err := sameType(3, z.DType(), tensor.Float32); err != nil {
		return nil, err
	}
	return tensor.Of[float32](z), checkDims(3, z.Shape(), y.Shape()...)
}

// end is what follows a convolution that was computed without it.
func (k *conv) end(c *Ctx, y []float32) error {
	z, err := k.addend(c)
	if err != nil {
		return err
	}
	if z != nil {
		kernel.Add(y, y, z)
	}
	if k.act.f != nil {
		parallel(c.Pool(), k.act.f, y, y)
	}
	return nil
}

// runLoose computes with weights as they are.
func runLoose[T int32 | float32 | float64](c *Ctx, a *kernel.ConvArgs[T], r *kernel.ConvScratch[T]) error {
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
	return kernel.Conv(c.Pool(), a, r)
}
