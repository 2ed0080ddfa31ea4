package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// contribQuantisedOps are operators of ONNX Runtime's own domain on 8-bit
// numbers with scales and zero points.
func contribQuantisedOps() []Op {
	const domain = "com.microsoft"
	f32 := types(tensor.Float32)
	op := func(name string, minIn, maxIn int, f func(*Attrs) (Kernel, error)) Op {
		return Op{Name: name, Domain: domain, Versions: []Version{
			{Since: 1, MinIn: minIn, MaxIn: maxIn, MinOut: 1, MaxOut: 1, Holes: true, New: f}}}
	}
	// one is of one quantised input, with the output's scale after it.
	one := func(name string, f func(*Attrs) (Kernel, error)) Op { return op(name, 4, 5, inReal([]int{0}, 3, f)) }
	ints := types(tensor.Int8, tensor.Uint8, tensor.Int16, tensor.Uint16) | int4s
	reals := types(tensor.Float32, tensor.Float16)
	return []Op{
		op("QLinearAdd", 7, 8, newQLinearBinary(kernel.OpAdd)),
		op("QLinearMul", 7, 8, newQLinearBinary(kernel.OpMul)),
		one("QLinearSigmoid", func(*Attrs) (Kernel, error) {
			return &unary{f32, loops{f32: kernel.Sigmoid}}, nil
		}),
		one("QLinearLeakyRelu", newLeakyRelu(f32)),
		one("QLinearSoftmax", newContribSoftmax),
		op("QLinearWhere", 8, 9, newQLinearWhere),
		op("QLinearConcat", 5, Unlimited, newQLinearConcat),
		op("QGemm", 6, 9, newQGemm),
		{Name: "QuantizeLinear", Domain: domain, Versions: []Version{
			{Since: 1, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newContribQuantize(reals, ints)}}},
		{Name: "DequantizeLinear", Domain: domain, Versions: []Version{
			{Since: 1, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newDequantize(21, ints|types(tensor.Int32), reals)}}},
	}
}

// newContribQuantize is ONNX's with quotients in float32, of float16 too.
func newContribQuantize(from, to dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k, err := newQuantize(21, from, from, to)(a)
		if err != nil {
			return nil, err
		}
		q := k.(*quantize)
		q.precision = tensor.Float32
		return q, nil
	}
}

// newContribSoftmax is Softmax as attribute "opset" of ONNX's has it.
func newContribSoftmax(a *Attrs) (Kernel, error) {
	a.Require("opset")
	if a.Int("opset", 0) < 13 {
		return newSoftmax(softmaxOf, types(tensor.Float32), 1, true)(a)
	}
	return newSoftmax(softmaxOf, types(tensor.Float32), -1, false)(a)
}

// realInside is an operator on 8-bit numbers that is computed by a float32
// kernel. Each of that kernel's inputs is three: numbers, scale, zero point,
// after those that it gets as they are.
type realInside struct {
	inner Kernel
	plain int   // inputs that inner gets as they are
	in    []int // where each of inner's other inputs starts
	out   int   // where the output's scale is; its zero point follows

	zeroFirst bool // the output is rounded with its zero point added, as pools do
	whole     bool // inner gets whole numbers: the one input's scale comes in with the output's
}

func inReal(in []int, out int, f func(*Attrs) (Kernel, error)) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k := realInside{plain: min(in[0], out), in: in, out: out}
		var err error
		if k.inner, err = f(a); err != nil {
			return nil, err
		}
		for i := range max(slices.Max(in)+3, out+1) {
			if zero := slices.Contains(in, i-2) || i == out+1; !zero && (i >= len(a.Inputs) || !a.Inputs[i]) {
				return nil, fmt.Errorf("input %d is missing", i)
			}
		}
		return k, nil
	}
}

// newQLinearWhere takes the condition first.
func newQLinearWhere(a *Attrs) (Kernel, error) {
	return inReal([]int{1, 4}, 7, newWhere(types(tensor.Float32)))(a)
}

// newQLinearConcat takes the output's scale and zero point first.
func newQLinearConcat(a *Attrs) (Kernel, error) {
	var in []int
	for i := 2; i < len(a.Inputs) || i == 2; i += 3 {
		in = append(in, i)
	}
	return inReal(in, 0, newConcat)(a)
}

