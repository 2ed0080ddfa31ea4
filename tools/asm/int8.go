package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitInt8 writes the product of 8-bit integers and what surrounds it.
func emitInt8(x *isa) {
	most := 4
	if x.wide {
		most = 6
	}
	for rows := 1; rows <= most; rows++ {
		if x.wide || rows > 2 {
			int8Gemm(x, rows, false)
		}
	}
	if !x.wide {
		for rows := 1; rows <= most; rows++ {
			int8Gemm(x, rows, true)
		}
		int8Survey(x)
		int8Lay(x)
	}
	int8Scale(x)
	int8Quantize(x)
	int8Dequantize(x)
	extremes(x)
}

// int8ExtraBytes is the size of an int8Extra: where its quad of weights is, and
// four values for each of six rows.
const int8ExtraBytes = 4 + 6*4

// int8Ahead is how many bytes ahead the kernel of one row, which reads weights
// as fast as they come, fetches them: 8 kB ahead is slower than not at all. Two
// panels at once are faster without: the processor fetches both ahead itself.
const int8Ahead = 1 << 10

// int8Unrolled is how many quads a turn of the loop takes; quads are a multiple.
const int8Unrolled = 4

// int8Gemm writes the kernel for tiles of the given rows and a panel of 32
// columns (AVX2) or 64. A vector of b holds four consecutive weights of each of
// its columns, so that they meet the four values of a that a broadcast brings.
// VNNI adds four products in 32 bits. AVX2 adds two in 16 bits with saturation,
// of unsigned values with signed ones, and the caller sees to it that they don't
// need more (see int8Kernel).
//
// With flips the kernel needs no such care, for another operation: it multiplies
// magnitudes of a, at most 128, with b-128, all bits of which are flipped where a
// is negative. Flipped bits are -x-1, which is within the same -128 to 127 as x,
// so that two products never need more than 16 bits; what they lack is in start.
// int8Lay lays out a for that. It is the faster way for many large values of one
// sign, and for one or two rows, which wait for memory more than for arithmetic.
// One row takes two panels at a time, which share what is loaded of a.
func int8Gemm(x *isa, rows int, flips bool) {
	k := int8Tile{isa: x, vectors: 4, flips: flips}
	suffix, width := x.name, 4*x.lanes
	if x.wide {
		suffix = "VNNI"
	} else if rows > 2 { // registers for half a panel at a time
		k.vectors = 2
	}
	name, laid := fmt.Sprintf("int8Gemm%dx%d%s", rows, width, suffix), ""
	if k.flips {
		name, laid = fmt.Sprintf("int8GemmLaid%dx%d%s", rows, width, suffix), " a is what int8Lay makes of it, and extras is 0."
	}
	x.function(name,
		"func(quads, panels int, a *int8, rs int, b *uint8, extra *int32, extras int, start *int32, c *float32, ldc int, sums *int32, scale *float32, zeros *int32, scales, base *float32, ldb int)",
		fmt.Sprintf("%s computes %d rows of a product: for each panel p < panels and column j < %d", name, rows, width),
		"",
		fmt.Sprintf("\tv = start[i] + sum_q,s(a[i*rs+4*q+s] * b[(p*quads+q)*%d+4*j+s])", 4*width),
		fmt.Sprintf("\t\t+ sum_e,s(extra[e].a[i][s] * b[p*quads*%d+extra[e].at+4*j+s])", 4*width),
		fmt.Sprintf("\tc[i*ldc+p*%d+j] = (v - zeros[i]*sums[p*%d+j]) * (scale[p*%d+j]*scales[i]) + base[i*ldb+p*%d+j]", width, width, width, width),
		"",
		"for q < quads, s < 4, e < extras; quads is a multiple of 4. Where scale is nil c gets the bits of v."+laid)
	if !x.wide {
		k.ones = x.load(x.bits(0x00010001))
	}
	k.b, k.column = x.param("b"), x.GP64()
	x.MOVQ(U32(0), k.column)
	rs := x.param("rs")
	k.rows = make([]reg.GPVirtual, rows)
	for i := range k.rows {
		if k.rows[i] = x.GP64(); i == 0 {
			x.Load(x.Param("a"), k.rows[i])
		} else {
			x.LEAQ(Mem{Base: k.rows[i-1], Index: rs, Scale: 1}, k.rows[i])
		}
	}
	panels := x.param("panels")
	if k.flips && rows == 1 {
		x.Label("pair")
		x.SUBQ(U8(2), panels)
		x.JLT(LabelRef("single"))
		k.vectors = 8
		k.columns(0)
		x.JMP(LabelRef("pair"))
		x.Label("single")
		x.ADDQ(U8(2), panels)
		x.JZ(LabelRef("done"))
		k.vectors = 4
		k.columns(0)
		x.Label("done")
		x.ret()
		return
	}
	x.Label("panel")
	for v := 0; v < 4; v += k.vectors {
		k.columns(v)
	}
	x.DECQ(panels)
	x.JNZ(LabelRef("panel"))
	x.ret()
}

