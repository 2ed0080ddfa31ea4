package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitBackward writes the gradients of elementwise functions and rows. They
// add to what is there.
func emitBackward(x *isa) {
	accumulate := func(name, doc string, f func(sum, a, b reg.VecVirtual)) {
		x.function(name+x.name, "func(dst, a, b []float32)", name+x.name+" is dst[i] += "+doc+".")
		n, dst, a, b := x.slice("dst"), x.base("dst"), x.base("a"), x.base("b")
		x.loop(n, 2, []reg.GPVirtual{dst, a, b}, func(io vectorIO, _ int) {
			sum := io.load(dst)
			f(sum, io.load(a), io.load(b))
			io.store(sum, dst)
		})
		x.ret()
	}
	accumulate("mulAdd", "a[i] * b[i]", func(sum, a, b reg.VecVirtual) { x.VFMADD231PS(b, a, sum) })
	accumulate("tanhBackward", "a[i] * (1 - b[i]*b[i])", func(sum, a, b reg.VecVirtual) {
		x.VFMADD231PS(x.slopeTanh(b), a, sum)
	})
	accumulate("sigmoidBackward", "a[i] * b[i] * (1 - b[i])", func(sum, a, b reg.VecVirtual) {
		x.VFMADD231PS(x.slopeSigmoid(b), a, sum)
	})

	x.function("softmaxBackward"+x.name, "func(dx, dy, y []float32, dot float32)",
		"softmaxBackward"+x.name+" is dx[i] += y[i] * (dy[i] - dot).")
	n, dx, dy, y := x.slice("dx"), x.base("dx"), x.base("dy"), x.base("y")
	dot := x.broadcast("dot")
	x.loop(n, 2, []reg.GPVirtual{dx, dy, y}, func(io vectorIO, _ int) {
		sum := io.load(dx)
		x.VFMADD231PS(io.load(y), x.sub(io.load(dy), dot), sum)
		io.store(sum, dx)
	})
	x.ret()

	normBackward(x)
	cellBackward(x)
}

// slopeTanh is 1 - y*y, slopeSigmoid is y - y*y.
func (x *isa) slopeTanh(y reg.VecVirtual) reg.VecVirtual {
	s := x.load(x.float(1))
	x.VFNMADD231PS(y, y, s)
	return s
}

func (x *isa) slopeSigmoid(y reg.VecVirtual) reg.VecVirtual {
	s := x.load(y)
	x.VFNMADD231PS(y, y, s)
	return s
}

// normBackward writes the two passes of layer normalisation's gradient.
func normBackward(x *isa) {
	x.function("normSums"+x.name, "func(dgamma, dbeta, dy, x, gamma []float32, mean, rstd float32) (sumG, sumGX float32)",
		"normSums"+x.name+" is, with xhat = (x[i]-mean)*rstd and g = dy[i]*gamma[i],",
		"",
		"\tdgamma[i] += dy[i]*xhat; dbeta[i] += dy[i]; sumG += g; sumGX += g*xhat")
	n, dgamma, dbeta := x.slice("dy"), x.base("dgamma"), x.base("dbeta")
	dy, from, gamma := x.base("dy"), x.base("x"), x.base("gamma")
	mean, rstd := x.broadcast("mean"), x.broadcast("rstd")
	sumG, sumGX := x.vec(), x.vec()
	x.zero(sumG)
	x.zero(sumGX)
	x.loop(n, 1, []reg.GPVirtual{dgamma, dbeta, dy, from, gamma}, func(io vectorIO, _ int) {
		xhat, d := x.mul(x.sub(io.load(from), mean), rstd), io.load(dy)
		sum := io.load(dgamma)
		x.VFMADD231PS(xhat, d, sum)
		io.store(sum, dgamma)
		io.store(x.add(d, io.load(dbeta)), dbeta)
		g := x.mul(d, io.load(gamma))
		x.VADDPS(g, sumG, sumG)
		x.VFMADD231PS(g, xhat, sumGX)
	})
	x.Store(x.fold(sumG, x.VADDPS), x.Return("sumG"))
	x.Store(x.fold(sumGX, x.VADDPS), x.Return("sumGX"))
	x.ret()

	x.function("normInput"+x.name, "func(dx, dy, x, gamma []float32, mean, rstd, meanG, meanGX float32)",
		"normInput"+x.name+" is dx[i] += rstd * (dy[i]*gamma[i] - meanG - (x[i]-mean)*rstd*meanGX).")
	n, dx := x.slice("dx"), x.base("dx")
	dy, from, gamma = x.base("dy"), x.base("x"), x.base("gamma")
	mean, rstd = x.broadcast("mean"), x.broadcast("rstd")
	meanG, meanGX := x.broadcast("meanG"), x.broadcast("meanGX")
	x.loop(n, 1, []reg.GPVirtual{dx, dy, from, gamma}, func(io vectorIO, _ int) {
		xhat := x.mul(x.sub(io.load(from), mean), rstd)
		g := x.sub(x.mul(io.load(dy), io.load(gamma)), meanG)
		x.VFNMADD231PS(xhat, meanGX, g)
		sum := io.load(dx)
		x.VFMADD231PS(g, rstd, sum)
		io.store(sum, dx)
	})
	x.ret()
}

// cellBackward writes the gradient of the elementwise part of an LSTM step.
func cellBackward(x *isa) {
	x.function("cellBackward"+x.name, "func(dgates, dcPrev, dh, dc, gates, c, cPrev []float32)",
		"cellBackward"+x.name+" is LSTMCellBackward.")
	n, h, h3 := x.slice("dcPrev"), x.GP64(), x.GP64()
	x.MOVQ(n, h)
	x.SHLQ(U8(2), h)
	x.LEAQ(Mem{Base: h, Index: h, Scale: 2}, h3)
	dgates, dcPrev, dh, dc := x.base("dgates"), x.base("dcPrev"), x.base("dh"), x.base("dc")
	gates, c, cPrev := x.base("gates"), x.base("c"), x.base("cPrev")
	of := func(p reg.GPVirtual, gate int) Mem {
		return []Mem{{Base: p}, {Base: p, Index: h, Scale: 1}, {Base: p, Index: h, Scale: 2}, {Base: p, Index: h3, Scale: 1}}[gate]
	}
	x.loopAbreast(n, 2, []reg.GPVirtual{dgates, dcPrev, dh, dc, gates, c, cPrev}, func(io vectorIO, _ int) {
		tc := x.tanh(io.load(c))
		dhv, o := io.load(dh), io.loadFrom(of(gates, 1))
		io.storeTo(x.mul(x.mul(dhv, tc), x.slopeSigmoid(o)), of(dgates, 1))
		dct := io.load(dc)
		x.VFMADD231PS(x.mul(dhv, o), x.slopeTanh(tc), dct)

		f := io.loadFrom(of(gates, 2))
		io.storeTo(x.mul(x.mul(dct, io.load(cPrev)), x.slopeSigmoid(f)), of(dgates, 2))
		io.store(x.mul(dct, f), dcPrev)
		i, g := io.loadFrom(of(gates, 0)), io.loadFrom(of(gates, 3))
		io.storeTo(x.mul(x.mul(dct, g), x.slopeSigmoid(i)), of(dgates, 0))
		io.storeTo(x.mul(x.mul(dct, i), x.slopeTanh(g)), of(dgates, 3))
	})
	x.ret()
}
