package kernel

import "unsafe"

// An int8Kernel computes r rows of a product of integers, where r belongs to
// the kernel and w = v.int8Width: for each panel p < panels, j < w
//
//	c[i*ldc+p*w+j] = sum_q,s(a[i*rs+4*q+s] * b[(p*quads+q)*4*w+4*j+s]) + (add ? c[i*ldc+p*w+j] : 0)
//
// for q < quads, s < 4, quads > 0. b is at least -127, and sums[p*w+j] is the
// sum of its column, which a kernel may use to count from another zero.
type int8Kernel func(quads, panels int, a *int8, rs int, b *int8, sums, c *int32, ldc int, add bool)

// int8KernelsGeneric makes the portable kernels, for panels of 4 columns.
func int8KernelsGeneric() []int8Kernel {
	kernels := []int8Kernel{nil}
	for rows := 1; rows <= 4; rows++ {
		kernels = append(kernels, func(quads, panels int, a *int8, rs int, b *int8, _, c *int32, ldc int, add bool) {
			int8Generic(rows, quads, panels, a, rs, b, c, ldc, add)
		})
	}
	return kernels
}

func int8Generic(rows, quads, panels int, a *int8, rs int, b *int8, c *int32, ldc int, add bool) {
	as := unsafe.Slice(a, (rows-1)*rs+4*quads)
	bs := unsafe.Slice(b, 16*quads*panels)
	cs := unsafe.Slice(c, (rows-1)*ldc+4*panels)
	for p := range panels {
		for i := range rows {
			var sum [4]int32
			row, at := as[i*rs:i*rs+4*quads], bs[p*16*quads:(p+1)*16*quads]
			for len(row) >= 4 && len(at) >= 16 {
				for j := range sum {
					sum[j] += int32(row[0])*int32(at[4*j]) + int32(row[1])*int32(at[4*j+1]) + int32(row[2])*int32(at[4*j+2]) + int32(row[3])*int32(at[4*j+3])
				}
				row, at = row[4:], at[16:]
			}
			for j, v := range sum {
				if add {
					v += cs[i*ldc+p*4+j]
				}
				cs[i*ldc+p*4+j] = v
			}
		}
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

// tiles calls done for parts of columns [j0, j1) of the product with rows
// [row0, row1): acc[:count] are sums of row i from column j on, without the zero points.
func (q *int8Panels) tiles(v *variant, rows *int8Rows, row0, row1, j0, j1 int, done func(i, j, count int, acc []int32)) {
	width, kernels := v.int8Width, v.int8Gemm
	tiles := ceilDiv(row1-row0, len(kernels)-1)
	group := int8Thin / width
	if tiles > 1 {
		group = max(1, int8Block/(4*q.quads*width))
	}
	group = min(group, ceilDiv(j1-j0, width))
	s, buf := borrow((len(kernels) - 1) * group * width)
	defer s.release()
	acc := unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(buf))), len(buf))
	for j := j0; j < j1; j += group * width {
		panels := ceilDiv(min(group*width, j1-j), width)
		ld := panels * width
		for t := range tiles {
			i, below := row0+(row1-row0)*t/tiles, row0+(row1-row0)*(t+1)/tiles
			for n := range q.parts {
				part := &q.parts[n]
				kernels[below-i](q.quads, panels, &rows.data[i*rows.stride], rows.stride, &part.b[j*q.quads*4], &part.sums[j], &acc[0], ld, n > 0)
			}
			for ; i < below; i++ {
				done(i, j, min(ld, j1-j), acc[(i-(row0+(row1-row0)*t/tiles))*ld:])
			}
		}
	}
}

// integers computes columns [j0, j1) of rows [row0, row1) of the product.
func (t *gemmTask) integers(row0, row1, j0, j1 int, add bool) {
	q, rows, v := t.q, &t.rows, t.v
	q.tiles(v, rows, row0, row1, j0, j1, func(i, j, count int, acc []int32) {
		r := rows.ranges[i]
		v.int8Scale(t.c[i*t.ldc+j:][:count], acc, q.sums[j:], q.scale[j:], r.zero, r.scale, add)
	})
}

// quantize makes integers of the rows of a.
func (t *gemmTask) quantize(p *Pool) {
	t.rows.borrow(t.m, t.k)
	if t.q.whole && t.fixed.scale == 0 {
		t.fixed = rangeOfAll(t.v, t.m, t.k, t.a, t.lda)
	}
	p.For(t.m, max(1, 1<<15/max(t.k, 1)), t.round)
}

func (t *gemmTask) roundRows(lo, hi int) {
	t.rows.fill(t.v, lo, hi, t.k, t.a, t.lda, t.fixed)
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
	rows.borrow(m, w.k)
	defer rows.release()
	lowest := int32(0)
	if ^T(0) > 0 { // unsigned
		lowest = 128
	}
	for i := range m {
		dst := rows.data[i*rows.stride : (i+1)*rows.stride]
		for l, v := range a[i*w.k : (i+1)*w.k] {
			dst[l] = int8(int32(v) - lowest)
		}
		clear(dst[w.k:])
		rows.ranges[i] = dataRange{1, int32(zero[i%len(zero)]) - lowest}
	}
	columns := roundUp(w.n, w.v.int8Width) / w.v.int8Width
	p.For(columns, max(1, gemmChunk/(m*w.k*w.v.int8Width)), func(lo, hi int) {
		j0, j1 := lo*w.v.int8Width, min(hi*w.v.int8Width, w.n)
		w.q.tiles(w.v, &rows, 0, m, j0, j1, func(i, j, count int, acc []int32) {
			z, sums := rows.ranges[i].zero, w.q.sums[j:]
			for x, out := range acc[:count] {
				c[i*w.n+j+x] = out - z*sums[x]
			}
		})
	})
}
