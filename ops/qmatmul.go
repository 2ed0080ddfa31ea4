package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// qmatmulOps are the matrix products of quantised numbers.
func qmatmulOps() []Op {
	bytes := byteTypes
	return []Op{
		{Name: "MatMulInteger", Versions: []Version{
			{Since: 10, MinIn: 2, MaxIn: 4, MinOut: 1, MaxOut: 1, New: func(a *Attrs) (Kernel, error) { return matmulInteger{zero: len(a.Inputs) > 3 && a.Inputs[3]}, nil }},
		}},
		{Name: "QLinearMatMul", Versions: []Version{
			{Since: 10, MinIn: 8, MaxIn: 8, MinOut: 1, MaxOut: 1, New: newQLinearMatMul(bytes, types(tensor.Float32))},
			{Since: 21, MinIn: 8, MaxIn: 8, MinOut: 1, MaxOut: 1, New: newQLinearMatMul(bytes|float8s, floatsBF&^types(tensor.Float64))},
		}},
	}
}

// matmulInteger is y = (a - zero point) x (b - zero point) in int32; the zero
// points, inputs 2 and 3, may be absent, scalars, or one per row of a and
// column of b.
type matmulInteger struct {
	zero bool // b has a zero point
	b    *intMatrix
}

// Prepack packs a constant b with its zero point.
func (k matmulInteger) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	var zero *tensor.Tensor
	if k.zero {
		if zero = consts[3]; zero == nil {
			return nil, nil, nil
		}
	}
	if k.b = packIntegers(memory, consts[1], zero, []float32{1}); k.b == nil {
		return nil, nil, nil
	}
	if k.zero {
		return k, []int{1, 3}, nil
	}
	return k, []int{1}, nil
}

func (matmulInteger) check(dt func(i int) tensor.DType) error {
	bytes := byteTypes
	for i := range 4 {
		if err := bytes.check(i, dt(i)); err != nil {
			return err
		}
		if i >= 2 && dt(i) != tensor.Undefined && dt(i-2) != tensor.Undefined && dt(i) != dt(i-2) {
			return fmt.Errorf("input %d: has type %v, expected %v like input %d", i, dt(i), dt(i-2), i-2)
		}
	}
	return nil
}

func (k matmulInteger) Infer(c *Infer) error {
	c.Set(0, Unranked(tensor.Int32))
	if err := k.check(func(i int) tensor.DType { return c.In(i).DType }); err != nil {
		return err
	}
	b := c.In(1)
	if k.b != nil {
		b = Shaped(k.b.dtype, k.b.shape...)
	}
	return inferProduct(c, tensor.Int32, c.In(0), b)
}

func (k matmulInteger) Run(c *Ctx) error {
	if err := k.check(c.dtype); err != nil {
		return err
	}
	a, b := c.In(0), c.In(1)
	var dims [tensor.MaxRank + 2]int
	if k.b != nil {
		shape, err := matmulShape(dims[:0], a.Shape(), k.b.shape)
		if err != nil {
			return err
		}
		y, err := c.Out(0, tensor.Int32, shape...)
		if err != nil {
			return err
		}
		return k.b.product(c, tensor.Of[int32](y), a, c.In(2))
	}
	shape, err := matmulShape(dims[:0], a.Shape(), b.Shape())
	if err != nil {
		return err
	}
	as, err := centred[int32](c, 2, a, true)
	if err != nil {
		return err
	}
	bs, err := centred[int32](c, 3, b, false)
	if err != nil {
		return err
	}
	y, err := c.Out(0, tensor.Int32, shape...)
	if err != nil {
		return err
	}
	return multiply(c, as, bs, tensor.Of[int32](y), a.Shape(), b.Shape())
}

func newQLinearMatMul(allowed, scale dtypes) func(*Attrs) (Kernel, error) {
	return func(*Attrs) (Kernel, error) { return &qlinearMatMul{allowed: allowed, scale: scale}, nil }
}

