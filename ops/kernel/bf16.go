package kernel

import (
	"math"
	"unsafe"
)

// packHalf lays out B (k, n) as bfloat16 in panels of w = v.panel() columns, the
// last filled up with zeros: w/2 words for each of k rows, word j having column
// j in its lower half and column w/2+j in its upper half.
func packHalf(v *variant, transB bool, k, n int, b []float32, ldb int) []uint32 {
	width := v.panel()
	panels := ceilDiv(n, width)
	out := alignedWords(panels * k * width / 2)
	s, panel := borrow(k * width)
	defer s.release()
	for p := range panels {
		if k == 0 {
			break
		}
		packPanel(panel, width, transB, k, min(width, n-p*width), b, ldb, 0, p*width)
		for l := range k {
			row, words := panel[l*width:(l+1)*width], out[(p*k+l)*width/2:]
			for j := range width / 2 {
				words[j] = toBFloat16(row[j]) | toBFloat16(row[width/2+j])<<16
			}
		}
	}
	return out
}

// toBFloat16 rounds to the nearest bfloat16, ties to even.
func toBFloat16(f float32) uint32 {
	u := math.Float32bits(f)
	if f != f {
		return u>>16 | 1<<6
	}
	return (u + 0x7fff + u>>16&1) >> 16
}

func alignedWords(n int) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(aligned(n+1)))), n)
}

// A halfRowKernel computes one row of a product with bfloat16 weights: for each
// panel p < panels, j < w (j < last in the last panel), with B as packHalf has
// it,
//
//	c[p*w+j] = sum_l(a[l] * B(l,p*w+j)) + (add ? c[p*w+j] : 0)
//
// ldc is not used.
type halfRowKernel func(k, panels int, a *float32, b *uint32, c *float32, ldc, last int, add bool)

// halfRowGeneric makes the portable kernel for panels of the given width, at
// most 64.
func halfRowGeneric(width int) halfRowKernel {
	return func(k, panels int, a *float32, b *uint32, c *float32, _, last int, add bool) {
		words := unsafe.Slice(b, panels*k*width/2)
		out := unsafe.Slice(c, (panels-1)*width+last)
		var buf [64]float32
		sum := buf[:width]
		for p := range panels {
			clear(sum)
			for l, f := range unsafe.Slice(a, k) {
				for j, w := range words[(p*k+l)*width/2:][:width/2] {
					sum[j] += f * math.Float32frombits(w<<16)
					sum[width/2+j] += f * math.Float32frombits(w&0xffff0000)
				}
			}
			y := out[p*width : min((p+1)*width, len(out))]
			for j := range y {
				if add {
					y[j] += sum[j]
				} else {
					y[j] = sum[j]
				}
			}
		}
	}
}

// halfExpandGeneric makes the portable unpacking of rows of a panel.
func halfExpandGeneric(width int) func(rows int, dst *float32, src *uint32) {
	return func(rows int, dst *float32, src *uint32) {
		out := unsafe.Slice(dst, rows*width)
		for i, w := range unsafe.Slice(src, rows*width/2) {
			at := i/(width/2)*width + i%(width/2)
			out[at], out[at+width/2] = math.Float32frombits(w<<16), math.Float32frombits(w&0xffff0000)
		}
	}
}
