package kernel

import "unsafe"

// Transpose2D is
//
//	dst[j*rows+i] = src[i*cols+j]
//
// src (rows, cols), dst (cols, rows); they must not overlap.
func Transpose2D[T any](dst, src []T, rows, cols int) { transpose(dst, rows, src, cols, rows, cols) }

// transpose is dst[j*ldd+i] = src[i*lds+j] for i < rows, j < cols.
func transpose[T any](dst []T, ldd int, src []T, lds, rows, cols int) {
	switch d := any(dst).(type) {
	case []float32:
		transposeF32(active, d, ldd, any(src).([]float32), lds, rows, cols)
		return
	case []uint32:
		if active.name != generic.name && rows > 0 && cols > 0 { // vectors are moved as they are
			_, _ = d[(cols-1)*ldd+rows-1], src[(rows-1)*lds+cols-1]
			s := any(src).([]uint32)
			transposeF32(active, unsafe.Slice((*float32)(unsafe.Pointer(&d[0])), len(d)), ldd, unsafe.Slice((*float32)(unsafe.Pointer(&s[0])), len(s)), lds, rows, cols)
			return
		}
	}
	transposeAny(dst, ldd, src, lds, rows, cols)
}

// transposeF32 is transpose of float32. Tiles of 8 by 8 values may overlap; where there
// aren't 8 rows or columns, they are made elsewhere and what is wanted is copied.
func transposeF32(v *variant, dst []float32, ldd int, src []float32, lds, rows, cols int) {
	switch {
	case rows >= 8 && cols >= 8:
		transposeTiled(v, dst, ldd, src, lds, rows, cols)
	case v.lanes >= 8 && rows >= 8 && cols > 1:
		transposeTall(v, dst, ldd, src, lds, rows, cols)
	case v.lanes >= 8 && cols >= 8 && rows > 1:
		transposeFlat(v, dst, ldd, src, lds, rows, cols)
	default:
		transposeAny(dst, ldd, src, lds, rows, cols)
	}
}

// transposeTiled is transposeF32 of 8 rows and columns, or more.
func transposeTiled(v *variant, dst []float32, ldd int, src []float32, lds, rows, cols int) {
	const strip = 128 // rows whose cache lines survive until the next columns use their rest
	for i := 0; i < rows; i += strip {
		lo, hi := min(i, rows-8), min(i+strip, rows)
		transposeStrip(v, dst[lo:], ldd, src[lo*lds:], lds, (hi-lo)&^7, cols)
		if (hi-lo)%8 != 0 {
			transposeStrip(v, dst[hi-8:], ldd, src[(hi-8)*lds:], lds, 8, cols)
		}
	}
}

// transposeStrip is transposeTiled of a multiple of 8 rows.
func transposeStrip(v *variant, dst []float32, ldd int, src []float32, lds, rows, cols int) {
	v.transposeTiles(&dst[0], ldd, &src[0], lds, rows, cols&^7)
	if cols%8 != 0 {
		v.transposeTiles(&dst[(cols-8)*ldd], ldd, &src[cols-8], lds, rows, 8)
	}
}

// transposeLen is how many columns or rows transposeTall and transposeFlat make at
// a time.
const transposeLen = 64

// transposeTall is transposeF32 of fewer than 8 columns. A tile reads beyond them, into
// the rows that follow.
func transposeTall(v *variant, dst []float32, ldd int, src []float32, lds, rows, cols int) {
	s, buf := borrow(8 * transposeLen)
	defer s.release()
	for i := 0; i < rows; i += transposeLen {
		n := min(transposeLen, rows-i)
		whole := n &^ 7
		for whole > 0 && (i+whole-1)*lds+8 > len(src) {
			whole -= 8
		}
		if whole > 0 {
			v.transposeTiles(&buf[0], transposeLen, &src[i*lds], lds, whole, 8)
			for j := range cols {
				copy(dst[j*ldd+i:][:whole], buf[j*transposeLen:])
			}
		}
		if whole < n {
			transposeAny(dst[i+whole:], ldd, src[(i+whole)*lds:], lds, n-whole, cols)
		}
	}
}

// transposeFlat is transposeF32 of fewer than 8 rows.
func transposeFlat(v *variant, dst []float32, ldd int, src []float32, lds, rows, cols int) {
	s, buf := borrow(2 * 8 * transposeLen)
	defer s.release()
	from, to := buf[:8*transposeLen], buf[8*transposeLen:]
	end := (cols-1)*ldd + rows
	for j := 0; j < cols; j += transposeLen {
		n := min(transposeLen, cols-j)
		whole := n &^ 7
		if whole > 0 {
			for i := range rows {
				copy(from[i*transposeLen:][:whole], src[i*lds+j:])
			}
			v.transposeTiles(&to[0], 8, &from[0], transposeLen, 8, whole)
		}
		for l := range whole {
			if at := (j + l) * ldd; ldd == rows && at+8 <= end { // what is too much comes next
				v := *(*[8]float32)(to[8*l:])
				*(*[8]float32)(dst[at:]) = v
			} else {
				copy(dst[at:][:rows], to[8*l:])
			}
		}
		if whole < n {
			transposeAny(dst[(j+whole)*ldd:], ldd, src[j+whole:], lds, rows, n-whole)
		}
	}
}

func transposeAny[T any](dst []T, ldd int, src []T, lds, rows, cols int) {
	const tile = 16 // a tile of both sides stays in the first-level cache
	for i0 := 0; i0 < rows; i0 += tile {
		i1 := min(i0+tile, rows)
		for j0 := 0; j0 < cols; j0 += tile {
			j1 := min(j0+tile, cols)
			for j := j0; j < j1; j++ {
				out := dst[j*ldd:][:i1]
				for i := i0; i < i1; i++ {
					out[i] = src[i*lds+j]
				}
			}
		}
	}
}