// qlinearMatMul is the product of a and b, each with scale and zero point
// (inputs 0 to 2 and 3 to 5), quantised with inputs 6 and 7.
type qlinearMatMul struct {
	allowed, scale dtypes
	b              *intMatrix // with its scale
}

// Prepack packs a constant b with its scale and zero point where the product is
// of bytes, and all else of them is one constant.
func (k *qlinearMatMul) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	for i, of := range [8]dtypes{1: types(tensor.Float32), 2: byteTypes, 6: types(tensor.Float32), 7: byteTypes} {
		if t := consts[i]; of != 0 && (t == nil || !of.has(t.DType()) || t.Len() != 1) {
			return nil, nil, nil
		}
	}
	scale := consts[4]
	if scale == nil || scale.DType() != tensor.Float32 || scale.Rank() > 1 || consts[5] == nil {
		return nil, nil, nil
	}
	b := packIntegers(memory, consts[3], consts[5], tensor.Of[float32](scale))
	if b == nil {
		return nil, nil, nil
	}
	return &qlinearMatMul{k.allowed, k.scale, b}, []int{3, 4, 5}, nil
}

func (k *qlinearMatMul) check(dt func(i int) tensor.DType) error {
	for _, i := range []int{0, 3, 7} {
		if err := k.allowed.check(i, dt(i)); err != nil {
			return err
		}
	}
	for _, i := range []int{1, 4, 6} {
		if err := k.scale.check(i, dt(i)); err != nil {
			return err
		}
	}
	for _, i := range []int{2, 5} {
		if z, x := dt(i), dt(i-2); z != x && z != tensor.Undefined && x != tensor.Undefined {
			return fmt.Errorf("input %d: has type %v, expected %v like input %d", i, z, x, i-2)
		}
	}
	return nil
}

func (k *qlinearMatMul) Infer(c *Infer) error {
	if err := k.check(func(i int) tensor.DType { return c.In(i).DType }); err != nil {
		return err
	}
	b := c.In(3)
	if k.b != nil {
		b = Shaped(k.b.dtype, k.b.shape...)
	}
	return inferProduct(c, c.In(7).DType, c.In(0), b)
}

func (k *qlinearMatMul) Run(c *Ctx) error {
	if err := k.check(c.dtype); err != nil {
		return err
	}
	a, b := c.In(0), c.In(3)
	if k.b != nil {
		return k.runPacked(c, a)
	}
	var dims [tensor.MaxRank + 2]int
	shape, err := matmulShape(dims[:0], a.Shape(), b.Shape())
	if err != nil {
		return err
	}
	y, err := c.Out(0, c.dtype(7), shape...)
	if err != nil {
		return err
	}
	rows, columns, err := k.factors(c)
	if err != nil {
		return err
	}
	n := 1
	if b.Rank() > 1 {
		n = b.Dim(b.Rank() - 1)
	}
	if byteTypes.has(a.DType()) && byteTypes.has(b.DType()) && a.Dim(a.Rank()-1) > exactProducts {
		return qproduct[int32](c, a, b, y, n, rows, columns)
	}
	return qproduct[float32](c, a, b, y, n, rows, columns)
}

// runPacked is Run once b is packed.
func (k *qlinearMatMul) runPacked(c *Ctx, a *tensor.Tensor) error {
	var dims [tensor.MaxRank + 2]int
	shape, err := matmulShape(dims[:0], a.Shape(), k.b.shape)
	if err != nil {
		return err
	}
	y, err := c.Out(0, c.dtype(7), shape...)
	if err != nil || y.Len() == 0 {
		return err
	}
	product, err := c.F32(y.Len())
	if err != nil {
		return err
	}
	factor := tensor.Of[float32](c.In(1))[0] / tensor.Of[float32](c.In(6))[0]
	if err := k.b.times(c, product, a, factor, c.In(2), kernel.Epilogue{}); err != nil {
		return err
	}
	roundToBytes(c, y, product, c.In(7))
	return nil
}

