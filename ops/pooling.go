package ops

import (
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// poolOps are the pools.
func poolOps() []Op {
	one := func(since, maxOut int, f func(*Attrs) (Kernel, error)) Version {
		return Version{Since: since, MinIn: 1, MaxIn: 1, MinOut: 1, MaxOut: maxOut, New: f}
	}
	bytes := types(tensor.Int8, tensor.Uint8)
	global := func(kind poolKind) []Version {
		v := []Version{one(1, 1, newGlobalPool(kind, floats)), one(22, 1, newGlobalPool(kind, floatsBF))}
		if kind == lpPool { // p became an integer
			v = append(v[:1], one(2, 1, newGlobalPool(kind, floats)), v[1])
		}
		return v
	}
	unpool := func(since int, types dtypes) Version {
		return Version{Since: since, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newMaxUnpool(types)}
	}
	return []Op{
		{Name: "MaxPool", Versions: []Version{
			one(1, 1, newPool(maxPool, 1, floats)), one(8, 2, newPool(maxPool, 8, floats)), one(10, 2, newPool(maxPool, 10, floats)),
			one(11, 2, newPool(maxPool, 11, floats)), one(12, 2, newPool(maxPool, 12, floats|bytes)), one(22, 2, newPool(maxPool, 22, floatsBF|bytes)),
		}},
		{Name: "AveragePool", Versions: []Version{
			one(1, 1, newPool(averagePool, 1, floats)), one(7, 1, newPool(averagePool, 7, floats)), one(10, 1, newPool(averagePool, 10, floats)),
			one(11, 1, newPool(averagePool, 11, floats)), one(19, 1, newPool(averagePool, 19, floats)), one(22, 1, newPool(averagePool, 22, floatsBF)),
		}},
		{Name: "LpPool", Versions: []Version{
			one(1, 1, newPool(lpPool, 1, floats)), one(2, 1, newPool(lpPool, 2, floats)), one(11, 1, newPool(lpPool, 11, floats)),
			one(18, 1, newPool(lpPool, 18, floats)), one(22, 1, newPool(lpPool, 22, floatsBF)),
		}},
		{Name: "GlobalMaxPool", Versions: global(maxPool)},
		{Name: "GlobalAveragePool", Versions: global(averagePool)},
		{Name: "GlobalLpPool", Versions: global(lpPool)},
		{Name: "MaxUnpool", Versions: []Version{unpool(9, floats), unpool(11, floats), unpool(22, floatsBF)}},
	}
}

type poolKind uint8

const (
	maxPool poolKind = iota
	averagePool
	lpPool
)

// pool is a pool over a moving window or, if global, over everything.
type pool struct {
	spatial
	kind        poolKind
	types       dtypes
	global      bool
	withPad     bool // count_include_pad
	columnMajor bool // storage_order=1
	norm        float64
	inTurn      bool // averages are rounded to integers, as sums tap by tap give them
}

func newPool(kind poolKind, since int, types dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		dilations := kind == maxPool && since >= 10 || kind == averagePool && since >= 19 || kind == lpPool && since >= 18
		k := &pool{spatial: readSpatial(a, dilations), kind: kind, types: types}
		if kind != lpPool || since >= 2 {
			a.Require("kernel_shape")
		} else if k.size == nil {
			k.global = true
		}
		if kind != lpPool && since >= 10 || kind == lpPool && since >= 18 {
			k.ceil = a.Bool("ceil_mode", false)
		}
		switch kind {
		case maxPool:
			if since >= 8 {
				k.columnMajor = a.Bool("storage_order", false)
			}
		case averagePool:
			if since >= 7 {
				k.withPad = a.Bool("count_include_pad", false)
			}
		case lpPool:
			k.norm = readNorm(a, since)
		}
		return k, nil
	}
}

func newGlobalPool(kind poolKind, types dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k := &pool{kind: kind, types: types, global: true}
		if kind == lpPool {
			k.norm = readNorm(a, int(a.Opset))
		}
		return k, nil
	}
}

// readNorm is attribute p, a FLOAT in opset 1.
func readNorm(a *Attrs, since int) float64 {
	p := 2.0
	if since < 2 {
		p = float64(a.Float("p", 2))
	} else {
		p = float64(a.Int("p", 2))
	}
	if !(p > 0) {
		a.Fail("p", "is %v, expected a positive number", p)
	}
	return p
}

