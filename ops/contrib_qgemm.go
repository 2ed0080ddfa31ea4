package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// qgemm is alpha*op(a)*op(b) + c for matrices a and b, each with scale and zero
// point (b's may be per column), and int32 c in units of the scales' product. The
// output is quantised by inputs 7 and 8 where they are given, and else real.
type qgemm struct {
	gemmOp
	real bool
}

func newQGemm(a *Attrs) (Kernel, error) {
	k := &qgemm{gemmOp{transA: a.Bool("transA", false), transB: a.Bool("transB", false), alpha: a.Float("alpha", 1)}, len(a.Inputs) < 8}
	for i, given := range a.Inputs {
		if optional := i == 2 || i == 5 || i == 6 || i == 8; !given && !optional {
			return nil, fmt.Errorf("input %d is missing", i)
		}
	}
	return k, nil
}

// check checks the inputs and returns the output's type and shape, nil if it is
// not known.
func (k *qgemm) check(at func(i int) Fact) (dt tensor.DType, shape []int, err error) {
	a, b, add := at(0), at(3), at(6)
	for i, want := range [9]dtypes{0: byteTypes, 3: byteTypes, 6: types(tensor.Int32),
		1: types(tensor.Float32), 4: types(tensor.Float32), 7: types(tensor.Float32), 2: byteTypes, 5: byteTypes, 8: byteTypes} {
		if err := want.check(i, at(i).DType); err != nil {
			return 0, nil, err
		}
	}
	for _, p := range [][2]int{{2, 0}, {5, 3}, {8, 0}} {
		i, of := p[0], p[1]
		if err := sameAs(i, at(i).DType, of, at(of).DType); err != nil {
			return 0, nil, err
		}
	}
	if dt = a.DType; k.real {
		dt = tensor.Float32
	}
	for _, i := range []int{1, 2, 7, 8} {
		if f := at(i); f.Ranked && tensor.Shape(f.Shape).Len() != 1 && !slices.Contains(f.Shape, Unknown) {
			return 0, nil, fmt.Errorf("input %d: has shape %v, expected a scalar", i, shapeOf(f.Shape))
		}
	}
	if !a.Ranked || !b.Ranked {
		return dt, nil, nil
	}
	m, n, _, err := k.sizes(a.Shape, b.Shape)
	if err != nil {
		return 0, nil, err
	}
	for _, i := range []int{4, 5} {
		if f := at(i); f.Ranked && n >= 0 && !slices.Contains(f.Shape, Unknown) {
			if err := checkColumns(i, f.Shape, n); err != nil {
				return 0, nil, err
			}
		}
	}
	if add.Ranked {
		if err := k.checkC(add.Shape, m, n); err != nil {
			return 0, nil, fmt.Errorf("input 6: shape %v does not broadcast to (%d, %d)", shapeOf(add.Shape), m, n)
		}
	}
	return dt, []int{m, n}, nil
}

func (k *qgemm) Infer(c *Infer) error {
	dt, shape, err := k.check(c.In)
	c.Set(0, Fact{DType: dt, Shape: shape, Ranked: shape != nil})
	return err
}

func (k *qgemm) Run(c *Ctx) error {
	dt, shape, err := k.check(c.factOrNone)
	if err != nil {
		return err
	}
	y, err := c.Out(0, dt, shape...)
	if err != nil {
		return err
	}
	a, b, m, n := c.In(0), c.In(3), shape[0], shape[1]
	as, err := minusZero[int32](c, 2, a, c.In(2), nil)
	if err != nil {
		return err
	}
	var columns []int // the shape that b's zero point counts as
	if z := c.In(5); z != nil && z.Len() != 1 {
		if columns = []int{n}; k.transB {
			columns = []int{n, 1}
		}
	}
	bs, err := minusZero[int32](c, 5, b, c.In(5), columns)
	if err != nil {
		return err
	}
	acc, err := reserved[int32](c, y.Len())
	if err != nil {
		return err
	}
	beta := int32(0)
	if add := c.In(6); add != nil {
		spreadC(acc, tensor.Of[int32](add), add.Shape(), m, n)
		beta = 1
	}
	inner := a.Dim(1)
	if k.transA {
		inner = a.Dim(0)
	}
	if len(acc) > 0 {
		if err := gemmRows(c, k.transA, k.transB, m, n, inner, 1, as, max(a.Dim(1), 1), bs, max(b.Dim(1), 1), beta, acc, n); err != nil {
			return err
		}
	}
	factor := k.alpha * tensor.Of[float32](c.In(1))[0]
	scales, err := reserved[float32](c, c.In(4).Len())
	if err != nil {
		return err
	}
	if !k.real {
		factor /= tensor.Of[float32](c.In(7))[0]
	}
	kernel.MulScalar(scales, tensor.Of[float32](c.In(4)), factor)
	one := []float32{1}
	switch y.DType() {
	case tensor.Float32:
		kernel.Scale(tensor.Of[float32](y), acc, n, one, scales)
	case tensor.Int8:
		kernel.Requantize(tensor.Of[int8](y), acc, n, one, scales, zeroOf[int8](c.In(8)), -128, 127)
	default:
		kernel.Requantize(tensor.Of[uint8](y), acc, n, one, scales, zeroOf[uint8](c.In(8)), 0, 255)
	}
	return nil
}
