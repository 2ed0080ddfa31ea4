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
			if got != want && (got == got || want == want) {
				require.Equal(t, want, got, "%v (%T to %T, %d of %d)", src[j], src[j], got, j, len(src))
			}
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
			requireConverted[int64](t, i32)
			requireConverted[uint8](t, i32)
			requireConverted[int8](t, i32)
			requireConverted[int32](t, u8)
			requireConverted[int64](t, u8)
			requireConverted[float64](t, u8)
			requireConverted[int32](t, i8)
			requireConverted[int64](t, i8)
			requireConverted[float64](t, f)
			f64, i64 := make([]float64, n), make([]int64, n)
			for i := range n {
				f64[i], i64[i] = float64(f[i])*(1+1e-12*r.Float64()), int64(r.Uint64())>>r.IntN(64)
			}
			requireConverted[float32](t, f64)
			requireConverted[int32](t, f64)
			requireConverted[uint8](t, f64)
			requireConverted[int8](t, f64)
			requireConverted[int32](t, i64)
			requireConverted[uint8](t, i64)
			requireConverted[int8](t, i64)
			requireConverted[float32](t, i64)
			requireConverted[float64](t, i64)
		}
	})
}

// Between int64 and float32 a single number of more than 32 bits leaves its neighbours
// right and is right itself, wherever it is.
func TestConvertLongs(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, n := range []int{8, 16, 67, 301} {
			for at := -1; at < n; at++ {
				f, i64 := make([]float32, n), make([]int64, n)
				for i := range n {
					f[i], i64[i] = (2*r.Float32()-1)*float32(int64(1)<<r.IntN(31)), int64(int32(r.Uint32()))>>r.IntN(32)
				}
				if at >= 0 {
					f[at] = []float32{1 << 31, -1 << 31, -1 << 33, 1e12}[r.IntN(4)]
					i64[at] = []int64{1 << 31, -1<<31 - 1, 1 << 32, -1 << 32, 1<<62 + 1, math.MinInt64}[r.IntN(6)]
				}
				requireConverted[int64](t, f)
				requireConverted[float32](t, i64)
			}
		}
	})
}

// Not zero is what has a bit set, but for the sign of a float.
func TestNonZero(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, n := range castLengths {
			i32, i64, u8, f64 := make([]int32, n), make([]int64, n), make([]uint8, n), make([]float64, n)
			for i := range n {
				if r.IntN(3) > 0 {
					i32[i], i64[i], u8[i] = 1<<r.IntN(32), 1<<r.IntN(64), 1<<r.IntN(8)
					f64[i] = []float64{math.Copysign(0, -1), math.Float64frombits(1 << r.IntN(64)), math.NaN(), math.Inf(-1), -1, 1e-60}[r.IntN(6)]
				}
			}
			requireNonZero(t, i32)
			requireNonZero(t, i64)
			requireNonZero(t, u8)
			requireNonZero(t, f64)
		}
	})
}

func requireNonZero[T Number](t *testing.T, x []T) {
	t.Helper()
	y := make([]bool, len(x)+1)
	NonZero(y[:len(x)], x)
	for i, v := range x {
		require.Equal(t, v != 0, y[i], "%T %v", v, v)
	}
	require.False(t, y[len(x)])
}

// Every number is rounded to half precision once: also a float64 next to what is
// half-way between two, and integers of any size.
func TestConvertToHalves(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		var f64 []float64
		var i64 []int64
		for h := range uint16(0x7c00) {
			var f, next [1]float32
			F16ToF32(f[:], []uint16{h})
			F16ToF32(next[:], []uint16{h + 1})
			if h == 0x7bff {
				next[0] = 65536
			}
			middle := (float64(f[0]) + float64(next[0])) / 2
			if up := math.Nextafter(middle, 1e9); r.IntN(8) == 0 {
				f64 = append(f64, middle, up, -up, math.Nextafter(middle, 0), float64(f[0]))
			}
			i64 = append(i64, int64(r.Uint64())>>r.IntN(64), int64(middle), -int64(middle)-1)
		}
		f64 = append(f64, 1e-300, -1e300, math.Inf(1), math.NaN(), math.Copysign(0, -1))
		got := make([]uint16, len(f64))
		ConvertToF16(got, f64)
		for i, v := range f64 {
			requireHalf(t, v, got[i])
		}
		got = make([]uint16, len(i64))
		ConvertToF16(got, i64)
		for i, v := range i64 {
			requireHalf(t, float64(v), got[i])
		}
		ConvertToBF16(got, i64)
		for i, v := range i64 {
			require.Equal(t, uint16(toBFloat16(float32(v))), got[i], "%v", v)
		}
	})
}

// requireHalf checks that h is the binary16 nearest to v, of two the even one.
func requireHalf(t *testing.T, v float64, h uint16) {
	t.Helper()
	value := func(h uint16) float64 {
		if h == 0x7c00 {
			return 65536 // where the next one would be
		}
		e, m := int(h>>10), float64(h&0x3ff)
		if e == 0 {
			return math.Ldexp(m, -24)
		}
		return math.Ldexp(1024+m, e-25)
	}
	if v != v {
		require.Greater(t, h&0x7fff, uint16(0x7c00))
		return
	}
	require.Equal(t, math.Signbit(v), h>>15 != 0, "%v", v)
	h &= 0x7fff
	off := func(h uint16) float64 { return math.Abs(value(h) - min(math.Abs(v), 1e6)) }
	for _, other := range []uint16{max(h, 1) - 1, min(h+1, 0x7c00)} {
		if other != h && (off(other) < off(h) || off(other) == off(h) && h&1 != 0) {
			require.Fail(t, "not the nearest", "%v: %#x, not %#x", v, h, other)
		}
	}
}

// bfloat16 numbers are the upper halves of float32; those round to the nearest, of two
// the even one.
func TestBFloat16(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, n := range castLengths {
			h, f, back := make([]uint16, n), make([]float32, n), make([]uint16, n+1)
			for i := range h {
				h[i] = uint16(r.Uint32())
			}
			BF16ToF32(f, h)
			for i := range h {
				require.Equal(t, uint32(h[i])<<16, math.Float32bits(f[i]))
				if f[i] == f[i] {
					f[i] = math.Float32frombits(uint32(h[i])<<16 + []uint32{0, 0x7fff, 0x8000, 0x8001, 0xffff}[r.IntN(5)])
				}
			}
			F32ToBF16(back[:n], f)
			for i, v := range f {
				if v != v {
					require.Equal(t, uint16(math.Float32bits(v)>>16|0x40), back[i])
					continue
				}
				u := math.Float32bits(v)
				want := u >> 16
				if low := u & 0xffff; low > 0x8000 || low == 0x8000 && want&1 != 0 {
					want++
				}
				require.Equal(t, uint16(want), back[i], "%#x", u)
			}
			require.Zero(t, back[n])
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
