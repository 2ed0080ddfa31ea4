package main

import (
	"fmt"
	"math/bits"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitMove writes what only moves values.
func emitMove(x *isa) {
	if x.wide {
		return // moving is bound by the shuffles, not by their width
	}
	emitTransposeTiles(x)
	emitLayRows(x)
	for _, h := range []int{5, 6} {
		emitLayColumns(x, h)
	}
	emitLayPanels(x)
	emitInterleave(x)
}

func emitTransposeTiles(x *isa) {
	x.function("transposeTiles"+x.name, "func(dst *float32, ldd int, src *float32, lds, rows, cols int)",
		"transposeTiles"+x.name+" is dst[j*ldd+i] = src[i*lds+j] for i < rows, j < cols, both multiples of 8.")
	src, lds, lds3 := x.param("src"), x.param("lds"), x.GP64()
	dst, ldd, ldd3 := x.param("dst"), x.param("ldd"), x.GP64()
	x.SHLQ(U8(2), lds)
	x.SHLQ(U8(2), ldd)
	x.LEAQ(Mem{Base: lds, Index: lds, Scale: 2}, lds3)
	x.LEAQ(Mem{Base: ldd, Index: ldd, Scale: 2}, ldd3)
	at := func(p, q reg.GPVirtual, ld, ld3 reg.GPVirtual, i int) Mem {
		if i >= 4 {
			p, i = q, i-4
		}
		return []Mem{{Base: p}, {Base: p, Index: ld, Scale: 1}, {Base: p, Index: ld, Scale: 2}, {Base: p, Index: ld3, Scale: 1}}[i]
	}
	cols := x.param("cols")
	s, t := x.GP64(), x.GP64()
	x.Label("columns") // 8 columns of src, all rows, become 8 rows of dst
	rows := x.param("rows")
	x.MOVQ(src, s)
	x.MOVQ(dst, t)
	x.Label("tile")
	s4, t4 := x.GP64(), x.GP64()
	x.LEAQ(Mem{Base: s, Index: lds, Scale: 4}, s4)
	x.LEAQ(Mem{Base: t, Index: ldd, Scale: 4}, t4)
	v := make([]reg.VecVirtual, 8)
	for i := range v {
		v[i] = x.load(at(s, s4, lds, lds3, i))
	}
	for i, row := range x.transpose8(v) {
		x.VMOVUPS(row, at(t, t4, ldd, ldd3, i))
	}
	x.LEAQ(Mem{Base: s, Index: lds, Scale: 8}, s)
	x.ADDQ(U8(32), t)
	x.SUBQ(U8(8), rows)
	x.JNZ(LabelRef("tile"))
	x.ADDQ(U8(32), src)
	x.LEAQ(Mem{Base: dst, Index: ldd, Scale: 8}, dst)
	x.SUBQ(U8(8), cols)
	x.JNZ(LabelRef("columns"))
	x.ret()
}

// emitLayRows writes the transposition of a few rows into columns without gaps.
func emitLayRows(x *isa) {
	x.function("layRows"+x.name, "func(k int, dst *float32, h int, src *float32, ld int)",
		"layRows"+x.name+" is dst[l*h+i] = src[i*ld+l] for l < k, a positive multiple of 8, and i < h, at most 8.",
		"It writes dst up to (k-1)*h + 8.")
	k, dst, h, src, ld := x.param("k"), x.param("dst"), x.param("h"), x.param("src"), x.param("ld")
	x.SHLQ(U8(2), ld)
	ptr := make([]reg.GPVirtual, 8) // the last row stands for those that are not there
	for i := range ptr {
		ptr[i] = x.GP64()
		if i == 0 {
			x.MOVQ(src, ptr[0])
			continue
		}
		x.LEAQ(Mem{Base: ptr[i-1], Index: ld, Scale: 1}, ptr[i])
		x.CMPQ(h, U8(i))
		x.CMOVQLE(ptr[i-1], ptr[i])
	}
	x.SHLQ(U8(2), h)
	x.Label("tile")
	v := make([]reg.VecVirtual, 8)
	for i := range v {
		v[i] = x.load(Mem{Base: ptr[i]})
		x.ADDQ(U8(32), ptr[i])
	}
	for _, row := range x.transpose8(v) {
		x.VMOVUPS(row, Mem{Base: dst})
		x.ADDQ(h, dst)
	}
	x.SUBQ(U8(8), k)
	x.JNZ(LabelRef("tile"))
	x.ret()
}

// emitLayColumns writes the laying out of a few columns of 8 rows, h at a time. In
// portable code each of these short moves takes as long as a call.
func emitLayColumns(x *isa, h int) {
	name := fmt.Sprintf("layColumns%d%s", h, x.name)
	x.function(name, "func(strips int, dst *float32, ds int, src *float32, lds int)",
		fmt.Sprintf("%s is dst[s*ds+l*%d+i] = src[l*lds+s*%d+i] for s < strips, more than 0, l < 8 and i < %d.", name, h, h, h))
	strips, dst, ds := x.param("strips"), x.param("dst"), x.param("ds")
	src, lds, lds3, src4 := x.param("src"), x.param("lds"), x.GP64(), x.GP64()
	x.SHLQ(U8(2), ds)
	x.SHLQ(U8(2), lds)
	x.LEAQ(Mem{Base: lds, Index: lds, Scale: 2}, lds3)
	x.LEAQ(Mem{Base: src, Index: lds, Scale: 4}, src4)
	x.Label("strip")
	for l := range 8 {
		p := src
		if l >= 4 {
			p = src4
		}
		from := []Mem{{Base: p}, {Base: p, Index: lds, Scale: 1}, {Base: p, Index: lds, Scale: 2}, {Base: p, Index: lds3, Scale: 1}}[l%4]
		to := Mem{Base: dst}.Offset(4 * h * l)
		four, rest := x.XMM(), x.GP64()
		x.VMOVUPS(from, four)
		x.VMOVUPS(four, to)
		if h == 6 {
			x.MOVQ(from.Offset(16), rest)
			x.MOVQ(rest, to.Offset(16))
			continue
		}
		x.MOVL(from.Offset(16), rest.As32())
		x.MOVL(rest.As32(), to.Offset(16))
	}
	x.ADDQ(U8(4*h), src)
	x.ADDQ(U8(4*h), src4)
	x.ADDQ(ds, dst)
	x.DECQ(strips)
	x.JNZ(LabelRef("strip"))
	x.ret()
}

// rowsAhead is how many rows of a matrix are fetched ahead where some columns of
// each are read: the processor alone sees no stream in them.
const rowsAhead = 8

// emitLayPanels writes the laying out of some columns of a matrix in panels.
func emitLayPanels(x *isa) {
	x.function("layPanels"+x.name, "func(k, panels, width int, dst *float32, pd int, src *float32, lds int)",
		"layPanels"+x.name+" is dst[p*pd+l*width+j] = src[l*lds+p*width+j] for l < k, p < panels and j < width, a multiple",
		"of 16, none of them 0.")
	k, width, dst, pd := x.param("k"), x.param("width"), x.param("dst"), x.param("pd")
	src, lds := x.param("src"), x.param("lds")
	x.SHLQ(U8(2), width)
	x.SHLQ(U8(2), pd)
	x.SHLQ(U8(2), lds)
	ahead, s, d, at, panels := x.GP64(), x.GP64(), x.GP64(), x.GP64(), x.GP64()
	x.MOVQ(lds, ahead)
	x.SHLQ(U8(bits.TrailingZeros(rowsAhead)), ahead)
	x.Label("row")
	x.MOVQ(src, s)
	x.MOVQ(dst, d)
	x.Load(x.Param("panels"), panels)
	x.Label("panel")
	x.XORQ(at, at)
	x.Label("line")
	a, b := x.load(Mem{Base: s}), x.load(Mem{Base: s}.Offset(32))
	x.PREFETCHT1(Mem{Base: s, Index: ahead, Scale: 1})
	x.VMOVUPS(a, Mem{Base: d, Index: at, Scale: 1})
	x.VMOVUPS(b, Mem{Base: d, Index: at, Scale: 1}.Offset(32))
	x.ADDQ(U8(64), s)
	x.ADDQ(U8(64), at)
	x.CMPQ(at, width)
	x.JNE(LabelRef("line"))
	x.ADDQ(pd, d)
	x.DECQ(panels)
	x.JNZ(LabelRef("panel"))
	x.ADDQ(lds, src)
	x.ADDQ(width, dst)
	x.DECQ(k)
	x.JNZ(LabelRef("row"))
	x.ret()
}

// emitInterleave writes the joining of even and odd columns in a row.
func emitInterleave(x *isa) {
	x.function("interleaveBlocks"+x.name, "func(dst, even, odd *float32, blocks int)",
		"interleaveBlocks"+x.name+" is dst[2*j] = even[j], dst[2*j+1] = odd[j] for j < 8*blocks; blocks is positive.")
	dst, even, odd, blocks := x.param("dst"), x.param("even"), x.param("odd"), x.param("blocks")
	x.Label("loop")
	a, b := x.load(Mem{Base: even}), x.load(Mem{Base: odd})
	low, high := x.to(x.VUNPCKLPS, b, a), x.to(x.VUNPCKHPS, b, a)
	for i, part := range []U8{0x20, 0x31} {
		v := x.vec()
		x.VPERM2F128(part, high, low, v)
		x.VMOVUPS(v, Mem{Base: dst}.Offset(32*i))
	}
	x.ADDQ(U8(32), even)
	x.ADDQ(U8(32), odd)
	x.ADDQ(U8(64), dst)
	x.DECQ(blocks)
	x.JNZ(LabelRef("loop"))
	x.ret()
}

// transpose8 transposes 8 vectors of 8 values.
func (x *isa) transpose8(v []reg.VecVirtual) [8]reg.VecVirtual {
	// Pairs of values, then pairs of pairs, then halves change places.
	pairs := make([]reg.VecVirtual, 8)
	for i := range 4 {
		pairs[2*i] = x.to(x.VUNPCKLPS, v[2*i+1], v[2*i])
		pairs[2*i+1] = x.to(x.VUNPCKHPS, v[2*i+1], v[2*i])
	}
	quads := make([]reg.VecVirtual, 8)
	for i := range 2 {
		a := pairs[4*i:]
		quads[4*i] = x.to(x.VSHUFPS, U8(0x44), a[2], a[0])
		quads[4*i+1] = x.to(x.VSHUFPS, U8(0xee), a[2], a[0])
		quads[4*i+2] = x.to(x.VSHUFPS, U8(0x44), a[3], a[1])
		quads[4*i+3] = x.to(x.VSHUFPS, U8(0xee), a[3], a[1])
	}
	var out [8]reg.VecVirtual
	for i := range 4 {
		out[i], out[i+4] = x.vec(), x.vec()
		x.VPERM2F128(U8(0x20), quads[4+i], quads[i], out[i])
		x.VPERM2F128(U8(0x31), quads[4+i], quads[i], out[i+4])
	}
	return out
}
