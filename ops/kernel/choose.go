package kernel

// OneHot is
//
//	dst[o][idx[o][i]][i] = on
//
// for dst (outer, depth, inner) and idx (outer, inner). Negative indices count
// from the end, those out of range set nothing.
func OneHot[T any, I Index](dst []T, on T, idx []I, depth, inner int) {
	n := int64(depth)
	for p, v := range idx {
		k := int64(v)
		if k < 0 {
			k += n
		}
		if k >= 0 && k < n {
			dst[(p/inner*depth+int(k))*inner+p%inner] = on
		}
	}
}

// CountNonZero is the number of elements other than the zero value.
func CountNonZero[T comparable](x []T) (n int) {
	var zero T
	for _, v := range x {
		if v != zero {
			n++
		}
	}
	return n
}

// NonZeroIndices writes the coordinates of the elements other than the zero value to
// dst (len(shape), n), n being their number.
func NonZeroIndices[T comparable](dst []int64, x []T, shape []int, n int) {
	var zero T
	k := 0
	for i, v := range x {
		if v == zero {
			continue
		}
		rest := i
		for d := len(shape) - 1; d >= 0; d-- {
			dst[d*n+k] = int64(rest % shape[d])
			rest /= shape[d]
		}
		k++
	}
}

// Triangle keeps of each matrix (rows, cols) of src the elements on and above
// diagonal k, or on and below it, and writes zero for the others. An element
// takes width values of T. dst may be src.
func Triangle[T any](dst, src []T, rows, cols, width int, k int64, upper bool) {
	line := cols * width
	if line == 0 {
		return
	}
	for at := 0; at < len(src); at += line {
		i := int64(at / line % rows)
		// The diagonal's column in this row: i+k, clamped without overflow.
		diagonal := i
		switch {
		case k >= int64(cols):
			diagonal = int64(cols)
		case k <= -int64(rows):
			diagonal = -1
		default:
			diagonal += k
		}
		lo, hi := 0, int(max(-1, min(diagonal, int64(cols)-1)))+1
		if upper {
			lo, hi = int(max(0, min(diagonal, int64(cols)))), cols
		}
		lo, hi = lo*width, hi*width
		to, from := dst[at:at+line], src[at:at+line]
		clear(to[:lo])
		copy(to[lo:hi], from[lo:hi])
		clear(to[hi:])
	}
}

// Compress copies from src (outer, extent, inner) the slices whose condition
// holds, one after the other. Conditions beyond len(keep) are false.
func Compress[T any](dst, src []T, keep []bool, outer, extent, inner int) {
	at := 0
	for o := range outer {
		for j, ok := range keep {
			if ok {
				from := (o*extent + j) * inner
				copy(dst[at:at+inner], src[from:from+inner])
				at += inner
			}
		}
	}
}
