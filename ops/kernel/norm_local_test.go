package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func going() error { return nil }

// Local response normalisation is its formula, also where squares are beyond float32,
// and no bit depends on threads.
func TestLocalResponse(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, beta := range []float64{0.75, 0.5, 1, 2, 0.6, 0, -0.75} {
			for _, s := range [][4]int{{5, 2, 7, 9}, {3, 1, 4, 1100}, {4, 2, 3, 1}, {1, 1, 5, 33}, {9, 3, 4, 20}, {2, 2, 6, 50}, {6, 1, 9, 40}} {
				width, batch, channels, size := s[0], s[1], s[2], s[3]
				of := [][2]float64{{0.5, 1.5}, {0.5, 1.5}, {0.5, 0}, {0.5, -2}, {-0.5, 1.5}}[s[0]%5]
				alpha, bias := of[0], of[1]
				x := guard(r, batch*channels*size, 1)
				for i := range x.s {
					x.s[i] *= 4
				}
				clear(x.s[:size/3])
				x.s[size/2], x.s[len(x.s)-1] = 1e22, float32(math.NaN())
				x.was = append(x.was[:0], x.s...)
				y, threaded := guard(r, len(x.s), 2), make([]float32, len(x.s))
				LocalResponse(nil, going, y.s, x.s, alpha, beta, bias, width, batch, channels, size)
				LocalResponse(NewPool(2), going, threaded, x.s, alpha, beta, bias, width, batch, channels, size)
				requireSameBits(t, y.s, threaded, "two threads")
				x.checkUnchanged(t)
				y.checkZone(t)
				for i := range y.s {
					c, sum := i/size%channels, 0.0
					for k := max(0, c-(width-1)/2); k <= min(channels-1, c+width/2); k++ {
						v := float64(x.s[i+(k-c)*size])
						sum += v * v
					}
					want := float64(x.s[i]) / math.Pow(bias+alpha/float64(width)*sum, beta)
					if want != want {
						require.True(t, y.s[i] != y.s[i], "beta %g, %v, %d", beta, s, i)
						continue
					}
					if math.Abs(want) > math.MaxFloat32 {
						require.Equal(t, float32(want), y.s[i], "beta %g, %v, %d", beta, s, i)
						continue
					}
					require.InDelta(t, want, float64(y.s[i]), 2e-6*math.Abs(want)+2e-45, "beta %g, %v, %d", beta, s, i)
				}
			}
		}
	})
}

// Rows may be very small or add up to more than a float32 holds.
func TestLpNormalizeFarRows(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, scale := range []float32{1e-42, 1e-22, 1e-19, 1e-12, 1e14, 1e18, 3e35} {
			for norm := 1; norm <= 2; norm++ {
				const n = 3000
				x, sum := random(seeded(), n), 0.0
				for i := range x {
					x[i] *= scale
					sum += math.Pow(math.Abs(float64(x[i])), float64(norm))
				}
				y := make([]float32, n)
				LpNormalize(nil, y, x, norm, 1, n, 1)
				for i, v := range x {
					want := float64(v) / math.Pow(sum, 1/float64(norm))
					require.InDelta(t, want, float64(y[i]), 2e-6*math.Abs(want), "scale %g, norm %d, %d", scale, norm, i)
				}
			}
		}
	})
}

// Along any axis as well, and of sums that float32 can't hold.
func TestLpNormalizeAxes(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, s := range [][3]int{{3, 37, 1}, {300, 37, 1}, {2, 5, 8}, {3, 70, 9}, {2, 3, 513}, {1, 40, 1030}, {2, 5, 3}, {2, 1, 11}} {
			outer, n, inner := s[0], s[1], s[2]
			for norm := 1; norm <= 2; norm++ {
				x := guard(r, outer*n*inner, 1)
				for i := range n { // one series of each kind
					at := i * inner
					x.s[at] *= 1e25
					x.s[len(x.s)-1-at] *= 0
				}
				x.was = append(x.was[:0], x.s...)
				y, threaded := guard(r, len(x.s), 2), make([]float32, len(x.s))
				LpNormalize(nil, y.s, x.s, norm, outer, n, inner)
				LpNormalize(NewPool(2), threaded, x.s, norm, outer, n, inner)
				requireSameBits(t, y.s, threaded, "two threads")
				x.checkUnchanged(t)
				y.checkZone(t)
				for series := range outer * inner {
					at, sum := seriesAt(series, n, inner), 0.0
					for i := range n {
						sum += math.Pow(math.Abs(float64(x.s[at+i*inner])), float64(norm))
					}
					for i := range n {
						want := 0.0
						if sum > 0 {
							want = float64(x.s[at+i*inner]) / math.Pow(sum, 1/float64(norm))
						}
						require.InDelta(t, want, float64(y.s[at+i*inner]), 2e-6*math.Abs(want), "%v, norm %d, series %d, %d", s, norm, series, i)
					}
				}
			}
		}
	})
}
