package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// quantizeOps turn real numbers into integers with a scale and back.
func quantizeOps() []Op {
	f32i32 := types(tensor.Float32, tensor.Int32)
	real19 := f32i32 | types(tensor.Float16, tensor.BFloat16)
	to19 := types(tensor.Int8, tensor.Uint8) | float8s
	to21 := to19 | types(tensor.Int16, tensor.Uint16) | int4s
	to23 := to21 | types(tensor.Float4E2M1)
	to25 := to23 | int2s
	i32 := types(tensor.Int32)
	e8 := types(tensor.Float8E8M0)
	scale19 := floatsBF &^ types(tensor.Float64)
	f32 := types(tensor.Float32)
	quantize := func(since int, from, scale, to dtypes) Version {
		return Version{Since: since, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newQuantize(since, from, scale, to)}
	}
	dequantize := func(since int, from, scale dtypes) Version {
		return Version{Since: since, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newDequantize(since, from, scale)}
	}
	bytes := byteTypes
	return []Op{
		{Name: "QuantizeLinear", Versions: []Version{
			quantize(10, f32i32, f32, bytes), quantize(13, f32i32, f32, bytes), quantize(19, real19, real19, to19),
			quantize(21, real19, real19, to21), quantize(23, real19, real19, to23), quantize(24, real19, real19|e8, to23),
			quantize(25, real19, real19|e8, to25),
		}},
		{Name: "DequantizeLinear", Versions: []Version{
			dequantize(10, bytes|i32, f32), dequantize(13, bytes|i32, f32), dequantize(19, to19|i32, scale19),
			dequantize(21, to21|i32, scale19), dequantize(23, to23|i32, scale19), dequantize(24, to23|i32, scale19|e8),
			dequantize(25, to25|i32, scale19|e8),
		}},
		{Name: "DynamicQuantizeLinear", Versions: []Version{
			{Since: 11, MinIn: 1, MaxIn: 1, MinOut: 3, MaxOut: 3, New: func(*Attrs) (Kernel, error) { return dynamicQuantize{}, nil }},
		}},
	}
}

// blocking is how scales are spread over a tensor: one in all, one per index of
// axis, or one per block of so many along axis.
type blocking struct {
	axis, size int64
}

func readBlocking(a *Attrs, since int) (b blocking) {
	if b.axis = 1; since >= 13 {
		b.axis = a.Int("axis", 1)
	}
	if since >= 21 {
		if b.size = a.Int("block_size", 0); b.size < 0 {
			a.Fail("block_size", "is %d, expected at least 0", b.size)
		}
	}
	return b
}

// blocks checks the scale's shape (input 1) against the data's.
func (b blocking) blocks(x, scale []int) (k kernel.Blocks, err error) {
	n := tensor.Shape(x).Len()
	k = kernel.Blocks{Outer: 1, N: 1, Inner: n, Size: 1}
	if tensor.Shape(scale).Len() == 1 && (len(scale) <= 1 || b.size == 0) {
		return k, nil
	}
	axis, err := tensor.Axis(b.axis, len(x))
	if err != nil {
		return k, fmt.Errorf("attribute \"axis\": %w", err)
	}
	k.Outer, k.N, k.Inner = around(x, axis)
	if b.size == 0 {
		if len(scale) != 1 || scale[0] != k.N {
			return k, fmt.Errorf("input 1: has shape %v, expected (%d) for axis %d of shape %v", shapeOf(scale), k.N, axis, shapeOf(x))
		}
		k.Step = 1
		return k, nil
	}
	k.Size = int(b.size)
	count := (k.N-1)/k.Size + 1
	fits := len(scale) == len(x)
	for i := range x {
		want := x[i]
		if i == axis {
			want = count
		}
		fits = fits && scale[i] == want
	}
	if !fits {
		return k, fmt.Errorf("input 1: has shape %v, which does not fit shape %v in blocks of %d along axis %d", shapeOf(scale), shapeOf(x), b.size, axis)
	}
	k.OuterStep, k.Step, k.InnerStep = count*k.Inner, k.Inner, 1
	return k, nil
}

