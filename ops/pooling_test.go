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

// pooled is what the pools make of the planes of a tensor.
type pooled struct {
	most, average, withPad, norm3 []float64 // MaxPool, AveragePool without and with count_include_pad, LpPool with p = 3
	where                         []int64   // MaxPool's indices
}

// naivePools is the definition of the pools in float64.
func (c *windowCase) naivePools(x []float64, planes int) (p pooled, out []int) {
	out, pad, padded := c.place()
	in := tensor.Shape(c.in).Len()
	for plane := range planes {
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
					v := x[plane*in+i]
					if v > best {
						best, at = v, int64(plane*in+i)
					}
					sum += v
					cube += math.Pow(math.Abs(v), 3)
					inside++
				}
			})
			p.most, p.where = append(p.most, best), append(p.where, at)
			p.average, p.withPad, p.norm3 = append(p.average, sum/inside), append(p.withPad, sum/covered), append(p.norm3, math.Cbrt(cube))
		})
	}
	return p, out
}

func TestPools(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 1))
	for _, c := range windowCases {
		for _, ceil := range []bool{false, true} {
			c.ceil = ceil
			if ceil && c.auto != "" {
				continue
			}
			for _, dt := range append([]tensor.DType{tensor.Int8, tensor.Uint8}, realTypes...) {
				t.Run(fmt.Sprint(dt, c.name()), func(t *testing.T) { c.checkPools(t, randomOf(r, dt, append([]int{2, 3}, c.in...)...)) })
			}
		}
	}
}

// checkPools holds every pool of x, six planes, against its definition.
func (c *windowCase) checkPools(t *testing.T, x *tensor.Tensor) {
	want, out := c.naivePools(floatsOf(t, x), 6)
	size := make([]int64, len(c.size))
	for d, s := range c.size {
		size[d] = int64(s)
	}
	attrs := append(c.attrs(true), onnx.AttrInts("kernel_shape", size...))
	if c.ceil {
		attrs = append(attrs, onnx.AttrInt("ceil_mode", 1))
	}
	got, err := run(t, node("MaxPool", 1, 2, attrs...), 22, x)
	require.NoError(t, err)
	require.Equal(t, tensor.Shape(append([]int{2, 3}, out...)), got[0].Shape())
	requireNear(t, want.most, floatsOf(t, got[0]), 0)
	require.Equal(t, want.where, tensor.Of[int64](got[1]))
	alone, err := run(t, node("MaxPool", 1, 1, attrs...), 22, x)
	require.NoError(t, err)
	require.Equal(t, got[0].Bytes(), alone[0].Bytes())
	if x.DType().IsInteger() {
		return
	}
	for _, p := range []struct {
		op   string
		want []float64
		own  []*onnx.Attribute
	}{
		{"AveragePool", want.average, nil},
		{"AveragePool", want.withPad, []*onnx.Attribute{onnx.AttrInt("count_include_pad", 1)}},
		{"LpPool", want.norm3, []*onnx.Attribute{onnx.AttrInt("p", 3)}},
	} {
		got, err := run(t, node(p.op, 1, 1, append(attrs, p.own...)...), 22, x)
		require.NoError(t, err, p.op)
		requireNear(t, p.want, floatsOf(t, got[0]), precision(x.DType()))
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
