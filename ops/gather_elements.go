package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// gatherElements takes for each index in input 1 the element of input 0 at the
// same place but for the coordinate along axis, which is the index.
type gatherElements struct{ axis int64 }

func newGatherElements(a *Attrs) (Kernel, error) { return gatherElements{a.Int("axis", 0)}, nil }

func (k gatherElements) Infer(c *Infer) error {
	f, idx := c.In(0), c.In(1)
	if f.Ranked && idx.Ranked {
		if _, err := elementsAxis(k.axis, f.Shape, idx.Shape); err != nil {
			return err
		}
	}
	c.Set(0, Fact{DType: f.DType, Shape: idx.Shape, Ranked: idx.Ranked})
	return nil
}

// elementsAxis checks that indices of shape idx fit a tensor of shape data
// along all axes but the given one.
func elementsAxis(axis int64, data, idx []int) (int, error) {
	a, err := tensor.Axis(axis, len(data))
	if err != nil {
		return 0, err
	}
	if len(idx) != len(data) {
		return 0, fmt.Errorf("input 1: has rank %d, expected %d", len(idx), len(data))
	}
	for d, n := range idx {
		if d != a && n > data[d] && data[d] != Unknown {
			return 0, fmt.Errorf("input 1: has extent %d at dimension %d, expected at most %d", n, d, data[d])
		}
	}
	return a, nil
}

func (k gatherElements) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	idx, err := given(c, 1)
	if err != nil {
		return err
	}
	axis, err := elementsAxis(k.axis, x.Shape(), idx.Shape())
	if err != nil {
		return err
	}
	if err := checkIndices(idx, 1, x.Dim(axis)); err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), idx.Shape()...)
	if err != nil || y.Len() == 0 {
		return err
	}
	var buf [tensor.MaxRank]int
	e := kernel.Elements{Shape: idx.Shape(), Strides: tensor.Strides(buf[:], x.Shape()), Axis: axis, Extent: x.Dim(axis)}
	if idx.DType() == tensor.Int32 {
		gatherElementsBy(y, x, tensor.Of[int32](idx), &e)
	} else {
		gatherElementsBy(y, x, tensor.Of[int64](idx), &e)
	}
	return nil
}

// gatherElementsBy is kernel.GatherElements for the elements' size.
func gatherElementsBy[I kernel.Index](dst, src *tensor.Tensor, idx []I, e *kernel.Elements) {
	switch dst.DType().Size() {
	case 0:
		kernel.GatherElements(tensor.Of[string](dst), tensor.Of[string](src), idx, e)
	case 1:
		kernel.GatherElements(tensor.Of[uint8](dst), tensor.Of[uint8](src), idx, e)
	case 2:
		kernel.GatherElements(tensor.Of[uint16](dst), tensor.Of[uint16](src), idx, e)
	case 4:
		kernel.GatherElements(tensor.Of[uint32](dst), tensor.Of[uint32](src), idx, e)
	case 8:
		kernel.GatherElements(tensor.Of[uint64](dst), tensor.Of[uint64](src), idx, e)
	default:
		kernel.GatherElements(tensor.Of[complex128](dst), tensor.Of[complex128](src), idx, e)
	}
}

// gatherND takes for each row of the indices in input 1 the slice of input 0
// that it chooses; the first batch dimensions of both go together.
type gatherND struct {
	batch  int
	narrow bool // as com.microsoft's: the indices may be int32, too
}

func newGatherND(a *Attrs) (Kernel, error) {
	if a.Opset < 12 {
		return gatherND{}, nil
	}
	b := a.Int("batch_dims", 0)
	if b < 0 || b > tensor.MaxRank {
		a.Fail("batch_dims", "is %d, expected 0 to %d", b, tensor.MaxRank)
	}
	return gatherND{batch: int(b)}, nil
}

