package ops

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// channels are the sizes of a convolution beside its window: a batch, groups, and
// the channels in and out of each.
type channels struct{ batch, group, cin, cout int }

// naiveConv is the definition of Conv in float64.
func (c *windowCase) naiveConv(ch channels, x, w, b []float64) (y []float64, out []int) {
	out, pad, _ := c.place()
	in, taps := tensor.Shape(c.in).Len(), tensor.Shape(c.size).Len()
	for n := range ch.batch {
		for m := range ch.group * ch.cout {
			coords(out, func(o []int) {
				sum := b[m]
				for ci := range ch.cin {
					plane := x[(n*ch.group*ch.cin+m/ch.cout*ch.cin+ci)*in:]
					k := 0
					coords(c.size, func(tap []int) {
						if i := c.reads(o, tap, pad); i >= 0 {
							sum += w[(m*ch.cin+ci)*taps+k] * plane[i]
						}
						k++
					})
				}
				y = append(y, sum)
			})
		}
	}
	return y, out
}

func TestConv(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 1))
	for _, c := range windowCases {
		for _, ch := range []channels{{2, 1, 3, 4}, {1, 2, 2, 3}, {2, 3, 1, 1}, {1, 2, 1, 2}, {1, 1, 1, 6}} {
			for _, dt := range realTypes {
				if dt != tensor.Float32 && tensor.Shape(c.in).Len() > 200 {
					continue
				}
				t.Run(fmt.Sprint(dt, c.name(), ch), func(t *testing.T) {
					xs, ws := append([]int{ch.batch, ch.group * ch.cin}, c.in...), append([]int{ch.group * ch.cout, ch.cin}, c.size...)
					x, w, b := randomOf(r, dt, xs...), randomOf(r, dt, ws...), randomOf(r, dt, ch.group*ch.cout)
					got, err := run(t, node("Conv", 3, 1, append(c.attrs(true), onnx.AttrInt("group", int64(ch.group)))...), 22, x, w, b)
					require.NoError(t, err)
					want, out := c.naiveConv(ch, floatsOf(t, x), floatsOf(t, w), floatsOf(t, b))
					require.Equal(t, tensor.Shape(append([]int{ch.batch, ch.group * ch.cout}, out...)), got[0].Shape())
					requireNear(t, want, floatsOf(t, got[0]), precision(dt))
				})
			}
		}
	}
}

// transposeCase is one setting of ConvTranspose.
type transposeCase struct {
	windowCase
	extra, output []int64 // output_padding, output_shape; nil: not given
}

func (c *transposeCase) attrs(ch channels) []*onnx.Attribute {
	attrs := append(c.windowCase.attrs(true), onnx.AttrInt("group", int64(ch.group)))
	if c.extra != nil {
		attrs = append(attrs, onnx.AttrInts("output_padding", c.extra...))
	}
	if c.output != nil {
		attrs = append(attrs, onnx.AttrInts("output_shape", c.output...))
	}
	return attrs
}

// place is the output's extents and the pads before it, by the specification's
// formulas.
func (c *transposeCase) place() (out, pad []int) {
	for d, n := range c.in {
		s := or(c.strides, d, 1)
		full := s*(n-1) + or(c.extra, d, 0) + (c.size[d]-1)*or(c.dilations, d, 1) + 1
		o, p := full-or(c.pads, d, 0)-or(c.pads, len(c.in)+d, 0), or(c.pads, d, 0)
		if c.auto != "" {
			o = n * s
		}
		if c.output != nil {
			o = int(c.output[d])
		}
		if c.auto != "" || c.output != nil {
			total := full - o
			p = total - total/2
			if c.auto == "SAME_UPPER" {
				p = total / 2
			}
		}
		out, pad = append(out, o), append(pad, p)
	}
	return out, pad
}

// naive is the definition in float64: Conv's gradient of its input, plus b.
func (c *transposeCase) naive(ch channels, x, w, b []float64) (y []float64, out []int) {
	out, pad := c.place()
	in, taps, n := tensor.Shape(c.in).Len(), tensor.Shape(c.size).Len(), tensor.Shape(out).Len()
	y = make([]float64, ch.batch*ch.group*ch.cout*n)
	for i := range y {
		y[i] = b[i/n%(ch.group*ch.cout)]
	}
	back := c.windowCase
	back.in = out
	for plane := range ch.batch * ch.group * ch.cin {
		for m := range ch.cout {
			ci, i := plane%(ch.group*ch.cin), 0
			to := y[(plane/ch.cin*ch.cout+m)*n:]
			coords(c.in, func(at []int) {
				k := 0
				coords(c.size, func(tap []int) {
					if o := back.reads(at, tap, pad); o >= 0 {
						to[o] += w[(ci*ch.cout+m)*taps+k] * x[plane*in+i]
					}
					k++
				})
				i++
			})
		}
	}
	return y, out
}

