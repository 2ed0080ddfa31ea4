package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// lossOps are the classification losses, and Det.
func lossOps() []Op {
	loss := func(since int, softmax bool, allowed dtypes) Version {
		v := Version{Since: since, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newLoss(softmax, allowed)}
		if softmax {
			v.MaxOut = 2
		}
		return v
	}
	return []Op{
		{Name: "NegativeLogLikelihoodLoss", Versions: []Version{loss(12, false, floats), loss(13, false, floats), loss(22, false, floatsBF)}},
		{Name: "SoftmaxCrossEntropyLoss", Versions: []Version{loss(12, true, floats), loss(13, true, floatsBF)}},
		{Name: "Det", Versions: []Version{one(11, newDet(floats)), one(22, newDet(floatsBF))}},
	}
}

func newLoss(softmax bool, allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		return &loss{softmax, allowed, a.Enum("reduction", "mean", "none", "sum", "mean"), a.Int("ignore_index", 0), a.Has("ignore_index")}, nil
	}
}

// loss is the negative log-likelihood of classes (input 1) under
// log-probabilities (input 0; scores with softmax), weighted by class
// (input 2).
type loss struct {
	softmax   bool
	allowed   dtypes
	reduction string
	ignore    int64
	ignoring  bool
}

func (k *loss) check(x, target, weight tensor.DType) error {
	if err := k.allowed.check(0, x); err != nil {
		return err
	}
	if err := types(tensor.Int32, tensor.Int64).check(1, target); err != nil {
		return err
	}
	return sameType(2, weight, x)
}

func (k *loss) Infer(c *Infer) error {
	x, target := c.In(0), c.In(1)
	if err := k.check(x.DType, target.DType, c.In(2).DType); err != nil {
		return err
	}
	if k.reduction == "none" {
		c.Set(0, Fact{DType: x.DType, Shape: target.Shape, Ranked: target.Ranked})
	} else {
		c.Set(0, Shaped(x.DType))
	}
	c.SameAs(1, 0)
	return nil
}

func (k *loss) Run(c *Ctx) error {
	x, target := c.In(0), c.In(1)
	if err := k.check(x.DType(), target.DType(), c.dtype(2)); err != nil {
		return err
	}
	if isHalf(x.DType()) {
		return inFloat32(c, x.DType(), k.Run)
	}
	if x.Rank() < 2 || !tensor.Shape(append(shapeOf(x.Shape()[:1]), x.Shape()[2:]...)).Equal(target.Shape()) {
		return fmt.Errorf("input 1: has shape %v, which does not fit scores of shape %v", target.Shape(), x.Shape())
	}
	if w := c.In(2); w != nil && (w.Rank() != 1 || w.Dim(0) != x.Dim(1)) {
		return fmt.Errorf("input 2: has shape %v, expected (%d)", w.Shape(), x.Dim(1))
	}
	if x.DType() == tensor.Float64 {
		return lossOf[float64](c, k, x, target)
	}
	return lossOf[float32](c, k, x, target)
}

func lossOf[T float32 | float64](c *Ctx, k *loss, x, target *tensor.Tensor) error {
	n, classes := x.Dim(0), x.Dim(1)
	inner := tensor.Shape(x.Shape()[2:]).Len()
	logs := tensor.Of[T](x)
	if k.softmax {
		var err error
		if c.NumOut() > 1 {
			p, err := c.Out(1, x.DType(), x.Shape()...)
			if err != nil {
				return err
			}
			logs = tensor.Of[T](p)
		} else if logs, err = reserved[T](c, x.Len()); err != nil {
			return err
		}
		kernel.LogSoftmaxAxis(c.Pool(), logs, tensor.Of[T](x), n, classes, inner)
	}
	var weight []T
	if w := c.In(2); w != nil {
		weight = tensor.Of[T](w)
	}
	targets, err := reserved[int64](c, target.Len())
	if err != nil {
		return err
	}
	convertNumbers(targets, target)
	losses := []T(nil)
	if k.reduction == "none" {
		y, err := c.Out(0, x.DType(), target.Shape()...)
		if err != nil {
			return err
		}
		losses = tensor.Of[T](y)
	} else if losses, err = reserved[T](c, target.Len()); err != nil {
		return err
	}
	sum, weights, bad := kernel.NegativeLogLikelihood(losses, logs, targets, weight, n, classes, inner, k.ignore, k.ignoring)
	if bad >= 0 {
		return fmt.Errorf("input 1: element %d is class %d, expected 0 to %d", bad, targets[bad], classes-1)
	}
	if k.reduction == "none" {
		return nil
	}
	y, err := c.Out(0, x.DType())
	if err != nil {
		return err
	}
	if k.reduction == "mean" {
		sum /= weights
	}
	tensor.Of[T](y)[0] = T(sum)
	return nil
}

func newDet(allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(*Attrs) (Kernel, error) { return &det{allowed}, nil }
}

// det is the determinant of each square matrix in (..., n, n).
type det struct{ allowed dtypes }

func (k *det) shape(in []int) ([]int, error) {
	r := len(in)
	if r < 2 || in[r-1] != in[r-2] && in[r-1] != Unknown && in[r-2] != Unknown {
		return nil, fmt.Errorf("input 0: has shape %v, expected square matrices", shapeOf(in))
	}
	return in[:r-2], nil
}

func (k *det) Infer(c *Infer) error {
	x := c.In(0)
	c.Set(0, Unranked(x.DType))
	if err := k.allowed.check(0, x.DType); err != nil || !x.Ranked {
		return err
	}
	shape, err := k.shape(x.Shape)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(x.DType, shape...))
	return nil
}

func (k *det) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType()); err != nil {
		return err
	}
	shape, err := k.shape(x.Shape())
	if err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil {
		return err
	}
	a, err := asFloat64s(c, x)
	if err != nil {
		return err
	}
	n := x.Dim(x.Rank() - 1)
	dets, err := reserved[float64](c, y.Len())
	if err != nil {
		return err
	}
	for i := range dets {
		dets[i] = kernel.Det(a[i*n*n:(i+1)*n*n], n)
	}
	castFrom(y, dets, tensor.Float64, rounding{saturate: true})
	return nil
}
