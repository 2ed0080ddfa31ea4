package kernel

import (
	"math/bits"
	"sync"
	"unsafe"
)

// A PackedB is the right-hand matrix of a product, laid out for GemmPacked.
// Nothing but Repack changes it; it belongs to the variant that packed it.
type PackedB struct {
	k, n int
	v    *variant
	// half or q hold the matrix instead of panels where weights are stored as
	// bfloat16 or int8.
	half []uint32
	q    *int8Panels
	// panels holds the columns in panels of width v.panel(), each k rows of so
	// many contiguous values; then the columns left over in a panel that is as
	// many whole vectors wide as they need, filled up with zeros.
	panels []float32
}

// panel is the number of columns in a panel.
func (v *variant) panel() int { return (len(v.gemm) - 1) * v.lanes }

// rows is the number of rows in the highest tile of a whole panel.
func (v *variant) rows() int { return len(v.gemm[len(v.gemm)-1]) - 1 }

// PackB packs B (k, n) where B(l,j) is b[l*ldb+j], or b[j*ldb+l] if transB.
func PackB(transB bool, k, n int, b []float32, ldb int) *PackedB {
	v := active
	w := &PackedB{k: k, n: n, v: v, panels: aligned(k * roundUp(n, v.lanes))}
	packPanels(v, w.panels, transB, k, n, b, ldb)
	return w.packed()
}

// packed is what packing ends with.
func (w *PackedB) packed() *PackedB {
	switch {
	case w.q != nil:
		largePages(unsafe.Pointer(unsafe.SliceData(w.q.b)), len(w.q.b))
	case w.half != nil:
		largePages(unsafe.Pointer(unsafe.SliceData(w.half)), 4*len(w.half))
	default:
		largePages(unsafe.Pointer(unsafe.SliceData(w.panels)), 4*len(w.panels))
	}
	return w
}

// Repack is PackB of another B of the same size, in w's memory, which PackB made.
// Nothing else may use w meanwhile.
func (w *PackedB) Repack(transB bool, b []float32, ldb int) {
	packPanels(w.v, w.panels, transB, w.k, w.n, b, ldb)
}

// packPanels lays out B as PackedB.panels.
func packPanels(v *variant, dst []float32, transB bool, k, n int, b []float32, ldb int) {
	width := v.panel()
	if k == 0 {
		return
	}
	for j := 0; j < n; j += width {
		cols := min(width, n-j)
		packPanel(dst[j*k:], roundUp(cols, v.lanes), transB, k, cols, b, ldb, 0, j)
	}
}

// packPanel writes rows l0.. and columns j0.. of B, k by cols, to dst with
// rows of width values; columns beyond cols become zero.
func packPanel(dst []float32, width int, transB bool, k, cols int, b []float32, ldb, l0, j0 int) {
	if !transB {
		if cols%16 == 0 && cols == width {
			active.layPanels(k, 1, width, &dst[0], 0, &b[l0*ldb+j0], ldb)
			return
		}
		for l := range k {
			row := dst[l*width : (l+1)*width]
			copyPanelRow(row[:cols], b[(l0+l)*ldb+j0:])
			clear(row[cols:])
		}
		return
	}
	transposeF32(active, dst, width, b[j0*ldb+l0:], ldb, cols, k)
	if cols < width {
		for l := range k {
			clear(dst[l*width+cols : (l+1)*width])
		}
	}
}

// Size returns the rows and columns of the matrix that was packed.
func (w *PackedB) Size() (k, n int) { return w.k, w.n }

// Bytes is the memory the packed matrix takes.
func (w *PackedB) Bytes() int {
	if w.q != nil {
		return w.q.bytes()
	}
	return 4 * (len(w.panels) + len(w.half))
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// aligned allocates n values at the start of a cache line, so that no vector
// load crosses one.
func aligned(n int) []float32 {
	s := make([]float32, n+15)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(s))) % 64 / 4)
	return s[skip : skip+n : skip+n]
}

// scratch lends buffers for the duration of a call.
type scratch struct{ buf []float32 }

// scratches has a pool for each order of magnitude, so that a large buffer does
// not serve a small need and is missing, and made again, where it is needed.
var scratches [bits.UintSize + 1]sync.Pool

// borrow returns n values, not cleared; give them back with s.release.
func borrow(n int) (s *scratch, buf []float32) {
	s, _ = scratches[bits.Len(uint(n))].Get().(*scratch)
	if s == nil {
		s = new(scratch)
	}
	if cap(s.buf) < n {
		s.buf = aligned(n)
	}
	return s, s.buf[:n]
}

func (s *scratch) release() { scratches[bits.Len(uint(cap(s.buf)))].Put(s) }
