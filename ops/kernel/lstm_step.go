package kernel

// lstmAt is a step: its number in the call, the time of the sequence, and the
// memory it works on.
type lstmAt struct {
	n, time       int
	first, batch  int       // the sequences
	gates         []float32 // (B, gateRow): W x + b, unless joined or apart; after the step the gates, if they are kept
	apart         []float32 // (B, gateRow): W x + b where it isn't in gates; integers alone can do that
	before, after []float32 // (B, units): h
	c             []float32 // (B, units)
	fixed         dataRange // of h of all sequences, if it is known
}

// all is the step of a phase on the buffers that the members share.
func (t *lstmTask) all(b *stepBuffers, ph *phase) lstmAt {
	row, of := t.batch*t.w.gateRow(), ph.at
	if t.joined {
		of = 0
	}
	return lstmAt{n: ph.n, time: ph.time, batch: t.batch, gates: b.gates[of*row:][:row], before: b.h[ph.n%2], after: b.h[1-ph.n%2], c: b.c}
}

// step computes one step of lumps [lo, hi). Sequences no longer than its time
// keep their state.
//
// Every other step goes through the lumps backwards: what the caches still
// hold of the weights is then what comes first. Who leads keeps the product of
// integers for the next step.
func (t *lstmTask) step(lo, hi int, at lstmAt, lens []int32, leads bool) {
	w, v := t.w, t.w.v
	gates, before, after := at.gates, at.before, at.after
	columns := w.lumpBlocks() * 4 * v.lanes // of a lump
	several := stepSmaller / (at.batch * columns)
	if w.r.panels != nil {
		several = stepNear / (at.batch * columns)
		if t.a != nil && t.a.T > 1 { // not the only step
			several = min(several, stepWeights/(w.hidden*columns))
		}
	}
	several = max(1, several) // lumps computed in one go
	finish := v.lstmCell
	if t.keeps {
		finish = v.lstmGates
	}
	r := t.recur(at, lens, leads)
	for i := lo; i < hi; i += several {
		lump, end := i, min(i+several, hi)
		if at.n%2 == 1 {
			lump, end = lo+hi-end, lo+hi-i
		}
		first := lump * w.lumpBlocks()
		blocks := min(end*w.lumpBlocks(), w.blocks) - first
		r.columns(first*4*v.lanes, (first+blocks)*4*v.lanes)
		for b := range at.batch {
			unit := b*w.units() + first*v.lanes
			if lens != nil && at.time >= int(lens[b]) {
				copy(after[unit:unit+blocks*v.lanes], before[unit:])
				continue
			}
			finish(blocks, &gates[b*w.gateRow()+first*4*v.lanes], &at.c[unit], &after[unit])
		}
	}
	if !leads || r.q == nil { // or it is kept
		r.forget()
	}
}

const (
	// stepNear is how many gates are computed in one go: enough to be worth the
	// calls, few enough for the first-level cache. stepSmaller is the same where
	// weights are not float32.
	stepNear    = 1 << 11
	stepSmaller = 1 << 10
	// stepWeights is how many float32 weights are read in one go where another step
	// follows: half of a small second-level cache, so that those read last come first
	// in it.
	stepWeights = 1 << 16
)

// recur is the product R h, to be added to the gates some columns at a time. h
// is laid out, or becomes integers, once for all of them.
func (t *lstmTask) recur(at lstmAt, lens []int32, leads bool) *gemmTask {
	if t.joined {
		return t.recurJoined(at)
	}
	w := t.w
	fixed := at.fixed
	if fixed.scale == 0 && lens != nil && w.r.q != nil && w.r.q.whole {
		fixed = rangeOfRunning(w.v, lens, at.time, w.units(), at.before)
	}
	if leads && t.integers != nil && t.integers.m != at.batch { // the share is another
		t.integers.forget()
		t.integers = nil
	}
	if leads && t.integers != nil {
		g := t.integers
		g.a, g.c, g.onto, g.fixed = at.before, at.gates, at.apart, fixed
		g.quantize(nil)
		return g
	}
	g := gemmTasks.Get().(*gemmTask)
	g.use(w.r)
	g.onto, g.fixed = at.apart, fixed
	g.m, g.a, g.lda, g.c, g.ldc, g.e.Beta = at.batch, at.before, w.units(), at.gates, w.gateRow(), 1
	g.prepare()
	if leads && g.q != nil {
		t.integers = g
	}
	return g
}

// rangeOfRunning is rangeOfAll of rows of n values, without those of sequences
// that a step at the given time is not of.
func rangeOfRunning(v *variant, lens []int32, time, n int, h []float32) dataRange {
	var least, most float32
	for b, length := range lens {
		if time < int(length) {
			lo, hi := v.extremes(h[b*n : (b+1)*n])
			least, most = min(least, lo), max(most, hi)
		}
	}
	return bytesBetween(least, most)
}

// project sets rows [r0, r1) of the gates of the steps from first on to W x + b,
// for lumps [lo, hi).
func (t *lstmTask) project(bufs *stepBuffers, r0, r1, lo, hi, first int) {
	w, a := t.w, t.a
	per := w.v.panel()
	projectSteps(w.w.w, w.bias, t.x, bufs.gates, w.gateRow(), a.X, a.XT, a.XB, first, r0, r1, a.B,
		lo*w.lumpBlocks()*4*w.v.lanes/per, min(hi*w.lumpBlocks(), w.blocks)*4*w.v.lanes/per)
}

