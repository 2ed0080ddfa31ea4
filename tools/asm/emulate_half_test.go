package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/tools/asm/emu"
)

// Every binary16 is itself again, and what lies between two goes to the nearer.
func TestHalf(t *testing.T) {
	emulate(t, emitHalf, func(k kernels) {
		n := 2 * k.lanes
		for at := 0; at < 1<<16; at += n {
			src, f, back := make([]uint16, n), make([]float32, n), make([]uint16, n)
			for i := range src {
				src[i] = uint16(at + i)
			}
			k.call("halfToFloat"+k.x.name, emu.Out(f), src)
			k.call("floatToHalf"+k.x.name, emu.Out(back), f)
			for i, h := range src {
				if h&0x7fff > 0x7c00 {
					require.True(k.t, f[i] != f[i] && back[i]&0x7fff > 0x7c00, "%#x", h)
					continue
				}
				require.Equal(k.t, h, back[i])
				e, m := float64(h>>10&31), float64(h&1023)
				want := math.Exp2(e-25) * (1024 + m)
				switch e {
				case 0:
					want = math.Exp2(-24) * m
				case 31:
					want = math.Inf(1)
				}
				require.Equal(k.t, float32(want), float32(math.Abs(float64(f[i]))), "%#x", h)
			}
		}
		f, h := make([]float32, k.lanes), make([]uint16, k.lanes)
		copy(f, []float32{65519, 65520, -65536, 1e-8, 2.98e-8, 2.99e-8, 1 + 1.0/2048, 1 + 3.0/2048})
		k.call("floatToHalf"+k.x.name, emu.Out(h), f)
		require.Equal(k.t, []uint16{0x7bff, 0x7c00, 0xfc00, 0, 0, 1, 0x3c00, 0x3c02}, h[:8])
	})
}
