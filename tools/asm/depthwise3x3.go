package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// depthwise3x3 writes a convolution of a single channel by three taps in each
// direction, that reads the image where it is. A row of inputs, once loaded, goes into
// all rows of outputs that it belongs to.
func depthwise3x3(x *isa, step, stripes int) {
	name := fmt.Sprintf("depthwise3x3s%dx%d%s", step, stripes*x.lanes, x.name)
	outputs := fmt.Sprintf("j < %d", x.lanes)
	if stripes > 1 {
		outputs += fmt.Sprintf(" or apart <= j < apart+%d", x.lanes)
	}
	x.function(name, "func(x *float32, ldx, first, height int, zero, w *float32, left, right int, c *float32, ldc, apart, rows int, bias, lo, hi float32)",
		name+" is, for i < rows, more than 0, and "+outputs+",",
		"",
		fmt.Sprintf("\tc[i*ldc+j] = clip(bias + sum_{r,k<3}(w[3*r+k] * in(first+i*%d+r, j*%d+k)), lo, hi)", step, step),
		"",
		"where in(r, k) is x[r*ldx+1+k] in rows 0 to height-1, and zero[1+k], which is 0, in others. With left in(r, 0) is 0, and",
		fmt.Sprintf("in(r, j*%d+2) for the last right j%s. It may read in(r, -1), too.", step, []string{"", ", at most 4", ", at most 2"}[step]))
	w := x.param("w")
	weights := x.vecs(9)
	for i, v := range weights {
		x.VBROADCASTSS(Mem{Base: w}.Offset(4*i), v)
	}

	if x.edges.Base == nil {
		words := make([]uint32, 1+x.lanes+4)
		for i := range x.lanes {
			words[1+i] = 0xffffffff
		}
		x.edges = x.data("edges", words...)
	}
	left, right := x.param("left"), x.param("right")
	noFirst, noLast, edges := x.GP64(), x.GP64(), x.GP64()
	x.LEAQ(x.edges, edges)
	x.LEAQ(Mem{Base: edges, Index: right, Scale: 4}.Offset(4), noLast)
	x.SHLQ(U8(2), left)
	x.LEAQ(Mem{Base: edges}.Offset(4), noFirst)
	x.SUBQ(left, noFirst)

	p, ld, i, height, zero := x.param("x"), x.param("ldx"), x.param("first"), x.param("height"), x.param("zero")
	c, ldc, rows, q := x.param("c"), x.param("ldc"), x.param("rows"), x.GP64()
	x.SHLQ(U8(2), ld)
	x.SHLQ(U8(2), ldc)
	var apart, apartX reg.GPVirtual // bytes
	if stripes > 1 {
		apart, apartX = x.param("apart"), x.GP64()
		x.SHLQ(U8(2), apart)
		x.MOVQ(apart, apartX)
		if step == 2 {
			x.ADDQ(apart, apartX)
		}
	}
	place := func(p reg.GPVirtual, s int, apart reg.GPVirtual) Mem {
		if s == 0 {
			return Mem{Base: p}
		}
		return Mem{Base: p, Index: apart, Scale: 1}
	}
	x.MOVQ(ld, q)
	x.IMULQ(i, q)
	x.ADDQ(q, p)

	// row adds the next row of inputs to each of acc, times the weights of its row of
	// taps there; the first row of taps begins a sum.
	a := x.vec()
	var b, e reg.VecVirtual
	if step == 2 {
		b, e = x.vec(), x.vec()
	}
	row := func(acc ...rowOfTaps) {
		x.MOVQ(p, q)
		x.CMPQ(i, height)
		x.CMOVQCC(zero, q)
		x.ADDQ(ld, p)
		x.ADDQ(U8(1), i)
		for s := range stripes {
			from := place(q, s, apartX)
			for k := range 3 {
				v := a
				switch {
				case step == 1:
					x.VMOVUPS(from.Offset(4+4*k), a)
				case k == 0:
					x.VMOVUPS(from, a)
					x.VMOVUPS(from.Offset(x.bytes()), b)
					x.VSHUFPS(U8(0xdd), b, a, a)
				case k == 1: // in an even column mostly
					x.VMOVUPS(from.Offset(8), a)
					x.VMOVUPS(from.Offset(8+x.bytes()), b)
					x.VSHUFPS(U8(0x88), b, a, e)
					v = e
				default:
					x.VSHUFPS(U8(0xdd), b, a, a)
				}
				switch {
				case k == 0 && s == 0:
					x.VANDPS(Mem{Base: noFirst}, v, v)
				case k == 2 && s == stripes-1:
					x.VANDPS(Mem{Base: noLast}, v, v)
				}
				for _, t := range acc {
					if t.row == 0 && k == 0 {
						x.VBROADCASTSS(x.address("bias"), t.sums[s])
					}
					x.VFMADD231PS(v, weights[3*t.row+k], t.sums[s])
				}
			}
		}
	}
	loop, end := x.label("rows"), x.label("end")
	store := func(sums []reg.VecVirtual) {
		for _, limit := range []struct {
			name string
			clip func(...Op)
		}{{"lo", x.VMAXPS}, {"hi", x.VMINPS}} {
			x.VBROADCASTSS(x.address(limit.name), a)
			for _, v := range sums {
				x.clip(limit.clip, a, v)
			}
		}
		for s, v := range sums {
			if step == 2 { // halves of pairs have been in turn
				x.VPERMPD(U8(0xd8), v, v)
			}
			x.VMOVUPS(v, place(c, s, apart))
		}
		x.ADDQ(ldc, c)
		x.DECQ(rows)
		x.JZ(LabelRef(end))
	}
	acc := [][]reg.VecVirtual{x.vecs(stripes), x.vecs(stripes)}
	row(rowOfTaps{0, acc[0]})
	if step == 1 {
		acc = append(acc, x.vecs(stripes))
		row(rowOfTaps{1, acc[0]}, rowOfTaps{0, acc[1]})
		x.Label(loop)
		for u := range 3 {
			row(rowOfTaps{2, acc[u]}, rowOfTaps{1, acc[(u+1)%3]}, rowOfTaps{0, acc[(u+2)%3]})
			store(acc[u])
		}
	} else {
		x.Label(loop)
		for u := range 2 {
			row(rowOfTaps{1, acc[u]})
			row(rowOfTaps{2, acc[u]}, rowOfTaps{0, acc[1-u]})
			store(acc[u])
		}
	}
	x.JMP(LabelRef(loop))
	x.Label(end)
	x.ret()
}

// rowOfTaps is which row of taps meets a row of inputs, and the sums it adds to, a
// vector for each stripe of columns.
type rowOfTaps struct {
	row  int
	sums []reg.VecVirtual
}
