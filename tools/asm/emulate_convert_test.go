package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/tools/asm/emu"
)

// odd are n values that conversions and comparisons may trip over.
func (k kernels) odd(n int) []float32 {
	some := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1e-45, -1e-45, 1 << 31, -1 << 31, 2147483520, 1e10, -1e10, 300.9, -129.5, 255.999, -0.999}
	s := k.floats(n)
	for i := range s {
		switch k.r.IntN(3) {
		case 0:
			s[i] = float32(some[k.r.IntN(len(some))])
		case 1:
			s[i] *= 200
		}
	}
	return s
}

func TestConvert(t *testing.T) {
	towardsZero := func(f float32) int32 {
		if f >= -1<<31 && f < 1<<31 {
			return int32(math.Trunc(float64(f)))
		}
		return math.MinInt32
	}
	emulate(t, emitConvert, func(k kernels) {
		for _, n := range []int{0, blockLen, 3 * blockLen, 9 * blockLen} {
			a, b, dst := k.odd(n), k.odd(n), make([]uint8, n)
			for i := 0; i < n; i += 5 {
				b[i] = a[i]
			}
			for name, holds := range map[string]func(a, b float32) bool{
				"equal":       func(a, b float32) bool { return a == b },
				"unequal":     func(a, b float32) bool { return a != b },
				"less":        func(a, b float32) bool { return a < b },
				"lessOrEqual": func(a, b float32) bool { return a <= b },
			} {
				k.call(name+k.x.name, emu.Out(dst), a, b)
				for i := range dst {
					require.True(k.t, dst[i] <= 1 && holds(a[i], b[i]) == (dst[i] == 1), "%s(%v, %v): %v", name, a[i], b[i], dst[i])
				}
			}
			words := k.ints(n, 1<<29)
			others := append([]int32{}, words...)
			for i := range others {
				others[i] += int32(k.r.IntN(3) - 1)
			}
			k.call("equalInt32"+k.x.name, emu.Out(dst), words, others)
			for i, w := range words {
				require.True(k.t, dst[i] <= 1 && (w == others[i]) == (dst[i] == 1), "%v == %v: %v", w, others[i], dst[i])
			}
			k.call("greaterInt32"+k.x.name, emu.Out(dst), words, others)
			for i, w := range words {
				require.True(k.t, dst[i] <= 1 && (w > others[i]) == (dst[i] == 1), "%v > %v: %v", w, others[i], dst[i])
			}
			long, more := make([]int64, n), make([]int64, n)
			for i := range long {
				long[i] = int64(k.r.Uint64())
				more[i] = long[i] ^ []int64{0, 1, 1 << 31, 1 << 32, math.MinInt64}[k.r.IntN(5)]
			}
			k.call("equalInt64"+k.x.name, emu.Out(dst), long, more)
			for i, v := range long {
				require.True(k.t, dst[i] <= 1 && (v == more[i]) == (dst[i] == 1), "%v == %v: %v", v, more[i], dst[i])
			}
			k.call("int32ToBytes"+k.x.name, emu.Out(dst), words)
			for i, w := range words {
				require.Equal(k.t, uint8(w), dst[i])
			}
			k.call("floatToBytes"+k.x.name, emu.Out(dst), a)
			for i, f := range a {
				require.Equal(k.t, uint8(towardsZero(f)), dst[i], "byte of %v", f)
			}
		}
		for _, n := range k.lengths() {
			a, ints := k.odd(n), make([]int32, n)
			k.call("floatToInt32"+k.x.name, emu.Out(ints), a)
			for i, f := range a {
				require.Equal(k.t, towardsZero(f), ints[i], "%v", f)
			}
			from, back := k.ints(n, 1<<29), make([]float32, n)
			k.call("int32ToFloat"+k.x.name, emu.Out(back), from)
			for i, v := range from {
				require.Equal(k.t, float32(v), back[i], "%v", v)
			}
		}
	})
}

