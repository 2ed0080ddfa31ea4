package kernel

import (
	"math"
	"unsafe"
)

// convKernelsGeneric makes the portable kernels: tiles of up to 4 channels and 4
// positions.
func convKernelsGeneric() [][]convKernel {
	rows := []convKernel{nil}
	for r := 1; r <= 4; r++ {
		rows = append(rows, func(k, panels int, a, b *float32, apart int, off *int, c *float32, ldc, last int, from *float32, ldf int, bias *float32, lo, hi float32) {
			for p := range panels {
				n := 4
				if p == panels-1 {
					n = last
				}
				convGeneric(r, k, a, floatAt(b, p*apart), off, floatAt(c, 4*p), ldc, n, from, ldf, bias, lo, hi)
				if from != nil {
					from = floatAt(from, 4)
				}
			}
		})
	}
	return [][]convKernel{1: rows}
}

func convGeneric(rows, k int, a, b *float32, off *int, c *float32, ldc, last int, from *float32, ldf int, bias *float32, lo, hi float32) {
	offs, weights := unsafe.Slice(off, k), unsafe.Slice(a, k*rows)
	starts := unsafe.Slice(bias, rows)
	var acc [4][4]float32
	for i, s := range starts {
		acc[i] = [4]float32{s, s, s, s}
		if from != nil {
			for j, v := range unsafe.Slice(floatAt(from, i*ldf), last) {
				acc[i][j] += v
			}
		}
	}
	for l, o := range offs {
		x := (*[4]float32)(unsafe.Pointer(floatAt(b, o)))
		for i, w := range weights[l*rows : (l+1)*rows] {
			s := &acc[i&3]
			s[0] += w * x[0]
			s[1] += w * x[1]
			s[2] += w * x[2]
			s[3] += w * x[3]
		}
	}
	for i := range rows {
		for j := range unsafe.Slice(floatAt(c, i*ldc), last) {
			*floatAt(c, i*ldc+j) = min(max(acc[i][j], lo), hi)
		}
	}
}

// convLayGeneric is for panels of a vector of width values.
func convLayGeneric(width int) []convLayKernel {
	return []convLayKernel{1: func(k int, dst, b *float32, off *int) {
		for l, o := range unsafe.Slice(off, k) {
			copy(unsafe.Slice(floatAt(dst, l*width), width), unsafe.Slice(floatAt(b, o), width))
		}
	}}
}

// floatAt is the address i values after p.
func floatAt(p *float32, i int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(p), 4*i))
}

func depthwiseGeneric(taps int, off *int, w, b *float32, ldb int, c *float32, ldc, rows, cols int, bias, lo, hi float32) {
	offs, weights := unsafe.Slice(off, taps), unsafe.Slice(w, taps)
	for i := range rows {
		acc := [4]float32{bias, bias, bias, bias}
		for t, o := range offs {
			x, v := (*[4]float32)(unsafe.Pointer(floatAt(b, i*ldb+o))), weights[t]
			acc[0] += v * x[0]
			acc[1] += v * x[1]
			acc[2] += v * x[2]
			acc[3] += v * x[3]
		}
		for j := range cols {
			*floatAt(c, i*ldc+j) = min(max(acc[j], lo), hi)
		}
	}
}

func maximaGeneric(taps int, off *int, b *float32, ldb int, c *float32, ldc, rows, cols int) {
	offs := unsafe.Slice(off, taps)
	for i := range rows {
		for j := range cols {
			m := float32(math.Inf(-1))
			for _, o := range offs {
				m = max(m, *floatAt(b, i*ldb+o+j))
			}
			*floatAt(c, i*ldc+j) = m
		}
	}
}

func copyRowsGeneric(dst *float32, ldd int, src *float32, lds, rows, n int) {
	for i := range rows {
		copy(unsafe.Slice(floatAt(dst, i*ldd), n), unsafe.Slice(floatAt(src, i*lds), n))
	}
}

func splitRowsGeneric(even, odd *float32, ldd int, src *float32, lds, rows, blocks int) {
	for i := range rows {
		evens, odds := unsafe.Slice(floatAt(even, i*ldd), 8*blocks), unsafe.Slice(floatAt(odd, i*ldd), 8*blocks)
		from := unsafe.Slice(floatAt(src, i*lds), 16*blocks)
		for j := range evens {
			evens[j], odds[j] = from[2*j], from[2*j+1]
		}
	}
}
