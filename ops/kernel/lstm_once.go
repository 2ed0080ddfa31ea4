package kernel

// A stream gives a layer one step of one sequence at a time. Such a call takes as
// long as its weights need to come from the caches; what a recurrence prepares to
// share out steps among threads, or to keep memory from step to step, would add a
// good part of that.

// onceShared is from how many weights on such a step is shared with threads that
// are at hand.
const onceShared = 1 << 17

// once is whether a call is such a step of weights that are float32, for one thread.
func (a *LSTMArgs) once(w *LSTMWeights, p *Pool) bool {
	return a.T == 1 && a.B == 1 && w.r.panels != nil && w.w.w.q == nil && w.w.w.half == nil &&
		(p.Threads() == 1 || (w.input+w.hidden)*w.columns() < onceShared) &&
		a.SeqLens == nil && a.Gates == nil && a.Cells == nil && a.From == nil && a.To == nil
}

// lstmOnce is LSTM of a single step. Its bits are those of the longer way.
func lstmOnce(w *LSTMWeights, a *LSTMArgs) {
	H, units, row := w.hidden, w.units(), w.gateRow()
	s, buf := borrow(row + 3*units + w.input + 1)
	gates, c, after, before := buf[:row], buf[row:row+units], buf[row+units:row+2*units], buf[row+2*units:]
	spread(c, units, a.C0, H)
	spread(before[:units], units, a.H0, H)
	if w.joined != nil { // and units are H: see joinedDepth
		copy(before[H:], a.X[:w.input])
		before[H+w.input] = 1
		multiplyRow(w.joined, before, gates, false)
	} else {
		copy(gates, w.bias)
		if w.input > 0 {
			multiplyRow(w.w.w, a.X, gates, true)
		}
		multiplyRow(w.r, before, gates, true)
	}
	w.v.lstmCell(w.blocks, &gates[0], &c[0], &after[0])
	for _, out := range [][]float32{a.Y, a.YH} {
		if out != nil {
			copy(out[:H], after)
		}
	}
	if a.YC != nil {
		copy(a.YC[:H], c)
	}
	s.release()
}

// multiplyRow is c = x B, or c += x B, for one row x and panels of float32.
func multiplyRow(b *PackedB, x, c []float32, add bool) {
	v, k, width := b.v, b.k, b.v.panel()
	whole, rest := b.n/width, b.n%width
	if whole > 0 {
		v.gemm[len(v.gemm)-1][1](k, whole, &x[0], k, 1, &b.panels[0], width, width*k, &c[0], b.n, width, add, &b.panels[0], 0)
	}
	if rest > 0 {
		at := &b.panels[whole*width*k]
		v.gemm[ceilDiv(rest, v.lanes)][1](k, 1, &x[0], k, 1, at, roundUp(rest, v.lanes), 0, &c[b.n-rest], b.n, rest, add, at, 0)
	}
}