// roundToBytes is y = clamp(round(x) + zero), of bytes; zero has one element.
func roundToBytes(c *Ctx, y *tensor.Tensor, x []float32, zero *tensor.Tensor) {
	b, one := kernel.Blocks{Outer: 1, N: 1, Inner: len(x), Size: 1}, [1]float32{1}
	if y.DType() == tensor.Int8 {
		kernel.Quantize(c.Pool(), tensor.Of[int8](y), x, one[:], tensor.Of[int8](zero), &b, -128, 127, nil)
	} else {
		kernel.Quantize(c.Pool(), tensor.Of[uint8](y), x, one[:], tensor.Of[uint8](zero), &b, 0, 255, nil)
	}
}

// exactProducts is how many products of differences of bytes float32 adds
// without rounding.
const exactProducts = 1 << 24 / (255 * 255)

// factors are what a product is multiplied by, by row and by column: a's scale
// divided by y's, and b's.
func (k *qlinearMatMul) factors(c *Ctx) (rows, columns []float32, err error) {
	sa, sb, sy := c.In(1), c.In(4), c.In(6)
	if sy.Len() != 1 || c.In(7).Len() != 1 {
		return nil, nil, fmt.Errorf("input 6: has shape %v, expected a scalar", sy.Shape())
	}
	a, b := c.In(0), c.In(3)
	if sa.Len() != 1 && (a.Rank() < 2 || sa.Len() != a.Dim(a.Rank()-2)) {
		return nil, nil, fmt.Errorf("input 1: has shape %v, expected a scalar or one scale per row", sa.Shape())
	}
	if sb.Len() != 1 && (b.Rank() < 2 || sb.Len() != b.Dim(b.Rank()-1)) {
		return nil, nil, fmt.Errorf("input 4: has shape %v, expected a scalar or one scale per column", sb.Shape())
	}
	tmp, err := reserved[float32](c, sa.Len()+sb.Len()+1)
	if err != nil {
		return nil, nil, err
	}
	rows, columns = tmp[:sa.Len()], tmp[sa.Len():sa.Len()+sb.Len()]
	widen(rows, sa)
	widen(columns, sb)
	widen(tmp[sa.Len()+sb.Len():], sy)
	kernel.DivScalar(rows, rows, tmp[sa.Len()+sb.Len()])
	return rows, columns, nil
}

func qproduct[T int32 | float32](c *Ctx, a, b, y *tensor.Tensor, n int, rows, columns []float32) error {
	as, err := centred[T](c, 2, a, true)
	if err != nil {
		return err
	}
	bs, err := centred[T](c, 5, b, false)
	if err != nil {
		return err
	}
	acc, err := reserved[T](c, y.Len())
	if err != nil {
		return err
	}
	if err := multiply(c, as, bs, acc, a.Shape(), b.Shape()); err != nil {
		return err
	}
	return requantize(c, y, acc, n, rows, columns)
}

// requantize scales products to y with the zero point in input 7.
func requantize[T int32 | float32](c *Ctx, y *tensor.Tensor, acc []T, n int, rows, columns []float32) error {
	zero := c.In(7)
	if x, ok := any(acc).([]float32); ok && byteTypes.has(y.DType()) && len(rows) == 1 && len(columns) == 1 {
		kernel.MulScalar(x, x, rows[0]*columns[0])
		roundToBytes(c, y, x, zero)
		return nil
	}
	switch y.DType() {
	case tensor.Int8:
		kernel.Requantize(tensor.Of[int8](y), acc, n, rows, columns, tensor.Of[int8](zero)[0], -128, 127)
	case tensor.Uint8:
		kernel.Requantize(tensor.Of[uint8](y), acc, n, rows, columns, tensor.Of[uint8](zero)[0], 0, 255)
	default:
		out, err := reserved[float32](c, len(acc))
		if err != nil {
			return err
		}
		kernel.Scale(out, acc, n, rows, columns)
		castFrom(y, out, tensor.Float32, rounding{saturate: true})
	}
	return nil
}