// An int8Tile is what the code of int8Gemm has in registers.
type int8Tile struct {
	*isa
	vectors int             // of columns; 8 are those of two panels
	rows    []reg.GPVirtual // of a
	b       reg.GPVirtual   // of the panel
	column  reg.GPVirtual   // of the panel, in bytes of c
	ones    reg.VecVirtual
	flips   bool // a is laid out by int8Lay
}

// columns computes the columns of a panel from a vector on, and goes on to the
// next panel after the last.
func (k *int8Tile) columns(first int) {
	x, skip, panel := k.isa, first*k.bytes(), 4*k.bytes()
	acc := make([][]reg.VecVirtual, len(k.rows))
	start := x.param("start")
	for i := range acc {
		acc[i] = x.vecs(k.vectors)
		x.VPBROADCASTD(Mem{Base: start}.Offset(4*i), acc[i][0])
		for _, v := range acc[i][1:] {
			x.VMOVUPS(acc[i][0], v)
		}
	}
	if k.flips && len(k.rows) == 1 {
		for _, name := range []string{"sums", "scale", "base"} {
			p := x.param(name)
			for v := 0; v < k.vectors; v += 64 / x.bytes() {
				x.PREFETCHT0(Mem{Base: p, Index: k.column, Scale: 1}.Offset(v * x.bytes()))
			}
		}
	}
	// quad adds the products of a quad of weights and what is at(i) for each row.
	quad := func(from []Mem, at func(i int) Mem) {
		bv := make([]Op, k.vectors)
		for v := range bv {
			if bv[v] = from[v/4].Offset(v % 4 * x.bytes()); x.wide || k.vectors == 2 {
				bv[v] = x.load(bv[v])
			}
		}
		for i := range k.rows {
			av := x.to(x.VPBROADCASTD, at(i))
			var flip reg.VecVirtual
			if k.flips {
				flip = x.to(x.VPBROADCASTD, at(i).Offset(4))
			}
			add := func(v int) {
				if x.wide {
					x.VPDPBUSD(av, bv[v], acc[i][v])
					return
				}
				t := x.vec()
				if k.flips {
					x.VPXOR(bv[v], flip, t)
					x.VPMADDUBSW(t, av, t)
				} else {
					x.VPMADDUBSW(av, bv[v], t)
				}
				x.VPMADDWD(k.ones, t, t)
				x.VPADDD(t, acc[i][v], acc[i][v])
			}
			for v := 0; v < k.vectors; v += 2 {
				x.abreast(2, func(n int) { add(v + n) })
			}
		}
	}
	quadBytes := 4 // of a
	if k.flips {
		quadBytes = 8
	}
	b, left, at := []reg.GPVirtual{x.GP64()}, x.param("quads"), x.GP64()
	x.MOVQ(k.b, b[0])
	if k.vectors > 4 {
		b = append(b, x.GP64())
		x.MOVQ(U32(panel), b[1])
		x.IMULQ(left, b[1])
		x.ADDQ(k.b, b[1])
	}
	x.MOVQ(U32(0), at)
	next, many, finish := x.label("quad"), x.label("extra"), x.label("finish")
	x.Label(next)
	for u := range int8Unrolled {
		var from []Mem
		for _, p := range b {
			from = append(from, Mem{Base: p}.Offset(u*panel+skip))
		}
		if len(k.rows) == 1 && len(b) == 1 {
			for line := 0; line < panel; line += 64 {
				x.PREFETCHT0(from[0].Offset(int8Ahead + line))
			}
		}
		quad(from, func(i int) Mem { return Mem{Base: k.rows[i], Index: at, Scale: 1}.Offset(u * quadBytes) })
	}
	for _, p := range b {
		x.ADDQ(U32(int8Unrolled*panel), p)
	}
	x.ADDQ(U8(int8Unrolled*quadBytes), at)
	x.SUBQ(U8(int8Unrolled), left)
	x.JNZ(LabelRef(next))

	if !k.flips {
		extra := x.param("extra")
		x.Load(x.Param("extras"), left)
		x.TESTQ(left, left)
		x.JZ(LabelRef(finish))
		x.Label(many)
		x.MOVLQSX(Mem{Base: extra}, at)
		x.ADDQ(k.b, at)
		quad([]Mem{Mem{Base: at}.Offset(skip)}, func(i int) Mem { return Mem{Base: extra}.Offset(4 + 4*i) })
		x.ADDQ(U8(int8ExtraBytes), extra)
		x.DECQ(left)
		x.JNZ(LabelRef(many))
	}
	x.Label(finish)
	if first+k.vectors >= 4 {
		x.MOVQ(b[len(b)-1], k.b)
	}
	k.finish(acc)
	x.ADDQ(U32(k.vectors*x.bytes()), k.column)
}

