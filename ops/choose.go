package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// chooseOps keep, mark or reorder elements by conditions.
func chooseOps() []Op {
	v := func(minIn, maxIn int, f func(*Attrs) (Kernel, error)) Version {
		return Version{MinIn: minIn, MaxIn: maxIn, MinOut: 1, MaxOut: 1, New: f}
	}
	unique := Version{MinIn: 1, MaxIn: 1, MinOut: 1, MaxOut: 4, New: newUnique}
	return []Op{
		{Name: "OneHot", Versions: repeat(v(3, 3, newOneHot), 9, 11)},
		{Name: "NonZero", Versions: repeat(v(1, 1, newNonZero), 9, 13)},
		{Name: "Trilu", Versions: repeat(v(1, 2, newTrilu), 14)},
		{Name: "Compress", Versions: repeat(v(2, 2, newCompress), 9, 11)},
		{Name: "Unique", Versions: repeat(unique, 11)},
		{Name: "ReverseSequence", Versions: repeat(v(2, 2, newReverseSequence), 10)},
	}
}

// oneHot gives each index in input 0 a vector along a new axis of the length
// in input 1, with input 2's second value at the index and its first elsewhere.
type oneHot struct{ axis int64 }

func newOneHot(a *Attrs) (Kernel, error) { return oneHot{a.Int("axis", -1)}, nil }

// depthOf is the one element of the depth tensor.
func depthOf(t *tensor.Tensor) (int, error) {
	if t.Len() != 1 {
		return 0, fmt.Errorf("input 1: has shape %v, expected one element", t.Shape())
	}
	if err := numbers.check(1, t.DType()); err != nil {
		return 0, err
	}
	var d [1]int64
	if err := toInt64(d[:], t); err != nil {
		return 0, err
	}
	if d[0] < 0 || d[0] > 1<<40 {
		return 0, fmt.Errorf("input 1: depth is %d", d[0])
	}
	return int(d[0]), nil
}

// toInt64 converts numbers to integers, fractions cut off.
func toInt64(dst []int64, t *tensor.Tensor) error {
	if isHalf(t.DType()) {
		wide := make([]float32, t.Len())
		widen(wide, t)
		kernel.ConvertTo(dst, wide)
		return nil
	}
	convertNumbers(dst, t)
	return nil
}

func (k oneHot) Infer(c *Infer) error {
	idx, values := c.In(0), c.In(2)
	c.Set(0, Unranked(values.DType))
	if !idx.Ranked {
		return nil
	}
	axis, err := tensor.Axis(k.axis, len(idx.Shape)+1)
	if err != nil {
		return err
	}
	depth := Unknown
	if v := c.In(1).Value; v != nil {
		if depth, err = depthOf(v); err != nil {
			return err
		}
	}
	c.Set(0, Shaped(values.DType, slices.Insert(slices.Clone(idx.Shape), axis, depth)...))
	return nil
}

func (k oneHot) Run(c *Ctx) error {
	idx, depthIn, values, err := oneHotInputs(c)
	if err != nil {
		return err
	}
	depth, err := depthOf(depthIn)
	if err != nil {
		return err
	}
	axis, err := tensor.Axis(k.axis, idx.Rank()+1)
	if err != nil {
		return err
	}
	var buf [tensor.MaxRank + 1]int
	shape := append(append(append(buf[:0], idx.Shape()[:axis]...), depth), idx.Shape()[axis:]...)
	y, err := c.Out(0, values.DType(), shape...)
	if err != nil || y.Len() == 0 {
		return err
	}
	if err := fill(c, y, values); err != nil {
		return err
	}
	inner := idx.Shape()[axis:].Len()
	switch idx.DType() {
	case tensor.Int64:
		markHot(y, values, tensor.Of[int64](idx), depth, inner)
	case tensor.Int32:
		markHot(y, values, tensor.Of[int32](idx), depth, inner)
	default:
		wide, err := reserved[int64](c, idx.Len())
		if err != nil {
			return err
		}
		if err := toInt64(wide, idx); err != nil {
			return err
		}
		markHot(y, values, wide, depth, inner)
	}
	return nil
}

func oneHotInputs(c *Ctx) (idx, depth, values *tensor.Tensor, err error) {
	if idx, err = given(c, 0); err != nil {
		return
	}
	if depth, err = given(c, 1); err != nil {
		return
	}
	if values, err = given(c, 2); err != nil {
		return
	}
	if err = numbers.check(0, idx.DType()); err != nil {
		return
	}
	if values.Rank() != 1 || values.Len() != 2 {
		err = fmt.Errorf("input 2: has shape %v, expected (2)", values.Shape())
	}
	return
}

