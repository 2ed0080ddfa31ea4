package ops

import (
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// binaryOps are the arithmetic functions of two tensors.
func binaryOps() []Op {
	wide, wideBF := floats|wideInts, floatsBF|wideInts
	arithmetic := func(name string, op kernel.BinaryOp) Op {
		return Op{Name: name, Versions: []Version{
			oldBroadcast(1, oldBinary(op, floats)),
			oldBroadcast(6, oldBinary(op, wide)),
			two(7, newBinary(op, wide)), two(13, newBinary(op, wideBF)), two(14, newBinary(op, numbersBF)),
		}}
	}
	return []Op{
		arithmetic("Add", kernel.OpAdd),
		arithmetic("Sub", kernel.OpSub),
		arithmetic("Mul", kernel.OpMul),
		arithmetic("Div", kernel.OpDiv),
		{Name: "Mod", Versions: []Version{two(10, newMod(numbers)), two(13, newMod(numbersBF))}},
		{Name: "PRelu", Versions: []Version{
			two(1, oldPRelu(floats)), two(6, oldPRelu(floats)),
			two(7, newPRelu(floats)), two(9, newPRelu(wide)), two(16, newPRelu(wideBF)),
		}},
		{Name: "Pow", Versions: []Version{
			oldBroadcast(1, oldBinary(kernel.OpPow, floats)),
			two(7, newBinary(kernel.OpPow, floats)),
			two(12, newPow(floats|types(tensor.Int32, tensor.Int64), numbers)),
			two(13, newPow(floatsBF|types(tensor.Int32, tensor.Int64), numbers)),
			two(15, newPow(floatsBF|types(tensor.Int32, tensor.Int64), numbersBF)),
		}},
	}
}

// two is a version with two inputs and one output.
func two(since int, build func(*Attrs) (Kernel, error)) Version {
	return Version{Since: since, MinIn: 2, MaxIn: 2, MinOut: 1, MaxOut: 1, New: build}
}

func newBinary(op kernel.BinaryOp, allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(*Attrs) (Kernel, error) { return &binary{op: op, allowed: allowed}, nil }
}

func newMod(allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		if a.Bool("fmod", false) {
			return &binary{op: kernel.OpFmod, allowed: allowed}, nil
		}
		return &binary{op: kernel.OpMod, allowed: allowed}, nil
	}
}

// newPRelu broadcasts its slope to the input, never the other way round.
func newPRelu(allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(*Attrs) (Kernel, error) {
		return &binary{op: kernel.OpPRelu, allowed: allowed, shape: unidirectional}, nil
	}
}

// binary is y = op(a, b) for inputs of one type.
type binary struct {
	op      kernel.BinaryOp
	allowed dtypes
	shape   shapeRule
}

func (k *binary) InPlace() []int {
	if k.shape != nil {
		return []int{0}
	}
	return []int{0, 1}
}

func (k *binary) check(a, b tensor.DType) error {
	if err := k.allowed.check(0, a); err != nil {
		return err
	}
	if err := k.allowed.check(1, b); err != nil {
		return err
	}
	return sameType(1, b, a)
}

func (k *binary) Infer(c *Infer) error {
	if err := k.check(c.In(0).DType, c.In(1).DType); err != nil {
		return err
	}
	return inferTwo(c, k.shape, c.In(0).DType)
}

func (k *binary) Run(c *Ctx) error {
	a, b := c.In(0), c.In(1)
	if err := k.check(a.DType(), b.DType()); err != nil {
		return err
	}
	y, bc, err := outTwo(c, k.shape, a.DType(), a, b)
	if err != nil {
		return err
	}
	if isHalf(a.DType()) {
		return binaryHalf(c, k.op, y, a, b, &bc)
	}
	pick(a.DType(), binaryOf[float32], binaryOf[float64], binaryOf[int8], binaryOf[int16], binaryOf[int32],
		binaryOf[int64], binaryOf[uint8], binaryOf[uint16], binaryOf[uint32], binaryOf[uint64])(c, k.op, y, a, b, bc)
	return nil
}

