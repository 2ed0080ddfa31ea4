package ops

import (
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// qlinearBinary is QLinearAdd or QLinearMul. Inputs are a and b and the output's
// scale and zero point, as a [realInside] has them, but nothing is real in
// between: ONNX Runtime rounds once, and ties are frequent.
type qlinearBinary struct {
	realInside
	op kernel.BinaryOp
}

func newQLinearBinary(op kernel.BinaryOp) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k, err := inReal([]int{0, 3}, 6, newBinary(op, types(tensor.Float32)))(a)
		if err != nil {
			return nil, err
		}
		return qlinearBinary{k.(realInside), op}, nil
	}
}

func (k qlinearBinary) Run(c *Ctx) error {
	dt, err := k.check(c.factOrNone)
	if err != nil {
		return err
	}
	y, bc, err := outTwo(c, nil, dt, c.In(0), c.In(3))
	if err != nil || y.Len() == 0 {
		return err
	}
	if dt == tensor.Int8 {
		runQLinearBinary[int8](c, k.op, y, &bc)
	} else {
		runQLinearBinary[uint8](c, k.op, y, &bc)
	}
	return nil
}

func runQLinearBinary[T int8 | uint8](c *Ctx, op kernel.BinaryOp, y *tensor.Tensor, bc *kernel.Broadcast) {
	scale := func(i int) float32 { return tensor.Of[float32](c.In(i))[0] }
	dst, a, b := tensor.Of[T](y), tensor.Of[T](c.In(0)), tensor.Of[T](c.In(3))
	za, zb, zy := zeroOf[T](c.In(2)), zeroOf[T](c.In(5)), float32(zeroOf[T](c.In(7)))
	if op == kernel.OpMul {
		r := float32(scale(1)*scale(4)) / scale(6)
		kernel.MulQuantized(c.Pool(), dst, a, b, za, zb, r, zy, bc)
		return
	}
	ra, rb := scale(1)/scale(6), scale(4)/scale(6)
	kernel.AddQuantized(c.Pool(), dst, a, b, ra, rb, zy-float32(float32(ra*float32(za))+float32(rb*float32(zb))), bc)
}
