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
			return fmt.Errorf("input 1: is %s, expected one int64", formOf(c.Value(1)))
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
	if err != nil || y.Len() == 0 {
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
