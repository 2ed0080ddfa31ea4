package kernel

import (
	"math"
)

// Add is dst[i] = a[i] + b[i].
func Add(dst, a, b []float32) { active.add(dst, a[:len(dst)], b[:len(dst)]) }

// Sub is dst[i] = a[i] - b[i].
func Sub(dst, a, b []float32) { active.sub(dst, a[:len(dst)], b[:len(dst)]) }

// Mul is dst[i] = a[i] * b[i].
func Mul(dst, a, b []float32) { active.mul(dst, a[:len(dst)], b[:len(dst)]) }

// Div is dst[i] = a[i] / b[i].
func Div(dst, a, b []float32) { active.div(dst, a[:len(dst)], b[:len(dst)]) }

// Max is dst[i] = max(a[i], b[i]), NaN if either is NaN.
func Max(dst, a, b []float32) { active.max(dst, a[:len(dst)], b[:len(dst)]) }

// Min is dst[i] = min(a[i], b[i]), NaN if either is NaN.
func Min(dst, a, b []float32) { active.min(dst, a[:len(dst)], b[:len(dst)]) }

// AddScalar is dst[i] = a[i] + s.
func AddScalar(dst, a []float32, s float32) { active.addScalar(dst, a[:len(dst)], s) }

// MulScalar is dst[i] = a[i] * s.
func MulScalar(dst, a []float32, s float32) { active.mulScalar(dst, a[:len(dst)], s) }

// ScalarSub is dst[i] = s - a[i].
func ScalarSub(dst []float32, s float32, a []float32) {
	active.mulScalar(dst, a[:len(dst)], -1)
	active.addScalar(dst, dst, s)
}

// DivScalar is dst[i] = a[i] / s.
func DivScalar(dst, a []float32, s float32) { active.divScalar(dst, a[:len(dst)], s) }

// ScalarDiv is dst[i] = s / a[i].
func ScalarDiv(dst []float32, s float32, a []float32) {
	a = a[:len(dst)]
	if len(dst) >= scalarLeast {
		withScalar(active.div, dst, a, s, true)
		return
	}
	for i := range dst {
		dst[i] = s / a[i]
	}
}

// MaxScalar is dst[i] = max(a[i], s), NaN if either is NaN.
func MaxScalar(dst, a []float32, s float32) { active.maxScalar(dst, a[:len(dst)], s) }

// MinScalar is dst[i] = min(a[i], s), NaN if either is NaN.
func MinScalar(dst, a []float32, s float32) { active.minScalar(dst, a[:len(dst)], s) }

// Clip is dst[i] = min(max(a[i], lo), hi); NaN stays NaN.
func Clip(dst, a []float32, lo, hi float32) {
	nothing := float32(math.Copysign(0, -1)) // added to -0, too
	active.scaleClip(dst, a[:len(dst)], 0, 1, nothing, lo, hi)
}

// ScaleClip is dst[i] = min(max((a[i]-m)*s + t, lo), hi); NaN stays NaN.
func ScaleClip(dst, a []float32, m, s, t, lo, hi float32) {
	active.scaleClip(dst, a[:len(dst)], m, s, t, lo, hi)
}

// HardSigmoid is HardSigmoidOf for float32.
func HardSigmoid(dst, src []float32, alpha, beta float32) {
	active.scaleClip(dst, src[:len(dst)], 0, alpha, beta, 0, 1)
}

// HardSwish is HardSwishOf for float32.
func HardSwish(dst, src []float32) { active.hardSwish(dst, src[:len(dst)]) }

// MulAdd is dst[i] += a[i] * b[i].
func MulAdd(dst, a, b []float32) { active.mulAdd(dst, a[:len(dst)], b[:len(dst)]) }

// Axpy is y[i] += alpha * x[i].
func Axpy(y []float32, alpha float32, x []float32) { active.axpy(y, alpha, x[:len(y)]) }

// Fill is dst[i] = s.
func Fill(dst []float32, s float32) {
	for i := range dst {
		dst[i] = s
	}
}

// Dot is
//
//	for i := range a { sum += a[i] * b[i] }
func Dot(a, b []float32) (sum float32) { return active.dot(a, b[:len(a)]) }

// Sum is
//
//	for i := range x { sum += x[i] }
func Sum(x []float32) (sum float32) { return active.sum(x) }

// SumSquares is
//
//	for i := range x { sum += x[i] * x[i] }
func SumSquares(x []float32) (sum float32) { return active.dot(x, x) }

// MaxOf is the largest element, NaN if any is NaN, -Inf if there is none.
func MaxOf(x []float32) float32 { return active.maxOf(x) }

// MinOf is the smallest element, NaN if any is NaN, +Inf if there is none.
func MinOf(x []float32) float32 { return active.minOf(x) }
