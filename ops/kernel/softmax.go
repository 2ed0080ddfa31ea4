package kernel

import "math"

// Softmax is
//
//	m := max(x)
//	y[i] = exp(x[i]-m) / sum(exp(x[j]-m))
//
// A row that is all -Inf gives NaN, as the formula does.
func Softmax(y, x []float32) {
	x = x[:len(y)]
	v := active
	if v.softmax != nil {
		v.softmax(y, x)
		return
	}
	v.mulScalar(y, y, 1/v.expSub(y, x, v.maxOf(x)))
}

// SoftmaxRows is Softmax of each row of x (rows, n).
func SoftmaxRows(p *Pool, y, x []float32, rows, n int) {
	if n == 0 {
		return
	}
	t := rowTasks.Get().(*rowTask)
	t.y, t.x, t.n = y, x, n
	p.For(rows, rowGrain(n), t.softmax)
	t.forget()
}

// SoftmaxBackward adds to dx the gradient of Softmax:
//
//	dot := sum(y[j] * dy[j])
//	dx[i] += y[i] * (dy[i] - dot)
//
// y is Softmax's output.
func SoftmaxBackward(dx, dy, y []float32) {
	dy, y = dy[:len(dx)], y[:len(dx)]
	v := active
	v.softmaxBackward(dx, dy, y, v.dot(y, dy))
}

// LogSoftmax is
//
//	m := max(x)
//	y[i] = x[i] - m - log(sum(exp(x[j]-m)))
func LogSoftmax(y, x []float32) {
	x = x[:len(y)]
	v := active
	m := v.maxOf(x)
	s, buf := borrow(len(x))
	defer s.release()
	log := float32(math.Log(float64(v.expSub(buf, x, m))))
	inf := float32(math.Inf(1))
	v.scaleClip(y, x, m, 1, -log, -inf, inf)
}

// LogSoftmaxBackward adds to dx the gradient of LogSoftmax:
//
//	dx[i] += dy[i] - exp(y[i]) * sum(dy[j])
//
// y is LogSoftmax's output.
func LogSoftmaxBackward(dx, dy, y []float32) {
	dy, y = dy[:len(dx)], y[:len(dx)]
	sum := Sum(dy)
	for i := range dx {
		dx[i] += dy[i] - float32(exp64(float64(y[i])))*sum
	}
}
