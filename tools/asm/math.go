package main

import (
	"math"

	"github.com/mmcloughlin/avo/reg"

	. "github.com/mmcloughlin/avo/operand"
)

// emitMath writes the functions of one variable.
func emitMath(x *isa) {
	// chains vectors go abreast: as many as registers hold.
	unary := func(chains int, name, doc string, f func(v reg.VecVirtual) reg.VecVirtual) {
		x.function(name+x.name, "func(dst, src []float32)", name+x.name+" is dst[i] = "+doc+".")
		n := x.GP64()
		dst, src := x.GP64(), x.GP64()
		x.Load(x.Param("dst").Base(), dst)
		x.Load(x.Param("dst").Len(), n)
		x.Load(x.Param("src").Base(), src)
		x.loopAbreast(n, chains, []reg.GPVirtual{dst, src}, func(io vectorIO, _ int) { io.store(f(io.load(src)), dst) })
		x.ret()
	}
	unary(3, "exp", "e**src[i]", x.exp)
	unary(2, "log", "log(src[i])", x.log)
	unary(3, "tanh", "tanh(src[i])", x.tanh)
	unary(3, "sigmoid", "1 / (1 + exp(-src[i]))", x.sigmoid)
	unary(2, "erf", "erf(src[i])", x.erf)
	unary(2, "gelu", "src[i]/2 * (1 + erf(src[i]/sqrt(2)))", func(v reg.VecVirtual) reg.VecVirtual {
		half := x.mul(v, x.float(0.5))
		e := x.erf(x.mul(v, x.float(math.Sqrt2/2)))
		x.fma(e, half, half)
		return e
	})
	unary(2, "geluTanh", "src[i] / (1 + exp(-2*sqrt(2/pi)*(src[i] + 0.044715*src[i]**3)))", func(v reg.VecVirtual) reg.VecVirtual {
		c := 2 * math.Sqrt(2/math.Pi)
		u := x.poly(x.mul(v, v), c, c*0.044715)
		return x.mul(x.sigmoid(x.mul(u, v)), v)
	})
	unary(3, "silu", "src[i] / (1 + exp(-src[i]))", func(v reg.VecVirtual) reg.VecVirtual {
		return x.mul(x.sigmoid(v), v)
	})
	unary(2, "relu", "max(src[i], 0), NaN for NaN", func(v reg.VecVirtual) reg.VecVirtual {
		return x.to(x.VMAXPS, v, x.load(x.float(0)))
	})
	unary(2, "sqrt", "sqrt(src[i])", func(v reg.VecVirtual) reg.VecVirtual { return x.to(x.VSQRTPS, v) })
	unary(4, "floor", "the largest whole number not above src[i]", func(v reg.VecVirtual) reg.VecVirtual { return x.whole(v, 1) })
	unary(4, "ceil", "the smallest whole number not below src[i]", func(v reg.VecVirtual) reg.VecVirtual { return x.whole(v, 2) })
	unary(4, "round", "the whole number nearest to src[i], of two the even one", func(v reg.VecVirtual) reg.VecVirtual { return x.whole(v, 0) })
	unary(4, "sign", "1 or -1 with the sign of src[i], or src[i] itself for 0 and NaN", func(v reg.VecVirtual) reg.VecVirtual {
		one := x.or(x.and(v, x.bits(signBit)), x.float(1))
		return x.choose(x.compare(differs, v, x.float(0)), one, v)
	})
	unary(4, "abs", "|src[i]|", x.size)
	unary(2, "softsign", "src[i] / (1 + |src[i]|)", func(v reg.VecVirtual) reg.VecVirtual {
		return x.div(v, x.add(x.size(v), x.float(1)))
	})
	unary(2, "atan", "atan(src[i])", x.atan)
}

// whole rounds in one of the directions of MXCSR, without a word of inexactness.
func (x *isa) whole(v reg.VecVirtual, direction uint8) reg.VecVirtual {
	const quiet = 8
	d := x.vec()
	if x.wide {
		x.VRNDSCALEPS(U8(quiet|direction), v, d)
	} else {
		x.VROUNDPS(U8(quiet|direction), v, d)
	}
	return d
}

const (
	signBit = 1 << 31
	// magic added to a number of magnitude below 2**22 rounds it to an
	// integer, which then stands in the low bits.
	magic = 3 << 22
)

// reduced is an exponent y = n*ln2 + r with |r| <= ln2/2.
type reduced struct {
	expm1 reg.VecVirtual // e**r - 1
	n     reg.VecVirtual // n as a number
	shift reg.VecVirtual // n + magic
}

