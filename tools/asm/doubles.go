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
			io.store(x.inDoubles(io.load(src), func(v reg.VecVirtual) reg.VecVirtual { return x.wave(v, wave.quarters) }), dst)
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
		y := x.inDoubles(x.and(v, x.bits(^uint32(signBit))), func(v reg.VecVirtual) reg.VecVirtual { return x.pow(v, e) })
		y = x.choose(x.compare(notAtLeast, base, x.float(0)), x.bits(0x7fc00000), y)
		y = x.choose(x.compare(equal, base, x.float(0)), x.broadcast("zero"), y)
		y = x.choose(x.compare(equal, x.and(v, x.bits(^uint32(signBit))), x.float(math.Inf(1))), x.broadcast("inf"), y)
		sign := x.to(x.VPSRAD, U8(31), v)
		io.store(x.to(x.VXORPS, x.and(sign, x.broadcast("flip")), y), dst)
	})
	x.ret()
}

// inDoubles is f of the values of v as float64, a half at a time, rounded again.
func (x *isa) inDoubles(v reg.VecVirtual, f func(v reg.VecVirtual) reg.VecVirtual) reg.VecVirtual {
	half := func(v reg.VecVirtual) reg.Register {
		if x.wide {
			return v.AsY()
		}
		return v.AsX()
	}
	parts, halves := x.vecs(2), x.vecs(2)
	if x.wide {
		x.VEXTRACTF64X4(U8(1), v, half(parts[1]))
	} else {
		x.VEXTRACTF128(U8(1), v, half(parts[1]))
	}
	x.VCVTPS2PD(half(v), parts[0])
	x.VCVTPS2PD(half(parts[1]), parts[1])
	x.abreast(2, func(i int) {
		y := f(parts[i])
		if x.wide {
			x.VCVTPD2PS(y, half(halves[i]))
		} else {
			x.VCVTPD2PSY(y, half(halves[i]))
		}
	})
	d := x.vec()
	if x.wide {
		x.VINSERTF64X4(U8(1), half(halves[1]), halves[0], d)
	} else {
		x.VINSERTF128(U8(1), half(halves[1]), halves[0], d)
	}
	return d
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

// wave is the sine, or the cosine if quarters: what is left of v without the
// nearest quarter of a circle, in two parts, goes into both Taylor series, which
// err by less than 2e-9 of their value.
func (x *isa) wave(v reg.VecVirtual, quarters bool) reg.VecVirtual {
	shift, k := x.nearest(v, 2/math.Pi)
	r := x.load(v)
	x.VFNMADD231PD(x.double(1.57079632673412561417), k, r) // the first 33 bits of pi/2
	x.VFNMADD231PD(x.double(6.07710050650619224932e-11), k, r)
	square := x.to(x.VMULPD, r, r)
	sin := x.poly64(square, 1, -1./6, 1./120, -1./5040, 1./362880)
	x.VMULPD(r, sin, sin)
	cos := x.poly64(square, 1, -1./2, 1./24, -1./720, 1./40320, -1./3628800)
	if quarters {
		x.VPADDQ(x.word64(1), shift, shift)
	}
	odd := x.to(x.VPSLLQ, U8(63), shift)
	y := x.vec()
	if x.wide {
		m := x.K()
		x.VPMOVQ2M(odd, m)
		x.VBLENDMPD(cos, sin, m, y)
	} else {
		x.VBLENDVPD(odd, cos, sin, y)
	}
	x.VPSRLQ(U8(1), shift, shift)
	x.VPSLLQ(U8(63), shift, shift)
	return x.to(x.VXORPS, shift, y)
}

// pow is v**e for v > 0: v = m * 2**n with m in [sqrt(1/2), sqrt(2)) and s =
// (m-1)/(m+1) have the logarithm n + 2/ln2 * (s + s**3/3 + ...), which errs by
// 2**-39, and the series of the exponential by 2**-36.
func (x *isa) pow(v, e reg.VecVirtual) reg.VecVirtual {
	one := math.Float64bits(1)
	t := x.to(x.VPADDQ, x.word64(one-math.Float64bits(math.Sqrt2/2)), v)
	x.VPSRLQ(U8(52), t, t) // n + 1023
	n := x.to(x.VORPS, x.word64(math.Float64bits(1<<52)), t)
	x.VSUBPD(x.double(1<<52+1023), n, n)
	x.VPSLLQ(U8(52), t, t)
	m := x.to(x.VPSUBQ, t, v)
	x.VPADDQ(x.word64(one), m, m)
	s := x.to(x.VDIVPD, x.to(x.VADDPD, x.double(1), m), x.to(x.VSUBPD, x.double(1), m))
	c := make([]float64, 7)
	for i := range c {
		c[i] = 2 / math.Ln2 / float64(2*i+1)
	}
	p := x.poly64(x.to(x.VMULPD, s, s), c...)
	x.VFMADD213PD(n, s, p)
	x.VMULPD(e, p, p)
	x.VMINPD(x.double(200), p, p) // infinite in float32
	x.VMAXPD(x.double(-200), p, p)
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