// zeroPoint is input 2 if given, which has the scale's shape and type dt.
func zeroPoint(c *Ctx, dt tensor.DType) (*tensor.Tensor, error) {
	z := c.In(2)
	if z == nil {
		return nil, nil
	}
	if z.DType() != dt {
		return nil, fmt.Errorf("input 2: has type %v, expected %v", z.DType(), dt)
	}
	if z.Len() != c.In(1).Len() {
		return nil, fmt.Errorf("input 2: has shape %v, expected %v like input 1", z.Shape(), c.In(1).Shape())
	}
	return z, nil
}

// zerosOf is a zero point's elements, nil if there is none.
func zerosOf[T tensor.Elem](z *tensor.Tensor) []T {
	if z == nil {
		return nil
	}
	return tensor.Of[T](z)
}

func newQuantize(since int, from, scale, to dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k := &quantize{blocking: readBlocking(a, since), from: from, scale: scale, allowed: to, saturate: true, like: len(a.Inputs) > 2 && a.Inputs[2]}
		if since >= 19 {
			k.saturate = a.Bool("saturate", true)
		}
		if since >= 21 {
			if k.to = a.DType("output_dtype", tensor.Undefined); k.to != tensor.Undefined && !to.has(k.to) {
				a.Fail("output_dtype", "is %v, expected %v", k.to, to)
			}
		}
		if since >= 23 {
			k.precision = a.DType("precision", tensor.Undefined)
			if ok := types(tensor.Undefined, tensor.Float32, tensor.Float16, tensor.BFloat16); !ok.has(k.precision) {
				a.Unsupported("precision", "is %v", k.precision)
			}
		}
		return k, nil
	}
}

// quantize is y = x / scale + zero point, rounded and clamped to y's type: that
// of the zero point, or output_dtype, or uint8.
type quantize struct {
	blocking
	from, scale, allowed dtypes
	to, precision        tensor.DType
	saturate, like       bool
}

func (k *quantize) check(x, scale, zero tensor.DType) (to tensor.DType, err error) {
	if err := k.from.check(0, x); err != nil {
		return 0, err
	}
	if err := k.scale.check(1, scale); err != nil {
		return 0, err
	}
	if err := k.allowed.check(2, zero); err != nil {
		return 0, err
	}
	switch {
	case !k.like && k.to == tensor.Undefined:
		return tensor.Uint8, nil
	case !k.like:
		return k.to, nil
	case zero != tensor.Undefined && k.to != tensor.Undefined && zero != k.to:
		return 0, fmt.Errorf("input 2: has type %v, expected %v as attribute \"output_dtype\" has it", zero, k.to)
	}
	return zero, nil
}

func (k *quantize) Infer(c *Infer) error {
	x := c.In(0)
	to, err := k.check(x.DType, c.In(1).DType, c.In(2).DType)
	if err != nil {
		return err
	}
	c.Set(0, Fact{DType: to, Shape: x.Shape, Ranked: x.Ranked})
	return nil
}

