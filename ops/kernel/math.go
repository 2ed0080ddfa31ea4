package kernel

import "math"

// An Activation is a function of one variable that a kernel applies to its
// result.
type Activation uint8

// The activations.
const (
	ActNone     Activation = iota // x
	ActRelu                       // max(x, 0)
	ActSigmoid                    // 1 / (1 + exp(-x))
	ActTanh                       // tanh(x)
	ActGelu                       // x/2 * (1 + erf(x/sqrt(2)))
	ActGeluTanh                   // x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715*x*x*x)))
	ActSilu                       // x / (1 + exp(-x))
)

// Activate is
//
//	for i := range dst { dst[i] = act(src[i]) }
func Activate(act Activation, dst, src []float32) {
	switch act {
	case ActRelu:
		Relu(dst, src)
	case ActSigmoid:
		Sigmoid(dst, src)
	case ActTanh:
		Tanh(dst, src)
	case ActGelu:
		Gelu(dst, src)
	case ActGeluTanh:
		GeluTanh(dst, src)
	case ActSilu:
		Silu(dst, src)
	default:
		copy(dst, src[:len(dst)])
	}
}

// The functions of one variable below are
//
//	for i := range dst { dst[i] = f(src[i]) }
//
// NaN gives NaN. An error is stated in units in the last place of the exact
// result; the portable forms stay within 0.51 of them.

// Exp is e**x within 1.1 units: 0 below -104, +Inf above 88.73.
func Exp(dst, src []float32) { active.exp(dst, src[:len(dst)]) }

// Log is the natural logarithm within 1 unit: -Inf at 0, NaN below.
func Log(dst, src []float32) { active.log(dst, src[:len(dst)]) }

// Tanh is the hyperbolic tangent within 3 units, never outside [-1, 1].
func Tanh(dst, src []float32) { active.tanh(dst, src[:len(dst)]) }

// Sigmoid is 1 / (1 + exp(-x)) within 3 units, never outside [0, 1].
func Sigmoid(dst, src []float32) { active.sigmoid(dst, src[:len(dst)]) }

// Erf is the error function within 2 units, never outside [-1, 1].
func Erf(dst, src []float32) { active.erf(dst, src[:len(dst)]) }

// Gelu is x/2 * (1 + erf(x/sqrt(2))) within 2 units of x.
func Gelu(dst, src []float32) { active.gelu(dst, src[:len(dst)]) }

// GeluTanh is x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715*x*x*x))) within 4
// units of x.
func GeluTanh(dst, src []float32) { active.geluTanh(dst, src[:len(dst)]) }

// Silu is x / (1 + exp(-x)) within 4 units where that is not denormal.
func Silu(dst, src []float32) { active.silu(dst, src[:len(dst)]) }

// Relu is x where x > 0 or NaN, else 0.
func Relu(dst, src []float32) { active.relu(dst, src[:len(dst)]) }

// Sqrt is the square root.
func Sqrt(dst, src []float32) { active.sqrt(dst, src[:len(dst)]) }

// Floor is the largest whole number not above x.
func Floor(dst, src []float32) { active.floor(dst, src[:len(dst)]) }

// Ceil is the smallest whole number not below x.
func Ceil(dst, src []float32) { active.ceil(dst, src[:len(dst)]) }

// Round is the whole number nearest to x, of two the even one.
func Round(dst, src []float32) { active.round(dst, src[:len(dst)]) }

// Sign is SignOf for float32.
func Sign(dst, src []float32) { active.sign(dst, src[:len(dst)]) }

// Atan is the inverse tangent within 1.3 units.
func Atan(dst, src []float32) { active.atan(dst, src[:len(dst)]) }

// Abs is |x|.
func Abs(dst, src []float32) { active.abs(dst, src[:len(dst)]) }

// Softsign is x / (1 + |x|) within 2 units.
func Softsign(dst, src []float32) { active.softsign(dst, src[:len(dst)]) }

// Neg is -x.
func Neg(dst, src []float32) {
	active.mulScalar(dst, src[:len(dst)], -1)
}

// ReluBackward is
//
//	if y[i] > 0 { dx[i] += dy[i] }
//
// y is Relu's output (or its input).
func ReluBackward(dx, dy, y []float32) {
	dy, y = dy[:len(dx)], y[:len(dx)]
	for i := range dx {
		if y[i] > 0 {
			dx[i] += dy[i]
		}
	}
}

// TanhBackward is
//
//	dx[i] += dy[i] * (1 - y[i]*y[i])
//
// y is Tanh's output.
func TanhBackward(dx, dy, y []float32) {
	active.tanhBackward(dx, dy[:len(dx)], y[:len(dx)])
}

// SigmoidBackward is
//
//	dx[i] += dy[i] * y[i] * (1 - y[i])
//
// y is Sigmoid's output.
func SigmoidBackward(dx, dy, y []float32) {
	active.sigmoidBackward(dx, dy[:len(dx)], y[:len(dx)])
}

// GeluBackward is
//
//	dx[i] += dy[i] * (Phi(x[i]) + x[i]*phi(x[i]))
//
// with Phi and phi the distribution function and the density of the standard
// normal. x is Gelu's input.
func GeluBackward(dx, dy, x []float32) {
	dy, x = dy[:len(dx)], x[:len(dx)]
	for i := range dx {
		v := float64(x[i])
		cdf := 0.5 * math.Erfc(-v*math.Sqrt2/2)
		pdf := math.Exp(-v*v/2) / math.Sqrt(2*math.Pi)
		dx[i] += dy[i] * float32(cdf+v*pdf)
	}
}