// Conversions between numbers of different widths, of whole vectors.
func TestConvertWidths(t *testing.T) {
	emulate(t, emitConvert, func(k kernels) {
		for _, n := range []int{0, k.lanes, 3 * k.lanes} {
			words, bytes, halves := k.ints(n, 1<<29), make([]uint8, n), make([]uint16, n)
			longs, doubles, floats := make([]int64, n), make([]float64, n), k.odd(n)
			for i := range n {
				bytes[i], halves[i] = uint8(k.r.Uint32()), uint16(k.r.Uint32())
				longs[i] = int64(k.r.Uint64())
				doubles[i] = float64(floats[i]) * (1 + 1e-9)
				if i%3 == 0 {
					longs[i], doubles[i] = longs[i]>>32<<32, 3e9*(k.r.Float64()-0.5)
				}
			}
			toLongs, toDoubles, toFloats := make([]int64, n), make([]float64, n), make([]float32, n)
			toWords, toHalves := make([]int32, n), make([]uint16, n)
			k.call("int32ToInt64"+k.x.name, emu.Out(toLongs), words)
			for i, w := range words {
				require.Equal(k.t, int64(w), toLongs[i])
			}
			k.call("int32ToDouble"+k.x.name, emu.Out(toDoubles), words)
			for i, w := range words {
				require.Equal(k.t, float64(w), toDoubles[i])
			}
			k.call("floatToDouble"+k.x.name, emu.Out(toDoubles), floats)
			for i, f := range floats {
				require.True(k.t, float64(f) == toDoubles[i] || f != f && toDoubles[i] != toDoubles[i], "%v: %v", f, toDoubles[i])
			}
			k.call("doubleToFloat"+k.x.name, emu.Out(toFloats), doubles)
			for i, f := range doubles {
				require.True(k.t, float32(f) == toFloats[i] || f != f && toFloats[i] != toFloats[i], "%v: %v", f, toFloats[i])
			}
			k.call("doubleToInt32"+k.x.name, emu.Out(toWords), doubles)
			for i, f := range doubles {
				want := int32(math.MinInt32)
				if f > -1<<31-1 && f < 1<<31 {
					want = int32(math.Trunc(f))
				}
				require.Equal(k.t, want, toWords[i], "%v", f)
			}
			k.call("bytesToInt32"+k.x.name, emu.Out(toWords), bytes)
			for i, b := range bytes {
				require.Equal(k.t, int32(b), toWords[i])
			}
			k.call("lowWords"+k.x.name, emu.Out(toWords), longs)
			for i, v := range longs {
				require.Equal(k.t, int32(v), toWords[i])
			}
			k.call("eitherWord"+k.x.name, emu.Out(toWords), longs)
			for i, v := range longs {
				require.Equal(k.t, int32(v)|int32(v>>32), toWords[i])
			}
			// They are right, or say that they are not, of which one number suffices.
			for at := -1; at < n; at++ {
				some := k.floats(n)
				for i := range some {
					if some[i] *= 1e8; i == at {
						some[i] = []float32{1 << 31, float32(math.NaN()), -1e10}[k.r.IntN(3)]
					}
					longs[i] = int64(some[i])
				}
				least := math.Float32bits(k.call("floatToInt64"+k.x.name, emu.Out(toLongs), some)[0])
				require.Equal(k.t, at >= 0, least == 1<<31, "%d of %d", at, n)
				if at >= 0 {
					longs[at] = []int64{1 << 31, -1<<31 - 1, 1 << 40, -1 << 32}[k.r.IntN(4)]
				} else {
					require.Equal(k.t, longs, toLongs)
				}
				beyond := math.Float32bits(k.call("int64ToFloat"+k.x.name, emu.Out(toFloats), longs)[0])
				require.Equal(k.t, at >= 0, beyond != 0, "%d of %d", at, n)
				for i, v := range longs {
					require.True(k.t, at >= 0 || float32(v) == toFloats[i], "%v", v)
				}
			}
			k.call("bf16ToFloat"+k.x.name, emu.Out(toFloats), halves)
			for i, h := range halves {
				require.Equal(k.t, uint32(h)<<16, math.Float32bits(toFloats[i]))
			}
			for i := range floats {
				if i%2 == 0 { // on either side of the middle, and in it
					floats[i] = math.Float32frombits(k.r.Uint32()&^0xffff | []uint32{0x7fff, 0x8000, 0x8001}[k.r.IntN(3)])
				}
			}
			k.call("floatToBF16"+k.x.name, emu.Out(toHalves), floats)
			for i, f := range floats {
				u := math.Float32bits(f)
				want := uint16((u + 0x7fff + u>>16&1) >> 16)
				if f != f {
					want = uint16(u>>16 | 0x40)
				}
				require.Equal(k.t, want, toHalves[i], "%#x", u)
			}
		}
	})
}
