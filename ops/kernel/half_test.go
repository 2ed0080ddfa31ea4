package kernel

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// Vectors convert as single numbers do, and nothing beside them is written.
func TestHalfVectors(t *testing.T) {
	all, near := make([]uint16, 1<<16), make([]float32, 0, 3<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	single := func(h uint16) (f float32) {
		s := []float32{0}
		halfToFloatGeneric(s, &h)
		return s[0]
	}
	for i := range all[:1<<16-1] {
		f, next := single(uint16(i)), single(uint16(i+1))
		middle := (f + next) / 2
		near = append(near, f, middle, math.Nextafter32(middle, next))
	}
	near = append(near, 65519, 65520, -65536, 1e30, 1e-30)
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, n := range []int{0, 1, 7, 8, 16, 31, 67, 1 << 16} {
			g := guard(r, n, r.IntN(4))
			F16ToF32(g.s, all[len(all)-n:])
			for i, h := range all[len(all)-n:] {
				want := single(h)
				if want != want {
					require.True(t, g.s[i] != g.s[i], "%#x", h)
					continue
				}
				require.Equal(t, math.Float32bits(want), math.Float32bits(g.s[i]), "%#x", h)
			}
			g.checkZone(t)
		}
		for _, n := range []int{0, 1, 15, 16, 37, len(near)} {
			from := near[len(near)-n:]
			out := make([]uint16, n+1)
			out[n] = 0x1234
			F32ToF16(out[:n], from)
			for i, f := range from {
				var want uint16
				floatToHalfGeneric(&want, []float32{f})
				if f != f {
					require.Greater(t, out[i]&0x7fff, uint16(0x7c00))
					continue
				}
				require.Equal(t, want, out[i], "%v", f)
			}
			require.Equal(t, uint16(0x1234), out[n])
		}
	})
}
