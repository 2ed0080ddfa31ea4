package kernel

import "unsafe"

// block computes columns [j0, j1) of tiles [r0, r1). While tiles pass by, the
// near caches hold some columns of B, a stretch of them: a panel, or several that
// are laid out here. A is laid out in strips of a tile each unless the columns are
// few, and the second cache holds those of a few tiles.
func (t *gemmTask) block(r0, r1, j0, j1 int, add bool) {
	deep, panel := t.stretch(), t.v.panel()
	height := r1 - r0
	if !t.wide {
		height = max(1, min(height, gemmBlock/deep/ceilDiv(t.m, t.tiles)))
	}
	room := 0
	if t.packed == nil {
		room = deep * panel * t.several(j1-j0)
	}
	own := room
	lays := t.strips == nil && !t.inPlace(j1-j0)
	if lays {
		room += ceilDiv(t.m, t.tiles) * height * deep
	}
	s, buf := borrow(room)
	defer s.release()
	for ; r0 < r1; r0 += height {
		end := min(r0+height, r1)
		for l := 0; l < t.k; l += deep {
			k := min(deep, t.k-l)
			at := gemmStrips{t.strips, t.k, 0, 0}
			if lays {
				at = gemmStrips{buf[own:], k, t.row(r0), l}
				t.layOut(at.data, r0, end, l, k)
			}
			for j, cols := j0, 0; j < j1; j += cols {
				cols = min(t.several(j1-j)*panel, j1-j)
				t.piece(&at, r0, end, j, cols, l, k, add || l > 0, buf, t.after(j+cols, l))
			}
		}
	}
}

// stretch is how deep the product goes at a time, the same for all of it.
func (t *gemmTask) stretch() int {
	return min(roundUp(ceilDiv(t.k, ceilDiv(t.k, gemmDepth)), 4), t.k)
}

// several is how many panels, of so many columns, a kernel gets at once. More than
// one where all are whole and the product is wide; or so short that calls would
// take a good part of the time, and fit the nearest cache together. Kernels of few
// rows would add in another order.
func (t *gemmTask) several(cols int) int {
	most := 1
	switch {
	case t.m/t.tiles < thinRows:
	case t.wide:
		most = t.wideColumns() / t.v.panel()
	case t.packed != nil:
		most = gemmNear / (t.k * t.v.panel())
	}
	return max(1, min(cols/t.v.panel(), most))
}

// inPlace is whether A is read where it is for so many columns.
func (t *gemmTask) inPlace(cols int) bool {
	return cols <= gemmNarrow && !t.transA && (t.alpha == 0 || t.alpha == 1)
}

// after is the packed weights from row l of the panel at column j on, if there are
// such.
func (t *gemmTask) after(j, l int) []float32 {
	if t.packed == nil || j >= t.n {
		return nil
	}
	return t.packed[j*t.k+l*roundUp(min(t.n-j, t.v.panel()), t.v.lanes):]
}

// gemmStrips are rows of A from one on, and their values from a column on, laid
// out k deep. Without data A is read where it is.
type gemmStrips struct {
	data           []float32
	k, row, column int
}

// piece multiplies strips of tiles [r0, r1) with rows [l, l+k) of the panel at
// column j, of which cols are wanted, or of several panels, and fetches what comes
// next. Panels that are not laid out are brought to buf.
func (t *gemmTask) piece(a *gemmStrips, r0, r1, j, cols, l, k int, add bool, buf, next []float32) {
	panels, last := max(1, cols/t.v.panel()), min(cols, t.v.panel())
	vectors := ceilDiv(last, t.v.lanes)
	bs := vectors * t.v.lanes
	b := buf
	switch {
	case t.packed != nil:
		b = t.packed[j*t.k+l*bs:]
	case t.half != nil:
		bs = t.v.panel()
		t.v.halfExpand(k, &b[0], &t.half[(j*t.k+l*bs)/2])
	default:
		t.layOutPanels(b, bs, panels, k, cols, l, j)
	}
	kernels := t.v.gemm[vectors]
	i := t.row(r0)
	if a.data == nil {
		for r := r0; r < r1; r++ {
			end := t.row(r + 1)
			kernels[end-i](k, panels, &t.a[i*t.lda+l], t.lda, 1, &b[0], bs, k*bs, &t.c[i*t.ldc+j], t.ldc, last, add, &b[0], 0)
			i = end
		}
		return
	}
	for r := r0; r < r1; r++ {
		end := t.row(r + 1)
		h := end - i
		soon, ahead := fetch(next, r-r0, k, bs, &b[0])
		kernels[h](k, panels, &a.data[(i-a.row)*a.k+(l-a.column)*h], 1, h, &b[0], bs, k*bs, &t.c[i*t.ldc+j], t.ldc, last, add, soon, ahead)
		i = end
	}
}

