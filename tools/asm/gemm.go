package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tiles lists the micro-kernels of the matrix product: for each number of
// vectors in a row of the tile the most rows for which registers hold the
// tile, a row of B and the broadcast of A. Wide tiles load less per
// multiplication; the narrow ones serve the last panel.
func tiles(x *isa) []int {
	if x.wide {
		return []int{1: 12, 2: 12, 3: 8, 4: 6}
	}
	return []int{1: 12, 2: 6}
}

func emitGemm(x *isa) {
	for vectors, most := range tiles(x) {
		for rows := 1; rows <= most; rows++ {
			gemm(x, rows, vectors, 0)
		}
	}
	widest := len(tiles(x)) - 1
	for rows := 2; rows <= tiles(x)[widest]; rows++ {
		gemm(x, rows, widest, farAhead)
	}
	peak(x)
}

const gemmSignature = "func(k, panels int, a *float32, rs, cs int, b *float32, bs, pb int, c *float32, ldc, last int, add bool, next *float32, ahead int)"

// farAhead is how many bytes ahead B is fetched where it comes from beyond the
// near caches: the processor alone then keeps too few lines on their way.
const farAhead = 8 << 10

// gemm writes the kernel for tiles of the given rows and vectors. One that is
// to fetch B ahead does nothing about what comes next.
func gemm(x *isa, rows, vectors, ahead int) {
	width := vectors * x.lanes
	name, fetched := fmt.Sprintf("gemm%dx%d%s", rows, width, x.name), "and may fetch next[:k/2*ahead] into the cache."
	if ahead > 0 {
		name, fetched = fmt.Sprintf("gemmFar%dx%d%s", rows, width, x.name), "fetching b early into the cache."
	}
	x.function(name, gemmSignature,
		fmt.Sprintf("%s computes %d rows of a product: for each panel p < panels, l < k and", name, rows),
		fmt.Sprintf("column j < %d (j < last in the last panel)", width),
		"",
		fmt.Sprintf("\tc[i*ldc+p*%d+j] = sum_l(a[i*rs+l*cs] * b[p*pb+l*bs+j]) + (add ? c[i*ldc+p*%d+j] : 0)", width, width),
		"",
		fetched)

	bs, bs3 := x.param("bs"), x.GP64()
	x.SHLQ(U8(2), bs)
	b, c, panels := x.param("b"), x.param("c"), x.param("panels")
	a := newRows(x, x.param("a"), x.param("rs"), x.param("cs"), rows)

	// One chain of additions per row and vector; in small tiles several, so
	// that the multiplier does not wait for its own results.
	sets := 1
	for sets < 4 && rows*vectors*sets < 8 {
		sets *= 2
	}
	acc := make([][][]reg.VecVirtual, sets)
	for s := range acc {
		acc[s] = make([][]reg.VecVirtual, rows)
		for i := range acc[s] {
			acc[s][i] = x.vecs(vectors)
		}
	}

	if group := groupSize(x, rows, vectors); group > 1 {
		gemmGroup(x, rows, vectors, group, ahead, a, b, bs, c, panels)
	}

	panel := x.label("panel")
	x.Label(panel)
	x.LEAQ(Mem{Base: bs, Index: bs, Scale: 2}, bs3)
	a.multiples()
	for s := range acc {
		for i := range acc[s] {
			for _, v := range acc[s][i] {
				x.zero(v)
			}
		}
	}

	// Tall products stream B past tiles of A: two tiles of one panel fetch the
	// next one, the lines of a row every other step.
	fetches := ahead == 0 && rows > 1 && vectors == len(tiles(x))-1
	var next, stride reg.GPVirtual
	if fetches {
		fetchTile(x, rows, width, c)
		next, stride = x.param("next"), x.param("ahead")
		x.SHLQ(U8(2), stride)
	}

	var bv []reg.VecVirtual
	if rows > 1 {
		bv = x.vecs(vectors)
	}
	av := x.vecs(min(2, x.registers()-rows*vectors*sets-len(bv)))
	step := func(u int, fetch bool) {
		row := []Mem{{Base: b}, {Base: b, Index: bs, Scale: 1}, {Base: b, Index: bs, Scale: 2}, {Base: b, Index: bs3, Scale: 1}}[u]
		if ahead > 0 {
			x.fetch(row.Offset(ahead), width)
		}
		for v := range bv {
			x.VMOVUPS(row.Offset(v*x.bytes()), bv[v])
		}
		for i := range rows {
			a0 := av[i%len(av)]
			x.VBROADCASTSS(a.at(i), a0)
			for v := range vectors {
				var from Op = row.Offset(v * x.bytes())
				if rows > 1 {
					from = bv[v]
				}
				x.VFMADD231PS(from, a0, acc[u%sets][i][v])
			}
		}
		a.advance(a.cs)
		if fetch {
			x.fetch(Mem{Base: next}, width)
			x.ADDQ(stride, next)
		}
	}
	k := x.param("k")
	four, one, tail, done := x.label("four"), x.label("one"), x.label("tail"), x.label("done")
	x.SUBQ(U8(4), k)
	x.JLT(LabelRef(tail))
	x.Label(four)
	for u := range 4 {
		step(u, fetches && u%2 == 0)
	}
	x.LEAQ(Mem{Base: b, Index: bs, Scale: 4}, b)
	x.SUBQ(U8(4), k)
	x.JGE(LabelRef(four))
	x.Label(tail)
	x.ADDQ(U8(4), k)
	x.JZ(LabelRef(done))
	x.Label(one)
	step(0, false)
	x.ADDQ(bs, b)
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
	storeTile(x, acc[0], c, panels)

	// On to the next panel: a back to its start, b on by pb - k*bs.
	x.Load(x.Param("k"), k)
	back := x.GP64()
	x.MOVQ(bs, back)
	x.IMULQ(k, back)
	x.SUBQ(back, b)
	x.IMULQ(a.cs, k)
	a.retreat(k)
	x.Load(x.Param("pb"), k)
	x.LEAQ(Mem{Base: b, Index: k, Scale: 4}, b)
	x.ADDQ(U32(4*width), c)
	x.DECQ(panels)
	x.JNZ(LabelRef(panel))
	x.ret()
}

