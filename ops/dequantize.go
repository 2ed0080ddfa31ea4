package ops

import (
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

func newDequantize(since int, from, scale dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k := &dequantize{blocking: readBlocking(a, since), from: from, scale: scale}
		if since >= 23 {
			k.to = a.DType("output_dtype", tensor.Undefined)
			if ok := floatsBF &^ types(tensor.Float64); k.to != tensor.Undefined && !ok.has(k.to) {
				a.Fail("output_dtype", "is %v, expected %v", k.to, ok)
			}
		}
		return k, nil
	}
}

// dequantize is y = (x - zero point) * scale, of the scale's type or
// output_dtype.
type dequantize struct {
	blocking
	from, scale dtypes
	to          tensor.DType
}

func (k *dequantize) check(x, scale tensor.DType) (tensor.DType, error) {
	if err := k.from.check(0, x); err != nil {
		return 0, err
	}
	if err := k.scale.check(1, scale); err != nil {
		return 0, err
	}
	switch {
	case k.to != tensor.Undefined:
		return k.to, nil
	case scale == tensor.Float8E8M0:
		return tensor.Float32, nil
	}
	return scale, nil
}

func (k *dequantize) Infer(c *Infer) error {
	x := c.In(0)
	to, err := k.check(x.DType, c.In(1).DType)
	c.Set(0, Fact{DType: to, Shape: x.Shape, Ranked: x.Ranked})
	return err
}

func (k *dequantize) Run(c *Ctx) error {
	x, scale := c.In(0), c.In(1)
	to, err := k.check(x.DType(), scale.DType())
	if err != nil {
		return err
	}
	zero, err := zeroPoint(c, x.DType())
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
	ns, nx, ny := scale.Len(), 0, 0 // room for scale, x and y
	if x.DType().IsFloat() {
		nx = x.Len()
	}
	if to != tensor.Float32 {
		ny = x.Len()
	}
	tmp, err := c.F32(ns + nx + ny)
	if err != nil {
		return err
	}
	scales := asFloat32(tmp[:ns], scale)
	out := tmp[ns+nx:]
	if to == tensor.Float32 {
		out = tensor.Of[float32](y)
	}
	switch x.DType() {
	case tensor.Int8, tensor.Int4, tensor.Int2:
		kernel.Dequantize(c.Pool(), out, sameWidth[int8](x), scales, zerosOf[int8](zero), &b)
	case tensor.Uint8, tensor.Uint4, tensor.Uint2:
		kernel.Dequantize(c.Pool(), out, sameWidth[uint8](x), scales, zerosOf[uint8](zero), &b)
	case tensor.Int16:
		kernel.Dequantize(c.Pool(), out, tensor.Of[int16](x), scales, zerosOf[int16](zero), &b)
	case tensor.Uint16:
		kernel.Dequantize(c.Pool(), out, tensor.Of[uint16](x), scales, zerosOf[uint16](zero), &b)
	case tensor.Int32:
		kernel.Dequantize(c.Pool(), out, tensor.Of[int32](x), scales, zerosOf[int32](zero), &b)
	default: // float8 and float4 have no offset but 0
		xs := tmp[ns : ns+nx]
		widen(xs, x)
		kernel.Dequantize(c.Pool(), out, xs, scales, nil, &b)
	}
	if to != tensor.Float32 {
		narrow(y, out)
	}
	return nil
}
