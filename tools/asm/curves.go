package main

import (
	"math"

	"github.com/mmcloughlin/avo/reg"

	. "github.com/mmcloughlin/avo/operand"
)

// emitCurves writes trigonometric, hyperbolic and inverse functions of float32, in
// float64 as emitDoubles does.
func emitCurves(x *isa) {
	type vector = reg.VecVirtual
	function := func(name, doc string, f func(v vector) vector, mend func(v, y vector) vector) {
		x.function(name+x.name, "func(dst, src []float32)", name+x.name+" is dst[i] = "+doc+".")
		n, dst, src := x.slice("dst"), x.base("dst"), x.base("src")
		x.loop(n, 1, []reg.GPVirtual{dst, src}, func(io vectorIO, _ int) {
			v := io.load(src)
			io.store(mend(v, x.inDoubles(func(v []vector) vector { return f(v[0]) }, v)), dst)
		})
		x.ret()
	}
	asIs := func(_, y vector) vector { return y }
	// Below, f is given |v| or what has its sign to no account, and mend puts right
	// what comes of NaN, infinities and the ends of the domain.
	without := func(none reg.Register, y vector) vector { return x.choose(none, x.bits(0x7fc00000), y) }
	unending := func(v, y vector) vector { // infinite of infinities
		y = x.choose(x.compare(equal, x.size(v), x.float(math.Inf(1))), x.float(math.Inf(1)), y)
		return without(x.compare(unordered, v, v), y)
	}
	signed := func(mend func(v, y vector) vector) func(v, y vector) vector {
		return func(v, y vector) vector { return x.or(mend(v, y), x.and(v, x.bits(signBit))) }
	}
	function("tan", "tan(src[i]), or anything from 2**20 on and for NaN", x.tan, asIs)
	function("sinh", "sinh(src[i])", x.sinh, signed(unending))
	function("cosh", "cosh(src[i])", x.cosh, unending)
	function("asinh", "asinh(src[i])", x.asinh, signed(unending))
	function("acosh", "acosh(src[i])", x.acosh, func(v, y vector) vector {
		return without(x.compare(notAtLeast, v, x.float(1)), unending(v, y))
	})
	function("atanh", "atanh(src[i])", x.atanh, signed(func(v, y vector) vector {
		size, one := x.size(v), x.load(x.float(1))
		y = x.choose(x.compare(equal, size, one), x.float(math.Inf(1)), y)
		return without(x.compare(notAtLeast, one, size), y)
	}))
	function("asin", "asin(src[i])", x.asin, asIs)
	function("acos", "acos(src[i])", x.acos, asIs)
}

func (x *isa) size64(v reg.VecVirtual) reg.VecVirtual {
	return x.to(x.VANDPS, x.word64(1<<63-1), v)
}

func (x *isa) sign64(v reg.VecVirtual) reg.VecVirtual { return x.to(x.VANDPS, x.word64(1<<63), v) }

// tan is sin/cos, or -cos/sin of an odd number of quarters.
func (x *isa) tan(v reg.VecVirtual) reg.VecVirtual {
	sin, cos, quarters := x.turned(v)
	odd := x.to(x.VPSLLQ, U8(63), quarters)
	y := x.to(x.VDIVPD, x.choose64(odd, sin, cos), x.choose64(odd, cos, sin))
	return x.to(x.VXORPS, odd, y)
}

// powers is e**|v| and e**-|v|.
func (x *isa) powers(v reg.VecVirtual) (up, down reg.VecVirtual) {
	up = x.exp2(x.to(x.VMULPD, x.double(math.Log2E), x.size64(v)))
	return up, x.to(x.VDIVPD, up, x.double(1))
}

// sinh is half the difference of e**|v| and e**-|v|, or up to 1 its Taylor series,
// which errs by 2**-32.
func (x *isa) sinh(v reg.VecVirtual) reg.VecVirtual {
	up, down := x.powers(v)
	y := x.to(x.VMULPD, x.double(0.5), x.to(x.VSUBPD, down, up))
	a := x.size64(v)
	near := x.poly64(x.to(x.VMULPD, a, a), 1, 1./6, 1./120, 1./5040, 1./362880, 1./39916800)
	return x.choose64(x.to(x.VSUBPD, x.double(1), a), x.to(x.VMULPD, a, near), y)
}

