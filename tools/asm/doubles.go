package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/reg"

	. "github.com/mmcloughlin/avo/operand"
)

// emitDoubles writes functions of float32 that are computed in float64, which
// leaves little more than the last rounding as an error.
func emitDoubles(x *isa) {
	for _, wave := range []struct {
		name, doc string
		quarters  bool
	}{{"sin", "sin(src[i])", false}, {"cos", "cos(src[i])", true}} {
		x.function(wave.name+x.name, "func(dst, src []float32)", wave.name+x.name+" is dst[i] = "+wave.doc+", or anything from 2**20 on and for NaN.")
		n, dst, src := x.slice("dst"), x.base("dst"), x.base("src")
		x.loop(n, 1, []reg.GPVirtual{dst, src}, func(io vectorIO, _ int) {
			io.store(x.inDoubles(func(v []reg.VecVirtual) reg.VecVirtual { return x.wave(v[0], wave.quarters) }, io.load(src)), dst)
		})
		x.ret()
	}

	x.function("pow"+x.name, "func(dst, src []float32, e float64, keep, flip uint32, zero, inf float32)",
		"pow"+x.name+" is dst[i] = x**e, NaN where x = src[i]&keep is below 0; zero where x is 0, inf where it",
		"is infinite; exclusive-ored with flip where src[i] has the sign bit.")
	n, dst, src := x.slice("dst"), x.base("dst"), x.base("src")
	e := x.vec()
	x.VBROADCASTSD(x.address("e"), e)
	x.loop(n, 1, []reg.GPVirtual{dst, src}, func(io vectorIO, _ int) {
		v := io.load(src)
		base := x.and(v, x.broadcast("keep"))
		y := x.inDoubles(func(v []reg.VecVirtual) reg.VecVirtual { return x.pow(v[0], e) }, x.size(v))
		y = x.choose(x.compare(notAtLeast, base, x.float(0)), x.bits(0x7fc00000), y)
		y = x.choose(x.compare(equal, base, x.float(0)), x.broadcast("zero"), y)
		y = x.choose(x.compare(equal, x.size(v), x.float(math.Inf(1))), x.broadcast("inf"), y)
		sign := x.to(x.VPSRAD, U8(31), v)
		io.store(x.to(x.VXORPS, x.and(sign, x.broadcast("flip")), y), dst)
	})
	x.ret()

	x.function("powEach"+x.name, "func(dst, a, b []float32)", "powEach"+x.name+" is dst[i] = a[i]**b[i], as C's powf.")
	n, dst, bases, exponents := x.slice("dst"), x.base("dst"), x.base("a"), x.base("b")
	x.loop(n, 1, []reg.GPVirtual{dst, bases, exponents}, func(io vectorIO, _ int) { io.store(x.powEach(io, bases, exponents), dst) })
	x.ret()
}

// powEach is the powers of a vector of bases and one of exponents.
func (x *isa) powEach(io vectorIO, bases, exponents reg.GPVirtual) reg.VecVirtual {
	y := x.inDoubles(func(v []reg.VecVirtual) reg.VecVirtual { return x.pow(v[0], v[1]) }, x.size(io.load(bases)), io.load(exponents))
	v, e := io.load(bases), io.load(exponents)
	one, inf, zero := x.load(x.float(1)), x.load(x.float(math.Inf(1))), x.none()

	// 0 and infinities have powers 0 and infinity.
	size, falls := x.size(v), x.to(x.VPSRAD, U8(31), e)
	x.replace(y, x.compare(equal, size, zero), x.and(falls, inf))
	x.replace(y, x.compare(equal, size, inf), x.and(x.to(x.VXORPS, x.bits(math.MaxUint32), falls), inf))
	x.replace(y, x.compare(equal, size, one), one)

	// Of what is negative, whole exponents alone have powers, and odd ones negative ones.
	half, fraction := x.mul(e, x.float(0.5)), x.compare(unequal, x.whole(e, 0), e)
	odd := x.and(v, x.bits(signBit))
	x.replace(odd, x.compare(equal, x.whole(half, 0), half), zero)
	x.replace(odd, fraction, zero)
	y = x.to(x.VXORPS, odd, y)
	none := x.load(y)
	x.replace(none, fraction, x.bits(0x7fc00000))
	x.replace(none, x.compare(equal, size, inf), y)
	x.replace(y, x.compare(less, v, zero), none)

	x.replace(y, x.compare(unordered, v, e), x.bits(0x7fc00000))
	x.replace(y, x.compare(equal, v, one), one)
	x.replace(y, x.compare(equal, e, zero), one)
	return y
}

