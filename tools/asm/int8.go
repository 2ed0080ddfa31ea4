package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitInt8 writes the product of 8-bit integers and what surrounds it.
func emitInt8(x *isa) {
	most := 5
	if x.wide {
		most = 6
	}
	for rows := 1; rows <= most; rows++ {
		int8Gemm(x, rows)
	}
	int8Scale(x)
	int8Quantize(x)
	extremes(x)
}

// int8Gemm writes the kernel for tiles of the given rows and a panel of 16
// columns (AVX2) or 64. A vector of b holds four consecutive weights of each of
// its columns, so that they meet the four values of a that a broadcast brings.
func int8Gemm(x *isa, rows int) {
	vectors, suffix := 2, x.name
	if x.wide {
		vectors, suffix = 4, "VNNI"
	}
	width := vectors * x.lanes
	x.function(fmt.Sprintf("int8Gemm%dx%d%s", rows, width, suffix),
		"func(quads, panels int, a *int8, rs int, b *int8, sums, c *int32, ldc int, add bool)",
		fmt.Sprintf("int8Gemm%dx%d%s computes %d rows of a product: for each panel p < panels and column j < %d", rows, width, suffix, rows, width),
		"",
		fmt.Sprintf("\tc[i*ldc+p*%d+j] = sum_q,s(a[i*rs+4*q+s] * b[(p*quads+q)*%d+4*j+s]) + (add ? c[i*ldc+p*%d+j] : 0)", width, 4*width, width),
		"",
		fmt.Sprintf("for q < quads, s < 4. b is at least -127, and sums[p*%d+j] is the sum of its column.", width))
	quads, panels, b, c := x.param("quads"), x.param("panels"), x.param("b"), x.param("c")
	a0, rs, rs3 := x.param("a"), x.param("rs"), x.GP64()
	x.LEAQ(Mem{Base: rs, Index: rs, Scale: 2}, rs3)
	var sums reg.GPVirtual
	var flip, ones reg.VecVirtual
	if x.wide {
		sums, flip = x.param("sums"), x.load(x.bits(0x80808080))
	} else {
		ones = x.load(x.bits(0x00010001))
	}
	acc := make([][]reg.VecVirtual, rows)
	for i := range acc {
		acc[i] = x.vecs(vectors)
	}
	a, a4, n := x.GP64(), x.GP64(), x.GP64()
	av, am, t := x.vec(), x.vec(), x.vec()
	bv := x.vecs(vectors)

	x.Label("panel")
	x.MOVQ(a0, a)
	x.LEAQ(Mem{Base: a, Index: rs, Scale: 4}, a4)
	x.MOVQ(quads, n)
	if x.wide { // bytes of a count 128 more than they are; take that off
		for v := range vectors {
			x.VPSLLD(U8(7), Mem{Base: sums}.Offset(v*x.bytes()), t)
			x.VPXORD(acc[0][v], acc[0][v], acc[0][v])
			x.VPSUBD(t, acc[0][v], acc[0][v])
			for i := 1; i < rows; i++ {
				x.VMOVDQA32(acc[0][v], acc[i][v])
			}
		}
		x.ADDQ(U32(4*width), sums)
	} else {
		for i := range acc {
			for _, v := range acc[i] {
				x.zero(v)
			}
		}
	}
	row := func(i int) Mem {
		base := a
		if i > 3 {
			base = a4
		}
		switch i % 4 {
		case 1, 2:
			return Mem{Base: base, Index: rs, Scale: uint8(i % 4)}
		case 3:
			return Mem{Base: base, Index: rs3, Scale: 1}
		}
		return Mem{Base: base}
	}
	x.Label("quad")
	for v := range bv {
		x.VMOVUPS(Mem{Base: b}.Offset(v*x.bytes()), bv[v])
	}
	for i := range rows {
		x.VPBROADCASTD(row(i), av)
		if x.wide {
			x.VPXORD(flip, av, av)
			for v := range vectors {
				x.VPDPBUSD(bv[v], av, acc[i][v])
			}
			continue
		}
		// |a| times b under a's sign: pairs sum to at most 2*128*127, within 16 bits.
		x.VPABSB(av, am)
		for v := range vectors {
			x.VPSIGNB(av, bv[v], t)
			x.VPMADDUBSW(t, am, t)
			x.VPMADDWD(ones, t, t)
			x.VPADDD(t, acc[i][v], acc[i][v])
		}
	}
	x.ADDQ(U32(vectors*x.bytes()), b)
	x.ADDQ(U8(4), a)
	if rows > 4 {
		x.ADDQ(U8(4), a4)
	}
	x.DECQ(n)
	x.JNZ(LabelRef("quad"))

	ldc, p := x.param("ldc"), x.GP64()
	x.SHLQ(U8(2), ldc)
	each := func(f func(v reg.VecVirtual, at Mem)) {
		x.MOVQ(c, p)
		for i := range acc {
			for v := range acc[i] {
				f(acc[i][v], Mem{Base: p}.Offset(v*x.bytes()))
			}
			if i+1 < rows {
				x.ADDQ(ldc, p)
			}
		}
	}
	x.CMPB(x.address("add"), Imm(0))
	x.JEQ(LabelRef("set"))
	each(func(v reg.VecVirtual, at Mem) { x.VPADDD(at, v, v) })
	x.Label("set")
	each(func(v reg.VecVirtual, at Mem) { x.VMOVUPS(v, at) })
	x.ADDQ(U32(4*width), c)
	x.DECQ(panels)
	x.JNZ(LabelRef("panel"))
	x.ret()
}

