package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// deformConvOps is DeformConv.
func deformConvOps() []Op {
	version := func(since int, types dtypes) Version {
		return Version{Since: since, MinIn: 3, MaxIn: 5, MinOut: 1, MaxOut: 1, New: func(a *Attrs) (Kernel, error) {
			k := &deformConv{types: types, group: groupOf(a, "group"), offsets: groupOf(a, "offset_group")}
			k.size, k.strides = smallInts(a, "kernel_shape", 1), smallInts(a, "strides", 1)
			k.pads, k.dilations = smallInts(a, "pads", -1<<31), smallInts(a, "dilations", 1)
			k.auto = "NOTSET"
			return k, nil
		}}
	}
	return []Op{{Name: "DeformConv", Versions: []Version{version(19, floats), version(22, floatsBF)}}}
}

// deformConv is a convolution in two dimensions whose taps are moved by offsets
// and weighted by a mask: x (N, C, H, W), w (M, C/group, kh, kw), offset (N,
// offsets*kh*kw*2, oh, ow), bias (M), mask (N, offsets*kh*kw, oh, ow).
type deformConv struct {
	spatial
	types          dtypes
	group, offsets int
}

// place checks shapes, which may have unknown extents, and places the window.
func (k *deformConv) place(in *operands) (w kernel.Window, shape []int, err error) {
	for i := range 5 {
		if err := k.types.check(i, in[i].dtype); err != nil {
			return w, nil, err
		}
		if err := sameType(i, in[i].dtype, in[0].dtype); err != nil {
			return w, nil, err
		}
	}
	x, weights := in[0].shape, in[1].shape
	if !in[0].ranked || !in[1].ranked {
		return w, nil, nil
	}
	for i, s := range [][]int{x, weights} {
		if len(s) > 2 && len(s) != 4 {
			return w, nil, Unsupportedf("input %d of rank %d, other than two spatial dimensions", i, len(s))
		}
		if err := checkRank(i, len(s), 4); err != nil {
			return w, nil, err
		}
	}
	if x[1] >= 0 && weights[1] >= 0 && x[1] != weights[1]*k.group {
		return w, nil, fmt.Errorf("input 0: has %d channels, expected %d in each of %d groups", x[1], weights[1], k.group)
	}
	if weights[0] >= 0 && weights[0]%k.group != 0 {
		return w, nil, fmt.Errorf("input 1: has %d output channels, which %d groups do not divide", weights[0], k.group)
	}
	if x[1] >= 0 && x[1]%k.offsets != 0 {
		return w, nil, fmt.Errorf("input 0: has %d channels, which %d offset groups do not divide", x[1], k.offsets)
	}
	if k.size != nil && checkDims(1, weights[2:], k.size...) != nil {
		return w, nil, fmt.Errorf("input 1: has taps %v, expected %v as kernel_shape says", shapeOf(weights[2:]), shapeOf(k.size))
	}
	if w, err = k.window(x[2:], weights[2:]); err != nil {
		return w, nil, err
	}
	taps := mulKnown(mulKnown(weights[2], weights[3]), k.offsets)
	if in[2].ranked {
		if err := checkDims(2, in[2].shape, x[0], mulKnown(taps, 2), w.Out[0], w.Out[1]); err != nil {
			return w, nil, err
		}
	}
	if in[3].ranked {
		if err := checkDims(3, in[3].shape, weights[0]); err != nil {
			return w, nil, err
		}
	}
	if in[4].ranked {
		if err := checkDims(4, in[4].shape, x[0], taps, w.Out[0], w.Out[1]); err != nil {
			return w, nil, err
		}
	}
	return w, []int{x[0], weights[0], w.Out[0], w.Out[1]}, nil
}

func (k *deformConv) Infer(c *Infer) error {
	in := c.operands()
	_, shape, err := k.place(&in)
	if err != nil {
		return err
	}
	c.Set(0, Fact{DType: in[0].dtype, Shape: shape, Ranked: shape != nil})
	return nil
}

func (k *deformConv) Run(c *Ctx) error {
	if c.In(0).DType() == tensor.Float64 {
		return runDeformConv[float64](c, k)
	}
	return runDeformConv[float32](c, k)
}

func runDeformConv[T floating](c *Ctx, k *deformConv) error {
	in := c.operands()
	w, shape, err := k.place(&in)
	if err != nil {
		return err
	}
	y, err := outReal[T](c, 0, in[0].dtype, shape...)
	if err != nil || len(y.data) == 0 {
		return err
	}
	a := &kernel.DeformArgs[T]{OffsetGroups: k.offsets}
	a.ConvArgs = kernel.ConvArgs[T]{Window: w, Batch: shape[0], Group: k.group, Cin: in[1].shape[1], Cout: shape[1] / k.group, Y: y.data, Stop: c.Err}
	for i, to := range []*[]T{&a.X, &a.W, &a.Offset, &a.Bias, &a.Mask} {
		if *to, err = reals[T](c, c.In(i)); err != nil {
			return err
		}
	}
	size := tensor.DTypeOf[T]().Size()
	n, err := tensor.CheckShape([]int{4 * c.Pool().Threads(), a.Cin, a.Taps(), a.OutLen()}, size)
	if err != nil {
		return err
	}
	if err := c.Memory.Reserve(n * size); err != nil {
		return err
	}
	if err := kernel.DeformConv(c.Pool(), a); err != nil {
		return err
	}
	y.done()
	return nil
}