// size is |v|.
func (x *isa) size(v reg.VecVirtual) reg.VecVirtual { return x.and(v, x.bits(^uint32(signBit))) }

// inDoubles is f of the values of v as float64, a half at a time, rounded again.
func (x *isa) inDoubles(f func(v []reg.VecVirtual) reg.VecVirtual, v ...reg.VecVirtual) reg.VecVirtual {
	round := func(ops ...Op) { x.VCVTPD2PSY(ops...) }
	if x.wide {
		round = x.VCVTPD2PS
	}
	return x.inHalves(x.VCVTPS2PD, round, f, v...)
}

// inHalves is f of the values of v as widen makes float64 of them, a half at a time, and
// then as narrow has it.
func (x *isa) inHalves(widen, narrow func(...Op), f func(v []reg.VecVirtual) reg.VecVirtual, v ...reg.VecVirtual) reg.VecVirtual {
	var parts [2][]reg.VecVirtual
	for _, v := range v {
		low, high := x.vec(), x.upper(v)
		widen(x.lower(v), low)
		widen(x.lower(high), high)
		parts[0], parts[1] = append(parts[0], low), append(parts[1], high)
	}
	halves := x.vecs(2)
	x.abreast(2, func(i int) {
		narrow(f(parts[i]), x.lower(halves[i]))
	})
	d := x.vec()
	if x.wide {
		x.VINSERTF64X4(U8(1), x.lower(halves[1]), halves[0], d)
	} else {
		x.VINSERTF128(U8(1), x.lower(halves[1]), halves[0], d)
	}
	return d
}

// lower is the lower half of v, and upper a vector with the other in its place.
func (x *isa) lower(v reg.VecVirtual) reg.Register {
	if x.wide {
		return v.AsY()
	}
	return v.AsX()
}

func (x *isa) upper(v reg.VecVirtual) reg.VecVirtual {
	h := x.vec()
	if x.wide {
		x.VEXTRACTF64X4(U8(1), v, x.lower(h))
	} else {
		x.VEXTRACTF128(U8(1), v, x.lower(h))
	}
	return h
}

// word64 is a vector of a 64-bit word, double of a float64.
func (x *isa) word64(w uint64) reg.VecVirtual {
	m, ok := x.consts64[w]
	if !ok {
		m = x.data(fmt.Sprintf("d%016x", w), uint32(w), uint32(w>>32))
		x.consts64[w] = m
	}
	return x.to(x.VBROADCASTSD, m)
}

func (x *isa) double(f float64) reg.VecVirtual { return x.word64(math.Float64bits(f)) }

// poly64 is poly of float64.
func (x *isa) poly64(v reg.VecVirtual, c ...float64) reg.VecVirtual {
	p := x.double(c[len(c)-1])
	for i := len(c) - 2; i >= 0; i-- {
		x.VFMADD213PD(x.double(c[i]), v, p)
	}
	return p
}

// whole64 added to a float64 below 2**51 rounds it to an integer, which then
// stands in the low bits.
const whole64 = 3 << 51

// nearest is v*c + whole64, and the whole number nearest to v*c.
func (x *isa) nearest(v reg.VecVirtual, c float64) (shift, n reg.VecVirtual) {
	shift = x.double(whole64)
	x.VFMADD231PD(x.double(c), v, shift)
	return shift, x.to(x.VSUBPD, x.double(whole64), shift)
}

// choose64 is yes where sign has the sign bit and no elsewhere.
func (x *isa) choose64(sign, yes, no reg.VecVirtual) reg.VecVirtual {
	y := x.vec()
	if x.wide {
		m := x.K()
		x.VPMOVQ2M(sign, m)
		x.VBLENDMPD(yes, no, m, y)
	} else {
		x.VBLENDVPD(sign, yes, no, y)
	}
	return y
}

