package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// softmaxOps are Softmax, LogSoftmax and Hardmax. Since opset 13 they work
// along one axis; before, on the matrix that flattening at the axis gives.
func softmaxOps() []Op {
	family := func(name string, f softmaxKind) Op {
		return Op{Name: name, Versions: []Version{
			one(1, newSoftmax(f, floats, 1, true)), one(11, newSoftmax(f, floats, 1, true)), one(13, newSoftmax(f, floatsBF, -1, false)),
		}}
	}
	return []Op{family("Softmax", softmaxOf), family("LogSoftmax", logSoftmaxOf), family("Hardmax", hardmaxOf)}
}

type softmaxKind uint8

const (
	softmaxOf softmaxKind = iota
	logSoftmaxOf
	hardmaxOf
)

func newSoftmax(f softmaxKind, allowed dtypes, axis int64, flat bool) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) { return &softmax{f, allowed, a.Int("axis", axis), flat}, nil }
}

type softmax struct {
	kind    softmaxKind
	allowed dtypes
	axis    int64
	flat    bool // everything from the axis on counts as one axis
}

func (k *softmax) InPlace() []int { return []int{0} }

// sizes splits a shape into (outer, n, inner) around the axis.
func (k *softmax) sizes(shape []int) (outer, n, inner int, err error) {
	rank := len(shape)
	axis := k.axis
	if axis < 0 {
		axis += int64(rank)
	}
	beyond := axis >= int64(rank)
	if k.flat && axis == int64(rank) || rank == 0 && (axis == 0 || k.axis == -1) {
		beyond, axis = false, int64(rank)
	}
	if axis < 0 || beyond {
		return 0, 0, 0, fmt.Errorf("attribute \"axis\": axis %d is out of range for rank %d", k.axis, rank)
	}
	outer, n, inner = 1, 1, 1
	for i, d := range shape {
		switch {
		case i < int(axis):
			outer *= d
		case i == int(axis) || k.flat:
			n *= d
		default:
			inner *= d
		}
	}
	return outer, n, inner, nil
}

func (k *softmax) Infer(c *Infer) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType); err != nil {
		return err
	}
	c.SameAs(0, 0)
	if x.Ranked {
		_, _, _, err := k.sizes(x.Shape)
		return err
	}
	return nil
}

func (k *softmax) Run(c *Ctx) error {
	x := c.In(0)
	if err := k.allowed.check(0, x.DType()); err != nil {
		return err
	}
	outer, n, inner, err := k.sizes(x.Shape())
	if err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), x.Shape()...)
	if err != nil {
		return err
	}
	switch dt := x.DType(); {
	case x.Len() == 0:
	case dt == tensor.Float64:
		softmaxInto(c, k.kind, tensor.Of[float64](y), tensor.Of[float64](x), outer, n, inner)
	case dt == tensor.Float32 && inner == 1 && k.kind == softmaxOf:
		kernel.SoftmaxRows(c.Pool(), tensor.Of[float32](y), tensor.Of[float32](x), outer, n)
	case dt == tensor.Float32:
		softmaxInto(c, k.kind, tensor.Of[float32](y), tensor.Of[float32](x), outer, n, inner)
	default:
		tmp, err := c.F32(x.Len())
		if err != nil {
			return err
		}
		widen(tmp, x)
		softmaxInto(c, k.kind, tmp, tmp, outer, n, inner)
		narrow(y, tmp)
	}
	return nil
}

func softmaxInto[T float32 | float64](c *Ctx, kind softmaxKind, y, x []T, outer, n, inner int) {
	switch kind {
	case softmaxOf:
		kernel.SoftmaxAxis(c.Pool(), y, x, outer, n, inner)
	case logSoftmaxOf:
		kernel.LogSoftmaxAxis(c.Pool(), y, x, outer, n, inner)
	default:
		kernel.HardmaxAxis(c.Pool(), y, x, outer, n, inner)
	}
}
