package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// contribRotary is RotaryEmbedding of com.microsoft: that of ai.onnx with the
// positions before the cosines and sines, (B, T) or the first of all, and with the
// number of heads told by the width of the cosines where no attribute tells it.
type contribRotary struct{ rotary }

func newContribRotary(a *Attrs) (Kernel, error) {
	k, err := newRotary(a)
	if err != nil {
		return nil, err
	}
	a.Ignore("is_packed_batching", "scale") // ONNX Runtime reads them and computes the same
	r := k.(*rotary)
	if r.dim > 0 && r.heads == 0 {
		a.Fail("num_heads", "is missing, which rotary_embedding_dim needs")
	}
	return &contribRotary{*r}, needInputs(a, 0, 1, 2, 3)
}

func (k *contribRotary) check(at func(i int) tensor.DType) error {
	if err := types(tensor.Int64).check(1, at(1)); err != nil {
		return err
	}
	return checkReals(at, rotaryTypes, 2, 3)
}

func (k *contribRotary) Infer(c *Infer) error {
	c.SameAs(0, 0)
	if x := c.In(0); x.Ranked {
		if err := checkRank(0, len(x.Shape), 3, 4); err != nil {
			return err
		}
	}
	return k.check(func(i int) tensor.DType { return c.In(i).DType })
}

func (k *contribRotary) Run(c *Ctx) error {
	if err := k.check(c.dtype); err != nil {
		return err
	}
	x, cos := c.In(0), c.In(2)
	if err := checkRank(0, x.Rank(), 3, 4); err != nil {
		return err
	}
	if err := checkRank(2, cos.Rank(), 2); err != nil {
		return err
	}
	s := x.Shape()
	a := kernel.RotaryArgs{B: s[0], Interleaved: k.interleaved, Dim: 2 * cos.Dim(1)}
	if len(s) == 4 {
		a.Heads, a.T, a.D = s[1], s[2], s[3]
	} else {
		a.T, a.Heads = s[1], k.heads
		if a.Heads == 0 {
			a.Heads = 1
			if a.Dim > 0 && s[2]%a.Dim == 0 {
				a.Heads = s[2] / a.Dim
			}
		}
		var err error
		if a.D, err = headWidth(0, s[2], a.Heads); err != nil {
			return err
		}
	}
	a.S = headStrides(len(s) == 3, a.Heads, a.T, a.D)
	if k.dim > 0 && a.Dim != k.dim || a.Dim > a.D {
		return fmt.Errorf("input 2: has shape %v, expected rows of half of what is rotated of a head of %d", cos.Shape(), a.D)
	}
	y, err := outReal[float32](c, 0, x.DType(), s...)
	if err != nil {
		return err
	}
	if a.X, err = reals[float32](c, x); err != nil {
		return err
	}
	a.Y = y.data
	if err := setRotation(c, &a, 2, 3); err != nil {
		return err
	}
	if a.IDs, err = positions(1, c.In(1), a.B, a.T, cos.Dim(0)); err != nil {
		return err
	}
	kernel.Rotary(c.Pool(), &a)
	y.done()
	return nil
}

// setRotation puts the tables of cosines and sines, inputs i and j, into a.
func setRotation(c *Ctx, a *kernel.RotaryArgs, i, j int) (err error) {
	if err := checkDims(i, c.In(i).Shape(), Unknown, a.Dim/2); err != nil {
		return err
	}
	if err := checkDims(j, c.In(j).Shape(), c.In(i).Shape()...); err != nil {
		return err
	}
	if a.Cos, err = reals[float32](c, c.In(i)); err != nil {
		return err
	}
	a.Sin, err = reals[float32](c, c.In(j))
	return err
}

// positions are those of (b, t) tokens, which input i gives, or of which it gives
// the first. Each is below rows.
func positions(i int, ids *tensor.Tensor, b, t, rows int) ([]int64, error) {
	list := tensor.Of[int64](ids)
	if ids.Len() != 1 || ids.Rank() == 2 {
		if err := checkDims(i, ids.Shape(), b, t); err != nil {
			return nil, err
		}
	} else {
		first := list[0]
		list = make([]int64, b*t)
		for j := range list {
			list[j] = first + int64(j%t)
		}
	}
	return list, checkPositions(i, list, rows)
}

func checkPositions(i int, ids []int64, rows int) error {
	for at, id := range ids {
		if id < 0 || id >= int64(rows) {
			return fmt.Errorf("input %d: position %d at %d is out of range for %d cached positions", i, id, at, rows)
		}
	}
	return nil
}