// groupSize is how many panels a kernel of few rows works on at once. Its
// speed is that of reading B, and the processor fetches several streams ahead
// faster than one.
func groupSize(x *isa, rows, vectors int) int {
	if vectors != len(tiles(x))-1 {
		return 1
	}
	return []int{4, 2, 2, 1, 1, 1}[min(rows, 6)-1]
}

// gemmGroup writes the loop over groups of whole panels.
func gemmGroup(x *isa, height, vectors, group, ahead int, a *rows, b, bs, c, panels reg.GPVirtual) {
	width := vectors * x.lanes
	top, whole, end := x.label("group"), x.label("whole"), x.label("single")
	k4, k1, tail, done := x.label("four"), x.label("one"), x.label("tail"), x.label("done")
	x.Label(top)
	x.CMPQ(panels, Imm(uint64(group)))
	x.JLT(LabelRef(end))
	x.JNE(LabelRef(whole))
	x.CMPQ(x.address("last"), Imm(uint64(width)))
	x.JNE(LabelRef(end))
	x.Label(whole)

	pb, pb3 := x.param("pb"), x.GP64()
	x.SHLQ(U8(2), pb)
	if group > 3 {
		x.LEAQ(Mem{Base: pb, Index: pb, Scale: 2}, pb3)
	}
	a.multiples()
	acc := make([][][]reg.VecVirtual, group)
	for g := range acc {
		acc[g] = make([][]reg.VecVirtual, height)
		for i := range acc[g] {
			acc[g][i] = x.vecs(vectors)
			for _, v := range acc[g][i] {
				x.zero(v)
			}
		}
	}
	av := x.vecs(height)
	bv := x.vec()
	step := func() {
		for i := range height {
			x.VBROADCASTSS(a.at(i), av[i])
		}
		a.advance(a.cs)
		for g := range group {
			from := []Mem{{Base: b}, {Base: b, Index: pb, Scale: 1}, {Base: b, Index: pb, Scale: 2}, {Base: b, Index: pb3, Scale: 1}}[g]
			if ahead > 0 {
				x.fetch(from.Offset(ahead), width)
			}
			for v := range vectors {
				at := from.Offset(v * x.bytes())
				if height == 1 {
					x.VFMADD231PS(at, av[0], acc[g][0][v])
					continue
				}
				x.VMOVUPS(at, bv)
				for i := range height {
					x.VFMADD231PS(bv, av[i], acc[g][i][v])
				}
			}
		}
		x.ADDQ(bs, b)
	}
	k := x.param("k")
	x.SUBQ(U8(4), k)
	x.JLT(LabelRef(tail))
	x.Label(k4)
	for range 4 {
		step()
	}
	x.SUBQ(U8(4), k)
	x.JGE(LabelRef(k4))
	x.Label(tail)
	x.ADDQ(U8(4), k)
	x.JZ(LabelRef(done))
	x.Label(k1)
	step()
	x.DECQ(k)
	x.JNZ(LabelRef(k1))
	x.Label(done)

	ldc, p := x.param("ldc"), x.GP64()
	x.SHLQ(U8(2), ldc)
	set := x.label("set")
	each := func(f func(v reg.VecVirtual, at Mem)) {
		x.MOVQ(c, p)
		for i := range height {
			for g := range group {
				for n, v := range acc[g][i] {
					f(v, Mem{Base: p}.Offset(g*4*width+n*x.bytes()))
				}
			}
			if i+1 < height {
				x.ADDQ(ldc, p)
			}
		}
	}
	x.CMPB(x.address("add"), Imm(0))
	x.JEQ(LabelRef(set))
	each(func(v reg.VecVirtual, at Mem) { x.VADDPS(at, v, v) })
	x.Label(set)
	each(func(v reg.VecVirtual, at Mem) { x.VMOVUPS(v, at) })

	x.Load(x.Param("k"), k)
	back := x.GP64()
	x.MOVQ(bs, back)
	x.IMULQ(k, back)
	x.SUBQ(back, b)
	x.IMULQ(a.cs, k)
	a.retreat(k)
	x.LEAQ(Mem{Base: b, Index: pb, Scale: uint8(group)}, b)
	x.ADDQ(U32(4*width*group), c)
	x.SUBQ(U8(group), panels)
	x.JNZ(LabelRef(top))
	x.ret()
	x.Label(end)
}

