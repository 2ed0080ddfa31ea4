package kernel

import "sync/atomic"

// WinogradRun is working memory of [ConvWinograd]; one that is kept spares later runs
// of the same sizes every allocation.
type WinogradRun struct {
	a   *ConvArgs[float32]
	w   *PackedWinograd
	end ConvEnd

	band           convBand
	down, across   int // tiles of a sample
	tiles          int // of all samples
	chunk          int // tiles of a unit
	units          int
	parts          int // of the output channels
	pitch          int // from one channel to the next, of a point
	apart          int // from one point to the next
	apartSums      int // the same of sums
	off            []int
	none           [convHeight]float32
	failed, beyond atomic.Bool
	shared         []float32 // the points of all units' inputs, where several parts need them
	pieces         int       // of the input channels, that are transformed at a time
	some, first    func(lo, hi int)
	look           func(lo, hi int)
}

// winogradNear is about how many points of inputs a unit has: they should stay in the
// second-level cache while all weights pass by.
const winogradNear = 1 << 17

// winogradHeld is how many of them pass by the weights of a point at a time, from the
// nearest cache.
const winogradHeld = 1 << 12

// Winograd reports whether [ConvWinograd] can do a convolution, and is worth its
// transforms.
func (w *Window) Winograd(group, cin, cout int) bool {
	if least := active.winogradLeast; w.N != 2 || group != 1 || min(cin, cout) < least || cin+cout < 4*least {
		return false
	}
	for d := range w.N {
		if w.Size[d] != 3 || w.Stride[d] != 1 || w.Dilation[d] != 1 {
			return false
		}
	}
	return true
}

// plan decides how to compute.
func (s *WinogradRun) plan(threads int) {
	a, v := s.a, s.w.v
	s.down, s.across = ceilDiv(a.Out[0], 2), ceilDiv(a.Out[1], 2)
	s.tiles = a.Batch * s.down * s.across
	s.chunk = max(winogradNear/(winogradPoints*max(a.Cin, a.Cout))/v.lanes, 2) * v.lanes
	s.units = max(1, (s.tiles+s.chunk/2)/s.chunk) // the last may be half a chunk larger
	s.pitch = roundUp(min(s.tiles, s.chunk+s.chunk/2), 16) + 16
	s.apartSums = (a.Cout*s.pitch/16 | 1) * 16
	s.apart = (a.Cin*s.pitch/16 | 1) * 16 // an odd number of cache lines: points don't share their places
	s.band.shape(&a.Window, 2*min(s.down, (s.chunk+s.chunk/2)/s.across+2), 2*s.across)
	s.parts = 1
	if threads > 1 && s.units < 4*threads {
		s.parts = min(s.w.strips(), ceilDiv(4*threads, s.units), 1+s.unit()/convUnit)
	}
	s.pieces = min(a.Cin, ceilDiv(4*threads, s.units))
	s.off = table(s.off, a.Cin, s.pitch)
}

// unit is how many multiplications a unit has.
func (s *WinogradRun) unit() int {
	return winogradPoints * min(s.chunk, s.tiles) * s.a.Cin * s.a.Cout
}

// The parts of a thread's memory: a channel's inputs, the points of inputs unless they
// are shared, those of sums, and rows that are only copied in part.
func (s *WinogradRun) parted() (band, points, sums, rows int) {
	band = s.band.room(1)
	points = band
	if s.parts == 1 {
		points += winogradPoints * s.apart
	}
	sums = points + winogradPoints*s.apartSums
	return band, points, sums, sums + 2*s.rowLen()
}

// rowLen is a row of outputs with room for 8 tiles more.
func (s *WinogradRun) rowLen() int { return 2*s.across + 32 }

// RoomForWinograd is the bytes that ConvWinograd takes.
func (s *WinogradRun) RoomForWinograd(p *Pool, a *ConvArgs[float32], w *PackedWinograd) int {
	if len(a.Y) == 0 {
		return 0
	}
	s.a, s.w = a, w
	s.plan(p.Threads())
	s.a, s.w = nil, nil
	thread := sumBytes(floatBytes(s.band.room(1)), floatBytes(winogradPoints, s.apart), floatBytes(winogradPoints, s.apartSums), floatBytes(2*s.rowLen()))
	shared := 0
	if s.parts > 1 {
		shared = floatBytes(s.units, winogradPoints, s.apart)
	}
	return sumBytes(mulBytes(p.Threads(), thread), shared)
}

