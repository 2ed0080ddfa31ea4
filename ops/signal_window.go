package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// stft is STFT: signal (batch, samples, 1 or 2), step, window and frame length.
type stft struct{ onesided bool }

func newSTFT(a *Attrs) (Kernel, error) { return &stft{a.Bool("onesided", true)}, nil }

// shape is the output's shape; -1 for a step or length that isn't known.
func (k *stft) shape(in []int, step, length int) ([]int, error) {
	if err := checkRank(0, len(in), 3); err != nil {
		return nil, err
	}
	if parts := in[2]; parts >= 0 && parts != 1 && parts != 2 {
		return nil, fmt.Errorf("input 0: has %d parts in its last dimension, expected 1 (real) or 2 (complex)", parts)
	}
	if step == 0 || step < Unknown {
		return nil, fmt.Errorf("input 1: is %d, expected a step of at least 1", step)
	}
	if length == 0 || length < Unknown || length > in[1] && in[1] >= 0 {
		return nil, fmt.Errorf("frames have length %d, expected at least 1 and at most the signal's %d", length, in[1])
	}
	frames, bins := Unknown, length
	if in[1] >= 0 && step > 0 && length > 0 {
		frames = 1 + (in[1]-length)/step
	}
	if k.onesided && length > 0 {
		bins = length/2 + 1
	}
	return []int{in[0], frames, bins, 2}, nil
}

func (k *stft) Infer(c *Infer) error {
	x := c.In(0)
	if err := floatsBF.check(0, x.DType); err != nil {
		return err
	}
	if !x.Ranked {
		c.Set(0, Shaped(x.DType, Unknown, Unknown, Unknown, 2))
		return nil
	}
	step, length := Unknown, Unknown
	if v, ok := c.Ints(1); ok && len(v) == 1 {
		step = max(v[0], 0)
	}
	switch w := c.In(2); {
	case c.Has(3):
		if v, ok := c.Ints(3); ok && len(v) == 1 {
			length = max(v[0], 0)
		}
	case c.Has(2):
		if w.Ranked && len(w.Shape) == 1 {
			length = w.Shape[0]
		}
	case len(x.Shape) == 3:
		length = x.Shape[1]
	}
	shape, err := k.shape(x.Shape, step, length)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(x.DType, shape...))
	return nil
}

func (k *stft) Run(c *Ctx) error {
	x, w := c.In(0), c.In(2)
	if err := floatsBF.check(0, x.DType()); err != nil {
		return err
	}
	if err := checkRank(0, x.Rank(), 3); err != nil {
		return err
	}
	step, err := scalarInt(c, 1)
	if err != nil {
		return err
	}
	length, width := x.Dim(1), 0
	if w != nil {
		if err := sameType(2, w.DType(), x.DType()); err != nil {
			return err
		}
		if err := checkRank(2, w.Rank(), 1); err != nil {
			return err
		}
		length, width = w.Dim(0), w.Dim(0)
	}
	if c.Has(3) {
		if length, err = scalarInt(c, 3); err != nil {
			return err
		}
	}
	if w == nil {
		width = length
	}
	shape, err := k.shape(x.Shape(), max(step, 0), max(length, 0))
	if err != nil {
		return err
	}
	y, err := outReal[float64](c, 0, x.DType(), shape...)
	if err != nil {
		return err
	}
	a := &kernel.STFTArgs{Batch: x.Dim(0), Len: x.Dim(1), Parts: x.Dim(2), N: length, Width: width, Step: step,
		Frames: shape[1], Bins: shape[2], Y: y.data, Stop: c.Err}
	if a.X, err = reals[float64](c, x); err != nil {
		return err
	}
	if a.Window, err = reals[float64](c, w); err != nil {
		return err
	}
	if err := reserveFFT(c, length); err != nil {
		return err
	}
	if err := kernel.STFT(c.Pool(), a); err != nil {
		return err
	}
	y.done()
	return nil
}

// window is a sum of cosines: coefficient k times cos(2*pi*k*i/N).
type window struct {
	coefficients []float64
	periodic     bool
	dtype        tensor.DType
}

