package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// convRows is how many output channels a tile of a convolution has at most.
const convRows = 6

func emitConv(x *isa) {
	for vectors := 1; vectors < len(tiles(x)); vectors++ {
		for rows := 1; rows <= convRows; rows++ {
			convTile(x, rows, vectors)
		}
		convLay(x, vectors)
	}
	depthwise(x)
	maxima(x)
	if !x.wide {
		convPoint(x)
		copyRows(x)
		splitRows(x)
	}
}

const convSignature = "func(k, panels int, a, b *float32, apart int, off *int, c *float32, ldc, last int, from *float32, ldf int, bias *float32, lo, hi float32)"

// convTile writes the kernel for tiles of the given output channels and vectors
// of positions.
func convTile(x *isa, rows, vectors int) {
	name := fmt.Sprintf("conv%dx%d%s", rows, vectors*x.lanes, x.name)
	x.function(name, convSignature,
		fmt.Sprintf("%s computes %d rows and panels of %d vectors, of the last of which last values count:", name, rows, vectors),
		"",
		fmt.Sprintf("\tc[i*ldc+j] = clip(bias[i] + from[i*ldf+j] + sum_l(a[l*%d+i] * b[off[l]+j]), lo, hi)", rows),
		"",
		"for l < k, where from may be nil. From one panel to the next b moves by apart.")
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

	bv, av := x.vecs(vectors), x.vecs(min(2, x.registers()-rows*vectors*sets-vectors))
	step := func(u int) {
		at := x.GP64()
		x.MOVQ(Mem{Base: off}.Offset(8*u), at)
		for v := range bv {
			x.VMOVUPS(Mem{Base: b, Index: at, Scale: 4}.Offset(v*x.bytes()), bv[v])
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
	x.ADDQ(U8(32), off)
	x.SUBQ(U8(4), k)
	x.JGE(LabelRef(four))
	x.Label(tail)
	x.ADDQ(U8(4), k)
	x.JZ(LabelRef(done))
	x.Label(one)
	step(0)
	x.ADDQ(U8(4*rows), a)
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

// convLay writes the laying out of a panel of which so many vectors matter.
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
// named as depthwise's. Four rows at a time share what a tap needs.
func window(x *isa, of windowOf) {
	b, ldb, ldb3 := x.param("b"), x.param("ldb"), x.GP64()
	c, ldc, ldc3 := x.param("c"), x.param("ldc"), x.GP64()
	rows := x.param("rows")
	x.SHLQ(U8(2), ldb)
	x.SHLQ(U8(2), ldc)
	x.LEAQ(Mem{Base: ldb, Index: ldb, Scale: 2}, ldb3)
	x.LEAQ(Mem{Base: ldc, Index: ldc, Scale: 2}, ldc3)
	mask := x.masks(x.param("cols"), 1)[0]
	place := func(p, ld, ld3 reg.GPVirtual) []Mem {
		return []Mem{{Base: p}, {Base: p, Index: ld, Scale: 1}, {Base: p, Index: ld, Scale: 2}, {Base: p, Index: ld3, Scale: 1}}
	}
	tile := func(count int) {
		acc := x.vecs(count)
		of.begin(acc)
		taps, off, at := x.param("taps"), x.param("off"), x.GP64()
		loop, part, stored := x.label("taps"), x.label("part"), x.label("stored")
		x.Label(loop)
		x.MOVQ(Mem{Base: off}, at)
		x.LEAQ(Mem{Base: b, Index: at, Scale: 4}, at)
		of.tap(acc, place(at, ldb, ldb3)[:count])
		x.ADDQ(U8(8), off)
		x.DECQ(taps)
		x.JNZ(LabelRef(loop))
		of.end(acc)
		x.CMPQ(x.address("cols"), Imm(uint64(x.lanes)))
		x.JNE(LabelRef(part))
		for i, to := range place(c, ldc, ldc3)[:count] {
			x.VMOVUPS(acc[i], to)
		}
		x.JMP(LabelRef(stored))
		x.Label(part)
		for i, to := range place(c, ldc, ldc3)[:count] {
			x.storeMasked(acc[i], mask, to)
		}
		x.Label(stored)
	}
	four, one, end := x.label("four"), x.label("one"), x.label("end")
	x.Label(four)
	x.CMPQ(rows, Imm(4))
	x.JLT(LabelRef(one))
	tile(4)
	x.LEAQ(Mem{Base: b, Index: ldb, Scale: 4}, b)
	x.LEAQ(Mem{Base: c, Index: ldc, Scale: 4}, c)
	x.SUBQ(U8(4), rows)
	x.JMP(LabelRef(four))
	x.Label(one)
	x.TESTQ(rows, rows)
	x.JZ(LabelRef(end))
	tile(1)
	x.ADDQ(ldb, b)
	x.ADDQ(ldc, c)
	x.DECQ(rows)
	x.JMP(LabelRef(one))
	x.Label(end)
	x.ret()
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
	x.Label(short)
	mask := x.masks(n, 1)[0]
	x.Label(thin)
	x.loadMasked(Mem{Base: src}, mask, v)
	x.storeMasked(v, mask, Mem{Base: dst})
	next(thin)
}

// splitRows writes the parting of a row's even and odd columns.
func splitRows(x *isa) {
	x.function("splitRow"+x.name, "func(even, odd, src *float32, blocks int)",
		"splitRow"+x.name+" is even[j] = src[2*j], odd[j] = src[2*j+1] for j < 8*blocks.")
	even, odd, src, blocks := x.param("even"), x.param("odd"), x.param("src"), x.param("blocks")
	loop, end := x.label("loop"), x.label("end")
	x.Label(loop)
	x.TESTQ(blocks, blocks)
	x.JZ(LabelRef(end))
	a, b := x.load(Mem{Base: src}), x.load(Mem{Base: src}.Offset(32))
	low, high := x.vec(), x.vec()
	x.VPERM2F128(U8(0x20), b, a, low)
	x.VPERM2F128(U8(0x31), b, a, high)
	x.VSHUFPS(U8(0x88), high, low, a)
	x.VSHUFPS(U8(0xdd), high, low, b)
	x.VMOVUPS(a, Mem{Base: even})
	x.VMOVUPS(b, Mem{Base: odd})
	x.ADDQ(U8(64), src)
	x.ADDQ(U8(32), even)
	x.ADDQ(U8(32), odd)
	x.DECQ(blocks)
	x.JMP(LabelRef(loop))
	x.Label(end)
	x.ret()
}
