package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// contribOps are operators of ONNX Runtime's own domain that its optimiser
// leaves in models.
func contribOps() []Op {
	const domain = "com.microsoft"
	op := func(name string, minIn, maxIn, maxOut int, f func(*Attrs) (Kernel, error)) Op {
		return Op{Name: name, Domain: domain, Versions: []Version{{Since: 1, MinIn: minIn, MaxIn: maxIn, MinOut: 1, MaxOut: maxOut, New: f}}}
	}
	return []Op{
		op("FusedMatMul", 2, 2, 1, newFusedMatMul),
		op("BiasGelu", 2, 2, 1, func(*Attrs) (Kernel, error) { return biasGelu{kernel.ActGelu}, nil }),
		op("FastGelu", 1, 2, 1, func(*Attrs) (Kernel, error) { return biasGelu{kernel.ActGeluTanh}, nil }),
		op("SkipLayerNormalization", 3, 5, 4, newSkipNorm(false)),
		op("SkipSimplifiedLayerNormalization", 3, 4, 4, newSkipNorm(true)),
	}
}

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

// biasGelu is gelu(x + bias), bias along the last dimension.
type biasGelu struct{ act kernel.Activation }

func (k biasGelu) check(x, bias []int, ranked bool) error {
	if bias == nil || !ranked {
		return nil
	}
	if len(x) == 0 {
		return fmt.Errorf("input 0: has rank 0, expected at least 1")
	}
	return checkDims(1, bias, x[len(x)-1])
}

func (k biasGelu) Infer(c *Infer) error {
	x, b := c.In(0), c.In(1)
	if err := shortFloats.check(0, x.DType); err != nil {
		return err
	}
	if err := sameType(1, b.DType, x.DType); err != nil {
		return err
	}
	c.SameAs(0, 0)
	return k.check(x.Shape, b.Shape, x.Ranked && b.Ranked)
}

func (k biasGelu) Run(c *Ctx) error {
	x, b := c.In(0), c.In(1)
	if err := shortFloats.check(0, x.DType()); err != nil {
		return err
	}
	y, err := outReal[float32](c, 0, x.DType(), x.Shape()...)
	if err != nil {
		return err
	}
	data, err := reals[float32](c, x)
	if err != nil {
		return err
	}
	if b != nil {
		if err := sameType(1, b.DType(), x.DType()); err != nil {
			return err
		}
		if err := k.check(x.Shape(), b.Shape(), true); err != nil {
			return err
		}
		bias, err := reals[float32](c, b)
		if err != nil {
			return err
		}
		kernel.AddRows(y.data, data, bias)
		data = y.data
	}
	kernel.Activate(k.act, y.data, data)
	y.done()
	return nil
}

// skipNorm normalises input + skip + bias over the last dimension.
type skipNorm struct {
	simple bool // without a mean; the inputs then lack beta
	eps    float64
}

func newSkipNorm(simple bool) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		return &skipNorm{simple, float64(a.Float("epsilon", 1e-12))}, nil
	}
}

// check checks types and shapes, which may have unknown extents.
func (k *skipNorm) check(in *operands) error {
	if err := shortFloats.check(0, in[0].dtype); err != nil {
		return err
	}
	for i := 1; i < 5; i++ {
		if err := sameType(i, in[i].dtype, in[0].dtype); err != nil {
			return err
		}
	}
	x := in[0].shape
	if !in[0].ranked {
		return nil
	}
	if len(x) < 2 {
		return fmt.Errorf("input 0: has rank %d, expected 2 or 3", len(x))
	}
	if in[1].ranked {
		if _, err := unidirectional(nil, x, in[1].shape); err != nil {
			return fmt.Errorf("input 1: %w", err)
		}
	}
	for i := 2; i < 5; i++ {
		if in[i].ranked {
			if err := checkDims(i, in[i].shape, x[len(x)-1]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *skipNorm) Infer(c *Infer) error {
	var in operands
	for i := range in {
		if c.Has(i) {
			f := c.In(i)
			in[i].shape, in[i].ranked, in[i].dtype = f.Shape, f.Ranked, f.DType
		}
	}
	c.SameAs(0, 0)
	c.SameAs(3, 0)
	if f := c.In(0); f.Ranked && len(f.Shape) > 0 {
		stats := append([]int(nil), f.Shape...)
		stats[len(stats)-1] = 1
		c.Set(1, Shaped(tensor.Float32, stats...))
		c.Set(2, Shaped(tensor.Float32, stats...))
	}
	return k.check(&in)
}

func (k *skipNorm) Run(c *Ctx) error {
	var in operands
	for i := range in {
		in.set(i, c.In(i))
	}
	if err := k.check(&in); err != nil {
		return err
	}
	shape := in[0].shape
	if k.simple && (c.Wants(1) || c.Wants(2)) {
		return Unsupportedf("output 1 or 2, the statistics")
	}
	y, err := outReal[float32](c, 0, in[0].dtype, shape...)
	if err != nil {
		return err
	}
	var v [5][]float32
	for i := range v {
		if v[i], err = reals[float32](c, c.In(i)); err != nil {
			return err
		}
	}
	gamma, beta, bias := v[2], v[3], v[4]
	if k.simple {
		beta, bias = nil, v[3]
	}
	if len(v[1]) != len(v[0]) {
		if v[1], err = spread(c, v[1], in[1].shape, shape); err != nil {
			return err
		}
	}
	n := shape[len(shape)-1]
	rows := tensor.Shape(shape[:len(shape)-1]).Len()
	sum, err := c.F32(len(v[0]))
	if err != nil {
		return err
	}
	kernel.Add(sum, v[0], v[1])
	if bias != nil {
		kernel.AddRows(sum, sum, bias)
	}
	if c.Wants(3) {
		out, err := outReal[float32](c, 3, in[0].dtype, shape...)
		if err != nil {
			return err
		}
		copy(out.data, sum)
		out.done()
	}
	var stats [2][]float32
	for i := range stats {
		if c.Wants(1 + i) {
			s := append([]int(nil), shape...)
			s[len(s)-1] = 1
			t, err := c.Out(1+i, tensor.Float32, s...)
			if err != nil {
				return err
			}
			stats[i] = tensor.Of[float32](t)
		}
	}
	if k.simple {
		kernel.RMSNormRows(c.Pool(), y.data, sum, gamma, k.eps, rows, n)
	} else {
		kernel.LayerNormRows(c.Pool(), y.data, sum, gamma, beta, float32(k.eps), rows, n, stats[0], stats[1])
	}
	y.done()
	return nil
}
