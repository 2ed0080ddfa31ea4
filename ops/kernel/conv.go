package kernel

import "sync/atomic"

// ConvArgs are the data of a convolution of Batch samples: x (Batch, Group*Cin,
// input), w (Group*Cout, Cin, taps), y (Batch, Group*Cout, output).
type ConvArgs[T Number] struct {
	Window
	Batch, Group, Cin, Cout int // channels per group
	X, W, Y                 []T
	Bias                    []T // (Group*Cout); nil for none
	Stop                    func() error
}

// ConvScratch is working memory of [Conv]; one that is kept spares later runs
// of the same sizes every allocation.
type ConvScratch[T Number] struct {
	a      *ConvArgs[T]
	tile   int // output positions at a time
	tiles  int
	cols   chan []T // working memory, one for each thread
	failed atomic.Bool
	some   func(lo, hi int)
}

// convTile is how many elements of columns are made at a time: they and the
// weights should stay in the second-level cache.
const convTile = 1 << 17

// ScratchLen is how many elements of working memory Conv takes per thread.
func (a *ConvArgs[T]) ScratchLen() int {
	if a.depthwise() {
		if !a.narrow() {
			return 0
		}
		rows, width := a.reach()
		return 2 * rows * width
	}
	return a.Cin * a.Taps() * a.tileLen()
}

func (a *ConvArgs[T]) tileLen() int {
	n := a.OutLen()
	return min(n, max(64, convTile/max(a.Cin*a.Taps(), 1)))
}

// depthwise reports whether each output channel reads a single input channel.
func (a *ConvArgs[T]) depthwise() bool { return a.Cin == 1 && a.Cout <= 4 }

// pointwise reports whether output position o reads input position o only.
func (w *Window) pointwise() bool {
	for d := range w.N {
		if w.Size[d] != 1 || w.Stride[d] != 1 || w.Pad[d] != 0 || w.Out[d] != w.In[d] {
			return false
		}
	}
	return true
}

// Conv is
//
//	y(b,g*Cout+m,o) = bias[g*Cout+m] + sum_{c,k}(w(g*Cout+m,c,k) * x(b,g*Cin+c,input of (o,k)))
//
// where inputs outside count as 0. The error is Stop's; y is incomplete then.
func Conv[T Number](p *Pool, a *ConvArgs[T], s *ConvScratch[T]) error {
	s.a = a
	if s.some == nil {
		s.some = s.work
	}
	defer func() { s.a = nil }()
	if len(a.Y) == 0 {
		return nil
	}
	items := a.Batch * a.Group
	s.failed.Store(false)
	if a.pointwise() && items < p.Threads() { // a product large enough to share
		for i := range items {
			a.product(p, i, 0, a.OutLen(), a.X[i*a.Cin*a.InLen():])
		}
		return a.Stop()
	}
	s.tile = a.tileLen()
	if a.depthwise() {
		s.tile = a.OutLen()
	}
	s.tiles = (a.OutLen() + s.tile - 1) / s.tile
	if cap(s.cols) != p.Threads() {
		s.cols = make(chan []T, p.Threads())
		for range p.Threads() {
			s.cols <- nil
		}
	}
	p.For(items*s.tiles, 1<<15/max(s.tile*a.Cin*a.Cout*a.Taps(), 1), s.some)
	return a.Stop()
}

// work computes tiles lo to hi.
func (s *ConvScratch[T]) work(lo, hi int) {
	a := s.a
	cols := grow(<-s.cols, a.ScratchLen())
	defer func() { s.cols <- cols }()
	for i := lo; i < hi; i++ {
		if s.failed.Load() {
			return
		}
		if a.Stop() != nil {
			s.failed.Store(true)
			return
		}
		item, from := i/s.tiles, i%s.tiles*s.tile
		to := min(from+s.tile, a.OutLen())
		x := a.X[item*a.Cin*a.InLen():]
		switch {
		case a.depthwise() && a.narrow():
			a.plane(item, x, cols)
		case a.depthwise():
			for c := range a.Cout {
				a.channel(item, c, x)
			}
		case a.pointwise():
			a.product(nil, item, from, to, x[from:])
		default:
			columns(&a.Window, cols, x, 0, a.Cin, from, to)
			a.product(nil, item, from, to, cols)
		}
	}
}

// product computes output positions from to to of one sample's group from their
// columns.
func (a *ConvArgs[T]) product(p *Pool, item, from, to int, cols []T) {
	n, k := a.OutLen(), a.Cin*a.Taps()
	ld := to - from
	if a.pointwise() {
		ld = n
	}
	g := item % a.Group
	y := a.Y[item*a.Cout*n+from:]
	beta := T(0)
	if a.Bias != nil {
		beta = 1
		for m := range a.Cout {
			fillWith(y[m*n:m*n+to-from], a.Bias[g*a.Cout+m])
		}
	}
	gemmAny(p, a.Cout, to-from, k, a.W[g*a.Cout*k:], k, cols, ld, beta, y, n)
}

// gemmAny is c = a*b + beta*c by the fastest product for T.
func gemmAny[T Number](p *Pool, m, n, k int, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	if f, ok := any(a).([]float32); ok {
		Gemm(p, false, false, m, n, k, 1, f, lda, any(b).([]float32), ldb, float32(beta), any(c).([]float32), ldc)
		return
	}
	GemmOf(p, false, false, m, n, k, 1, a, lda, b, ldb, beta, c, ldc)
}

// channel computes output channel c of one sample's group of one input channel
// x, a tap at a time along the rows.
func (a *ConvArgs[T]) channel(item, c int, x []T) {
	g := item % a.Group
	w := a.W[(g*a.Cout+c)*a.Taps():][:a.Taps()]
	y := a.Y[(item*a.Cout+c)*a.OutLen():][:a.OutLen()]
	bias := T(0)
	if a.Bias != nil {
		bias = a.Bias[g*a.Cout+c]
	}
	fillWith(y, bias)
	size, _, width := a.inner()
	rows, outer := a.rows()
	step := a.step()
	left := haltEvery
	for row := range rows {
		for ot := range outer {
			base, ok := a.base(row, ot)
			if left -= size; !ok {
				continue
			}
			if left -= size * width; left < 0 {
				if left = haltEvery; a.Stop() != nil {
					return
				}
			}
			for k := range size {
				lo, hi, at := a.span(k)
				axpyStep(y[row*width+lo:row*width+hi], w[ot*size+k], x[base+at:], step)
			}
		}
	}
}

// axpyStep is y[i] += alpha * x[i*step].
func axpyStep[T Number](y []T, alpha T, x []T, step int) {
	if len(y) == 0 {
		return
	}
	if step == 1 {
		if f, ok := any(y).([]float32); ok {
			Axpy(f, float32(alpha), any(x).([]float32))
			return
		}
	}
	for i := range y {
		y[i] += alpha * x[i*step]
	}
}
