package ops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// naiveConv is the sum of products of x (N, C, H, W) and w (M, C/group, kh,
// kw), where what lies outside x is 0.
func naiveConv(x, w []float64, xs, ws []int, group, pad, stride, dilation int) (y []float64, h, wd int) {
	at := func(n, c, i, j int) float64 {
		if i < 0 || j < 0 || i >= xs[2] || j >= xs[3] {
			return 0
		}
		return x[((n*xs[1]+c)*xs[2]+i)*xs[3]+j]
	}
	h = (xs[2]+2*pad-(ws[2]-1)*dilation-1)/stride + 1
	wd = (xs[3]+2*pad-(ws[3]-1)*dilation-1)/stride + 1
	for n := range xs[0] {
		for m := range ws[0] {
			for o := range h * wd {
				sum := 0.0
				for c := range ws[1] {
					for k := range ws[2] * ws[3] {
						i, j := o/wd*stride+k/ws[3]*dilation-pad, o%wd*stride+k%ws[3]*dilation-pad
						sum += w[((m*ws[1]+c)*ws[2]*ws[3])+k] * at(n, m/(ws[0]/group)*ws[1]+c, i, j)
					}
				}
				y = append(y, sum)
			}
		}
	}
	return y, h, wd
}

// Convolutions of integers are those of the numbers less their zero points:
// padding is the zero point, not 0.
func TestIntegerConvolutions(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, c := range []struct{ group, pad, stride, dilation int }{{1, 0, 1, 1}, {1, 1, 1, 1}, {2, 1, 2, 1}, {4, 2, 1, 2}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			xs, ws := []int{2, 4, 6, 5}, []int{4, 4 / c.group, 3, 2}
			x, w := make([]uint8, 2*4*6*5), make([]int8, tensor.Shape(ws).Len())
			xf, wf := make([]float64, len(x)), make([]float64, len(w))
			zx, zw := uint8(130), []int8{-3, 0, 5, 100}
			for i := range x {
				x[i] = uint8(r.IntN(256))
				xf[i] = float64(x[i]) - float64(zx)
			}
			for i := range w {
				w[i] = int8(r.IntN(256) - 128)
				wf[i] = float64(w[i]) - float64(zw[i/(len(w)/4)])
			}
			sums, h, wd := naiveConv(xf, wf, xs, ws, c.group, c.pad, c.stride, c.dilation)
			attributes := []*onnx.Attribute{onnx.AttrInt("group", int64(c.group)), onnx.AttrInts("pads", int64(c.pad), int64(c.pad), int64(c.pad), int64(c.pad)),
				onnx.AttrInts("strides", int64(c.stride), int64(c.stride)), onnx.AttrInts("dilations", int64(c.dilation), int64(c.dilation))}
			tx, tw := tensor.Must(x, xs...), tensor.Must(w, ws...)
			out, err := run(t, node("ConvInteger", 4, 1, attributes...), 10, tx, tw, tensor.Scalar(zx), vec(zw...))
			require.NoError(t, err)
			require.Equal(t, tensor.Shape{2, 4, h, wd}, out[0].Shape())
			for i, v := range tensor.Of[int32](out[0]) {
				require.Equal(t, int32(sums[i]), v)
			}
			sx, sw, sy, zy, bias := float32(0.5), vec[float32](0.25, 0.5, 0.125, 1), float32(64), uint8(120), []int32{0, 1000, -1000, 5}
			out, err = run(t, node("QLinearConv", 9, 1, attributes...), 10, tx, tensor.Scalar(sx), tensor.Scalar(zx), tw, sw, vec(zw...), tensor.Scalar(sy), tensor.Scalar(zy), vec(bias...))
			require.NoError(t, err)
			for i, v := range tensor.Of[uint8](out[0]) {
				m := i / (h * wd) % 4
				q := (sums[i] + float64(bias[m])) * float64(sx) * float64(tensor.Of[float32](sw)[m]) / float64(sy) // exact: powers of two
				require.Equal(t, uint8(math.Max(0, math.Min(255, math.RoundToEven(q)+float64(zy)))), v)
			}
		})
	}
}

func TestIntegerConvolutionRefuses(t *testing.T) {
	x, w := tensor.Must(make([]uint8, 16), 1, 1, 4, 4), tensor.Must(make([]uint8, 4), 1, 1, 2, 2)
	s, z := tensor.Scalar[float32](1), tensor.Scalar[uint8](0)
	runCases(t, "", []opCase{
		{op: "ConvInteger", opset: 10, name: "type", in: tensors{x, tensor.Must(make([]float32, 4), 1, 1, 2, 2)}, err: `input 1: has type float, expected uint8, int8`},
		{op: "ConvInteger", opset: 10, name: "taps", attrs: attrs(onnx.AttrInts("kernel_shape", 3, 3)), in: tensors{x, w}, err: `input 1: has taps (2, 2), expected (3, 3) as kernel_shape says`},
		{op: "ConvInteger", opset: 10, name: "zero points", in: tensors{x, w, nil, vec[uint8](1, 2)}, err: `input 3: shape (2, 1, 1, 1) does not broadcast to (1, 1, 2, 2)`},
		{op: "QLinearConv", opset: 10, name: "scale", in: tensors{x, vec[float32](1, 2), z, w, s, z, s, z}, err: `input 1: has shape (2), expected a scalar`},
		{op: "QLinearConv", opset: 10, name: "bias", in: tensors{x, s, z, w, s, z, s, z, vec[int32](1, 2)}, err: `input 8: has shape (2), expected (1)`},
	})
}