// check refuses shapes of data and indices that don't go together, and returns
// how many dimensions a row of indices chooses.
func (k gatherND) check(data, idx []int) (depth int, err error) {
	switch {
	case len(data) == 0 || len(idx) == 0:
		return 0, fmt.Errorf("inputs have ranks %d and %d, expected at least 1", len(data), len(idx))
	case k.batch >= min(len(data), len(idx)):
		return 0, fmt.Errorf("batch_dims is %d for inputs of ranks %d and %d", k.batch, len(data), len(idx))
	}
	for d := range k.batch {
		if data[d] != idx[d] && data[d] != Unknown && idx[d] != Unknown {
			return 0, fmt.Errorf("input 1: has extent %d at dimension %d, expected %d", idx[d], d, data[d])
		}
	}
	depth = idx[len(idx)-1]
	if depth != Unknown && (depth < 1 || depth > len(data)-k.batch) {
		return 0, fmt.Errorf("input 1: has extent %d at dimension %d, expected 1 to %d", depth, len(idx)-1, len(data)-k.batch)
	}
	return depth, nil
}

func (k gatherND) Infer(c *Infer) error {
	f, idx := c.In(0), c.In(1)
	c.Set(0, Unranked(f.DType))
	if !f.Ranked || !idx.Ranked {
		return nil
	}
	depth, err := k.check(f.Shape, idx.Shape)
	if err != nil || depth == Unknown {
		return err
	}
	c.Set(0, Shaped(f.DType, slices.Concat(idx.Shape[:len(idx.Shape)-1], f.Shape[k.batch+depth:])...))
	return nil
}

// tuples is the walk of indices of shape idx over a tensor of shape data. The
// strides go to buf.
func (k gatherND) tuples(buf, data, idx []int, depth int) kernel.Tuples {
	strides := tensor.Strides(buf, data)
	rows := tensor.Shape(idx[:len(idx)-1]).Len()
	t := kernel.Tuples{Dims: data[k.batch : k.batch+depth], Strides: strides[k.batch : k.batch+depth],
		Inner: tensor.Shape(data[k.batch+depth:]).Len(), Batches: tensor.Shape(data[:k.batch]).Len(), BatchStep: tensor.Shape(data[k.batch:]).Len()}
	if t.Batches > 0 {
		t.PerBatch = rows / t.Batches
	}
	return t
}

func (k gatherND) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	idx, err := given(c, 1)
	if err != nil {
		return err
	}
	depth, err := k.check(x.Shape(), idx.Shape())
	if err != nil {
		return err
	}
	if k.narrow && idx.DType() == tensor.Int32 {
		wide, err := reserved[int64](c, idx.Len())
		if err != nil {
			return err
		}
		kernel.ConvertTo(wide, tensor.Of[int32](idx))
		if idx, err = tensor.New(wide, idx.Shape()...); err != nil {
			return err
		}
	}
	var buf [tensor.MaxRank]int
	t := k.tuples(buf[:], x.Shape(), idx.Shape(), depth)
	if err := checkTuples(&t, idx, 1); err != nil {
		return err
	}
	var shapeBuf [2 * tensor.MaxRank]int
	shape := append(append(shapeBuf[:0], idx.Shape()[:idx.Rank()-1]...), x.Shape()[k.batch+depth:]...)
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil || y.Len() == 0 {
		return err
	}
	rows := y.Len() / t.Inner
	if x.DType() == tensor.String {
		kernel.GatherND(tensor.Of[string](y), tensor.Of[string](x), tensor.Of[int64](idx), &t, 1, 0, rows)
	} else {
		kernel.GatherND(y.Bytes(), x.Bytes(), tensor.Of[int64](idx), &t, x.DType().Size(), 0, rows)
	}
	return nil
}

// checkTuples refuses indices in input i that aren't int64 or out of range.
func checkTuples(t *kernel.Tuples, idx *tensor.Tensor, i int) error {
	if idx.DType() != tensor.Int64 {
		return fmt.Errorf("input %d: has type %v, expected int64", i, idx.DType())
	}
	if row, dim := t.Check(tensor.Of[int64](idx)); row >= 0 {
		return indexError(i, tensor.Of[int64](idx)[row*len(t.Dims)+dim], t.Dims[dim])
	}
	return nil
}
