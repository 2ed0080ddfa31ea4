package ops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// coords calls f with every index vector below shape, in row-major order.
func coords(shape []int, f func(at []int)) {
	at := make([]int, len(shape))
	for range tensor.Shape(shape).Len() {
		f(at)
		for d := len(shape) - 1; d >= 0; d-- {
			if at[d]++; at[d] < shape[d] {
				break
			}
			at[d] = 0
		}
	}
}

// offsetIn is the row-major offset of at in an array of the given shape, -1
// outside.
func offsetIn(at, shape []int) int {
	i := 0
	for d, a := range at {
		if a < 0 || a >= shape[d] {
			return -1
		}
		i = i*shape[d] + a
	}
	return i
}

// windowCase is one setting of the spatial attributes.
type windowCase struct {
	in, size                 []int
	strides, dilations, pads []int64 // nil: not given
	auto                     string
	ceil                     bool
}

func (c *windowCase) attrs(dilations bool) (a []*onnx.Attribute) {
	if c.strides != nil {
		a = append(a, onnx.AttrInts("strides", c.strides...))
	}
	if c.dilations != nil && dilations {
		a = append(a, onnx.AttrInts("dilations", c.dilations...))
	}
	if c.pads != nil {
		a = append(a, onnx.AttrInts("pads", c.pads...))
	}
	if c.auto != "" {
		a = append(a, onnx.AttrString("auto_pad", c.auto))
	}
	return a
}

func or(list []int64, d int, def int) int {
	if list == nil {
		return def
	}
	return int(list[d])
}

// place is the number of outputs, the padding before, and the padded extent of
// each dimension, from the definitions.
func (c *windowCase) place() (out, pad, padded []int) {
	n := len(c.in)
	for d := range n {
		extent := (c.size[d]-1)*or(c.dilations, d, 1) + 1
		s := or(c.strides, d, 1)
		before, after := 0, 0
		switch c.auto {
		case "SAME_UPPER", "SAME_LOWER":
			o := int(math.Ceil(float64(c.in[d]) / float64(s)))
			total := max((o-1)*s+extent-c.in[d], 0)
			before, after = total/2, total-total/2
			if c.auto == "SAME_LOWER" {
				before, after = after, before
			}
		case "VALID":
		default:
			before, after = or(c.pads, d, 0), or(c.pads, n+d, 0)
		}
		o := 0
		for (o*s + extent) <= c.in[d]+before+after {
			o++
		}
		if c.ceil && o*s < c.in[d]+before && (o-1)*s+extent < c.in[d]+before+after {
			o++
		}
		out, pad, padded = append(out, o), append(pad, before), append(padded, c.in[d]+before+after)
	}
	return out, pad, padded
}

// reads is the input index of tap k of output o, -1 outside.
func (c *windowCase) reads(o, k, pad []int) int {
	at := make([]int, len(o))
	for d := range o {
		at[d] = o[d]*or(c.strides, d, 1) + k[d]*or(c.dilations, d, 1) - pad[d]
	}
	return offsetIn(at, c.in)
}

var windowCases = []windowCase{
	{in: []int{9}, size: []int{3}},
	{in: []int{9}, size: []int{3}, strides: []int64{2}, pads: []int64{1, 2}, dilations: []int64{2}},
	{in: []int{7}, size: []int{1}},
	{in: []int{10}, size: []int{4}, strides: []int64{3}, auto: "SAME_UPPER"},
	{in: []int{10}, size: []int{4}, strides: []int64{3}, auto: "SAME_LOWER"},
	{in: []int{10}, size: []int{4}, strides: []int64{3}, auto: "VALID"},
	{in: []int{5, 7}, size: []int{3, 2}},
	{in: []int{5, 7}, size: []int{3, 3}, strides: []int64{2, 1}, pads: []int64{1, 0, 2, 1}},
	{in: []int{6, 8}, size: []int{2, 3}, dilations: []int64{2, 3}, auto: "SAME_UPPER"},
	{in: []int{6, 8}, size: []int{3, 3}, strides: []int64{2, 3}, auto: "SAME_LOWER"},
	{in: []int{1, 1}, size: []int{3, 3}, pads: []int64{1, 1, 1, 1}},
	{in: []int{3, 4, 5}, size: []int{2, 2, 3}, strides: []int64{1, 2, 2}, pads: []int64{1, 0, 1, 0, 1, 1}},
	{in: []int{2, 3, 2, 3}, size: []int{2, 1, 2, 2}, pads: []int64{0, 0, 0, 1, 1, 0, 0, 0}},
	{in: []int{40, 50}, size: []int{3, 3}, pads: []int64{1, 1, 1, 1}},
}

func (c windowCase) name() string { return fmt.Sprintf("%+v", c) }

