package kernel

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel/alloctest"
)

// A unaryCase is a function of one variable, its formula in float64 and how
// many units in the last place a variant may be off. Where the formula itself
// is stated with an absolute error, scale turns x into the size it refers to.
type unaryCase struct {
	name   string
	f      func(dst, src []float32)
	want   func(x float64) float64
	ulps   float64
	lo, hi float64                 // bounds of the result
	size   func(x float64) float64 // nil: that of the result
}

func unaryCases() []unaryCase {
	inf := math.Inf(1)
	abs := math.Abs
	return []unaryCase{
		{"Exp", Exp, math.Exp, 1.1, 0, inf, nil},
		{"Log", Log, math.Log, 1, -inf, inf, nil},
		{"Tanh", Tanh, math.Tanh, 3, -1, 1, nil},
		{"Sigmoid", Sigmoid, func(x float64) float64 {
			if x < 0 {
				return math.Exp(x) / (1 + math.Exp(x))
			}
			return 1 / (1 + math.Exp(-x))
		}, 3, 0, 1, nil},
		{"Erf", Erf, math.Erf, 2, -1, 1, nil},
		// 1 + erf cancels for negative x, as in the frameworks.
		{"Gelu", Gelu, func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) }, 2, -0.2, inf, abs},
		{"GeluTanh", GeluTanh, func(x float64) float64 {
			u := math.Sqrt(2/math.Pi) * (x + 0.044715*x*x*x)
			return x / (1 + math.Exp(-2*u))
		}, 4, -0.2, inf, abs},
		{"Silu", Silu, func(x float64) float64 {
			if x < 0 {
				return x * (math.Exp(x) / (1 + math.Exp(x)))
			}
			return x / (1 + math.Exp(-x))
		}, 4, -0.3, inf, func(x float64) float64 {
			// x times a denormal sigmoid has that one's precision.
			return max(1e-35, math.Abs(x)/(1+math.Exp(-x)))
		}},
		{"Relu", Relu, func(x float64) float64 { return max(x, 0) }, 0, 0, inf, nil},
		{"Sqrt", Sqrt, math.Sqrt, 0.5, 0, inf, nil},
		{"Abs", Abs, math.Abs, 0, 0, inf, nil},
		{"Neg", Neg, func(x float64) float64 { return -x }, 0, -inf, inf, nil},
		{"Reciprocal", Reciprocal, func(x float64) float64 { return 1 / x }, 0.5, -inf, inf, nil},
		{"LeakyRelu", func(dst, src []float32) { LeakyRelu(dst, src, 0.25) }, func(x float64) float64 { return max(x, x/4) }, 0.5, -inf, inf, nil},
		{"LeakyReluSteep", func(dst, src []float32) { LeakyRelu(dst, src, 3) }, func(x float64) float64 { return min(x, 3*x) }, 0.5, -inf, inf, nil},
		{"LeakyReluFlat", func(dst, src []float32) { LeakyRelu(dst, src, 0) }, func(x float64) float64 { return max(x, 0) + 0*min(x, 0) }, 0, 0, inf, nil},
		{"Elu", func(dst, src []float32) { Elu(dst, src, 1, 1, 1) }, func(x float64) float64 { return Elu1(x, 1) }, 6, -1, inf, nil},
		{"Celu", func(dst, src []float32) { Elu(dst, src, 2, 2, 1) }, func(x float64) float64 { return Celu1(x, 2) }, 6, -2, inf, nil},
		{"Softplus", Softplus, Softplus1, 5, 0, inf, nil},
		{"Softsign", Softsign, Softsign1, 2, -1, 1, nil},
		{"Mish", Mish, Mish1, 6, -0.31, inf, func(x float64) float64 { return max(1e-35, math.Abs(Mish1(x))) }},
		{"Floor", Floor, math.Floor, 0, -inf, inf, nil},
		{"Ceil", Ceil, math.Ceil, 0, -inf, inf, nil},
		{"Round", Round, math.RoundToEven, 0, -inf, inf, nil},
		{"Sign", Sign, func(x float64) float64 {
			if x == 0 || x != x {
				return x
			}
			return math.Copysign(1, x)
		}, 0, -1, 1, nil},
		{"Atan", Atan, math.Atan, 1.3, -1.571, 1.571, nil},
		{"Sin", Sin, math.Sin, 0.53, -1, 1, nil},
		{"Cos", Cos, math.Cos, 0.53, -1, 1, nil},
		{"Tan", Tan, math.Tan, 0.55, -inf, inf, nil},
		{"Sinh", Sinh, math.Sinh, 0.51, -inf, inf, nil},
		{"Cosh", Cosh, math.Cosh, 0.51, 1, inf, nil},
		{"Asinh", Asinh, math.Asinh, 0.51, -inf, inf, nil},
		{"Acosh", Acosh, math.Acosh, 0.51, 0, inf, nil},
		{"Atanh", Atanh, math.Atanh, 0.51, -inf, inf, nil},
		{"Asin", Asin, math.Asin, 0.51, -1.571, 1.571, nil},
		{"Acos", Acos, math.Acos, 0.51, 0, 3.142, nil},
	}
}

// ulpsOff is the distance of y from want in units of the last place of a
// float32 of the given size.
func ulpsOff(y float32, want, size float64) float64 {
	if math.IsInf(want, 0) || math.IsInf(float64(float32(want)), 0) || math.IsInf(float64(y), 0) {
		if y == float32(want) {
			return 0
		}
		if math.IsInf(float64(y), 0) && math.Abs(want) < math.MaxFloat32 {
			return math.Inf(1)
		}
	}
	_, e := math.Frexp(size)
	return math.Abs(float64(y)-want) / math.Ldexp(1, max(e-24, -149))
}