func binaryOf[T number](c *Ctx, op kernel.BinaryOp, y, a, b *tensor.Tensor, bc kernel.Broadcast) {
	kernel.Binary(c.Pool(), op, tensor.Of[T](y), tensor.Of[T](a), tensor.Of[T](b), &bc)
}

// binaryHalf computes in float32 and rounds once.
func binaryHalf(c *Ctx, op kernel.BinaryOp, y, a, b *tensor.Tensor, bc *kernel.Broadcast) error {
	n, na, nb := y.Len(), a.Len(), b.Len()
	tmp, err := c.F32(n + na + nb)
	if err != nil {
		return err
	}
	y32, a32, b32 := tmp[:n], tmp[n:n+na], tmp[n+na:]
	widen(a32, a)
	widen(b32, b)
	kernel.Binary(c.Pool(), op, y32, a32, b32, bc)
	narrow(y, y32)
	return nil
}

// newPow takes an exponent of any type; the result has the base's.
func newPow(base, exponent dtypes) func(*Attrs) (Kernel, error) {
	return func(*Attrs) (Kernel, error) { return &pow{base, exponent}, nil }
}

type pow struct{ base, exponent dtypes }

func (k *pow) InPlace() []int { return []int{0} }

func (k *pow) Infer(c *Infer) error {
	if err := k.base.check(0, c.In(0).DType); err != nil {
		return err
	}
	if err := k.exponent.check(1, c.In(1).DType); err != nil {
		return err
	}
	return inferTwo(c, nil, c.In(0).DType)
}

func (k *pow) Run(c *Ctx) error {
	a, b := c.In(0), c.In(1)
	if err := k.base.check(0, a.DType()); err != nil {
		return err
	}
	if err := k.exponent.check(1, b.DType()); err != nil {
		return err
	}
	if isHalf(a.DType()) {
		return inFloat32(c, a.DType(), k.Run)
	}
	y, bc, err := outTwo(c, nil, a.DType(), a, b)
	if err != nil {
		return err
	}
	if a.DType() == b.DType() {
		switch a.DType() {
		case tensor.Float32:
			binaryOf[float32](c, kernel.OpPow, y, a, b, bc)
			return nil
		case tensor.Float64:
			binaryOf[float64](c, kernel.OpPow, y, a, b, bc)
			return nil
		}
	}
	if a.DType().IsInteger() && b.DType().IsInteger() {
		e, err := reserved[int64](c, b.Len())
		if err != nil {
			return err
		}
		convertNumbers(e, b)
		if a.DType() == tensor.Int32 {
			kernel.PowInt(tensor.Of[int32](y), tensor.Of[int32](a), e, &bc)
		} else {
			kernel.PowInt(tensor.Of[int64](y), tensor.Of[int64](a), e, &bc)
		}
		return nil
	}
	e, err := c.F64(b.Len())
	if err != nil {
		return err
	}
	if isHalf(b.DType()) {
		w, err := c.F32(b.Len())
		if err != nil {
			return err
		}
		widen(w, b)
		kernel.ConvertTo(e, w)
	} else {
		convertNumbers(e, b)
	}
	if a.DType() == tensor.Float32 && len(e) == 1 && float64(float32(e[0])) == e[0] {
		e32, err := c.F32(1)
		if err != nil {
			return err
		}
		e32[0] = float32(e[0])
		kernel.Binary(c.Pool(), kernel.OpPow, tensor.Of[float32](y), tensor.Of[float32](a), e32, &bc)
		return nil
	}
	switch a.DType() {
	case tensor.Float32:
		kernel.PowF64(tensor.Of[float32](y), tensor.Of[float32](a), e, &bc)
	case tensor.Float64:
		kernel.PowF64(tensor.Of[float64](y), tensor.Of[float64](a), e, &bc)
	case tensor.Int32:
		kernel.PowF64(tensor.Of[int32](y), tensor.Of[int32](a), e, &bc)
	case tensor.Int64:
		kernel.PowF64(tensor.Of[int64](y), tensor.Of[int64](a), e, &bc)
	}
	return nil
}
