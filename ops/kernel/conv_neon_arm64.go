//go:build !noasm

package kernel

import "unsafe"

// convNEON makes a convKernel of the product's kernel, for columns that lie an equal
// distance apart.
func convNEON(rows int, gemm gemmKernel) convKernel {
	return func(k, panels int, a, b *float32, apart int, off *int, c *float32, ldc, last int, from *float32, ldf int, bias *float32, lo, hi float32) {
		last += 16 * (panels - 1)
		starts := unsafe.Slice(bias, rows)
		for i, s := range starts {
			y := unsafe.Slice(floatAt(c, i*ldc), last)
			if from == nil {
				fillWith(y, s)
				continue
			}
			for j, v := range unsafe.Slice(floatAt(from, i*ldf), last) {
				y[j] = v + s
			}
		}
		pitch := 0
		if k > 1 {
			pitch = unsafe.Slice(off, 2)[1]
		}
		gemm(k, panels, a, 1, rows, b, pitch, apart, c, ldc, last-16*(panels-1), true, b, 0)
		for i := range rows {
			y := unsafe.Slice(floatAt(c, i*ldc), last)
			for j, v := range y {
				y[j] = min(max(v, lo), hi)
			}
		}
	}
}

func (v *variant) depthwiseNEON(taps int, off *int, w, b *float32, ldb int, c *float32, ldc, rows, cols int, bias, lo, hi float32) {
	offs, weights := unsafe.Slice(off, taps), unsafe.Slice(w, taps)
	for i := range rows {
		y := unsafe.Slice(floatAt(c, i*ldc), cols)
		fillWith(y, bias)
		for t, o := range offs {
			v.axpy(y, weights[t], unsafe.Slice(floatAt(b, i*ldb+o), cols))
		}
		for j, f := range y {
			y[j] = min(max(f, lo), hi)
		}
	}
}
