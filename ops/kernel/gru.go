package kernel

import "sync"

// GRUWeights are the weights of one direction of a GRU layer whose reset gate
// acts after the recurrent product (ONNX's linear_before_reset, PyTorch's and
// cuDNN's only form), packed for GRU. They are immutable and belong to the
// variant that packed them. Inside, gates stand in blocks as in LSTMWeights.
type GRUWeights struct {
	input, hidden int
	blocks        int
	v             *variant
	w, r          *PackedB  // (I, blocks*3U), (H, blocks*3U)
	bw, br        []float32 // (blocks*3U)
}

// PackGRU packs w (3H, I), r (3H, H) and b (6H), which is Wb then Rb, or nil
// for zeros. Gates come in the order z, r, h.
func PackGRU(input, hidden int, w, r, b []float32) *GRUWeights {
	return PackGRUAs(WeightFloat32, input, hidden, w, r, b)
}

// PackGRUAs is [PackGRU] with w and r stored as t.
func PackGRUAs(t WeightType, input, hidden int, w, r, b []float32) *GRUWeights {
	v := active
	p := &GRUWeights{input: input, hidden: hidden, blocks: ceilDiv(hidden, v.lanes), v: v}
	p.w, p.r = packGates(t, v, 3, input, hidden, w, input), packGates(t, v, 3, hidden, hidden, r, hidden)
	p.bw, p.br = aligned(p.columns()), aligned(p.columns())
	if b != nil {
		for g := range 3 * hidden {
			p.bw[gateColumn(v, 3, hidden, g)] = b[g]
			p.br[gateColumn(v, 3, hidden, g)] = b[3*hidden+g]
		}
	}
	return p
}

// Sizes returns the widths of the input and of the hidden state.
func (w *GRUWeights) Sizes() (input, hidden int) { return w.input, w.hidden }

func (w *GRUWeights) columns() int { return w.blocks * 3 * w.v.lanes }
func (w *GRUWeights) units() int   { return w.blocks * w.v.lanes }

// A lump is as many blocks as make three whole panels, times the panels a
// kernel takes at once; the last may be smaller.
func (w *GRUWeights) lumpBlocks() int { return w.v.group * (len(w.v.gemm) - 1) }
func (w *GRUWeights) lumps() int      { return ceilDiv(w.blocks, w.lumpBlocks()) }

// GRUArgs are the data of one direction of a GRU layer; the fields are those
// of LSTMArgs.
type GRUArgs struct {
	T, B int

	X      []float32
	XT, XB int

	H0      []float32
	SeqLens []int32
	Reverse bool

	Y      []float32
	YT, YB int
	YH     []float32

	Stop func() error

	From, To *Relay // as in LSTMArgs
}

// GRU runs one direction of a layer: for each step t of a sequence
//
//	z = sigmoid(Wz x + Rz h + bz)    r = sigmoid(Wr x + Rr h + br)
//	n = tanh(Wh x + Wbh + r*(Rh h + Rbh))
//	h = (1-z)*n + z*h;  y[t] = h
//
// The error is Stop's; the outputs are then incomplete.
func GRU(p *Pool, w *GRUWeights, a *GRUArgs) error {
	if a.B == 0 || w.hidden == 0 {
		return nil
	}
	t := gruTasks.Get().(*gruTask)
	t.w, t.a = w, a
	most := p.Threads()
	if a.From != nil || a.To != nil {
		most = 1
	}
	t.span = spanOf(w.w, a.T, a.B, most == 1, a.From != nil)
	bufs := newStepBuffers(t.span, a.B, w.units(), w.columns(), w.lumpBlocks()*3*w.v.lanes, false)
	spread(bufs.h[0], w.units(), a.H0, w.hidden)
	p.lead(min(most, crewFor(p, a.T, a.B*w.hidden*w.columns(), w.lumps())), bufs, t.run, t.share)
	err := t.err
	t.w, t.a, t.err = nil, nil, nil
	gruTasks.Put(t)
	return err
}

// A gruTask is one call of GRU.
type gruTask struct {
	w    *GRUWeights
	a    *GRUArgs
	span int // steps whose gates are prepared at once
	err  error

	run   func(c *crew)
	share func(s *seat)
}

var gruTasks = sync.Pool{New: func() any {
	t := new(gruTask)
	t.run, t.share = t.lead, t.work
	return t
}}

