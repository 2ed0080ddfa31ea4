package kernel

// thinPanels is thin of packed panels. From thinRows rows on it goes through a
// panel in the stretches that block has, so that a row's bits don't depend on
// whether its tile is the only one.
func (t *gemmTask) thinPanels(j0, j1 int, add bool) {
	deep, width := t.stretch(), t.v.panel()
	if t.m < thinRows || t.k == deep {
		t.thin(t.packed[j0*t.k:], 0, t.k, j0, j1, add)
		return
	}
	for ; j0 < j1; j0 += width {
		end := min(j0+width, j1)
		row := roundUp(end-j0, t.v.lanes)
		for l := 0; l < t.k; l += deep {
			t.thin(t.packed[j0*t.k+l*row:], l, min(deep, t.k-l), j0, end, add || l > 0)
		}
	}
}

// thin computes columns [j0, j1) of the only tile from rows [l, l+k) of B,
// which begin in b: packed panels, or rows of the matrix itself.
func (t *gemmTask) thin(b []float32, l, k, j0, j1 int, add bool) {
	width := t.v.panel()
	whole, rest := (j1-j0)/width, (j1-j0)%width
	bs, pb, tb := width, width*t.k, roundUp(rest, t.v.lanes)
	if t.packed == nil {
		bs, pb, tb = t.ldb, width, t.ldb
	}
	if whole > 0 {
		kernel := t.v.gemm[len(t.v.gemm)-1][t.m]
		if t.far() {
			kernel = t.v.gemmFar[t.m]
		}
		kernel(k, whole, &t.a[l], t.lda, 1, &b[0], bs, pb, &t.c[j0], t.ldc, width, add, &b[0], 0)
	}
	if rest > 0 {
		kernel := t.v.gemm[ceilDiv(rest, t.v.lanes)][t.m]
		kernel(k, 1, &t.a[l], t.lda, 1, &b[whole*pb], tb, 0, &t.c[j1-rest], t.ldc, rest, add, &b[0], 0)
	}
}

// far is whether the weights come from so far away that they must be fetched
// ahead.
func (t *gemmTask) far() bool {
	if t.m >= len(t.v.gemmFar) || t.v.gemmFar[t.m] == nil {
		return false
	}
	if t.m < thinRows {
		return len(t.packed) >= gemmFarGroup
	}
	return len(t.packed) >= gemmFar
}

// dots computes columns [j0, j1) of the only tile where the columns of B are
// contiguous.
func (t *gemmTask) dots(j0, j1 int, add bool) {
	const strip = 64 // columns that stay in the cache for all rows
	s, buf := borrow(strip)
	defer s.release()
	for ; j0 < j1; j0 += strip {
		n := min(strip, j1-j0)
		for i := range t.m {
			a, c := t.a[i*t.lda:][:t.k], t.c[i*t.ldc+j0:][:n]
			y := c
			if add {
				y = buf[:n]
			}
			four := n &^ 3
			if four > 0 {
				t.v.dots(y[:four], a, &t.b[j0*t.ldb], t.ldb)
			}
			for j := four; j < n; j++ {
				y[j] = t.v.dot(a, t.b[(j0+j)*t.ldb:][:t.k])
			}
			if add {
				t.v.add(c, c, y)
			}
		}
	}
}