// check checks types and the scalars' sizes, as far as they are known, and
// returns the output's type.
func (k realInside) check(at func(i int) Fact) (tensor.DType, error) {
	first := at(k.in[0]).DType
	scalars := func(scale int) error { // a scale and the zero point after it
		if err := types(tensor.Float32).check(scale, at(scale).DType); err != nil {
			return err
		}
		if err := sameAs(scale+1, at(scale+1).DType, k.in[0], first); err != nil {
			return err
		}
		for i := scale; i < scale+2; i++ {
			f := at(i)
			if f.Ranked && tensor.Shape(f.Shape).Len() != 1 && !slices.Contains(f.Shape, Unknown) {
				return fmt.Errorf("input %d: has shape %v, expected a scalar", i, shapeOf(f.Shape))
			}
		}
		return nil
	}
	for _, i := range k.in {
		if err := byteTypes.check(i, at(i).DType); err != nil {
			return 0, err
		}
		if err := sameAs(i, at(i).DType, k.in[0], first); err != nil {
			return 0, err
		}
		if err := scalars(i + 1); err != nil {
			return 0, err
		}
	}
	if err := scalars(k.out); err != nil {
		return 0, err
	}
	return first, nil
}

func (k realInside) Infer(c *Infer) error {
	dt, err := k.check(c.In)
	if err != nil {
		return err
	}
	inner := Infer{out: make([]Fact, 1)}
	for i := range k.plain {
		inner.in, inner.has = append(inner.in, c.In(i)), append(inner.has, true)
	}
	for _, i := range k.in {
		f := c.In(i)
		inner.in, inner.has = append(inner.in, Fact{DType: tensor.Float32, Shape: f.Shape, Ranked: f.Ranked}), append(inner.has, true)
	}
	if err := k.inner.Infer(&inner); err != nil {
		return err
	}
	f := inner.out[0]
	c.Set(0, Fact{DType: dt, Shape: f.Shape, Ranked: f.Ranked})
	return nil
}

// factOrNone is what is known of input i of a run.
func (c *Ctx) factOrNone(i int) Fact {
	if t := c.In(i); t != nil {
		return FactOf(t)
	}
	return Fact{}
}

func (k realInside) Run(c *Ctx) error {
	dt, err := k.check(c.factOrNone)
	if err != nil {
		return err
	}
	real := make([]*tensor.Tensor, k.plain+len(k.in))
	for i := range k.plain {
		real[i] = c.In(i)
	}
	widen := &dequantize{from: byteTypes, scale: types(tensor.Float32)}
	one, err := tensor.New([]float32{1})
	if err != nil {
		return err
	}
	for j, i := range k.in {
		scale := c.In(i + 1)
		if k.whole {
			scale = one
		}
		y, err := runInner(c, widen, 1, c.In(i), scale, c.In(i+2))
		if err != nil {
			return err
		}
		real[k.plain+j] = y[0]
	}
	y, err := runInner(c, k.inner, 1, real...)
	if err != nil {
		return err
	}
	if k.zeroFirst {
		return k.quantiseSums(c, y[0], dt)
	}
	return requantised(c, y[0], c.In(k.out), c.In(k.out+1), dt)
}

// quantiseSums makes y output 0, rounded after its zero point is added.
func (k realInside) quantiseSums(c *Ctx, y *tensor.Tensor, dt tensor.DType) error {
	out, err := c.Out(0, dt, y.Shape()...)
	if err != nil {
		return err
	}
	x, scale, zero := tensor.Of[float32](y), tensor.Of[float32](c.In(k.out))[0], c.In(k.out+1)
	if k.whole {
		scale /= tensor.Of[float32](c.In(k.in[0] + 1))[0]
	}
	if dt == tensor.Int8 {
		kernel.QuantizeSums(tensor.Of[int8](out), x, scale, zeroOf[int8](zero))
	} else {
		kernel.QuantizeSums(tensor.Of[uint8](out), x, scale, zeroOf[uint8](zero))
	}
	return nil
}

// requantised makes y output 0 as numbers of type dt, which is zero's where that
// is not nil.
func requantised(c *Ctx, y, scale, zero *tensor.Tensor, dt tensor.DType) error {
	last := *c
	last.Inputs = []tensor.Value{y, scale, nil}
	if zero != nil {
		last.Inputs[2] = zero
	}
	narrow := &quantize{from: types(tensor.Float32), scale: types(tensor.Float32), allowed: byteTypes, saturate: true, like: zero != nil, to: dt}
	return narrow.Run(&last)
}

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

// zeroOf is the zero point z, 0 if there is none.
func zeroOf[T tensor.Elem](z *tensor.Tensor) (zero T) {
	if z == nil {
		return zero
	}
	return tensor.Of[T](z)[0]
}
