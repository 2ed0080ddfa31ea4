package kernel

import (
	"sync"
	"sync/atomic"
)

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
	t.apart.Store(-1)
	t.span = min(a.T, max(1, lstmGates/(w.columns()*a.B)))
	state := a.B * w.units()
	s, buf := borrow((t.span+1)*a.B*w.columns() + 2*state)
	defer s.release()
	t.h[0], t.h[1], buf = buf[:state], buf[state:2*state], buf[2*state:]
	t.rec, t.gates = buf[:a.B*w.columns()], buf[a.B*w.columns():]
	spread(t.h[0], w.units(), a.H0, w.hidden)
	p.Team(teamFor(p, a.T, a.B*w.hidden*w.columns(), w.lumps()), t.run)
	err := t.err
	t.w, t.a, t.gates, t.rec, t.err, t.h = nil, nil, nil, nil, nil, [2][]float32{}
	gruTasks.Put(t)
	return err
}

// A gruTask is one call of GRU.
type gruTask struct {
	w    *GRUWeights
	a    *GRUArgs
	span int // steps whose gates are prepared at once

	gates []float32    // (span, B, columns): W x + b
	rec   []float32    // (B, columns): R h + b
	h     [2][]float32 // (B, units): before a step and after it, by turns
	err   error
	apart atomic.Int64 // the step after which member 0 does the rest

	run func(member int, b *Barrier)
}

var gruTasks = sync.Pool{New: func() any {
	t := new(gruTask)
	t.run = t.member
	return t
}}

// member runs all steps for one member's share of the hidden units.
func (t *gruTask) member(member int, b *Barrier) {
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
		p0, p1 := t.panels(lo, hi)
		projectSteps(w.w, w.bw, dataRange{}, t.gates, a.X, a.XT, a.XB, first, steps, a.B, p0, p1)
		for s := range steps {
			at := s
			if a.Reverse {
				at = steps - 1 - s
			}
			t.step(lo, hi, done+s, at, first+at)
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
	if a.YH != nil {
		u0, u1 := t.unitRange(lo, hi)
		for b := range a.B {
			copy(a.YH[b*w.hidden:][u0:u1], t.h[a.T%2][b*w.units()+u0:])
		}
	}
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

// step computes step n of the call, row at of the gates, for lumps [lo, hi),
// every other time backwards (see lstmTask.step).
func (t *gruTask) step(lo, hi, n, at, time int) {
	w, a, v := t.w, t.a, t.w.v
	gates := t.gates[at*a.B*w.columns():]
	before, after := t.h[n%2], t.h[1-n%2]
	g := gemmTasks.Get().(*gemmTask)
	g.use(w.r)
	g.e.Bias = w.br
	g.m, g.a, g.lda = a.B, before, w.units()
	if g.q != nil {
		g.quantize(nil)
	}
	for i := lo; i < hi; i++ {
		lump := i
		if n%2 == 1 {
			lump = lo + hi - 1 - i
		}
		p0, p1 := t.panels(lump, lump+1)
		g.some(v, a.B, before, w.units(), t.rec, w.columns(), p0, p1)
		first := lump * w.lumpBlocks()
		blocks := min(w.lumpBlocks(), w.blocks-first)
		u0, u1 := t.unitRange(lump, lump+1)
		for b := range a.B {
			unit, column := b*w.units()+first*v.lanes, b*w.columns()+first*3*v.lanes
			past := a.SeqLens != nil && time >= int(a.SeqLens[b])
			if past {
				copy(after[unit:unit+blocks*v.lanes], before[unit:])
			} else {
				v.gruGates(blocks, &gates[column], &t.rec[column], &before[unit], &after[unit])
			}
			if a.Y == nil {
				continue
			}
			y := a.Y[time*a.YT+b*a.YB:][u0:u1]
			if past {
				clear(y)
			} else {
				copy(y, after[unit:])
			}
		}
	}
	g.forget()
}
