package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/tools/asm/emu"
)

func TestDoubles(t *testing.T) {
	inf := float32(math.Inf(1))
	emulate(t, emitDoubles, func(k kernels) {
		check := func(want float64, got float32, what string, x float32) {
			if want != want && got != got {
				return
			}
			if float32(want) == got {
				require.Equal(k.t, math.Signbit(want), math.Signbit(float64(got)), "%s(%v)", what, x)
				return
			}
			_, e := math.Frexp(want)
			near(k.t, want, got, 0.53*math.Ldexp(1, max(e-24, -149)), "%s(%v)", what, x)
		}
		for _, n := range append(k.lengths(), 3000) {
			src, dst := k.floats(n), make([]float32, n)
			for i := range src {
				src[i] *= float32(math.Exp2(float64(k.r.IntN(20))))
				if src[i] = min(max(src[i], -1<<20+1), 1<<20-1); i%7 == 0 {
					src[i] = float32(math.Copysign(0, float64(src[i])))
				}
			}
			k.call("sin"+k.x.name, emu.Out(dst), src)
			for i, x := range src {
				check(math.Sin(float64(x)), dst[i], "sin", x)
			}
			k.call("cos"+k.x.name, emu.Out(dst), src)
			for i, x := range src {
				check(math.Cos(float64(x)), dst[i], "cos", x)
			}
			for i := range src {
				if src[i] = math.Float32frombits(k.r.Uint32()); i%5 == 0 {
					src[i] = []float32{0, float32(math.Copysign(0, -1)), inf, -inf, 1e-45, 1}[k.r.IntN(6)]
				}
			}
			for _, c := range []struct {
				e          float64
				keep, flip uint32
				zero, inf  float32
			}{{1.5, math.MaxUint32, 0, 0, inf}, {-0.25, math.MaxUint32, 0, inf, 0}, {5, math.MaxInt32, 1 << 31, 0, inf}, {-2, math.MaxInt32, 0, inf, 0}} {
				k.call("pow"+k.x.name, emu.Out(dst), src, c.e, c.keep, c.flip, c.zero, c.inf)
				for i, x := range src {
					check(math.Pow(float64(x), c.e), dst[i], "pow", x)
				}
			}
		}
	})
}
