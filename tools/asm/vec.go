package main

import (
	"math"

	"github.com/mmcloughlin/avo/reg"

	. "github.com/mmcloughlin/avo/operand"
)

// emitVec writes elementwise arithmetic and reductions.
func emitVec(x *isa) {
	of := func(kind, name, doc string, f func(a, b reg.VecVirtual) reg.VecVirtual) {
		x.function(name+x.name, "func(dst, a, b []"+kind+")", name+x.name+" is dst[i] = "+doc+".")
		n := x.GP64()
		dst, a, b := x.GP64(), x.GP64(), x.GP64()
		x.Load(x.Param("dst").Base(), dst)
		x.Load(x.Param("dst").Len(), n)
		x.Load(x.Param("a").Base(), a)
		x.Load(x.Param("b").Base(), b)
		x.loop(n, 2, []reg.GPVirtual{dst, a, b}, func(io vectorIO, _ int) {
			io.store(f(io.load(a), io.load(b)), dst)
		})
		x.ret()
	}
	binary := func(name, doc string, f func(a, b reg.VecVirtual) reg.VecVirtual) { of("float32", name, doc, f) }
	binary("add", "a[i] + b[i]", func(a, b reg.VecVirtual) reg.VecVirtual { return x.add(a, b) })
	binary("sub", "a[i] - b[i]", func(a, b reg.VecVirtual) reg.VecVirtual { return x.sub(a, b) })
	binary("mul", "a[i] * b[i]", func(a, b reg.VecVirtual) reg.VecVirtual { return x.mul(a, b) })
	binary("div", "a[i] / b[i]", func(a, b reg.VecVirtual) reg.VecVirtual { return x.div(a, b) })
	binary("and", "a[i] & b[i], bit by bit", func(a, b reg.VecVirtual) reg.VecVirtual { return x.and(a, b) })
	binary("or", "a[i] | b[i], bit by bit", func(a, b reg.VecVirtual) reg.VecVirtual { return x.or(a, b) })
	binary("xor", "a[i] ^ b[i], bit by bit", func(a, b reg.VecVirtual) reg.VecVirtual { return x.to(x.VXORPS, b, a) })
	binary("max", "max(a[i], b[i]), NaN if either is", func(a, b reg.VecVirtual) reg.VecVirtual { return x.either(x.VMAXPS, a, b) })
	binary("min", "min(a[i], b[i]), NaN if either is", func(a, b reg.VecVirtual) reg.VecVirtual { return x.either(x.VMINPS, a, b) })
	integers := func(name, doc string, f func(...Op)) {
		of("int32", name, doc, func(a, b reg.VecVirtual) reg.VecVirtual { return x.to(f, b, a) })
	}
	integers("addInt32", "a[i] + b[i]", x.VPADDD)
	integers("subInt32", "a[i] - b[i]", x.VPSUBD)
	integers("mulInt32", "a[i] * b[i], the low word", x.VPMULLD)
	integers("maxInt32", "max(a[i], b[i])", x.VPMAXSD)
	integers("minInt32", "min(a[i], b[i])", x.VPMINSD)

	x.divInt32()

	scalar := func(name, doc string, f func(v, s reg.VecVirtual) reg.VecVirtual) {
		x.function(name+x.name, "func(dst, a []float32, s float32)", name+x.name+" is dst[i] = "+doc+".")
		n := x.GP64()
		dst, a := x.GP64(), x.GP64()
		x.Load(x.Param("dst").Base(), dst)
		x.Load(x.Param("dst").Len(), n)
		x.Load(x.Param("a").Base(), a)
		s := x.vec()
		x.VBROADCASTSS(x.address("s"), s)
		x.loop(n, 2, []reg.GPVirtual{dst, a}, func(io vectorIO, _ int) {
			io.store(f(io.load(a), s), dst)
		})
		x.ret()
	}
	scalar("addScalar", "a[i] + s", func(v, s reg.VecVirtual) reg.VecVirtual { return x.add(v, s) })
	scalar("mulScalar", "a[i] * s", func(v, s reg.VecVirtual) reg.VecVirtual { return x.mul(v, s) })
	scalar("divScalar", "a[i] / s", func(v, s reg.VecVirtual) reg.VecVirtual { return x.div(v, s) })
	scalar("maxScalar", "max(a[i], s), NaN if either is", func(v, s reg.VecVirtual) reg.VecVirtual { return x.either(x.VMAXPS, v, s) })
	scalar("minScalar", "min(a[i], s), NaN if either is", func(v, s reg.VecVirtual) reg.VecVirtual { return x.either(x.VMINPS, v, s) })
	scalar("above", "a[i] where a[i] > s, else 0", func(v, s reg.VecVirtual) reg.VecVirtual {
		return x.choose(x.compare(less, s, v), v, x.none())
	})

	x.function("scaleClip"+x.name, "func(dst, src []float32, m, s, t, lo, hi float32)", "scaleClip"+x.name+" is dst[i] = clip((src[i]-m)*s + t, lo, hi).")
	n, dst, src := x.slice("dst"), x.base("dst"), x.base("src")
	m, s, t, lo, hi := x.broadcast("m"), x.broadcast("s"), x.broadcast("t"), x.broadcast("lo"), x.broadcast("hi")
	x.loop(n, 2, []reg.GPVirtual{dst, src}, func(io vectorIO, _ int) {
		v := x.sub(io.load(src), m)
		x.fma(v, s, t)
		x.clip(x.VMAXPS, lo, v)
		x.clip(x.VMINPS, hi, v)
		io.store(v, dst)
	})
	x.ret()

	x.function("hardSwish"+x.name, "func(dst, src []float32)", "hardSwish"+x.name+" is dst[i] = src[i] * clip(src[i]/6 + 1/2, 0, 1).")
	n, dst, src = x.slice("dst"), x.base("dst"), x.base("src")
	zero, one, sixth, half := x.vec(), x.load(x.float(1)), x.load(x.float(1.0/6)), x.load(x.float(.5))
	x.zero(zero)
	x.loop(n, 2, []reg.GPVirtual{dst, src}, func(io vectorIO, _ int) {
		v, gate := io.load(src), x.vec()
		x.VMOVUPS(v, gate)
		x.fma(gate, sixth, half)
		x.clip(x.VMAXPS, zero, gate)
		x.clip(x.VMINPS, one, gate)
		io.store(x.mul(v, gate), dst)
	})
	x.ret()

	axpy(x)
	dot(x)
	sum(x)
	maxOf(x)
	minOf(x)
}

