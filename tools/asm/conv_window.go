package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// depthwise writes a convolution of a single channel.
func depthwise(x *isa) {
	name := "depthwise" + x.name
	x.function(name, "func(taps int, off *int, w, b *float32, ldb int, c *float32, ldc, rows, cols int, bias, lo, hi float32)",
		name+" is, for i < rows and j < cols, which is at most "+fmt.Sprint(x.lanes)+",",
		"",
		"\tc[i*ldc+j] = clip(bias + sum_t(w[t] * b[i*ldb+off[t]+j]), lo, hi)",
		"",
		"It may read b as if cols were "+fmt.Sprint(x.lanes)+".")
	lo, hi, bias := x.broadcast("lo"), x.broadcast("hi"), x.broadcast("bias")
	var w reg.GPVirtual
	weight := x.vec()
	window(x, windowOf{
		begin: func(acc []reg.VecVirtual) {
			for _, v := range acc {
				x.VMOVUPS(bias, v)
			}
			w = x.param("w")
		},
		tap: func(acc []reg.VecVirtual, from []Mem) {
			x.VBROADCASTSS(Mem{Base: w}, weight)
			for i, v := range acc {
				x.VFMADD231PS(from[i], weight, v)
			}
			x.ADDQ(U8(4), w)
		},
		end: func(acc []reg.VecVirtual) {
			for _, v := range acc {
				x.clip(x.VMAXPS, lo, v)
				x.clip(x.VMINPS, hi, v)
			}
		},
	})
}

// maxima writes the maximum over windows.
func maxima(x *isa) {
	name := "maxima" + x.name
	x.function(name, "func(taps int, off *int, b *float32, ldb int, c *float32, ldc, rows, cols int)",
		name+" is, for i < rows and j < cols, which is at most "+fmt.Sprint(x.lanes)+",",
		"",
		"\tc[i*ldc+j] = max_t(b[i*ldb+off[t]+j]), NaN if any is",
		"",
		"It may read b as if cols were "+fmt.Sprint(x.lanes)+".")
	window(x, windowOf{
		begin: func(acc []reg.VecVirtual) {
			for _, v := range acc {
				x.VMOVUPS(x.float(math.Inf(-1)), v)
			}
		},
		tap: func(acc []reg.VecVirtual, from []Mem) {
			for i, v := range acc {
				x.VMOVUPS(x.either(x.VMAXPS, v, x.load(from[i])), v)
			}
		},
		end: func([]reg.VecVirtual) {},
	})
}

// windowOf is what happens at a window's outputs: before, at each tap, whose inputs
// are at from, and after.
type windowOf struct {
	begin, end func(acc []reg.VecVirtual)
	tap        func(acc []reg.VecVirtual, from []Mem)
}

