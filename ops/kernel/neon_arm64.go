//go:build !noasm

package kernel

import "unsafe"

// The assembly handles whole vectors, and panels of 16 columns; what is left
// over goes through a buffer as one more.

//go:noescape
func gemm1x16NEON(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc int, add bool)

//go:noescape
func gemm2x16NEON(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc int, add bool)

//go:noescape
func gemm3x16NEON(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc int, add bool)

//go:noescape
func gemm4x16NEON(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc int, add bool)

//go:noescape
func gemm5x16NEON(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc int, add bool)

//go:noescape
func gemm6x16NEON(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc int, add bool)

//go:noescape
func addNEON(dst, a, b *float32, n int)

//go:noescape
func mulNEON(dst, a, b *float32, n int)

//go:noescape
func axpyNEON(y *float32, alpha float32, x *float32, n int)

//go:noescape
func dotNEON(a, b *float32, n int) float32

//go:noescape
func expNEON(dst, src *float32, n int)

//go:noescape
func sigmoidNEON(dst, src *float32, n int)

//go:noescape
func tanhNEON(dst, src *float32, n int)

func neon() *variant {
	v := generic
	v.name = "neon"
	v.lanes = 16 // a panel is one unit of packing
	v.gemm = [][]gemmKernel{1: {nil}}
	for _, f := range []func(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc int, add bool){
		gemm1x16NEON, gemm2x16NEON, gemm3x16NEON, gemm4x16NEON, gemm5x16NEON, gemm6x16NEON,
	} {
		v.gemm[1] = append(v.gemm[1], gemmNEON(len(v.gemm[1]), f))
	}
	v.conv, v.convUniform = [][]convKernel{1: {nil}}, true
	for rows, f := range v.gemm[1] {
		if rows > 0 {
			v.conv[1] = append(v.conv[1], convNEON(rows, f))
		}
	}
	v.convLay = convLayGeneric(16)
	v.winogradLeast = 64 // its transforms are portable code
	v.depthwise = v.depthwiseNEON
	v.halfRow, v.halfExpand = halfRowGeneric(16), halfExpandGeneric(16)
	v.exp = unaryNEON(expNEON)
	v.sigmoid = unaryNEON(sigmoidNEON)
	v.tanh = unaryNEON(tanhNEON)
	v.add = binaryNEON(addNEON, addGeneric)
	v.mul = binaryNEON(mulNEON, mulGeneric)
	v.axpy = func(y []float32, alpha float32, x []float32) {
		n := len(y) &^ 3
		axpyNEON(unsafe.SliceData(y), alpha, unsafe.SliceData(x), n)
		axpyGeneric(y[n:], alpha, x[n:])
	}
	v.dot = func(a, b []float32) float32 {
		n := len(a) &^ 3
		return dotNEON(unsafe.SliceData(a), unsafe.SliceData(b), n) + dotGeneric(a[n:], b[n:])
	}
	v.dots = func(y, a []float32, b *float32, ldb int) {
		rows := unsafe.Slice(b, max(0, len(y)-1)*ldb+len(a))
		for j := range y {
			y[j] = v.dot(a, rows[j*ldb:])
		}
	}
	v.expSub = func(dst, src []float32, m float32) float32 {
		addScalarGeneric(dst, src, -m)
		v.exp(dst, dst)
		return sumGeneric(dst)
	}
	v.lstmGates, v.lstmCell = v.lstmGatesNEON, v.lstmGatesNEON
	v.gruGates = func(blocks int, x, y, h, out *float32) { gruGatesOf(16, blocks, x, y, h, out) }
	return &v
}

// gemmNEON makes a gemmKernel of a kernel for whole panels.
func gemmNEON(rows int, f func(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc int, add bool)) gemmKernel {
	const width = 16
	return func(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc, last int, add bool, _ *float32, _ int) {
		whole := panels
		if last < width {
			whole--
		}
		if whole > 0 {
			f(k, whole, a, rs, cs, b, bs, pb, c, ldc, add)
		}
		if whole == panels {
			return
		}
		s, tile := borrow(rows * width)
		defer s.release()
		f(k, 1, a, rs, cs, (*float32)(unsafe.Add(unsafe.Pointer(b), 4*whole*pb)), bs, pb, &tile[0], width, false)
		out := unsafe.Slice(c, (rows-1)*ldc+whole*width+last)
		for i := range rows {
			row := out[i*ldc+whole*width:][:last]
			if add {
				addGeneric(row, row, tile[i*width:])
			} else {
				copy(row, tile[i*width:])
			}
		}
	}
}

func unaryNEON(f func(dst, src *float32, n int)) func(dst, src []float32) {
	return func(dst, src []float32) {
		n := len(dst) &^ 3
		if n > 0 {
			f(&dst[0], &src[0], n)
		}
		if n < len(dst) {
			s, rest := borrow(4)
			clear(rest[copy(rest, src[n:]):])
			f(&rest[0], &rest[0], 4)
			copy(dst[n:], rest)
			s.release()
		}
	}
}

func binaryNEON(f func(dst, a, b *float32, n int), rest func(dst, a, b []float32)) func(dst, a, b []float32) {
	return func(dst, a, b []float32) {
		n := len(dst) &^ 3
		f(unsafe.SliceData(dst), unsafe.SliceData(a), unsafe.SliceData(b), n)
		rest(dst[n:], a[n:], b[n:])
	}
}

// lstmGatesNEON is an lstmGatesKernel for blocks of 16 hidden units.
func (v *variant) lstmGatesNEON(blocks int, gates, c, h *float32) {
	const U = 16
	all := unsafe.Slice(gates, blocks*4*U)
	cs, hs := unsafe.Slice(c, blocks*U), unsafe.Slice(h, blocks*U)
	for b := range blocks {
		act := all[b*4*U : (b+1)*4*U]
		sigmoidNEON(&act[0], &act[0], 3*U)
		tanhNEON(&act[3*U], &act[3*U], U)
		cell, out := cs[b*U:(b+1)*U], hs[b*U:(b+1)*U]
		for u := range cell {
			cell[u] = act[2*U+u]*cell[u] + act[u]*act[3*U+u]
		}
		tanhNEON(&out[0], &cell[0], U)
		mulNEON(&out[0], &out[0], &act[U], U)
	}
}
