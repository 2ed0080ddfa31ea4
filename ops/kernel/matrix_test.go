package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// never is a context that has no end.
func never() error { return nil }

func TestInverse(t *testing.T) {
	r := rand.New(rand.NewPCG(61, 1))
	for n := 1; n < 9; n++ {
		a := make([]float64, 2*n*n)
		for i := range a {
			a[i] = r.NormFloat64()
		}
		a[0] = 0 // needs another pivot
		if n == 1 {
			a[0] = 3
		}
		inverse := append([]float64(nil), a...)
		require.NoError(t, Inverse(inverse, n, make([]int32, n), never))
		for m := range 2 {
			for i := range n {
				for j := range n {
					sum := 0.0
					for k := range n {
						sum += a[m*n*n+i*n+k] * inverse[m*n*n+k*n+j]
					}
					want := 0.0
					if i == j {
						want = 1
					}
					require.InDelta(t, want, sum, 1e-9, "matrix %d of %d rows: element %d, %d", m, n, i, j)
				}
			}
		}
	}
	singular := []float64{1, 2, 2, 4}
	require.NoError(t, Inverse(singular, 2, make([]int32, 2), never))
	require.True(t, math.IsInf(singular[3], 0) || math.IsNaN(singular[3]))
}

func TestSquaredDistances(t *testing.T) {
	r := rand.New(rand.NewPCG(62, 1))
	p := NewPool(2)
	for _, width := range []int{0, 1, 3, 4, 5, 11} {
		a, b := make([]float64, 7*width), make([]float64, 5*width)
		for i := range a {
			a[i] = r.NormFloat64()
		}
		for i := range b {
			b[i] = r.NormFloat64()
		}
		y := make([]float64, 35)
		require.NoError(t, SquaredDistances(p, y, a, b, 7, 5, width, never))
		for i := range 7 {
			for j := range 5 {
				want := 0.0
				for k := range width {
					want += math.Pow(a[i*width+k]-b[j*width+k], 2)
				}
				require.InDelta(t, want, y[i*5+j], 1e-12)
			}
		}
	}
}

// Each weight of blocks numbered by where it belongs comes to its number.
func TestUnblock(t *testing.T) {
	const out, area, block = 16, 6, 8
	for _, in := range []int{1, 3, 8, 24} {
		inner := 1
		if in%block == 0 {
			inner = block
		}
		var src []float32
		for o := 0; o < out; o += block {
			for i := 0; i < in; i += inner {
				for p := range area {
					for ii := range inner {
						for oo := range block {
							src = append(src, float32(((o+oo)*in+i+ii)*area+p))
						}
					}
				}
			}
		}
		dst := make([]float32, len(src))
		Unblock(dst, src, in, area, block, inner)
		for i, v := range dst {
			require.Equal(t, float32(i), v, "%d input channels", in)
		}
	}
}
