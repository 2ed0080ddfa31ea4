package kernel

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// A convolution of bytes is that of the numbers less their zero points: the sums
// exactly, their multiples as float32 has them. No bit depends on the threads.
func TestConvBytes(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for n, c := range convCases() {
			if _, ok := c.w.image(); c.g > 1 || !ok || c.b*c.o*c.i*c.w.OutLen()*c.w.Taps() > 1<<20 {
				continue
			}
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Run("uint8", func(t *testing.T) { testConvBytes[uint8](t, c) })
				t.Run("int8", func(t *testing.T) { testConvBytes[int8](t, c) })
			})
		}
	})
}

func testConvBytes[T int8 | uint8](t *testing.T, c convCase) {
	r := seeded()
	bytes := func(n int) ([]T, []float32) {
		b, f := make([]T, n), make([]float32, n)
		for i := range b {
			b[i] = T(r.IntN(256))
			f[i] = float32(b[i])
		}
		return b, f
	}
	x, xf := bytes(c.b * c.i * c.w.InLen())
	w, wf := bytes(c.o * c.i * c.w.Taps())
	zeros, zf := bytes(1 + c.o)
	zero := zeros[0]
	for i := range xf {
		xf[i] -= zf[0]
	}
	for i := range wf {
		wf[i] -= zf[1+i/(len(wf)/c.o)]
	}
	bias, scale := random(r, c.o), random(r, c.o)
	want, _ := naiveConv(&c, xf, wf, make([]float32, c.o), make([]float32, c.b*c.o*c.w.OutLen()))
	packed := PackConvBytes(c.o, c.i, c.w.Taps(), w, scale, zeros[1:])
	var first []float32
	for threads := 1; threads <= 3; threads++ {
		p := NewPool(threads)
		a := &ConvBytes[T]{Batch: c.b, Cin: c.i, X: x, Scale: 0.5, Zero: zero, Weights: packed, Bias: bias, Stop: func() error { return nil }}
		require.True(t, a.Use(c.w))
		require.Positive(t, a.Room())
		dirtyScratch()
		a.Sums = make([]int32, len(want))
		require.NoError(t, a.Run(p))
		for i, v := range want {
			if int32(v) != a.Sums[i] {
				require.Failf(t, "wrong sum", "output %d is %d, want %v", i, a.Sums[i], v)
			}
		}
		a.Y, a.Sums = make([]float32, len(want)), nil
		require.NoError(t, a.Run(p))
		for i, v := range want {
			m := i / c.w.OutLen() % c.o
			product := v * float64(scale[m]*0.5)
			if off := math.Abs(product + float64(bias[m]) - float64(a.Y[i])); off > 3e-7*(math.Abs(product)+math.Abs(float64(bias[m]))) {
				require.Failf(t, "wrong output", "number %d is off by %v", i, off)
			}
		}
		if first == nil {
			first = a.Y
		}
		requireSameBits(t, first, a.Y, "%d threads", threads)
	}
}

func TestTransposeBytes(t *testing.T) {
	r := seeded()
	for rows := range 18 {
		for cols := range 18 {
			src := make([]uint8, (rows+1)*20)
			for i := range src {
				src[i] = uint8(r.IntN(256))
			}
			dst := make([]uint8, (cols+1)*19)
			transposeBytes(dst, 19, src, 20, rows, cols, 0x81)
			for i := range cols + 1 {
				for j := range 19 {
					want := uint8(0)
					if i < cols && j < rows {
						want = src[j*20+i] ^ 0x81
					}
					require.Equal(t, want, dst[i*19+j])
				}
			}
		}
	}
}
