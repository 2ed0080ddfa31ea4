package kernel

import "unsafe"

// expSubGeneric is dst[i] = exp(src[i]-m); sum += dst[i].
func expSubGeneric(dst, src []float32, m float32) (sum float32) {
	for i, x := range src {
		e := float32(exp64(float64(x - m)))
		dst[i] = e
		sum += e
	}
	return sum
}

// sumSquaresFromGeneric is sum += (x[i]-m)**2.
func sumSquaresFromGeneric(x []float32, m float32) (sum float32) {
	for _, v := range x {
		sum += (v - m) * (v - m)
	}
	return sum
}

// normalizeGeneric is y[i] = (x[i]-mean)*rstd*gamma[i] + beta[i].
func normalizeGeneric(y, x, gamma, beta []float32, mean, rstd float32) {
	for i := range y {
		y[i] = (x[i]-mean)*rstd*gamma[i] + beta[i]
	}
}

// dotsGeneric is y[j] = sum_l(a[l] * b[j*ldb+l]); len(y) is a multiple of 4.
func dotsGeneric(y, a []float32, b *float32, ldb int) {
	if len(y) == 0 || len(a) == 0 {
		clear(y)
		return
	}
	rows := unsafe.Slice(b, (len(y)-1)*ldb+len(a))
	for j := range y {
		y[j] = dotGeneric(a, rows[j*ldb:])
	}
}

// transposeTilesGeneric is dst[j*ldd+i] = src[i*lds+j] for i < rows, j < cols.
func transposeTilesGeneric(dst *float32, ldd int, src *float32, lds, rows, cols int) {
	d := unsafe.Slice(dst, (cols-1)*ldd+rows)
	s := unsafe.Slice(src, (rows-1)*lds+cols)
	transposeAny(d, ldd, s, lds, rows, cols)
}
