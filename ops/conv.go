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
	fused bool // input 3 is added, where it is given, and then comes act; float32 only
	act   activation
	// fewer lets constant weights be transformed, for fewer multiplications.
	fewer bool
	// packed or winograd are constant weights, of the shape they had.
	packed   *kernel.PackedConv
	winograd *kernel.PackedWinograd
	shape    []int
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

// Prepack lays out constant weights of float32.
func (k *conv) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	w := consts[1]
	if w == nil || w.DType() != tensor.Float32 || w.Rank() < 3 || w.Dim(0)%k.group != 0 {
		return nil, nil, nil
	}
	if k.fewer && k.mayWinograd(w.Shape()) {
		if p, err := k.packWinograd(w, memory); p != nil || err != nil {
			return p, []int{1}, err
		}
	}
	if err := memory.Reserve(4 * w.Len()); err != nil {
		return nil, nil, err
	}
	packed := k.pack(w)
	if packed == nil {
		memory.Release(4 * w.Len())
		return nil, nil, nil
	}
	p := *k
	p.packed, p.shape = packed, shapeOf(w.Shape())
	return &p, []int{1}, nil
}

// pack is nil for weights that can't be.
func (k *conv) pack(w *tensor.Tensor) *kernel.PackedConv {
	taps := tensor.Shape(w.Shape()[2:]).Len()
	if !kernel.Packable(w.Dim(1), taps) {
		return nil
	}
	return kernel.PackConv(tensor.Of[float32](w), k.group, w.Dim(1), w.Dim(0)/k.group, taps)
}

// mayWinograd reports whether weights of this shape can go Winograd's way.
func (k *conv) mayWinograd(w []int) bool {
	win, err := k.window(w[2:], w[2:])
	return err == nil && win.Winograd(k.group, w[1], w[0])
}

// packWinograd is nil for weights that can't be.
func (k *conv) packWinograd(w *tensor.Tensor, memory Allocator) (Kernel, error) {
	size := 4 * kernel.WinogradLen(w.Dim(1), w.Dim(0))
	if err := memory.Reserve(size); err != nil {
		return nil, err
	}
	packed := kernel.PackWinograd(tensor.Of[float32](w), w.Dim(1), w.Dim(0))
	if packed == nil {
		memory.Release(size)
		return nil, nil
	}
	p := *k
	p.winograd, p.shape = packed, shapeOf(w.Shape())
	return &p, nil
}

func (k *conv) Infer(c *Infer) error {
	dts, shapes, ranked := facts3(c)
	if k.shape != nil {
		dts[1], shapes[1], ranked[1] = tensor.Float32, k.shape, true
	}
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
	y := outShape(nil, shapes[0][0], channels, &w)
	c.Set(0, Shaped(dts[0], y...))
	if k.fused && c.Has(3) && c.In(3).Ranked {
		return checkDims(3, c.In(3).Shape, y...)
	}
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
