package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// A power with one exponent is math.Pow's, but for the last rounding, whatever the
// base: also of the least and largest, of both signs, of 0, infinities and NaN.
func TestPowOfOneExponent(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, e := range []float32{0.5, -0.5, 1.5, 2.2, 1 / 2.4, -1, -2, 4, 5, -3, 0, 1, 2, 3, 0.1, -17.5, 1 << 23, 1<<23 + 1, 1 << 25, 1e-30, 700.25, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
			for _, n := range []int{1, 7, 40, 1500} {
				a, dst := guard(r, n, n%3), guard(r, n, n%5)
				for i := range a.s {
					switch r.IntN(4) {
					case 0:
						a.s[i] = specials[r.IntN(len(specials))]
					case 1:
						a.s[i] = math.Float32frombits(r.Uint32())
					case 2:
						a.s[i] = 1 + a.s[i]/1000
					}
				}
				if n == 40 {
					for i, v := range a.s {
						a.s[i] = float32(math.Abs(float64(v)))
					}
				}
				copy(a.was, a.s)
				binaryRow(OpPow, dst.s, a.s, []float32{e}, 1, 0)
				a.checkUnchanged(t)
				dst.checkZone(t)
				for i, x := range a.s {
					want, got := math.Pow(float64(x), float64(e)), dst.s[i]
					if want != want {
						require.True(t, got != got, "%v**%v: %v", x, e, got)
						continue
					}
					ulps := 0.51
					if e == 3 {
						ulps = 1.5
					}
					require.LessOrEqual(t, ulpsOff(got, want, math.Abs(want)), ulps, "%v**%v: %v, want %v", x, e, got, want)
					require.Equal(t, math.Signbit(want), math.Signbit(float64(got)), "%v**%v: %v, want %v", x, e, got, want)
				}
				binaryRow(OpPow, a.s, a.s, []float32{e}, 1, 0)
				requireSameBits(t, dst.s, a.s, "in place")
			}
		}
	})
}

// Powers with an exponent each are math.Pow's, which is C's pow, but for the last
// rounding: of all specials to all specials, and of anything; also of one base.
func TestPowOfManyExponents(t *testing.T) {
	ends := append([]float32{0, -0.5, 0.5, 1, -1, 2, -2, 3, -3, 2.5, -2.5, 1 << 23, 1<<23 + 1, 1<<24 - 1, 1 << 24, -(1<<24 - 1), 0.99999994, 1.0000001, -0.99999994}, specials...)
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		check := func(x, e, got float32) {
			t.Helper()
			want := math.Pow(float64(x), float64(e))
			if want != want {
				require.True(t, got != got, "%v**%v: %v", x, e, got)
				return
			}
			require.LessOrEqual(t, ulpsOff(got, want, math.Abs(want)), 0.51, "%v**%v: %v, want %v", x, e, got, want)
			require.Equal(t, math.Signbit(want), math.Signbit(float64(got)), "%v**%v: %v, want %v", x, e, got, want)
		}
		for range 40 {
			for _, n := range []int{1, 7, 8, 40, len(ends) * len(ends)} {
				a, b, dst := guard(r, n, n%3), guard(r, n, n%2), guard(r, n, n%5)
				for i := range a.s {
					switch {
					case n == len(ends)*len(ends):
						a.s[i], b.s[i] = ends[i/len(ends)], ends[i%len(ends)]
					case r.IntN(4) == 0:
						a.s[i] = math.Float32frombits(r.Uint32())
					case r.IntN(3) == 0:
						b.s[i] = math.Float32frombits(r.Uint32())
					case r.IntN(3) == 0:
						a.s[i], b.s[i] = 1+a.s[i]/1000, b.s[i]*1000
					default:
						b.s[i] = float32(math.Round(8 * float64(b.s[i])))
					}
				}
				copy(a.was, a.s)
				copy(b.was, b.s)
				binaryRow(OpPow, dst.s, a.s, b.s, 1, 1)
				a.checkUnchanged(t)
				b.checkUnchanged(t)
				dst.checkZone(t)
				for i, got := range dst.s {
					check(a.s[i], b.s[i], got)
				}
				one := a.s[0]
				binaryRow(OpPow, dst.s, []float32{one}, b.s, 0, 1)
				dst.checkZone(t)
				for i, got := range dst.s {
					check(one, b.s[i], got)
				}
				binaryRow(OpPow, dst.s, a.s, b.s, 1, 1)
				into := append([]float32{}, b.s...)
				binaryRow(OpPow, into, a.s, into, 1, 1)
				requireSameBits(t, dst.s, into, "onto the exponents")
				binaryRow(OpPow, a.s, a.s, b.s, 1, 1)
				requireSameBits(t, dst.s, a.s, "in place")
			}
		}
	})
}

// The root of -0 is 0 and that of -Inf is +Inf, also where all else has a plain root.
func TestPowOfAHalf(t *testing.T) {
	minus, inf := float32(math.Copysign(0, -1)), float32(math.Inf(1))
	forEachVariant(t, func(t *testing.T) {
		for _, c := range [][2][]float32{{{minus, 4, inf}, {0, 2, inf}}, {{-inf, 4}, {inf, 2}}, {{}, {}}} {
			y := make([]float32, len(c[0]))
			binaryRow(OpPow, y, c[0], []float32{0.5}, 1, 0)
			requireSameBits(t, c[1], y, "%v", c[0])
		}
	})
}

// Numbers too large for the vectors change none of their neighbours, in place as well.
func TestWavesFarAway(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		near, far := random(seeded(), 41), []float32{1 << 20, -1e30, float32(math.Inf(1)), float32(math.NaN()), mostTurned - 0.0625}
		for i, f := range []func(dst, src []float32){Sin, Cos} {
			want, got := make([]float32, len(near)), append([]float32{}, near...)
			f(want, near)
			for j, x := range far {
				got[8*j+3] = x
				want[8*j+3] = float32([]func(float64) float64{math.Sin, math.Cos}[i](float64(x)))
			}
			f(got, got)
			for j, w := range want {
				require.True(t, w == got[j] || w != w && got[j] != got[j], "%d: %v, want %v", j, got[j], w)
			}
		}
	})
}
