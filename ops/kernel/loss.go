package kernel

import "math"

// NegativeLogLikelihood is
//
//	w = weight[target[n,d]], or 1 where weight is nil
//	loss[n,d] = -x[n,target[n,d],d] * w
//
// for x (n, classes, inner) and target (n, inner); where a target is ignored
// loss is 0 and counts for nothing. It returns the sum of the losses, the sum
// of their weights, and the index of the first target that is no class, or -1.
func NegativeLogLikelihood[T float32 | float64](loss, x []T, target []int64, weight []T, n, classes, inner int, ignore int64, ignoring bool) (sum, weights float64, bad int) {
	for i := range n {
		for d := range inner {
			at := i*inner + d
			loss[at] = 0
			c := target[at]
			if ignoring && c == ignore {
				continue
			}
			if c < 0 || c >= int64(classes) {
				return 0, 0, at
			}
			w := T(1)
			if weight != nil {
				w = weight[c]
			}
			loss[at] = -x[(i*classes+int(c))*inner+d] * w
			sum += float64(loss[at])
			weights += float64(w)
		}
	}
	return sum, weights, -1
}

// Momentum is one step of gradient descent with momentum on x, with gradient g
// and velocity v:
//
//	g' = decay*x + g
//	v' = alpha*v + beta*g'
//	x' = x - rate*v'                  or, with nesterov
//	x' = x - rate*(g' + alpha*v')
func Momentum[T float32 | float64](xNew, vNew, x, g, v []T, rate, decay, alpha, beta T, nesterov bool) {
	for i := range xNew {
		grad := decay*x[i] + g[i]
		vel := alpha*v[i] + beta*grad
		step := vel
		if nesterov {
			step = grad + alpha*vel
		}
		vNew[i] = vel
		xNew[i] = x[i] - rate*step
	}
}

// Adagrad is one step of Adagrad (Duchi et al., 2011) on x, with gradient g
// and accumulated squares h:
//
//	g' = decay*x + g
//	h' = h + g'*g'
//	x' = x - rate * g' / (sqrt(h') + eps)
func Adagrad[T float32 | float64](xNew, hNew, x, g, h []T, rate, decay, eps T) {
	for i := range xNew {
		grad := decay*x[i] + g[i]
		sq := h[i] + grad*grad
		hNew[i] = sq
		xNew[i] = x[i] - rate*grad/(T(math.Sqrt(float64(sq)))+eps)
	}
}

// Adam is one step of Adam (Kingma and Ba, 2014) on x, with gradient g and
// moments v and h; rate is already corrected for bias:
//
//	g' = decay*x + g
//	v' = alpha*v + (1-alpha)*g'
//	h' = beta*h + (1-beta)*g'*g'
//	x' = (1-post) * (x - rate * v' / (sqrt(h') + eps))
func Adam[T float32 | float64](xNew, vNew, hNew, x, g, v, h []T, rate, decay, alpha, beta, eps, post T) {
	for i := range xNew {
		grad := decay*x[i] + g[i]
		m := alpha*v[i] + (1-alpha)*grad
		sq := beta*h[i] + (1-beta)*grad*grad
		vNew[i], hNew[i] = m, sq
		xNew[i] = (1 - post) * (x[i] - rate*(m/(T(math.Sqrt(float64(sq)))+eps)))
	}
}

// Det is the determinant of a (n, n), by Gaussian elimination with partial
// pivoting; a is overwritten.
func Det(a []float64, n int) float64 {
	det := 1.0
	for k := range n {
		pivot := k
		for i := k + 1; i < n; i++ {
			if math.Abs(a[i*n+k]) > math.Abs(a[pivot*n+k]) {
				pivot = i
			}
		}
		if pivot != k {
			det = -det
			for j := k; j < n; j++ {
				a[k*n+j], a[pivot*n+j] = a[pivot*n+j], a[k*n+j]
			}
		}
		p := a[k*n+k]
		det *= p
		if p == 0 || p != p {
			return det
		}
		for i := k + 1; i < n; i++ {
			f := a[i*n+k] / p
			for j := k + 1; j < n; j++ {
				a[i*n+j] -= f * a[k*n+j]
			}
		}
	}
	return det
}