func TestConvTranspose(t *testing.T) {
	r := rand.New(rand.NewPCG(22, 1))
	for _, c := range []transposeCase{
		{windowCase: windowCase{in: []int{5}, size: []int{3}}},
		{windowCase: windowCase{in: []int{5}, size: []int{3}, strides: []int64{2}, pads: []int64{1, 0}}, extra: []int64{1}},
		{windowCase: windowCase{in: []int{3, 4}, size: []int{3, 2}, strides: []int64{2, 3}, dilations: []int64{2, 1}}},
		{windowCase: windowCase{in: []int{3, 4}, size: []int{3, 3}, strides: []int64{2, 3}, pads: []int64{1, 0, 2, 1}}, extra: []int64{1, 2}},
		{windowCase: windowCase{in: []int{3, 4}, size: []int{3, 3}, strides: []int64{3, 2}, auto: "SAME_UPPER"}},
		{windowCase: windowCase{in: []int{3, 4}, size: []int{3, 4}, strides: []int64{2, 3}, auto: "SAME_LOWER"}},
		{windowCase: windowCase{in: []int{3, 4}, size: []int{3, 3}, strides: []int64{3, 2}}, output: []int64{8, 8}},
		{windowCase: windowCase{in: []int{3, 4}, size: []int{3, 3}, strides: []int64{3, 2}}, output: []int64{10, 10}, extra: []int64{1, 1}},
		{windowCase: windowCase{in: []int{2, 3, 2}, size: []int{2, 2, 2}, strides: []int64{2, 1, 2}}},
	} {
		for _, ch := range []channels{{2, 1, 3, 2}, {1, 2, 2, 3}, {1, 2, 65, 3}} {
			for _, dt := range realTypes {
				t.Run(fmt.Sprint(dt, c, ch), func(t *testing.T) {
					xs, ws := append([]int{ch.batch, ch.group * ch.cin}, c.in...), append([]int{ch.group * ch.cin, ch.cout}, c.size...)
					x, w, b := randomOf(r, dt, xs...), randomOf(r, dt, ws...), randomOf(r, dt, ch.group*ch.cout)
					got, err := run(t, node("ConvTranspose", 3, 1, c.attrs(ch)...), 22, x, w, b)
					require.NoError(t, err)
					want, out := c.naive(ch, floatsOf(t, x), floatsOf(t, w), floatsOf(t, b))
					require.Equal(t, tensor.Shape(append([]int{ch.batch, ch.group * ch.cout}, out...)), got[0].Shape())
					requireNear(t, want, floatsOf(t, got[0]), precision(dt))
				})
			}
		}
	}
}

func TestConvOnAPool(t *testing.T) {
	r := rand.New(rand.NewPCG(24, 1))
	for _, in := range [][]int{{1, 8, 40, 40}, {3, 8, 300}} {
		x := randomOf(r, tensor.Float32, in...)
		w := randomOf(r, tensor.Float32, append([]int{16, 8}, []int{3, 3}[:len(in)-2]...)...)
		n := node("Conv", 2, 1)
		want, err := run(t, n, 11, x, w)
		require.NoError(t, err)
		k, _, err := Standard().Bind(n, 11, nil)
		require.NoError(t, err)
		c := testCtx(n, []tensor.Value{x, w})
		c.Workers = kernel.NewPool(3)
		require.NoError(t, k.Run(c))
		require.Equal(t, want[0].Bytes(), c.Outputs[0].(*tensor.Tensor).Bytes(), "the same bits on any number of threads")
	}
}