// lead runs all steps.
func (t *gruTask) lead(c *crew) {
	w, a := t.w, t.a
	work := a.B * w.hidden * w.columns()
	if t.err = eachStep(c, a.T, t.span, w.lumps(), work, a.Reverse, a.Stop, a.From, a.To); t.err != nil || a.YH == nil {
		return
	}
	for b := range a.B {
		copy(a.YH[b*w.hidden:][:w.hidden], c.bufs.h[a.T%2][b*w.units():])
	}
}

// work computes one share of a phase.
func (t *gruTask) work(s *seat) {
	w, a, ph := t.w, t.a, &s.phase
	if ph.project {
		p0, p1 := t.panels(s.lo, s.hi)
		projectSteps(w.w, w.bw, dataRange{}, ph.bufs.gates, w.columns(), a.X, a.XT, a.XB, ph.first, 0, ph.n*a.B, a.B, p0, p1)
		return
	}
	state := a.B * w.units()
	own, buf := borrow(a.B*w.columns() + state)
	at := gruAt{
		n: ph.n, time: ph.time, gates: ph.bufs.gates[ph.at*a.B*w.columns():],
		before: ph.bufs.h[ph.n%2], after: ph.bufs.h[1-ph.n%2], rec: buf[state:],
	}
	if s.leads {
		t.step(s.lo, s.hi, at)
		t.emit(s.lo, s.hi, at)
	} else {
		mine := at
		mine.after = buf[:state]
		t.step(s.lo, s.hi, mine)
		if s.commit() {
			per := w.lumpBlocks() * w.v.lanes
			copyColumns(at.after, mine.after, a.B, w.units(), min(s.lo*per, w.units()), min(s.hi*per, w.units()))
			t.emit(s.lo, s.hi, at)
		}
	}
	own.release()
}

// panels is the panels of lumps [lo, hi), unitRange their hidden units.
func (t *gruTask) panels(lo, hi int) (p0, p1 int) {
	per := 3 * t.w.v.group
	return lo * per, min(hi*per, ceilDiv(t.w.columns(), t.w.v.panel()))
}

func (t *gruTask) unitRange(lo, hi int) (u0, u1 int) {
	per := t.w.lumpBlocks() * t.w.v.lanes
	return min(lo*per, t.w.hidden), min(hi*per, t.w.hidden)
}

// gruAt is a step: its number in the call, the time of the sequence, and the
// memory it works on.
type gruAt struct {
	n, time       int
	gates         []float32 // (B, columns): W x + b
	rec           []float32 // (B, columns): R h + b
	before, after []float32 // (B, units): h
}

// step computes one step of lumps [lo, hi), every other time backwards (see
// lstmTask.step).
func (t *gruTask) step(lo, hi int, at gruAt) {
	w, a, v := t.w, t.a, t.w.v
	g := gemmTasks.Get().(*gemmTask)
	g.use(w.r)
	g.e.Bias = w.br
	g.m, g.a, g.lda, g.c, g.ldc = a.B, at.before, w.units(), at.rec, w.columns()
	g.prepare()
	for i := lo; i < hi; i++ {
		lump := i
		if at.n%2 == 1 {
			lump = lo + hi - 1 - i
		}
		p0, p1 := t.panels(lump, lump+1)
		g.columns(p0*v.panel(), p1*v.panel())
		first := lump * w.lumpBlocks()
		blocks := min(w.lumpBlocks(), w.blocks-first)
		for b := range a.B {
			unit, column := b*w.units()+first*v.lanes, b*w.columns()+first*3*v.lanes
			if t.past(at.time, b) {
				copy(at.after[unit:unit+blocks*v.lanes], at.before[unit:])
			} else {
				v.gruGates(blocks, &at.gates[column], &at.rec[column], &at.before[unit], &at.after[unit])
			}
		}
	}
	g.forget()
}

// past reports whether sequence b has ended before a time.
func (t *gruTask) past(time, b int) bool {
	return t.a.SeqLens != nil && time >= int(t.a.SeqLens[b])
}

// emit copies what a step gave to the caller's y, for lumps [lo, hi).
func (t *gruTask) emit(lo, hi int, at gruAt) {
	w, a := t.w, t.a
	if a.Y == nil {
		return
	}
	u0, u1 := t.unitRange(lo, hi)
	for b := range a.B {
		y := a.Y[at.time*a.YT+b*a.YB:][u0:u1]
		if t.past(at.time, b) {
			clear(y)
		} else {
			copy(y, at.after[b*w.units()+u0:])
		}
	}
}
