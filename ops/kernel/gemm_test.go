package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// A gemmCase is one product with strides beyond the row length.
type gemmCase struct {
	transA, transB bool
	m, n, k        int
	alpha, beta    float32
}

func (g gemmCase) String() string {
	return fmt.Sprintf("%dx%dx%d transA=%v transB=%v alpha=%v beta=%v", g.m, g.n, g.k, g.transA, g.transB, g.alpha, g.beta)
}

// at indexes op(x) of row length ld.
func at(x []float32, ld int, trans bool, i, j int) float64 {
	if trans {
		i, j = j, i
	}
	return float64(x[i*ld+j])
}

// gemmCases covers every tile height and panel width of every variant and the
// sizes where a product is cut into blocks.
func gemmCases() []gemmCase {
	var list []gemmCase
	for _, m := range []int{1, 2, 3, 4, 5, 6, 7, 12, 13, 25} {
		for _, n := range []int{1, 3, 4, 8, 15, 16, 17, 31, 32, 40, 48, 63, 64, 65, 100, 130} {
			for _, k := range []int{0, 1, 3, 4, 7, 33} {
				list = append(list, gemmCase{m: m, n: n, k: k, alpha: 1})
			}
		}
	}
	for _, s := range [][3]int{{1, 64, 600}, {5, 70, 33}, {13, 67, 1030}, {6, 20, 513}, {300, 17, 1030}, {8, 300, 33}, {13, 263, 515}} {
		for i := range 4 {
			for _, ab := range [][2]float32{{1, 0}, {1, 1}, {0.5, -2}, {0, 3}} {
				list = append(list, gemmCase{i&1 != 0, i&2 != 0, s[0], s[1], s[2], ab[0], ab[1]})
			}
		}
	}
	return list
}

func checkProduct(t *testing.T, g gemmCase, a []float32, lda int, b []float32, ldb int, was, c []float32, ldc int, bias []float32) {
	t.Helper()
	for i := range g.m {
		for j := range g.n {
			var sum, size float64
			for l := range g.k {
				v := at(a, lda, g.transA, i, l) * at(b, ldb, g.transB, l, j)
				sum += v
				size += math.Abs(v)
			}
			sum, size = float64(g.alpha)*sum, math.Abs(float64(g.alpha))*size
			if g.beta != 0 {
				sum += float64(g.beta) * float64(was[i*ldc+j])
				size += math.Abs(float64(g.beta * was[i*ldc+j]))
			}
			if bias != nil {
				sum += float64(bias[j])
				size += math.Abs(float64(bias[j]))
			}
			// k roundings of half a unit, each of at most the sum of sizes.
			if d := math.Abs(float64(c[i*ldc+j]) - sum); !(d <= size*float64(g.k+3)*6e-8) {
				require.Failf(t, "wrong product", "%v: c[%d][%d] = %v, want %v", g, i, j, c[i*ldc+j], sum)
			}
		}
		for j := g.n; j < ldc && i < g.m-1; j++ {
			require.Equal(t, was[i*ldc+j], c[i*ldc+j], "%v: wrote between the rows of c", g)
		}
	}
}

func matrix(r *rand.Rand, trans bool, rows, cols, pad, off int) (*guarded, int) {
	if trans {
		rows, cols = cols, rows
	}
	if rows*cols == 0 {
		return guard(r, 0, off), max(1, cols)
	}
	return guard(r, (rows-1)*(cols+pad)+cols, off), cols + pad
}

func TestGemm(t *testing.T) {
	pool := NewPool(3)
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for i, g := range gemmCases() {
			a, lda := matrix(r, g.transA, g.m, g.k, i%3, i%5)
			b, ldb := matrix(r, g.transB, g.k, g.n, i%4, i%7)
			c, ldc := matrix(r, false, g.m, g.n, i%2, i%3)
			if g.beta == 0 {
				c.s[0] = float32(math.NaN())
				copy(c.was, c.s)
			}
			Gemm(pool, g.transA, g.transB, g.m, g.n, g.k, g.alpha, a.s, lda, b.s, ldb, g.beta, c.s, ldc)
			checkProduct(t, g, a.s, lda, b.s, ldb, c.was, c.s, ldc, nil)
			a.checkUnchanged(t)
			b.checkUnchanged(t)
			c.checkZone(t)
		}
	})
}