// layOutPanels writes rows [l, l+k) and cols columns of B from column j on to dst,
// in panels of rows of width values, all whole if they are several.
func (t *gemmTask) layOutPanels(dst []float32, width, panels, k, cols, l, j int) {
	if panels > 1 && !t.transB {
		t.v.layPanels(k, panels, width, &dst[0], k*width, &t.b[l*t.ldb+j], t.ldb)
		return
	}
	for p := range panels {
		packPanel(dst[p*k*width:], width, t.transB, k, min(cols, width), t.b, t.ldb, l, j+p*width)
	}
}

// fetch is what tile number i of a panel should fetch of what comes next: half
// a panel's row for each of its k steps, until as much is there as a piece has.
// Otherwise it names what is there anyway: looking up an address that is not
// would take time.
func fetch(next []float32, i, k, width int, here *float32) (soon *float32, ahead int) {
	if i > 1 || k < 2 || (i+1)*(k/2)*width > len(next) {
		return here, 0
	}
	return &next[i*(k/2)*width], width
}

// layOutAll lays out A for all chunks, until the task is forgotten.
func (t *gemmTask) layOutAll(p *Pool) {
	t.own, t.strips = borrow(t.m * t.k)
	p.For(t.tiles, ceilDiv(1<<15, t.k*ceilDiv(t.m, t.tiles)), t.lay)
}

// layOut writes values [l, l+k) of the rows of tiles [r0, r1), times alpha, to
// dst: tile after tile, column after column, so that a kernel reads one stream
// whose addresses don't collide in the cache.
func (t *gemmTask) layOut(dst []float32, r0, r1, l, k int) {
	first, end := t.row(r0), t.row(r1)
	if t.transA {
		for n := 0; n < k; n += laidRows {
			t.spreadRows(dst, r0, r1, k, n, min(n+laidRows, k), t.a[l*t.lda+first:])
		}
	} else {
		for r := r0; r < r1; r++ {
			i := t.row(r)
			h := t.row(r+1) - i
			t.v.layStrip(dst[(i-first)*k:][:h*k], h, t.a[i*t.lda+l:], t.lda)
		}
	}
	if dst = dst[:(end-first)*k]; t.alpha != 0 && t.alpha != 1 {
		t.v.mulScalar(dst, dst, t.alpha)
	}
}

// laidRows is how many rows of a transposed A are laid out at a time: as many as a cache
// holds whose addresses end alike.
const laidRows = 8

// spreadRows copies rows [lo, hi) of the transposed A to their places in the strips of
// tiles [r0, r1), with which its columns begin.
func (t *gemmTask) spreadRows(dst []float32, r0, r1, k, lo, hi int, a []float32) {
	first := t.row(r0)
	for r := r0; r < r1; {
		at := t.row(r) - first
		h := t.row(r+1) - first - at
		strips := 1
		for r+strips < r1 && t.row(r+strips+1)-first-at == (strips+1)*h {
			strips++
		}
		r += strips
		to, from := dst[at*k+lo*h:], a[lo*t.lda+at:]
		if h < len(t.v.layColumns) && t.v.layColumns[h] != nil && hi-lo == laidRows {
			t.v.layColumns[h](strips, &to[0], h*k, &from[0], t.lda)
			continue
		}
		for s := range strips {
			spreadStrip(to[s*h*k:][:h*(hi-lo)], h, from[s*h:], t.lda)
		}
	}
}

// spreadStrip is dst[l*h+i] = src[l*ld+i] for i < h.
func spreadStrip(dst []float32, h int, src []float32, ld int) {
	for l := 0; l*h < len(dst); l++ {
		to, from := dst[l*h:][:h], src[l*ld:][:h]
		switch h {
		case 6:
			*(*[6]float32)(to) = *(*[6]float32)(from)
		case 5:
			*(*[5]float32)(to) = *(*[5]float32)(from)
		case 4:
			*(*[4]float32)(to) = *(*[4]float32)(from)
		default:
			copy(to, from)
		}
	}
}

// layStripGeneric is dst[l*h+i] = src[i*ld+l] for i < h.
func layStripGeneric(dst []float32, h int, src []float32, ld int) {
	for i := range h {
		at := i
		for _, v := range src[i*ld:][:len(dst)/h] {
			dst[at] = v
			at += h
		}
	}
}

// layPanelsGeneric is layPanels in portable code.
func layPanelsGeneric(k, panels, width int, dst *float32, pd int, src *float32, lds int) {
	to, from := unsafe.Slice(dst, (panels-1)*pd+k*width), unsafe.Slice(src, (k-1)*lds+panels*width)
	for l := range k {
		for p := range panels {
			copyPanelRow(to[p*pd+l*width:][:width], from[l*lds+p*width:])
		}
	}
}
