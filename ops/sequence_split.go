package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// splitToSequence cuts a tensor along axis: into slices of extent 1 (without
// the axis unless keep), or by input 1, a length for all parts or one for each.
type splitToSequence struct {
	axis int64
	keep bool
}

func newSplitToSequence(a *Attrs) (Kernel, error) {
	return splitToSequence{a.Int("axis", 0), a.Bool("keepdims", true)}, nil
}

func (splitToSequence) Infer(*Infer) error { return nil }
func (splitToSequence) AnyValue()          {}

func (k splitToSequence) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	axis, err := tensor.Axis(k.axis, x.Rank())
	if err != nil {
		return err
	}
	n := x.Dim(axis)
	var sizes []int
	switch by := c.In(1); {
	case by == nil || by.Rank() == 0:
		size := 1
		if by != nil {
			one, err := c.Ints(1)
			if err != nil {
				return err
			}
			if size = one[0]; size < 1 {
				return fmt.Errorf("input 1: part length is %d, expected at least 1", size)
			}
		}
		if n > 0 {
			count := (n-1)/size + 1
			if count > math.MaxInt/partSize {
				return fmt.Errorf("a sequence of %d parts is more than memory can address", count)
			}
			if err := c.Memory.Reserve(partSize * count); err != nil {
				return err
			}
			sizes = make([]int, count)
		}
		for i := range sizes {
			sizes[i] = min(size, n-i*size)
		}
	default:
		if sizes, err = c.Ints(1); err != nil {
			return err
		}
		if len(sizes) == 0 {
			return fmt.Errorf("input 1: is empty, expected the length of each part")
		}
		if sizes, err = (split{outputs: len(sizes)}).parts(nil, sizes, n); err != nil {
			return err
		}
	}
	seq := &tensor.Sequence{Elem: x.DType(), Items: make([]tensor.Value, len(sizes))}
	outer, inner := x.Shape()[:axis].Len(), x.Shape()[axis+1:].Len()
	at := 0
	for i, size := range sizes {
		shape := slices.Clone(x.Shape())
		shape[axis] = size
		y, err := c.Memory.New(x.DType(), shape)
		if err != nil {
			return err
		}
		s := kernel.Strided{SrcOff: at * inner}
		s.Add(outer, size*inner, n*inner)
		s.Add(size*inner, 1, 1)
		if err := move(c, y, x, &s); err != nil {
			return err
		}
		if !k.keep && !c.Has(1) {
			if y, err = y.Reshaped(slices.Delete(shape, axis, axis+1)...); err != nil {
				return err
			}
		}
		seq.Items[i] = y
		at += size
	}
	return c.SetOut(0, seq)
}

// concatFromSequence joins a sequence's tensors along axis, which is a new one
// if stack.
type concatFromSequence struct {
	axis  int64
	stack bool
}

func newConcatFromSequence(a *Attrs) (Kernel, error) {
	a.Require("axis")
	return concatFromSequence{a.Int("axis", 0), a.Bool("new_axis", false)}, nil
}

func (concatFromSequence) Infer(*Infer) error { return nil }
func (concatFromSequence) AnyValue()          {}

func (k concatFromSequence) Run(c *Ctx) error {
	s, err := seqIn(c, 0)
	if err != nil {
		return err
	}
	if len(s.Items) == 0 {
		return fmt.Errorf("input 0: the sequence is empty")
	}
	first, ok := s.Items[0].(*tensor.Tensor)
	if !ok {
		return fmt.Errorf("input 0: item 0 is %s, expected a tensor", kindOf(s.Items[0]))
	}
	rank := first.Rank()
	if k.stack {
		rank++
	}
	axis, err := tensor.Axis(k.axis, rank)
	if err != nil {
		return err
	}
	// Stacked, each tensor counts as having extent 1 along the new axis.
	shapeOne := func(t *tensor.Tensor) []int {
		if k.stack && axis <= t.Rank() {
			return slices.Insert(slices.Clone(t.Shape()), axis, 1)
		}
		return t.Shape()
	}
	shape, sum := slices.Clone(shapeOne(first)), 0
	for i, item := range s.Items {
		t, ok := item.(*tensor.Tensor)
		if !ok || t.DType() != first.DType() {
			return fmt.Errorf("input 0: item %d is %v, expected a tensor of type %v", i, item, first.DType())
		}
		if sum, err = concatShape(shape, shapeOne(t), axis, sum); err != nil {
			return fmt.Errorf("input 0: item %d: %w", i, err)
		}
	}
	shape[axis] = sum
	y, err := c.Out(0, first.DType(), shape...)
	if err != nil {
		return err
	}
	outer, inner := tensor.Shape(shape[:axis]).Len(), tensor.Shape(shape[axis+1:]).Len()
	at := 0
	for _, item := range s.Items {
		t := item.(*tensor.Tensor)
		run := shapeOne(t)[axis] * inner
		if err := placeRuns(c, y, t, at, outer, sum*inner, run); err != nil {
			return err
		}
		at += run
	}
	return nil
}