// A product too large for all of A to be laid out at once.
func TestGemmInPartsOfRows(t *testing.T) {
	const n = 257
	forEachVariant(t, func(t *testing.T) {
		for _, s := range []struct {
			transA bool
			m, k   int
		}{{false, 40, 30000}, {true, 2100, 500}} {
			require.Greater(t, wideParts(active, s.m, s.k), 1)
			r := seeded()
			a, lda := matrix(r, s.transA, s.m, s.k, 1, 2)
			b, ldb := matrix(r, false, s.k, n, 3, 1)
			c, ldc := matrix(r, false, s.m, n, 2, 3)
			Gemm(nil, s.transA, false, s.m, n, s.k, 1, a.s, lda, b.s, ldb, 0, c.s, ldc)
			c.checkZone(t)
			for i := range s.m {
				j := i * 31 % n
				var want, size float64
				for l := range s.k {
					v := at(a.s, lda, s.transA, i, l) * at(b.s, ldb, false, l, j)
					want += v
					size += math.Abs(v)
				}
				require.InDelta(t, want, float64(c.s[i*ldc+j]), 1e-5*size, "%v: row %d, column %d", s, i, j)
			}
		}
	})
}

// Each part of a product is more than a tile: fewer rows would not be laid out.
func TestWideParts(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for m := active.rows() + 1; m < 600; m++ {
			for _, k := range []int{1, 1000, 5000, 30000, 1 << 21} {
				require.Greater(t, m/wideParts(active, m, k), active.rows(), "%d rows of %d", m, k)
			}
		}
	})
}

// TestGemmFromAfar: how large the weights are, and so whether they are fetched
// ahead, changes no bit.
func TestGemmFromAfar(t *testing.T) {
	const k, part = 1024, 512
	const n = 5*part + 10
	r := seeded()
	b := random(r, k*n)
	require.Greater(t, len(b), gemmFarGroup)
	forEachVariant(t, func(t *testing.T) {
		far := PackB(false, k, n, b, n)
		for m := 2; m <= 6; m++ {
			for _, columns := range []int{n, 2*part + 10} { // of which the kernels of one panel at a time already fetch ahead
				a, _ := matrix(r, false, m, k, 0, m)
				c, _ := matrix(r, false, m, columns, 0, m)
				w := far
				if columns < n {
					w = PackB(false, k, columns, b[n-columns:], n)
				}
				GemmPacked(nil, m, a.s, k, w, c.s, columns, Epilogue{})
				a.checkUnchanged(t)
				c.checkZone(t)
				for j := 0; j < columns; j += part {
					width := min(part, columns-j)
					near := make([]float32, m*width)
					GemmPacked(nil, m, a.s, k, PackB(false, k, width, b[n-columns+j:], n), near, width, Epilogue{})
					for i := range m {
						require.Equal(t, near[i*width:][:width], c.s[i*columns+j:][:width], "%d rows, columns from %d", m, j)
					}
				}
			}
		}
	})
}

