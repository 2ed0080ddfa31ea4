package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// convRows is how many output channels a tile of a convolution has at most.
const convRows = 6

func emitConv(x *isa) {
	for vectors := 1; vectors < len(tiles(x)); vectors++ {
		for rows := 1; rows <= convRows; rows++ {
			convTile(x, rows, vectors, false)
		}
		convLay(x, vectors)
	}
	for rows := 1; rows <= convRows; rows++ {
		convTile(x, rows, len(tiles(x))-1, true)
	}
	depthwise(x)
	maxima(x)
	if !x.wide {
		convLayRows(x)
		convPoint(x)
		copyRows(x)
		splitRows(x)
		for step := 1; step <= 2; step++ {
			depthwise3x3(x, step, 1)
			depthwise3x3(x, step, 2)
		}
	}
}

const convSignature = "func(k, panels int, a, b *float32, apart int, off *int, c *float32, ldc, last int, from *float32, ldf int, bias *float32, lo, hi float32)"

// convTile writes the kernel for tiles of the given output channels and vectors
// of positions, of one panel that it lays out or of several.
func convTile(x *isa, rows, vectors int, lays bool) {
	name, signature := fmt.Sprintf("conv%dx%d%s", rows, vectors*x.lanes, x.name), convSignature
	doc := []string{
		fmt.Sprintf("%s computes %d rows and panels of %d vectors, of the last of which last values count:", name, rows, vectors),
		"",
		fmt.Sprintf("\tc[i*ldc+j] = clip(bias[i] + from[i*ldf+j] + sum_l(a[l*%d+i] * b[off[l]+j]), lo, hi)", rows),
		"",
		"for l < k, where from may be nil. From one panel to the next b moves by apart."}
	if lays {
		name = "convAndLay" + name[len("conv"):]
		signature = signature[:len(signature)-1] + ", lay *float32)"
		doc = []string{
			fmt.Sprintf("%s is conv%s of one panel, and lay[l*%d+j] = b[off[l]+j] for j < %d.", name, name[len("convAndLay"):], vectors*x.lanes, vectors*x.lanes),
			"It asks for the next one: see convLay."}
	}
	x.function(name, signature, doc...)
	b, panels, shift := x.param("b"), x.param("panels"), x.GP64()
	x.MOVQ(U32(0), shift)
	panel := x.label("panel")
	x.Label(panel)
	a, off, k := x.param("a"), x.param("off"), x.param("k")

	sets := 1 // as in gemm
	for sets < 4 && rows*vectors*sets < 8 {
		sets *= 2
	}
	acc := make([][][]reg.VecVirtual, sets)
	for s := range acc {
		acc[s] = make([][]reg.VecVirtual, rows)
		for i := range acc[s] {
			acc[s][i] = x.vecs(vectors)
			for _, v := range acc[s][i] {
				if s > 0 {
					x.zero(v)
				}
			}
		}
	}
	bias := x.param("bias")
	for i := range rows {
		for v := range vectors {
			x.VBROADCASTSS(Mem{Base: bias}.Offset(4*i), acc[0][i][v])
		}
	}
	addTile(x, acc[0], panels, shift)
	fetchNext(x, rows, vectors, "c", "ldc", shift)

	bv, av := x.vecs(vectors), x.vecs(min(2, x.registers()-rows*vectors*sets-vectors))
	var lay reg.GPVirtual
	if lays {
		lay = x.param("lay")
	}
	step := func(u int) {
		at := x.GP64()
		x.MOVQ(Mem{Base: off}.Offset(8*u), at)
		for v := range bv {
			x.VMOVUPS(Mem{Base: b, Index: at, Scale: 4}.Offset(v*x.bytes()), bv[v])
			if lays {
				x.VMOVUPS(bv[v], Mem{Base: lay}.Offset((u*vectors+v)*x.bytes()))
			}
			if lays && v*x.bytes()%64 == 0 {
				x.PREFETCHT1(Mem{Base: b, Index: at, Scale: 4}.Offset((vectors + v) * x.bytes()))
			}
		}
		for i := range rows {
			w := av[i%len(av)]
			x.VBROADCASTSS(Mem{Base: a}.Offset(4*(u*rows+i)), w)
			for v := range vectors {
				x.VFMADD231PS(bv[v], w, acc[u%sets][i][v])
			}
		}
	}
	four, one, tail, done := x.label("four"), x.label("one"), x.label("tail"), x.label("done")
	x.SUBQ(U8(4), k)
	x.JLT(LabelRef(tail))
	x.Label(four)
	for u := range 4 {
		step(u)
	}
	x.ADDQ(U8(16*rows), a)
	if lays {
		x.ADDQ(U32(4*vectors*x.bytes()), lay)
	}
	x.ADDQ(U8(32), off)
	x.SUBQ(U8(4), k)
	x.JGE(LabelRef(four))
	x.Label(tail)
	x.ADDQ(U8(4), k)
	x.JZ(LabelRef(done))
	x.Label(one)
	step(0)
	x.ADDQ(U8(4*rows), a)
	if lays {
		x.ADDQ(U32(vectors*x.bytes()), lay)
	}
	x.ADDQ(U8(8), off)
	x.DECQ(k)
	x.JNZ(LabelRef(one))
	x.Label(done)
	for s := 1; s < sets; s++ {
		for i := range rows {
			for v := range vectors {
				x.VADDPS(acc[s][i][v], acc[0][i][v], acc[0][i][v])
			}
		}
	}
	limit := x.broadcast("lo")
	each := func(f func(...Op)) {
		for _, row := range acc[0] {
			for _, v := range row {
				x.clip(f, limit, v)
			}
		}
	}
	each(x.VMAXPS)
	x.VBROADCASTSS(x.address("hi"), limit)
	each(x.VMINPS)
	tileRows(x, acc[0], "c", "ldc", panels, shift, func(v reg.VecVirtual, at Mem, mask reg.Register) {
		if mask == nil {
			x.VMOVUPS(v, at)
			return
		}
		x.storeMasked(v, mask, at)
	})
	x.Load(x.Param("apart"), k)
	x.LEAQ(Mem{Base: b, Index: k, Scale: 4}, b)
	x.ADDQ(U32(vectors*x.bytes()), shift)
	x.DECQ(panels)
	x.JNZ(LabelRef(panel))
	x.ret()
}

