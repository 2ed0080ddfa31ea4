package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// transposeOps put elements in another order or repeat them, by strides alone.
func transposeOps() []Op {
	binary := func(f func(*Attrs) (Kernel, error)) Version {
		return Version{MinIn: 2, MaxIn: 2, MinOut: 1, MaxOut: 1, New: f}
	}
	return []Op{
		{Name: "Transpose", Versions: repeat(unaryVersion(newTranspose), 1, 13, 21, 23, 24, 25)},
		{Name: "Expand", Versions: repeat(binary(newExpand), 8, 13)},
		{Name: "Tile", Versions: versions(
			repeat(Version{MinIn: 3, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newTile1}, 1),
			repeat(binary(newTile), 6, 13))},
		{Name: "SpaceToDepth", Versions: repeat(unaryVersion(newSpaceToDepth), 1, 13)},
		{Name: "DepthToSpace", Versions: versions(
			repeat(unaryVersion(newDepthToSpace1), 1),
			repeat(unaryVersion(newDepthToSpace), 11, 13))},
	}
}

// transpose makes dimension i of the output from dimension perm[i] of the
// input; without perm it reverses them.
type transpose struct{ perm []int }

func newTranspose(a *Attrs) (Kernel, error) {
	k := transpose{attrInts(a, "perm")}
	var seen [tensor.MaxRank]bool
	for _, p := range k.perm {
		if len(k.perm) > tensor.MaxRank || p < 0 || p >= len(k.perm) || seen[p] {
			a.Fail("perm", "is %v, expected each of 0 to %d once", k.perm, len(k.perm)-1)
			break
		}
		seen[p] = true
	}
	return k, nil
}

func (k transpose) from(i, rank int) int {
	if k.perm == nil {
		return rank - 1 - i
	}
	return k.perm[i]
}

func (k transpose) check(rank int) error {
	if k.perm != nil && len(k.perm) != rank {
		return fmt.Errorf("input 0: has rank %d, perm has %d axes", rank, len(k.perm))
	}
	return nil
}

func (k transpose) Infer(c *Infer) error {
	f := c.In(0)
	if !f.Ranked {
		c.Set(0, Unranked(f.DType))
		return nil
	}
	if err := k.check(len(f.Shape)); err != nil {
		return err
	}
	shape := make([]int, len(f.Shape))
	for i := range shape {
		shape[i] = f.Shape[k.from(i, len(shape))]
	}
	c.Set(0, Shaped(f.DType, shape...))
	return nil
}

func (k transpose) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	rank := x.Rank()
	if err := k.check(rank); err != nil {
		return err
	}
	var shapeBuf, stepBuf, srcBuf [tensor.MaxRank]int
	shape, src := shapeBuf[:rank], srcBuf[:rank]
	steps := tensor.Strides(stepBuf[:], x.Shape())
	for i := range shape {
		shape[i], src[i] = x.Dim(k.from(i, rank)), steps[k.from(i, rank)]
	}
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil {
		return err
	}
	var s kernel.Strided
	rowMajor(&s, shape, src)
	return move(c, y, x, &s)
}

// expand repeats extents of 1 until the input has the shape that it and the
// shape in input 1 broadcast to.
type expand struct{}

func newExpand(*Attrs) (Kernel, error) { return expand{}, nil }

func (expand) Infer(c *Infer) error {
	f := c.In(0)
	want, ok := c.Ints(1)
	if !ok {
		if s := c.In(1); f.Ranked && s.Ranked && len(s.Shape) == 1 && s.Shape[0] >= 0 && s.Shape[0] <= tensor.MaxRank {
			c.Set(0, Shaped(f.DType, unknownShape(max(len(f.Shape), s.Shape[0]))...))
		} else {
			c.Set(0, Unranked(f.DType))
		}
		return nil
	}
	if err := checkExtents(1, want); err != nil {
		return err
	}
	if !f.Ranked {
		c.Set(0, Unranked(f.DType))
		return nil
	}
	shape, err := broadcastDims(nil, f.Shape, want)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(f.DType, shape...))
	return nil
}

// checkExtents refuses a shape in input i that has a negative extent.
func checkExtents(i int, shape []int) error {
	for d, n := range shape {
		if n < 0 {
			return fmt.Errorf("input %d: has extent %d at dimension %d", i, n, d)
		}
	}
	return nil
}

func (expand) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	var wantBuf, buf, stepBuf, srcBuf [tensor.MaxRank]int
	want, err := c.IntsInto(wantBuf[:0], 1)
	if err != nil {
		return err
	}
	if err := checkExtents(1, want); err != nil {
		return err
	}
	shape, err := tensor.Broadcast(buf[:0], x.Shape(), want)
	if err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil {
		return err
	}
	src := srcBuf[:len(shape)]
	lead := len(shape) - x.Rank()
	for i, step := range tensor.Strides(stepBuf[:], x.Shape()) {
		if x.Dim(i) != 1 {
			src[lead+i] = step
		}
	}
	var s kernel.Strided
	rowMajor(&s, shape, src)
	return move(c, y, x, &s)
}

// tile repeats the input along each axis as often as input 1 says.
type tile struct{}

func newTile(*Attrs) (Kernel, error) { return tile{}, nil }

func (tile) Infer(c *Infer) error {
	f := c.In(0)
	repeats, ok := c.Ints(1)
	if !f.Ranked {
		setRank(c, 0, f.DType, c.In(1))
		return nil
	}
	if !ok {
		c.Set(0, Shaped(f.DType, unknownShape(len(f.Shape))...))
		return nil
	}
	shape, err := tileShape(nil, f.Shape, repeats)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(f.DType, shape...))
	return nil
}

func tileShape(dst, in, repeats []int) ([]int, error) {
	if len(repeats) != len(in) {
		return nil, fmt.Errorf("input 1: has %d repeats, expected %d", len(repeats), len(in))
	}
	if err := checkExtents(1, repeats); err != nil {
		return nil, err
	}
	for i, d := range in {
		n, err := mulDim(d, repeats[i])
		if err != nil {
			return nil, err
		}
		dst = append(dst, n)
	}
	return dst, nil
}

func (tile) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	var repeatsBuf [tensor.MaxRank]int
	repeats, err := c.IntsInto(repeatsBuf[:0], 1)
	if err != nil {
		return err
	}
	return runTile(c, x, repeats)
}

func runTile(c *Ctx, x *tensor.Tensor, repeats []int) error {
	var buf, dstBuf, srcBuf [tensor.MaxRank]int
	shape, err := tileShape(buf[:0], x.Shape(), repeats)
	if err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil {
		return err
	}
	dst, src := tensor.Strides(dstBuf[:], shape), tensor.Strides(srcBuf[:], x.Shape())
	var s kernel.Strided
	for i, d := range x.Shape() {
		s.Add(repeats[i], d*dst[i], 0)
		s.Add(d, dst[i], src[i])
	}
	return move(c, y, x, &s)
}
