package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// gatherOps pick elements by index.
func gatherOps() []Op {
	binary := func(f func(*Attrs) (Kernel, error)) Version {
		return Version{MinIn: 2, MaxIn: 2, MinOut: 1, MaxOut: 1, New: f}
	}
	return []Op{
		{Name: "Gather", Versions: repeat(binary(newGather), 1, 11, 13)},
		{Name: "GatherElements", Versions: repeat(binary(newGatherElements), 11, 13)},
		{Name: "GatherND", Versions: repeat(binary(newGatherND), 11, 12, 13)},
	}
}

// gather replaces axis of input 0 by the dimensions of the indices in input 1.
type gather struct{ axis int64 }

func newGather(a *Attrs) (Kernel, error) { return gather{a.Int("axis", 0)}, nil }

func (k gather) Infer(c *Infer) error {
	f, idx := c.In(0), c.In(1)
	if !f.Ranked || !idx.Ranked {
		c.Set(0, Unranked(f.DType))
		return nil
	}
	axis, err := tensor.Axis(k.axis, len(f.Shape))
	if err != nil {
		return err
	}
	shape := slices.Concat(f.Shape[:axis], idx.Shape, f.Shape[axis+1:])
	c.Set(0, Shaped(f.DType, shape...))
	return nil
}

func (k gather) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	idx, err := given(c, 1)
	if err != nil {
		return err
	}
	axis, err := tensor.Axis(k.axis, x.Rank())
	if err != nil {
		return err
	}
	if err := checkIndices(idx, 1, x.Dim(axis)); err != nil {
		return err
	}
	var buf [2 * tensor.MaxRank]int
	shape := append(append(append(buf[:0], x.Shape()[:axis]...), idx.Shape()...), x.Shape()[axis+1:]...)
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil || y.Len() == 0 {
		return err
	}
	inner := x.Shape()[axis+1:].Len()
	rows := y.Len() / inner
	size := inner * max(x.DType().Size(), 8)
	if rows*size <= 1<<17 {
		gatherRows(y, x, idx, x.Dim(axis), inner, 0, rows)
		return nil
	}
	return gatherBlocks(c, y, x, idx, x.Dim(axis), inner, rows, max(1, bytesAtOnce/size))
}

func gatherBlocks(c *Ctx, y, x, idx *tensor.Tensor, extent, inner, rows, atOnce int) error {
	for lo := 0; lo < rows; lo += atOnce {
		if err := c.Err(); err != nil {
			return err
		}
		n := min(atOnce, rows-lo)
		c.Pool().For(n, max(1, n/c.Pool().Threads()), func(from, to int) {
			gatherRows(y, x, idx, extent, inner, lo+from, lo+to)
		})
	}
	return nil
}

// checkIndices refuses indices in input i that are of another type than int32
// and int64 or outside [-extent, extent).
func checkIndices(idx *tensor.Tensor, i, extent int) error {
	switch idx.DType() {
	case tensor.Int32:
		if k := kernel.CheckIndices(tensor.Of[int32](idx), extent); k >= 0 {
			return indexError(i, int64(tensor.Of[int32](idx)[k]), extent)
		}
	case tensor.Int64:
		if k := kernel.CheckIndices(tensor.Of[int64](idx), extent); k >= 0 {
			return indexError(i, tensor.Of[int64](idx)[k], extent)
		}
	default:
		return fmt.Errorf("input %d: has type %v, expected int32 or int64", i, idx.DType())
	}
	return nil
}

func indexError(i int, v int64, extent int) error {
	return fmt.Errorf("input %d: index %d is out of range for extent %d", i, v, extent)
}

func gatherRows(dst, src, idx *tensor.Tensor, extent, inner, lo, hi int) {
	if idx.DType() == tensor.Int32 {
		gatherBy(dst, src, tensor.Of[int32](idx), extent, inner, lo, hi)
		return
	}
	gatherBy(dst, src, tensor.Of[int64](idx), extent, inner, lo, hi)
}

// gatherBy is kernel.Gather for the elements' size.
func gatherBy[I kernel.Index](dst, src *tensor.Tensor, idx []I, extent, inner, lo, hi int) {
	switch dst.DType().Size() {
	case 0:
		kernel.Gather(tensor.Of[string](dst), tensor.Of[string](src), idx, extent, inner, lo, hi)
	case 1:
		kernel.Gather(tensor.Of[uint8](dst), tensor.Of[uint8](src), idx, extent, inner, lo, hi)
	case 2:
		kernel.Gather(tensor.Of[uint16](dst), tensor.Of[uint16](src), idx, extent, inner, lo, hi)
	case 4:
		kernel.Gather(tensor.Of[uint32](dst), tensor.Of[uint32](src), idx, extent, inner, lo, hi)
	case 8:
		kernel.Gather(tensor.Of[uint64](dst), tensor.Of[uint64](src), idx, extent, inner, lo, hi)
	default:
		kernel.Gather(tensor.Of[complex128](dst), tensor.Of[complex128](src), idx, extent, inner, lo, hi)
	}
}
