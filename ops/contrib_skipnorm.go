package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

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
	in := c.operands()
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
	in := c.operands()
	if err := k.check(&in); err != nil {
		return err
	}
	shape := in[0].shape
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
		clear(stats[0]) // there is no mean
		for r := range stats[1] {
			row := sum[r*n : (r+1)*n]
			stats[1][r] = float32(1 / math.Sqrt(float64(kernel.Dot(row, row))/float64(n)+k.eps))
		}
	} else {
		kernel.LayerNormRows(c.Pool(), y.data, sum, gamma, beta, float32(k.eps), rows, n, stats[0], stats[1])
	}
	y.done()
	return nil
}
