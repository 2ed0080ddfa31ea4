package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The methods here emit one operation into a fresh register and return it, so
// that a function of vectors reads like the formula it computes. Operands
// written as Op may be constants in memory; those written as registers may
// not.

func (x *isa) to(f func(...Op), ops ...Op) reg.VecVirtual {
	d := x.vec()
	f(append(ops, d)...)
	return d
}

func (x *isa) load(from Op) reg.VecVirtual { return x.to(x.VMOVUPS, from) }

func (x *isa) add(a reg.VecVirtual, b Op) reg.VecVirtual { return x.to(x.VADDPS, b, a) }
func (x *isa) sub(a reg.VecVirtual, b Op) reg.VecVirtual { return x.to(x.VSUBPS, b, a) }
func (x *isa) mul(a reg.VecVirtual, b Op) reg.VecVirtual { return x.to(x.VMULPS, b, a) }
func (x *isa) div(a reg.VecVirtual, b Op) reg.VecVirtual { return x.to(x.VDIVPS, b, a) }
func (x *isa) and(a reg.VecVirtual, b Op) reg.VecVirtual { return x.to(x.VANDPS, b, a) }
func (x *isa) or(a reg.VecVirtual, b Op) reg.VecVirtual  { return x.to(x.VORPS, b, a) }

// atMost is min(a, limit) and atLeast is max(a, limit), a if it is NaN: the
// instructions return their last source then.
func (x *isa) atMost(a Op, limit float64) reg.VecVirtual {
	return x.to(x.VMINPS, a, x.load(x.float(limit)))
}

func (x *isa) atLeast(a Op, limit float64) reg.VecVirtual {
	return x.to(x.VMAXPS, a, x.load(x.float(limit)))
}

// fma sets a to a*b + c.
func (x *isa) fma(a, b reg.VecVirtual, c Op) { x.VFMADD213PS(c, b, a) }

// poly is c[0] + c[1]*v + c[2]*v*v + ...
func (x *isa) poly(v reg.VecVirtual, c ...float64) reg.VecVirtual {
	p := x.load(x.float(c[len(c)-1]))
	for i := len(c) - 2; i >= 0; i-- {
		x.fma(p, v, x.float(c[i]))
	}
	return p
}

// Comparison predicates of VCMPPS.
const (
	equal       = 0x00
	unordered   = 0x03
	unequal     = 0x04 // true for NaN
	differs     = 0x0c // false for NaN
	less        = 0x11 // false for NaN
	lessOrEqual = 0x12 // false for NaN
	notAtLeast  = 0x19 // true for NaN
)

// compare returns a mask of the values where a predicate b holds.
func (x *isa) compare(predicate uint8, a reg.VecVirtual, b Op) reg.Register {
	if x.wide {
		k := x.K()
		x.VCMPPS(U8(predicate), b, a, k)
		return k
	}
	return x.to(func(ops ...Op) { x.VCMPPS(ops...) }, U8(predicate), b, a)
}

// choose is yes where the mask is set and no elsewhere.
func (x *isa) choose(mask reg.Register, yes Op, no reg.VecVirtual) reg.VecVirtual {
	d := x.vec()
	if x.wide {
		x.VBLENDMPS(yes, no, mask, d)
	} else {
		x.VBLENDVPS(mask, yes, no, d)
	}
	return d
}

// replace sets v to other where the mask is set.
func (x *isa) replace(v reg.VecVirtual, mask reg.Register, other Op) {
	if x.wide {
		x.VBLENDMPS(other, v, mask, v)
	} else {
		x.VBLENDVPS(mask, other, v, v)
	}
}

// negative is a mask of the values with the sign bit set.
func (x *isa) negative(v reg.VecVirtual) reg.Register {
	if !x.wide {
		return v
	}
	k := x.K()
	x.VPMOVD2M(v, k)
	return k
}