func TestWindowsRefuse(t *testing.T) {
	x := func(shape ...int) *tensor.Tensor {
		return randomOf(rand.New(rand.NewPCG(1, 1)), tensor.Float32, shape...)
	}
	two := onnx.AttrInts("kernel_shape", 2)
	for _, c := range []struct {
		node  *onnx.Node
		opset int64
		in    []*tensor.Tensor
		want  string
	}{
		{node("Conv", 2, 1), 11, []*tensor.Tensor{x(1, 3, 5), x(2, 2, 3)}, "input 0: has 3 channels, expected 2 in each of 1 groups"},
		{node("Conv", 2, 1), 11, []*tensor.Tensor{x(1, 3, 5), x(2, 3, 3, 3)}, "input 1: has rank 4, expected 3"},
		{node("Conv", 2, 1, onnx.AttrInt("group", 3)), 11, []*tensor.Tensor{x(1, 3, 5), x(2, 1, 3)}, "input 1: has 2 output channels, which 3 groups do not divide"},
		{node("Conv", 2, 1, onnx.AttrInt("group", 0)), 11, []*tensor.Tensor{x(1, 3, 5), x(2, 1, 3)}, `attribute "group": is 0, expected a positive number`},
		{node("Conv", 2, 1, two), 11, []*tensor.Tensor{x(1, 3, 5), x(2, 3, 3)}, "input 1: has taps (3), expected (2) as kernel_shape says"},
		{node("Conv", 3, 1), 11, []*tensor.Tensor{x(1, 3, 5), x(2, 3, 3), x(3)}, "input 2: has shape (3), expected (2)"},
		{node("Conv", 2, 1), 11, []*tensor.Tensor{x(1, 3, 2), x(2, 3, 3)}, "a window of 3 does not fit spatial dimension 0 of 2 with pads 0 and 0"},
		{node("Conv", 2, 1, onnx.AttrInts("strides", 1, 1)), 11, []*tensor.Tensor{x(1, 3, 5), x(2, 3, 3)}, `attribute "strides": has 2 values, expected 1 for input 0 of rank 3`},
		{node("Conv", 2, 1, onnx.AttrInts("strides", 0)), 11, []*tensor.Tensor{x(1, 3, 5), x(2, 3, 3)}, `attribute "strides": has 0, expected at least 1 and at most 2147483647`},
		{node("Conv", 2, 1, onnx.AttrString("auto_pad", "SAME")), 11, []*tensor.Tensor{x(1, 3, 5), x(2, 3, 3)}, `attribute "auto_pad": is "SAME", expected one of NOTSET, SAME_UPPER, SAME_LOWER, VALID`},
		{node("Conv", 2, 1), 11, []*tensor.Tensor{randomOf(rand.New(rand.NewPCG(1, 1)), tensor.BFloat16, 1, 3, 5), x(2, 3, 3)}, "input 0: has type bfloat16, expected float, float16, double"},
		{node("ConvTranspose", 2, 1), 11, []*tensor.Tensor{x(1, 3, 5), x(2, 3, 3)}, "input 0: has 3 channels, expected 2 as input 1 has"},
		{node("ConvTranspose", 2, 1, onnx.AttrInts("output_padding", 1, 1)), 11, []*tensor.Tensor{x(1, 3, 5), x(3, 3, 3)}, `attribute "output_padding": has 2 values, expected 1 for input 0 of rank 3`},
		{node("ConvTranspose", 2, 1, onnx.AttrInts("pads", 9, 9)), 11, []*tensor.Tensor{x(1, 3, 5), x(3, 3, 3)}, "the pads take more than spatial dimension 0 of 7 has"},
		{node("MaxPool", 1, 1), 12, []*tensor.Tensor{x(1, 3, 5)}, `attribute "kernel_shape": is missing`},
		{node("MaxPool", 1, 1, two, onnx.AttrInts("dilations", 2)), 8, []*tensor.Tensor{x(1, 3, 5)}, `attribute "dilations": unsupported`},
		{node("MaxPool", 1, 1, two), 11, []*tensor.Tensor{tensor.Must([]int8{1, 2}, 1, 1, 2)}, "input 0: has type int8, expected float, float16, double"},
		{node("AveragePool", 1, 1, two, onnx.AttrInt("ceil_mode", 1)), 7, []*tensor.Tensor{x(1, 3, 5)}, `attribute "ceil_mode": unsupported`},
		{node("AveragePool", 1, 1, two, onnx.AttrInts("dilations", 1)), 11, []*tensor.Tensor{x(1, 3, 5)}, `attribute "dilations": unsupported`},
		{node("AveragePool", 1, 1, two), 11, []*tensor.Tensor{x(3)}, "input 0: has rank 1, expected at least 2"},
		{node("LpPool", 1, 1, two, onnx.AttrInt("p", 0)), 11, []*tensor.Tensor{x(1, 3, 5)}, `attribute "p": is 0, expected a positive number`},
		{node("MaxUnpool", 2, 1, two), 11, []*tensor.Tensor{x(1, 1, 2), i64([]int64{0, 9}, 1, 1, 2)}, "input 1: index 9 at 1 is out of range for 3 elements"},
	} {
		t.Run(c.want, func(t *testing.T) {
			_, err := run(t, c.node, c.opset, c.in...)
			require.EqualError(t, err, c.want)
		})
	}
}