// finish scales and stores the sums of a panel.
func (k *int8Tile) finish(acc [][]reg.VecVirtual) {
	x := k.isa
	at := func(p reg.GPVirtual, v int) Mem {
		return Mem{Base: p, Index: k.column, Scale: 1}.Offset(v * x.bytes())
	}
	next := func(i int, p reg.GPVirtual, ld string) {
		if i+1 < len(acc) {
			x.LEAQ(Mem{Base: p, Index: x.param(ld), Scale: 4}, p)
		}
	}
	c, scale := x.param("c"), x.param("scale")
	integers, done := x.label("integers"), x.label("done")
	x.TESTQ(scale, scale)
	x.JZ(LabelRef(integers))
	sums, base := x.param("sums"), x.param("base")
	for i := range acc {
		z := x.to(x.VPBROADCASTD, Mem{Base: x.param("zeros")}.Offset(4*i))
		s := x.to(x.VBROADCASTSS, Mem{Base: x.param("scales")}.Offset(4*i))
		for v, sum := range acc[i] {
			x.VPSUBD(x.to(x.VPMULLD, at(sums, v), z), sum, sum)
			sum = x.to(x.VCVTDQ2PS, sum)
			x.fma(sum, x.mul(s, at(scale, v)), at(base, v))
			x.VMOVUPS(sum, at(c, v))
		}
		next(i, base, "ldb")
		next(i, c, "ldc")
	}
	x.JMP(LabelRef(done))
	x.Label(integers)
	for i := range acc {
		for v, sum := range acc[i] {
			x.VMOVUPS(sum, at(c, v))
		}
		next(i, c, "ldc")
	}
	x.Label(done)
}

// int8Survey writes the search for what int8Gemm's pairs can't hold.
func int8Survey(x *isa) {
	x.function("int8Survey"+x.name, "func(a []int8, masks *uint32) (sum int32)",
		"int8Survey"+x.name+" sums a, whose length is a multiple of 32, and for each 32 values writes a word whose bits 2*i and 2*i+1",
		"tell whether the positive or the negative of values 2*i and 2*i+1 sum to a magnitude above 128.")
	n, a, masks := x.slice("a"), x.base("a"), x.param("masks")
	ones, words, limit := x.load(x.bits(0x01010101)), x.load(x.bits(0x00010001)), x.load(x.bits(0x00800080))
	sum, zero := x.vec(), x.vec()
	x.zero(sum)
	x.zero(zero)
	x.TESTQ(n, n)
	x.JZ(LabelRef("end"))
	x.Label("next")
	v := x.load(Mem{Base: a})
	both := x.to(x.VPMADDUBSW, v, ones)
	positive := x.to(x.VPMADDUBSW, ones, x.to(x.VPMAXSB, zero, v))
	negative := x.to(x.VPSUBW, both, positive) // its magnitude
	over, mask := x.to(x.VPCMPGTW, limit, x.to(x.VPMAXSW, negative, positive)), x.GP32()
	x.VPMOVMSKB(over, mask)
	x.MOVL(mask, Mem{Base: masks})
	x.VPADDD(x.to(x.VPMADDWD, words, both), sum, sum)
	x.ADDQ(U8(32), a)
	x.ADDQ(U8(4), masks)
	x.SUBQ(U8(32), n)
	x.JNZ(LabelRef("next"))
	x.Label("end")
	out := x.GP32()
	x.VMOVD(x.fold(sum, x.VPADDD), out)
	x.Store(out, x.ReturnIndex(0))
	x.ret()
}

