package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// contribDynamicOps are operators of ONNX Runtime's own domain with 8-bit
// weights and real data, which is quantised by its range as it comes.
func contribDynamicOps() []Op {
	const domain = "com.microsoft"
	return []Op{
		{Name: "DynamicQuantizeLSTM", Domain: domain, Versions: []Version{
			{Since: 1, MinIn: 12, MaxIn: 12, MinOut: 0, MaxOut: 3, Holes: true, New: newDynamicLSTM}}},
		{Name: "DynamicQuantizeMatMul", Domain: domain, Versions: []Version{
			{Since: 1, MinIn: 3, MaxIn: 5, MinOut: 1, MaxOut: 1, New: newRealProduct(true)}}},
		{Name: "MatMulIntegerToFloat", Domain: domain, Versions: []Version{
			{Since: 1, MinIn: 4, MaxIn: 7, MinOut: 1, MaxOut: 1, New: newRealProduct(false)}}},
	}
}

// realProduct is the product of quantised matrices as real numbers, plus a bias.
// Inputs are a, b, a's scale, b's scale, a's and b's zero points, bias; if
// dynamic they are a, b, b's scale and zero point, bias, and a is real.
type realProduct struct {
	dynamic bool
	zero    bool // b has a zero point
	b       *intMatrix
	scaled  bool // b holds its scale
}

func newRealProduct(dynamic bool) func(a *Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k := realProduct{dynamic: dynamic}
		_, zero, _ := k.places()
		k.zero = zero < len(a.Inputs) && a.Inputs[zero]
		return k, nil
	}
}

// places are where b's scale, its zero point and the bias are among the inputs.
func (k realProduct) places() (scale, zero, bias int) {
	if k.dynamic {
		return 2, 3, 4
	}
	return 3, 5, 6
}

// Prepack packs a constant b with its zero point and its scale, which must be
// constant if dynamic.
func (k realProduct) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	scaleAt, zeroAt, _ := k.places()
	drop, scale := []int{1}, []float32{1}
	if s := consts[scaleAt]; s != nil && s.DType() == tensor.Float32 && s.Rank() <= 1 {
		drop, scale, k.scaled = append(drop, scaleAt), tensor.Of[float32](s), true
	} else if k.dynamic {
		return nil, nil, nil
	}
	var zero *tensor.Tensor
	if k.zero {
		if zero = consts[zeroAt]; zero == nil {
			return nil, nil, nil
		}
		drop = append(drop, zeroAt)
	}
	if k.b = packIntegers(memory, consts[1], zero, scale); k.b == nil {
		return nil, nil, nil
	}
	return k, drop, nil
}

func (k realProduct) check(dt func(i int) tensor.DType) error {
	scale, zero, bias := k.places()
	a := byteTypes
	if k.dynamic {
		a = types(tensor.Float32)
	}
	if err := a.check(0, dt(0)); err != nil {
		return err
	}
	if err := byteTypes.check(1, dt(1)); err != nil {
		return err
	}
	reals := [3]int{scale, bias, scale}
	if !k.dynamic {
		reals[2] = 2
		if err := sameAs(4, dt(4), 0, dt(0)); err != nil {
			return err
		}
	}
	for _, i := range reals {
		if err := types(tensor.Float32).check(i, dt(i)); err != nil {
			return err
		}
	}
	return sameAs(zero, dt(zero), 1, dt(1))
}

// checkColumns refuses input i if it has neither one element nor one per column.
func checkColumns(i int, shape []int, n int) error {
	if have := tensor.Shape(shape).Len(); have == 1 || have == n && len(shape) > 0 && shape[len(shape)-1] == n {
		return nil
	}
	return fmt.Errorf("input %d: has shape %v, expected a scalar or (%d)", i, shapeOf(shape), n)
}

func (k realProduct) Infer(c *Infer) error {
	if err := k.check(func(i int) tensor.DType { return c.In(i).DType }); err != nil {
		return err
	}
	b := c.In(1)
	if k.b != nil {
		b = Shaped(k.b.dtype, k.b.shape...)
	}
	return inferProduct(c, tensor.Float32, c.In(0), b)
}

