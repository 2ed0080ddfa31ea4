package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitRows writes what softmax, layer normalisation and attention need beyond
// elementwise functions.
func emitRows(x *isa) {
	dots(x)

	x.function("expSub"+x.name, "func(dst, src []float32, m float32) (sum float32)",
		"expSub"+x.name+" is dst[i] = exp(src[i]-m); sum += dst[i].")
	n, dst, src := x.slice("dst"), x.base("dst"), x.base("src")
	x.Store(x.expSub(n, dst, src, x.broadcast("m")), x.Return("sum"))
	x.ret()

	softmax(x)

	x.function("sumSquaresFrom"+x.name, "func(x []float32, m float32) (sum float32)",
		"sumSquaresFrom"+x.name+" is sum += (x[i]-m)**2.")
	n, src = x.slice("x"), x.base("x")
	m := x.broadcast("m")
	sums := x.vecs(4)
	for _, v := range sums {
		x.zero(v)
	}
	x.loop(n, len(sums), []reg.GPVirtual{src}, func(io vectorIO, i int) {
		d := x.sub(io.keep(io.load(src), m), m)
		x.VFMADD231PS(d, d, sums[i])
	})
	x.Store(reduceAll(x, sums, x.VADDPS), x.Return("sum"))
	x.ret()

	x.function("normalize"+x.name, "func(y, x, gamma, beta []float32, mean, rstd float32)",
		"normalize"+x.name+" is y[i] = (x[i]-mean)*rstd*gamma[i] + beta[i].")
	n = x.slice("y")
	y, src, gamma, beta := x.base("y"), x.base("x"), x.base("gamma"), x.base("beta")
	mean, rstd := x.broadcast("mean"), x.broadcast("rstd")
	x.loop(n, 1, []reg.GPVirtual{y, src, gamma, beta}, func(io vectorIO, _ int) {
		v := x.mul(x.sub(io.load(src), mean), rstd)
		x.fma(v, io.load(gamma), io.load(beta))
		io.store(v, y)
	})
	x.ret()
}

// expSub writes dst[i] = exp(src[i]-m) for n numbers and returns their sum.
func (x *isa) expSub(n, dst, src reg.GPVirtual, m reg.VecVirtual) reg.Register {
	acc := x.vec()
	x.zero(acc)
	x.loopAbreast(n, 3, []reg.GPVirtual{dst, src}, func(io vectorIO, _ int) {
		e := x.exp(x.sub(io.load(src), m))
		io.store(e, dst)
		if io.mask != nil {
			zero := x.vec()
			x.zero(zero)
			e = io.keep(e, zero)
		}
		x.VADDPS(e, acc, acc)
	})
	return x.fold(acc, x.VADDPS)
}

// softmax is what maxOf, expSub and mulScalar do one after the other, bit by bit: a row
// of attention is so short that calls would take a good part of the time.
func softmax(x *isa) {
	x.function("softmax"+x.name, "func(dst, src []float32)",
		"softmax"+x.name+" is dst[i] = exp(src[i]-m) / sum(exp(src[j]-m)) with m = max(src).")
	everywhere := func(r reg.Register) reg.VecVirtual {
		v := x.vec()
		x.VBROADCASTSS(r, v)
		return v
	}
	m := everywhere(x.largest(x.slice("dst"), x.base("src")))
	sum := x.expSub(x.slice("dst"), x.base("dst"), x.base("src"), m)
	scale := x.to(x.VDIVPS, everywhere(sum), x.load(x.float(1)))
	n, dst := x.slice("dst"), x.base("dst")
	x.loop(n, 4, []reg.GPVirtual{dst}, func(io vectorIO, _ int) {
		io.store(x.mul(io.load(dst), scale), dst)
	})
	x.ret()
}

// slice loads the length of a slice parameter, base its pointer.
func (x *isa) slice(name string) reg.GPVirtual {
	n := x.GP64()
	x.Load(x.Param(name).Len(), n)
	return n
}

func (x *isa) base(name string) reg.GPVirtual {
	p := x.GP64()
	x.Load(x.Param(name).Base(), p)
	return p
}

// broadcast loads a scalar parameter into all values of a vector.
func (x *isa) broadcast(name string) reg.VecVirtual {
	v := x.vec()
	x.VBROADCASTSS(x.address(name), v)
	return v
}

// dots writes the product of a vector with the rows of a matrix: four rows at
// a time share the loads of the vector and the final additions.
func dots(x *isa) {
	x.function("dots"+x.name, "func(y, a []float32, b *float32, ldb int)",
		"dots"+x.name+" is y[j] = sum_l(a[l] * b[j*ldb+l]); len(y) is a multiple of 4.")
	count, y, b := x.slice("y"), x.base("y"), x.param("b")
	ldb, ldb3 := x.param("ldb"), x.GP64()
	x.SHLQ(U8(2), ldb)
	x.LEAQ(Mem{Base: ldb, Index: ldb, Scale: 2}, ldb3)
	x.TESTQ(count, count)
	x.JZ(LabelRef("end"))
	x.Label("rows")
	a, n, p := x.base("a"), x.slice("a"), x.GP64()
	x.MOVQ(b, p)
	acc := make([][]reg.VecVirtual, 2) // two chains per row
	for s := range acc {
		acc[s] = x.vecs(4)
		for _, v := range acc[s] {
			x.zero(v)
		}
	}
	x.loop(n, 2, []reg.GPVirtual{a, p}, func(io vectorIO, s int) {
		v := io.load(a)
		for i, from := range []Mem{{Base: p}, {Base: p, Index: ldb, Scale: 1}, {Base: p, Index: ldb, Scale: 2}, {Base: p, Index: ldb3, Scale: 1}} {
			if io.mask == nil {
				x.VFMADD231PS(from.Offset(io.at), v, acc[s][i])
				continue
			}
			t := x.vec()
			x.loadMasked(from, io.mask, t)
			x.VFMADD231PS(t, v, acc[s][i])
		}
	})
	for i := range 4 {
		x.VADDPS(acc[1][i], acc[0][i], acc[0][i])
	}
	// Fold to four values each, then transpose and add.
	for _, v := range acc[0] {
		if x.wide {
			h := x.YMM()
			x.VEXTRACTF64X4(U8(1), v, h)
			x.VADDPS(h, v.AsY(), v.AsY())
		}
		h := x.XMM()
		x.VEXTRACTF128(U8(1), v.AsY(), h)
		x.VADDPS(h, v.AsX(), v.AsX())
	}
	r := acc[0]
	x.VHADDPS(r[1].AsX(), r[0].AsX(), r[0].AsX())
	x.VHADDPS(r[3].AsX(), r[2].AsX(), r[2].AsX())
	x.VHADDPS(r[2].AsX(), r[0].AsX(), r[0].AsX())
	x.VMOVUPS(r[0].AsX(), Mem{Base: y})
	x.ADDQ(U8(16), y)
	x.LEAQ(Mem{Base: b, Index: ldb, Scale: 4}, b)
	x.SUBQ(U8(4), count)
	x.JNZ(LabelRef("rows"))
	x.Label("end")
	x.ret()
}
