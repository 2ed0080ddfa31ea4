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