// window writes the loops over rows and taps of a function whose parameters are
// named as depthwise's. Eight rows at a time share what a tap needs: as many sums as
// keep the multipliers busy, each of which waits for the one before.
func window(x *isa, of windowOf) {
	b, ldb, ldb3 := x.param("b"), x.param("ldb"), x.GP64()
	c, ldc, ldc3 := x.param("c"), x.param("ldc"), x.GP64()
	rows := x.param("rows")
	x.SHLQ(U8(2), ldb)
	x.SHLQ(U8(2), ldc)
	x.LEAQ(Mem{Base: ldb, Index: ldb, Scale: 2}, ldb3)
	x.LEAQ(Mem{Base: ldc, Index: ldc, Scale: 2}, ldc3)
	mask := x.masks(x.param("cols"), 1)[0]
	var rest reg.GPVirtual // the last four of a row of 4 to 7 columns are stored there
	var lastFour reg.VecVirtual
	if !x.wide {
		cols, order := x.param("cols"), x.GP64()
		rest = x.GP64()
		x.LEAQ(Mem{Base: c, Index: cols, Scale: 4}.Offset(-16), rest)
		if x.lastFour.Base == nil {
			x.lastFour = x.data("lastFour", 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0)
		}
		x.LEAQ(x.lastFour, order)
		lastFour = x.load(Mem{Base: order, Index: cols, Scale: 4}.Offset(-4))
	}
	// place is where the first count rows from p on are.
	place := func(count int, p, ld, ld3 reg.GPVirtual) []Mem {
		at := []Mem{{Base: p}, {Base: p, Index: ld, Scale: 1}, {Base: p, Index: ld, Scale: 2}, {Base: p, Index: ld3, Scale: 1}}
		if count <= 4 {
			return at[:count]
		}
		far := x.GP64()
		x.LEAQ(Mem{Base: p, Index: ld, Scale: 4}, far)
		return append(at, Mem{Base: far}, Mem{Base: far, Index: ld, Scale: 1}, Mem{Base: far, Index: ld, Scale: 2}, Mem{Base: far, Index: ld3, Scale: 1})
	}
	tile := func(count int) {
		acc := x.vecs(count)
		of.begin(acc)
		taps, off, at := x.param("taps"), x.param("off"), x.GP64()
		loop, part, stored := x.label("taps"), x.label("part"), x.label("stored")
		x.Label(loop)
		x.MOVQ(Mem{Base: off}, at)
		x.LEAQ(Mem{Base: b, Index: at, Scale: 4}, at)
		of.tap(acc, place(count, at, ldb, ldb3))
		x.ADDQ(U8(8), off)
		x.DECQ(taps)
		x.JNZ(LabelRef(loop))
		of.end(acc)
		x.CMPQ(x.address("cols"), Imm(uint64(x.lanes)))
		x.JNE(LabelRef(part))
		for i, to := range place(count, c, ldc, ldc3) {
			x.VMOVUPS(acc[i], to)
		}
		x.JMP(LabelRef(stored))
		x.Label(part)
		if !x.wide { // a masked store to memory takes some processors ten times a plain one's time
			few := x.label("few")
			x.CMPQ(x.address("cols"), Imm(4))
			x.JLT(LabelRef(few))
			last := place(count, rest, ldc, ldc3)
			for i, to := range place(count, c, ldc, ldc3) {
				x.VMOVUPS(acc[i].AsX(), to)
				x.VPERMD(acc[i], lastFour, acc[i])
				x.VMOVUPS(acc[i].AsX(), last[i])
			}
			x.JMP(LabelRef(stored))
			x.Label(few)
		}
		for i, to := range place(count, c, ldc, ldc3) {
			x.storeMasked(acc[i], mask, to)
		}
		x.Label(stored)
	}
	pointers := []struct{ at, ld reg.GPVirtual }{{b, ldb}, {c, ldc}}
	if !x.wide {
		pointers = append(pointers, struct{ at, ld reg.GPVirtual }{rest, ldc})
	}
	// several does so many rows at a time as long as there are more than least, and
	// the last ones so that they overlap those before.
	several := func(count, least int) {
		loop, few, done := x.label("rows"), x.label("fewer"), x.label("less")
		x.Label(loop)
		x.CMPQ(rows, Imm(uint64(count)))
		x.JLT(LabelRef(few))
		tile(count)
		for _, p := range pointers {
			for range count / 4 {
				x.LEAQ(Mem{Base: p.at, Index: p.ld, Scale: 4}, p.at)
			}
		}
		x.SUBQ(U8(count), rows)
		x.JMP(LabelRef(loop))
		x.Label(few)
		x.CMPQ(rows, Imm(uint64(least+1)))
		x.JLT(LabelRef(done))
		x.CMPQ(x.address("rows"), Imm(uint64(count)))
		x.JLT(LabelRef(done))
		back, by := x.GP64(), x.GP64()
		x.MOVQ(rows, by)
		x.SUBQ(Imm(uint64(count)), by)
		for _, p := range pointers {
			x.MOVQ(by, back)
			x.IMULQ(p.ld, back)
			x.ADDQ(back, p.at)
		}
		x.MOVQ(U32(count), rows)
		x.JMP(LabelRef(loop))
		x.Label(done)
	}
	several(8, 4)
	several(4, 0)
	one, end := x.label("one"), x.label("end")
	x.Label(one)
	x.TESTQ(rows, rows)
	x.JZ(LabelRef(end))
	tile(1)
	for _, p := range pointers {
		x.ADDQ(p.ld, p.at)
	}
	x.DECQ(rows)
	x.JMP(LabelRef(one))
	x.Label(end)
	x.ret()
}
