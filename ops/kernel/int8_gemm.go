package kernel

import "unsafe"

// An int8Kernel computes r rows of a product of integers, where r belongs to
// the kernel and w = v.int8Width: for each panel p < panels, j < w
//
//	v = start[i] + sum_q,s(a[i*rs+4*q+s] * b[(p*quads+q)*4*w+4*j+s])
//	             + sum_e,s(extra[e].a[i][s] * b[p*quads*4*w+extra[e].at+4*j+s])
//	c[i*ldc+p*w+j] = (v - zeros[i]*sums[p*w+j]) * (scale[p*w+j]*scales[i]) + base[i*ldb+p*w+j]
//
// for q < quads, s < 4, e < extras, where extra points to int8Extras and quads is a
// positive multiple of 4. Integers wrap around. Where scale is nil c gets the bits of v, and
// what comes after ldc is not looked at.
//
// Where v.int8Limit isn't 0 the positive values of a pair of s, 0 and 1 or 2
// and 3, and the negative ones, must each sum to at most that magnitude: the
// instruction's sums of two products have 16 bits. What exceeds it is an extra.
// The kernels v.int8Laid have no such limit; a and what start lacks are what
// v.int8Lay makes of each row.
type int8Kernel func(quads, panels int, a *int8, rs int, b *uint8, extra *int32, extras int, start *int32, c *float32, ldc int, sums *int32, scale *float32, zeros *int32, scales, base *float32, ldb int)

// An int8Extra is four values for each row of a tile that meet a quad of
// weights, which begins at bytes into each panel, a second time.
type int8Extra struct {
	at int32
	a  [int8MostRows][4]int8
}

const (
	// int8MostRows is how many rows the kernel of most rows may compute.
	int8MostRows = 6
	// int8PairLimit is an int8Limit: 128 * 255 has 15 bits and a sign.
	int8PairLimit = 128
)

// int8KernelsGeneric makes the portable kernels, for panels of 4 columns.
func int8KernelsGeneric() []int8Kernel {
	kernels := []int8Kernel{nil}
	for rows := 1; rows <= 4; rows++ {
		kernels = append(kernels, func(quads, panels int, a *int8, rs int, b *uint8, extra *int32, extras int, start *int32, c *float32, ldc int, sums *int32, scale *float32, zeros *int32, scales, base *float32, ldb int) {
			as, starts := unsafe.Slice(a, (rows-1)*rs+4*quads), unsafe.Slice(start, rows)
			bs, more := unsafe.Slice(b, 16*quads*panels), unsafe.Slice((*int8Extra)(unsafe.Pointer(extra)), extras)
			out := unsafe.Slice(c, (rows-1)*ldc+4*panels)
			for p := range panels {
				panel := bs[p*16*quads : (p+1)*16*quads]
				for i := range rows {
					sum := [4]int32{starts[i], starts[i], starts[i], starts[i]}
					row, at := as[i*rs:i*rs+4*quads], panel
					for len(row) >= 4 && len(at) >= 16 {
						int8Quad(&sum, row, at)
						row, at = row[4:], at[16:]
					}
					for e := range more {
						int8Quad(&sum, more[e].a[i][:], panel[more[e].at:])
					}
					y := out[i*ldc+4*p:][:4]
					if scale == nil {
						*(*[4]int32)(unsafe.Pointer(&y[0])) = sum
						continue
					}
					z, s := unsafe.Slice(zeros, rows)[i], unsafe.Slice(scales, rows)[i]
					columnSums, columnScale := unsafe.Slice(sums, 4*panels)[4*p:], unsafe.Slice(scale, 4*panels)[4*p:]
					from := unsafe.Slice(base, (rows-1)*ldb+4*panels)[i*ldb+4*p:]
					for j, v := range sum {
						y[j] = float32(v-z*columnSums[j])*(columnScale[j]*s) + from[j]
					}
				}
			}
		})
	}
	return kernels
}

