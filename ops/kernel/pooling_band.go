package kernel

import (
	"math"
	"sync"
)

// pooling is what is taken of a window's inputs.
type pooling int

const (
	maxima pooling = iota
	averages
)

// RoomToPool is the bytes that a thread works with in [MaxPool] and [AveragePool], at
// most.
func (w *Window) RoomToPool() int {
	t := bandPools.Get().(*bandPool)
	defer t.forget()
	if !t.use(w) || w.OutLen() == 0 {
		return 0
	}
	t.band.fit(&t.image, 1, min(t.image.Out[1], convWidth))
	return floatBytes(t.band.room(1))
}

// A bandPool computes the maxima or averages of windows over planes by stripes of
// columns.
type bandPool struct {
	of      pooling
	w       Window
	image   Window // w, as one of two dimensions
	out, in int    // of a plane
	y, x    []float32

	band       convBand
	rows, cols int // of a block
	ones       []float32
	counts     []float32 // by which the sums of a plane are divided
	run        func(lo, hi int)
}

var bandPools = sync.Pool{New: func() any {
	t := new(bandPool)
	t.run = t.planes
	return t
}}

func (t *bandPool) forget() {
	t.w, t.image, t.band.w, t.y, t.x = Window{}, Window{}, nil, nil, nil
	bandPools.Put(t)
}

// use sets the window. It reports whether it is one of an image of which bands can be
// laid out.
func (t *bandPool) use(w *Window) bool {
	image, ok := w.image()
	t.w, t.image = *w, image
	return ok && image.Stride[0] <= 4 && image.Stride[1] <= 4 && image.Taps() <= 1<<10 &&
		(image.Size[0]-1)*image.Dilation[0] <= 1<<8 && (image.Size[1]-1)*image.Dilation[1] <= 1<<12
}

// pooled computes the maxima or averages of windows over planes, if these windows are
// of the kind that a bandPool can do, which it reports.
func (w *Window) pooled(p *Pool, of pooling, y, x []float32, withPad bool, planes int) bool {
	if len(y) == 0 {
		return false
	}
	t := bandPools.Get().(*bandPool)
	defer t.forget()
	if !t.use(w) {
		return false
	}
	t.of, t.out, t.in, t.y, t.x = of, w.OutLen(), w.InLen(), y, x
	t.band.pad = 0
	if of == maxima {
		t.band.pad = float32(math.Inf(-1))
	}
	t.cols = min(t.image.Out[1], convWidth)
	t.rows = t.band.fit(&t.image, 1, t.cols)
	if of == averages {
		t.ones, t.counts = grow(t.ones, len(t.band.taps)), grow(t.counts, t.out)
		fillWith(t.ones, 1)
		allCounts(w, t.counts, withPad)
	}
	p.For(planes, max(1, elementGrain/w.cost()), t.run)
	return true
}

// planes computes planes [lo, hi).
func (t *bandPool) planes(lo, hi int) {
	v, b := active, &t.band
	lowest, most := noLimits()
	m, buf := borrow(b.room(1))
	defer m.release()
	work := buf[len(buf)-b.apart:]
	for i := lo; i < hi && !t.w.stopped(); i++ {
		plane := t.y[i*t.out : (i+1)*t.out]
		for y0 := 0; y0 < t.image.Out[0]; y0 += t.rows {
			for x0 := 0; x0 < t.image.Out[1]; x0 += t.cols {
				rows, cols := min(t.rows, t.image.Out[0]-y0), min(t.cols, t.image.Out[1]-x0)
				b.fill(v, buf, work, t.x[i*t.in:(i+1)*t.in], y0, x0, rows, cols, i > lo && rows*cols == t.out)
				to := plane[y0*t.image.Out[1]+x0:]
				eachStripe(v.lanes, b.pitch, t.image.Out[1], rows, cols, func(j, ldb, ldc, rows, cols int) {
					if t.of == maxima {
						v.maxima(len(b.taps), &b.taps[0], &buf[j], ldb, &to[j], ldc, rows, cols)
						return
					}
					v.depthwise(len(b.taps), &b.taps[0], &t.ones[0], &buf[j], ldb, &to[j], ldc, rows, cols, 0, lowest, most)
				})
			}
		}
		if t.of == averages {
			Div(plane, plane, t.counts)
		}
	}
}
