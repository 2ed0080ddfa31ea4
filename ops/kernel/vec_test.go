package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// specials are put into every vector test.
var specials = []float32{
	float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0, float32(math.Copysign(0, -1)),
	1e-45, -1e-45, math.MaxFloat32, 1e-38,
}

// sameFloat is equality with NaN equal to NaN.
func sameFloat(a, b float32) bool { return a == b || a != a && b != b }

func TestClipKeepsMinusZero(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, n := range []int{1, 7, 40} {
			x := make([]float32, n)
			fillWith(x, float32(math.Copysign(0, -1)))
			Clip(x, x, -1, 1)
			for i, v := range x {
				require.True(t, v == 0 && math.Signbit(float64(v)), "%d of %d", i, n)
			}
		}
	})
}

func TestBinary(t *testing.T) {
	cases := []struct {
		name string
		f    func(dst, a, b []float32)
		want func(a, b float32) float32
	}{
		{"Add", Add, func(a, b float32) float32 { return a + b }},
		{"Sub", Sub, func(a, b float32) float32 { return a - b }},
		{"Mul", Mul, func(a, b float32) float32 { return a * b }},
		{"Div", Div, func(a, b float32) float32 { return a / b }},
		{"Max", Max, func(a, b float32) float32 { return max(a, b) }},
		{"Min", Min, func(a, b float32) float32 { return min(a, b) }},
		{"AddScalar", func(dst, a, b []float32) { AddScalar(dst, a, 0.3) }, func(a, _ float32) float32 { return a + 0.3 }},
		{"MulScalar", func(dst, a, b []float32) { MulScalar(dst, a, 0.3) }, func(a, _ float32) float32 { return a * 0.3 }},
		{"DivScalar", func(dst, a, b []float32) { DivScalar(dst, a, 0.3) }, func(a, _ float32) float32 { return a / 0.3 }},
		{"ScalarSub", func(dst, a, b []float32) { ScalarSub(dst, 0.3, a) }, func(a, _ float32) float32 { return 0.3 - a }},
		{"ScalarDiv", func(dst, a, b []float32) { ScalarDiv(dst, 0.3, a) }, func(a, _ float32) float32 { return 0.3 / a }},
		{"MaxScalar", func(dst, a, b []float32) { MaxScalar(dst, a, 0.3) }, func(a, _ float32) float32 { return max(a, 0.3) }},
		{"MinScalar", func(dst, a, b []float32) { MinScalar(dst, a, 0.3) }, func(a, _ float32) float32 { return min(a, 0.3) }},
		{"HardSigmoid", func(dst, a, b []float32) { HardSigmoid(dst, a, 0.5, 0.25) }, func(a, _ float32) float32 { return max(0, min(1, a*0.5+0.25)) }},
		{"Clip", func(dst, a, b []float32) { Clip(dst, a, -0.5, 0.3) }, func(a, _ float32) float32 { return min(max(a, -0.5), 0.3) }},
	}
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, c := range cases {
			for n := 0; n <= 67; n++ {
				a, b, dst := guard(r, n, n%5), guard(r, n, n%3), guard(r, n, n%7)
				for i := range n / 4 {
					a.s[r.IntN(n)] = specials[(n+i)%len(specials)]
					b.s[r.IntN(n)] = specials[(n+2*i)%len(specials)]
				}
				copy(a.was, a.s)
				copy(b.was, b.s)
				c.f(dst.s, a.s, b.s)
				a.checkUnchanged(t)
				b.checkUnchanged(t)
				dst.checkZone(t)
				for i := range n {
					if want := c.want(a.s[i], b.s[i]); !sameFloat(want, dst.s[i]) {
						require.Failf(t, "wrong value", "%s(%v, %v) = %v, want %v (%d of %d)", c.name, a.s[i], b.s[i], dst.s[i], want, i, n)
					}
				}
				c.f(a.s, a.s, b.s)
				a.checkZone(t)
				for i := range n {
					require.True(t, sameFloat(dst.s[i], a.s[i]), "%s in place: %d of %d", c.name, i, n)
				}
			}
		}
	})
}

func TestReductions(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for n := 0; n <= 300; n++ {
			a, b := guard(r, n, n%5), guard(r, n, n%3)
			var dot, squares, sum, size float64
			top, bottom := math.Inf(-1), math.Inf(1)
			for i := range n {
				x, y := float64(a.s[i]), float64(b.s[i])
				dot, squares, sum = dot+x*y, squares+x*x, sum+x
				size += math.Abs(x)
				top, bottom = max(top, x), min(bottom, x)
			}
			tol := size*float64(n+1)*6e-8 + 1e-30
			require.InDelta(t, dot, Dot(a.s, b.s), tol, "Dot of %d", n)
			require.InDelta(t, squares, SumSquares(a.s), tol, "SumSquares of %d", n)
			require.InDelta(t, sum, Sum(a.s), tol, "Sum of %d", n)
			require.Equal(t, float32(top), MaxOf(a.s), "MaxOf %d", n)
			require.Equal(t, float32(bottom), MinOf(a.s), "MinOf %d", n)

			y := guard(r, n, n%4)
			Axpy(y.s, -0.7, a.s)
			for i := range n {
				require.InDelta(t, float64(y.was[i])-0.7*float64(a.s[i]), y.s[i], 2e-7, "Axpy %d of %d", i, n)
			}
			y.checkZone(t)
			a.checkUnchanged(t)
			b.checkUnchanged(t)

			if n > 0 {
				a.s[r.IntN(n)] = float32(math.NaN())
				for name, v := range map[string]float32{"Dot": Dot(a.s, b.s), "Sum": Sum(a.s), "MaxOf": MaxOf(a.s), "MinOf": MinOf(a.s)} {
					require.True(t, v != v, "%s of %d values with a NaN is %v", name, n, v)
				}
			}
		}
	})
}

func TestMulAdd(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for n := range 68 {
			dst, a, b := guard(r, n, n%5), guard(r, n, n%3), guard(r, n, n%4)
			MulAdd(dst.s, a.s, b.s)
			dst.checkZone(t)
			for i := range n {
				require.InDelta(t, float64(dst.was[i])+float64(a.s[i])*float64(b.s[i]), dst.s[i], 2e-7)
			}
		}
	})
}