// Moderate reports whether x has only numbers that [ConvWinograd] can take: what is
// larger, infinite or NaN would reach outputs that don't depend on it.
func (s *WinogradRun) Moderate(p *Pool, a *ConvArgs[float32]) bool {
	s.a = a
	if s.look == nil {
		s.look = func(lo, hi int) {
			n := s.a.InLen()
			if least, most := active.extremes(s.a.X[lo*n : hi*n]); !(max(most, -least) <= winogradInputs) {
				s.beyond.Store(true)
			}
		}
	}
	s.beyond.Store(false)
	p.For(a.Batch*a.Cin, 1+1<<15/max(a.InLen(), 1), s.look)
	s.a = nil
	return !s.beyond.Load()
}

// ConvWinograd is [ConvPacked] of a [Window.Winograd] by F(2x2, 3x3): 2x2 outputs at a
// time, a tile, are
//
//	Y = A^T (sum_c U(c) * V(c)) A, V = B^T D B
//
// of the 4x4 inputs D and of [PackWinograd]'s points U, multiplied element by element:
// 16 products where the definition has 36. See [variant.winogradIn] for A and B. Inputs
// must be [WinogradRun.Moderate]. An output's error is relative to all of D, not to the
// inputs that it reads; of inputs alike in size it is about half the definition's, whose
// sums are nine times as long.
func ConvWinograd(p *Pool, a *ConvArgs[float32], w *PackedWinograd, end ConvEnd, s *WinogradRun) error {
	if len(a.Y) == 0 {
		return nil
	}
	s.a, s.w, s.end = a, w, end
	if !end.Clip {
		s.end.Lo, s.end.Hi = noLimits()
	}
	if s.some == nil {
		s.some, s.first = s.work, s.prepare
	}
	s.failed.Store(false)
	s.plan(p.Threads())
	if s.parts > 1 {
		m, buf := borrow(s.units * winogradPoints * s.apart)
		defer m.release()
		s.shared = buf
		p.For(s.units*s.pieces, 1, s.first)
	}
	p.For(s.units*s.parts, ceilDiv(convUnit, max(s.unit()/s.parts, 1)), s.some)
	s.a, s.w, s.end, s.shared = nil, nil, ConvEnd{}, nil
	return a.Stop()
}

// stopped asks whether to go on.
func (s *WinogradRun) stopped() bool {
	if !s.failed.Load() && s.a.Stop() != nil {
		s.failed.Store(true)
	}
	return s.failed.Load()
}

// task is a unit with the working memory of a thread.
func (s *WinogradRun) task(unit int, buf []float32) winogradTask {
	band, points, sums, rows := s.parted()
	t := winogradTask{
		WinogradRun: s, inputs: buf[:band], points: buf[band:points], sums: buf[points:sums], spare: buf[sums:rows],
		lo: unit * s.chunk, hi: (unit + 1) * s.chunk,
	}
	if s.parts > 1 {
		t.points = s.shared[unit*winogradPoints*s.apart:][:winogradPoints*s.apart]
	}
	if unit == s.units-1 {
		t.hi = s.tiles
	}
	return t
}

// prepare makes points of inputs that are shared: those of pieces of units lo to hi.
func (s *WinogradRun) prepare(lo, hi int) {
	_, _, _, n := s.parted()
	m, buf := borrow(n)
	defer m.release()
	for i := lo; i < hi && !s.stopped(); i++ {
		piece := i % s.pieces
		t := s.task(i/s.pieces, buf)
		t.transform(s.a.Cin*piece/s.pieces, s.a.Cin*(piece+1)/s.pieces)
	}
}

// work computes parts of units lo to hi.
func (s *WinogradRun) work(lo, hi int) {
	_, _, _, n := s.parted()
	m, buf := borrow(n)
	defer m.release()
	strips := s.w.strips()
	for i := lo; i < hi && !s.stopped(); i++ {
		part, t := i%s.parts, s.task(i/s.parts, buf)
		if s.parts == 1 {
			t.transform(0, s.a.Cin)
		}
		r0, r1 := strips*part/s.parts, strips*(part+1)/s.parts
		for point := range winogradPoints {
			t.multiply(point, r0, r1)
		}
		for c := s.w.row(r0); c < s.w.row(r1); c++ {
			t.runs(func(at, sample, y, x, n int) {
				t.outputs(c, t.sums[c*t.pitch+at:], t.apartSums, sample, y, x, n)
			})
		}
	}
}
