package kernel

import "math"

// The portable forms compute in float64 and round once, which is both faster
// than compensated float32 and accurate to 0.51 units in the last place.

func expGeneric(dst, src []float32) {
	for i, x := range src {
		dst[i] = float32(exp64(float64(x)))
	}
}

func logGeneric(dst, src []float32) {
	for i, x := range src {
		dst[i] = float32(math.Log(float64(x)))
	}
}

func tanhGeneric(dst, src []float32) {
	for i, x := range src {
		dst[i] = float32(tanh64(float64(x)))
	}
}

func sigmoidGeneric(dst, src []float32) {
	for i, x := range src {
		dst[i] = float32(sigmoid64(float64(x)))
	}
}

func siluGeneric(dst, src []float32) {
	for i, x := range src {
		dst[i] = float32(silu64(float64(x)))
	}
}

func erfGeneric(dst, src []float32) {
	for i, x := range src {
		dst[i] = float32(math.Erf(float64(x)))
	}
}

func geluGeneric(dst, src []float32) {
	for i, x := range src {
		dst[i] = float32(gelu64(float64(x)))
	}
}

func geluTanhGeneric(dst, src []float32) {
	for i, x := range src {
		dst[i] = float32(geluTanh64(float64(x)))
	}
}

func reluGeneric(dst, src []float32) {
	for i, x := range src {
		if x <= 0 {
			x = 0
		}
		dst[i] = x
	}
}

func sqrtGeneric(dst, src []float32) {
	for i, x := range src {
		dst[i] = float32(math.Sqrt(float64(x)))
	}
}

const (
	log2e = 1.44269504088896340735992468100189214
	ln2   = 0.693147180559945309417232121458176568
	// magic added to a small number rounds it to an integer, which then stands
	// in the low bits.
	magic = 3 << 51
)

// exp64 is e**x to a relative error of 2e-12: x = n*ln2 + r, |r| <= ln2/2,
// e**r by its Taylor polynomial, times 2**n. It saturates where the float32
// result does.
func exp64(x float64) float64 {
	if !(x > -110) {
		if x != x {
			return x
		}
		return 0
	}
	if x > 90 {
		return math.Inf(1)
	}
	shift := x*log2e + magic
	n := shift - magic
	r := x - n*ln2
	p := 1.0 / 3628800
	p = p*r + 1.0/362880
	p = p*r + 1.0/40320
	p = p*r + 1.0/5040
	p = p*r + 1.0/720
	p = p*r + 1.0/120
	p = p*r + 1.0/24
	p = p*r + 1.0/6
	p = p*r + 0.5
	p = p*r + 1
	p = p*r + 1
	return p * math.Float64frombits((math.Float64bits(shift)+1023)<<52)
}

// tanh64 is tanh(x) to a relative error of 1e-10; near 0, where the closed
// form cancels, by its Taylor polynomial.
func tanh64(x float64) float64 {
	if x > -0.03 && x < 0.03 {
		s := x * x
		return x + x*s*(-1.0/3+s*(2.0/15-s*(17.0/315)))
	}
	if x > 20 {
		return 1
	}
	if x < -20 {
		return -1
	}
	return 1 - 2/(exp64(2*x)+1)
}

// sigmoid64 uses e**x itself where 1 + e**-x is e**-x, beyond float32.
func sigmoid64(x float64) float64 {
	if x < -80 {
		return exp64(x)
	}
	return 1 / (1 + exp64(-x))
}

func silu64(x float64) float64 {
	if x < -80 {
		return x * exp64(x)
	}
	return x / (1 + exp64(-x))
}

// gelu64 uses erfc where x is negative: 1 + erf would cancel.
func gelu64(x float64) float64 {
	return 0.5 * x * math.Erfc(-x*(math.Sqrt2/2))
}

func geluTanh64(x float64) float64 {
	// x/2 * (1 + tanh(u)) = x / (1 + exp(-2u))
	u := math.Sqrt(2/math.Pi) * (x + 0.044715*x*x*x)
	return x / (1 + exp64(-2*u))
}
