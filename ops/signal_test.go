package ops

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// naiveDFT is the definition of the transform; its inverse divides by n.
func naiveDFT(x []complex128, inverse bool) []complex128 {
	n := len(x)
	y := make([]complex128, n)
	for k := range y {
		for j, v := range x {
			angle := -2 * math.Pi * float64(j*k%n) / float64(n)
			if inverse {
				angle = -angle
			}
			y[k] += v * cmplx.Rect(1, angle)
		}
		if inverse {
			y[k] /= complex(float64(n), 0)
		}
	}
	return y
}

func TestDFT(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 1))
	for _, n := range []int{1, 2, 3, 4, 5, 7, 8, 12, 16, 31, 100} {
		for _, length := range []int{0, 4, 9, 128} {
			for _, parts := range []int{1, 2} {
				for _, inverse := range []int64{0, 1} {
					for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32, tensor.Float16} {
						x := randomOf(r, dt, 2, n, 3, parts)
						v := floatsOf(t, x)
						m := length
						if m == 0 {
							m = n
						}
						want := make([]float64, 2*m*3*2)
						for b := range 2 {
							for j := range 3 {
								in := make([]complex128, m)
								for i := range min(n, m) {
									at := ((b*n+i)*3 + j) * parts
									in[i] = complex(v[at], 0)
									if parts == 2 {
										in[i] = complex(v[at], v[at+1])
									}
								}
								for i, z := range naiveDFT(in, inverse == 1) {
									at := ((b*m+i)*3 + j) * 2
									want[at], want[at+1] = real(z), imag(z)
								}
							}
						}
						name := fmt.Sprint(dt, n, length, parts, inverse)
						var size *tensor.Tensor
						if length > 0 {
							size = tensor.Scalar(int64(length))
						}
						y, err := run(t, node("DFT", 2, 1, onnx.AttrInt("inverse", inverse), onnx.AttrInt("axis", 1)), 17, x, size)
						require.NoError(t, err, name)
						require.Equal(t, tensor.Shape{2, m, 3, 2}, y[0].Shape())
						requireNear(t, want, floatsOf(t, y[0]), max(precision(dt), 1e-13))
						y, err = run(t, node("DFT", 3, 1, onnx.AttrInt("inverse", inverse)), 20, x, size, tensor.Scalar(int64(-3)))
						require.NoError(t, err, name)
						requireNear(t, want, floatsOf(t, y[0]), max(precision(dt), 1e-13))
						if inverse == 0 {
							y, err = run(t, node("DFT", 3, 1, onnx.AttrInt("onesided", 1)), 20, x, size, tensor.Scalar(int64(1)))
							require.NoError(t, err, name)
							require.Equal(t, tensor.Shape{2, m/2 + 1, 3, 2}, y[0].Shape())
						}
					}
				}
			}
		}
	}
}

func TestDFTOnesidedGoesThereAndBack(t *testing.T) {
	r := rand.New(rand.NewPCG(52, 1))
	for _, n := range []int64{2, 3, 8, 9, 30} {
		x := randomOf(r, tensor.Float64, 2, int(n), 1)
		bins, err := run(t, node("DFT", 3, 1, onnx.AttrInt("onesided", 1)), 20, x, nil, tensor.Scalar(int64(1)))
		require.NoError(t, err)
		back, err := run(t, node("DFT", 3, 1, onnx.AttrInt("onesided", 1), onnx.AttrInt("inverse", 1)), 20, bins[0], tensor.Scalar(n), tensor.Scalar(int64(1)))
		require.NoError(t, err)
		require.Equal(t, x.Shape(), back[0].Shape())
		requireNear(t, floatsOf(t, x), floatsOf(t, back[0]), 1e-14)
	}
}

func TestSTFT(t *testing.T) {
	r := rand.New(rand.NewPCG(53, 1))
	for _, c := range []struct {
		length, step, frame, parts int
		window, onesided           bool
	}{{20, 3, 8, 1, true, true}, {20, 3, 7, 1, false, true}, {17, 5, 6, 2, true, false}, {8, 1, 8, 1, false, false}} {
		x := randomOf(r, tensor.Float64, 2, c.length, c.parts)
		in := []*tensor.Tensor{x, tensor.Scalar(int64(c.step)), nil, tensor.Scalar(int64(c.frame))}
		w := make([]float64, c.frame)
		for i := range w {
			w[i] = 1
		}
		if c.window {
			in[2], in[3] = randomOf(r, tensor.Float64, c.frame), nil
			w = floatsOf(t, in[2])
		}
		attr := onnx.AttrInt("onesided", 0)
		bins := c.frame
		if c.onesided {
			attr, bins = onnx.AttrInt("onesided", 1), c.frame/2+1
		}
		y, err := run(t, node("STFT", 4, 1, attr), 17, in...)
		require.NoError(t, err)
		var want []float64
		frames := 0
		for b := range 2 {
			frames = 0
			for from := 0; from+c.frame <= c.length; from += c.step {
				z := make([]complex128, c.frame)
				for i := range z {
					at := (b*c.length + from + i) * c.parts
					z[i] = complex(w[i]*floatsOf(t, x)[at], 0)
					if c.parts == 2 {
						z[i] += complex(0, w[i]*floatsOf(t, x)[at+1])
					}
				}
				for _, v := range naiveDFT(z, false)[:bins] {
					want = append(want, real(v), imag(v))
				}
				frames++
			}
		}
		require.Equal(t, tensor.Shape{2, frames, bins, 2}, y[0].Shape())
		requireNear(t, want, floatsOf(t, y[0]), 1e-13)
	}
}