// divInt32 divides in float64, whose rounding no quotient of words is near enough to a
// whole number to notice. What is beyond a word becomes the least one.
func (x *isa) divInt32() {
	x.function("divInt32"+x.name, "func(dst, a, b []int32)", "divInt32"+x.name+" is dst[i] = a[i] / b[i] towards zero, 0 where b[i] is 0.")
	n, dst, a, b := x.slice("dst"), x.base("dst"), x.base("a"), x.base("b")
	x.loop(n, 1, []reg.GPVirtual{dst, a, b}, func(io vectorIO, _ int) {
		d := io.load(b)
		y := x.inHalves(x.VCVTDQ2PD, x.truncate(), func(v []reg.VecVirtual) reg.VecVirtual { return x.to(x.VDIVPD, v[1], v[0]) }, io.load(a), d)
		// A word other than 0 is no 0 as a number either.
		io.store(x.choose(x.compare(equal, x.to(x.VCVTDQ2PS, d), x.none()), x.none(), y), dst)
	})
	x.ret()
}

// either is f of a and b, NaN if either is: the instructions return b then, and a's
// is put back.
func (x *isa) either(f func(...Op), a, b reg.VecVirtual) reg.VecVirtual {
	return x.choose(x.compare(unordered, a, a), a, x.to(f, b, a))
}

func axpy(x *isa) {
	x.function("axpy"+x.name, "func(y []float32, alpha float32, x []float32)", "axpy"+x.name+" is y[i] += alpha * x[i].")
	n := x.GP64()
	y, from := x.GP64(), x.GP64()
	x.Load(x.Param("y").Base(), y)
	x.Load(x.Param("y").Len(), n)
	x.Load(x.Param("x").Base(), from)
	alpha := x.vec()
	x.VBROADCASTSS(x.address("alpha"), alpha)
	x.loop(n, 4, []reg.GPVirtual{y, from}, func(io vectorIO, _ int) {
		sum := io.load(y)
		x.VFMADD231PS(io.load(from), alpha, sum)
		io.store(sum, y)
	})
	x.ret()
}

