package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// compareOps are the comparisons, the functions of truth values and of bits,
// and Where.
func compareOps() []Op {
	ordered := func(name string, op kernel.CompareOp) Op {
		return Op{Name: name, Versions: []Version{
			oldBroadcast(1, oldCompare(op, floats)),
			two(7, newCompare(op, floats)), two(9, newCompare(op, numbers)), two(13, newCompare(op, numbersBF)),
		}}
	}
	orEqual := func(name string, op kernel.CompareOp) Op {
		return Op{Name: name, Versions: []Version{two(12, newCompare(op, numbers)), two(16, newCompare(op, numbersBF))}}
	}
	logic := func(name string, op kernel.BitOp) Op {
		return Op{Name: name, Versions: []Version{
			oldBroadcast(1, func(_ *Attrs, r shapeRule) (Kernel, error) { return &bitwise{op, boolType, r}, nil }),
			two(7, newBitwise(op, boolType)),
		}}
	}
	bits := func(name string, op kernel.BitOp) Op {
		return Op{Name: name, Versions: []Version{two(18, newBitwise(op, integers))}}
	}
	equal1 := types(tensor.Bool, tensor.Int32, tensor.Int64)
	return []Op{
		{Name: "Equal", Versions: []Version{
			oldBroadcast(1, oldCompare(kernel.OpEqual, equal1)),
			// The floats came with opset 11, but PyTorch writes them from 7 on.
			two(7, newCompare(kernel.OpEqual, numbers|boolType)),
			two(11, newCompare(kernel.OpEqual, numbers|boolType)),
			two(13, newCompare(kernel.OpEqual, numbersBF|boolType)),
			two(19, newCompare(kernel.OpEqual, numbersBF|boolType|strType)),
		}},
		ordered("Less", kernel.OpLess),
		ordered("Greater", kernel.OpGreater),
		orEqual("LessOrEqual", kernel.OpLessOrEqual),
		orEqual("GreaterOrEqual", kernel.OpGreaterOrEqual),
		logic("And", kernel.OpAnd),
		logic("Or", kernel.OpOr),
		logic("Xor", kernel.OpXor),
		bits("BitwiseAnd", kernel.OpAnd),
		bits("BitwiseOr", kernel.OpOr),
		bits("BitwiseXor", kernel.OpXor),
		{Name: "BitShift", Versions: []Version{two(11, newBitShift)}},
		{Name: "Where", Versions: []Version{
			{Since: 9, MinIn: 3, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newWhere(numbers | strType | boolType | complexes)},
			{Since: 16, MinIn: 3, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newWhere(numbersBF | strType | boolType | complexes)},
		}},
	}
}

func newCompare(op kernel.CompareOp, allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(*Attrs) (Kernel, error) { return &compare{op, allowed, nil}, nil }
}

func oldCompare(op kernel.CompareOp, allowed dtypes) func(*Attrs, shapeRule) (Kernel, error) {
	return func(_ *Attrs, r shapeRule) (Kernel, error) { return &compare{op, allowed, r}, nil }
}

// compare is y = a op b for inputs of one type; y is bool.
type compare struct {
	op      kernel.CompareOp
	allowed dtypes
	shape   shapeRule
}

func (k *compare) Infer(c *Infer) error {
	if err := checkTwo(k.allowed, c.In(0).DType, c.In(1).DType); err != nil {
		return err
	}
	return inferTwo(c, k.shape, tensor.Bool)
}

func checkTwo(allowed dtypes, a, b tensor.DType) error {
	if err := allowed.check(0, a); err != nil {
		return err
	}
	if err := allowed.check(1, b); err != nil {
		return err
	}
	return sameType(1, b, a)
}

func (k *compare) Run(c *Ctx) error {
	a, b := c.In(0), c.In(1)
	if err := checkTwo(k.allowed, a.DType(), b.DType()); err != nil {
		return err
	}
	y, bc, err := outTwo(c, k.shape, tensor.Bool, a, b)
	if err != nil {
		return err
	}
	out := tensor.Of[bool](y)
	switch a.DType() {
	case tensor.Float16, tensor.BFloat16:
		na, nb := a.Len(), b.Len()
		tmp, err := c.F32(na + nb)
		if err != nil {
			return err
		}
		widen(tmp[:na], a)
		widen(tmp[na:], b)
		kernel.Compare(c.Pool(), k.op, out, tmp[:na], tmp[na:], &bc)
	case tensor.Bool:
		kernel.Bitwise(c.Pool(), kernel.OpXnor, asUint8(y), asUint8(a), asUint8(b), &bc)
	case tensor.String:
		kernel.Compare(c.Pool(), k.op, out, tensor.Of[string](a), tensor.Of[string](b), &bc)
	default:
		pick(a.DType(), compareOf[float32], compareOf[float64], compareOf[int8], compareOf[int16], compareOf[int32],
			compareOf[int64], compareOf[uint8], compareOf[uint16], compareOf[uint32], compareOf[uint64])(c, k.op, out, a, b, bc)
	}
	return nil
}

func compareOf[T number](c *Ctx, op kernel.CompareOp, y []bool, a, b *tensor.Tensor, bc kernel.Broadcast) {
	kernel.Compare(c.Pool(), op, y, tensor.Of[T](a), tensor.Of[T](b), &bc)
}

