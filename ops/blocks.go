package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
)

// blocks moves blocks of block x block pixels between the channels and the
// plane of an image (N, C, H, W).
type blocks struct {
	block int
	order blockOrder
}

type blockOrder int

const (
	toDepth  blockOrder = iota // SpaceToDepth
	depthDCR                   // DepthToSpace, channels are (block, block, C)
	depthCRD                   // DepthToSpace, channels are (C, block, block)
)

func newBlocks(a *Attrs, order blockOrder) (Kernel, error) {
	a.Require("blocksize")
	n := a.Int("blocksize", 1)
	if n < 1 || n > 1<<15 {
		a.Fail("blocksize", "is %d, expected 1 to %d", n, 1<<15)
		n = 1
	}
	return blocks{int(n), order}, nil
}

func newSpaceToDepth(a *Attrs) (Kernel, error) { return newBlocks(a, toDepth) }

func newDepthToSpace(a *Attrs) (Kernel, error) {
	if a.Enum("mode", "DCR", "DCR", "CRD") == "CRD" {
		return newBlocks(a, depthCRD)
	}
	return newBlocks(a, depthDCR)
}

func newDepthToSpace1(a *Attrs) (Kernel, error) { return newBlocks(a, depthDCR) }

func (k blocks) shape(dst, in []int) ([]int, error) {
	if len(in) != 4 {
		return nil, fmt.Errorf("input 0: has rank %d, expected 4", len(in))
	}
	b, square := k.block, k.block*k.block
	grow := func(d, by int) (int, error) { return mulDim(d, by) }
	cut := func(i, by int) (int, error) {
		if in[i] == Unknown {
			return Unknown, nil
		}
		if in[i]%by != 0 {
			return 0, fmt.Errorf("input 0: has extent %d at dimension %d, expected a multiple of %d", in[i], i, by)
		}
		return in[i] / by, nil
	}
	var out [4]int
	var errs [3]error
	out[0] = in[0]
	if k.order == toDepth {
		out[1], errs[0] = grow(in[1], square)
		out[2], errs[1] = cut(2, b)
		out[3], errs[2] = cut(3, b)
	} else {
		out[1], errs[0] = cut(1, square)
		out[2], errs[1] = grow(in[2], b)
		out[3], errs[2] = grow(in[3], b)
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return append(dst, out[:]...), nil
}

func (k blocks) Infer(c *Infer) error {
	f := c.In(0)
	in := f.Shape
	if !f.Ranked {
		in = unknownShape(4)
	}
	shape, err := k.shape(nil, in)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(f.DType, shape...))
	return nil
}

func (k blocks) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	var buf [4]int
	shape, err := k.shape(buf[:0], x.Shape())
	if err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil {
		return err
	}
	b := k.block
	var s kernel.Strided
	// h and w are the plane of the coarser image, deep its channels beyond the
	// block's; each dimension is given with its step in y and in x.
	if k.order == toDepth {
		ch, h, w := x.Dim(1), shape[2], shape[3]
		s.Add(x.Dim(0), shape[1]*h*w, ch*b*h*b*w)
		s.Add(b, b*ch*h*w, b*w)
		s.Add(b, ch*h*w, 1)
		s.Add(ch, h*w, b*h*b*w)
		s.Add(h, w, b*b*w)
		s.Add(w, 1, b)
		return move(c, y, x, &s)
	}
	ch, h, w := shape[1], x.Dim(2), x.Dim(3)
	chStep, rowStep, colStep := h*w, b*ch*h*w, ch*h*w
	if k.order == depthCRD {
		chStep, rowStep, colStep = b*b*h*w, b*h*w, h*w
	}
	s.Add(x.Dim(0), ch*b*h*b*w, x.Dim(1)*h*w)
	s.Add(ch, b*h*b*w, chStep)
	s.Add(h, b*b*w, w)
	s.Add(b, b*w, rowStep)
	s.Add(w, b, 1)
	s.Add(b, 1, colStep)
	return move(c, y, x, &s)
}
