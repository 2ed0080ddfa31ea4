package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// copyRows writes the copy of a matrix. In rows of a vector or more the last vector
// overlaps the one before.
func copyRows(x *isa) {
	x.function("copyRows"+x.name, "func(dst *float32, ldd int, src *float32, lds, rows, n int)",
		"copyRows"+x.name+" is dst[i*ldd+j] = src[i*lds+j] for i < rows and j < n, neither of them 0.")
	dst, ldd, src, lds := x.param("dst"), x.param("ldd"), x.param("src"), x.param("lds")
	rows, n, j := x.param("rows"), x.param("n"), x.GP64()
	x.SHLQ(U8(2), ldd)
	x.SHLQ(U8(2), lds)
	row, one, last, short, thin := x.label("row"), x.label("one"), x.label("last"), x.label("short"), x.label("thin")
	v := x.vec()
	next := func(label string) {
		x.ADDQ(ldd, dst)
		x.ADDQ(lds, src)
		x.DECQ(rows)
		x.JNZ(LabelRef(label))
		x.ret()
	}
	x.CMPQ(n, Imm(8))
	x.JLT(LabelRef(short))
	x.SUBQ(U8(8), n)
	x.Label(row)
	x.MOVQ(n, j)
	x.ANDQ(Imm(7), j)
	x.VMOVUPS(Mem{Base: src}, v)
	x.VMOVUPS(v, Mem{Base: dst})
	x.Label(one)
	x.CMPQ(j, n)
	x.JEQ(LabelRef(last))
	x.VMOVUPS(Mem{Base: src, Index: j, Scale: 4}, v)
	x.VMOVUPS(v, Mem{Base: dst, Index: j, Scale: 4})
	x.ADDQ(U8(8), j)
	x.JMP(LabelRef(one))
	x.Label(last)
	x.VMOVUPS(Mem{Base: src, Index: n, Scale: 4}, v)
	x.VMOVUPS(v, Mem{Base: dst, Index: n, Scale: 4})
	next(row)
	x.Label(short) // 4 to 7: the last four overlap the first
	few, halves := x.label("few"), x.label("halves")
	x.CMPQ(n, Imm(4))
	x.JLT(LabelRef(few))
	x.Label(halves)
	u := x.vec()
	x.VMOVUPS(Mem{Base: src}, v.AsX())
	x.VMOVUPS(Mem{Base: src, Index: n, Scale: 4}.Offset(-16), u.AsX())
	x.VMOVUPS(v.AsX(), Mem{Base: dst})
	x.VMOVUPS(u.AsX(), Mem{Base: dst, Index: n, Scale: 4}.Offset(-16))
	next(halves)
	x.Label(few)
	mask := x.masks(n, 1)[0]
	x.Label(thin)
	x.loadMasked(Mem{Base: src}, mask, v)
	x.storeMasked(v, mask, Mem{Base: dst})
	next(thin)
}

// deinterleave parts the even and odd values of 8, a, and 8 more, b.
func (x *isa) deinterleave(a, b reg.VecVirtual) (even, odd reg.VecVirtual) {
	low, high := x.vec(), x.vec()
	x.VPERM2F128(U8(0x20), b, a, low)
	x.VPERM2F128(U8(0x31), b, a, high)
	return x.to(x.VSHUFPS, U8(0x88), high, low), x.to(x.VSHUFPS, U8(0xdd), high, low)
}

// splitRows writes the parting of even and odd columns.
func splitRows(x *isa) {
	x.function("splitRows"+x.name, "func(even, odd *float32, ldd int, src *float32, lds, rows, blocks int)",
		"splitRows"+x.name+" is even[i*ldd+j] = src[i*lds+2*j], odd[i*ldd+j] = src[i*lds+2*j+1] for i < rows and j < 8*blocks, neither of them 0.")
	even, odd, ldd, src, lds := x.param("even"), x.param("odd"), x.param("ldd"), x.param("src"), x.param("lds")
	rows, n, j := x.param("rows"), x.param("blocks"), x.GP64()
	x.SHLQ(U8(2), ldd)
	x.SHLQ(U8(2), lds)
	x.SHLQ(U8(3), n)
	row, loop := x.label("row"), x.label("loop")
	x.Label(row)
	x.XORQ(j, j)
	x.Label(loop)
	from := Mem{Base: src, Index: j, Scale: 8}
	a, b := x.load(from), x.load(from.Offset(32))
	a, b = x.deinterleave(a, b)
	x.VMOVUPS(a, Mem{Base: even, Index: j, Scale: 4})
	x.VMOVUPS(b, Mem{Base: odd, Index: j, Scale: 4})
	x.ADDQ(U8(8), j)
	x.CMPQ(j, n)
	x.JLT(LabelRef(loop))
	x.ADDQ(ldd, even)
	x.ADDQ(ldd, odd)
	x.ADDQ(lds, src)
	x.DECQ(rows)
	x.JNZ(LabelRef(row))
	x.ret()
}