// int8Lay writes how the product of one row wants it.
func int8Lay(x *isa) {
	x.function("int8Lay"+x.name, "func(dst, a *int8, n int) (sum, start int32)",
		"int8Lay"+x.name+" sums n values of a, a multiple of 32, and lays them out for the product of one row: 8 bytes for each",
		"four, their magnitudes and then what is to be exclusive-ored with weights, 0x80 or, where a is negative, 0x7f. start is",
		"what that product lacks: 128 for each unit of the sum and 1 for each below 0.")
	n, a, dst := x.param("n"), x.param("a"), x.param("dst")
	ones, words, middle := x.load(x.bits(0x01010101)), x.load(x.bits(0x00010001)), x.load(x.bits(0x80808080))
	sum, start, zero := x.vec(), x.vec(), x.vec()
	for _, v := range []reg.VecVirtual{sum, start, zero} {
		x.zero(v)
	}
	x.TESTQ(n, n)
	x.JZ(LabelRef("end"))
	x.Label("next")
	v, below, low, high, both := x.load(Mem{Base: a}), x.vec(), x.vec(), x.vec(), x.vec()
	x.VPADDD(x.to(x.VPMADDWD, words, x.to(x.VPMADDUBSW, v, ones)), sum, sum)
	x.VPCMPGTB(v, zero, below)
	size := x.to(x.VPABSB, v)
	x.VPAND(below, size, both)
	x.VPSADBW(both, zero, both)
	x.VPADDD(both, start, start)
	x.VPXOR(below, middle, below)
	x.VPUNPCKLDQ(below, size, low)
	x.VPUNPCKHDQ(below, size, high)
	for half, pick := range []U8{0x20, 0x31} {
		x.VPERM2F128(pick, high, low, both)
		x.VMOVUPS(both, Mem{Base: dst}.Offset(half*x.bytes()))
	}
	x.ADDQ(U8(32), a)
	x.ADDQ(U8(64), dst)
	x.SUBQ(U8(32), n)
	x.JNZ(LabelRef("next"))
	x.Label("end")
	x.VPSLLD(U8(7), sum, zero)
	x.VPADDD(zero, start, start)
	for i, v := range []reg.VecVirtual{sum, start} {
		out := x.GP32()
		x.VMOVD(x.fold(v, x.VPADDD), out)
		x.Store(out, x.ReturnIndex(i))
	}
	x.ret()
}

