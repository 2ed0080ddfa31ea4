package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/tools/asm/emu"
)

func sigmoid64(x float64) float64 {
	if x < 0 {
		return math.Exp(x) / (1 + math.Exp(x))
	}
	return 1 / (1 + math.Exp(-x))
}

func TestMath(t *testing.T) {
	result := func(_, y float64) float64 { return y }
	argument := func(x, _ float64) float64 { return x }
	cases := []struct {
		name string
		want func(x float64) float64
		ulps float64                    // in the last place of
		size func(x, y float64) float64 // this
	}{
		{"exp", math.Exp, 1.1, result},
		{"log", math.Log, 1, result},
		{"tanh", math.Tanh, 3, result},
		{"sigmoid", sigmoid64, 3, result},
		{"erf", math.Erf, 2, result},
		{"gelu", func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) }, 2, argument},
		{"geluTanh", func(x float64) float64 {
			return x * sigmoid64(2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))
		}, 4, argument},
		{"silu", func(x float64) float64 { return x * sigmoid64(x) }, 4, func(_, y float64) float64 { return max(1e-35, math.Abs(y)) }},
		{"relu", func(x float64) float64 { return max(x, 0) }, 0, result},
		{"sqrt", math.Sqrt, 0.5, result},
		{"floor", math.Floor, 0, result},
		{"ceil", math.Ceil, 0, result},
		{"round", math.RoundToEven, 0, result},
		{"sign", func(x float64) float64 {
			if x == 0 || x != x {
				return x
			}
			return math.Copysign(1, x)
		}, 0, result},
		{"atan", math.Atan, 1.3, result},
		{"abs", math.Abs, 0, result},
		{"softsign", func(x float64) float64 { return x / (1 + math.Abs(x)) }, 2, result},
	}
	emulate(t, emitMath, func(k kernels) {
		var src []float32
		for _, x := range []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 88.72283, 88.72284, 88.8, -103.97, -103.98, -104.1, -87.4, 1e-45, -1e-45, 1, -1, 1e30, -1e30} {
			src = append(src, float32(x))
		}
		for b := uint64(0); b < 1<<32; b += 1<<20 + 7919 {
			src = append(src, math.Float32frombits(uint32(b)))
		}
		for range 500 {
			src = append(src, float32(k.r.NormFloat64()*4))
		}
		for _, c := range cases {
			for _, n := range append(k.lengths(), len(src)) {
				from, dst := src[len(src)-n:], make([]float32, n)
				k.call(c.name+k.x.name, emu.Out(dst), from)
				for i, y := range dst {
					x := float64(from[i])
					want := c.want(x)
					if float32(want) == y {
						continue // infinities beyond float32
					}
					_, e := math.Frexp(c.size(x, want))
					near(k.t, want, y, c.ulps*math.Ldexp(1, max(e-24, -149)), "%s(%v)", c.name, x)
				}
			}
		}
	})
}

// closeTo compares with a formula computed in float64 from terms of a size.
func (k kernels) closeTo(name string, want, size float64, got float32, roundings int) {
	near(k.t, want, got, float64(roundings)*unit*size+1e-44, "%s%s", name, k.x.name)
}

func ofBits(f func(a, b uint32) uint32) func(a, b float32) float32 {
	return func(a, b float32) float32 {
		return math.Float32frombits(f(math.Float32bits(a), math.Float32bits(b)))
	}
}

