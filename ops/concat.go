package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// concatOps join tensors along an axis and cut them apart.
func concatOps() []Op {
	concat := Version{MinIn: 1, MaxIn: Unlimited, MinOut: 1, MaxOut: 1}
	concat1, concat4 := concat, concat
	concat1.New, concat4.New = newConcat1, newConcat
	split := Version{MinIn: 1, MaxIn: 1, MinOut: 1, MaxOut: Unlimited, New: newSplit2}
	split13 := Version{MinIn: 1, MaxIn: 2, MinOut: 1, MaxOut: Unlimited, New: newSplit13}
	split18 := split13
	split18.New = newSplit18
	return []Op{
		{Name: "Concat", Versions: versions(repeat(concat1, 1), repeat(concat4, 4, 11, 13))},
		{Name: "Split", Versions: versions(repeat(split, 1, 2, 11), repeat(split13, 13), repeat(split18, 18))},
	}
}

// concat joins its inputs along axis.
type concat struct{ axis int64 }

func newConcat(a *Attrs) (Kernel, error) {
	a.Require("axis")
	return concat{a.Int("axis", 0)}, nil
}

func newConcat1(a *Attrs) (Kernel, error) { return concat{a.Int("axis", 1)}, nil }

func (k concat) Infer(c *Infer) error {
	dt, rank := tensor.Undefined, Unknown
	for i := range c.NumIn() {
		f := c.In(i)
		if f.DType != tensor.Undefined {
			dt = f.DType
		}
		if f.Ranked {
			rank = len(f.Shape)
		}
	}
	if rank == Unknown {
		c.Set(0, Unranked(dt))
		return nil
	}
	axis, err := tensor.Axis(k.axis, rank)
	if err != nil {
		return err
	}
	shape, sum := unknownShape(rank), 0
	for i := range c.NumIn() {
		f := c.In(i)
		if !f.Ranked {
			sum = Unknown
			continue
		}
		if sum, err = concatShape(shape, f.Shape, axis, sum); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
	}
	shape[axis] = sum
	c.Set(0, Shaped(dt, shape...))
	return nil
}

// concatShape checks the extents of one more tensor against those gathered so
// far, fills in what they add, and returns the sum along axis.
func concatShape(shape, in []int, axis, sum int) (int, error) {
	if len(in) != len(shape) {
		return 0, fmt.Errorf("has rank %d, expected %d", len(in), len(shape))
	}
	for d, n := range in {
		switch {
		case d == axis || n == Unknown:
		case shape[d] == Unknown:
			shape[d] = n
		case shape[d] != n:
			return 0, fmt.Errorf("has extent %d at dimension %d, expected %d", n, d, shape[d])
		}
	}
	return addDim(sum, in[axis])
}

func (k concat) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	axis, err := tensor.Axis(k.axis, x.Rank())
	if err != nil {
		return err
	}
	var buf [tensor.MaxRank]int
	shape, sum := append(buf[:0], x.Shape()...), 0
	for i := range c.NumIn() {
		t, err := given(c, i)
		if err != nil {
			return err
		}
		if t.DType() != x.DType() {
			return fmt.Errorf("input %d: has type %v, expected %v", i, t.DType(), x.DType())
		}
		if sum, err = concatShape(shape, t.Shape(), axis, sum); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
	}
	shape[axis] = sum
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil || y.Len() == 0 {
		return err
	}
	outer, inner := tensor.Shape(shape[:axis]).Len(), tensor.Shape(shape[axis+1:]).Len()
	at := 0
	for i := range c.NumIn() {
		t := c.In(i)
		run := t.Dim(axis) * inner
		if err := placeRuns(c, y, t, at, outer, sum*inner, run); err != nil {
			return err
		}
		at += run
	}
	return nil
}

// placeRuns copies the runs of elements of t to y, the first to at and each
// stride elements after the one before.
func placeRuns(c *Ctx, y, t *tensor.Tensor, at, runs, stride, run int) error {
	s := kernel.Strided{DstOff: at}
	s.Add(runs, stride, run)
	s.Add(run, 1, 1)
	return move(c, y, t, &s)
}

