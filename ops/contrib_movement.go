package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// contribMovementOps are operators of ONNX Runtime's own domain that pick, move and
// make elements: those that exporters wrote before ONNX had them, with what differs.
func contribMovementOps() []Op {
	const domain = "com.microsoft"
	op := func(name string, minIn, maxIn, outs int, f func(*Attrs) (Kernel, error)) Op {
		return Op{Name: name, Domain: domain, Versions: []Version{
			{Since: 1, MinIn: minIn, MaxIn: maxIn, MinOut: outs, MaxOut: outs, New: f}}}
	}
	return []Op{
		op("Trilu", 1, 2, 1, newTrilu),
		op("Range", 2, 3, 1, func(*Attrs) (Kernel, error) { return rangeOp{}, nil }),
		op("GatherND", 2, 2, 1, func(*Attrs) (Kernel, error) { return gatherND{narrow: true}, nil }),
		op("ExpandDims", 2, 2, 1, newUnsqueeze),
		op("Pad", 2, 3, 1, newPad11),
		op("GridSample", 2, 2, 1, newGridSample16),
		op("Unique", 1, 1, 3, func(*Attrs) (Kernel, error) { return unique{flatten: true, noFirst: true}, nil }),
		op("UnfoldTensor", 1, 1, 1, newUnfoldTensor),
	}
}

// unfoldTensor lays every window of size elements along one axis, step apart, into a
// new last axis.
type unfoldTensor struct {
	axis       int64
	size, step int
}

func newUnfoldTensor(a *Attrs) (Kernel, error) {
	a.Require("size")
	k := unfoldTensor{axis: a.Int("dim", -1)}
	for name, to := range map[string]*int{"size": &k.size, "step": &k.step} {
		v := a.Int(name, 1)
		if v < 1 || v > 1<<30 {
			a.Fail(name, "is %d, expected 1 to %d", v, 1<<30)
		}
		*to = int(v)
	}
	return k, nil
}

// shape is the output's shape, with how many windows there are at axis.
func (k unfoldTensor) shape(in []int) (shape []int, axis int, err error) {
	if len(in) >= tensor.MaxRank {
		return nil, 0, fmt.Errorf("input 0: has rank %d, at most %d is supported", len(in), tensor.MaxRank-1)
	}
	if axis, err = tensor.Axis(k.axis, len(in)); err != nil {
		return nil, 0, err
	}
	shape = append(shapeOf(in), k.size)
	switch n := in[axis]; {
	case n == Unknown:
	case n < k.size:
		return nil, 0, fmt.Errorf("input 0: has extent %d at dimension %d, expected at least the size, %d", n, axis, k.size)
	default:
		shape[axis] = (n-k.size)/k.step + 1
	}
	return shape, axis, nil
}

func (k unfoldTensor) Infer(c *Infer) error {
	f := c.In(0)
	c.Set(0, Unranked(f.DType))
	if !f.Ranked {
		return nil
	}
	shape, _, err := k.shape(f.Shape)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(f.DType, shape...))
	return nil
}

func (k unfoldTensor) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	shape, axis, err := k.shape(x.Shape())
	if err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil || y.Len() == 0 {
		return err
	}
	outer, windows, inner := x.Shape()[:axis].Len(), shape[axis], x.Shape()[axis+1:].Len()
	var s kernel.Strided
	s.Add(outer, windows*inner*k.size, x.Dim(axis)*inner)
	s.Add(windows, inner*k.size, k.step*inner)
	s.Add(inner, k.size, 1)
	s.Add(k.size, 1, inner)
	return move(c, y, x, &s)
}
