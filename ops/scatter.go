package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// scatterOps copy a tensor and write updates to chosen places of it.
func scatterOps() []Op {
	v := func(minIn, maxIn int, f func(*Attrs) (Kernel, error)) Version {
		return Version{MinIn: minIn, MaxIn: maxIn, MinOut: 1, MaxOut: 1, New: f}
	}
	return []Op{
		{Name: "Scatter", Versions: repeat(v(3, 3, newScatterElements), 9, 11)},
		{Name: "ScatterElements", Versions: repeat(v(3, 3, newScatterElements), 11, 13, 16, 18)},
		{Name: "ScatterND", Versions: repeat(v(3, 3, newScatterND), 11, 13, 16, 18)},
		{Name: "TensorScatter", Versions: repeat(v(2, 3, newTensorScatter), 24)},
	}
}

// reduction is how an update combines with what is there; "" replaces it.
type reduction string

func readReduction(a *Attrs) reduction {
	var how string
	switch {
	case a.Opset >= 18:
		how = a.Enum("reduction", "none", "none", "add", "mul", "max", "min")
	case a.Opset >= 16:
		how = a.Enum("reduction", "none", "none", "add", "mul")
	}
	if how == "none" {
		how = ""
	}
	return reduction(how)
}

// copyOver makes output 0 a copy of x, unless it has x's memory.
func copyOver(c *Ctx, x *tensor.Tensor) (*tensor.Tensor, error) {
	y, err := c.Out(0, x.DType(), x.Shape()...)
	if err != nil {
		return nil, err
	}
	if b := y.Bytes(); len(b) > 0 && &b[0] == &x.Bytes()[0] {
		return y, nil
	}
	return y, y.CopyFrom(x)
}

// scatterElements writes each update in input 2 to the place of its index in
// input 1: its own place but for the coordinate along axis.
type scatterElements struct {
	axis int64
	how  reduction
}

func newScatterElements(a *Attrs) (Kernel, error) {
	return scatterElements{a.Int("axis", 0), readReduction(a)}, nil
}

func (k scatterElements) Infer(c *Infer) error {
	if f, idx := c.In(0), c.In(1); f.Ranked && idx.Ranked {
		if _, err := elementsAxis(k.axis, f.Shape, idx.Shape); err != nil {
			return err
		}
	}
	c.SameAs(0, 0)
	return nil
}

func (scatterElements) InPlace() []int { return []int{0} }

func (k scatterElements) Run(c *Ctx) error {
	x, idx, updates, err := scatterInputs(c)
	if err != nil {
		return err
	}
	axis, err := elementsAxis(k.axis, x.Shape(), idx.Shape())
	if err != nil {
		return err
	}
	if !updates.Shape().Equal(idx.Shape()) {
		return fmt.Errorf("input 2: has shape %v, expected %v like input 1", updates.Shape(), idx.Shape())
	}
	if err := checkIndices(idx, 1, x.Dim(axis)); err != nil {
		return err
	}
	y, err := copyOver(c, x)
	if err != nil || idx.Len() == 0 {
		return err
	}
	var buf [tensor.MaxRank]int
	e := kernel.Elements{Shape: idx.Shape(), Strides: tensor.Strides(buf[:], x.Shape()), Axis: axis, Extent: x.Dim(axis)}
	if k.how != "" {
		return reduceElements(y, updates, idx, &e, k.how)
	}
	if idx.DType() == tensor.Int32 {
		scatterElementsBy(y, updates, tensor.Of[int32](idx), &e)
	} else {
		scatterElementsBy(y, updates, tensor.Of[int64](idx), &e)
	}
	return nil
}

func scatterInputs(c *Ctx) (x, idx, updates *tensor.Tensor, err error) {
	if x, err = given(c, 0); err != nil {
		return
	}
	if idx, err = given(c, 1); err != nil {
		return
	}
	if updates, err = given(c, 2); err != nil {
		return
	}
	return x, idx, updates, sameType(2, updates.DType(), x.DType())
}

// scatterElementsBy is kernel.ScatterElements for the elements' size.
func scatterElementsBy[I kernel.Index](dst, src *tensor.Tensor, idx []I, e *kernel.Elements) {
	switch dst.DType().Size() {
	case 0:
		kernel.ScatterElements(tensor.Of[string](dst), tensor.Of[string](src), idx, e, nil)
	case 1:
		kernel.ScatterElements(tensor.Of[uint8](dst), tensor.Of[uint8](src), idx, e, nil)
	case 2:
		kernel.ScatterElements(tensor.Of[uint16](dst), tensor.Of[uint16](src), idx, e, nil)
	case 4:
		kernel.ScatterElements(tensor.Of[uint32](dst), tensor.Of[uint32](src), idx, e, nil)
	case 8:
		kernel.ScatterElements(tensor.Of[uint64](dst), tensor.Of[uint64](src), idx, e, nil)
	default:
		kernel.ScatterElements(tensor.Of[complex128](dst), tensor.Of[complex128](src), idx, e, nil)
	}
}

// scatterND writes each slice of the updates in input 2 where its row of
// indices in input 1 says.
type scatterND struct{ how reduction }

