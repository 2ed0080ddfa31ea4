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

// WeightBytes is the bytes of packed weights, 0 where there are none.
func (k *conv) WeightBytes() int {
	switch {
	case k.winograd != nil:
		return 4 * kernel.WinogradLen(k.shape[1], k.shape[0])
	case k.packed != nil:
		return 4 * tensor.Shape(k.shape).Len()
	}
	return 0
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
