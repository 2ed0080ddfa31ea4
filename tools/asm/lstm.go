package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitLSTM writes the elementwise part of an LSTM step.
func emitLSTM(x *isa) {
	x.function("lstmGates"+x.name, "func(blocks int, gates, c, h *float32, save bool)",
		"lstmGates"+x.name+" activates the gates i, o, f, c of some blocks of a vector of hidden units each, then",
		"",
		"\tc = f*c + i*g",
		"\th = o * tanh(c)",
		"",
		"and leaves the activated gates in place if save.")
	blocks, gates, c, h := x.param("blocks"), x.param("gates"), x.param("c"), x.param("h")
	at := func(n int) Mem { return Mem{Base: gates}.Offset(n * x.bytes()) }

	x.Label("block")
	i := x.sigmoid(x.load(at(0)))
	g := x.tanh(x.load(at(3)))
	ig := x.mul(i, g)
	f := x.sigmoid(x.load(at(2)))
	cell := x.load(Mem{Base: c})
	x.fma(cell, f, ig)
	x.VMOVUPS(cell, Mem{Base: c})
	o := x.sigmoid(x.load(at(1)))
	x.VMOVUPS(x.mul(x.tanh(cell), o), Mem{Base: h})
	x.CMPB(x.address("save"), Imm(0))
	x.JEQ(LabelRef("next"))
	for n, v := range []reg.VecVirtual{i, o, f, g} {
		x.VMOVUPS(v, at(n))
	}
	x.Label("next")
	x.ADDQ(U32(4*x.bytes()), gates)
	x.ADDQ(U8(x.bytes()), c)
	x.ADDQ(U8(x.bytes()), h)
	x.DECQ(blocks)
	x.JNZ(LabelRef("block"))
	x.ret()
}

// emitGRU writes the elementwise part of a GRU step.
func emitGRU(x *isa) {
	x.function("gruGates"+x.name, "func(blocks int, x, y, h, out *float32)",
		"gruGates"+x.name+" finishes a step for some blocks of a vector of hidden units each: in the order z, r, n",
		"",
		"\tz, r = sigmoid(x + y)    n = tanh(x + r*y)",
		"\tout = n + z*(h-n)")
	blocks, in, rec, h, out := x.param("blocks"), x.param("x"), x.param("y"), x.param("h"), x.param("out")
	at := func(p reg.GPVirtual, n int) Mem { return Mem{Base: p}.Offset(n * x.bytes()) }

	x.Label("block")
	n := x.sigmoid(x.add(x.load(at(rec, 1)), at(in, 1)))
	x.fma(n, x.load(at(rec, 2)), at(in, 2))
	n = x.tanh(n)
	z := x.sigmoid(x.add(x.load(at(rec, 0)), at(in, 0)))
	x.fma(z, x.sub(x.load(Mem{Base: h}), n), n)
	x.VMOVUPS(z, Mem{Base: out})
	x.ADDQ(U32(3*x.bytes()), in)
	x.ADDQ(U32(3*x.bytes()), rec)
	x.ADDQ(U8(x.bytes()), h)
	x.ADDQ(U8(x.bytes()), out)
	x.DECQ(blocks)
	x.JNZ(LabelRef("block"))
	x.ret()
}
