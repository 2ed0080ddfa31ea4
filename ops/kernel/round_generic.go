package kernel

import "math"

func floorGeneric(dst, src []float32) {
	for i, x := range src {
		dst[i] = float32(math.Floor(float64(x)))
	}
}

func ceilGeneric(dst, src []float32) {
	for i, x := range src {
		dst[i] = float32(math.Ceil(float64(x)))
	}
}

func roundGeneric(dst, src []float32) {
	for i, x := range src {
		dst[i] = float32(math.RoundToEven(float64(x)))
	}
}

func signGeneric(dst, src []float32) {
	const signBit, infinity = 1 << 31, 0x7f800000
	for i, v := range src {
		u := math.Float32bits(v)
		one := u&signBit | math.Float32bits(1)
		if u&^signBit-1 < infinity { // neither 0 nor NaN
			u = one
		}
		dst[i] = math.Float32frombits(u)
	}
}

func absGeneric(dst, src []float32) {
	for i, v := range src[:len(dst)] {
		dst[i] = math.Float32frombits(math.Float32bits(v) &^ (1 << 31))
	}
}

func softsignGeneric(dst, src []float32) {
	for i, v := range src[:len(dst)] {
		dst[i] = v / (1 + math.Float32frombits(math.Float32bits(v)&^(1<<31)))
	}
}

// atanGeneric is u + u*z*P(z) with z = u*u and minimax P, of relative error 6e-11,
// for u = |x| up to 1, and pi/2 less that of u = 1/|x| beyond.
func atanGeneric(dst, src []float32) {
	for i, x := range src {
		a := math.Abs(float64(x))
		var far uint64 // no branch: it would be mispredicted half the time
		if a > 1 {
			far = 1
		}
		u := min(a, 1) / max(a, 1)
		z := u * u
		p := -0.08985437042 + z*(0.07259432039+z*(-0.05451585348+z*(0.03447574145+z*(-0.01629935244+z*(0.004926315997+z*-0.0006979499185)))))
		p = -0.3333333213 + z*(0.1999992724+z*(-0.1428416719+z*(0.1109450325+z*p)))
		quarter := math.Float64frombits(math.Float64bits(math.Pi/2) & -far)
		y := quarter + math.Float64frombits(math.Float64bits(u+u*z*p)^far<<63)
		dst[i] = float32(math.Copysign(y, float64(x)))
	}
}