// int8Scale writes the way back from integers.
func int8Scale(x *isa) {
	x.function("int8Scale"+x.name,
		"func(rows, n int, dst *float32, ldd int, base *float32, ldb int, acc *int32, lda int, sums, zero *int32, scale, scales *float32, zeros, rowSums *int32)",
		"int8Scale"+x.name+" is, for i < rows, j < n, rows > 0,",
		"",
		"\tdst[i*ldd+j] = (acc[i*lda+j] - zeros[i]*sums[j] - rowSums[i]*zero[j]) * (scale[j]*scales[i]) + base[i*ldb+j]")
	rows := x.param("rows")
	scales, zeros, rowSums := x.param("scales"), x.param("zeros"), x.param("rowSums")
	n, sums, zero, scale := x.GP64(), x.GP64(), x.GP64(), x.GP64()
	dst, base, acc := x.param("dst"), x.param("base"), x.param("acc")
	x.Label("row")
	z, rowSum, s := x.vec(), x.vec(), x.vec()
	x.VPBROADCASTD(Mem{Base: zeros}, z)
	x.VPBROADCASTD(Mem{Base: rowSums}, rowSum)
	x.VBROADCASTSS(Mem{Base: scales}, s)
	x.Load(x.Param("n"), n)
	x.Load(x.Param("sums"), sums)
	x.Load(x.Param("zero"), zero)
	x.Load(x.Param("scale"), scale)
	x.loop(n, 1, []reg.GPVirtual{dst, base, acc, sums, zero, scale}, func(io vectorIO, _ int) {
		v := io.load(acc)
		x.VPSUBD(x.to(x.VPMULLD, io.load(sums), z), v, v)
		x.VPSUBD(x.to(x.VPMULLD, io.load(zero), rowSum), v, v)
		v = x.to(x.VCVTDQ2PS, v)
		x.fma(v, x.mul(io.load(scale), s), io.load(base))
		io.store(v, dst)
	})
	whole, step := x.GP64(), x.GP64() // the loop has moved the pointers by whole vectors
	x.Load(x.Param("n"), whole)
	x.ANDQ(I8(-x.lanes), whole)
	for _, p := range []struct {
		at reg.GPVirtual
		by string
	}{{dst, "ldd"}, {base, "ldb"}, {acc, "lda"}} {
		x.Load(x.Param(p.by), step)
		x.SUBQ(whole, step)
		x.LEAQ(Mem{Base: p.at, Index: step, Scale: 4}, p.at)
	}
	for _, p := range []reg.GPVirtual{scales, zeros, rowSums} {
		x.ADDQ(U8(4), p)
	}
	x.DECQ(rows)
	x.JNZ(LabelRef("row"))
	x.ret()
}

// int8Quantize writes the way to integers.
func int8Quantize(x *isa) {
	x.function("int8Quantize"+x.name, "func(dst *int8, src []float32, scale, zero float32, flip uint32)",
		"int8Quantize"+x.name+" is dst[i] = clamp(round(src[i]/scale) + zero, -128, 127) ^ flip, -128 for NaN, with flip repeated in",
		fmt.Sprintf("every byte of a word; len(src) is a multiple of %d.", x.lanes))
	n, src, dst := x.slice("src"), x.base("src"), x.param("dst")
	scale, zero, flip := x.broadcast("scale"), x.broadcast("zero"), x.broadcast("flip")
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
		x.VPXORD(flip, v, v)
		x.VPMOVDB(v, Mem{Base: dst})
	} else {
		h := x.XMM()
		x.VEXTRACTI128(U8(1), v, h)
		x.VPACKSSDW(h, v.AsX(), h)
		x.VPACKSSWB(h, h, h)
		x.VPXOR(flip.AsX(), h, h)
		x.VMOVQ(h, Mem{Base: dst})
	}
	x.ADDQ(U32(x.bytes()), src)
	x.ADDQ(U8(x.lanes), dst)
	x.SUBQ(U8(x.lanes), n)
	x.JNZ(LabelRef("next"))
	x.Label("end")
	x.ret()
}

// int8Dequantize writes the way back from bytes alone.
func int8Dequantize(x *isa) {
	x.function("int8Dequantize"+x.name, "func(dst []float32, src *uint8, flip uint32, zero int32, scale float32)",
		"int8Dequantize"+x.name+" is dst[i] = (src[i]^flip - zero) * scale, the difference being an integer;",
		fmt.Sprintf("len(dst) is a multiple of %d.", x.lanes))
	n, dst, src := x.slice("dst"), x.base("dst"), x.param("src")
	scale, zero, flip := x.broadcast("scale"), x.broadcast("zero"), x.broadcast("flip")
	x.TESTQ(n, n)
	x.JZ(LabelRef("end"))
	x.Label("next")
	v := x.to(x.VPMOVZXBD, Mem{Base: src})
	if x.wide {
		x.VPXORD(flip, v, v)
	} else {
		x.VPXOR(flip, v, v)
	}
	x.VPSUBD(zero, v, v)
	x.VMOVUPS(x.mul(x.to(x.VCVTDQ2PS, v), scale), Mem{Base: dst})
	x.ADDQ(U32(x.bytes()), dst)
	x.ADDQ(U8(x.lanes), src)
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
