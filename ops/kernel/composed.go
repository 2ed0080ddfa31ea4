package kernel

import "math"

// The functions below are made of others that have vector forms, piece by piece,
// so that what lies between stays in the nearest cache.

const (
	// pieceLen is how many elements a piece has.
	pieceLen = 1 << 10
	// scalarLen is how many times a scalar is repeated to be an operand.
	scalarLen = 1 << 7
	// scalarLeast is for how many elements that pays.
	scalarLeast = 1 << 8
)

// inPieces calls f for pieces y of dst and x of src, with two buffers as long.
func inPieces(dst, src []float32, f func(y, x, s, t []float32)) {
	n := min(len(dst), pieceLen)
	m, buf := borrow(2 * n)
	defer m.release()
	for at := 0; at < len(dst); at += n {
		k := min(n, len(dst)-at)
		f(dst[at:at+k], src[at:at+k], buf[:k], buf[n:n+k])
	}
}

// withScalar is op of src and s, or of s and src if first, where op has a vector
// form for two slices only.
func withScalar(op func(dst, a, b []float32), dst, src []float32, s float32, first bool) {
	withRepeated(len(dst), s, func(at int, b []float32) {
		a := src[at : at+len(b)]
		if first {
			a, b = b, a
		}
		op(dst[at:at+len(b)], a, b)
	})
}

// withRepeated calls f for pieces of n elements, each with as many times s.
func withRepeated(n int, s float32, f func(at int, repeated []float32)) {
	k := min(n, scalarLen)
	m, buf := borrow(k)
	defer m.release()
	Fill(buf, s)
	for at := 0; at < n; at += k {
		f(at, buf[:min(k, n-at)])
	}
}

// Reciprocal is 1 / x.
func Reciprocal(dst, src []float32) { withScalar(active.div, dst, src, 1, true) }

// LeakyRelu is x where it is not negative, else alpha * x.
func LeakyRelu(dst, src []float32, alpha float32) {
	if !(alpha > 0) || math.IsInf(float64(alpha), 0) { // 0 times infinity; -0 for 0
		LeakyReluOf(dst, src, alpha)
		return
	}
	v := active
	choose := v.max
	if alpha > 1 {
		choose = v.min
	}
	inPieces(dst, src, func(y, x, s, _ []float32) {
		v.mulScalar(s, x, alpha)
		choose(y, x, s)
	})
}

// ThresholdedRelu is x where it is above alpha, else 0, also for NaN.
func ThresholdedRelu(dst, src []float32, alpha float32) { active.above(dst, src[:len(dst)], alpha) }

// Elu is gamma times: x where it is positive, else alpha * (exp(x/scale) - 1). Its
// error is at most 6 units, of the larger of its terms. 1/scale is finite.
func Elu(dst, src []float32, alpha, scale, gamma float32) {
	v := active
	nothing := float32(math.Copysign(0, -1))
	inPieces(dst, src, func(y, x, s, t []float32) {
		// exp(x)-1 is 2h/(1-h) with h = tanh(x/2), which loses nothing near 0.
		v.scaleClip(s, x, 0, 1, nothing, float32(math.Inf(-1)), 0)
		v.mulScalar(s, s, 0.5/scale)
		v.tanh(s, s)
		v.mulScalar(t, s, -1)
		v.addScalar(t, t, 1)
		v.mulScalar(s, s, 2)
		v.div(s, s, t)
		v.mulScalar(s, s, alpha)
		v.relu(t, x)
		v.add(y, s, t)
		if gamma != 1 {
			v.mulScalar(y, y, gamma)
		}
	})
}

// Softplus is log(1 + exp(x)) within 5 units.
func Softplus(dst, src []float32) {
	v := active
	inPieces(dst, src, func(y, x, s, t []float32) {
		Abs(s, x)
		v.mulScalar(s, s, -1)
		v.exp(s, s)
		// log(1+e) is log(u)*e/(u-1) with u = 1+e rounded; e where u is 1.
		v.addScalar(t, s, 1)
		v.relu(y, x)
		log1p(v, y, s, t)
	})
}

// log1p adds log(1+e) to y, where u is 1+e rounded. It overwrites both.
func log1p(v *variant, y, e, u []float32) {
	for i, w := range u {
		if w == 1 {
			u[i], y[i], e[i] = 2, y[i]+e[i], 0
		}
	}
	n := len(u)
	m, buf := borrow(n)
	defer m.release()
	v.addScalar(buf, u, -1)
	v.div(e, e, buf)
	v.log(u, u)
	v.mul(e, e, u)
	v.add(y, y, e)
}

// Mish is x * tanh(log(1 + exp(x))) within 6 units where that is not denormal.
func Mish(dst, src []float32) {
	v := active
	inPieces(dst, src, func(y, x, s, t []float32) {
		// tanh(log(1+e)) is n/(n+2) with n = e*(e+2), and 1 beyond 20.
		v.scaleClip(s, x, 0, 1, 0, float32(math.Inf(-1)), 20)
		v.exp(s, s)
		v.addScalar(t, s, 2)
		v.mul(s, s, t)
		v.addScalar(t, s, 2)
		v.div(s, s, t)
		v.mul(y, x, s)
	})
}
