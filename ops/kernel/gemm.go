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
		for j := range n {
			for l := range k {
				bt[l*n+j] = b[j*ldb+l]
			}
		}
		b, ldb = bt, n
	}
	rowStep, colStep := lda, 1
	if transA {
		rowStep, colStep = 1, lda
	}
	p.For(m, max(1, 1<<16/max(n*k, 1)), func(lo, hi int) {
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
	})
}

// GemmF64 is GemmOf for float64.
func GemmF64(p *Pool, transA, transB bool, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	GemmOf(p, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// Gemm is GemmOf for float32.
func Gemm(p *Pool, transA, transB bool, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	GemmOf(p, transA, transB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}

// An Epilogue is what GemmPacked does with the product besides storing it.
type Epilogue struct {
	Beta float32    // factor of c's former content; 0 ignores it
	Bias []float32  // (n), added to each row; nil for none
	Act  Activation // applied last
}

// A PackedB is the right-hand matrix of a product, laid out for GemmPacked.
// It is immutable and belongs to the variant that packed it.
type PackedB struct {
	k, n  int
	width int
	// panels holds ceil(n/width) panels of width columns, each k rows of width
	// contiguous values; the last panel is filled up with zeros.
	panels []float32
}

// PackB packs B (k, n) where B(l,j) is b[l*ldb+j], or b[j*ldb+l] if transB.
func PackB(transB bool, k, n int, b []float32, ldb int) *PackedB {
	width := panelWidth
	w := &PackedB{k: k, n: n, width: width, panels: make([]float32, (n+width-1)/width*width*k)}
	for j := range n {
		panel := w.panels[j/width*width*k:]
		for l := range k {
			if transB {
				panel[l*width+j%width] = b[j*ldb+l]
			} else {
				panel[l*width+j%width] = b[l*ldb+j]
			}
		}
	}
	return w
}

// Size returns the rows and columns of the matrix that was packed.
func (w *PackedB) Size() (k, n int) { return w.k, w.n }

// Bytes is the memory the packed matrix takes.
func (w *PackedB) Bytes() int { return 4 * len(w.panels) }

const panelWidth = 32

// GemmPacked is
//
//	c[i*ldc+j] = act(sum_l(a[i*lda+l] * B(l,j)) + e.Bias[j] + e.Beta*c[i*ldc+j])
//
// for i < m, j < n, l < k with B (k, n) packed in w.
func GemmPacked(p *Pool, m int, a []float32, lda int, w *PackedB, c []float32, ldc int, e Epilogue) {
	k, n := w.k, w.n
	if m <= 0 || n == 0 {
		return
	}
	p.For(m, max(1, 1<<16/max(n*k, 1)), func(lo, hi int) {
		var sum [panelWidth]float32
		for i := lo; i < hi; i++ {
			for j := 0; j < n; j += w.width {
				clear(sum[:])
				panel := w.panels[j*k:]
				for l, f := range a[i*lda : i*lda+k] {
					for q, v := range panel[l*w.width : l*w.width+w.width] {
						sum[q] += f * v
					}
				}
				row := c[i*ldc+j : i*ldc+min(j+w.width, n)]
				for q := range row {
					s := sum[q]
					if e.Bias != nil {
						s += e.Bias[j+q]
					}
					if e.Beta != 0 {
						s += e.Beta * row[q]
					}
					row[q] = s
				}
			}
			Activate(e.Act, c[i*ldc:i*ldc+n], c[i*ldc:i*ldc+n])
		}
	})
}
