package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/tools/asm/emu"
)

// close requires got to be the float32 next to want, or nearly as near.
func (k kernels) close(want float64, got float32, format string, args ...any) {
	k.t.Helper()
	if want != want && got != got {
		return
	}
	if float32(want) == got {
		require.Equal(k.t, math.Signbit(want), math.Signbit(float64(got)), append([]any{format}, args...)...)
		return
	}
	_, e := math.Frexp(want)
	near(k.t, want, got, 0.55*math.Ldexp(1, max(e-24, -149)), format, args...)
}

// ends are numbers at which functions change their ways.
func (k kernels) end() float32 {
	ends := []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 1e-45, -1e-45, 1, -1, 0.5, -0.5, 2, 3, -3, 1.5, 1 << 24, 1e38, -1e38}
	return float32(ends[k.r.IntN(len(ends))])
}

func TestCurves(t *testing.T) {
	emulate(t, emitCurves, func(k kernels) {
		for name, f := range map[string]func(float64) float64{
			"tan": math.Tan, "sinh": math.Sinh, "cosh": math.Cosh, "asinh": math.Asinh, "acosh": math.Acosh, "atanh": math.Atanh, "asin": math.Asin, "acos": math.Acos,
		} {
			for _, n := range append(k.lengths(), 1000) {
				src, dst := k.floats(n), make([]float32, n)
				for i := range src {
					switch k.r.IntN(3) {
					case 0:
						src[i] = k.end()
					case 1:
						src[i] *= float32(math.Exp2(float64(k.r.IntN(40) - 30)))
					}
				}
				k.call(name+k.x.name, emu.Out(dst), src)
				for i, x := range src {
					if name == "tan" && !(x > -1<<20 && x < 1<<20) {
						continue
					}
					k.close(f(float64(x)), dst[i], "%s(%v)", name, x)
				}
			}
		}
	})
}

func TestDoubles(t *testing.T) {
	inf := float32(math.Inf(1))
	emulate(t, emitDoubles, func(k kernels) {
		check := func(want float64, got float32, what string, x float32) { k.close(want, got, "%s(%v)", what, x) }
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
			exponents := k.floats(n)
			for i := range exponents {
				if k.r.IntN(2) == 0 {
					exponents[i] = k.end()
				}
			}
			k.call("powEach"+k.x.name, emu.Out(dst), src, exponents)
			for i, x := range src {
				k.close(math.Pow(float64(x), float64(exponents[i])), dst[i], "%v**%v", x, exponents[i])
			}
		}
	})
}