// fetch brings so many values to the second-level cache.
func (x *isa) fetch(from Mem, values int) {
	for line := 0; line < 4*values; line += 64 {
		x.PREFETCHT1(from.Offset(line))
	}
}

// fetchTile fetches the tile of c while the product is computed.
func fetchTile(x *isa, rows, width int, c reg.GPVirtual) {
	ldc, p := x.param("ldc"), x.GP64()
	x.SHLQ(U8(2), ldc)
	x.MOVQ(c, p)
	for i := range rows {
		for line := 0; line < 4*width; line += 64 {
			x.PREFETCHT0(Mem{Base: p}.Offset(line))
		}
		if i+1 < rows {
			x.ADDQ(ldc, p)
		}
	}
}

// storeTile writes a tile to c, adding what is there if the parameter add says
// so, and only the parameter last columns if panels is 1.
func storeTile(x *isa, acc [][]reg.VecVirtual, c, panels reg.GPVirtual) {
	vectors := len(acc[0])
	width := vectors * x.lanes
	last, add := x.address("last"), x.address("add")
	ldc, p := x.param("ldc"), x.GP64()
	x.SHLQ(U8(2), ldc)
	x.MOVQ(c, p)
	each := func(f func(v reg.VecVirtual, at Mem, n int)) {
		for i := range acc {
			for n, v := range acc[i] {
				f(v, Mem{Base: p}.Offset(n*x.bytes()), n)
			}
			if i+1 < len(acc) {
				x.ADDQ(ldc, p)
			}
		}
	}
	whole, part, stored := x.label("whole"), x.label("part"), x.label("stored")
	wholeSet, partSet := x.label("wholeSet"), x.label("partSet")

	x.CMPQ(panels, Imm(1))
	x.JNE(LabelRef(whole))
	x.CMPQ(last, Imm(uint64(width)))
	x.JNE(LabelRef(part))
	x.Label(whole)
	x.CMPB(add, Imm(0))
	x.JEQ(LabelRef(wholeSet))
	each(func(v reg.VecVirtual, at Mem, _ int) { x.VADDPS(at, v, v) })
	x.MOVQ(c, p)
	x.Label(wholeSet)
	each(func(v reg.VecVirtual, at Mem, _ int) { x.VMOVUPS(v, at) })
	x.JMP(LabelRef(stored))

	x.Label(part)
	m := x.masks(x.param("last"), vectors)
	t := x.vec()
	x.CMPB(add, Imm(0))
	x.JEQ(LabelRef(partSet))
	each(func(v reg.VecVirtual, at Mem, n int) {
		x.loadMasked(at, m[n], t)
		x.VADDPS(t, v, v)
	})
	x.MOVQ(c, p)
	x.Label(partSet)
	each(func(v reg.VecVirtual, at Mem, n int) { x.storeMasked(v, m[n], at) })
	x.Label(stored)
}