// turned is the sine and cosine of what is left of v without the nearest quarters of
// a circle, whose number is in the low bits of quarters. It goes, in two parts, into
// both Taylor series, which err by less than 2e-9 of their value.
func (x *isa) turned(v reg.VecVirtual) (sin, cos, quarters reg.VecVirtual) {
	quarters, k := x.nearest(v, 2/math.Pi)
	r := x.load(v)
	x.VFNMADD231PD(x.double(1.57079632673412561417), k, r) // the first 33 bits of pi/2
	x.VFNMADD231PD(x.double(6.07710050650619224932e-11), k, r)
	square := x.to(x.VMULPD, r, r)
	sin = x.poly64(square, 1, -1./6, 1./120, -1./5040, 1./362880)
	x.VMULPD(r, sin, sin)
	cos = x.poly64(square, 1, -1./2, 1./24, -1./720, 1./40320, -1./3628800)
	return sin, cos, quarters
}

// wave is the sine of v, or the cosine if quarter.
func (x *isa) wave(v reg.VecVirtual, quarter bool) reg.VecVirtual {
	sin, cos, quarters := x.turned(v)
	if quarter {
		x.VPADDQ(x.word64(1), quarters, quarters)
	}
	y := x.choose64(x.to(x.VPSLLQ, U8(63), quarters), cos, sin)
	x.VPSRLQ(U8(1), quarters, quarters)
	x.VPSLLQ(U8(63), quarters, quarters)
	return x.to(x.VXORPS, quarters, y)
}

// pow is v**e for v > 0.
func (x *isa) pow(v, e reg.VecVirtual) reg.VecVirtual {
	m, n := x.split(v)
	p := x.logarithm(x.to(x.VSUBPD, x.double(1), m), m, 2/math.Ln2)
	x.VADDPD(n, p, p)
	x.VMULPD(e, p, p)
	return x.exp2(p)
}

// split is m in [sqrt(1/2), sqrt(2)) and a whole n with v = m * 2**n.
func (x *isa) split(v reg.VecVirtual) (m, n reg.VecVirtual) {
	one := math.Float64bits(1)
	t := x.to(x.VPADDQ, x.word64(one-math.Float64bits(math.Sqrt2/2)), v)
	x.VPSRLQ(U8(52), t, t) // n + 1023
	n = x.to(x.VORPS, x.word64(math.Float64bits(1<<52)), t)
	x.VSUBPD(x.double(1<<52+1023), n, n)
	x.VPSLLQ(U8(52), t, t)
	m = x.to(x.VPSUBQ, t, v)
	x.VPADDQ(x.word64(one), m, m)
	return m, n
}

// logarithm is scale/2 * log(m), above being m - 1: with s = (m-1)/(m+1) it is
// scale * (s + s**3/3 + ...), which errs by 2**-39 for the m of split.
func (x *isa) logarithm(above, m reg.VecVirtual, scale float64) reg.VecVirtual {
	s := x.to(x.VDIVPD, x.to(x.VADDPD, x.double(1), m), above)
	c := make([]float64, 7)
	for i := range c {
		c[i] = scale / float64(2*i+1)
	}
	p := x.poly64(x.to(x.VMULPD, s, s), c...)
	return x.to(x.VMULPD, s, p)
}

// exp2 is 2**p within 2**-36 for p from -200 to 200, which it is brought to; beyond
// the result is 0 or infinite in float32.
func (x *isa) exp2(p reg.VecVirtual) reg.VecVirtual {
	p = x.to(x.VMAXPD, x.double(-200), x.to(x.VMINPD, x.double(200), p))
	shift, k := x.nearest(p, 1)
	x.VSUBPD(k, p, p)
	c, f := make([]float64, 11), 1.0
	for i := range c {
		c[i] = f
		f *= math.Ln2 / float64(i+1)
	}
	y := x.poly64(p, c...)
	x.VPSLLQ(U8(52), shift, shift)
	return x.to(x.VPADDQ, shift, y)
}