func newScatterND(a *Attrs) (Kernel, error) { return scatterND{readReduction(a)}, nil }

func (scatterND) Infer(c *Infer) error {
	if f, idx := c.In(0), c.In(1); f.Ranked && idx.Ranked {
		if _, err := (gatherND{}).check(f.Shape, idx.Shape); err != nil {
			return err
		}
	}
	c.SameAs(0, 0)
	return nil
}

func (scatterND) InPlace() []int { return []int{0} }

func (k scatterND) Run(c *Ctx) error {
	x, idx, updates, err := scatterInputs(c)
	if err != nil {
		return err
	}
	depth, err := gatherND{}.check(x.Shape(), idx.Shape())
	if err != nil {
		return err
	}
	var buf [tensor.MaxRank]int
	t := gatherND{}.tuples(buf[:], x.Shape(), idx.Shape(), depth)
	if err := checkTuples(&t, idx, 1); err != nil {
		return err
	}
	var shapeBuf [2 * tensor.MaxRank]int
	want := append(append(shapeBuf[:0], idx.Shape()[:idx.Rank()-1]...), x.Shape()[depth:]...)
	if !updates.Shape().Equal(want) {
		return fmt.Errorf("input 2: has shape %v, expected %v", updates.Shape(), shapeOf(want))
	}
	y, err := copyOver(c, x)
	if err != nil || updates.Len() == 0 {
		return err
	}
	rows := updates.Len() / t.Inner
	switch {
	case k.how != "":
		return reduceND(y, updates, idx, &t, rows, k.how)
	case x.DType() == tensor.String:
		kernel.ScatterND(tensor.Of[string](y), tensor.Of[string](updates), tensor.Of[int64](idx), &t, 1, rows, nil)
	default:
		kernel.ScatterND(y.Bytes(), updates.Bytes(), tensor.Of[int64](idx), &t, x.DType().Size(), rows, nil)
	}
	return nil
}

// tensorScatter writes input 1 into the cache in input 0 along axis, for each
// batch entry from the index in input 2 on; circular starts again at the
// cache's end.
type tensorScatter struct {
	axis     int64
	circular bool
}

func newTensorScatter(a *Attrs) (Kernel, error) {
	return tensorScatter{a.Int("axis", -2), a.Enum("mode", "linear", "linear", "circular") == "circular"}, nil
}

func (k tensorScatter) Infer(c *Infer) error {
	c.SameAs(0, 0)
	return nil
}

func (tensorScatter) InPlace() []int { return []int{0} }

func (k tensorScatter) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	update, err := given(c, 1)
	if err != nil {
		return err
	}
	if err := sameType(1, update.DType(), x.DType()); err != nil {
		return err
	}
	axis, err := tensor.Axis(k.axis, x.Rank())
	if err != nil {
		return err
	}
	if axis == 0 {
		return fmt.Errorf("axis %d is the batch axis of rank %d", k.axis, x.Rank())
	}
	ok := update.Rank() == x.Rank() && update.Dim(axis) <= x.Dim(axis)
	for d := 0; ok && d < x.Rank(); d++ {
		ok = d == axis || update.Dim(d) == x.Dim(d)
	}
	if !ok {
		return fmt.Errorf("input 1: has shape %v, which doesn't fit %v along axis %d", update.Shape(), x.Shape(), axis)
	}
	var start []int64
	if c.Has(2) {
		at := c.In(2)
		if at.DType() != tensor.Int64 || at.Rank() != 1 || at.Len() != x.Dim(0) {
			return fmt.Errorf("input 2: is %v, expected int64(%d)", at, x.Dim(0))
		}
		start = tensor.Of[int64](at)
	}
	room, n := x.Dim(axis), update.Dim(axis)
	for b, at := range start {
		if k.circular && at >= 0 || !k.circular && at >= 0 && at <= int64(room-n) {
			continue
		}
		return fmt.Errorf("input 2: index %d of batch entry %d doesn't leave room for %d of %d", at, b, n, room)
	}
	y, err := copyOver(c, x)
	if err != nil || update.Len() == 0 {
		return err
	}
	outer, inner := x.Shape()[1:axis].Len(), x.Shape()[axis+1:].Len()
	for b := range x.Dim(0) {
		at := 0
		if start != nil {
			at = int(start[b] % int64(room))
		}
		if err := k.write(c, y, update, b, outer, inner, at, 0, min(n, room-at)); err != nil {
			return err
		}
		if rest := n - (room - at); rest > 0 {
			if err := k.write(c, y, update, b, outer, inner, 0, n-rest, rest); err != nil {
				return err
			}
		}
	}
	return nil
}

// write moves count steps of the update, from step from on, to step at of the
// cache of batch entry b.
func (tensorScatter) write(c *Ctx, y, update *tensor.Tensor, b, outer, inner, at, from, count int) error {
	cache, steps := y.Len()/y.Dim(0), update.Len()/update.Dim(0)
	s := kernel.Strided{DstOff: b*cache + at*inner, SrcOff: b*steps + from*inner}
	s.Add(outer, cache/outer, steps/outer)
	s.Add(count*inner, 1, 1)
	return move(c, y, update, &s)
}
