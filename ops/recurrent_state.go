package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
)

// initial is the initial h (i = 0) or c (i = 1) of direction d as (B, H), nil
// for zeros. A state that was exported for another batch counts as absent if it
// is all zeros, and goes to every sequence if it has batch 1.
func (r *recurrentRun[T]) initial(i, d int) ([]T, error) {
	k, s := r.k, r.s
	t := r.c.In(inH0 + i)
	if t == nil {
		return nil, nil
	}
	data, err := reals[T](r.c, t)
	if err != nil {
		return nil, err
	}
	from, step := d*s.B*s.H, s.H
	if k.stateBatch {
		from, step = d*s.H, k.directions*s.H
	}
	switch batch := k.batchOf(t.Shape()); {
	case batch == s.B && step == s.H:
		return data[from : from+s.B*s.H], nil
	case batch == s.B:
	case batch == 1:
		from, step = d*s.H, 0
	case kernel.AllZero(data):
		return nil, nil
	default:
		return nil, fmt.Errorf("input %d: has batch %d and the data have %d; a state of another batch must be all zeros or have batch 1", inH0+i, batch, s.B)
	}
	r.first[i][d] = room(r.first[i][d], s.B*s.H)
	kernel.Spread(r.first[i][d], data[from:], s.B, s.H, step, 1)
	return r.first[i][d], nil
}

// last is where direction d leaves its last h (i = 0) or c (i = 1).
func (r *recurrentRun[T]) last(i, d int) []T {
	s, data := r.s, r.states[i].data
	if len(data) == 0 {
		return nil
	}
	if !r.k.stateBatch || r.k.directions == 1 {
		return data[d*s.B*s.H : (d+1)*s.B*s.H]
	}
	r.final[i][d] = room(r.final[i][d], s.B*s.H)
	return r.final[i][d]
}

// room is s with length n, reallocated if it must be.
func room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

func copyOrClear[T any](dst, src []T) {
	if src == nil {
		clear(dst)
		return
	}
	copy(dst, src)
}

// finish brings what was computed elsewhere to the outputs.
func (r *recurrentRun[T]) finish() {
	s, k := r.s, r.k
	for i := range r.states {
		data := r.states[i].data
		if len(data) > 0 && k.stateBatch && k.directions > 1 {
			for d := range k.directions {
				kernel.CopyRows(data[d*s.H:], k.directions*s.H, r.final[i][d], s.H, s.B, s.H)
			}
		}
		r.states[i].done()
	}
	r.y.done()
}
