package kernel

import "sync"

// partedLen is how many values are parted at a time, if that holds a row of outputs.
const partedLen = 1 << 13

// A partedPool computes the maxima or averages of windows whose columns are 2 apart and
// that read nothing outside. What a block of rows of outputs reads is parted into even
// and odd elements as it lies, as one row, after which neighbouring outputs read
// neighbours.
type partedPool struct {
	of      pooling
	w       Window
	image   Window // see bandPool
	out, in int    // of a plane
	y, x    []float32

	tall   bool // the planes, and their outputs, are one tall image
	rows   int  // of a block
	plane  int  // even elements of a block, at most
	taps   []int
	ones   []float32
	counts []float32 // by which the sums of a block are divided, unless those of many are scaled
	run    func(lo, hi int)
}

var partedPools = sync.Pool{New: func() any {
	t := new(partedPool)
	t.run = t.planes
	return t
}}

func (t *partedPool) forget() {
	t.w, t.image, t.y, t.x = Window{}, Window{}, nil, nil
	partedPools.Put(t)
}

// use sets the window. It reports whether it is one that is computed so.
func (t *partedPool) use(w *Window) bool {
	image, ok := w.image()
	if w.N == 3 {
		image, ok = w.slice(), true
	}
	if !ok || image.Stride[1] != 2 || w.Taps() > 1<<8 || !w.within() || image.Out[0] > 1 && image.Stride[0]*image.In[1]%2 != 0 {
		return false
	}
	if w.N == 3 && w.Out[0] > 1 && (w.Size[0]-1)*w.Dilation[0] >= w.Stride[0] {
		return false // slices would be parted more than once
	}
	t.w, t.image = *w, image
	t.tall = w.N < 3 && image.In[0] == image.Out[0]*image.Stride[0] && image.Stride[0]*image.In[1]%2 == 0
	t.rows = image.Out[0]
	if w.N < 3 {
		t.rows = 1 + max(partedLen-t.span(1), 0)/(image.Stride[0]*image.In[1])
		if !t.tall {
			t.rows = min(t.rows, image.Out[0])
		}
	}
	n := t.span(t.rows)
	if n > 8*partedLen {
		return false
	}
	t.plane = roundUp(ceilDiv(n, 2), 8)
	t.taps = t.taps[:0]
	for k := range w.Taps() {
		at := t.reach(k)
		t.taps = append(t.taps, at%2*t.plane+at/2)
	}
	return true
}

// within reports whether no tap reads outside.
func (w *Window) within() bool {
	for d := range w.N {
		if w.Out[d] == 0 || w.In[d] == 0 || w.Pad[d] != 0 || w.Size[d]-1 > (w.In[d]-1)/w.Dilation[d] {
			return false
		}
		if w.Out[d]-1 > (w.In[d]-1-(w.Size[d]-1)*w.Dilation[d])/w.Stride[d] {
			return false
		}
	}
	return true
}

// reach is where tap k of output 0 reads.
func (t *partedPool) reach(k int) (at int) {
	step := 1
	for d := t.w.N - 1; d >= 0; d-- {
		at += k % t.w.Size[d] * t.w.Dilation[d] * step
		k /= t.w.Size[d]
		step *= t.w.In[d]
	}
	return at
}

// span is how many elements a block of rows takes.
func (t *partedPool) span(rows int) int {
	last := t.reach(t.w.Taps() - 1)
	return last + ((rows-1)*t.image.Stride[0]*t.image.In[1] + (t.image.Out[1]-1)*2) + 1
}

// room is how many values a thread works with.
func (t *partedPool) room() int { return 2*t.plane + slack }

// parted is pooled for windows of the kind that a partedPool can do.
func (w *Window) parted(p *Pool, of pooling, y, x []float32, planes int) bool {
	t := partedPools.Get().(*partedPool)
	defer t.forget()
	if !t.use(w) {
		return false
	}
	t.of, t.out, t.in, t.y, t.x = of, w.OutLen(), w.InLen(), y, x
	if of == averages {
		taps := w.Taps()
		t.ones, t.counts = grow(t.ones, taps), grow(t.counts, 0)
		fillWith(t.ones, 1)
		if taps&(taps-1) != 0 {
			t.counts = grow(t.counts, min(t.rows*t.image.Out[1], len(y)))
			fillWith(t.counts, float32(taps))
		}
	}
	p.For(planes, max(1, elementGrain/w.cost()), t.run)
	return true
}

// planes computes planes [lo, hi).
func (t *partedPool) planes(lo, hi int) {
	m, buf := borrow(t.room())
	defer m.release()
	if t.tall {
		t.blocks(buf, t.y[lo*t.out:hi*t.out], t.x[lo*t.in:])
		return
	}
	slices := 1
	if t.w.N == 3 {
		slices = t.w.Out[0]
	}
	for i := lo * slices; i < hi*slices && !t.w.stopped(); i++ {
		at := i / slices * t.in
		if slices > 1 {
			at += i % slices * t.w.Stride[0] * t.image.InLen()
		}
		n := t.image.OutLen()
		t.blocks(buf, t.y[i*n:(i+1)*n], t.x[at:])
	}
}

// blocks computes the rows of y, block by block; x is what they read, and on.
func (t *partedPool) blocks(buf, y, x []float32) {
	v, width, from := active, t.image.Out[1], t.image.Stride[0]*t.image.In[1]
	rows := len(y) / width
	lowest, most := noLimits()
	for y0 := 0; y0 < rows && !(t.tall && t.w.stopped()); y0 += t.rows {
		h := min(t.rows, rows-y0)
		t.part(v, buf, x[y0*from:], t.span(h))
		to := y[y0*width : (y0+h)*width]
		eachStripe(v.lanes, from/2, width, h, width, func(j, ldb, ldc, rows, cols int) {
			if t.of == maxima {
				v.maxima(len(t.taps), &t.taps[0], &buf[j], ldb, &to[j], ldc, rows, cols)
				return
			}
			v.depthwise(len(t.taps), &t.taps[0], &t.ones[0], &buf[j], ldb, &to[j], ldc, rows, cols, 0, lowest, most)
		})
		switch {
		case t.of == maxima:
		case len(t.counts) > 0:
			v.div(to, to, t.counts[:len(to)])
		default: // the same bits, as the number of taps is a power of 2
			v.mulScalar(to, to, 1/float32(len(t.taps)))
		}
	}
}

// part parts n elements of x.
func (t *partedPool) part(v *variant, buf, x []float32, n int) {
	blocks := ceilDiv(n, 16)
	if 16*blocks > len(x) {
		blocks--
		for i := 16 * blocks; i < n; i++ {
			buf[i%2*t.plane+i/2] = x[i]
		}
	}
	if blocks > 0 {
		v.splitRows(&buf[0], &buf[t.plane], 0, &x[0], 0, 1, 8*blocks)
	}
}
