package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// variadicOps fold any number of tensors into one.
func variadicOps() []Op {
	sum := func(name string, op kernel.BinaryOp, mean bool) Op {
		return Op{Name: name, Versions: []Version{
			oldFold(1, op, mean), oldFold(6, op, mean), fold(8, op, mean, floats), fold(13, op, mean, floatsBF),
		}}
	}
	extremum := func(name string, op kernel.BinaryOp) Op {
		return Op{Name: name, Versions: []Version{
			oldFold(1, op, false), oldFold(6, op, false), fold(8, op, false, floats), fold(12, op, false, numbers), fold(13, op, false, numbersBF),
		}}
	}
	return []Op{
		sum("Sum", kernel.OpAdd, false),
		sum("Mean", kernel.OpAdd, true),
		extremum("Max", kernel.OpMax),
		extremum("Min", kernel.OpMin),
	}
}

func fold(since int, op kernel.BinaryOp, mean bool, allowed dtypes) Version {
	return Version{Since: since, MinIn: 1, MaxIn: Unlimited, MinOut: 1, MaxOut: 1,
		New: func(a *Attrs) (Kernel, error) { return &variadic{op, mean, false, len(a.Inputs), allowed}, nil }}
}

// oldFold is a version before opset 8: all inputs have one shape.
func oldFold(since int, op kernel.BinaryOp, mean bool) Version {
	v := fold(since, op, mean, floats)
	v.New = func(a *Attrs) (Kernel, error) {
		a.Ignore("consumed_inputs")
		return &variadic{op, mean, true, len(a.Inputs), floats}, nil
	}
	return v
}

// variadic is y = x0 op x1 op ..., divided by their number if mean.
type variadic struct {
	op      kernel.BinaryOp
	mean    bool
	strict  bool // no broadcasting
	inputs  int
	allowed dtypes
}

// InPlace lists inputs that are read before output 0 is written.
func (k *variadic) InPlace() []int {
	switch k.inputs {
	case 1:
		return []int{0}
	case 2:
		return []int{0, 1}
	}
	return nil // a later one may be the same tensor again
}

func (k *variadic) Infer(c *Infer) error {
	dt := c.In(0).DType
	js := make([]int, c.NumIn())
	for i := range js {
		js[i] = i
		f := c.In(i)
		if err := k.check(i, f.DType, dt); err != nil {
			return err
		}
		if k.strict && f.Ranked && c.In(0).Ranked {
			if err := sameShape(c.In(0).Shape, f.Shape); err != nil {
				return fmt.Errorf("input %d: has shape %v, expected %v", i, shapeOf(f.Shape), shapeOf(c.In(0).Shape))
			}
		}
	}
	return c.Broadcast(0, dt, js...)
}

func (k *variadic) check(i int, dt, first tensor.DType) error {
	if err := k.allowed.check(i, dt); err != nil {
		return err
	}
	return sameType(i, dt, first)
}

func (k *variadic) Run(c *Ctx) error {
	x := c.In(0)
	var s [2][tensor.MaxRank]int
	shape := append(s[0][:0], x.Shape()...)
	for i := range c.NumIn() {
		t := c.In(i)
		if t == nil {
			return fmt.Errorf("input %d is missing", i)
		}
		if err := k.check(i, t.DType(), x.DType()); err != nil {
			return err
		}
		if k.strict && !t.Shape().Equal(x.Shape()) {
			return fmt.Errorf("input %d: has shape %v, expected %v", i, t.Shape(), x.Shape())
		}
		next, err := tensor.Broadcast(s[(i+1)%2][:0], shape, t.Shape())
		if err != nil {
			return err
		}
		shape = next
	}
	if isHalf(x.DType()) {
		return inFloat32(c, x.DType(), k.Run)
	}
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil {
		return err
	}
	if c.NumIn() == 1 {
		copy(y.Bytes(), x.Bytes())
		return nil
	}
	for i := 1; i < c.NumIn(); i++ {
		a, b := y, c.In(i)
		if i == 1 {
			a = x
		}
		bc := kernel.NewBroadcast(y.Shape(), a.Shape(), b.Shape())
		pick(x.DType(), binaryOf[float32], binaryOf[float64], binaryOf[int8], binaryOf[int16], binaryOf[int32], binaryOf[int64],
			binaryOf[uint8], binaryOf[uint16], binaryOf[uint32], binaryOf[uint64])(c, k.op, y, a, b, bc)
	}
	if k.mean {
		n := c.NumIn()
		if x.DType() == tensor.Float32 {
			kernel.DivScalar(tensor.Of[float32](y), tensor.Of[float32](y), float32(n))
		} else {
			kernel.DivScalarOf(tensor.Of[float64](y), tensor.Of[float64](y), float64(n))
		}
	}
	return nil
}