func TestConv(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 1))
	for _, c := range windowCases {
		for _, ch := range []struct{ batch, group, cin, cout int }{{2, 1, 3, 4}, {1, 2, 2, 3}, {2, 3, 1, 1}, {1, 2, 1, 2}, {1, 1, 1, 6}} {
			for _, dt := range realTypes {
				if dt != tensor.Float32 && tensor.Shape(c.in).Len() > 200 {
					continue
				}
				t.Run(fmt.Sprint(dt, c.name(), ch), func(t *testing.T) {
					xs, ws := append([]int{ch.batch, ch.group * ch.cin}, c.in...), append([]int{ch.group * ch.cout, ch.cin}, c.size...)
					x, w, b := randomOf(r, dt, xs...), randomOf(r, dt, ws...), randomOf(r, dt, ch.group*ch.cout)
					got, err := run(t, node("Conv", 3, 1, append(c.attrs(true), onnx.AttrInt("group", int64(ch.group)))...), 22, x, w, b)
					require.NoError(t, err)
					out, pad, _ := c.place()
					xv, wv, bv := floatsOf(t, x), floatsOf(t, w), floatsOf(t, b)
					in, taps := tensor.Shape(c.in).Len(), tensor.Shape(c.size).Len()
					var want []float64
					for n := range ch.batch {
						for m := range ch.group * ch.cout {
							coords(out, func(o []int) {
								sum := bv[m]
								for ci := range ch.cin {
									k := 0
									coords(c.size, func(tap []int) {
										if i := c.reads(o, tap, pad); i >= 0 {
											sum += wv[(m*ch.cin+ci)*taps+k] * xv[(n*ch.group*ch.cin+m/ch.cout*ch.cin+ci)*in+i]
										}
										k++
									})
								}
								want = append(want, sum)
							})
						}
					}
					require.Equal(t, tensor.Shape(append([]int{ch.batch, ch.group * ch.cout}, out...)), got[0].Shape())
					requireNear(t, want, floatsOf(t, got[0]), precision(dt))
				})
			}
		}
	}
}

func TestConvTranspose(t *testing.T) {
	r := rand.New(rand.NewPCG(22, 1))
	for _, c := range []struct {
		windowCase
		extra, output []int64
	}{
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
		for _, ch := range []struct{ batch, group, cin, cout int }{{2, 1, 3, 2}, {1, 2, 2, 3}} {
			for _, dt := range realTypes {
				t.Run(fmt.Sprint(dt, c, ch), func(t *testing.T) {
					xs, ws := append([]int{ch.batch, ch.group * ch.cin}, c.in...), append([]int{ch.group * ch.cin, ch.cout}, c.size...)
					x, w, b := randomOf(r, dt, xs...), randomOf(r, dt, ws...), randomOf(r, dt, ch.group*ch.cout)
					attrs := append(c.attrs(true), onnx.AttrInt("group", int64(ch.group)))
					if c.extra != nil {
						attrs = append(attrs, onnx.AttrInts("output_padding", c.extra...))
					}
					if c.output != nil {
						attrs = append(attrs, onnx.AttrInts("output_shape", c.output...))
					}
					got, err := run(t, node("ConvTranspose", 3, 1, attrs...), 22, x, w, b)
					require.NoError(t, err)
					var out, pad []int
					for d, n := range c.in { // the formulas of the specification
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
					xv, wv, bv := floatsOf(t, x), floatsOf(t, w), floatsOf(t, b)
					in, taps, n := tensor.Shape(c.in).Len(), tensor.Shape(c.size).Len(), tensor.Shape(out).Len()
					want := make([]float64, ch.batch*ch.group*ch.cout*n)
					for i := range want {
						want[i] = bv[i/n%(ch.group*ch.cout)]
					}
					back := c.windowCase
					back.in = out
					for b := range ch.batch {
						for ci := range ch.group * ch.cin {
							for m := range ch.cout {
								i := 0
								coords(c.in, func(at []int) {
									k := 0
									coords(c.size, func(tap []int) {
										if o := back.reads(at, tap, pad); o >= 0 {
											want[((b*ch.group+ci/ch.cin)*ch.cout+m)*n+o] += wv[(ci*ch.cout+m)*taps+k] * xv[(b*ch.group*ch.cin+ci)*in+i]
										}
										k++
									})
									i++
								})
							}
						}
					}
					require.Equal(t, tensor.Shape(append([]int{ch.batch, ch.group * ch.cout}, out...)), got[0].Shape())
					requireNear(t, want, floatsOf(t, got[0]), precision(dt))
				})
			}
		}
	}
}

func TestPools(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 1))
	for _, c := range windowCases {
		for _, ceil := range []bool{false, true} {
			c.ceil = ceil
			if ceil && c.auto != "" {
				continue
			}
			dts := append([]tensor.DType{tensor.Int8, tensor.Uint8}, realTypes...)
			for _, dt := range dts {
				xs := append([]int{2, 3}, c.in...)
				x := randomOf(r, dt, xs...)
				xv := floatsOf(t, x)
				out, pad, padded := c.place()
				in := tensor.Shape(c.in).Len()
				size := make([]int64, len(c.size))
				for d, s := range c.size {
					size[d] = int64(s)
				}
				attrs := append(c.attrs(true), onnx.AttrInts("kernel_shape", size...))
				if ceil {
					attrs = append(attrs, onnx.AttrInt("ceil_mode", 1))
				}
				var most, average, withPad, norm3 []float64
				var where []int64
				for plane := range 6 {
					coords(out, func(o []int) {
						best, at, sum, cube, inside, covered := math.Inf(-1), int64(-1), 0.0, 0.0, 0.0, 0.0
						coords(c.size, func(tap []int) {
							ok := true
							for d := range o {
								i := o[d]*or(c.strides, d, 1) + tap[d]*or(c.dilations, d, 1)
								ok = ok && i < padded[d]
							}
							if ok {
								covered++
							}
							if i := c.reads(o, tap, pad); i >= 0 {
								v := xv[plane*in+i]
								if v > best {
									best, at = v, int64(plane*in+i)
								}
								sum += v
								cube += math.Pow(math.Abs(v), 3)
								inside++
							}
						})
						most, where = append(most, best), append(where, at)
						average, withPad, norm3 = append(average, sum/inside), append(withPad, sum/covered), append(norm3, math.Cbrt(cube))
					})
				}
				shape := tensor.Shape(append([]int{2, 3}, out...))
				got, err := run(t, node("MaxPool", 1, 2, attrs...), 22, x)
				require.NoError(t, err, c.name())
				require.Equal(t, shape, got[0].Shape(), c.name())
				requireNear(t, most, floatsOf(t, got[0]), 0)
				require.Equal(t, where, tensor.Of[int64](got[1]))
				alone, err := run(t, node("MaxPool", 1, 1, attrs...), 22, x)
				require.NoError(t, err)
				require.Equal(t, got[0].Bytes(), alone[0].Bytes())
				if dt.IsInteger() {
					continue
				}
				got, err = run(t, node("AveragePool", 1, 1, attrs...), 22, x)
				require.NoError(t, err)
				requireNear(t, average, floatsOf(t, got[0]), precision(dt))
				got, err = run(t, node("AveragePool", 1, 1, append(attrs, onnx.AttrInt("count_include_pad", 1))...), 22, x)
				require.NoError(t, err)
				requireNear(t, withPad, floatsOf(t, got[0]), precision(dt))
				got, err = run(t, node("LpPool", 1, 1, append(attrs, onnx.AttrInt("p", 3))...), 22, x)
				require.NoError(t, err)
				requireNear(t, norm3, floatsOf(t, got[0]), precision(dt))
			}
		}
	}
}

