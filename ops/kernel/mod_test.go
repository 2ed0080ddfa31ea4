package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The remainder has the bits of math.Mod's, also where the quotient is as good as
// whole, huge or not a number.
func TestRemainderIsExact(t *testing.T) {
	r := seeded()
	check := func(a, b float32) {
		want, got := float32(math.Mod(float64(a), float64(b))), make([]float32, 1)
		binaryRow(OpFmod, got, []float32{a}, []float32{b}, 1, 1)
		if want != want {
			require.True(t, got[0] != got[0], "%v mod %v: %v", a, b, got[0])
			return
		}
		require.Equal(t, math.Float32bits(want), math.Float32bits(got[0]), "%v mod %v: %v, want %v", a, b, got[0], want)
	}
	for _, a := range specials {
		for _, b := range specials {
			check(a, b)
		}
	}
	for range 200_000 {
		b := math.Float32frombits(r.Uint32())
		check(math.Float32frombits(r.Uint32()), b)
		check(b*float32(r.IntN(1<<r.IntN(31))), b)
		near := b * float32(r.IntN(1<<r.IntN(31)))
		check(math.Nextafter32(near, 0), b)
		check(-math.Nextafter32(near, float32(math.Inf(1))), b)
	}
	for _, c := range [][3]float32{{-7, 3, 2}, {7, -3, -2}, {-6, 3, 0}, {6, 3, 0}, {-1, 3, 2}} {
		got := make([]float32, 1)
		binaryRow(OpMod, got, c[:1], c[1:2], 1, 0)
		require.Equal(t, c[2], got[0], "%v", c)
	}
}
