package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Planes of one value, far from 0, and of values too large or small for their squares
// are standardized as in float64.
func TestGroupNormAndStandardize(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		inf := float32(math.Inf(1))
		for _, size := range []int{1, 7, 20, 333, 2500} {
			for _, c := range []struct{ offset, spread float32 }{{0, 1}, {1000, 0.01}, {-3e5, 1}, {0.1, 0}, {1e3, 0}, {0, 0}, {0, 1e25}, {0, 1e-25}, {3e38, 1e37}, {inf, 1}} {
				const batch, channels, groups = 2, 4, 2
				n := channels / groups * size
				x, gamma, beta := guard(r, batch*channels*size, 3), random(r, channels), random(r, channels)
				gamma[1] = 0
				for i := range x.s {
					x.s[i] = c.offset + c.spread*x.s[i]
				}
				copy(x.was, x.s)
				y, z := guard(r, len(x.s), 1), guard(r, len(x.s), 5)
				GroupNorm(nil, y.s, x.s, gamma, beta, 1e-5, batch, channels, size, groups)
				Standardize(nil, z.s, x.s, 1e-9, batch*groups, n)
				for g := range batch * groups {
					var mean, variance float64
					for _, v := range x.s[g*n : (g+1)*n] {
						mean += float64(v) / float64(n)
					}
					for _, v := range x.s[g*n : (g+1)*n] {
						variance += (float64(v) - mean) * (float64(v) - mean) / float64(n)
					}
					check := func(want float64, got float32, size float64) {
						if c.spread == 0 && want != want || want-want != 0 || math.IsNaN(float64(got)) {
							require.True(t, math.IsNaN(want) == math.IsNaN(float64(got)), "%v: %v, want %v", c, got, want)
							return
						}
						if math.Abs(want-float64(got)) > 4e-6*(1+size) {
							require.InDelta(t, want, got, 4e-6*(1+size), "%v, size %d", c, size)
						}
					}
					for i := g * n; i < (g+1)*n; i++ {
						ch := i / size % channels
						unit := (float64(x.s[i]) - mean) / math.Sqrt(variance+1e-5)
						check(unit*float64(gamma[ch])+float64(beta[ch]), y.s[i], math.Abs(unit))
						unit = (float64(x.s[i]) - mean) / (math.Sqrt(variance) + 1e-9)
						if c.spread == 0 { // the mean of equal values is rounded in float64, too
							require.InDelta(t, 0, z.s[i], 1e-3)
							continue
						}
						check(unit, z.s[i], math.Abs(unit))
					}
				}
				x.checkUnchanged(t)
				y.checkZone(t)
				z.checkZone(t)
			}
		}
	})
}

// A factor that float32 holds badly is not made of two that it holds well.
func TestScaleRowOfSmallFactors(t *testing.T) {
	x, y := make([]float32, 20), make([]float32, 20)
	Fill(x, 1e38)
	scaleRow(y, x, 0, 1e-38, 1e-3, 0)
	require.InEpsilon(t, 1e-3, y[3], 1e-6)
	Fill(x, 1e-30)
	scaleRow(y, x, 0, 1e20, 1e25, 0)
	require.InEpsilon(t, 1e15, y[3], 1e-6)
}

// Rows whose squares float32 can't hold as well.
func TestLpNormalizeRows(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, n := range []int{1, 9, 700, 2500} {
			for _, scale := range []float32{1, 1e-25, 1e25, 0, float32(math.NaN())} {
				for norm := 1; norm <= 2; norm++ {
					x, y := guard(r, 3*n, 1), guard(r, 3*n, 2)
					for i := range x.s {
						x.s[i] *= scale
						x.was[i] = x.s[i]
					}
					LpNormalize(nil, y.s, x.s, norm, 3, n, 1)
					for row := range 3 {
						sum := 0.0
						for _, v := range x.s[row*n : (row+1)*n] {
							sum += math.Pow(math.Abs(float64(v)), float64(norm))
						}
						sum = math.Pow(sum, 1/float64(norm))
						for i := row * n; i < (row+1)*n; i++ {
							want := float64(x.s[i]) / sum
							if sum == 0 {
								want = 0
							}
							if got := float64(y.s[i]); !(math.Abs(want-got) <= 2e-6*math.Abs(want)) && (want == want || got == got) {
								require.InDelta(t, want, got, 2e-6*math.Abs(want), "%d by %g", n, scale)
							}
						}
					}
					x.checkUnchanged(t)
					y.checkZone(t)
				}
			}
		}
	})
}
