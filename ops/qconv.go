package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// qconvOps are the convolutions of quantised numbers.
func qconvOps() []Op {
	return []Op{
		{Name: "ConvInteger", Versions: []Version{{Since: 10, MinIn: 2, MaxIn: 4, MinOut: 1, MaxOut: 1, New: newConvInteger}}},
		{Name: "QLinearConv", Versions: []Version{{Since: 10, MinIn: 8, MaxIn: 9, MinOut: 1, MaxOut: 1, New: newQLinearConv}}},
	}
}

var byteTypes = types(tensor.Int8, tensor.Uint8)

// integerConv is a convolution in int32, after the zero points have been
// subtracted; conv checks its shapes as if x and w were int32.
type integerConv struct {
	conv
	packed *kernel.PackedB // the weights without their zero points, of one group
}

func readIntegerConv(a *Attrs) integerConv {
	return integerConv{conv: conv{spatial: readSpatial(a, true), types: types(tensor.Int32), group: groupOf(a, "group")}}
}

// window checks the shapes and places the window.
func (k *integerConv) place(x, w []int) (kernel.Window, error) {
	i32 := [3]tensor.DType{tensor.Int32, tensor.Int32, tensor.Int32}
	if err := k.check(i32, [3][]int{x, w}, [3]bool{true, true}); err != nil {
		return kernel.Window{}, err
	}
	return k.window(x[2:], w[2:])
}

// infer states output 0 for inputs x and w.
func (k *integerConv) infer(c *Infer, dt tensor.DType, x, w Fact) error {
	c.Set(0, Unranked(dt))
	if !x.Ranked || !w.Ranked {
		return nil
	}
	win, err := k.place(x.Shape, w.Shape)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(dt, outShape(nil, x.Shape[0], w.Shape[0], &win)...))
	return nil
}

// run convolves x and w with the zero points in inputs xz and wz, into y.
func (k *integerConv) run(c *Ctx, win kernel.Window, x, w *tensor.Tensor, xz, wz int, bias, y []int32) error {
	xs, ws, err := inputsOfConv[int32](c, x, w, xz, wz)
	if err != nil {
		return err
	}
	a := kernel.ConvArgs[int32]{Window: win, Batch: x.Dim(0), Group: k.group, Cin: w.Dim(1), Cout: w.Dim(0) / k.group,
		X: xs, W: ws, Y: y, Bias: bias, Stop: c.Err}
	return runLoose(c, &a, &kernel.ConvScratch[int32]{})
}

// inputsOfConv are x and w less the zero points in inputs xz and wz, of which w's may
// be one for each output channel.
func inputsOfConv[T int32 | float32](c *Ctx, x, w *tensor.Tensor, xz, wz int) (xs, ws []T, err error) {
	if xs, err = centred[T](c, xz, x, false); err != nil {
		return nil, nil, err
	}
	zero := c.In(wz)
	var perChannel []int
	if zero != nil && zero.Len() != 1 {
		perChannel = make([]int, w.Rank())
		for i := range perChannel {
			perChannel[i] = 1
		}
		perChannel[0] = zero.Len()
	}
	ws, err = minusZero[T](c, wz, w, zero, perChannel)
	return xs, ws, err
}

// exact reports whether float32 holds the sums without rounding, and has kernels for
// such a convolution.
func (k *integerConv) exact(win *kernel.Window, w *tensor.Tensor) bool {
	return w.Dim(1)*win.Taps() <= exactProducts && kernel.Packable(w.Dim(1), win.Taps())
}

// runReal is run in float32, without a bias.
func (k *integerConv) runReal(c *Ctx, win kernel.Window, x, w *tensor.Tensor, xz, wz int, y []float32) error {
	xs, ws, err := inputsOfConv[float32](c, x, w, xz, wz)
	if err != nil {
		return err
	}
	r := c.Local(func() any { return new(convPackedRun) }).(*convPackedRun)
	a := kernel.ConvArgs[float32]{Window: win, Batch: x.Dim(0), Group: k.group, Cin: w.Dim(1), Cout: w.Dim(0) / k.group,
		X: xs, W: ws, Y: y, Stop: c.Err}
	return (&conv{}).runPacked(c, &a, r)
}

func newConvInteger(a *Attrs) (Kernel, error) {
	return &convInteger{readIntegerConv(a), len(a.Inputs) > 3 && a.Inputs[3]}, nil
}

// convInteger is the convolution of x and w (inputs 0 and 1) minus their zero
// points (2 and 3), in int32.
type convInteger struct {
	integerConv
	zero bool // w has a zero point
}

func (k *convInteger) Infer(c *Infer) error {
	if err := (matmulInteger{}).check(func(i int) tensor.DType { return c.In(i).DType }); err != nil {
		return err
	}
	return k.infer(c, tensor.Int32, c.In(0), c.In(1))
}