// reduce splits y, |y| < 2**21, and computes e**r - 1 = r + r*r*q(r) with a
// minimax q of relative error 3e-9.
func (x *isa) reduce(y reg.VecVirtual) reduced {
	shift := x.load(x.float(magic))
	x.VFMADD231PS(x.float(math.Log2E), y, shift)
	n := x.sub(shift, x.float(magic))
	r := x.load(y)
	high := float64(float32(math.Ln2))
	x.VFNMADD231PS(x.float(high), n, r)
	x.VFNMADD231PS(x.float(math.Ln2-high), n, r)
	q := x.poly(r, 0.4999999343, 0.166665204, 0.04166839079, 0.008368745127, 0.001381453988)
	x.fma(q, x.mul(r, r), r)
	return reduced{q, n, shift}
}

// power is 2**n for -127 < n < 128.
func (x *isa) power(e reduced) reg.VecVirtual {
	p := x.to(x.VPSLLD, U8(23), e.shift)
	x.VPADDD(x.bits(127<<23), p, p)
	return p
}

// scale is v * 2**n, rounded once where the result is denormal.
func (x *isa) scale(v reg.VecVirtual, e reduced) reg.VecVirtual {
	if x.wide {
		return x.to(x.VSCALEFPS, e.n, v)
	}
	n := x.to(x.VPSUBD, x.float(magic), e.shift)
	half := x.to(x.VPSRAD, U8(1), n)
	x.VPSUBD(half, n, n)
	for _, h := range []reg.VecVirtual{half, n} {
		x.VPSLLD(U8(23), h, h)
		x.VPADDD(x.bits(127<<23), h, h)
		v = x.mul(v, h)
	}
	return v
}

func (x *isa) exp(v reg.VecVirtual) reg.VecVirtual {
	e := x.reduce(x.atMost(x.atLeast(v, -104), 89))
	return x.scale(x.add(e.expm1, x.float(1)), e)
}

// sigmoid is e/(1+e) for negative v and 1/(1+e) for others with e = exp(-|v|),
// which loses nothing at either end and cannot leave [0, 1].
func (x *isa) sigmoid(v reg.VecVirtual) reg.VecVirtual {
	e := x.reduce(x.atLeast(x.or(v, x.bits(signBit)), -104))
	s := x.scale(x.add(e.expm1, x.float(1)), e)
	num := x.choose(x.negative(v), s, x.load(x.float(1)))
	return x.div(num, x.add(s, x.float(1)))
}

// gateSigmoid is sigmoid where nobody minds that the least it gives is 1e-38.
func (x *isa) gateSigmoid(v reg.VecVirtual) reg.VecVirtual {
	e := x.reduce(x.atLeast(x.or(v, x.bits(signBit)), -87))
	p := x.power(e)
	s := e.expm1
	x.fma(s, p, p)
	num := x.choose(x.negative(v), s, x.load(x.float(1)))
	return x.div(num, x.add(s, x.float(1)))
}

// tanh is t/(t+2) with t = expm1(2|v|) and the sign of v: no cancellation near
// 0, and the quotient cannot exceed 1.
func (x *isa) tanh(v reg.VecVirtual) reg.VecVirtual {
	a := x.atMost(x.and(v, x.bits(^uint32(signBit))), 10)
	e := x.reduce(x.add(a, a))
	p := x.power(e)
	t := e.expm1
	x.fma(t, p, x.sub(p, x.float(1)))
	return x.or(x.div(t, x.add(t, x.float(2))), x.and(v, x.bits(signBit)))
}

// tanhFractions gives p and d with tanh(v) = p*v/d and sigmoid(2*v) = (p*v+d)/2d,
// within 4e-7 of the first and 2e-7 of the second; v is brought to [-9, 9]. p and d
// are polynomials of v*v: the rational minimax approximation of tanh(v)/v of degree 4
// over 4, of relative error 2e-8, found by Lawson's reweighted least squares and rounded
// so that 9*p is d at the ends. Vectors go abreast and share what is loaded.
func (x *isa) tanhFractions(v []reg.VecVirtual) (p, d []reg.VecVirtual) {
	const end = 9
	ofP := []float64{6.7437347e-04, 9.0238056e-05, 2.3573277e-06, 1.3898142e-08, 9.005964e-12}
	ofD := []float64{6.7437347e-04, 3.150291e-04, 1.7450735e-05, 2.2157377e-07, 5.2442695e-10}
	most, least := x.load(x.float(end)), x.load(x.float(-end))
	squares := make([]reg.VecVirtual, len(v))
	for i := range v {
		v[i] = x.to(x.VMAXPS, x.to(x.VMINPS, v[i], most), least)
		squares[i] = x.mul(v[i], v[i])
	}
	last := len(ofP) - 1
	p4, d4 := x.load(x.float(ofP[last])), x.load(x.float(ofD[last]))
	for range v {
		p, d = append(p, x.load(p4)), append(d, x.load(d4))
	}
	for n := last - 1; n >= 0; n-- {
		pn, dn := x.load(x.float(ofP[n])), x.load(x.float(ofD[n]))
		for i := range v {
			x.fma(p[i], squares[i], pn)
			x.fma(d[i], squares[i], dn)
		}
	}
	return p, d
}

