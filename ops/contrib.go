package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
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