func (x *isa) cosh(v reg.VecVirtual) reg.VecVirtual {
	up, down := x.powers(v)
	return x.to(x.VMULPD, x.double(0.5), x.to(x.VADDPD, down, up))
}

// log1p is scale * log(1+u) for u >= 0.
func (x *isa) log1p(u reg.VecVirtual, scale float64) reg.VecVirtual {
	m, n := x.split(x.to(x.VADDPD, x.double(1), u))
	above := x.to(x.VSUBPD, x.double(1), m)
	above = x.choose64(x.to(x.VSUBPD, x.double(0.25), u), u, above) // exact: n is 0
	y := x.logarithm(above, m, 2*scale)
	x.VFMADD231PD(x.double(math.Ln2*scale), n, y)
	return y
}

// asinh is log1p(a + a*a/(1+sqrt(1+a*a))) with a = |v|, which loses nothing near 0.
func (x *isa) asinh(v reg.VecVirtual) reg.VecVirtual {
	a := x.size64(v)
	square := x.to(x.VMULPD, a, a)
	root := x.to(x.VSQRTPD, x.to(x.VADDPD, x.double(1), square))
	u := x.to(x.VDIVPD, x.to(x.VADDPD, x.double(1), root), square)
	return x.log1p(x.to(x.VADDPD, a, u), 1)
}

// acosh is log1p(t + sqrt(t*(t+2))) with t = v - 1.
func (x *isa) acosh(v reg.VecVirtual) reg.VecVirtual {
	t := x.to(x.VSUBPD, x.double(1), v)
	root := x.to(x.VSQRTPD, x.to(x.VMULPD, t, x.to(x.VADDPD, x.double(2), t)))
	return x.log1p(x.to(x.VADDPD, t, root), 1)
}

// atanh is log1p(2*a/(1-a)) / 2 with a = |v|.
func (x *isa) atanh(v reg.VecVirtual) reg.VecVirtual {
	a := x.size64(v)
	return x.log1p(x.to(x.VDIVPD, x.to(x.VSUBPD, a, x.double(1)), x.to(x.VADDPD, a, a)), 0.5)
}

// arc is the inverse sine y of a = |v| where it is at most 1/2. Beyond, where far has
// the sign bit, it is that of sqrt((1-a)/2): the inverse sine of a is pi/2 - 2*y. It is
// s + s*z*P(z) with z = s*s, P of degree 7 through the Chebyshev points of [0, 1/4],
// of relative error 2**-37.
func (x *isa) arc(v reg.VecVirtual) (y, far reg.VecVirtual) {
	a := x.size64(v)
	far = x.to(x.VSUBPD, a, x.double(0.5))
	z := x.double(0.5)
	x.VFNMADD231PD(x.double(0.5), a, z)
	s := x.choose64(far, x.to(x.VSQRTPD, z), a)
	z = x.choose64(far, z, x.to(x.VMULPD, a, a))
	p := x.poly64(z, 0.16666666665495089, 0.075000005988285545, 0.044642358485134759, 0.030397634125462591,
		0.022132443674422589, 0.01930626060357099, 0.0054431858006864717, 0.029305238975211981)
	x.VMULPD(z, p, p)
	x.VFMADD213PD(s, s, p)
	return p, far
}

func (x *isa) asin(v reg.VecVirtual) reg.VecVirtual {
	y, far := x.arc(v)
	rest := x.double(math.Pi / 2)
	x.VFNMADD231PD(x.double(2), y, rest)
	return x.to(x.VORPS, x.sign64(v), x.choose64(far, rest, y))
}

// acos is pi/2 - asin(v) near 0; far from it 2*y, or pi - 2*y of what is negative.
func (x *isa) acos(v reg.VecVirtual) reg.VecVirtual {
	y, far := x.arc(v)
	near := x.to(x.VSUBPD, x.to(x.VORPS, x.sign64(v), y), x.double(math.Pi/2))
	x.VADDPD(y, y, y)
	beyond := x.choose64(v, x.to(x.VSUBPD, y, x.double(math.Pi)), y)
	return x.choose64(far, beyond, near)
}