// projectSteps is, for panels [p0, p1) of w (I, n) and r0 <= s*B+b < r1,
//
//	out[(s*B+b)*ldo+j] = sum_l(x[(first+s)*xt+b*xb+l] * W(l,j)) + bias[j]
//
// Where w is of integers x is rounded by the given range, zero for each row's own.
func projectSteps(w *PackedB, bias []float32, fixed dataRange, out []float32, ldo int, x []float32, xt, xb, first, r0, r1, B, p0, p1 int) {
	g := gemmTasks.Get().(*gemmTask)
	g.use(w)
	g.e.Bias, g.fixed = bias, fixed
	out = out[r0*ldo:]
	if w.k > 0 {
		x = x[first*xt:]
	}
	if B == 1 || xt == B*xb { // the rows of x follow each other evenly
		ld := xb
		if B == 1 {
			ld = xt
		}
		if w.k > 0 {
			x = x[r0*ld:]
		}
		g.some(w.v, r1-r0, x, ld, out, ldo, p0, p1)
	} else { // they are brought together: W would be read for each b again
		s, rows := borrow((r1 - r0) * w.k)
		for r := r0; r < r1; r++ {
			copy(rows[(r-r0)*w.k:][:w.k], x[r/B*xt+r%B*xb:])
		}
		g.some(w.v, r1-r0, rows, w.k, out, ldo, p0, p1)
		s.release()
	}
	g.forget()
}

// emit copies what a step gave to the caller's outputs, for lumps [lo, hi).
func (t *lstmTask) emit(lo, hi int, at lstmAt) {
	w, a, time := t.w, t.a, at.time
	u0, u1 := t.unitRange(lo, hi)
	rows := a.rows
	if rows == 0 {
		rows = a.B
	}
	for i := range at.batch {
		b := at.first + i
		past := a.SeqLens != nil && time >= int(a.SeqLens[b])
		if a.Y != nil {
			y := a.Y[time*a.YT+b*a.YB:][u0:u1]
			if past {
				clear(y)
			} else {
				copy(y, at.after[i*w.units()+u0:])
			}
		}
		if past {
			continue
		}
		if a.Gates != nil {
			t.sort(lo, hi, a.Gates[(time*rows+b)*4*w.hidden:], at.gates[i*w.gateRow():])
		}
		if a.Cells != nil {
			copy(a.Cells[(time*rows+b)*w.hidden:][u0:u1], at.c[i*w.units()+u0:])
		}
	}
}

// unitRange is the hidden units of lumps [lo, hi), units the same with those
// that fill up the last block.
func (t *lstmTask) unitRange(lo, hi int) (u0, u1 int) {
	u0, u1 = t.units(lo, hi)
	return min(u0, t.w.hidden), min(u1, t.w.hidden)
}

func (t *lstmTask) units(lo, hi int) (u0, u1 int) {
	per := t.w.lumpBlocks() * t.w.v.lanes
	return min(lo*per, t.w.units()), min(hi*per, t.w.units())
}

// sort copies gates in the order of blocks to dst (4H), for lumps [lo, hi).
func (t *lstmTask) sort(lo, hi int, dst, blocks []float32) {
	u0, u1 := t.unitRange(lo, hi)
	lanes := t.w.v.lanes
	for u := u0; u < u1; u += lanes {
		for g := range 4 {
			copy(dst[g*t.w.hidden+u:][:min(lanes, u1-u)], blocks[4*u+g*lanes:])
		}
	}
}

// gather copies rows of a state to dst (B, H), which may be nil.
func (t *lstmTask) gather(dst, src []float32) {
	if dst == nil {
		return
	}
	for b := range t.batch {
		copy(dst[b*t.w.hidden:][:t.w.hidden], src[b*t.w.units():])
	}
}

// LSTMStepArgs are the data of one step of B sequences.
type LSTMStepArgs struct {
	B int

	X  []float32 // x(b,j) is X[b*XB+j], j < I; ignored when I is 0
	XB int

	// Extra are further parts of the input with weights of their own.
	Extra []LSTMProjection

	H, C       []float32 // (B, H) state before the step
	HOut, COut []float32 // (B, H) state after it; may be H and C

	Gates []float32 // (B, 4H) after the activations, for the backward pass; nil if not wanted
}

// An LSTMProjection is a part of the input: x(b,j) is X[b*XB+j].
type LSTMProjection struct {
	W  *LSTMInput
	X  []float32
	XB int
}

// LSTMStep is one step of LSTM with the input's projection being
//
//	W x + sum_e(We xe)
func LSTMStep(p *Pool, w *LSTMWeights, a *LSTMStepArgs) {
	if a.B == 0 || w.hidden == 0 {
		return
	}
	t := lstmTasks.Get().(*lstmTask)
	t.w, t.batch, t.keeps = w, a.B, a.Gates != nil
	t.bufs = t.prepare(a.H, a.C, 1)
	gates := t.bufs.gates
	beta := float32(0)
	if w.input > 0 {
		GemmPacked(p, a.B, a.X, a.XB, w.w.w, gates, w.gateRow(), Epilogue{Bias: w.bias})
		beta = 1
	}
	for i := range a.Extra {
		e := Epilogue{Beta: beta}
		if beta == 0 {
			e.Bias = w.bias
		}
		GemmPacked(p, a.B, a.Extra[i].X, a.Extra[i].XB, a.Extra[i].W.w, gates, w.gateRow(), e)
		beta = 1
	}
	if beta == 0 {
		for b := range a.B {
			copy(gates[b*w.gateRow():], w.bias)
		}
	}
	work := a.B * w.hidden * w.columns() / w.lumps()
	p.For(w.lumps(), ceilDiv(gemmChunk, max(work, 1)), t.some)
	for b := range a.B {
		if a.Gates != nil {
			t.sort(0, w.lumps(), a.Gates[b*4*w.hidden:], gates[b*w.gateRow():])
		}
	}
	t.gather(a.HOut, t.bufs.h[1])
	t.gather(a.COut, t.bufs.c)
	t.bufs.release()
	t.forget()
}
