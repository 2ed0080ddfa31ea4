package kernel

const (
	// gemmChunk is how many multiplications are worth waking a thread for.
	gemmChunk = 1 << 18
	// gemmDepth is how deep a product goes at a time at most: as deep as can be,
	// since between two stretches c leaves the near caches.
	gemmDepth = 1024
	// gemmBlock is how many values of A are laid out at a time: half of a small
	// second-level cache.
	gemmBlock = 1 << 16
	// gemmNear is how many values of B go to a kernel at once: half of a small
	// first-level cache.
	gemmNear = 1 << 12
	// gemmNarrow is up to how many columns A is read where it is: they are too few
	// for laying it out to pay.
	gemmNarrow = 256
	// gemmThin is how many rows of an unpacked B are passed over at a time.
	gemmThin = 16
	// gemmFar is from how many values on packed weights are fetched ahead, and
	// gemmFarGroup the same for kernels that read several panels at once, which the
	// processor fetches ahead well as long as a third-level cache holds them.
	gemmFar      = 1 << 20
	gemmFarGroup = 5 << 19
	// thinRows is from how many rows on kernels of one tile add in the order in
	// which those of all higher ones do.
	thinRows = 4
)

// shape counts tiles and panels.
func (t *gemmTask) shape() {
	rows := t.v.rows()
	if t.q != nil {
		rows = len(t.v.int8Gemm) - 1
	}
	t.tiles = ceilDiv(t.m, rows)
	t.panels = ceilDiv(t.n, t.width())
	t.byTile, t.group = false, 1
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