// int8Scale writes the way back from integers.
func int8Scale(x *isa) {
	x.function("int8Scale"+x.name, "func(dst []float32, acc, sums []int32, scale []float32, zero int32, s float32, add bool)",
		"int8Scale"+x.name+" is dst[i] = (acc[i] - zero*sums[i]) * (scale[i]*s) + (add ? dst[i] : 0).")
	n, dst, acc, sums, scale := x.slice("dst"), x.base("dst"), x.base("acc"), x.base("sums"), x.base("scale")
	zero, s := x.broadcast("zero"), x.broadcast("s")
	body := func(add bool) func(io vectorIO, _ int) {
		return func(io vectorIO, _ int) {
			v := x.to(x.VPMULLD, io.load(sums), zero)
			v = x.to(x.VCVTDQ2PS, x.to(x.VPSUBD, v, io.load(acc)))
			f := x.mul(io.load(scale), s)
			if add {
				x.fma(v, f, io.load(dst))
			} else {
				v = x.mul(v, f)
			}
			io.store(v, dst)
		}
	}
	x.CMPB(x.address("add"), Imm(0))
	x.JEQ(LabelRef("set"))
	x.loop(n, 1, []reg.GPVirtual{dst, acc, sums, scale}, body(true))
	x.ret()
	x.Label("set")
	x.loop(n, 1, []reg.GPVirtual{dst, acc, sums, scale}, body(false))
	x.ret()
}

// int8Quantize writes the way to integers.
func int8Quantize(x *isa) {
	x.function("int8Quantize"+x.name, "func(dst *int8, src []float32, scale, zero float32)",
		"int8Quantize"+x.name+" is dst[i] = clamp(round(src[i]/scale) + zero, -128, 127), -128 for NaN;",
		fmt.Sprintf("len(src) is a multiple of %d.", x.lanes))
	n, src, dst := x.slice("src"), x.base("src"), x.param("dst")
	scale, zero := x.broadcast("scale"), x.broadcast("zero")
	least, most := x.sub(x.load(x.float(-128)), zero), x.sub(x.load(x.float(127)), zero)
	izero := x.to(x.VCVTPS2DQ, zero)
	x.TESTQ(n, n)
	x.JZ(LabelRef("end"))
	x.Label("next")
	v := x.div(x.load(Mem{Base: src}), scale)
	v = x.to(x.VMAXPS, least, v) // least for NaN
	v = x.to(x.VMINPS, most, v)
	v = x.to(x.VPADDD, x.to(x.VCVTPS2DQ, v), izero)
	if x.wide {
		x.VPMOVDB(v, Mem{Base: dst})
	} else {
		h := x.XMM()
		x.VEXTRACTI128(U8(1), v, h)
		x.VPACKSSDW(h, v.AsX(), h)
		x.VPACKSSWB(h, h, h)
		x.VMOVQ(h, Mem{Base: dst})
	}
	x.ADDQ(U32(x.bytes()), src)
	x.ADDQ(U8(x.lanes), dst)
	x.SUBQ(U8(x.lanes), n)
	x.JNZ(LabelRef("next"))
	x.Label("end")
	x.ret()
}

// extremes writes the search for the range that integers must cover.
func extremes(x *isa) {
	x.function("extremes"+x.name, "func(x []float32) (least, most float32)",
		"extremes"+x.name+" finds the least and the largest value of x and 0; both are NaN if x has a NaN or an infinity.")
	n, src := x.slice("x"), x.base("x")
	least, most, nan, zero := x.vec(), x.vec(), x.vec(), x.vec()
	for _, v := range []reg.VecVirtual{least, most, nan, zero} {
		x.zero(v)
	}
	x.loop(n, 1, []reg.GPVirtual{src}, func(io vectorIO, _ int) {
		v := io.load(src)
		x.VMINPS(least, v, least)
		x.VMAXPS(most, v, most)
		x.VFMADD231PS(zero, v, nan)
	})
	x.VADDPS(nan, least, least)
	x.VADDPS(nan, most, most)
	// A minimum loses NaN where a sum does not: add that of all.
	x.fold(nan, x.VADDPS)
	for _, r := range []struct {
		v    reg.VecVirtual
		f    func(...Op)
		name string
	}{{least, x.VMINPS, "least"}, {most, x.VMAXPS, "most"}} {
		x.fold(r.v, r.f)
		x.VADDSS(nan.AsX(), r.v.AsX(), r.v.AsX())
		x.Store(r.v.AsX(), x.Return(r.name))
	}
	x.ret()
}
