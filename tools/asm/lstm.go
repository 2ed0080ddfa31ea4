package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitLSTM writes the elementwise part of an LSTM step.
func emitLSTM(x *isa) {
	lstmGates(x)
	lstmCell(x)
}

// lstmGates is for who wants the gates. What registers hold goes abreast: three
// functions, of one block or of two.
func lstmGates(x *isa) {
	x.function("lstmGates"+x.name, "func(blocks int, gates, c, h *float32)",
		"lstmGates"+x.name+" activates the gates i, o, f, c of some blocks of a vector of hidden units each, in place, then",
		"",
		"\tc = f*c + i*g",
		"\th = o * tanh(c)")
	blocks, gates, c, h := x.param("blocks"), x.param("gates"), x.param("c"), x.param("h")
	gate := func(n, g int) Mem { return Mem{Base: gates}.Offset((4*n + g) * x.bytes()) }
	of := func(p reg.GPVirtual, n int) Mem { return Mem{Base: p}.Offset(n * x.bytes()) }
	const i, o, f, g = 0, 1, 2, 3
	activate := func(n, which int) {
		if which == g {
			x.VMOVUPS(x.tanh(x.load(gate(n, g))), gate(n, g))
			return
		}
		x.VMOVUPS(x.gateSigmoid(x.load(gate(n, which))), gate(n, which))
	}
	state := func(n int) {
		x.abreast(3, func(k int) { activate(n, []int{i, f, g}[k]) })
		cell := x.mul(x.load(gate(n, i)), gate(n, g))
		x.VFMADD231PS(of(c, n), x.load(gate(n, f)), cell)
		x.VMOVUPS(cell, of(c, n))
	}
	output := func(n int) { x.VMOVUPS(x.mul(x.tanh(x.load(of(c, n))), gate(n, o)), of(h, n)) }
	x.Label("pair")
	x.SUBQ(U8(2), blocks)
	x.JLT(LabelRef("single"))
	state(0)
	state(1)
	x.abreast(2, func(n int) { activate(n, o) })
	x.abreast(2, output)
	x.ADDQ(U32(2*4*x.bytes()), gates)
	x.ADDQ(U32(2*x.bytes()), c)
	x.ADDQ(U32(2*x.bytes()), h)
	x.JMP(LabelRef("pair"))
	x.Label("single")
	x.ADDQ(U8(2), blocks)
	x.JZ(LabelRef("done"))
	state(0)
	activate(0, o)
	output(0)
	x.Label("done")
	x.ret()
}

// lstmCell leaves the gates as fractions, s/2d of the sigmoids and n/d of tanh, so
// that three divisions are enough:
//
//	c = sf/2df * c + si*ng / 2*di*dg
//	h = so*nc / 2*do*dc
//
// First all c, then all h: neither waits for what was just computed. A cell whose
// gate f is 1 stays as it is.
func lstmCell(x *isa) {
	x.function("lstmCell"+x.name, "func(blocks int, gates, c, h *float32)",
		"lstmCell"+x.name+" takes the gates i, o, f, c of some blocks of a vector of hidden units each, before their activation, and sets",
		"",
		"\tc = sigmoid(f)*c + sigmoid(i)*tanh(g)",
		"\th = sigmoid(o) * tanh(c)",
		"",
		"There is at least one block.")
	blocks, gates, c, h := x.param("blocks"), x.param("gates"), x.param("c"), x.param("h")
	at := func(p reg.GPVirtual, n int) Mem { return Mem{Base: p}.Offset(n * x.bytes()) }
	const i, o, f, g = 0, 1, 2, 3
	twice := func(v reg.VecVirtual) reg.VecVirtual { return x.add(v, v) }
	units := func(name string, each func()) {
		x.Label(name)
		each()
		x.ADDQ(U32(4*x.bytes()), gates)
		x.ADDQ(U32(x.bytes()), c)
		x.DECQ(blocks)
		x.JNZ(LabelRef(name))
	}

	units("cells", func() {
		half := x.load(x.float(0.5))
		v := []reg.VecVirtual{x.mul(half, at(gates, i)), x.mul(half, at(gates, f)), x.load(at(gates, g))}
		p, d := x.tanhFractions(v)
		si, sf := p[0], p[1]
		x.fma(si, v[0], d[0])
		x.fma(sf, v[1], d[1])
		forget := x.div(sf, twice(d[1]))
		cell := x.div(x.mul(si, x.mul(p[2], v[2])), twice(x.mul(d[0], d[2])))
		x.VFMADD231PS(at(c, 0), forget, cell)
		x.VMOVUPS(cell, at(c, 0))
	})
	x.Load(x.Param("blocks"), blocks)
	x.Load(x.Param("gates"), gates)
	x.Load(x.Param("c"), c)
	units("outputs", func() {
		v := []reg.VecVirtual{x.mul(x.load(x.float(0.5)), at(gates, o)), x.load(at(c, 0))}
		p, d := x.tanhFractions(v)
		so := p[0]
		x.fma(so, v[0], d[0])
		n := x.mul(so, x.mul(p[1], v[1]))
		x.VMOVUPS(x.div(n, twice(x.mul(d[0], d[1]))), at(h, 0))
		x.ADDQ(U32(x.bytes()), h)
	})
	x.ret()
}

// emitGRU writes the elementwise part of a GRU step, two blocks abreast.
func emitGRU(x *isa) {
	x.function("gruGates"+x.name, "func(blocks int, x, y, h, out *float32)",
		"gruGates"+x.name+" finishes a step for some blocks of a vector of hidden units each: in the order z, r, n",
		"",
		"\tz, r = sigmoid(x + y)    n = tanh(x + r*y)",
		"\tout = n + z*(h-n)")
	blocks, in, rec, h, out := x.param("blocks"), x.param("x"), x.param("y"), x.param("h"), x.param("out")
	gate := func(p reg.GPVirtual, block, g int) Mem { return Mem{Base: p}.Offset((3*block + g) * x.bytes()) }
	of := func(p reg.GPVirtual, block int) Mem { return Mem{Base: p}.Offset(block * x.bytes()) }
	const z, r, n = 0, 1, 2
	some := func(count int) {
		candidate := make([]reg.VecVirtual, count)
		x.abreast(count, func(b int) {
			v := x.gateSigmoid(x.add(x.load(gate(rec, b, r)), gate(in, b, r)))
			x.fma(v, x.load(gate(rec, b, n)), gate(in, b, n))
			candidate[b] = x.tanh(v)
		})
		x.abreast(count, func(b int) {
			v := x.gateSigmoid(x.add(x.load(gate(rec, b, z)), gate(in, b, z)))
			x.fma(v, x.sub(x.load(of(h, b)), candidate[b]), candidate[b])
			x.VMOVUPS(v, of(out, b))
		})
		x.ADDQ(U32(3*count*x.bytes()), in)
		x.ADDQ(U32(3*count*x.bytes()), rec)
		x.ADDQ(U32(count*x.bytes()), h)
		x.ADDQ(U32(count*x.bytes()), out)
	}
	x.Label("pair")
	x.SUBQ(U8(2), blocks)
	x.JLT(LabelRef("single"))
	some(2)
	x.JMP(LabelRef("pair"))
	x.Label("single")
	x.ADDQ(U8(2), blocks)
	x.JZ(LabelRef("done"))
	some(1)
	x.Label("done")
	x.ret()
}