// asUint8 is a bool tensor as the bytes it consists of, 0 and 1.
func asUint8(t *tensor.Tensor) []uint8 { return t.Bytes() }

func newBitwise(op kernel.BitOp, allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(*Attrs) (Kernel, error) { return &bitwise{op, allowed, nil}, nil }
}

func newBitShift(a *Attrs) (Kernel, error) {
	a.Require("direction")
	if a.Enum("direction", "", "LEFT", "RIGHT") == "LEFT" {
		return &bitwise{kernel.OpShiftLeft, unsigned, nil}, nil
	}
	return &bitwise{kernel.OpShiftRight, unsigned, nil}, nil
}

// bitwise is y = a op b on the bits of integers or on truth values.
type bitwise struct {
	op      kernel.BitOp
	allowed dtypes
	shape   shapeRule
}

func (k *bitwise) InPlace() []int {
	if k.shape != nil {
		return []int{0}
	}
	return []int{0, 1}
}

func (k *bitwise) Infer(c *Infer) error {
	if err := checkTwo(k.allowed, c.In(0).DType, c.In(1).DType); err != nil {
		return err
	}
	return inferTwo(c, k.shape, c.In(0).DType)
}

func (k *bitwise) Run(c *Ctx) error {
	a, b := c.In(0), c.In(1)
	if err := checkTwo(k.allowed, a.DType(), b.DType()); err != nil {
		return err
	}
	y, bc, err := outTwo(c, k.shape, a.DType(), a, b)
	if err != nil {
		return err
	}
	switch a.DType().Size() { // the sign has no part in it: shifts are unsigned only
	case 1:
		kernel.Bitwise(c.Pool(), k.op, sameWidth[uint8](y), sameWidth[uint8](a), sameWidth[uint8](b), &bc)
	case 2:
		kernel.Bitwise(c.Pool(), k.op, sameWidth[uint16](y), sameWidth[uint16](a), sameWidth[uint16](b), &bc)
	case 4:
		kernel.Bitwise(c.Pool(), k.op, sameWidth[uint32](y), sameWidth[uint32](a), sameWidth[uint32](b), &bc)
	case 8:
		kernel.Bitwise(c.Pool(), k.op, sameWidth[uint64](y), sameWidth[uint64](a), sameWidth[uint64](b), &bc)
	}
	return nil
}

// sameWidth is t's elements as values of another type of the same size.
func sameWidth[T tensor.Elem](t *tensor.Tensor) []T { return tensor.Of[T](t) }

func newWhere(allowed dtypes) func(*Attrs) (Kernel, error) {
	return func(*Attrs) (Kernel, error) { return &where{allowed}, nil }
}

// where is y = a where cond, else b.
type where struct{ allowed dtypes }

func (k *where) check(cond, a, b tensor.DType) error {
	if err := boolType.check(0, cond); err != nil {
		return err
	}
	if err := k.allowed.check(1, a); err != nil {
		return err
	}
	if err := k.allowed.check(2, b); err != nil {
		return err
	}
	if a != b && a != tensor.Undefined && b != tensor.Undefined {
		return fmt.Errorf("input 2: has type %v, expected %v like input 1", b, a)
	}
	return nil
}

func (k *where) InPlace() []int { return []int{1, 2} }

func (k *where) Infer(c *Infer) error {
	if err := k.check(c.In(0).DType, c.In(1).DType, c.In(2).DType); err != nil {
		return err
	}
	dt := c.In(1).DType
	if dt == tensor.Undefined {
		dt = c.In(2).DType
	}
	return c.Broadcast(0, dt, 0, 1, 2)
}

func (k *where) Run(c *Ctx) error {
	cond, a, b := c.In(0), c.In(1), c.In(2)
	if err := k.check(cond.DType(), a.DType(), b.DType()); err != nil {
		return err
	}
	var s1, s2 [tensor.MaxRank]int
	sab, err := tensor.Broadcast(s1[:0], cond.Shape(), a.Shape())
	if err != nil {
		return err
	}
	shape, err := tensor.Broadcast(s2[:0], sab, b.Shape())
	if err != nil {
		return err
	}
	y, err := c.Out(0, a.DType(), shape...)
	if err != nil {
		return err
	}
	bc := kernel.NewBroadcast(y.Shape(), cond.Shape(), a.Shape(), b.Shape())
	switch a.DType().Size() {
	case 0:
		kernel.Where(c.Pool(), tensor.Of[string](y), tensor.Of[bool](cond), tensor.Of[string](a), tensor.Of[string](b), &bc)
	case 1:
		whereOf[uint8](c, y, cond, a, b, &bc)
	case 2:
		whereOf[uint16](c, y, cond, a, b, &bc)
	case 4:
		whereOf[uint32](c, y, cond, a, b, &bc)
	case 8:
		whereOf[uint64](c, y, cond, a, b, &bc)
	case 16:
		whereOf[complex128](c, y, cond, a, b, &bc)
	}
	return nil
}

func whereOf[T tensor.Elem](c *Ctx, y, cond, a, b *tensor.Tensor, bc *kernel.Broadcast) {
	kernel.Where(c.Pool(), tensor.Of[T](y), tensor.Of[bool](cond), sameWidth[T](a), sameWidth[T](b), bc)
}