// fold adds or otherwise combines the values of v into its first.
func (x *isa) fold(v reg.VecVirtual, f func(...Op)) reg.Register {
	if x.wide {
		h := x.YMM()
		x.VEXTRACTF64X4(U8(1), v, h)
		f(h, v.AsY(), v.AsY())
	}
	h := x.XMM()
	x.VEXTRACTF128(U8(1), v.AsY(), h)
	f(h, v.AsX(), v.AsX())
	x.VPERMILPS(U8(0x4e), v.AsX(), h)
	f(h, v.AsX(), v.AsX())
	x.VPERMILPS(U8(0xb1), v.AsX(), h)
	f(h, v.AsX(), v.AsX())
	return v.AsX()
}

// loop runs body for whole vectors, several in a row where unroll is more than
// one, and then once for the rest under a mask. Each pointer moves along.
// body reads and writes through the given io.
func (x *isa) loop(n reg.GPVirtual, unroll int, ptr []reg.GPVirtual, body func(io vectorIO, i int)) {
	x.vectors(n, unroll, ptr, body, func(count int, f func(i int)) {
		for i := range count {
			f(i)
		}
	})
}

// loopAbreast is loop with those in a row abreast.
func (x *isa) loopAbreast(n reg.GPVirtual, unroll int, ptr []reg.GPVirtual, body func(io vectorIO, i int)) {
	x.vectors(n, unroll, ptr, body, x.abreast)
}

func (x *isa) vectors(n reg.GPVirtual, unroll int, ptr []reg.GPVirtual, body func(io vectorIO, i int), row func(count int, f func(i int))) {
	many, one, rest, end := x.label("many"), x.label("one"), x.label("rest"), x.label("end")
	advance := func(vectors int) {
		for _, p := range ptr {
			x.ADDQ(U32(vectors*x.bytes()), p)
		}
		x.SUBQ(U32(vectors*x.lanes), n)
	}
	if unroll > 1 {
		x.Label(many)
		x.CMPQ(n, U32(unroll*x.lanes))
		x.JLT(LabelRef(one))
		row(unroll, func(i int) { body(vectorIO{x: x, at: i * x.bytes()}, i) })
		advance(unroll)
		x.JMP(LabelRef(many))
	}
	x.Label(one)
	x.CMPQ(n, U32(x.lanes))
	x.JLT(LabelRef(rest))
	body(vectorIO{x: x}, 0)
	advance(1)
	x.JMP(LabelRef(one))
	x.Label(rest)
	x.TESTQ(n, n)
	x.JZ(LabelRef(end))
	body(vectorIO{x: x, mask: x.masks(n, 1)[0]}, 0)
	x.Label(end)
}

// A vectorIO loads and stores a vector at an offset from pointers, whole or
// under a mask.
type vectorIO struct {
	x    *isa
	at   int
	mask reg.Register
}

// load zeroes what the mask leaves out.
func (io vectorIO) load(p reg.GPVirtual) reg.VecVirtual { return io.loadFrom(Mem{Base: p}) }

func (io vectorIO) loadFrom(m Mem) reg.VecVirtual {
	v := io.x.vec()
	if io.mask == nil {
		io.x.VMOVUPS(m.Offset(io.at), v)
	} else {
		io.x.loadMasked(m, io.mask, v)
	}
	return v
}

func (io vectorIO) store(v reg.VecVirtual, p reg.GPVirtual) { io.storeTo(v, Mem{Base: p}) }

func (io vectorIO) storeTo(v reg.VecVirtual, m Mem) {
	if io.mask == nil {
		io.x.VMOVUPS(v, m.Offset(io.at))
	} else {
		io.x.storeMasked(v, io.mask, m)
	}
}

// keep is v where the mask is set and other elsewhere.
func (io vectorIO) keep(v reg.VecVirtual, other reg.VecVirtual) reg.VecVirtual {
	if io.mask == nil {
		return v
	}
	return io.x.choose(io.mask, v, other)
}