// rows addresses up to 14 rows of A through two pointers: x86 scales an index
// by 1, 2, 4 or 8, so rs, 3rs and 5rs reach rows 0 to 6 from each.
type rows struct {
	x             *isa
	ptr           []reg.GPVirtual
	rs1, rs3, rs5 reg.GPVirtual
	cs            reg.GPVirtual
}

func newRows(x *isa, a, rs, cs reg.GPVirtual, n int) *rows {
	r := &rows{x: x, ptr: []reg.GPVirtual{a}, rs1: rs, cs: cs}
	x.SHLQ(U8(2), cs)
	if n > 1 {
		x.SHLQ(U8(2), rs)
	}
	if n > 3 {
		r.rs3 = x.GP64()
	}
	if n > 5 {
		r.rs5 = x.GP64()
	}
	if n > 7 {
		second := x.GP64()
		x.LEAQ(Mem{Base: rs, Index: rs, Scale: 2}, second)
		x.LEAQ(Mem{Base: a, Index: second, Scale: 2}, second)
		x.ADDQ(rs, second)
		r.ptr = append(r.ptr, second)
	}
	return r
}

// multiples computes 3rs and 5rs; they need not be kept outside the loop.
func (r *rows) multiples() {
	if r.rs3 != nil {
		r.x.LEAQ(Mem{Base: r.rs1, Index: r.rs1, Scale: 2}, r.rs3)
	}
	if r.rs5 != nil {
		r.x.LEAQ(Mem{Base: r.rs1, Index: r.rs1, Scale: 4}, r.rs5)
	}
}

func (r *rows) at(i int) Mem {
	p := r.ptr[i/7]
	switch i % 7 {
	case 1, 2, 4:
		return Mem{Base: p, Index: r.rs1, Scale: uint8(i % 7)}
	case 3, 6:
		return Mem{Base: p, Index: r.rs3, Scale: uint8(i % 7 / 3)}
	case 5:
		return Mem{Base: p, Index: r.rs5, Scale: 1}
	}
	return Mem{Base: p}
}

func (r *rows) advance(by Op) {
	for _, p := range r.ptr {
		r.x.ADDQ(by, p)
	}
}

func (r *rows) retreat(by Op) {
	for _, p := range r.ptr {
		r.x.SUBQ(by, p)
	}
}

// peak writes a loop of nothing but independent multiply-adds, the ceiling
// benchmarks compare with.
func peak(x *isa) {
	x.function("peak"+x.name, "func(n int)",
		fmt.Sprintf("peak%s does n times 24 fused multiply-adds of %d values.", x.name, x.lanes))
	n := x.param("n")
	acc := x.vecs(12)
	for _, v := range acc {
		x.zero(v)
	}
	x.Label("loop")
	for i := range 24 {
		x.VFMADD231PS(acc[i%12], acc[i%12], acc[i%12])
	}
	x.DECQ(n)
	x.JNZ(LabelRef("loop"))
	x.ret()
}
