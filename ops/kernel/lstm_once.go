package kernel

import (
	"sync"
	"sync/atomic"
)

// A stream gives a layer one step of one sequence at a time. Such a call takes as
// long as its weights need to come from the caches; what a recurrence prepares to
// share out steps among threads, or to keep memory from step to step, would add a
// good part of that.

// once is whether a call is such a step of weights that are float32.
func (a *LSTMArgs) once(w *LSTMWeights) bool {
	return a.T == 1 && a.B == 1 && w.r.panels != nil && w.w.w.q == nil && w.w.w.half == nil &&
		a.SeqLens == nil && a.Gates == nil && a.Cells == nil && a.From == nil && a.To == nil
}

// A onceStep is one call of lstmOnce.
type onceStep struct {
	w *LSTMWeights
	x []float32

	gates, c, after, before []float32
}

// A onceTask is a step of which threads at hand take lumps one by one, one thread from
// the first on and another from the last: so each finds in its near caches what it had
// there in the step before, and who comes late has less to do.
type onceTask struct {
	onceStep
	taken  [2]atomic.Int32 // of the lumps, from the first on and from the last
	left   atomic.Int32
	member func(lo, hi int)
}

var onceTasks = sync.Pool{New: func() any {
	t := new(onceTask)
	t.member = t.take
	return t
}}

// lstmOnce is LSTM of a single step. Its bits are those of the longer way.
func lstmOnce(p *Pool, w *LSTMWeights, a *LSTMArgs) {
	H, units, row := w.hidden, w.units(), w.gateRow()
	s, buf := borrow(row + 3*units + w.input + 1)
	t := onceStep{w: w, x: a.X[:w.input], gates: buf[:row], c: buf[row : row+units], after: buf[row+units : row+2*units], before: buf[row+2*units:]}
	spread(t.c, units, a.C0, H)
	spread(t.before[:units], units, a.H0, H)
	if w.joined != nil { // and units are H: see joinedDepth
		copy(t.before[H:], t.x)
		t.before[H+w.input] = 1
	}
	weights := (w.input + H) * w.columns()
	members := min(crewFor(p, 1, weights, w.lumps()), max(1, weights/stepShare))
	if members == 1 {
		t.lumps(0, w.lumps())
	} else {
		t.share(p, members)
	}
	p.parted()
	for _, out := range [][]float32{a.Y, a.YH} {
		if out != nil {
			copy(out[:H], t.after)
		}
	}
	if a.YC != nil {
		copy(a.YC[:H], t.c)
	}
	s.release()
}

// share computes all lumps with so many threads.
func (s onceStep) share(p *Pool, members int) {
	t := onceTasks.Get().(*onceTask)
	t.onceStep = s
	t.left.Store(int32(s.w.lumps()))
	t.taken[0].Store(0)
	t.taken[1].Store(0)
	p.For(members, 1, t.member)
	t.onceStep = onceStep{}
	onceTasks.Put(t)
}

// take is the part of members [lo, hi): lumps, as long as there are any.
func (t *onceTask) take(lo, hi int) {
	for member := lo; member < hi; member++ {
		end := member % 2
		for t.left.Add(-1) >= 0 {
			lump := int(t.taken[end].Add(1)) - 1
			if end == 1 {
				lump = t.w.lumps() - 1 - lump
			}
			t.lumps(lump, lump+1)
		}
	}
}

// lumps computes lumps [lo, hi): the bits of the kernels' sums are those of whole
// lumps.
func (t *onceStep) lumps(lo, hi int) {
	w, lanes := t.w, t.w.v.lanes
	b0, b1 := lo*w.lumpBlocks(), min(hi*w.lumpBlocks(), w.blocks)
	j0, j1 := b0*4*lanes, b1*4*lanes
	gates := t.gates[j0:j1]
	if w.joined != nil {
		multiplyRow(w.joined, t.before, gates, j0, false)
	} else {
		copy(gates, w.bias[j0:])
		if w.input > 0 {
			multiplyRow(w.w.w, t.x, gates, j0, true)
		}
		multiplyRow(w.r, t.before, gates, j0, true)
	}
	w.v.lstmCell(b1-b0, &gates[0], &t.c[b0*lanes], &t.after[b0*lanes])
}

// multiplyRow is c = x B, or c += x B, for one row x and the columns of B from j0 on,
// where a panel of float32 begins.
func multiplyRow(b *PackedB, x, c []float32, j0 int, add bool) {
	v, k, width := b.v, b.k, b.v.panel()
	panels := b.panels[j0*k:]
	whole, rest := len(c)/width, len(c)%width
	if whole > 0 {
		v.gemm[len(v.gemm)-1][1](k, whole, &x[0], k, 1, &panels[0], width, width*k, &c[0], b.n, width, add, &panels[0], 0)
	}
	if rest > 0 {
		at := &panels[whole*width*k]
		v.gemm[ceilDiv(rest, v.lanes)][1](k, 1, &x[0], k, 1, at, roundUp(rest, v.lanes), 0, &c[len(c)-rest], b.n, rest, add, at, 0)
	}
}
