package kernel

import "unsafe"

// A gemmKernel computes r rows of a product, where r and the panel width w
// belong to the kernel: for each panel p < panels, l < k, j < w (j < last in
// the last panel)
//
//	c[i*ldc+p*w+j] = sum_l(a[i*rs+l*cs] * b[p*pb+l*bs+j]) + (add ? c[i*ldc+p*w+j] : 0)
//
// It may read b up to column w in the last panel too. next[:k/2*ahead] is what the
// caller will need soon; a kernel may fetch it into the cache. next is never nil.
type gemmKernel func(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc, last int, add bool, next *float32, ahead int)

// gemmKernelsGeneric makes the portable kernels: tiles of up to 4 rows and 4
// columns.
func gemmKernelsGeneric() [][]gemmKernel {
	rows := []gemmKernel{nil}
	for r := 1; r <= 4; r++ {
		rows = append(rows, func(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc, last int, add bool, _ *float32, _ int) {
			gemmGeneric(r, k, panels, a, rs, cs, b, bs, pb, c, ldc, last, add)
		})
	}
	return [][]gemmKernel{1: rows}
}

func gemmGeneric(rows, k, panels int, a *float32, rs, step int, b *float32, bs, pb int, c *float32, ldc, last int, add bool) {
	if k == 0 {
		a, b = c, c // never read, and need not point anywhere
	}
	as := unsafe.Slice(a, (rows-1)*rs+max(k-1, 0)*step+1)
	bl := unsafe.Slice(b, (panels-1)*pb+max(k-1, 0)*bs+min(4, 4*k))
	cs := unsafe.Slice(c, (rows-1)*ldc+(panels-1)*4+last)
	for p := range panels {
		cols := 4
		if p == panels-1 {
			cols = last
		}
		for i := range rows {
			var s0, s1, s2, s3 float32
			from, at := i*rs, p*pb
			for range k {
				f, row := as[from], bl[at:at+4:at+4]
				s0 += f * row[0]
				s1 += f * row[1]
				s2 += f * row[2]
				s3 += f * row[3]
				from += step
				at += bs
			}
			sum := [4]float32{s0, s1, s2, s3}
			out := cs[i*ldc+p*4 : i*ldc+p*4+cols]
			for j := range out {
				if add {
					out[j] += sum[j]
				} else {
					out[j] = sum[j]
				}
			}
		}
	}
}
