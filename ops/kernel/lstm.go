package kernel

import (
	"sync"
	"sync/atomic"
)

// LSTMArgs are the data of one direction of an LSTM layer over T steps of B
// sequences, with input width I and H hidden units. Strides count elements
// and are free, so batch-first data needs no copy and two directions can
// write into halves of one buffer.
type LSTMArgs struct {
	T, B int

	X      []float32 // x(t,b,j) is X[t*XT+b*XB+j], j < I
	XT, XB int

	H0, C0  []float32 // (B, H) initial state; nil for zeros
	SeqLens []int32   // (B) steps of each sequence, at most T; nil means T for all
	Reverse bool      // each sequence from its last step to its first

	Y      []float32 // y(t,b,j) is Y[t*YT+b*YB+j], j < H; 0 beyond a sequence's length; nil if not wanted
	YT, YB int
	YH, YC []float32 // (B, H) state after the last step taken; nil if not wanted

	// Gates (T, B, 4H), in the order i, o, f, c after their activations, and
	// Cells (T, B, H) are what the backward pass needs; nil if not wanted.
	// Steps beyond a sequence's length leave them as they are.
	Gates, Cells []float32

	// Stop is called now and then between steps; an error ends the work and
	// is returned. It may be nil.
	Stop func() error
}

// LSTM runs one direction of a layer: for each step t of a sequence
//
//	i = sigmoid(Wi x + Ri h + bi)    o = sigmoid(Wo x + Ro h + bo)
//	f = sigmoid(Wf x + Rf h + bf)    g = tanh(Wc x + Rc h + bc)
//	c = f*c + i*g
//	h = o * tanh(c);  y[t] = h
//
// The error is Stop's; the outputs are then incomplete.
func LSTM(p *Pool, w *LSTMWeights, a *LSTMArgs) error {
	if a.B == 0 || w.hidden == 0 {
		return nil
	}
	t := lstmTasks.Get().(*lstmTask)
	t.w, t.a, t.batch = w, a, a.B
	t.save = a.Gates != nil
	t.apart.Store(-1)
	t.span = min(a.T, max(1, lstmGates/(w.columns()*max(a.B, 1))))
	s := t.prepare(a.H0, a.C0, t.span)
	if q := w.w.w.q; q != nil && q.whole {
		t.x = rangeOfSteps(w.v, w.input, a)
	}
	p.Team(teamFor(p, a.T, a.B*w.hidden*w.columns(), w.lumps()), t.run)
	err := t.err
	s.release()
	t.forget()
	return err
}

const (
	// lstmGates is how many gate values of coming steps are prepared at once:
	// enough rows for an efficient product, few enough to stay in the cache.
	lstmGates = 1 << 18
	// lstmShare is how many multiplications of a step are worth a barrier, and
	// lstmTeam how many of all steps are worth gathering a team.
	lstmShare = 1 << 16
	lstmTeam  = 1 << 23
	// lstmApart is the size of recurrent weights, in bytes, up to which two
	// directions run apart on a thread each; larger ones fit the caches better
	// when both threads share one direction at a time.
	lstmApart = 5 << 18
)

// teamFor is how many members should share a recurrence of T steps of so many
// multiplications.
func teamFor(p *Pool, T, step, lumps int) int {
	if step < lstmShare || T < lstmTeam/step {
		return 1
	}
	return min(p.Threads(), lumps)
}

// An lstmTask is one call of LSTM or LSTMStep.
type lstmTask struct {
	w     *LSTMWeights
	a     *LSTMArgs
	batch int
	span  int // steps whose gates are prepared at once

	gates []float32    // (span, B, columns): W x + b, then all of the gates
	h     [2][]float32 // (B, units): before a step and after it, by turns
	c     []float32    // (B, units)
	x     dataRange    // of all of X, where weights are integers that want it
	save  bool         // leave the activated gates in gates
	apart atomic.Int64 // the step after which member 0 does the rest: the team is crowded
	err   error

	run  func(member int, b *Barrier)
	some func(lo, hi int)
}

var lstmTasks = sync.Pool{New: func() any {
	t := new(lstmTask)
	t.run = t.member
	t.some = func(lo, hi int) { t.step(lo, hi, 0, 0, nil, 0) }
	return t
}}