func TestVec(t *testing.T) {
	binary := map[string]func(a, b float32) float32{
		"add": func(a, b float32) float32 { return a + b },
		"sub": func(a, b float32) float32 { return a - b },
		"mul": func(a, b float32) float32 { return float32(a * b) },
		"div": func(a, b float32) float32 { return a / b },
		"and": ofBits(func(a, b uint32) uint32 { return a & b }),
		"or":  ofBits(func(a, b uint32) uint32 { return a | b }),
		"xor": ofBits(func(a, b uint32) uint32 { return a ^ b }),
		"max": func(a, b float32) float32 { return max(a, b) },
		"min": func(a, b float32) float32 { return min(a, b) },
	}
	emulate(t, emitVec, func(k kernels) {
		for _, n := range k.lengths() {
			a, b := k.floats(n), k.floats(n)
			if n > 3 {
				a[1], b[2] = float32(math.NaN()), float32(math.NaN())
			}
			for name, f := range binary {
				dst := make([]float32, n)
				k.call(name+k.x.name, emu.Out(dst), a, b)
				for i := range dst {
					near(k.t, float64(f(a[i], b[i])), dst[i], 0, "%s of %d", name, n)
				}
			}
			p, q := make([]int32, n), make([]int32, n)
			for i := range p {
				p[i], q[i] = int32(k.r.Uint32())>>k.r.IntN(32), int32(k.r.Uint32())>>k.r.IntN(32)
			}
			for name, f := range map[string]func(a, b int32) int32{
				"addInt32": func(a, b int32) int32 { return a + b },
				"subInt32": func(a, b int32) int32 { return a - b },
				"mulInt32": func(a, b int32) int32 { return a * b },
				"maxInt32": func(a, b int32) int32 { return max(a, b) },
				"minInt32": func(a, b int32) int32 { return min(a, b) },
				"divInt32": func(a, b int32) int32 {
					if b == 0 {
						return 0
					}
					return a / b
				},
			} {
				if name == "divInt32" && n > 2 {
					p[0], q[0], q[1] = math.MinInt32, -1, 0
				}
				dst := make([]int32, n)
				k.call(name+k.x.name, emu.Out(dst), p, q)
				for i := range dst {
					require.Equal(k.t, f(p[i], q[i]), dst[i], "%s of %d", name, n)
				}
			}
			sum, dot, most, least, size, dsize := 0.0, 0.0, math.Inf(-1), math.Inf(1), 0.0, 0.0
			for i := range a {
				x, y := float64(a[i]), float64(b[i])
				sum, dot, most, least = sum+x, dot+x*y, max(most, x), min(least, x)
				size, dsize = size+math.Abs(x), dsize+math.Abs(x*y)
			}
			k.closeTo("sum", sum, size, k.call("sum"+k.x.name, a)[0], n+8)
			k.closeTo("dot", dot, dsize, k.call("dot"+k.x.name, a, b)[0], n+8)
			k.closeTo("maxOf", most, 0, k.call("maxOf"+k.x.name, a)[0], 0)
			k.closeTo("minOf", least, 0, k.call("minOf"+k.x.name, a)[0], 0)
			s, y, dst := float32(k.r.NormFloat64()), k.floats(n), make([]float32, n)
			was := append([]float32{}, y...)
			k.call("axpy"+k.x.name, emu.Out(y), s, b)
			k.call("scaleClip"+k.x.name, emu.Out(dst), a, float32(.25), float32(-2), s, float32(-1), float32(1.5))
			for i := range dst {
				want := (float64(a[i])-.25)*-2 + float64(s)
				near(k.t, min(max(want, -1), 1.5), dst[i], 8*unit*(1+math.Abs(want)), "scaleClip of %d", n)
			}
			k.call("hardSwish"+k.x.name, emu.Out(dst), a)
			for i := range dst {
				want := float64(a[i]) * min(max(float64(a[i])/6+.5, 0), 1)
				near(k.t, want, dst[i], 2*unit*math.Abs(float64(a[i])), "hardSwish of %d", n) // near -3 the sum cancels
			}
			k.call("addScalar"+k.x.name, emu.Out(dst), a, s)
			for i := range dst {
				k.closeTo("axpy", float64(was[i])+float64(s)*float64(b[i]), math.Abs(float64(was[i]))+math.Abs(float64(s)*float64(b[i])), y[i], 1)
				near(k.t, float64(a[i]+s), dst[i], 0, "addScalar of %d", n)
			}
			k.call("mulScalar"+k.x.name, emu.Out(dst), a, s)
			for i := range dst {
				near(k.t, float64(float32(a[i]*s)), dst[i], 0, "mulScalar of %d", n)
			}
			for name, f := range map[string]func(a, s float32) float32{
				"divScalar": func(a, s float32) float32 { return a / s },
				"maxScalar": func(a, s float32) float32 { return max(a, s) },
				"minScalar": func(a, s float32) float32 { return min(a, s) },
				"above": func(a, s float32) float32 {
					if a > s {
						return a
					}
					return 0
				},
			} {
				odd := append([]float32{}, a...)
				if n > 2 {
					odd[0], odd[1] = float32(math.NaN()), s
				}
				for _, s := range []float32{s, float32(math.NaN())} {
					k.call(name+k.x.name, emu.Out(dst), odd, s)
					for i := range dst {
						near(k.t, float64(f(odd[i], s)), dst[i], 0, "%s of %d", name, n)
					}
				}
			}
		}
	})
}