func (k realProduct) Run(c *Ctx) error {
	if err := k.check(c.dtype); err != nil {
		return err
	}
	scaleAt, zeroAt, biasAt := k.places()
	a, b, scale, zero, bias := c.In(0), c.In(1), c.In(scaleAt), c.In(zeroAt), c.In(biasAt)
	var of tensor.Shape // b's
	if k.b != nil {
		of = k.b.shape
	} else {
		of = b.Shape()
	}
	var dims [tensor.MaxRank + 2]int
	shape, err := matmulShape(dims[:0], a.Shape(), of)
	if err != nil {
		return err
	}
	n := 1
	if len(of) > 1 {
		n = of[len(of)-1]
	}
	if k.scaled {
		return k.runPacked(c, a, bias, shape, n)
	}
	if err := checkColumns(scaleAt, scale.Shape(), n); err != nil {
		return err
	}
	if zero != nil {
		if err := checkColumns(zeroAt, zero.Shape(), n); err != nil {
			return err
		}
	}
	if bias != nil {
		if err := checkDims(biasAt, bias.Shape(), n); err != nil {
			return err
		}
	}
	var aScale, aZero *tensor.Tensor
	if k.dynamic {
		q, err := runInner(c, dynamicQuantize{}, 3, a)
		if err != nil {
			return err
		}
		a, aScale, aZero = q[0], q[1], q[2]
	} else if aScale, aZero, err = scalarRange(c); err != nil {
		return err
	}
	acc, err := runInner(c, matmulInteger{zero: zero != nil, b: k.b}, 1, a, b, aZero, zero)
	if err != nil {
		return err
	}
	y, err := c.Out(0, tensor.Float32, shape...)
	if err != nil {
		return err
	}
	columns, err := reserved[float32](c, scale.Len())
	if err != nil {
		return err
	}
	kernel.MulScalar(columns, tensor.Of[float32](scale), tensor.Of[float32](aScale)[0])
	out := tensor.Of[float32](y)
	kernel.Scale(out, tensor.Of[int32](acc[0]), n, []float32{1}, columns)
	if bias != nil {
		kernel.AddRows(out, out, tensor.Of[float32](bias))
	}
	return nil
}

// scalarRange is the scale and zero point of a, inputs 2 and 4, which have one
// element.
func scalarRange(c *Ctx) (scale, zero *tensor.Tensor, err error) {
	if scale, zero = c.In(2), c.In(4); scale.Len() != 1 || zero != nil && zero.Len() != 1 {
		return nil, nil, fmt.Errorf("input 2: has shape %v, expected a scalar and a scalar zero point", scale.Shape())
	}
	return scale, zero, nil
}

// runPacked is Run once b and its scale are packed.
func (k realProduct) runPacked(c *Ctx, a, bias *tensor.Tensor, shape []int, n int) error {
	e := kernel.Epilogue{}
	if bias != nil {
		_, _, at := k.places()
		if err := checkDims(at, bias.Shape(), n); err != nil {
			return err
		}
		e.Bias = tensor.Of[float32](bias)
	}
	y, err := c.Out(0, tensor.Float32, shape...)
	if err != nil || y.Len() == 0 {
		return err
	}
	if !k.dynamic {
		scale, zero, err := scalarRange(c)
		if err != nil {
			return err
		}
		return k.b.times(c, tensor.Of[float32](y), a, tensor.Of[float32](scale)[0], zero, e)
	}
	inner, _ := k.b.packed.Size()
	rows := a.Len() / inner
	if err := c.Memory.Reserve(kernel.RoomToRound(rows, inner)); err != nil {
		return err
	}
	kernel.GemmPacked(c.Pool(), rows, tensor.Of[float32](a), inner, k.b.packed, tensor.Of[float32](y), n, e)
	return nil
}