// reduceAll combines vectors into one value.
func reduceAll(x *isa, acc []reg.VecVirtual, f func(...Op)) reg.Register {
	for len(acc) > 1 {
		half := len(acc) / 2
		for i := range half {
			f(acc[half+i], acc[i], acc[i])
		}
		acc = acc[:half]
	}
	return x.fold(acc[0], f)
}

func dot(x *isa) {
	x.function("dot"+x.name, "func(a, b []float32) (sum float32)", "dot"+x.name+" is sum += a[i] * b[i].")
	n := x.GP64()
	a, b := x.GP64(), x.GP64()
	x.Load(x.Param("a").Base(), a)
	x.Load(x.Param("a").Len(), n)
	x.Load(x.Param("b").Base(), b)
	acc := x.vecs(8) // as many as the multiplier's latency times its width
	for _, v := range acc {
		x.zero(v)
	}
	x.loop(n, len(acc), []reg.GPVirtual{a, b}, func(io vectorIO, i int) {
		x.VFMADD231PS(io.load(a), io.load(b), acc[i])
	})
	x.Store(reduceAll(x, acc, x.VADDPS), x.Return("sum"))
	x.ret()
}

func sum(x *isa) {
	x.function("sum"+x.name, "func(x []float32) (sum float32)", "sum"+x.name+" is sum += x[i].")
	n := x.GP64()
	from := x.GP64()
	x.Load(x.Param("x").Base(), from)
	x.Load(x.Param("x").Len(), n)
	acc := x.vecs(8)
	for _, v := range acc {
		x.zero(v)
	}
	x.loop(n, len(acc), []reg.GPVirtual{from}, func(io vectorIO, i int) {
		x.VADDPS(io.load(from), acc[i], acc[i])
	})
	x.Store(reduceAll(x, acc, x.VADDPS), x.Return("sum"))
	x.ret()
}

// maxOf drops NaN on the way, as the instruction does, and keeps the last one
// beside it: added to the result, that makes it NaN, and otherwise adds 0.
func maxOf(x *isa) {
	x.function("maxOf"+x.name, "func(x []float32) (m float32)", "maxOf"+x.name+" is m = max(m, x[i]), NaN if any is.")
	n := x.GP64()
	from := x.GP64()
	x.Load(x.Param("x").Base(), from)
	x.Load(x.Param("x").Len(), n)
	x.Store(x.largest(n, from), x.Return("m"))
	x.ret()
}

func minOf(x *isa) {
	x.function("minOf"+x.name, "func(x []float32) (m float32)", "minOf"+x.name+" is m = min(m, x[i]), NaN if any is.")
	n, from := x.slice("x"), x.base("x")
	x.Store(x.extreme(n, from, x.VMINPS, math.Inf(1)), x.Return("m"))
	x.ret()
}

// largest is the largest of n numbers, NaN if any is.
func (x *isa) largest(n, from reg.GPVirtual) reg.Register {
	return x.extreme(n, from, x.VMAXPS, math.Inf(-1))
}

// extreme is largest by VMAXPS or VMINPS, start of none.
func (x *isa) extreme(n, from reg.GPVirtual, f func(...Op), start float64) reg.Register {
	none := x.load(x.float(start))
	acc, nan := x.vecs(4), x.vec()
	for i := range acc {
		x.VMOVUPS(none, acc[i])
	}
	x.zero(nan)
	x.loop(n, len(acc), []reg.GPVirtual{from}, func(io vectorIO, i int) {
		v := io.keep(io.load(from), none)
		f(acc[i], v, acc[i])
		x.VMOVUPS(x.choose(x.compare(unordered, v, v), v, nan), nan)
	})
	x.fold(nan, x.VADDPS)
	m := reduceAll(x, acc, f)
	x.VADDSS(nan.AsX(), m, m)
	return m
}