func int8Quad(sum *[4]int32, a []int8, b []uint8) {
	a, b = a[:4], b[:16]
	for j := range sum {
		sum[j] += int32(a[0])*int32(b[4*j]) + int32(a[1])*int32(b[4*j+1]) + int32(a[2])*int32(b[4*j+2]) + int32(a[3])*int32(b[4*j+3])
	}
}

const (
	// int8Block is how many bytes of weights are used at a time by all rows:
	// few enough for the first-level cache.
	int8Block = 1 << 14
	// int8Thin is how many columns are computed at once where there are few
	// rows.
	int8Thin = 1 << 10
)

// products computes columns [j0, j1), which are whole panels, of tiles [t0, t1) of
// rows, on top of base, which has rows of ldb.
func (q *int8Panels) products(v *variant, rows *int8Rows, t0, t1, j0, j1 int, c []float32, ldc int, base []float32, ldb int) {
	group := q.group(v, t0, t1, j0, j1)
	for j := j0; j < j1; j += group {
		panels := min(group, j1-j) / v.int8Width
		for t := t0; t < t1; t++ {
			i, _ := rows.tile(t)
			extra, extras := rows.extrasOf(t)
			kernel, a, rs := rows.kernel(v, t)
			kernel(q.quads, panels, a, rs, &q.b[j*q.quads*4], extra, extras, &rows.start[i],
				&c[i*ldc+j], ldc, &q.sums[j], &q.scale[j], &rows.zero[i], &rows.scale[i], &base[i*ldb+j], ldb)
		}
	}
}

// group is how many columns are computed at once.
func (q *int8Panels) group(v *variant, t0, t1, j0, j1 int) int {
	panels := int8Thin / v.int8Width
	if t1-t0 > 1 {
		panels = max(1, int8Block/(4*q.quads*v.int8Width))
	}
	return min(panels, ceilDiv(j1-j0, v.int8Width)) * v.int8Width
}

// integerSums is products as integers; j1 may cut a panel. done is called for
// parts whose sums acc, with rows of ld, are count columns of rows [i, below)
// from column j on.
func (q *int8Panels) integerSums(v *variant, rows *int8Rows, t0, t1, j0, j1 int, done func(i, below, j, count int, acc []int32, ld int)) {
	group := q.group(v, t0, t1, j0, j1)
	s, buf := borrow((len(v.int8Gemm) - 1) * group)
	defer s.release()
	acc := unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(buf))), len(buf))
	for j := j0; j < j1; j += group {
		panels := ceilDiv(min(group, j1-j), v.int8Width)
		ld := panels * v.int8Width
		for t := t0; t < t1; t++ {
			i, below := rows.tile(t)
			extra, extras := rows.extrasOf(t)
			kernel, a, rs := rows.kernel(v, t)
			kernel(q.quads, panels, a, rs, &q.b[j*q.quads*4], extra, extras, &rows.start[i],
				&buf[0], ld, nil, nil, nil, nil, nil, 0)
			done(i, below, j, min(ld, j1-j), acc, ld)
		}
	}
}

// integers computes columns [j0, j1) of tiles [t0, t1) of the product, on top of
// c if add, or else of the bias.
func (t *gemmTask) integers(t0, t1, j0, j1 int, add bool) {
	q, rows, v := t.q, &t.rows, t.v
	base, ldb := t.c, t.ldc
	if t.onto != nil {
		base = t.onto
	}
	if !add {
		base, ldb = q.none, 0
		if t.e.Bias != nil {
			base = t.e.Bias
		}
	}
	whole := j0 // what the kernels can do alone
	if q.even {
		whole += (j1 - j0) / v.int8Width * v.int8Width
		q.products(v, rows, t0, t1, j0, whole, t.c, t.ldc, base, ldb)
	}
	if whole < j1 {
		q.integerSums(v, rows, t0, t1, whole, j1, func(i, below, j, count int, acc []int32, ld int) {
			v.int8Scale(below-i, count, &t.c[i*t.ldc+j], t.ldc, &base[i*ldb+j], ldb, &acc[0], ld, &q.sums[j], &q.zero[j], &q.scale[j], &rows.scale[i], &rows.zero[i], &rows.sum[i])
		})
	}
}