// forget lets go of the caller's data and gives the task back.
func (t *lstmTask) forget() {
	t.w, t.a, t.gates, t.c, t.x, t.err = nil, nil, nil, nil, dataRange{}, nil
	t.h = [2][]float32{}
	lstmTasks.Put(t)
}

// rangeOfSteps is rangeOfAll of every step.
func rangeOfSteps(v *variant, input int, a *LSTMArgs) dataRange {
	var least, most float32
	for t := range a.T {
		for b := range a.B {
			lo, hi := v.extremes(a.X[t*a.XT+b*a.XB:][:input])
			least, most = min(least, lo), max(most, hi)
		}
	}
	scale, zero := rangeBetween(least, most)
	return dataRange{scale, int32(zero) - 128}
}

// prepare borrows the working memory and loads the state.
func (t *lstmTask) prepare(h0, c0 []float32, span int) *scratch {
	w, state := t.w, t.batch*t.w.units()
	s, buf := borrow(span*t.batch*w.columns() + 3*state)
	t.h[0], t.h[1], t.c = buf[:state], buf[state:2*state], buf[2*state:3*state]
	t.gates = buf[3*state:]
	spread(t.h[0], w.units(), h0, w.hidden)
	spread(t.c, w.units(), c0, w.hidden)
	return s
}

// spread copies rows of n values to rows of width values, filled with zeros;
// src nil is zeros.
func spread(dst []float32, width int, src []float32, n int) {
	for b := 0; b*width < len(dst); b++ {
		row := dst[b*width : (b+1)*width]
		if src == nil {
			clear(row)
			continue
		}
		copy(row, src[b*n:(b+1)*n])
		clear(row[n:])
	}
}

// member runs all steps for one member's share of the hidden units. What a
// member reads of others is h, so they meet once per step.
func (t *lstmTask) member(member int, b *Barrier) {
	w, a := t.w, t.a
	lo, hi := b.Share(member, w.lumps())
	for done := 0; done < a.T; done += t.span {
		if a.Stop != nil {
			if member == 0 {
				t.err = a.Stop()
			}
			b.Wait()
			if t.err != nil {
				return
			}
		}
		steps := min(t.span, a.T-done)
		first := done
		if a.Reverse {
			first = a.T - done - steps
		}
		t.project(lo, hi, first, steps)
		for s := range steps {
			at := s
			if a.Reverse {
				at = steps - 1 - s
			}
			t.step(lo, hi, done+s, at, a.SeqLens, first+at)
			t.emit(lo, hi, done+s, at, first+at)
			if member == 0 && b.Crowded() {
				t.apart.Store(int64(done + s))
			}
			b.Wait()
			// Compared with this step: member 0 may be in the next already.
			if b != &alone && t.apart.Load() == int64(done+s) {
				if member > 0 {
					return
				}
				lo, hi, b = 0, w.lumps(), &alone
			}
		}
	}
	t.gather(lo, hi, a.YH, t.h[a.T%2])
	t.gather(lo, hi, a.YC, t.c)
}

// BiLSTM runs two directions of a layer, or any two independent LSTMs of the
// same T and B, side by side.
func BiLSTM(p *Pool, w [2]*LSTMWeights, a [2]*LSTMArgs) error {
	if p.Threads() == 1 || max(w[0].r.Bytes(), w[1].r.Bytes()) > lstmApart {
		if err := LSTM(p, w[0], a[0]); err != nil {
			return err
		}
		return LSTM(p, w[1], a[1])
	}
	t := biTasks.Get().(*biTask)
	t.p, t.w, t.a = p, w, a
	p.For(2, 1, t.run)
	err := t.err[0]
	if err == nil {
		err = t.err[1]
	}
	*t = biTask{run: t.run}
	biTasks.Put(t)
	return err
}

// A biTask is one call of BiLSTM.
type biTask struct {
	p   *Pool
	w   [2]*LSTMWeights
	a   [2]*LSTMArgs
	err [2]error
	run func(lo, hi int)
}

var biTasks = sync.Pool{New: func() any {
	t := new(biTask)
	t.run = func(lo, hi int) {
		for d := lo; d < hi; d++ {
			t.err[d] = LSTM(t.p, t.w[d], t.a[d])
		}
	}
	return t
}}
