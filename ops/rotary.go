package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// rotary is RotaryEmbedding: x (B, heads, T, D), or (B, T, heads*D) with
// num_heads; cosines and sines (positions, R/2) with position_ids (B, T), or (B, T, R/2)
// without. The first R of each D elements are rotated in pairs.
type rotary struct {
	heads       int
	dim         int // R; 0: D
	interleaved bool
}

var rotaryTypes = types(tensor.Float32, tensor.Float16, tensor.BFloat16)

func newRotary(a *Attrs) (Kernel, error) {
	k := &rotary{heads: int(a.Int("num_heads", 0)), dim: int(a.Int("rotary_embedding_dim", 0)), interleaved: a.Bool("interleaved", false)}
	if k.heads < 0 || k.heads > math.MaxInt32 {
		a.Fail("num_heads", "is %d, expected a positive number", k.heads)
	}
	if k.dim < 0 || k.dim%2 != 0 {
		a.Fail("rotary_embedding_dim", "is %d, expected an even number", k.dim)
	}
	return k, nil
}

func (k *rotary) Infer(c *Infer) error {
	for i := range min(c.NumIn(), 3) {
		if err := rotaryTypes.check(i, c.In(i).DType); err != nil {
			return err
		}
		if err := sameType(i, c.In(i).DType, c.In(0).DType); err != nil {
			return err
		}
	}
	c.SameAs(0, 0)
	if f := c.In(0); f.Ranked {
		return k.checkInput(f.Shape)
	}
	return nil
}

// checkInput checks x, whose extents may be Unknown.
func (k *rotary) checkInput(x []int) error {
	if err := checkRank(0, len(x), 3, 4); err != nil {
		return err
	}
	if len(x) == 3 && k.heads == 0 {
		return fmt.Errorf("attribute %q: is missing, which an input of rank 3 needs", "num_heads")
	}
	d := x[len(x)-1]
	if d < 0 {
		return nil
	}
	if len(x) == 3 {
		if d%k.heads != 0 {
			return fmt.Errorf("input 0: has width %d, which %d heads do not divide", d, k.heads)
		}
		d /= k.heads
	}
	if k.dim > d || k.dim == 0 && d%2 != 0 {
		return fmt.Errorf("input 0: has heads of width %d, of which %d can't be rotated", d, max(k.dim, d))
	}
	return nil
}

func (k *rotary) Run(c *Ctx) error {
	x, cos, sin, ids := c.In(0), c.In(1), c.In(2), c.In(3)
	for i, t := range []*tensor.Tensor{x, cos, sin} {
		if err := rotaryTypes.check(i, t.DType()); err != nil {
			return err
		}
		if err := sameType(i, t.DType(), x.DType()); err != nil {
			return err
		}
	}
	if err := k.checkInput(x.Shape()); err != nil {
		return err
	}
	s := x.Shape()
	a := kernel.RotaryArgs{B: s[0], Interleaved: k.interleaved}
	if len(s) == 4 {
		a.Heads, a.T, a.D = s[1], s[2], s[3]
		a.S = headStrides(false, a.Heads, a.T, a.D)
	} else {
		a.Heads, a.T, a.D = k.heads, s[1], s[2]/k.heads
		a.S = headStrides(true, a.Heads, a.T, a.D)
	}
	if a.Dim = k.dim; a.Dim == 0 {
		a.Dim = a.D
	}
	want := []int{a.B, a.T, a.Dim / 2}
	if ids != nil {
		if err := types(tensor.Int64).check(3, ids.DType()); err != nil {
			return err
		}
		if err := checkDims(3, ids.Shape(), a.B, a.T); err != nil {
			return err
		}
		want = []int{Unknown, a.Dim / 2}
		a.IDs = tensor.Of[int64](ids)
	}
	for i, t := range []*tensor.Tensor{cos, sin} {
		if err := checkDims(1+i, t.Shape(), want...); err != nil {
			return err
		}
	}
	rows := min(cos.Shape()[:cos.Rank()-1].Len(), sin.Shape()[:sin.Rank()-1].Len())
	for i, id := range a.IDs {
		if id < 0 || id >= int64(rows) {
			return fmt.Errorf("input 3: position %d at %d is out of range for %d cached positions", id, i, rows)
		}
	}
	y, err := outReal[float32](c, 0, x.DType(), s...)
	if err != nil {
		return err
	}
	for i, to := range []*[]float32{&a.X, &a.Cos, &a.Sin} {
		if *to, err = reals[float32](c, c.In(i)); err != nil {
			return err
		}
	}
	a.Y = y.data
	kernel.Rotary(c.Pool(), &a)
	y.done()
	return nil
}
