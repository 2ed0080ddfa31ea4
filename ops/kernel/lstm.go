package kernel

import "sync"

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
	rows         int // of a step of Gates and Cells; 0 means B

	// Stop is called now and then between steps, by several goroutines at once
	// where the work is shared; an error ends the work and is returned. It may
	// be nil.
	Stop func() error

	// Where X is made, or Y read, by another recurrence that runs at the same
	// time, From or To is what they have in common; such a recurrence runs on one
	// thread, forwards.
	From, To *Relay
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
	if a.once(w) {
		lstmOnce(p, w, a)
		return nil
	}
	if n := sequenceParts(w, a, p.Threads()); n > 1 && a.From == nil && a.To == nil {
		return lstmApart(p, n, []*LSTMWeights{w}, []*LSTMArgs{a})
	}
	return lstmTogether(p, p.Threads(), w, a)
}

// lstmTogether shares out the hidden units of each step in a crew of at most so
// many.
func lstmTogether(p *Pool, most int, w *LSTMWeights, a *LSTMArgs) error {
	t := lstmTasks.Get().(*lstmTask)
	t.w, t.a, t.batch, t.keeps = w, a, a.B, a.Gates != nil
	if a.From != nil || a.To != nil {
		most = 1
	}
	t.span = spanOf(w.w.w, a.T, a.B, most == 1, a.From != nil)
	if q := w.w.w.q; q != nil && q.whole {
		if t.err = a.From.WaitAll(); t.err == nil {
			t.x = rangeOfSteps(w.v, w.input, a)
		}
	}
	if t.err == nil {
		ahead := t.span
		if t.joined = w.joined != nil; t.joined {
			ahead = 1
		}
		p.lead(t.members(p, most), t.prepare(a.H0, a.C0, ahead), t.run, t.share)
	}
	err := t.err
	t.forget()
	return err
}

// members is how many, at most so many, share the work, and decides what they share.
func (t *lstmTask) members(p *Pool, most int) int {
	w, B := t.w, t.batch
	parts := w.lumps()
	if w.bySequence(B, 2) {
		parts = max(parts, B/sequenceShare)
	}
	n := min(most, crewFor(p, t.a.T, w.stepWork(B), parts))
	t.lumps, t.bySequence = w.lumps(), w.bySequence(B, n)
	if t.bySequence {
		t.lumps = B
	}
	return n
}

const (
	// stepShare is how many multiplications of a step are worth a meeting, and
	// stepsCrew how many of all steps are worth calling helpers.
	stepShare = 1 << 16
	stepsCrew = 1 << 20
	// int8Pace is how many products of integers take the time of one of float32.
	int8Pace = 3
)

// stepWork is the multiplications of a step of B sequences, which integers do
// several of at a time.
func (w *LSTMWeights) stepWork(B int) int {
	work := B * w.hidden * w.columns()
	if w.r.q != nil {
		work /= int8Pace
	}
	return work
}

// crewFor is how many members should share a recurrence of T steps of so many
// multiplications.
func crewFor(p *Pool, T, step, lumps int) int {
	switch {
	case step < stepShare:
		return 1
	case T*step < stepsCrew:
		return min(p.atHand(), lumps)
	}
	return min(p.Threads(), lumps)
}

// An lstmTask is one call of LSTM or LSTMStep.
type lstmTask struct {
	w          *LSTMWeights
	a          *LSTMArgs
	batch      int
	span       int       // steps whose gates are prepared at once
	joined     bool      // they aren't: see recurJoined
	keeps      bool      // the gates are wanted after their activations
	lumps      int       // what is shared out of a step: lumps of hidden units or
	bySequence bool      // sequences
	x          dataRange // of all of X, where weights are integers that want it
	err        error

	run   func(c *crew)
	share func(s *seat)

	// integers is the leader's product of h with weights that are integers, kept
	// from step to step; nil until the first.
	integers *gemmTask

	bufs *stepBuffers // LSTMStep's
	some func(lo, hi int)
}

var lstmTasks = sync.Pool{New: func() any {
	t := new(lstmTask)
	t.run, t.share = t.lead, t.work
	t.some = func(lo, hi int) { t.step(lo, hi, t.all(t.bufs, &phase{}), nil, false) }
	return t
}}

// forget lets go of the caller's data and gives the task back.
func (t *lstmTask) forget() {
	if t.integers != nil {
		t.integers.forget()
	}
	t.integers = nil
	t.w, t.a, t.x, t.err, t.bufs, t.joined, t.keeps, t.bySequence = nil, nil, dataRange{}, nil, nil, false, false, false
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
	return bytesBetween(least, most)
}

// prepare borrows the working memory and loads the state.
func (t *lstmTask) prepare(h0, c0 []float32, span int) *stepBuffers {
	w := t.w
	b := newStepBuffers(span, t.batch, w.units(), w.gateRow(), w.lumpBlocks()*4*w.v.lanes, true)
	spread(b.h[0], w.units(), h0, w.hidden)
	spread(b.c, w.units(), c0, w.hidden)
	if b.bySequence = t.bySequence; t.bySequence {
		t.bound(b.bounds[0], b.h[0])
	}
	return b
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

// lead runs all steps.
func (t *lstmTask) lead(c *crew) {
	w, a := t.w, t.a
	work := a.B * w.hidden * w.columns()
	if t.err = eachStep(c, a.T, t.span, t.lumps, work, a.Reverse, a.Stop, a.From, a.To); t.err != nil {
		return
	}
	t.gather(a.YH, c.bufs.h[a.T%2])
	t.gather(a.YC, c.bufs.c)
}

// work computes one share of a phase.
func (t *lstmTask) work(s *seat) {
	if t.bySequence {
		t.workSequences(s)
		return
	}
	ph := &s.phase
	if ph.project {
		if !t.joined {
			t.project(ph.bufs, 0, ph.n*t.batch, s.lo, s.hi, ph.first)
		}
		return
	}
	all := t.all(ph.bufs, ph)
	if s.leads {
		t.step(s.lo, s.hi, all, t.a.SeqLens, true)
		t.emit(s.lo, s.hi, all)
		return
	}
	w := t.w
	own, buf := borrow(t.batch * (w.gateRow() + 2*w.units()))
	mine := all
	mine.c, mine.after, mine.gates = buf[:t.batch*w.units()], buf[t.batch*w.units():2*t.batch*w.units()], buf[2*t.batch*w.units():]
	u0, u1 := t.units(s.lo, s.hi)
	if w.r.q != nil {
		mine.apart = all.gates
	} else {
		copyColumns(mine.gates, all.gates, t.batch, w.gateRow(), 4*u0, 4*u1)
	}
	copyColumns(mine.c, all.c, t.batch, w.units(), u0, u1)
	t.step(s.lo, s.hi, mine, t.a.SeqLens, false)
	if s.commit() {
		copyColumns(all.after, mine.after, t.batch, w.units(), u0, u1)
		copyColumns(all.c, mine.c, t.batch, w.units(), u0, u1)
		t.emit(s.lo, s.hi, mine)
	}
	own.release()
}

// copyColumns copies columns [j0, j1) of B rows of width values.
func copyColumns(dst, src []float32, B, width, j0, j1 int) {
	for b := range B {
		copy(dst[b*width+j0:b*width+j1], src[b*width+j0:])
	}
}
