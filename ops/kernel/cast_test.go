package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// castLengths are those around a block of bytes and several.
var castLengths = []int{0, 1, 7, 31, 32, 33, 67, 128, 301}

// tricky are n values of which conversions go wrong if any do.
func tricky(r *rand.Rand, n int) []float32 {
	at := []float32{1 << 31, -1 << 31, 2147483520, -2147483904, 1e10, -1e10, 255.9, 256, -0.9, -128.5, 1 << 40}
	s := make([]float32, n)
	for i := range s {
		switch r.IntN(4) {
		case 0:
			s[i] = specials[r.IntN(len(specials))]
		case 1:
			s[i] = at[r.IntN(len(at))]
		case 2:
			s[i] = math.Float32frombits(r.Uint32())
		default:
			s[i] = 600*r.Float32() - 300
		}
	}
	return s
}

// requireConverted compares ConvertTo with Go's conversion, in a block whose other
// elements stay.
func requireConverted[D, S Number](t *testing.T, src []S) {
	t.Helper()
	const around = 40
	mark, block := D(77), make([]D, len(src)+2*around)
	fillAll(block, mark)
	ConvertTo(block[around:around+len(src)], src)
	for i, got := range block {
		want := mark
		if j := i - around; j >= 0 && j < len(src) {
			want = D(src[j])
			require.Equal(t, want, got, "%v (%T to %T, %d of %d)", src[j], src[j], got, j, len(src))
			continue
		}
		require.Equal(t, want, got, "%d of %d", i-around, len(src))
	}
}

func TestConvertTo(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, n := range castLengths {
			f := tricky(r, n)
			requireConverted[int32](t, f)
			requireConverted[int8](t, f)
			requireConverted[uint8](t, f)
			requireConverted[int64](t, f)
			i32, i8, u8 := make([]int32, n), make([]int8, n), make([]uint8, n)
			for i := range n {
				i32[i], i8[i], u8[i] = int32(r.Uint32())>>r.IntN(32), int8(r.Uint32()), uint8(r.Uint32())
			}
			requireConverted[float32](t, i32)
			requireConverted[float32](t, i8)
			requireConverted[float32](t, u8)
			requireConverted[float64](t, i32)
		}
	})
}

func TestPredicatesOfFloats(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, n := range castLengths {
			x, y := tricky(r, n), make([]bool, n+1)
			NonZero(y[:n], x)
			for i, v := range x {
				require.Equal(t, v != 0, y[i], "%v", v)
			}
			require.False(t, y[n])
			IsNaN(y[:n], x)
			for i, v := range x {
				require.Equal(t, v != v, y[i], "%v", v)
			}
			require.False(t, y[n])
		}
	})
}

// Every relation, of neighbours and of one value on either side, at every length.
func TestCompareVectors(t *testing.T) {
	holds := [...]func(a, b float32) bool{
		OpEqual: func(a, b float32) bool { return a == b }, OpLess: func(a, b float32) bool { return a < b }, OpLessOrEqual: func(a, b float32) bool { return a <= b },
		OpGreater: func(a, b float32) bool { return a > b }, OpGreaterOrEqual: func(a, b float32) bool { return a >= b },
	}
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, n := range castLengths[1:] {
			a, b := tricky(r, n), tricky(r, n)
			for i := 0; i < n; i += 3 {
				b[i] = a[i]
			}
			for op, want := range holds {
				for _, s := range [][2]int{{1, 1}, {1, 0}, {0, 1}, {0, 0}} {
					for _, one := range []float32{0, float32(math.NaN()), 255.9} {
						a, b := append([]float32{}, a...), append([]float32{}, b...)
						a[0], b[0] = one, one
						got := make([]bool, n+1)
						compareRow(CompareOp(op), got[:n], a, b, s[0], s[1])
						for i := range n {
							x, y := a[i*s[0]], b[i*s[1]]
							require.Equal(t, want(x, y), got[i], "%v, %v by %d with steps %v (%d of %d)", x, y, op, s, i, n)
						}
						require.False(t, got[n])
					}
				}
			}
		}
	})
}
