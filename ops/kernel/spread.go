package kernel

// Spread is
//
//	dst[i*cols+j] = src[i*rowStep+j*colStep]
//
// for i < rows, j < cols; a step of 0 repeats.
func Spread[T any](dst, src []T, rows, cols, rowStep, colStep int) {
	for i := range rows {
		row := dst[i*cols : (i+1)*cols]
		if colStep == 1 {
			copy(row, src[i*rowStep:])
			continue
		}
		for j := range row {
			row[j] = src[i*rowStep+j*colStep]
		}
	}
}

// Blend is
//
//	dst[i] = T(alpha*a[i] + beta*b[i])
//
// computed in float64.
func Blend[T Number](dst []T, alpha float64, a []T, beta float64, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	for i := range dst {
		dst[i] = T(alpha*float64(a[i]) + beta*float64(b[i]))
	}
}

// CopyRows is
//
//	dst[i*ldd+j] = src[i*lds+j]
//
// for i < rows, j < n.
func CopyRows[T any](dst []T, ldd int, src []T, lds, rows, n int) {
	for i := range rows {
		copy(dst[i*ldd:i*ldd+n], src[i*lds:])
	}
}

// AllZero reports whether every element is 0.
func AllZero[T Number](x []T) bool {
	for _, v := range x {
		if v != 0 {
			return false
		}
	}
	return true
}

// SumRows is
//
//	dst[i] = sum_j(src[i*n+j])
//
// for i < rows, j < n. Integers wrap around.
func SumRows[T Number](p *Pool, dst, src []T, rows, n int) {
	p.For(rows, rowGrain(n), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := src[i*n : (i+1)*n]
			if f, ok := any(row).([]float32); ok {
				dst[i] = T(Sum(f))
				continue
			}
			var s T
			for _, v := range row {
				s += v
			}
			dst[i] = s
		}
	})
}

// AddRows is
//
//	dst[i*len(row)+j] = src[i*len(row)+j] + row[j]
//
// for all elements of dst, whose length is a multiple of row's.
func AddRows(dst, src, row []float32) {
	n := len(row)
	if n == 0 {
		return
	}
	for i := 0; i < len(dst); i += n {
		Add(dst[i:i+n], src[i:i+n], row)
	}
}
