package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

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

	widen *dequantize    // for the inputs
	one   *tensor.Tensor // a scale of 1
}

func inReal(in []int, out int, f func(*Attrs) (Kernel, error)) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k := realInside{plain: min(in[0], out), in: in, out: out,
			widen: &dequantize{from: byteTypes, scale: types(tensor.Float32)}, one: tensor.Scalar[float32](1)}
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

func (k realInside) Run(c *Ctx) error {
	dt, err := k.check(c.factOrNone)
	if err != nil {
		return err
	}
	var room [8]*tensor.Tensor
	real := room[:0]
	for i := range k.plain {
		real = append(real, c.In(i))
	}
	for _, i := range k.in {
		scale := c.In(i + 1)
		if k.whole {
			scale = k.one
		}
		y, err := runInner(c, k.widen, 1, c.In(i), scale, c.In(i+2))
		if err != nil {
			return err
		}
		real = append(real, y[0])
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
	narrow := &quantize{from: types(tensor.Float32), scale: types(tensor.Float32), allowed: byteTypes, saturate: true, like: zero != nil, to: dt}
	return runLast(c, narrow, y, scale, zero)
}
