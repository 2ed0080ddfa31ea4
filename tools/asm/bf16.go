package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitBF16 writes what reads weights of 16 bits: bfloat16 is the upper half of
// float32. A word of a panel's row holds a column of its first half below and
// one of its second half above, so that a shift and a mask unpack them.
func emitBF16(x *isa) {
	vectors := len(tiles(x)) - 1 // of a panel
	width := vectors * x.lanes
	upper := func() reg.VecVirtual { return x.load(x.bits(0xffff0000)) }

	x.function(fmt.Sprintf("bf16Row%d%s", width, x.name), "func(k, panels int, a *float32, b *uint32, c *float32, ldc, last int, add bool)",
		fmt.Sprintf("bf16Row%d%s computes one row of a product: for each panel p < panels and column", width, x.name),
		fmt.Sprintf("j < %d (j < last in the last panel)", width),
		"",
		fmt.Sprintf("\tc[p*%d+j] = sum_l(a[l] * B(l,p,j)) + (add ? c[p*%d+j] : 0)", width, width),
		"",
		fmt.Sprintf("with B(l,p,j) the lower half of b[(p*k+l)*%d+j] or, from column %d on, the upper half of b[(p*k+l)*%d+j-%d].", width/2, width/2, width/2, width/2))
	panels, a0, b, c := x.param("panels"), x.param("a"), x.param("b"), x.param("c")
	mask := upper()
	sets := 8 / vectors
	acc := make([][]reg.VecVirtual, sets)
	for s := range acc {
		acc[s] = x.vecs(vectors)
	}
	a, k := x.GP64(), x.GP64()
	av, lo, hi := x.vec(), x.vec(), x.vec()
	panel := x.label("panel")
	x.Label(panel)
	for s := range acc {
		for _, v := range acc[s] {
			x.zero(v)
		}
	}
	x.MOVQ(a0, a)
	step := func(u int) {
		x.VBROADCASTSS(Mem{Base: a}.Offset(4*u), av)
		for v := range vectors / 2 {
			at := Mem{Base: b}.Offset((u*vectors/2 + v) * x.bytes())
			x.VMOVUPS(at, hi)
			x.VPSLLD(U8(16), hi, lo)
			x.VANDPS(mask, hi, hi)
			x.VFMADD231PS(lo, av, acc[u%sets][v])
			x.VFMADD231PS(hi, av, acc[u%sets][vectors/2+v])
		}
	}
	four, one, tail, done := x.label("four"), x.label("one"), x.label("tail"), x.label("done")
	x.Load(x.Param("k"), k)
	x.SUBQ(U8(4), k)
	x.JLT(LabelRef(tail))
	x.Label(four)
	for u := range 4 {
		step(u)
	}
	x.ADDQ(U32(4*vectors/2*x.bytes()), b)
	x.ADDQ(U8(16), a)
	x.SUBQ(U8(4), k)
	x.JGE(LabelRef(four))
	x.Label(tail)
	x.ADDQ(U8(4), k)
	x.JZ(LabelRef(done))
	x.Label(one)
	step(0)
	x.ADDQ(U32(vectors/2*x.bytes()), b)
	x.ADDQ(U8(4), a)
	x.DECQ(k)
	x.JNZ(LabelRef(one))
	x.Label(done)
	for s := 1; s < sets; s++ {
		for v := range vectors {
			x.VADDPS(acc[s][v], acc[0][v], acc[0][v])
		}
	}
	storeTile(x, acc[:1], c, panels)
	x.ADDQ(U32(4*width), c)
	x.DECQ(panels)
	x.JNZ(LabelRef(panel))
	x.ret()

	x.function(fmt.Sprintf("bf16Expand%d%s", width, x.name), "func(rows int, dst *float32, src *uint32)",
		fmt.Sprintf("bf16Expand%d%s unpacks rows of a panel: for i < rows, j < %d", width, x.name, width/2),
		"",
		fmt.Sprintf("\tdst[i*%d+j], dst[i*%d+%d+j] = the lower and the upper half of src[i*%d+j]", width, width, width/2, width/2))
	rows, dst, src := x.param("rows"), x.param("dst"), x.param("src")
	mask = upper()
	x.TESTQ(rows, rows)
	x.JZ(LabelRef("end"))
	x.Label("row")
	for v := range vectors / 2 {
		hi := x.load(Mem{Base: src}.Offset(v * x.bytes()))
		lo := x.to(x.VPSLLD, U8(16), hi)
		x.VMOVUPS(lo, Mem{Base: dst}.Offset(v*x.bytes()))
		x.VMOVUPS(x.and(hi, mask), Mem{Base: dst}.Offset((vectors/2+v)*x.bytes()))
	}
	x.ADDQ(U32(vectors/2*x.bytes()), src)
	x.ADDQ(U32(vectors*x.bytes()), dst)
	x.DECQ(rows)
	x.JNZ(LabelRef("row"))
	x.Label("end")
	x.ret()
}