// convLayRows writes the laying out of a panel whose columns are pieces of several
// rows of outputs.
func convLayRows(x *isa) {
	x.function("convLayRows"+x.name, "func(k, rows int, dst, b *float32, off, at, from *int)",
		"convLayRows"+x.name+" is dst[l*16+at[r]+j] = b[off[l]+from[r]+j], one row r < rows after the other, for l < k",
		"and j < 16: each writes over what the row before has too much, and the last beyond dst. rows",
		"is 2 to 4; at[0] is 0, and k positive.")
	labels := []string{2: x.label("two"), 3: x.label("three"), 4: x.label("four")}
	for rows := 2; rows < 4; rows++ {
		x.CMPQ(x.address("rows"), Imm(uint64(rows)))
		x.JEQ(LabelRef(labels[rows]))
	}
	for rows := 4; rows >= 2; rows-- {
		x.Label(labels[rows])
		k, dst, off := x.param("k"), x.param("dst"), x.param("off")
		b, to := make([]reg.GPVirtual, rows), make([]reg.GPVirtual, rows)
		at, from := x.param("at"), x.param("from")
		for r := range rows {
			t := x.GP64()
			b[r], to[r] = x.param("b"), x.GP64()
			x.MOVQ(Mem{Base: from}.Offset(8*r), t)
			x.LEAQ(Mem{Base: b[r], Index: t, Scale: 4}, b[r])
			x.MOVQ(Mem{Base: at}.Offset(8*r), to[r])
		}
		loop := x.label("loop")
		x.Label(loop)
		l := x.GP64()
		x.MOVQ(Mem{Base: off}, l)
		for r := range rows {
			low, high := x.load(Mem{Base: b[r], Index: l, Scale: 4}), x.load(Mem{Base: b[r], Index: l, Scale: 4}.Offset(32))
			x.VMOVUPS(low, Mem{Base: dst, Index: to[r], Scale: 4})
			x.VMOVUPS(high, Mem{Base: dst, Index: to[r], Scale: 4}.Offset(32))
		}
		x.ADDQ(U8(8), off)
		x.ADDQ(U8(64), dst)
		x.DECQ(k)
		x.JNZ(LabelRef(loop))
		x.ret()
	}
}