// split cuts input 0 along axis into as many parts as there are outputs.
type split struct {
	axis    int64
	sizes   []int // extents of the parts, nil for parts as equal as can be
	input   bool  // sizes come as input 1 if it is given
	outputs int
	uneven  bool // the last part may be shorter when sizes aren't given
}

func newSplit13(a *Attrs) (Kernel, error) {
	return split{axis: a.Int("axis", 0), input: true, outputs: len(a.Outputs)}, nil
}

func newSplit18(a *Attrs) (Kernel, error) {
	k := split{axis: a.Int("axis", 0), input: true, outputs: len(a.Outputs), uneven: true}
	if a.Has("num_outputs") {
		if n := a.Int("num_outputs", 0); n != int64(k.outputs) {
			a.Fail("num_outputs", "is %d, the node has %d outputs", n, k.outputs)
		}
		if len(a.Inputs) > 1 && a.Inputs[1] {
			a.Fail("num_outputs", "is given beside the input split")
		}
	}
	return k, nil
}

// parts appends the extents of the parts of an axis of extent n.
func (k split) parts(dst, sizes []int, n int) ([]int, error) {
	if sizes == nil {
		size := n / k.outputs
		if n%k.outputs != 0 {
			if !k.uneven {
				return nil, fmt.Errorf("extent %d doesn't divide into %d equal parts", n, k.outputs)
			}
			size++
		}
		for range k.outputs {
			part := min(size, n)
			dst = append(dst, part)
			n -= part
		}
		return dst, nil
	}
	if len(sizes) != k.outputs {
		return nil, fmt.Errorf("split has %d sizes, the node has %d outputs", len(sizes), k.outputs)
	}
	sum := 0
	for i, s := range sizes {
		if s < 0 || s > n-sum {
			return nil, fmt.Errorf("split size %d is %d, extent %d has %d left", i, s, n, n-sum)
		}
		sum += s
	}
	if sum != n {
		return nil, fmt.Errorf("split sizes add up to %d, the extent is %d", sum, n)
	}
	return append(dst, sizes...), nil
}

func (k split) Infer(c *Infer) error {
	f := c.In(0)
	sizes, known := k.sizes, true
	if k.input && c.Has(1) {
		sizes, known = c.Ints(1)
	}
	if !f.Ranked {
		for i := range c.NumOut() {
			c.Set(i, Unranked(f.DType))
		}
		return nil
	}
	axis, err := tensor.Axis(k.axis, len(f.Shape))
	if err != nil {
		return err
	}
	parts := unknownShape(k.outputs)
	if known && f.Shape[axis] != Unknown {
		if parts, err = k.parts(nil, sizes, f.Shape[axis]); err != nil {
			return err
		}
	} else if known && len(sizes) == k.outputs {
		parts = sizes
	}
	for i := range c.NumOut() {
		shape := slices.Clone(f.Shape)
		shape[axis] = parts[i]
		c.Set(i, Shaped(f.DType, shape...))
	}
	return nil
}

func (k split) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	axis, err := tensor.Axis(k.axis, x.Rank())
	if err != nil {
		return err
	}
	var sizesBuf, partsBuf [64]int
	sizes := k.sizes
	if k.input && c.Has(1) {
		if sizes, err = c.IntsInto(sizesBuf[:0], 1); err != nil {
			return err
		}
	}
	parts, err := k.parts(partsBuf[:0], sizes, x.Dim(axis))
	if err != nil {
		return err
	}
	var buf [tensor.MaxRank]int
	shape := append(buf[:0], x.Shape()...)
	outer, inner := tensor.Shape(shape[:axis]).Len(), tensor.Shape(shape[axis+1:]).Len()
	at := 0
	for i, part := range parts {
		run := part * inner
		if c.Wants(i) {
			shape[axis] = part
			y, err := c.Out(i, x.DType(), shape...)
			if err != nil {
				return err
			}
			s := kernel.Strided{SrcOff: at}
			s.Add(outer, run, x.Dim(axis)*inner)
			s.Add(run, 1, 1)
			if err := move(c, y, x, &s); err != nil {
				return err
			}
		}
		at += run
	}
	return nil
}
