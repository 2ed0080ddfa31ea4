package kernel

import "math"

// powF32 is dst[i] = a[i] ** e, within 0.51 units, or 1.5 for the third; false where it has no form
// faster than math.Pow.
func powF32(dst, a []float32, e float32) bool {
	v := active
	switch {
	case e == 1:
		copy(dst, a)
	case e == 2:
		v.mul(dst, a, a)
	case e == 3:
		inPieces(dst, a, func(y, x, s, _ []float32) {
			v.mul(s, x, x)
			v.mul(y, x, s)
		})
	case e == -1:
		Reciprocal(dst, a)
	case v.pow == nil || e == 0 || !(e > -1<<24 && e < 1<<24): // all beyond are even
		return false
	case e == 0.5:
		inPieces(dst, a, func(y, x, s, _ []float32) {
			if v.maxOf(x) >= 0 && MinOf(x) >= 0 { // the root of -Inf would be NaN
				v.addScalar(y, x, 0) // makes 0 of -0
				v.sqrt(y, y)
				return
			}
			powVector(v, y, x, e)
		})
	default:
		powVector(v, dst, a, e)
	}
	return true
}

// powVector is powF32 by the variant's kernel.
func powVector(v *variant, dst, a []float32, e float32) {
	const signBit = 1 << 31
	zero, inf := float32(0), float32(math.Inf(1))
	if e < 0 {
		zero, inf = inf, zero
	}
	keep, flip := ^uint32(0), uint32(0)
	if w := math.Trunc(float64(e)); w == float64(e) { // negative numbers have powers
		keep = ^uint32(signBit)
		if int64(w)&1 != 0 {
			flip = signBit
		}
	}
	v.pow(dst, a, float64(e), keep, flip, zero, inf)
}