func TestWindows(t *testing.T) {
	for _, c := range []struct {
		op       string
		periodic int64
		want     []float64 // numpy.hanning, hamming with 25/46, blackman
	}{
		{"HannWindow", 0, []float64{0, 0.5, 1, 0.5, 0}},
		{"HannWindow", 1, []float64{0, 0.3454915028, 0.9045084972, 0.9045084972, 0.3454915028}},
		{"HammingWindow", 0, []float64{4.0 / 46, 25.0 / 46, 1, 25.0 / 46, 4.0 / 46}},
		{"BlackmanWindow", 0, []float64{0, 0.34, 1, 0.34, 0}},
	} {
		for _, dt := range append([]tensor.DType{tensor.Int32, tensor.Uint8}, realTypes...) {
			want := append([]float64(nil), c.want...)
			if dt.IsInteger() && c.op != "HannWindow" {
				continue // whether their middle reaches 1 is a matter of rounding
			}
			if dt.IsInteger() {
				for i := range want {
					want[i] = math.Trunc(want[i] + 1e-12)
				}
			}
			y, err := run(t, node(c.op, 1, 1, onnx.AttrInt("periodic", c.periodic), onnx.AttrInt("output_datatype", int64(dt))), 17, tensor.Scalar(int64(5)))
			require.NoError(t, err)
			require.Equal(t, dt, y[0].DType())
			requireNear(t, want, floatsOf(t, y[0]), max(precision(dt), 1e-9))
		}
	}
	y, err := run(t, node("HannWindow", 1, 1), 17, tensor.Scalar(int32(0)))
	require.NoError(t, err)
	require.Equal(t, 0, y[0].Len())
}

func TestMelWeightMatrix(t *testing.T) {
	in := []*tensor.Tensor{tensor.Scalar(int64(2)), tensor.Scalar(int64(8)), tensor.Scalar(int64(80)), tensor.Scalar(float32(0)), tensor.Scalar(float32(40))}
	y, err := run(t, node("MelWeightMatrix", 5, 1), 17, in...)
	require.NoError(t, err)
	// edges 0, 9.82, 19.78, 29.89 Hz (and 40, not reached) fall in bins 0, 1, 2, 3 of 9/80 Hz
	require.Equal(t, []float32{0, 0, 1, 0, 0, 1, 0, 0, 0, 0}, tensor.Of[float32](y[0]))
}

func TestSignalsRefuse(t *testing.T) {
	x := func(shape ...int) *tensor.Tensor {
		return randomOf(rand.New(rand.NewPCG(1, 1)), tensor.Float32, shape...)
	}
	one := tensor.Scalar(int64(1))
	for _, c := range []struct {
		node *onnx.Node
		in   []*tensor.Tensor
		want string
	}{
		{node("DFT", 1, 1), []*tensor.Tensor{x(3)}, "input 0: has rank 1, expected at least 2"},
		{node("DFT", 1, 1), []*tensor.Tensor{x(2, 4, 3)}, "input 0: has 3 parts in its last dimension, expected 1 (real) or 2 (complex)"},
		{node("DFT", 3, 1), []*tensor.Tensor{x(2, 4, 1), nil, tensor.Scalar(int64(2))}, "axis 2 is that of real and imaginary parts"},
		{node("DFT", 2, 1), []*tensor.Tensor{x(2, 4, 1), tensor.Scalar(int64(-4))}, "input 1: is -4, expected a length of at least 1"},
		{node("DFT", 2, 1), []*tensor.Tensor{x(2, 4, 1), i64([]int64{4, 4}, 2)}, "input 1: has 2 elements, expected 1"},
		{node("DFT", 1, 1, onnx.AttrInt("axis", 1)), []*tensor.Tensor{x(2, 4, 1)}, `attribute "axis": unsupported`},
		{node("STFT", 4, 1), []*tensor.Tensor{x(1, 8, 1), tensor.Scalar(int64(0)), nil, one}, "input 1: is 0, expected a step of at least 1"},
		{node("STFT", 4, 1), []*tensor.Tensor{x(1, 8, 1), one, nil, tensor.Scalar(int64(9))}, "frames have length 9, expected at least 1 and at most the signal's 8"},
		{node("HannWindow", 1, 1), []*tensor.Tensor{tensor.Scalar(int64(-1))}, "input 0: is -1, expected a size of at least 0"},
		{node("HannWindow", 1, 1, onnx.AttrInt("output_datatype", 8)), []*tensor.Tensor{one}, `attribute "output_datatype": is string, expected ` + numbersBF.String()},
		{node("MelWeightMatrix", 5, 1), []*tensor.Tensor{one, one, tensor.Scalar(int64(0)), x(), x()}, "input 2: is 0, expected a positive number"},
		{node("MelWeightMatrix", 5, 1), []*tensor.Tensor{tensor.Scalar(int64(3)), tensor.Scalar(int64(8)), tensor.Scalar(int64(8)), tensor.Scalar(float32(0)), tensor.Scalar(float32(4000))},
			"the filters reach to bin 2825 of 5: the upper edge is above half the sample rate"},
	} {
		t.Run(c.want, func(t *testing.T) {
			_, err := run(t, c.node, 20, c.in...)
			require.EqualError(t, err, c.want)
		})
	}
}