// markHot is kernel.OneHot for the elements' size.
func markHot[I kernel.Index](y, values *tensor.Tensor, idx []I, depth, inner int) {
	switch y.DType().Size() {
	case 0:
		kernel.OneHot(tensor.Of[string](y), tensor.Of[string](values)[1], idx, depth, inner)
	case 1:
		kernel.OneHot(tensor.Of[uint8](y), tensor.Of[uint8](values)[1], idx, depth, inner)
	case 2:
		kernel.OneHot(tensor.Of[uint16](y), tensor.Of[uint16](values)[1], idx, depth, inner)
	case 4:
		kernel.OneHot(tensor.Of[uint32](y), tensor.Of[uint32](values)[1], idx, depth, inner)
	case 8:
		kernel.OneHot(tensor.Of[uint64](y), tensor.Of[uint64](values)[1], idx, depth, inner)
	default:
		kernel.OneHot(tensor.Of[complex128](y), tensor.Of[complex128](values)[1], idx, depth, inner)
	}
}

// nonZero lists the coordinates of the elements that aren't zero, one column
// each; a scalar counts as a vector of one.
type nonZero struct{}

func newNonZero(*Attrs) (Kernel, error) { return nonZero{}, nil }

func (nonZero) Infer(c *Infer) error {
	rank := Unknown
	if f := c.In(0); f.Ranked {
		rank = max(len(f.Shape), 1)
	}
	c.Set(0, Shaped(tensor.Int64, rank, Unknown))
	return nil
}

func (nonZero) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	switch x.DType() {
	case tensor.Float16, tensor.BFloat16: // -0 is zero, whatever its bits say
		wide, err := reserved[float32](c, x.Len())
		if err != nil {
			return err
		}
		widen(wide, x)
		return nonZeroOf(c, x, wide)
	case tensor.Float32:
		return nonZeroOf(c, x, tensor.Of[float32](x))
	case tensor.Float64:
		return nonZeroOf(c, x, tensor.Of[float64](x))
	case tensor.Complex64:
		return nonZeroOf(c, x, tensor.Of[complex64](x))
	case tensor.Complex128:
		return nonZeroOf(c, x, tensor.Of[complex128](x))
	case tensor.String:
		return nonZeroOf(c, x, tensor.Of[string](x))
	}
	switch x.DType().Size() {
	case 1:
		return nonZeroOf(c, x, tensor.Of[uint8](x))
	case 2:
		return nonZeroOf(c, x, tensor.Of[uint16](x))
	case 4:
		return nonZeroOf(c, x, tensor.Of[uint32](x))
	}
	return nonZeroOf(c, x, tensor.Of[uint64](x))
}

func nonZeroOf[T comparable](c *Ctx, x *tensor.Tensor, elements []T) error {
	shape := []int(x.Shape())
	one := [1]int{1}
	if len(shape) == 0 {
		shape = one[:]
	}
	n := kernel.CountNonZero(elements)
	y, err := c.Out(0, tensor.Int64, len(shape), n)
	if err != nil {
		return err
	}
	kernel.NonZeroIndices(tensor.Of[int64](y), elements, shape, n)
	return nil
}

// trilu keeps the upper or lower triangle of each matrix, from the diagonal in
// input 1 on.
type trilu struct{ upper bool }

func newTrilu(a *Attrs) (Kernel, error) { return trilu{a.Bool("upper", true)}, nil }

func (trilu) Infer(c *Infer) error {
	if f := c.In(0); f.Ranked && len(f.Shape) < 2 {
		return fmt.Errorf("input 0: has rank %d, expected at least 2", len(f.Shape))
	}
	c.SameAs(0, 0)
	return nil
}

func (trilu) InPlace() []int { return []int{0} }

func (k trilu) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	if x.Rank() < 2 {
		return fmt.Errorf("input 0: has rank %d, expected at least 2", x.Rank())
	}
	var diagonal int64
	if c.Has(1) {
		d := c.In(1)
		if d == nil || d.DType() != tensor.Int64 || d.Len() != 1 {
			return fmt.Errorf("input 1: expected one int64")
		}
		diagonal = scalar[int64](d)
	}
	y, err := c.Out(0, x.DType(), x.Shape()...)
	if err != nil {
		return err
	}
	rows, cols := x.Dim(x.Rank()-2), x.Dim(x.Rank()-1)
	if x.DType() == tensor.String {
		kernel.Triangle(tensor.Of[string](y), tensor.Of[string](x), rows, cols, 1, diagonal, k.upper)
	} else {
		kernel.Triangle(y.Bytes(), x.Bytes(), rows, cols, x.DType().Size(), diagonal, k.upper)
	}
	return nil
}