// check compares f over src with the formula and returns the largest error.
func (c unaryCase) check(t *testing.T, src, dst []float32) (worst float64, at float32) {
	t.Helper()
	c.f(dst, src)
	for i, x := range src {
		y, want := dst[i], c.want(float64(x))
		if math.IsNaN(want) || math.IsNaN(float64(y)) {
			if math.IsNaN(want) != math.IsNaN(float64(y)) {
				require.Failf(t, "wrong NaN", "%s(%v) = %v, want %v", c.name, x, y, want)
			}
			continue
		}
		if float64(y) < c.lo || float64(y) > c.hi {
			require.Failf(t, "out of range", "%s(%v) = %v", c.name, x, y)
		}
		size := math.Abs(want)
		if c.size != nil {
			size = c.size(float64(x))
		}
		if off := ulpsOff(y, want, size); off > worst {
			worst, at = off, x
		}
	}
	return worst, at
}

// TestUnaryAccuracy tries one in 4099 of all float32 values, or one in
// ONDA_EXHAUSTIVE: with 1 all of them, which takes an hour.
func TestUnaryAccuracy(t *testing.T) {
	step := uint64(4099)
	if !alloctest.Counts { // the race detector is slow, and one goroutine has no races
		step *= 16
	}
	if s := os.Getenv("ONDA_EXHAUSTIVE"); s != "" {
		n, err := strconv.ParseUint(s, 10, 32)
		require.NoError(t, err)
		step = max(n, 1)
	}
	forEachVariant(t, func(t *testing.T) {
		for _, c := range unaryCases() {
			t.Run(c.name, func(t *testing.T) {
				var src []float32
				for _, x := range []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 88.72283, 88.72284, 88.8, 1e30, -1e30, -103.97, -103.98, -104.1, -87.4, 1e-45, -1e-45, 1, -1, 0.5, -0.5, 1 - 1.0/(1<<24), 1 + 1.0/(1<<23), 89.4159, 89.4160} {
					src = append(src, float32(x))
				}
				dst := make([]float32, 1<<16)
				worst, at := 0.0, float32(0)
				for b := uint64(0); b < 1<<32; {
					for ; len(src) < cap(dst) && b < 1<<32; b += step {
						src = append(src, math.Float32frombits(uint32(b)))
					}
					if w, x := c.check(t, src, dst[:len(src)]); w > worst {
						worst, at = w, x
					}
					src = src[:0]
				}
				t.Logf("largest error %.3f ulp at %v", worst, at)
				require.LessOrEqual(t, worst, c.ulps, "at %v", at)
			})
		}
	})
}

// Every length around the vector sizes, at misaligned starts, in place and
// not, must write exactly its own values and the same ones.
func TestUnaryLengths(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, c := range unaryCases() {
			for n := 0; n <= 67; n++ {
				for off := range 3 {
					src, dst := guard(r, n, off), guard(r, n, 2*off)
					c.f(dst.s, src.s)
					src.checkUnchanged(t)
					dst.checkZone(t)
					one := make([]float32, 1)
					for i, x := range src.s {
						c.f(one, []float32{x})
						if math.Float32bits(one[0]) != math.Float32bits(dst.s[i]) && !math.IsNaN(float64(one[0])) {
							require.Fail(t, "differs from the single value", "%s(%v): %v of %d is %v, alone %v", c.name, x, i, n, dst.s[i], one[0])
						}
					}
					c.f(src.s, src.s)
					src.checkZone(t)
					requireSameBits(t, dst.s, src.s, "%s in place, length %d", c.name, n)
				}
			}
		}
	})
}

// Functions that are odd keep the sign of zero, and of what rounds to zero.
func TestZerosKeepTheirSign(t *testing.T) {
	minus := float32(math.Copysign(0, -1))
	forEachVariant(t, func(t *testing.T) {
		y := make([]float32, 6)
		for name, f := range map[string]func(dst, src []float32){"Floor": Floor, "Ceil": Ceil, "Round": Round, "Sign": Sign, "Softsign": Softsign, "Atan": Atan, "Sin": Sin, "Tan": Tan, "Sinh": Sinh, "Asinh": Asinh, "Atanh": Atanh, "Asin": Asin} {
			x := []float32{0, minus, 0, minus, 1e-45, -1e-45}
			f(y, x)
			for i := range 4 {
				require.Equal(t, math.Float32bits(x[i]), math.Float32bits(y[i]), name)
			}
			Abs(y[:2], x[:2])
			require.Zero(t, math.Float32bits(y[1]), "|-0|")
			f(y[:2], []float32{math.Float32frombits(0x7f800001), math.Float32frombits(0xffffffff)})
			require.True(t, y[0] != y[0] && y[1] != y[1], name)
			f(y, x)
			if name == "Ceil" || name == "Round" {
				require.Equal(t, math.Float32bits(minus), math.Float32bits(y[5]), name)
			}
		}
	})
}

func TestActivate(t *testing.T) {
	src := []float32{-2, -0.5, 0, 1, 3}
	for act, f := range map[Activation]func(dst, src []float32){
		ActRelu: Relu, ActSigmoid: Sigmoid, ActTanh: Tanh, ActGelu: Gelu, ActGeluTanh: GeluTanh, ActSilu: Silu,
		ActNone: func(dst, src []float32) { copy(dst, src) },
	} {
		got, want := make([]float32, len(src)), make([]float32, len(src))
		Activate(act, got, src)
		f(want, src)
		require.Equal(t, want, got, fmt.Sprint(act))
	}
}
