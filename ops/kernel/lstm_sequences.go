package kernel

// sequenceShare is how many sequences of a step are worth a meeting at least: a tile.
const sequenceShare = 4

// bySequence is whether so many members share out the sequences of a step and not
// its hidden units: where h is rounded by the range of all sequences, who computes
// some units makes integers of all of h, and so does everybody else.
func (w *LSTMWeights) bySequence(B, members int) bool {
	return members > 1 && w.r.q != nil && w.r.q.whole && B >= members*sequenceShare
}

// workSequences computes the share of a phase that is of sequences [s.lo, s.hi).
func (t *lstmTask) workSequences(s *seat) {
	w, ph := t.w, &s.phase
	if ph.project {
		t.project(ph.bufs, s.lo*ph.n, s.hi*ph.n, 0, w.lumps(), ph.first)
		return
	}
	all := t.all(ph.bufs, ph).sequences(s.lo, s.hi, w.gateRow(), w.units())
	all.fixed = t.rangeOfBounds(ph.bufs.bounds[ph.n%2], ph.time)
	var lens []int32
	if t.a.SeqLens != nil {
		lens = t.a.SeqLens[s.lo:s.hi]
	}
	bounds := ph.bufs.bounds[1-ph.n%2][2*s.lo : 2*s.hi]
	if s.leads {
		t.step(0, w.lumps(), all, lens, true)
		t.bound(bounds, all.after)
		t.emit(0, w.lumps(), all)
		return
	}
	state := len(all.after)
	own, buf := borrow(len(all.gates) + 2*state)
	mine := all
	mine.after, mine.c, mine.gates, mine.apart = buf[:state], buf[state:2*state], buf[2*state:], all.gates
	copy(mine.c, all.c)
	t.step(0, w.lumps(), mine, lens, false)
	if s.commit() {
		copy(all.after, mine.after)
		copy(all.c, mine.c)
		t.bound(bounds, mine.after)
		t.emit(0, w.lumps(), mine)
	}
	own.release()
}

// sequences is the step of sequences [lo, hi) of at, in rows of gates and units.
func (at lstmAt) sequences(lo, hi, gates, units int) lstmAt {
	at.first, at.batch = at.first+lo, hi-lo
	at.gates = at.gates[lo*gates : hi*gates]
	at.before, at.after, at.c = at.before[lo*units:hi*units], at.after[lo*units:hi*units], at.c[lo*units:hi*units]
	return at
}

// bound writes the least and the largest value of each row of h, or 0.
func (t *lstmTask) bound(bounds, h []float32) {
	units := t.w.units()
	for b := range len(bounds) / 2 {
		bounds[2*b], bounds[2*b+1] = t.w.v.extremes(h[b*units : (b+1)*units])
	}
}

// rangeOfBounds is the range of the sequences that a step at a given time is of.
func (t *lstmTask) rangeOfBounds(bounds []float32, time int) dataRange {
	var least, most float32
	for b := range t.batch {
		if t.a.SeqLens == nil || time < int(t.a.SeqLens[b]) {
			least, most = min(least, bounds[2*b]), max(most, bounds[2*b+1])
		}
	}
	return bytesBetween(least, most)
}