func TestGemmPacked(t *testing.T) {
	pool := NewPool(3)
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for i, g := range gemmCases() {
			if g.transA || g.alpha != 1 {
				continue
			}
			a, lda := matrix(r, false, g.m, g.k, i%3, i%5)
			b, ldb := matrix(r, g.transB, g.k, g.n, i%4, i%7)
			c, ldc := matrix(r, false, g.m, g.n, i%2, i%3)
			var bias []float32
			if i%2 == 0 {
				bias = random(r, g.n)
			}
			w := PackB(g.transB, g.k, g.n, b.s, ldb)
			GemmPacked(pool, g.m, a.s, lda, w, c.s, ldc, Epilogue{Beta: g.beta, Bias: bias})
			checkProduct(t, g, a.s, lda, b.s, ldb, c.was, c.s, ldc, bias)
			a.checkUnchanged(t)
			b.checkUnchanged(t)
			c.checkZone(t)

			plain := append([]float32(nil), c.s...)
			copy(c.s, c.was)
			GemmPacked(pool, g.m, a.s, lda, w, c.s, ldc, Epilogue{Beta: g.beta, Bias: bias, Act: ActTanh})
			for i := range g.m {
				y := plain[i*ldc : i*ldc+g.n]
				Tanh(y, y)
				requireSameBits(t, y, c.s[i*ldc:i*ldc+g.n], "%v: activation", g)
			}
		}
	})
}

// A product must not depend on how many threads share it.
func TestGemmIsTheSameForAnyNumberOfThreads(t *testing.T) {
	pools := []*Pool{nil, NewPool(2), NewPool(5)}
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, s := range [][3]int{{1, 1000, 700}, {7, 1000, 600}, {300, 70, 300}, {64, 640, 520}, {50, 400, 900}, {7, 304, 2400}} {
			m, n, k := s[0], s[1], s[2]
			a, b := random(r, m*k), random(r, k*n)
			w := PackB(false, k, n, b, n)
			var want, wantPacked []float32
			for _, p := range pools {
				c, packed := make([]float32, m*n), make([]float32, m*n)
				Gemm(p, false, false, m, n, k, 1, a, k, b, n, 0, c, n)
				GemmPacked(p, m, a, k, w, packed, n, Epilogue{})
				if want == nil {
					want, wantPacked = c, packed
				}
				requireSameBits(t, want, c, "%v with %d threads", s, p.Threads())
				requireSameBits(t, wantPacked, packed, "packed %v with %d threads", s, p.Threads())
			}
		}
	})
}

// A row's bits don't depend on how many others there are, from four rows on; the
// tiles of seven rows are an exception.
func TestRowsOfAProductHaveTheBitsOfMore(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		const most, n = 13, 75
		for _, k := range []int{100, 300, 520, 1100, 2100} {
			a, w := random(r, most*k), PackB(false, k, n, random(r, k*n), n)
			want := make([]float32, most*n)
			GemmPacked(nil, most, a, k, w, want, n, Epilogue{})
			for m := 4; m < most; m++ {
				if m == 7 {
					continue
				}
				got := make([]float32, m*n)
				GemmPacked(nil, m, a, k, w, got, n, Epilogue{})
				requireSameBits(t, want[:m*n], got, "%d rows, depth %d", m, k)
			}
		}
	})
}

// 0 x Inf and 0 x NaN are NaN in ONNX: no factor may be skipped.
func TestGemmKeepsNaNAndInf(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, m := range []int{1, 3, 9} {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				const n, k = 70, 5
				a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
				b[3*n+66] = float32(bad)
				Gemm(nil, false, false, m, n, k, 1, a, k, b, n, 0, c, n)
				for i := range m {
					require.True(t, math.IsNaN(float64(c[i*n+66])), "row %d with %v", i, bad)
					require.Zero(t, c[i*n+65])
				}
			}
		}
	})
}

func TestGemmOf(t *testing.T) {
	a := []int32{1, 2, 3, 4, 5, 6}
	b := []int32{1, 0, -1, 2, 3, 4}
	for _, c := range []struct {
		transA, transB bool
		want           []int32
	}{
		// A is (2, 3) or, transposed, what (3, 2) stores; B likewise (3, 2).
		{false, false, []int32{8 + 10, 16 + 20, 17 + 30, 34 + 40}},
		{false, true, []int32{-2 + 10, 20 + 20, -2 + 30, 47 + 40}},
		{true, false, []int32{13 + 10, 26 + 20, 16 + 30, 32 + 40}},
		{true, true, []int32{-4 + 10, 31 + 20, -4 + 30, 40 + 40}},
	} {
		lda, ldb := 3, 2
		if c.transA {
			lda = 2
		}
		if c.transB {
			ldb = 3
		}
		got := []int32{10, 20, 30, 40}
		GemmOf(nil, c.transA, c.transB, 2, 2, 3, 1, a, lda, b, ldb, 1, got, 2)
		require.Equal(t, c.want, got, "transA %v transB %v", c.transA, c.transB)
	}
}

