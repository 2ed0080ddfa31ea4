package kernel

import "sync"

// gemmSlab is how many rows of B, and columns of A, are laid out at a time for
// a product of many rows: the more the fewer times c is loaded and stored, the
// fewer the longer the caches hold what was laid out.
const gemmSlab = 512

// tallGemm says whether m rows are so many tiles that laying out B pays.
func tallGemm(v *variant, m int) bool { return m > 4*v.rows() }

// A slabTask is a product, slab by slab. What is laid out for one slab serves
// all tiles and panels.
type slabTask struct {
	v                *variant
	transA, transB   bool
	m, n, k          int // k of the slab
	alpha            float32
	a, b             []float32 // from the slab on
	lda, ldb         int
	rows, panels     []float32 // A and B laid out
	layOutA, layOutB func(lo, hi int)
}

var slabTasks = sync.Pool{New: func() any {
	t := new(slabTask)
	t.layOutA, t.layOutB = t.someRows, t.someOfB
	return t
}}

// gemmSlabs is Gemm where A or B must be laid out, and k is not 0.
func gemmSlabs(p *Pool, transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	t := slabTasks.Get().(*slabTask)
	t.v, t.transA, t.transB, t.m, t.n, t.alpha, t.lda, t.ldb = active, transA, transB, m, n, alpha, lda, ldb
	one := m <= t.v.rows() // tile; of more, the product lays out A itself
	ownA, ownB := one && (transA || alpha != 1), tallGemm(t.v, m)
	deep, wide := k, 0 // a few rows are multiplied with B where it is, in one go
	if ownB {
		deep, wide = min(k, gemmSlab), roundUp(n, t.v.lanes)
	}
	room := deep * wide
	if ownA {
		room += m * deep
	}
	s, buf := borrow(room)
	for l := 0; l < k; l += deep {
		t.k = min(deep, k-l)
		if t.a = a[l:]; transA {
			t.a = a[l*lda:]
		}
		if t.b = b[l:]; !transB {
			t.b = b[l*ldb:]
		}
		g := gemmTasks.Get().(*gemmTask)
		g.v, g.m, g.n, g.k = t.v, m, n, t.k
		g.a, g.lda, g.b, g.ldb, g.transB = t.a, lda, t.b, ldb, transB
		g.c, g.ldc, g.e.Beta = c, ldc, beta
		if !one {
			g.transA, g.alpha = transA, alpha
		}
		if ownA {
			t.rows = buf[deep*wide:]
			p.For(m, max(8, roundUp(ceilDiv(1<<15, t.k), 8)), t.layOutA)
			g.a, g.lda = t.rows, t.k
		}
		if ownB {
			t.panels = buf[:t.k*wide]
			if transB {
				p.For(ceilDiv(n, t.v.panel()), ceilDiv(1<<15, t.k*t.v.panel()), t.layOutB)
			} else {
				p.For(t.k, ceilDiv(1<<15, n), t.layOutB)
			}
			g.packed = t.panels
		}
		g.start(p)
		beta = 1
	}
	s.release()
	*t = slabTask{layOutA: t.layOutA, layOutB: t.layOutB}
	slabTasks.Put(t)
}

// someRows lays out rows [lo, hi) of A, times alpha.
func (t *slabTask) someRows(lo, hi int) {
	if t.transA {
		transposeF32(t.v, t.rows[lo*t.k:], t.k, t.a[lo:], t.lda, t.k, hi-lo)
	} else {
		for i := lo; i < hi; i++ {
			copy(t.rows[i*t.k:(i+1)*t.k], t.a[i*t.lda:])
		}
	}
	if t.alpha != 1 {
		MulScalar(t.rows[lo*t.k:hi*t.k], t.rows[lo*t.k:hi*t.k], t.alpha)
	}
}

// someOfB lays out rows [lo, hi) of B, each of which is read in one go, or panels
// [lo, hi) where its columns are contiguous.
func (t *slabTask) someOfB(lo, hi int) {
	width := t.v.panel()
	if t.transB {
		for j := lo * width; j < min(hi*width, t.n); j += width {
			cols := min(width, t.n-j)
			packPanel(t.panels[j*t.k:], roundUp(cols, t.v.lanes), true, t.k, cols, t.b, t.ldb, 0, j)
		}
		return
	}
	whole := t.n / width * width
	for l := lo; l < hi; l++ {
		row := t.b[l*t.ldb:][:t.n]
		for j := 0; j < whole; j += width {
			copyPanelRow(t.panels[j*t.k+l*width:][:width], row[j:])
		}
	}
	if rest := t.n - whole; rest > 0 {
		wide := roundUp(rest, t.v.lanes)
		packPanel(t.panels[whole*t.k+lo*wide:], wide, false, hi-lo, rest, t.b, t.ldb, lo, whole)
	}
}

// copyPanelRow copies a row of a whole panel, in pieces whose size is known: a
// call would take longer than the copying.
func copyPanelRow(dst, src []float32) {
	src = src[:len(dst)]
	for len(dst) >= 16 {
		v := *(*[16]float32)(src)
		*(*[16]float32)(dst) = v
		dst, src = dst[16:], src[16:]
	}
	if len(dst) >= 8 {
		v := *(*[8]float32)(src)
		*(*[8]float32)(dst) = v
		dst, src = dst[8:], src[8:]
	}
	for i := range dst {
		dst[i] = src[i]
	}
}
