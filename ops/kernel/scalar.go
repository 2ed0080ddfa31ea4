package kernel

import "math"

// Map is
//
//	for i := range dst { dst[i] = T(f(float64(src[i]))) }
func Map[T Number](dst, src []T, f func(float64) float64) {
	for i, v := range src[:len(dst)] {
		dst[i] = T(f(float64(v)))
	}
}

// MapTo is
//
//	for i := range dst { dst[i] = f(src[i]) }
func MapTo[D, S any](dst []D, src []S, f func(S) D) {
	for i, v := range src[:len(dst)] {
		dst[i] = f(v)
	}
}

// AbsOf is dst[i] = |src[i]|. The least signed integer stays itself.
func AbsOf[T Number](dst, src []T) {
	for i, v := range src[:len(dst)] {
		if v <= 0 { // <= turns -0 into 0
			v = 0 - v
		}
		dst[i] = v
	}
}

// NegOf is dst[i] = -src[i].
func NegOf[T Number](dst, src []T) {
	for i, v := range src[:len(dst)] {
		dst[i] = -v
	}
}

// SignOf is -1, 0 or 1, with the sign of src[i]; NaN stays NaN.
func SignOf[T Number](dst, src []T) {
	for i, v := range src[:len(dst)] {
		switch {
		case v > 0:
			v = 1
		case v < 0:
			v = 0
			v--
		}
		dst[i] = v
	}
}

// ReluOf is src[i] where it is positive or NaN, else 0.
func ReluOf[T Number](dst, src []T) {
	for i, v := range src[:len(dst)] {
		if v <= 0 {
			v = 0
		}
		dst[i] = v
	}
}

// LeakyReluOf is src[i] where it is not negative, else alpha * src[i].
func LeakyReluOf[T float32 | float64](dst, src []T, alpha T) {
	for i, v := range src[:len(dst)] {
		if v < 0 {
			v *= alpha
		}
		dst[i] = v
	}
}

// HardSigmoidOf is max(0, min(1, alpha * src[i] + beta)).
func HardSigmoidOf[T float32 | float64](dst, src []T, alpha, beta T) {
	for i, v := range src[:len(dst)] {
		dst[i] = max(0, min(1, alpha*v+beta))
	}
}

// HardSwishOf is src[i] * max(0, min(1, src[i]/6 + 1/2)).
func HardSwishOf[T float32 | float64](dst, src []T) {
	for i, v := range src[:len(dst)] {
		dst[i] = v * max(0, min(1, v/6+0.5))
	}
}

// ThresholdedReluOf is src[i] where it is above alpha, else 0, also for NaN.
func ThresholdedReluOf[T float32 | float64](dst, src []T, alpha T) {
	for i, v := range src[:len(dst)] {
		if !(v > alpha) {
			v = 0
		}
		dst[i] = v
	}
}

// ReciprocalOf is 1 / src[i].
func ReciprocalOf[T float32 | float64](dst, src []T) {
	for i, v := range src[:len(dst)] {
		dst[i] = 1 / v
	}
}

// IsInf is dst[i] = whether src[i] is an infinity of a sign asked for.
func IsInf[T float32 | float64](dst []bool, src []T, negative, positive bool) {
	for i, v := range src[:len(dst)] {
		dst[i] = positive && math.IsInf(float64(v), 1) || negative && math.IsInf(float64(v), -1)
	}
}

// IsNaN is dst[i] = whether src[i] is not a number.
func IsNaN[T float32 | float64](dst []bool, src []T) {
	src = src[:len(dst)]
	if x, ok := any(src).([]float32); ok && active.unequal != nil {
		if n := len(dst) &^ (blockLen - 1); n > 0 {
			active.unequal(&wordsAs[uint8](dst)[0], x[:n], x[:n])
			dst, src = dst[n:], src[n:]
		}
	}
	for i, v := range src {
		dst[i] = v != v
	}
}

// The functions of one number below serve [Map].

// Softplus1 is log(1 + exp(x)), without overflow.
func Softplus1(x float64) float64 {
	if x > 0 {
		return x + math.Log1p(math.Exp(-x))
	}
	return math.Log1p(math.Exp(x))
}

// Softsign1 is x / (1 + |x|).
func Softsign1(x float64) float64 { return x / (1 + math.Abs(x)) }

// Sigmoid1 is 1 / (1 + exp(-x)).
func Sigmoid1(x float64) float64 {
	if x < 0 {
		e := math.Exp(x)
		return e / (1 + e)
	}
	return 1 / (1 + math.Exp(-x))
}

// Gelu1 is x/2 * (1 + erf(x/sqrt(2))).
func Gelu1(x float64) float64 { return 0.5 * x * math.Erfc(-x*(math.Sqrt2/2)) }

// GeluTanh1 is x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715*x*x*x))).
func GeluTanh1(x float64) float64 {
	return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}

// Mish1 is x * tanh(log(1 + exp(x))).
func Mish1(x float64) float64 { return x * math.Tanh(Softplus1(x)) }

// Elu1 is x where it is positive, else alpha * (exp(x) - 1).
func Elu1(x, alpha float64) float64 {
	if x < 0 {
		return alpha * math.Expm1(x)
	}
	return x
}

// Celu1 is max(0, x) + min(0, alpha * (exp(x/alpha) - 1)).
func Celu1(x, alpha float64) float64 {
	return max(0, x) + min(0, alpha*math.Expm1(x/alpha))
}

// Shrink1 moves x towards 0 by bias where |x| is above lambda, and is 0
// elsewhere.
func Shrink1(x, bias, lambda float64) float64 {
	switch {
	case x < -lambda:
		return x + bias
	case x > lambda:
		return x - bias
	}
	return 0
}

// ClipOf is min(max(src[i], lo), hi); NaN stays NaN.
func ClipOf[T Number](dst, src []T, lo, hi T) {
	for i, v := range src[:len(dst)] {
		dst[i] = min(max(v, lo), hi)
	}
}

// DivScalarOf is src[i] / s.
func DivScalarOf[T float32 | float64](dst, src []T, s T) {
	for i, v := range src[:len(dst)] {
		dst[i] = v / s
	}
}
