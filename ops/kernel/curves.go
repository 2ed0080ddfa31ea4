package kernel

import "math"

// Tan is the tangent within 0.55 units.
func Tan(dst, src []float32) {
	if active.tan != nil {
		nearAndFar(dst, src, active.tan, math.Tan)
		return
	}
	Map(dst, src, math.Tan)
}

// Sinh is the hyperbolic sine within 0.51 units.
func Sinh(dst, src []float32) { curve(active.sinh, dst, src, math.Sinh) }

// Cosh is the hyperbolic cosine within 0.51 units.
func Cosh(dst, src []float32) { curve(active.cosh, dst, src, math.Cosh) }

// Asinh is the inverse hyperbolic sine within 0.51 units.
func Asinh(dst, src []float32) { curve(active.asinh, dst, src, math.Asinh) }

// Acosh is the inverse hyperbolic cosine within 0.51 units: NaN below 1.
func Acosh(dst, src []float32) { curve(active.acosh, dst, src, math.Acosh) }

// Atanh is the inverse hyperbolic tangent within 0.51 units: infinite at -1 and 1,
// NaN beyond.
func Atanh(dst, src []float32) { curve(active.atanh, dst, src, math.Atanh) }

// Asin is the inverse sine within 0.51 units: NaN beyond -1 and 1.
func Asin(dst, src []float32) { curve(active.asin, dst, src, math.Asin) }

// Acos is the inverse cosine within 0.51 units: NaN beyond -1 and 1.
func Acos(dst, src []float32) { curve(active.acos, dst, src, math.Acos) }

// curve is a vector form, or without one f of each.
func curve(vector func(dst, src []float32), dst, src []float32, f func(float64) float64) {
	if vector == nil {
		Map(dst, src, f)
		return
	}
	vector(dst, src[:len(dst)])
}