// convLay writes the laying out of a panel of which so many vectors matter. It asks for
// the next one: see fetchNext.
func convLay(x *isa, vectors int) {
	width := (len(tiles(x)) - 1) * x.lanes
	name := fmt.Sprintf("convLay%d%s", vectors*x.lanes, x.name)
	x.function(name, "func(k int, dst, b *float32, off *int)",
		fmt.Sprintf("%s is dst[l*%d+j] = b[off[l]+j] for l < k and j < %d.", name, width, vectors*x.lanes))
	k, dst, b, off := x.param("k"), x.param("dst"), x.param("b"), x.param("off")
	step := func(u int) {
		at := x.GP64()
		x.MOVQ(Mem{Base: off}.Offset(8*u), at)
		for v := range vectors {
			x.VMOVUPS(x.load(Mem{Base: b, Index: at, Scale: 4}.Offset(v*x.bytes())), Mem{Base: dst}.Offset(4*u*width+v*x.bytes()))
			if v*x.bytes()%64 == 0 {
				x.PREFETCHT1(Mem{Base: b, Index: at, Scale: 4}.Offset(vectors*x.bytes() + v*x.bytes()))
			}
		}
	}
	four, one, tail, done := x.label("four"), x.label("one"), x.label("tail"), x.label("done")
	x.SUBQ(U8(4), k)
	x.JLT(LabelRef(tail))
	x.Label(four)
	for u := range 4 {
		step(u)
	}
	x.ADDQ(U32(16*width), dst)
	x.ADDQ(U8(32), off)
	x.SUBQ(U8(4), k)
	x.JGE(LabelRef(four))
	x.Label(tail)
	x.ADDQ(U8(4), k)
	x.JZ(LabelRef(done))
	x.Label(one)
	step(0)
	x.ADDQ(U32(4*width), dst)
	x.ADDQ(U8(8), off)
	x.DECQ(k)
	x.JNZ(LabelRef(one))
	x.Label(done)
	x.ret()
}

// clip keeps v within a limit, NaN as it is: the instructions return their last
// source then, the first operand here.
func (x *isa) clip(f func(...Op), limit, v reg.VecVirtual) { f(v, limit, v) }

// addTile adds the tile at parameter from, unless that is nil.
func addTile(x *isa, acc [][]reg.VecVirtual, panels, shift reg.GPVirtual) {
	none, from := x.label("none"), x.param("from")
	x.TESTQ(from, from)
	x.JZ(LabelRef(none))
	t := x.vec()
	fetchNext(x, len(acc), len(acc[0]), "from", "ldf", shift)
	tileRows(x, acc, "from", "ldf", panels, shift, func(v reg.VecVirtual, at Mem, mask reg.Register) {
		if mask == nil {
			x.VADDPS(at, v, v)
			return
		}
		x.loadMasked(at, mask, t)
		x.VADDPS(t, v, v)
	})
	x.Label(none)
}

// fetchNext asks for the next panel's place, shift beyond parameter base: each row is
// in a page of its own often enough, and too few bytes long for the processor to see
// where it leads.
func fetchNext(x *isa, rows, vectors int, base, stride string, shift reg.GPVirtual) {
	p, ld := x.param(base), x.param(stride)
	x.ADDQ(shift, p)
	x.SHLQ(U8(2), ld)
	for i := range rows {
		for at := 0; at < vectors*x.bytes(); at += 64 {
			x.PREFETCHT0(Mem{Base: p}.Offset(vectors*x.bytes() + at))
		}
		if i+1 < rows {
			x.ADDQ(ld, p)
		}
	}
}

