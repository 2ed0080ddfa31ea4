package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// nchwcOps are the domain in which ONNX Runtime, at its highest level, keeps images as
// blocks of channels. Here such an image lies as ONNX has it, with as many channels as
// the blocks have room for, so only the weights of Conv need to be put back.
func nchwcOps() []Op {
	f32 := types(tensor.Float32)
	op := func(name string, minIn, maxIn int, f func(*Attrs) (Kernel, error)) Op {
		return Op{Name: name, Domain: "com.microsoft.nchwc", Versions: []Version{
			{Since: 1, MinIn: minIn, MaxIn: maxIn, MinOut: 1, MaxOut: 1, New: f}}}
	}
	return []Op{
		op("AveragePool", 1, 1, newPool(averagePool, 19, f32)),
		op("Conv", 2, 4, newBlockedConv),
		op("GlobalAveragePool", 1, 1, newGlobalPool(averagePool, f32)),
		op("GlobalMaxPool", 1, 1, newGlobalPool(maxPool, f32)),
		op("MaxPool", 1, 1, newPool(maxPool, 12, f32)),
		op("ReorderInput", 1, 1, func(a *Attrs) (Kernel, error) {
			if a.Bool("channels_last", false) {
				return transpose{[]int{0, 3, 1, 2}}, nil
			}
			return newIdentity(a)
		}),
		op("ReorderOutput", 1, 1, newReorderOutput),
		op("Upsample", 1, 1, newBlockedUpsample),
	}
}

func newBlockedUpsample(a *Attrs) (Kernel, error) {
	a.Require("scales")
	k := &resize{keep: "stretch", nearest: "floor", mode: a.Enum("mode", "nearest", "nearest", "linear")}
	k.coordinate = a.Enum("coordinate_transformation_mode", "asymmetric", "asymmetric", "align_corners", "half_pixel", "pytorch_half_pixel")
	if k.coordinate != "asymmetric" {
		k.nearest = "round_prefer_floor"
	}
	for _, s := range a.Ints("scales") {
		k.scales = append(k.scales, float32(s))
	}
	return k, nil
}

// reorderOutput leaves out the channels that only fill a block.
type reorderOutput struct {
	channels int
	last     bool // the output has them last
}

func newReorderOutput(a *Attrs) (Kernel, error) {
	n := a.Int("channels", 0)
	if n < 1 || n > 1<<30 {
		a.Fail("channels", "is %d, expected a positive number", n)
	}
	return &reorderOutput{int(n), a.Bool("channels_last", false)}, nil
}

func (k *reorderOutput) shape(in []int) ([]int, error) {
	if err := checkRank(0, len(in), 4); err != nil {
		return nil, err
	}
	if in[1] != Unknown && in[1] < k.channels {
		return nil, fmt.Errorf("input 0: has %d channels, expected at least %d", in[1], k.channels)
	}
	if k.last {
		return []int{in[0], in[2], in[3], k.channels}, nil
	}
	return []int{in[0], k.channels, in[2], in[3]}, nil
}

func (k *reorderOutput) Infer(c *Infer) error {
	x := c.In(0)
	c.Set(0, Unranked(x.DType))
	if !x.Ranked {
		return nil
	}
	shape, err := k.shape(x.Shape)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(x.DType, shape...))
	return nil
}

func (k *reorderOutput) Run(c *Ctx) error {
	x := c.In(0)
	shape, err := k.shape(x.Shape())
	if err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil || y.Len() == 0 {
		return err
	}
	plane, to, channel := x.Dim(2)*x.Dim(3), 1, x.Dim(2)*x.Dim(3)
	if k.last {
		to, channel = k.channels, 1
	}
	var s kernel.Strided
	s.Add(x.Dim(0), k.channels*plane, x.Dim(1)*plane)
	s.Add(k.channels, channel, plane)
	s.Add(plane, to, 1)
	return move(c, y, x, &s)
}

// blockedConv is FusedConv whose weights lie in blocks of output channels, and of
// input channels where there are as many:
//
//	w[o/block, i/block, y, x, i%block, o%block]
//
// The size of a block isn't in the file: it is that of the machine which wrote it.
type blockedConv struct {
	inner Kernel
	block int // 0 for the one of this machine
	plain *tensor.Tensor
	group int
}

func newBlockedConv(a *Attrs) (Kernel, error) {
	inner, err := newFusedConv(a)
	if err != nil {
		return nil, err
	}
	block := a.Int(BlockAttribute, 0)
	if block != 0 && block != 8 && block != 16 {
		a.Fail(BlockAttribute, "is %d, expected 8 or 16", block)
	}
	group := a.Int("group", 1)
	if group < 1 || group > 1<<30 {
		a.Fail("group", "is %d, expected a positive number", group)
	}
	return &blockedConv{inner: inner, block: int(block), group: int(group)}, nil
}

