package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// signalOps are the Fourier transforms, windows and mel filters.
func signalOps() []Op {
	window := func(name string, coefficients ...float64) Op {
		return Op{Name: name, Versions: []Version{
			{Since: 17, MinIn: 1, MaxIn: 1, MinOut: 1, MaxOut: 1, New: newWindow(coefficients)},
		}}
	}
	return []Op{
		{Name: "DFT", Versions: []Version{
			{Since: 17, MinIn: 1, MaxIn: 2, MinOut: 1, MaxOut: 1, New: newDFT},
			{Since: 20, MinIn: 1, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newDFT},
		}},
		{Name: "STFT", Versions: []Version{
			{Since: 17, MinIn: 2, MaxIn: 4, MinOut: 1, MaxOut: 1, New: newSTFT},
		}},
		window("HannWindow", 0.5, -0.5),
		window("HammingWindow", 25.0/46, -21.0/46),
		window("BlackmanWindow", 0.42, -0.5, 0.08),
		{Name: "MelWeightMatrix", Versions: []Version{
			{Since: 17, MinIn: 5, MaxIn: 5, MinOut: 1, MaxOut: 1, New: newMel},
		}},
	}
}

// dft is DFT: input (..., n, ..., 1 or 2), real or complex, transformed along an
// axis.
type dft struct {
	axis     int64 // where input 2 doesn't say
	inverse  bool
	onesided bool // half the bins of a real signal; its inverse gives a real one
}

func newDFT(a *Attrs) (Kernel, error) {
	k := &dft{axis: -2, inverse: a.Bool("inverse", false), onesided: a.Bool("onesided", false)}
	if a.Opset < 20 {
		k.axis = a.Int("axis", 1)
	}
	return k, nil
}

// shape is the output's shape, the axis and the transform's length, for an
// input whose extents may be Unknown; so may length be, and 0 if not given.
func (k *dft) shape(in []int, axis int64, length int) (shape []int, at, n int, err error) {
	if len(in) < 2 {
		return nil, 0, 0, fmt.Errorf("input 0: has rank %d, expected at least 2", len(in))
	}
	if at, err = tensor.Axis(axis, len(in)); err != nil {
		return nil, 0, 0, err
	}
	if at == len(in)-1 {
		return nil, 0, 0, fmt.Errorf("axis %d is that of real and imaginary parts", axis)
	}
	if parts := in[len(in)-1]; parts >= 0 && parts != 1 && parts != 2 {
		return nil, 0, 0, fmt.Errorf("input 0: has %d parts in its last dimension, expected 1 (real) or 2 (complex)", parts)
	}
	n = length
	if n == 0 {
		n = in[at]
		if k.inverse && k.onesided && n >= 0 {
			n = 2 * (n - 1)
		}
	}
	if n < 1 && n != Unknown {
		return nil, 0, 0, fmt.Errorf("the transform has length %d, expected at least 1", n)
	}
	shape = append(shape, in...)
	shape[at], shape[len(shape)-1] = n, 2
	if k.onesided && k.inverse {
		shape[len(shape)-1] = 1
	} else if k.onesided && n >= 0 {
		shape[at] = n/2 + 1
	}
	return shape, at, n, nil
}

func (k *dft) Infer(c *Infer) error {
	x := c.In(0)
	if err := floatsBF.check(0, x.DType); err != nil {
		return err
	}
	if !x.Ranked {
		c.Set(0, Unranked(x.DType))
		return nil
	}
	axis, length := k.axis, 0
	if c.Has(1) {
		length = Unknown
		if v, ok := c.Ints(1); ok && len(v) == 1 && v[0] > 0 {
			length = v[0]
		}
	}
	if c.Has(2) {
		v, ok := c.Ints(2)
		if !ok || len(v) != 1 {
			shape := make([]int, len(x.Shape))
			for i := range shape {
				shape[i] = Unknown
			}
			c.Set(0, Shaped(x.DType, shape...))
			return nil
		}
		axis = int64(v[0])
	}
	shape, _, _, err := k.shape(x.Shape, axis, length)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(x.DType, shape...))
	return nil
}

// scalarInt is an input of one integer.
func scalarInt(c *Ctx, i int) (int, error) {
	v, err := c.Ints(i)
	if err != nil {
		return 0, err
	}
	if len(v) != 1 {
		return 0, fmt.Errorf("input %d: has %d elements, expected 1", i, len(v))
	}
	return v[0], nil
}

func (k *dft) Run(c *Ctx) error {
	x := c.In(0)
	if err := floatsBF.check(0, x.DType()); err != nil {
		return err
	}
	axis, length := k.axis, 0
	var err error
	if c.Has(1) {
		if length, err = scalarInt(c, 1); err != nil {
			return err
		}
		if length < 1 {
			return fmt.Errorf("input 1: is %d, expected a length of at least 1", length)
		}
	}
	if c.Has(2) {
		a, err := scalarInt(c, 2)
		if err != nil {
			return err
		}
		axis = int64(a)
	}
	shape, at, n, err := k.shape(x.Shape(), axis, length)
	if err != nil {
		return err
	}
	y, err := outReal[float64](c, 0, x.DType(), shape...)
	if err != nil {
		return err
	}
	data, err := reals[float64](c, x)
	if err != nil {
		return err
	}
	if err := reserveFFT(c, n); err != nil {
		return err
	}
	in := x.Shape()
	a := &kernel.DFTArgs{N: n, Outer: in[:at].Len(), In: in[at], Out: shape[at], Inner: in[at+1 : len(in)-1].Len(),
		InParts: in[len(in)-1], OutParts: shape[len(shape)-1], Inverse: k.inverse, Hermitian: k.inverse && k.onesided, X: data, Y: y.data, Stop: c.Err}
	if len(y.data) == 0 {
		return nil
	}
	if err := kernel.DFT(c.Pool(), a); err != nil {
		return err
	}
	y.done()
	return nil
}

// reserveFFT accounts for the working memory of transforms of length n.
func reserveFFT(c *Ctx, n int) error {
	size, err := tensor.CheckShape([]int{4 * c.Pool().Threads(), 16, n}, 16)
	if err != nil {
		return err
	}
	return c.Memory.Reserve(16 * size)
}
