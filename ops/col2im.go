package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// col2Im adds the columns in input 0 (N, C*block, blocks) up to images of the
// extents in input 1, cut into blocks of the extents in input 2.
type col2Im struct{ strides, pads, dilations []int }

func newCol2Im(a *Attrs) (Kernel, error) {
	k := col2Im{attrInts(a, "strides"), attrInts(a, "pads"), attrInts(a, "dilations")}
	for _, list := range []struct {
		name   string
		values []int
		least  int
	}{{"strides", k.strides, 1}, {"pads", k.pads, 0}, {"dilations", k.dilations, 1}} {
		for _, n := range list.values {
			if n < list.least || n > 1<<30 {
				a.Fail(list.name, "has %d, expected %d to %d", n, list.least, 1<<30)
			}
		}
	}
	return k, nil
}

// columns is the image and its cutting, checked.
type columns struct {
	image, block, blocks, strides, pads, dilations []int
	channels                                       int
}

// layout checks the shapes of one run; in may have Unknown extents.
func (k col2Im) layout(in, image, block []int) (l columns, err error) {
	rank := len(image)
	l = columns{image: image, block: block, strides: k.strides, pads: k.pads, dilations: k.dilations, channels: Unknown}
	if l.strides == nil {
		l.strides = slices.Repeat([]int{1}, rank)
	}
	if l.dilations == nil {
		l.dilations = slices.Repeat([]int{1}, rank)
	}
	if l.pads == nil {
		l.pads = make([]int, 2*rank)
	}
	switch {
	case rank == 0 || rank > tensor.MaxRank-2 || len(block) != rank:
		return l, fmt.Errorf("inputs 1 and 2: have %d and %d extents, expected as many", rank, len(block))
	case len(l.strides) != rank || len(l.dilations) != rank || len(l.pads) != 2*rank:
		return l, fmt.Errorf("strides, dilations and pads have %d, %d and %d values, expected %d, %d and %d",
			len(l.strides), len(l.dilations), len(l.pads), rank, rank, 2*rank)
	}
	size, count := 1, 1
	l.blocks = make([]int, rank)
	for d := range rank {
		if image[d] < 1 || block[d] < 1 || image[d] > 1<<30 || block[d] > 1<<30 {
			return l, fmt.Errorf("inputs 1 and 2: have extents %d and %d at dimension %d, expected 1 to %d", image[d], block[d], d, 1<<30)
		}
		span := image[d] + l.pads[d] + l.pads[rank+d] - l.dilations[d]*(block[d]-1) - 1
		if span < 0 {
			return l, fmt.Errorf("a block of %d doesn't fit extent %d at dimension %d", block[d], image[d], d)
		}
		l.blocks[d] = span/l.strides[d] + 1
		if size, err = mulDim(size, block[d]); err != nil {
			return l, err
		}
		if count, err = mulDim(count, l.blocks[d]); err != nil {
			return l, err
		}
	}
	if err := checkDims(0, in, Unknown, Unknown, count); err != nil {
		return l, err
	}
	if in[1] != Unknown {
		if in[1]%size != 0 {
			return l, fmt.Errorf("input 0: has extent %d at dimension 1, expected a multiple of %d", in[1], size)
		}
		l.channels = in[1] / size
	}
	return l, nil
}

func (k col2Im) Infer(c *Infer) error {
	x := c.In(0)
	c.Set(0, Unranked(x.DType))
	image, ok := c.Ints(1)
	block, ok2 := c.Ints(2)
	if !ok || !ok2 || !x.Ranked {
		return nil
	}
	l, err := k.layout(x.Shape, image, block)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(x.DType, slices.Concat([]int{x.Shape[0], l.channels}, image)...))
	return nil
}

func (k col2Im) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	if isHalf(x.DType()) {
		return inFloat32(c, x.DType(), k.Run)
	}
	image, err := c.Ints(1)
	if err != nil {
		return err
	}
	block, err := c.Ints(2)
	if err != nil {
		return err
	}
	l, err := k.layout(x.Shape(), image, block)
	if err != nil {
		return err
	}
	run := pick(x.DType(), runCol2Im[float32], runCol2Im[float64], runCol2Im[int8], runCol2Im[int16], runCol2Im[int32],
		runCol2Im[int64], runCol2Im[uint8], runCol2Im[uint16], runCol2Im[uint32], runCol2Im[uint64])
	if run == nil {
		return numbersBF.check(0, x.DType())
	}
	y, err := c.Out(0, x.DType(), slices.Concat([]int{x.Dim(0), l.channels}, image)...)
	if err != nil || y.Len() == 0 {
		return err
	}
	return run(c, y, x, l)
}

func runCol2Im[T number](c *Ctx, y, x *tensor.Tensor, l columns) error {
	planes := x.Dim(0) * l.channels
	to, from := y.Len()/planes, x.Len()/planes
	c.Pool().For(planes, max(1, 1<<14/from), func(lo, hi int) {
		for p := lo; p < hi && c.Err() == nil; p++ {
			kernel.Col2Im(tensor.Of[T](y)[p*to:(p+1)*to], tensor.Of[T](x)[p*from:(p+1)*from],
				l.image, l.block, l.blocks, l.strides, l.pads, l.dilations)
		}
	})
	return c.Err()
}