// log takes x = m * 2**e with m in [sqrt(1/2), sqrt(2)) and f = m-1:
// log(x) = e*ln2 + f - f*f/2 + f*f*f*P(f), P minimax.
func (x *isa) log(v reg.VecVirtual) reg.VecVirtual {
	const two23 = 1 << 23
	small := x.compare(less, v, x.bits(1<<23)) // below the normal numbers
	m := x.choose(small, x.mul(v, x.float(two23)), v)
	shift := x.choose(small, x.float(-23), x.load(x.float(0)))

	const rootHalf = 0x3f3504f3
	e := x.to(x.VPSUBD, x.bits(rootHalf), m)
	x.VPSRAD(U8(23), e, e)
	x.VPSUBD(x.to(x.VPSLLD, U8(23), e), m, m)
	x.VCVTDQ2PS(e, e)
	e = x.add(e, shift)

	f := x.sub(m, x.float(1))
	p := x.poly(f, 0.3333333171, -0.2500082104, 0.2000122687, -0.166233573, 0.1420175823, -0.1316018306, 0.1276157564, -0.07634493023)
	s := x.mul(f, f)
	x.fma(p, f, x.float(-0.5)) // f*P - 1/2
	high := 355.0 / 512        // e*high is exact
	low := x.mul(e, x.float(math.Ln2-high))
	x.fma(p, s, low)
	y := x.add(p, f)
	x.VFMADD231PS(x.float(high), e, y)

	y = x.choose(x.compare(equal, v, x.float(math.Inf(1))), v, y)
	y = x.choose(x.compare(notAtLeast, v, x.float(0)), x.bits(0x7fc00000), y)
	return x.choose(x.compare(equal, v, x.float(0)), x.float(math.Inf(-1)), y)
}

// erf is v + v*P(v*v) up to 0.925 and 1 - exp(-(t + t*H(t))) beyond, t = |v|,
// with minimax P and H; from 4 on it is 1.
func (x *isa) erf(v reg.VecVirtual) reg.VecVirtual {
	a := x.and(v, x.bits(^uint32(signBit)))
	near := x.poly(x.mul(v, v), 0.1283791666, -0.3761263319, 0.1128368719, -0.02685894151, 0.005199906675, -0.0008130012705, 8.316775276e-05)
	x.fma(near, v, v)

	t := x.atMost(a, 4)
	g := x.poly(t, 0.1286484903, 0.635151316, 0.1062368784, -0.02376206359, 0.003642459391, -0.0003228039609, 1.123131845e-05)
	x.fma(g, t, t)
	e := x.reduce(x.or(g, x.bits(signBit)))
	p := x.power(e)
	x.fma(e.expm1, p, p)
	far := x.sub(x.load(x.float(1)), e.expm1)
	far = x.or(far, x.and(v, x.bits(signBit)))
	return x.choose(x.compare(less, a, x.float(0.925)), near, far)
}

// atan is u + u*z*P(z) with z = u*u and minimax P, of relative error 3e-9, for
// u = |v| up to 1. Beyond, it is that of u = -1/|v|, and pi/2 is added in two parts.
func (x *isa) atan(v reg.VecVirtual) reg.VecVirtual {
	high := float64(float32(math.Pi / 2))
	a := x.and(v, x.bits(^uint32(signBit)))
	far := x.compare(less, x.load(x.float(1)), a)
	u := x.choose(far, x.div(x.load(x.float(-1)), a), a)
	z := x.mul(u, u)
	p := x.poly(z, -0.3333329909, 0.1999854829, -0.142642417, 0.1095218589, -0.08403450661, 0.05795759904, -0.0311778511, 0.01091460846, -0.001793622295)
	p = x.mul(p, z)
	zero := x.none()
	x.fma(p, u, x.choose(far, x.float(math.Pi/2-high), zero))
	y := x.add(x.add(p, u), x.choose(far, x.float(high), zero))
	return x.or(y, x.and(v, x.bits(signBit)))
}