func newWindow(coefficients []float64) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		return &window{coefficients, a.Bool("periodic", true), numberType(a)}, nil
	}
}

// numberType is attribute output_datatype.
func numberType(a *Attrs) tensor.DType {
	dt := a.DType("output_datatype", tensor.Float32)
	if !numbersBF.has(dt) {
		a.Fail("output_datatype", "is %v, expected %v", dt, numbersBF)
	}
	return dt
}

func (k *window) Infer(c *Infer) error {
	n := Unknown
	if v, ok := c.Ints(0); ok && len(v) == 1 && v[0] >= 0 {
		n = v[0]
	}
	c.Set(0, Shaped(k.dtype, n))
	return nil
}

func (k *window) Run(c *Ctx) error {
	n, err := scalarInt(c, 0)
	if err != nil {
		return err
	}
	if n < 0 {
		return fmt.Errorf("input 0: is %d, expected a size of at least 0", n)
	}
	y, err := c.Out(0, k.dtype, n)
	if err != nil {
		return err
	}
	w, err := reserved[float64](c, n)
	if err != nil {
		return err
	}
	length := float64(n)
	if !k.periodic {
		length--
	}
	kernel.CosineWindow(w, k.coefficients, length)
	storeNumbers(y, w)
	return nil
}

// storeNumbers writes data to t, rounding to its floating-point type or cutting
// off the fraction for integers.
func storeNumbers(t *tensor.Tensor, data []float64) {
	if t.DType().IsFloat() {
		if f, ok := any(data).([]float64); ok && t.DType() == tensor.Float64 {
			copy(tensor.Of[float64](t), f)
			return
		}
		round(t, data)
		return
	}
	pick(t.DType(), storeAs[float32], storeAs[float64], storeAs[int8], storeAs[int16], storeAs[int32], storeAs[int64],
		storeAs[uint8], storeAs[uint16], storeAs[uint32], storeAs[uint64])(t, data)
}

func storeAs[T number](t *tensor.Tensor, data []float64) { kernel.ConvertTo(tensor.Of[T](t), data) }

// mel is MelWeightMatrix: triangular filters, evenly spaced on the mel scale,
// over the bins of a transform.
type mel struct{ dtype tensor.DType }

func newMel(a *Attrs) (Kernel, error) { return &mel{numberType(a)}, nil }

func (k *mel) Infer(c *Infer) error {
	bins, mels := Unknown, Unknown
	if v, ok := c.Ints(0); ok && len(v) == 1 && v[0] >= 0 {
		mels = v[0]
	}
	if v, ok := c.Ints(1); ok && len(v) == 1 && v[0] >= 0 {
		bins = v[0]/2 + 1
	}
	c.Set(0, Shaped(k.dtype, bins, mels))
	return nil
}

func (k *mel) Run(c *Ctx) error {
	var n [3]int
	for i := range n {
		v, err := scalarInt(c, i)
		if err != nil {
			return err
		}
		if v < 1 || v > math.MaxInt32 {
			return fmt.Errorf("input %d: is %d, expected a positive number", i, v)
		}
		n[i] = v
	}
	var edge [2]float64
	for i := range edge {
		t := c.In(3 + i)
		if err := floatsBF.check(3+i, t.DType()); err != nil {
			return err
		}
		v, err := realCopy[float64](t)
		if err != nil {
			return err
		}
		if len(v) != 1 || !(v[0] >= 0) {
			return fmt.Errorf("input %d: expected one frequency of at least 0", 3+i)
		}
		edge[i] = v[0]
	}
	bins := n[1]/2 + 1
	y, err := c.Out(0, k.dtype, bins, n[0])
	if err != nil {
		return err
	}
	w, err := reserved[float64](c, y.Len())
	if err != nil {
		return err
	}
	if at := kernel.MelFilters(w, n[0], bins, n[1], n[2], edge[0], edge[1]); at >= bins {
		return fmt.Errorf("the filters reach to bin %d of %d: the upper edge is above half the sample rate", at, bins)
	}
	storeNumbers(y, w)
	return nil
}