// compress keeps the slices along axis, or without it the elements, at which
// the condition in input 1 holds. A short condition drops the rest.
type compress struct {
	axis    int64
	flatten bool
}

func newCompress(a *Attrs) (Kernel, error) {
	return compress{a.Int("axis", 0), !a.Has("axis")}, nil
}

func (k compress) Infer(c *Infer) error {
	f := c.In(0)
	if k.flatten {
		c.Set(0, Shaped(f.DType, Unknown))
		return nil
	}
	c.Set(0, Unranked(f.DType))
	if !f.Ranked {
		return nil
	}
	axis, err := tensor.Axis(k.axis, len(f.Shape))
	if err != nil {
		return err
	}
	shape := slices.Clone(f.Shape)
	shape[axis] = Unknown
	c.Set(0, Shaped(f.DType, shape...))
	return nil
}

func (k compress) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	cond, err := given(c, 1)
	if err != nil {
		return err
	}
	if cond.DType() != tensor.Bool || cond.Rank() != 1 {
		return fmt.Errorf("input 1: is %v, expected bool of rank 1", cond)
	}
	outer, extent, inner := 1, x.Len(), 1
	shape := []int{0}
	axis := 0
	if !k.flatten {
		if axis, err = tensor.Axis(k.axis, x.Rank()); err != nil {
			return err
		}
		shape = slices.Clone(x.Shape())
		outer, extent, inner = x.Shape()[:axis].Len(), x.Dim(axis), x.Shape()[axis+1:].Len()
	}
	keep := tensor.Of[bool](cond)
	if len(keep) > extent {
		return fmt.Errorf("input 1: has %d conditions for extent %d", len(keep), extent)
	}
	shape[axis] = kernel.CountNonZero(keep)
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil {
		return err
	}
	if x.DType() == tensor.String {
		kernel.Compress(tensor.Of[string](y), tensor.Of[string](x), keep, outer, extent, inner)
	} else {
		kernel.Compress(y.Bytes(), x.Bytes(), keep, outer, extent, inner*x.DType().Size())
	}
	return nil
}

// reverseSequence turns round the first so many steps of each batch entry.
type reverseSequence struct{ batch, time int64 }

func newReverseSequence(a *Attrs) (Kernel, error) {
	k := reverseSequence{a.Int("batch_axis", 1), a.Int("time_axis", 0)}
	if k.batch < 0 || k.batch > 1 {
		a.Fail("batch_axis", "is %d, expected 0 or 1", k.batch)
	}
	if k.time != 1-k.batch {
		a.Fail("time_axis", "is %d, expected %d beside batch_axis %d", k.time, 1-k.batch, k.batch)
	}
	return k, nil
}

func (reverseSequence) Infer(c *Infer) error {
	if f := c.In(0); f.Ranked && len(f.Shape) < 2 {
		return fmt.Errorf("input 0: has rank %d, expected at least 2", len(f.Shape))
	}
	c.SameAs(0, 0)
	return nil
}

func (k reverseSequence) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	lens, err := given(c, 1)
	if err != nil {
		return err
	}
	if x.Rank() < 2 {
		return fmt.Errorf("input 0: has rank %d, expected at least 2", x.Rank())
	}
	batch, time := x.Dim(int(k.batch)), x.Dim(int(k.time))
	if lens.DType() != tensor.Int64 || lens.Rank() != 1 || lens.Len() != batch {
		return fmt.Errorf("input 1: is %v, expected int64(%d)", lens, batch)
	}
	for _, n := range tensor.Of[int64](lens) {
		if n < 0 || n > int64(time) {
			return fmt.Errorf("input 1: length %d is out of range for extent %d", n, time)
		}
	}
	y, err := c.Out(0, x.DType(), x.Shape()...)
	if err != nil || y.Len() == 0 {
		return err
	}
	inner := x.Shape()[2:].Len()
	batchStep, timeStep := inner, batch*inner
	if k.batch == 0 {
		batchStep, timeStep = time*inner, inner
	}
	for b, n := range tensor.Of[int64](lens) {
		at, n := b*batchStep, int(n)
		turned := kernel.Strided{DstOff: at, SrcOff: at + max(n-1, 0)*timeStep}
		turned.Add(n, timeStep, -timeStep)
		turned.Add(inner, 1, 1)
		if err := move(c, y, x, &turned); err != nil {
			return err
		}
		rest := kernel.Strided{DstOff: at + n*timeStep, SrcOff: at + n*timeStep}
		rest.Add(time-n, timeStep, timeStep)
		rest.Add(inner, 1, 1)
		if err := move(c, y, x, &rest); err != nil {
			return err
		}
	}
	return nil
}