func (k *convInteger) Run(c *Ctx) error {
	if err := (matmulInteger{}).check(c.dtype); err != nil {
		return err
	}
	x, w := c.In(0), c.In(1)
	win, err := k.place(x.Shape(), w.Shape())
	if err != nil {
		return err
	}
	var dims [tensor.MaxRank]int
	y, err := c.Out(0, tensor.Int32, outShape(dims[:0], x.Dim(0), w.Dim(0), &win)...)
	if err != nil {
		return err
	}
	if done, err := k.runPacked(c, win, 2, 1, nil, nil, tensor.Of[int32](y)); done {
		return err
	}
	if k.exact(&win, w) {
		sums, err := c.F32(y.Len())
		if err != nil {
			return err
		}
		if err := k.runReal(c, win, x, w, 2, 3, sums); err != nil {
			return err
		}
		kernel.ConvertTo(tensor.Of[int32](y), sums)
		return nil
	}
	return k.integerConv.run(c, win, x, w, 2, 3, nil, tensor.Of[int32](y))
}

func newQLinearConv(a *Attrs) (Kernel, error) { return &qlinearConv{readIntegerConv(a)}, nil }

// qlinearConv is the convolution of x and w, each with scale and zero point
// (inputs 0 to 2 and 3 to 5; w's may be per output channel), plus an int32 bias
// (8), quantised with inputs 6 and 7.
type qlinearConv struct{ integerConv }

func (k *qlinearConv) check(dt func(i int) tensor.DType) error {
	for i := range 9 {
		want := byteTypes
		switch i {
		case 1, 4, 6:
			want = types(tensor.Float32)
		case 8:
			want = types(tensor.Int32)
		}
		if err := want.check(i, dt(i)); err != nil {
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

func (k *qlinearConv) Infer(c *Infer) error {
	if err := k.check(func(i int) tensor.DType { return c.In(i).DType }); err != nil {
		return err
	}
	return k.infer(c, c.In(7).DType, c.In(0), c.In(3))
}

func (k *qlinearConv) Run(c *Ctx) error {
	if err := k.check(c.dtype); err != nil {
		return err
	}
	x, w := c.In(0), c.In(3)
	win, err := k.place(x.Shape(), w.Shape())
	if err != nil {
		return err
	}
	channels := w.Dim(0)
	factors, err := k.factors(c, channels)
	if err != nil {
		return err
	}
	var bias []int32
	if b := c.In(8); b != nil {
		if err := checkDims(8, b.Shape(), channels); err != nil {
			return err
		}
		bias = tensor.Of[int32](b)
	}
	var dims [tensor.MaxRank]int
	y, err := c.Out(0, c.dtype(7), outShape(dims[:0], x.Dim(0), channels, &win)...)
	if err != nil {
		return err
	}
	if k.packed != nil {
		real, err := k.realBias(c, bias, factors, channels)
		if err != nil {
			return err
		}
		out, err := c.F32(y.Len())
		if err != nil {
			return err
		}
		if done, err := k.runPacked(c, win, 2, tensor.Of[float32](c.In(1))[0]/tensor.Of[float32](c.In(6))[0], real, out, nil); done {
			if err == nil {
				roundToBytes(c, y, out, c.In(7))
			}
			return err
		}
	}
	if k.exact(&win, w) {
		return k.inReal(c, win, y, bias, factors)
	}
	acc, err := reserved[int32](c, y.Len())
	if err != nil {
		return err
	}
	if err := k.integerConv.run(c, win, x, w, 2, 5, bias, acc); err != nil {
		return err
	}
	return requantize(c, y, acc, max(win.OutLen(), 1), factors, []float32{1})
}

// inReal is Run with sums in float32.
func (k *qlinearConv) inReal(c *Ctx, win kernel.Window, y *tensor.Tensor, bias []int32, factors []float32) error {
	out, err := c.F32(y.Len())
	if err != nil {
		return err
	}
	x, w := c.In(0), c.In(3)
	if err := k.runReal(c, win, x, w, 2, 5, out); err != nil || len(out) == 0 {
		return err
	}
	n, channels := win.OutLen(), w.Dim(0)
	for i := range x.Dim(0) * channels {
		m, plane := i%channels, out[i*n:(i+1)*n]
		if bias != nil {
			kernel.AddScalar(plane, plane, float32(bias[m]))
		}
		kernel.MulScalar(plane, plane, factors[m%len(factors)])
	}
	roundToBytes(c, y, out, c.In(7))
	return nil
}

// factors are what the sums are multiplied by: one number, or one for each
// output channel.
func (k *qlinearConv) factors(c *Ctx, channels int) ([]float32, error) {
	for _, i := range []int{1, 2, 6, 7} {
		if t := c.In(i); t.Len() != 1 {
			return nil, fmt.Errorf("input %d: has shape %v, expected a scalar", i, t.Shape())
		}
	}
	for _, i := range []int{4, 5} {
		if t := c.In(i); t.Len() != 1 && (t.Rank() != 1 || t.Len() != channels) {
			return nil, fmt.Errorf("input %d: has shape %v, expected a scalar or (%d)", i, t.Shape(), channels)
		}
	}
	ws := tensor.Of[float32](c.In(4))
	out, err := reserved[float32](c, len(ws))
	if err != nil {
		return nil, err
	}
	kernel.MulScalar(out, ws, tensor.Of[float32](c.In(1))[0]/tensor.Of[float32](c.In(6))[0])
	return out, nil
}