// tileRows calls f for each vector of a tile and its place, shift beyond parameter
// base, with a mask for the last of a row where parameter last leaves some of its
// values out and this is the last of the panels.
func tileRows(x *isa, acc [][]reg.VecVirtual, base, stride string, panels, shift reg.GPVirtual, f func(v reg.VecVirtual, at Mem, mask reg.Register)) {
	whole, part, end := x.label("whole"), x.label("part"), x.label("end")
	p, ld := x.param(base), x.param(stride)
	x.ADDQ(shift, p)
	x.SHLQ(U8(2), ld)
	each := func(mask reg.Register) {
		for i, row := range acc {
			for n, v := range row {
				if n < len(row)-1 {
					f(v, Mem{Base: p}.Offset(n*x.bytes()), nil)
					continue
				}
				f(v, Mem{Base: p}.Offset(n*x.bytes()), mask)
			}
			if i+1 < len(acc) {
				x.ADDQ(ld, p)
			}
		}
	}
	x.CMPQ(panels, Imm(1))
	x.JNE(LabelRef(whole))
	x.CMPQ(x.address("last"), Imm(uint64(x.lanes)))
	x.JNE(LabelRef(part))
	x.Label(whole)
	each(nil)
	x.JMP(LabelRef(end))
	x.Label(part)
	each(x.masks(x.param("last"), 1)[0])
	x.Label(end)
}

// convPoint writes a tile of a single position: the output channels of a strip are
// the values of a vector.
func convPoint(x *isa) {
	x.function("convPoint"+x.name, "func(k, height int, a, b *float32, off *int, sums *float32)",
		"convPoint"+x.name+" is sums[i] = sum_l(a[l*height+i] * b[off[l]]) for l < k and i < 8, of which",
		"those from height on mean nothing. It reads 8 values of a for each l.")
	k, height, a, b, off := x.param("k"), x.param("height"), x.param("a"), x.param("b"), x.param("off")
	x.SHLQ(U8(2), height)
	height3 := x.GP64()
	x.LEAQ(Mem{Base: height, Index: height, Scale: 2}, height3)
	acc := x.vecs(4)
	for _, v := range acc {
		x.zero(v)
	}
	step := func(u int) {
		at, w := x.GP64(), x.vec()
		x.MOVQ(Mem{Base: off}.Offset(8*u), at)
		x.VBROADCASTSS(Mem{Base: b, Index: at, Scale: 4}, w)
		from := []Mem{{Base: a}, {Base: a, Index: height, Scale: 1}, {Base: a, Index: height, Scale: 2}, {Base: a, Index: height3, Scale: 1}}[u]
		x.VFMADD231PS(from, w, acc[u])
	}
	four, one, tail, done := x.label("four"), x.label("one"), x.label("tail"), x.label("done")
	x.SUBQ(U8(4), k)
	x.JLT(LabelRef(tail))
	x.Label(four)
	for u := range 4 {
		step(u)
	}
	x.LEAQ(Mem{Base: a, Index: height, Scale: 4}, a)
	x.ADDQ(U8(32), off)
	x.SUBQ(U8(4), k)
	x.JGE(LabelRef(four))
	x.Label(tail)
	x.ADDQ(U8(4), k)
	x.JZ(LabelRef(done))
	x.Label(one)
	step(0)
	x.ADDQ(height, a)
	x.ADDQ(U8(8), off)
	x.DECQ(k)
	x.JNZ(LabelRef(one))
	x.Label(done)
	sums := x.param("sums")
	x.VADDPS(acc[1], acc[0], acc[0])
	x.VADDPS(acc[3], acc[2], acc[2])
	x.VADDPS(acc[2], acc[0], acc[0])
	x.VMOVUPS(acc[0], Mem{Base: sums})
	x.ret()
}