// quantize makes integers of the rows of a, again where it has before.
func (t *gemmTask) quantize(p *Pool) {
	if t.rows.s == nil {
		t.rows.borrow(t.v, t.m, t.k, t.q)
	}
	if t.q.whole && t.bytes == nil && t.fixed.scale == 0 {
		t.fixed = rangeOfAll(t.v, t.m, t.k, t.a, t.lda)
	}
	p.For(t.rows.tiles, max(1, 1<<15/max(t.k*(len(t.v.int8Gemm)-1), 1)), t.round)
}

func (t *gemmTask) roundTiles(lo, hi int) {
	for tile := lo; tile < hi; tile++ {
		if t.bytes != nil {
			t.rows.take(t.v, tile, t.k, t.bytes, t.flip, t.fixed)
		} else {
			t.rows.fill(t.v, tile, t.k, t.a, t.lda, t.fixed)
		}
	}
}

// GemmBytes is [GemmPacked] of rows that are integers, (a[i*k+l] - zero) * scale,
// with w packed by [PackInt8]. The sums of products of integers are exact.
func GemmBytes[T int8 | uint8](p *Pool, m int, a []T, scale float32, zero T, w *PackedB, c []float32, ldc int, e Epilogue) {
	if m <= 0 || w.n == 0 {
		return
	}
	t := gemmTasks.Get().(*gemmTask)
	t.use(w)
	t.m, t.bytes, t.flip = m, wordsAs[uint8](a), 128-int8Up[T]()
	t.fixed = dataRange{scale, int32(int8(uint8(zero) ^ t.flip))}
	t.c, t.ldc, t.e = c, ldc, e
	t.start(p)
}

// Int8Product is
//
//	c[i*n+j] = sum_l((a[i*k+l] - zero[i]) * B(l,j))
//
// for i < m and B (k, n) packed in w by [PackInt8]; zero has m elements or one
// for all. Integers wrap around.
func Int8Product[T int8 | uint8](p *Pool, m int, a []T, zero []T, w *PackedB, c []int32) {
	if m <= 0 || w.n == 0 {
		return
	}
	if w.k == 0 {
		clear(c[:m*w.n])
		return
	}
	var rows int8Rows
	rows.borrow(w.v, m, w.k, w.q)
	defer rows.release()
	bytes, flip := wordsAs[uint8](a), 128-int8Up[T]()
	p.For(rows.tiles, max(1, 1<<15/w.k), func(lo, hi int) {
		for t := lo; t < hi; t++ {
			rows.take(w.v, t, w.k, bytes, flip, dataRange{})
			for i, below := rows.tile(t); i < below; i++ {
				rows.zero[i] = int32(int8(uint8(zero[i%len(zero)]) ^ flip))
			}
		}
	})
	columns := ceilDiv(w.n, w.v.int8Width)
	p.For(columns, max(1, gemmChunk/(m*w.k*w.v.int8Width)), func(lo, hi int) {
		j0, j1 := lo*w.v.int8Width, min(hi*w.v.int8Width, w.n)
		w.q.integerSums(w.v, &rows, 0, rows.tiles, j0, j1, func(i, below, j, count int, acc []int32, ld int) {
			for r := i; r < below; r++ {
				z, sum, sums, zeros := rows.zero[r], rows.sum[r], w.q.sums[j:], w.q.zero[j:]
				for x, out := range acc[(r-i)*ld:][:count] {
					c[r*w.n+j+x] = out - z*sums[x] - sum*zeros[x]
				}
			}
		})
	})
}
