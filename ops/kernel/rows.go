package kernel

import "sync"

// A rowTask is one call of SoftmaxRows or LayerNormRows. It is reused, and its
// functions with it, so that a call allocates nothing.
type rowTask struct {
	y, x []float32
	n    int

	gamma, beta []float32
	eps         float32
	mean, rstd  []float32

	softmax, layerNorm func(lo, hi int)
}

var rowTasks = sync.Pool{New: func() any {
	t := new(rowTask)
	t.softmax = func(lo, hi int) {
		for i := lo; i < hi; i++ {
			Softmax(t.row(t.y, i), t.row(t.x, i))
		}
	}
	t.layerNorm = func(lo, hi int) {
		for i := lo; i < hi; i++ {
			m, r := LayerNorm(t.row(t.y, i), t.row(t.x, i), t.gamma, t.beta, t.eps)
			if t.mean != nil {
				t.mean[i] = m
			}
			if t.rstd != nil {
				t.rstd[i] = r
			}
		}
	}
	return t
}}

func (t *rowTask) row(s []float32, i int) []float32 { return s[i*t.n : (i+1)*t.n] }

func (t *rowTask) forget() {
	*t = rowTask{softmax: t.softmax, layerNorm: t.layerNorm}
	rowTasks.Put(t)
}

// rowGrain is how many rows of n elements are worth a chunk of For.
func rowGrain(n int) int { return max(1, 1<<14/max(n, 1)) }