func TestPoolsEdges(t *testing.T) {
	x := f32([]float32{1, -2, 3, 4, 5, -6}, 1, 1, 2, 3)
	for op, want := range map[string]float32{"GlobalMaxPool": 5, "GlobalAveragePool": 5.0 / 6, "GlobalLpPool": float32(math.Sqrt(91))} {
		y, err := run(t, node(op, 1, 1), 22, x)
		require.NoError(t, err)
		require.Equal(t, tensor.Shape{1, 1, 1, 1}, y[0].Shape())
		require.InDelta(t, want, tensor.Of[float32](y[0])[0], 1e-6)
	}
	y, err := run(t, node("GlobalLpPool", 1, 1, onnx.AttrFloat("p", 1)), 1, x)
	require.NoError(t, err)
	require.Equal(t, []float32{21}, tensor.Of[float32](y[0]), "p is a float in opset 1")

	y, err = run(t, node("MaxPool", 1, 2, onnx.AttrInts("kernel_shape", 1, 2), onnx.AttrInt("storage_order", 1)), 12, x)
	require.NoError(t, err)
	require.Equal(t, []int64{0, 4, 3, 3}, tensor.Of[int64](y[1]), "column-major indices")

	nan := float32(math.NaN())
	y, err = run(t, node("MaxPool", 1, 2, onnx.AttrInts("kernel_shape", 2)), 12, f32([]float32{1, nan, 2, 3}, 1, 1, 4))
	require.NoError(t, err)
	require.True(t, math.IsNaN(float64(tensor.Of[float32](y[0])[1])))
	require.Equal(t, []int64{1, 1, 3}, tensor.Of[int64](y[1]))

	y, err = run(t, node("MaxUnpool", 2, 1, onnx.AttrInts("kernel_shape", 2), onnx.AttrInts("strides", 2)), 11,
		f32([]float32{5, 7}, 1, 1, 2), i64([]int64{1, 2}, 1, 1, 2))
	require.NoError(t, err)
	require.Equal(t, []float32{0, 5, 7, 0}, tensor.Of[float32](y[0]))
	y, err = run(t, node("MaxUnpool", 3, 1, onnx.AttrInts("kernel_shape", 2), onnx.AttrInts("strides", 2)), 11,
		f32([]float32{5, 7}, 1, 1, 2), i64([]int64{1, 2}, 1, 1, 2), i64([]int64{1, 1, 5}, 3))
	require.NoError(t, err)
	require.Equal(t, []float32{0, 5, 7, 0, 0}, tensor.Of[float32](y[0]))

	y, err = run(t, node("AveragePool", 1, 1, onnx.AttrInts("kernel_shape", 1<<31-1, 1<<31-1), onnx.AttrString("auto_pad", "SAME_UPPER")), 19, x)
	require.NoError(t, err, "a window of padding costs nothing")
	require.InDelta(t, 5.0/6, tensor.Of[float32](y[0])[0], 1e-6)
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
