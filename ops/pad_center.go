package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/tensor"
)

// centerCropPad crops or zero-pads each listed axis to the extent in input 1,
// evenly on both sides; of an odd difference the smaller half comes before.
type centerCropPad struct{ axes []int }

func newCenterCropPad(a *Attrs) (Kernel, error) {
	return centerCropPad{attrInts(a, "axes")}, nil
}

// pads turns the wanted extents into pads. Extents may be Unknown.
func (k centerCropPad) pads(dst, in, want []int) ([]int, error) {
	var buf [tensor.MaxRank]int
	axes := k.axes
	if axes == nil {
		for i := range min(len(in), tensor.MaxRank) {
			buf[i] = i
		}
		axes = buf[:min(len(in), tensor.MaxRank)]
	}
	if len(want) != len(axes) {
		return nil, fmt.Errorf("input 1: has %d extents, expected %d", len(want), len(axes))
	}
	if err := checkExtents(1, want); err != nil {
		return nil, err
	}
	n := len(axes)
	dst = dst[:2*n]
	for i, v := range axes {
		a, err := tensor.Axis(int64(v), len(in))
		if err != nil {
			return nil, err
		}
		diff := want[i] - in[a]
		before := diff / 2
		dst[i], dst[n+i] = before, diff-before
	}
	return dst, nil
}

func (k centerCropPad) Infer(c *Infer) error {
	f := c.In(0)
	if !f.Ranked {
		c.Set(0, Unranked(f.DType))
		return nil
	}
	shape := append([]int(nil), f.Shape...)
	want, ok := c.Ints(1)
	if ok {
		if _, err := k.pads(make([]int, 2*len(want)), f.Shape, want); err != nil {
			return err
		}
	}
	axes := k.axes
	if axes == nil {
		axes = make([]int, len(shape))
		for i := range axes {
			axes[i] = i
		}
	}
	for i, v := range axes {
		a, err := tensor.Axis(int64(v), len(shape))
		if err != nil {
			return err
		}
		shape[a] = Unknown
		if ok {
			shape[a] = want[i]
		}
	}
	c.Set(0, Shaped(f.DType, shape...))
	return nil
}

func (k centerCropPad) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	var wantBuf [tensor.MaxRank]int
	var padsBuf [2 * tensor.MaxRank]int
	want, err := c.IntsInto(wantBuf[:0], 1)
	if err != nil {
		return err
	}
	pads, err := k.pads(padsBuf[:0], x.Shape(), want)
	if err != nil {
		return err
	}
	return pad{}.run(c, x, nil, pads, k.axes)
}
