package kernel

// A Number is an element type of GemmOf.
type Number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// GemmOf is the matrix product
//
//	c[i*ldc+j] = alpha * sum_l(A(i,l) * B(l,j)) + beta * c[i*ldc+j]
//
// for i < m, j < n, l < k, where A(i,l) is a[i*lda+l], or a[l*lda+i] if
// transA, and B(l,j) is b[l*ldb+j], or b[j*ldb+l] if transB. With beta 0 the
// former content of c does not matter, not even NaN. c overlaps neither a nor
// b. Integers wrap around.
func GemmOf[T Number](p *Pool, transA, transB bool, m, n, k int, alpha T, a []T, lda int, b []T, ldb int, beta T, c []T, ldc int) {
	if m <= 0 || n <= 0 {
		return
	}
	if transB { // rows of B(l, .) must be contiguous for the inner loop
		bt := make([]T, k*n)
		transposeOf(bt, b, k, n, ldb)
		b, ldb = bt, n
	}
	rowStep, colStep := lda, 1
	if transA {
		rowStep, colStep = 1, lda
	}
	gemmOfRows(p, m, n, k, alpha, a, rowStep, colStep, b, ldb, beta, c, ldc)
}

// gemmOfRows is gemmRows of all m.
func gemmOfRows[T Number](p *Pool, m, n, k int, alpha T, a []T, rowStep, colStep int, b []T, ldb int, beta T, c []T, ldc int) {
	grain := max(1, 1<<16/max(n*k, 1))
	if inlined(p, m, grain) {
		gemmRows(0, m, n, k, alpha, a, rowStep, colStep, b, ldb, beta, c, ldc)
		return
	}
	p.For(m, grain, func(lo, hi int) { gemmRows(lo, hi, n, k, alpha, a, rowStep, colStep, b, ldb, beta, c, ldc) })
}

// gemmRows is GemmOf of rows lo to hi, with A(i,l) = a[i*rowStep+l*colStep] and
// B(l,j) = b[l*ldb+j].
func gemmRows[T Number](lo, hi, n, k int, alpha T, a []T, rowStep, colStep int, b []T, ldb int, beta T, c []T, ldc int) {
	for i := lo; i < hi; i++ {
		row := c[i*ldc : i*ldc+n]
		switch beta {
		case 0:
			clear(row)
		case 1:
		default:
			for j := range row {
				row[j] *= beta
			}
		}
		for l := range k {
			f := alpha * a[i*rowStep+l*colStep]
			src := b[l*ldb : l*ldb+n]
			for j, v := range src {
				row[j] += f * v
			}
		}
	}
}

// transposeOf is dst[l*n+j] = src[j*ld+l] for l < k, j < n.
func transposeOf[T Number](dst, src []T, k, n, ld int) {
	for j := range n {
		for l := range k {
			dst[l*n+j] = src[j*ld+l]
		}
	}
}

// GemmF64 is GemmOf for float64.
func GemmF64(p *Pool, transA, transB bool, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	GemmOf(p, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}