func (k *quantize) Run(c *Ctx) error {
	x, scale := c.In(0), c.In(1)
	var zt tensor.DType
	if z := c.In(2); z != nil {
		zt = z.DType()
	}
	to, err := k.check(x.DType(), scale.DType(), zt)
	if err != nil {
		return err
	}
	zero, err := zeroPoint(c, to)
	if err != nil {
		return err
	}
	b, err := k.blocks(x.Shape(), scale.Shape())
	if err != nil {
		return err
	}
	y, err := c.Out(0, to, x.Shape()...)
	if err != nil {
		return err
	}
	nx, ns, nq := x.Len(), scale.Len(), 0 // room for x, scale and zero point, quotients
	if x.DType() == tensor.Float32 {
		nx = 0
	}
	if to.IsFloat() {
		nq = x.Len()
	}
	tmp, err := c.F32(nx + 2*ns + nq)
	if err != nil {
		return err
	}
	xs, scales := asFloat32(tmp[:nx], x), asFloat32(tmp[nx:nx+ns], scale)
	round := rounderTo(k.precision)
	if k.precision == tensor.Undefined && x.DType() == scale.DType() {
		round = rounderTo(x.DType())
	}
	switch to {
	case tensor.Int8:
		kernel.Quantize(c.Pool(), tensor.Of[int8](y), xs, scales, zerosOf[int8](zero), &b, -128, 127, round)
	case tensor.Uint8:
		kernel.Quantize(c.Pool(), tensor.Of[uint8](y), xs, scales, zerosOf[uint8](zero), &b, 0, 255, round)
	case tensor.Int16:
		kernel.Quantize(c.Pool(), tensor.Of[int16](y), xs, scales, zerosOf[int16](zero), &b, -32768, 32767, round)
	case tensor.Uint16:
		kernel.Quantize(c.Pool(), tensor.Of[uint16](y), xs, scales, zerosOf[uint16](zero), &b, 0, 65535, round)
	case tensor.Int4:
		kernel.Quantize(c.Pool(), sameWidth[int8](y), xs, scales, zerosOf[int8](zero), &b, -8, 7, round)
	case tensor.Uint4:
		kernel.Quantize(c.Pool(), sameWidth[uint8](y), xs, scales, zerosOf[uint8](zero), &b, 0, 15, round)
	case tensor.Int2:
		kernel.Quantize(c.Pool(), sameWidth[int8](y), xs, scales, zerosOf[int8](zero), &b, -2, 1, round)
	case tensor.Uint2:
		kernel.Quantize(c.Pool(), sameWidth[uint8](y), xs, scales, zerosOf[uint8](zero), &b, 0, 3, round)
	default:
		var zeros []float32
		if zero != nil {
			zeros = tmp[nx+ns : nx+2*ns]
			widen(zeros, zero)
		}
		q := tmp[nx+2*ns:]
		kernel.Quotients(q, xs, scales, zeros, &b)
		castFrom(y, q, tensor.Float32, rounding{saturate: k.saturate})
	}
	return nil
}

// asFloat32 is t's elements as float32s: t's own memory, or converted into tmp.
func asFloat32(tmp []float32, t *tensor.Tensor) []float32 {
	switch t.DType() {
	case tensor.Float32:
		return tensor.Of[float32](t)
	case tensor.Int32:
		kernel.ConvertTo(tmp, tensor.Of[int32](t))
	default:
		widen(tmp, t)
	}
	return tmp
}

// rounderTo rounds to a 16-bit type; nil for others.
func rounderTo(dt tensor.DType) func(float32) float32 {
	switch dt {
	case tensor.Float16:
		return func(v float32) float32 { return tensor.ToF16(float64(v)).Float32() }
	case tensor.BFloat16:
		return func(v float32) float32 { return tensor.ToBF16(v).Float32() }
	}
	return nil
}

// dynamicQuantize is y = x quantised to uint8 by x's own range, and the scale
// and zero point of that.
type dynamicQuantize struct{}

func (dynamicQuantize) Infer(c *Infer) error {
	x := c.In(0)
	c.Set(0, Fact{DType: tensor.Uint8, Shape: x.Shape, Ranked: x.Ranked})
	c.Set(1, Shaped(tensor.Float32))
	c.Set(2, Shaped(tensor.Uint8))
	return types(tensor.Float32).check(0, x.DType)
}

func (dynamicQuantize) Run(c *Ctx) error {
	x := c.In(0)
	if err := types(tensor.Float32).check(0, x.DType()); err != nil {
		return err
	}
	y, err := c.Out(0, tensor.Uint8, x.Shape()...)
	if err != nil {
		return err
	}
	scale, err := c.Out(1, tensor.Float32)
	if err != nil {
		return err
	}
	zero, err := c.Out(2, tensor.Uint8)
	if err != nil {
		return err
	}
	s, z := kernel.DynamicRange(tensor.Of[float32](x))
	tensor.Of[float32](scale)[0], tensor.Of[uint8](zero)[0] = s, z
	b := kernel.Blocks{Outer: 1, N: 1, Inner: x.Len(), Size: 1}
	kernel.Quantize(c.Pool(), tensor.Of[uint8](y), tensor.Of[float32](x), tensor.Of[float32](scale), tensor.Of[uint8](zero), &b, 0, 255, nil)
	return nil
}