// place is the window over the spatial extents in.
func (k *pool) place(in []int) (kernel.Window, error) {
	if !k.global {
		return k.window(in, k.size)
	}
	w := kernel.Window{N: len(in)}
	for d, n := range in {
		w.In[d], w.Size[d], w.Out[d], w.Stride[d], w.Dilation[d] = n, n, 1, 1, 1
	}
	return w, nil
}

func (k *pool) Infer(c *Infer) error {
	x := c.In(0)
	if err := k.types.check(0, x.DType); err != nil {
		return err
	}
	if !x.Ranked {
		c.Set(0, Unranked(x.DType))
		c.Set(1, Unranked(tensor.Int64))
		return nil
	}
	if err := atLeast2(x.Shape); err != nil {
		return err
	}
	w, err := k.place(x.Shape[2:])
	if err != nil {
		return err
	}
	shape := outShape(nil, x.Shape[0], x.Shape[1], &w)
	c.Set(0, Shaped(x.DType, shape...))
	c.Set(1, Shaped(tensor.Int64, shape...))
	return nil
}

func (k *pool) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.types.check(0, x.DType()); err != nil {
		return err
	}
	if err := atLeast2(x.Shape()); err != nil {
		return err
	}
	placed, err := k.place(x.Shape()[2:])
	if err != nil {
		return err
	}
	w := c.Local(func() any { return new(kernel.Window) }).(*kernel.Window)
	*w = placed
	w.InTurn = k.inTurn
	switch x.DType() {
	case tensor.Int8:
		return runMaxPool[int8](c, k, w, math.MinInt8)
	case tensor.Uint8:
		return runMaxPool[uint8](c, k, w, 0)
	case tensor.Float64:
		return runPool[float64](c, k, w)
	}
	return runPool[float32](c, k, w)
}

// runMaxPool is MaxPool of bytes.
func runMaxPool[T int8 | uint8](c *Ctx, k *pool, w *kernel.Window, lowest T) error {
	x := c.In(0)
	var dims [tensor.MaxRank]int
	y, err := c.Out(0, x.DType(), outShape(dims[:0], x.Dim(0), x.Dim(1), w)...)
	if err != nil || y.Len() == 0 {
		return err
	}
	index, err := k.indices(c, w)
	if err != nil {
		return err
	}
	planes := x.Dim(0) * x.Dim(1)
	if w.Large(planes) {
		w.Halt = c.Err
	}
	kernel.MaxPool(c.Pool(), w, tensor.Of[T](y), index, tensor.Of[T](x), lowest, planes)
	k.order(index, w)
	return c.Err()
}

// indices is room for output 1, nil if nobody reads it.
func (k *pool) indices(c *Ctx, w *kernel.Window) ([]int64, error) {
	if !c.Wants(1) {
		return nil, nil
	}
	var dims [tensor.MaxRank]int
	t, err := c.Out(1, tensor.Int64, outShape(dims[:0], c.In(0).Dim(0), c.In(0).Dim(1), w)...)
	if err != nil {
		return nil, err
	}
	return tensor.Of[int64](t), nil
}

// order brings the indices to the order that storage_order asks for.
func (k *pool) order(index []int64, w *kernel.Window) {
	if k.columnMajor && len(index) > 0 {
		kernel.ColumnMajor(index, w.In[:w.N])
	}
}

// working is the bytes that a thread works with.
func (k *pool) working(w *kernel.Window) int {
	if k.kind == maxPool {
		return w.RoomToPool()
	}
	return 8*w.OutLen() + w.RoomToPool()
}

func runPool[T floating](c *Ctx, k *pool, w *kernel.Window) error {
	in := c.In(0)
	var dims [tensor.MaxRank]int
	y, err := outReal[T](c, 0, in.DType(), outShape(dims[:0], in.Dim(0), in.Dim(1), w)...)
	if err != nil {
		return err
	}
	index, err := k.indices(c, w)
	if err != nil || len(y.data) == 0 {
		return err
	}
	x, err := reals[T](c, in)
	if err != nil {
		return err
	}
	planes := in.Dim(0) * in.Dim(1)
	if err := c.Memory.Reserve(k.working(w) * c.Pool().Threads()); err != nil {
		return err
	}
	if w.Large(planes) {
		w.Halt = c.Err
	}
	switch k.kind {
	case maxPool:
		kernel.MaxPool(c.Pool(), w, y.data, index, x, T(math.Inf(-1)), planes)
		k.order(index, w)
	case averagePool:
		kernel.AveragePool(c.Pool(), w, y.data, x, k.withPad, planes)
	case lpPool:
		kernel.LpPool(c.Pool(), w, y.data, x, k.norm, planes)
	}
	y.done()
	return c.Err()
}
