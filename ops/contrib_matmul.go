package ops

import (
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// fusedMatMul is MatMul with a factor and either side transposed. transBatch
// moves a side's first dimension to the place before the last beforehand.
type fusedMatMul struct {
	transA, transB           bool
	transBatchA, transBatchB bool
	alpha                    float32
}

func newFusedMatMul(a *Attrs) (Kernel, error) {
	return &fusedMatMul{transA: a.Bool("transA", false), transB: a.Bool("transB", false), transBatchA: a.Bool("transBatchA", false),
		transBatchB: a.Bool("transBatchB", false), alpha: a.Float("alpha", 1)}, nil
}

// sides are the shapes of the operands after transposing; vectors stay.
func (k *fusedMatMul) sides(a, b []int) ([]int, []int) {
	swap := func(s []int, trans, batch bool) []int {
		if n := len(s); batch && n > 2 {
			s = append(append(append([]int(nil), s[1:n-1]...), s[0]), s[n-1])
		}
		if n := len(s); trans && n > 1 {
			s = append([]int(nil), s...)
			s[n-1], s[n-2] = s[n-2], s[n-1]
		}
		return s
	}
	return swap(a, k.transA, k.transBatchA), swap(b, k.transB, k.transBatchB)
}

func (k *fusedMatMul) Infer(c *Infer) error {
	a, b := c.In(0), c.In(1)
	if err := floatsBF.check(0, a.DType); err != nil {
		return err
	}
	if err := sameType(1, b.DType, a.DType); err != nil {
		return err
	}
	if !a.Ranked || !b.Ranked {
		c.Set(0, Unranked(a.DType))
		return nil
	}
	sa, sb := k.sides(a.Shape, b.Shape)
	shape, err := matmulShape(nil, sa, sb)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(a.DType, shape...))
	return nil
}

func (k *fusedMatMul) Run(c *Ctx) error {
	if c.In(0).DType() == tensor.Float64 {
		return runFusedMatMul[float64](c, k)
	}
	return runFusedMatMul[float32](c, k)
}

func runFusedMatMul[T floating](c *Ctx, k *fusedMatMul) error {
	a, b := c.In(0), c.In(1)
	if err := floatsBF.check(0, a.DType()); err != nil {
		return err
	}
	if err := sameType(1, b.DType(), a.DType()); err != nil {
		return err
	}
	sa, sb := k.sides(a.Shape(), b.Shape())
	var dims [tensor.MaxRank + 2]int
	shape, err := matmulShape(dims[:0], sa, sb)
	if err != nil {
		return err
	}
	y, err := outReal[T](c, 0, a.DType(), shape...)
	if err != nil {
		return err
	}
	s := batchedOf[T](c)
	if s.a, err = batchFirst[T](c, a, k.transBatchA); err != nil {
		return err
	}
	if s.b, err = batchFirst[T](c, b, k.transBatchB); err != nil {
		return err
	}
	s.y, s.alpha = y.data, T(k.alpha)
	s.transA, s.transB = k.transA && len(sa) > 1, k.transB && len(sb) > 1
	s.m, s.n, s.k = 1, 1, sa[len(sa)-1]
	if r := len(sa); r > 1 {
		s.m = sa[r-2]
	}
	if r := len(sb); r > 1 {
		s.n = sb[r-1]
	}
	if err := s.run(c, sa[:max(len(sa)-2, 0)], sb[:max(len(sb)-2, 0)]); err != nil {
		return err
	}
	y.done()
	return nil
}

// batchFirst is t's elements, with the first dimension moved to before the last if
// move.
func batchFirst[T floating](c *Ctx, t *tensor.Tensor, move bool) ([]T, error) {
	data, err := reals[T](c, t)
	n := t.Rank()
	if err != nil || !move || n < 3 || len(data) == 0 {
		return data, err
	}
	out, err := reserved[T](c, len(data))
	if err != nil {
		return nil, err
	}
	rows, width := t.Dim(0), t.Dim(n-1)
	batch := len(data) / rows / width
	var s kernel.Strided
	s.Add(batch, rows*width, width)
	s.Add(rows, width, batch*width)
	s.Add(width, 1, 1)
	kernel.CopyStrided(out, data, &s)
	return out, nil
}