// BlockAttribute is an attribute of com.microsoft.nchwc's Conv that no file has: the
// runtime puts it there once it has looked at all convolutions of a model.
const BlockAttribute = "block"

// BlockOf is the size of the blocks that weights of this shape lie in, 0 where they
// may have either size: 8, or 16 of machines with AVX-512.
func BlockOf(shape []int64) int {
	switch {
	case len(shape) != 4:
		return 0
	case shape[0]%16 != 0:
		return 8
	case shape[1] > 8 && shape[1] < 16:
		return 16 // fewer than a block
	}
	return 0
}

// sizes are the size of a block for weights of this shape, and whether the input
// channels are in blocks too.
func (k *blockedConv) sizes(w []int) (block int, both bool, err error) {
	if err := checkRank(1, len(w), 4); err != nil {
		return 0, false, err
	}
	if block = k.block; block == 0 {
		block = BlockOf([]int64{int64(w[0]), int64(w[1]), 1, 1})
	}
	if block == 0 {
		block = kernel.ChannelBlock()
	}
	if w[0]%block != 0 {
		return 0, false, fmt.Errorf("input 1: has %d output channels, expected a multiple of %d", w[0], block)
	}
	return block, w[1] > 0 && w[1]%block == 0, nil
}

// unblocked is weights w as ONNX has them, with room for them taken by reserve.
func (k *blockedConv) unblocked(w *tensor.Tensor, reserve func(n int) error) (*tensor.Tensor, error) {
	if err := types(tensor.Float32).check(1, w.DType()); err != nil {
		return nil, err
	}
	block, both, err := k.sizes(w.Shape())
	if err != nil {
		return nil, err
	}
	if err := reserve(w.Len() * 4); err != nil {
		return nil, err
	}
	out := make([]float32, w.Len())
	inner := 1
	if both {
		inner = block
	}
	kernel.Unblock(out, tensor.Of[float32](w), w.Dim(1), w.Dim(2)*w.Dim(3), block, inner)
	return tensor.New(out, w.Shape()...)
}

func (k *blockedConv) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	if consts[1] == nil {
		return k, nil, nil
	}
	packed := *k
	var err error
	packed.plain, err = k.unblocked(consts[1], memory.Reserve)
	return &packed, []int{1}, err
}

func (k *blockedConv) Infer(c *Infer) error {
	w := c.In(1)
	inner := Infer{in: append([]Fact(nil), c.in...), has: c.has, out: c.out}
	if x := c.In(0); x.Ranked && len(x.Shape) == 4 && w.Ranked && len(w.Shape) == 4 {
		if n := mulKnown(w.Shape[1], k.group); x.Shape[1] < n {
			x.Shape = shapeOf(x.Shape)
			x.Shape[1], x.Value = n, nil
			inner.in[0] = x
		}
	}
	return k.inner.Infer(&inner)
}

func (k *blockedConv) Run(c *Ctx) error {
	w := k.plain
	if w == nil {
		t, err := given(c, 1)
		if err != nil {
			return err
		}
		if w, err = k.unblocked(t, c.Memory.Reserve); err != nil {
			return err
		}
	}
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	if n := w.Dim(1) * k.group; x.Rank() == 4 && x.Dim(1) < n {
		if x, err = filled(c, x, n); err != nil {
			return err
		}
	}
	inner := *c
	inner.Inputs = append([]tensor.Value(nil), c.Inputs...)
	inner.Inputs[0], inner.Inputs[1] = x, w
	return k.inner.Run(&inner)
}

// filled is x (N, C, H, W) with n channels, of which those that only fill a block are 0.
func filled(c *Ctx, x *tensor.Tensor, n int) (*tensor.Tensor, error) {
	if err := types(tensor.Float32).check(0, x.DType()); err != nil {
		return nil, err
	}
	width := x.Dim(1) * x.Dim(2) * x.Dim(3)
	size, err := tensor.CheckShape([]int{x.Dim(0), n, x.Dim(2), x.Dim(3)}, 4)
	if err != nil {
		return nil, err
	}
	out, err := reserved[float32](c, size)
	if err != nil {
		return nil, err
	}
	kernel.CopyRows(out, n*x.Dim(2)*x.Dim(3), tensor.Of[float32](x), width, x.Dim(0), width)
	return tensor.New(out, x.Dim(0), n, x.Dim(2), x.Dim(3))
}
