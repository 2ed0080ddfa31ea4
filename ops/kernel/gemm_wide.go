package kernel

const (
	// gemmWideColumns is how many columns of B are laid out at a time in a wide
	// product, and gemmDeepColumns if it is deeper than half of gemmDepth: with a
	// strip of A half of a small second-level cache.
	gemmWideColumns, gemmDeepColumns = 64, 48
	// gemmWideValues is how many values of A are laid out at a time for that: a
	// third-level cache holds them.
	gemmWideValues = 1 << 20
)

// gemmWide is Gemm of more than one tile and many columns, where k is not 0. Each
// part of B is laid out once, next to where it is used, for all rows of A, which
// are laid out beforehand and pass by.
func gemmWide(p *Pool, transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	parts := wideParts(active, m, k)
	for part := range parts {
		i := m * part / parts
		t := gemmTasks.Get().(*gemmTask)
		t.v, t.m, t.n, t.k = active, m*(part+1)/parts-i, n, k
		t.lda, t.transA, t.alpha = lda, transA, alpha
		if transA {
			t.a = a[i:]
		} else {
			t.a = a[i*lda:]
		}
		t.b, t.ldb, t.transB = b, ldb, transB
		t.c, t.ldc, t.e = c[i*ldc:], ldc, Epilogue{Beta: beta}
		t.shape()
		t.wide, t.group = true, max(1, min(t.wideColumns()/t.v.panel(), t.panels/(4*p.Threads())))
		t.layOutAll(p)
		units := ceilDiv(t.panels, t.group)
		p.For(units, ceilDiv(gemmChunk, max(t.m*n/units*k, 1)), t.run)
		t.forget()
	}
}

// wideColumns is gemmWideColumns or gemmDeepColumns.
func (t *gemmTask) wideColumns() int {
	if t.stretch() > gemmDepth/2 {
		return gemmDeepColumns
	}
	return gemmWideColumns
}

// wideParts is in how many parts m rows are laid out, each more than a tile.
func wideParts(v *variant, m, k int) int {
	return ceilDiv(m, max(4*v.rows(), gemmWideValues/k))
}