// Repacked memory holds what a fresh packing holds, padding included.
func TestRepack(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, n := range []int{1, 31, 70} {
			const k = 9
			for _, trans := range []bool{false, true} {
				ldb := n
				if trans {
					ldb = k
				}
				b := random(r, k*n)
				w := PackB(trans, k, n, random(r, k*n), ldb)
				w.Repack(trans, b, ldb)
				require.Equal(t, PackB(trans, k, n, b, ldb).panels, w.panels)
			}
			w, rec, bias := random(r, 4*n*k), random(r, 4*n*n), random(r, 8*n)
			l := PackLSTM(k, n, random(r, 4*n*k), random(r, 4*n*n), nil)
			l.Repack(w, rec, bias[:4*n], bias[4*n:])
			require.Equal(t, PackLSTM(k, n, w, rec, bias), l)
		}
	})
}

// Panels hold their columns row by row, and nothing beyond them is read or written.
func TestLayPanels(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for _, s := range [][3]int{{1, 1, 16}, {3, 4, 16}, {9, 1, 64}, {20, 3, 32}} {
			k, panels, width := s[0], s[1], s[2]
			for pad := range 3 {
				src, ld := matrix(r, false, k, panels*width, pad, pad)
				pd := k*width + 5*pad
				dst := guard(r, (panels-1)*pd+k*width, pad)
				active.layPanels(k, panels, width, &dst.s[0], pd, &src.s[0], ld)
				for p := range panels {
					for l := range k {
						require.Equal(t, src.s[l*ld+p*width:][:width], dst.s[p*pd+l*width:][:width], "%v: panel %d, row %d", s, p, l)
					}
				}
				src.checkUnchanged(t)
				dst.checkZone(t)
			}
		}
	})
}

// A strip holds its rows and nothing beyond it is read or written.
func TestLayStrip(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for h := 1; h <= 12; h++ {
			for _, k := range []int{1, 2, 7, 8, 9, 16, 31, 40} {
				src, ld := matrix(r, false, h, k, h%3, k%5)
				dst := guard(r, h*k, h)
				active.layStrip(dst.s, h, src.s, ld)
				for i := range h {
					for l := range k {
						require.Equal(t, src.s[i*ld+l], dst.s[l*h+i], "%d rows of %d: row %d, column %d", h, k, i, l)
					}
				}
				src.checkUnchanged(t)
				dst.checkZone(t)
			}
		}
	})
}

// Columns of a few rows come to their strips, and nothing beyond them is read or
// written, whatever lies between the strips.
func TestLayColumns(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		r := seeded()
		for h, lay := range active.layColumns {
			for strips := 1; lay != nil && strips <= 9; strips++ {
				src, ld := matrix(r, false, laidRows, strips*h, strips%3, strips%2)
				ds := laidRows*h + 3*(strips%4)
				dst := guard(r, (strips-1)*ds+laidRows*h, strips%5)
				was := slices.Clone(dst.s)
				lay(strips, &dst.s[0], ds, &src.s[0], ld)
				for s := range strips {
					for l := range laidRows {
						require.Equal(t, src.s[l*ld+s*h:][:h], dst.s[s*ds+l*h:][:h], "%d columns, strip %d of %d, row %d", h, s, strips, l)
					}
					if s+1 < strips {
						require.Equal(t, was[s*ds+laidRows*h:(s+1)*ds], dst.s[s*ds+laidRows*h:(s+1)*ds], "after strip %d", s)
					}
				}
				src.checkUnchanged(t)
				dst.checkZone(t)
			}
		}
	})
}
