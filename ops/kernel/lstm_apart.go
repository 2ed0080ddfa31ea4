package kernel

import "sync"

// partRows is how many sequences make a part of a batch: tiles of so many rows
// add as those of the whole batch do, so that the bits are the same, and weights
// come from the third-level cache as fast as they are used.
const partRows = thinRows

// sequenceParts is into how many parts, at most so many, a batch is cut. Each runs
// all steps by itself, without waiting for the others, but reads all weights, and
// unpacks them if they are bfloat16, which isn't worth it. What is rounded by the
// range of the whole batch can't be cut.
func sequenceParts(w *LSTMWeights, a *LSTMArgs, most int) int {
	if w.r.half != nil || w.r.q != nil && w.r.q.whole || a.T*w.stepWork(a.B) < stepsCrew {
		return 1
	}
	return batchParts(a.B, most)
}

// batchParts leaves out parts of 7 rows, whose tiles of 3 and 4 don't add as
// others do.
func batchParts(B, most int) int {
	n := min(most, B/partRows)
	for n > 1 && 6*n < B && B < 8*n {
		n--
	}
	return max(1, n)
}

// BiLSTM runs two directions of a layer, or any two independent LSTMs of the
// same T and B, side by side, each with half of the threads: two that never
// wait for each other are faster than a crew that meets at every step, also
// where the weights of both don't fit the caches. Their outputs are apart.
func BiLSTM(p *Pool, w [2]*LSTMWeights, a [2]*LSTMArgs) error {
	if p.Threads() > 1 && a[0].B > 0 {
		most := p.Threads() / 2
		return lstmApart(p, min(sequenceParts(w[0], a[0], most), sequenceParts(w[1], a[1], most)), w[:], a[:])
	}
	if err := LSTM(p, w[0], a[0]); err != nil {
		return err
	}
	return LSTM(p, w[1], a[1])
}

// An apartTask is one call of lstmApart.
type apartTask struct {
	p   *Pool
	w   []*LSTMWeights
	all []LSTMArgs // the parts of each LSTM
	err []error
	run func(lo, hi int)
}

var apartTasks = sync.Pool{New: func() any {
	t := new(apartTask)
	t.run = t.some
	return t
}}

// lstmApart runs some LSTMs, each cut into parts, side by side.
func lstmApart(p *Pool, parts int, w []*LSTMWeights, a []*LSTMArgs) error {
	t := apartTasks.Get().(*apartTask)
	t.p = p
	for i := range w {
		for n := range parts {
			t.w = append(t.w, w[i])
			t.all = append(t.all, partOf(a[i], w[i], a[i].B*n/parts, a[i].B*(n+1)/parts))
			t.err = append(t.err, nil)
		}
	}
	p.For(len(t.all), 1, t.run)
	var err error
	for _, e := range t.err {
		if err == nil {
			err = e
		}
	}
	clear(t.w)
	clear(t.all)
	clear(t.err)
	t.p, t.w, t.all, t.err = nil, t.w[:0], t.all[:0], t.err[:0]
	apartTasks.Put(t)
	return err
}

func (t *apartTask) some(lo, hi int) {
	for i := lo; i < hi; i++ {
		share := (t.p.Threads() + len(t.all) - 1 - i) / len(t.all)
		t.err[i] = lstmTogether(t.p, max(1, share), t.w[i], &t.all[i])
	}
}

// partOf is sequences [b0, b1) of a.
func partOf(a *LSTMArgs, w *LSTMWeights, b0, b1 int) LSTMArgs {
	o := *a
	o.B = b1 - b0
	if b0 == 0 && o.B == a.B {
		return o
	}
	if o.rows == 0 {
		o.rows = a.B
	}
	H := w.hidden
	if w.input > 0 {
		o.X = a.X[b0*a.XB:]
	}
	if a.Y != nil {
		o.Y = a.Y[b0*a.YB:]
	}
	if a.SeqLens != nil {
		o.SeqLens = a.SeqLens[b0:b1]
	}
	o.H0, o.C0 = sequences(a.H0, b0, H), sequences(a.C0, b0, H)
	o.YH, o.YC = sequences(a.YH, b0, H), sequences(a.YC, b0, H)
	o.Gates, o.Cells = sequences(a.Gates, b0, 4*H), sequences(a.Cells, b0, H)
	return o
}

// sequences is x from sequence b on, each of n values; nil stays nil.
func sequences(x []float32, b, n int) []float32 {
	if x == nil {
		return nil
	}
	return x[b*n:]
}
