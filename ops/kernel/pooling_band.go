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
	p := partedPools.Get().(*partedPool)
	defer p.forget()
	if p.use(w) {
		return floatBytes(p.room())
	}
	t := bandPools.Get().(*bandPool)
	defer t.forget()
	if !t.use(w) || w.OutLen() == 0 {
		return 0
	}
	t.band.fit(&t.image, 1, min(t.image.Out[1], convWidth))
	return floatBytes(t.band.room(1) + t.spare())
}

// A bandPool computes the maxima or averages of windows over planes by stripes of
// columns. Planes of three dimensions are slices, which are images.
type bandPool struct {
	of      pooling
	w       Window
	image   Window // w, or its last two dimensions, as one of two dimensions
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

// use sets the window. It reports whether it is one of images of which bands can be
// laid out.
func (t *bandPool) use(w *Window) bool {
	image, ok := w.image()
	if w.N == 3 {
		image, ok = w.slice(), true
	}
	t.w, t.image = *w, image
	return ok && image.Stride[0] <= 4 && image.Stride[1] <= 4 && image.Taps() <= 1<<10 &&
		(image.Size[0]-1)*image.Dilation[0] <= 1<<8 && (image.Size[1]-1)*image.Dilation[1] <= 1<<12
}

// spare is how many values the outputs of a slice take that no output plane has room
// for.
func (t *bandPool) spare() int {
	if t.w.N < 3 {
		return 0
	}
	return t.image.OutLen()
}

// pooled computes the maxima or averages of windows over planes, if these windows are
// of the kind that a bandPool can do, which it reports.
func (w *Window) pooled(p *Pool, of pooling, y, x []float32, withPad bool, planes int) bool {
	if len(y) == 0 {
		return false
	}
	if w.parted(p, of, y, x, planes) {
		return true
	}
	if w.N == 3 && (w.OutLen() == 1 || of == averages && w.InTurn) {
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
	room := t.band.room(1)
	m, buf := borrow(room + t.spare())
	defer m.release()
	buf, spare := buf[:room], buf[room:]
	for i := lo; i < hi && !t.w.stopped(); i++ {
		y, x := t.y[i*t.out:(i+1)*t.out], t.x[i*t.in:(i+1)*t.in]
		if t.w.N == 3 {
			t.volume(buf, spare, y, x, i > lo)
		} else {
			t.slice(buf, y, x, i > lo)
		}
		if t.of == averages {
			Div(y, y, t.counts)
		}
	}
}

// slice computes the maxima or sums of an image. If again, buf is as another one left
// it.
func (t *bandPool) slice(buf, y, x []float32, again bool) {
	v, b := active, &t.band
	lowest, most := noLimits()
	for y0 := 0; y0 < t.image.Out[0]; y0 += t.rows {
		for x0 := 0; x0 < t.image.Out[1]; x0 += t.cols {
			rows, cols := min(t.rows, t.image.Out[0]-y0), min(t.cols, t.image.Out[1]-x0)
			b.fill(v, buf, x, y0, x0, rows, cols, again && rows*cols == len(y))
			to := y[y0*t.image.Out[1]+x0:]
			eachStripe(v.lanes, b.pitch, t.image.Out[1], rows, cols, func(j, ldb, ldc, rows, cols int) {
				if t.of == maxima {
					v.maxima(len(b.taps), &b.taps[0], &buf[j], ldb, &to[j], ldc, rows, cols)
					return
				}
				v.depthwise(len(b.taps), &b.taps[0], &t.ones[0], &buf[j], ldb, &to[j], ldc, rows, cols, 0, lowest, most)
			})
		}
	}
}

// volume computes the maxima or sums of a plane of three dimensions, slice by slice of
// its input: all outputs that read a slice take what was computed of it once.
func (t *bandPool) volume(buf, spare, y, x []float32, again bool) {
	w, in, out := &t.w, t.image.InLen(), t.image.OutLen()
	for o := range w.Out[0] {
		if first, end := w.inside(o*w.Stride[0]-w.Pad[0], 0, w.In[0], 0); first == end {
			fillWith(y[o*out:(o+1)*out], t.band.pad)
		}
	}
	for s := 0; s < w.In[0] && !w.stopped(); s++ {
		lo := max(divCeil(s+w.Pad[0]-(w.Size[0]-1)*w.Dilation[0], w.Stride[0]), 0)
		hi := min(divCeil(s+w.Pad[0]+1, w.Stride[0]), w.Out[0])
		made := []float32(nil)          // of this slice
		for o := hi - 1; o >= lo; o-- { // the last may have read no slice before
			start := o*w.Stride[0] - w.Pad[0]
			if (s-start)%w.Dilation[0] != 0 {
				continue
			}
			to := y[o*out : (o+1)*out]
			first, _ := w.inside(start, 0, w.In[0], 0)
			begins := start+first*w.Dilation[0] == s
			if made == nil {
				made = spare
				if begins {
					made = to
				}
				t.slice(buf, made, x[s*in:(s+1)*in], again)
				again = true
				if begins {
					continue
				}
			}
			switch {
			case begins:
				copy(to, made)
			case t.of == maxima:
				Max(to, to, made)
			default:
				Add(to, to, made)
			}
		}
	}
}
