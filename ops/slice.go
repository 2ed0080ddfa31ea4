package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// sliceOps take a part of a tensor.
func sliceOps() []Op {
	return []Op{
		{Name: "Slice", Versions: versions(
			repeat(unaryVersion(newSlice1), 1),
			repeat(Version{MinIn: 3, MaxIn: 5, MinOut: 1, MaxOut: 1, New: newSlice}, 10, 11, 13))},
	}
}

// slice takes along each listed axis the elements from start to end (excluded)
// by step; starts, ends, axes and steps are inputs 1 to 4.
type slice struct{}

func newSlice(*Attrs) (Kernel, error) { return slice{}, nil }

// cut is what Slice takes of one tensor.
type cut struct {
	shape, start, step [tensor.MaxRank]int
}

// sliceAxis is the first index and the number of indices that start, end and
// step choose from extent n. Unlike numpy's, a start before the first element
// means the first even backwards. The largest int32 and int64 as end mean all
// that is left, also backwards, as ONNX Runtime has it.
func sliceAxis(n, start, end, step int) (first, count int, err error) {
	if step == 0 {
		return 0, 0, fmt.Errorf("a step is 0, expected a positive or negative number")
	}
	if n == 0 {
		return 0, 0, nil
	}
	if start < 0 {
		start += n
	}
	if end < 0 && end != math.MinInt {
		end += n
	}
	if step > 0 {
		start, end = max(0, min(start, n)), max(0, min(end, n))
		if start >= end {
			return 0, 0, nil
		}
		return start, (end-start-1)/step + 1, nil
	}
	if end == math.MaxInt || end == math.MaxInt32 {
		end = -1
	}
	start, end = max(0, min(start, n-1)), max(-1, min(end, n-1))
	switch {
	case start <= end:
		return 0, 0, nil
	case step == math.MinInt:
		return start, 1, nil
	}
	return start, (start-end-1)/-step + 1, nil
}

// of works out the cut of a tensor of shape in, whose extents may be Unknown.
func (k *cut) of(in, starts, ends, axes, steps []int) error {
	rank := len(in)
	if rank > tensor.MaxRank {
		return fmt.Errorf("input 0: has rank %d, at most %d is supported", rank, tensor.MaxRank)
	}
	copy(k.shape[:], in)
	for i := range rank {
		k.step[i] = 1
	}
	if len(ends) != len(starts) {
		return fmt.Errorf("there are %d starts and %d ends, expected as many", len(starts), len(ends))
	}
	if axes != nil && len(axes) != len(starts) {
		return fmt.Errorf("there are %d starts and %d axes, expected as many", len(starts), len(axes))
	}
	if steps != nil && len(steps) != len(starts) {
		return fmt.Errorf("there are %d starts and %d steps, expected as many", len(starts), len(steps))
	}
	if len(starts) > rank {
		return fmt.Errorf("there are %d starts, expected at most %d as the input's rank is", len(starts), rank)
	}
	var seen [tensor.MaxRank]bool
	for i, start := range starts {
		a, step := i, 1
		if axes != nil {
			var err error
			if a, err = tensor.Axis(int64(axes[i]), rank); err != nil {
				return err
			}
		}
		if seen[a] {
			return fmt.Errorf("axis %d is given twice", a)
		}
		seen[a] = true
		if steps != nil {
			step = steps[i]
		}
		if in[a] == Unknown {
			if step == 0 {
				return fmt.Errorf("a step is 0, expected a positive or negative number")
			}
			continue
		}
		var err error
		if k.start[a], k.shape[a], err = sliceAxis(in[a], start, ends[i], step); err != nil {
			return err
		}
		k.step[a] = step
	}
	return nil
}

func (slice) Infer(c *Infer) error {
	f := c.In(0)
	if !f.Ranked {
		c.Set(0, Unranked(f.DType))
		return nil
	}
	starts, ok := c.Ints(1)
	ends, ok2 := c.Ints(2)
	axes, ok3 := c.Ints(3)
	steps, ok4 := c.Ints(4)
	if ok && ok2 && (ok3 || !c.Has(3)) && (ok4 || !c.Has(4)) {
		return inferCut(c, starts, ends, axes, steps)
	}
	shape := unknownShape(len(f.Shape))
	if ok3 { // the axes that aren't listed stay as they are
		copy(shape, f.Shape)
		for _, v := range axes {
			a, err := tensor.Axis(int64(v), len(shape))
			if err != nil {
				return err
			}
			shape[a] = Unknown
		}
	}
	c.Set(0, Shaped(f.DType, shape...))
	return nil
}

func inferCut(c *Infer, starts, ends, axes, steps []int) error {
	f := c.In(0)
	var k cut
	if err := k.of(f.Shape, starts, ends, axes, steps); err != nil {
		return err
	}
	shape := slices.Clone(k.shape[:len(f.Shape)])
	for i, d := range f.Shape {
		if d == Unknown {
			shape[i] = Unknown
		}
	}
	c.Set(0, Shaped(f.DType, shape...))
	return nil
}

func (slice) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	var buf [4][tensor.MaxRank]int
	var list [4][]int
	for i := range list {
		if i > 1 && !c.Has(i+1) {
			continue
		}
		if list[i], err = c.IntsInto(buf[i][:0], i+1); err != nil {
			return err
		}
	}
	return runCut(c, x, list[0], list[1], list[2], list[3])
}

func runCut(c *Ctx, x *tensor.Tensor, starts, ends, axes, steps []int) error {
	var k cut
	if err := k.of(x.Shape(), starts, ends, axes, steps); err != nil {
		return err
	}
	rank := x.Rank()
	y, err := c.Out(0, x.DType(), k.shape[:rank]...)
	if err != nil {
		return err
	}
	var s kernel.Strided
	var stepBuf, srcBuf [tensor.MaxRank]int
	for i, step := range tensor.Strides(stepBuf[:], x.Shape()) {
		s.SrcOff += k.start[i] * step
		if k.shape[i] > 1 { // otherwise the step is never taken and may be anything
			srcBuf[i] = step * k.step[i]
		}
	}
	if y.Len() == 0 {
		return nil
	}
	rowMajor(&s, k.shape[:rank], srcBuf[:rank])
	return move(c, y, x, &s)
}
