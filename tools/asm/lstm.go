package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitLSTM writes the elementwise part of an LSTM step. A block is a chain of
// dependent operations, the tanh of the new state the second half of it, so two
// blocks go side by side.
func emitLSTM(x *isa) {
	x.function("lstmGates"+x.name, "func(blocks int, gates, c, h *float32)",
		"lstmGates"+x.name+" activates the gates i, o, f, c of some blocks of a vector of hidden units each, in place, then",
		"",
		"\tc = f*c + i*g",
		"\th = o * tanh(c)")
	blocks, gates, c, h := x.param("blocks"), x.param("gates"), x.param("c"), x.param("h")
	state := func(n int) (cell, o reg.VecVirtual) {
		gate := func(g int) Mem { return Mem{Base: gates}.Offset((4*n + g) * x.bytes()) }
		i := x.gateSigmoid(x.load(gate(0)))
		x.VMOVUPS(i, gate(0))
		g := x.tanh(x.load(gate(3)))
		x.VMOVUPS(g, gate(3))
		ig := x.mul(i, g)
		f := x.gateSigmoid(x.load(gate(2)))
		x.VMOVUPS(f, gate(2))
		at := Mem{Base: c}.Offset(n * x.bytes())
		cell = x.load(at)
		x.fma(cell, f, ig)
		x.VMOVUPS(cell, at)
		o = x.gateSigmoid(x.load(gate(1)))
		x.VMOVUPS(o, gate(1))
		return cell, o
	}
	some := func(n int) {
		cell, o := make([]reg.VecVirtual, n), make([]reg.VecVirtual, n)
		for i := range n {
			cell[i], o[i] = state(i)
		}
		for i := range n {
			x.VMOVUPS(x.mul(x.tanh(cell[i]), o[i]), Mem{Base: h}.Offset(i*x.bytes()))
		}
	}
	x.Label("pair")
	x.SUBQ(U8(2), blocks)
	x.JLT(LabelRef("single"))
	some(2)
	x.ADDQ(U32(2*4*x.bytes()), gates)
	x.ADDQ(U32(2*x.bytes()), c)
	x.ADDQ(U32(2*x.bytes()), h)
	x.JMP(LabelRef("pair"))
	x.Label("single")
	x.ADDQ(U8(2), blocks)
	x.JZ(LabelRef("done"))
	some(1)
	x.Label("done")
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
	n := x.gateSigmoid(x.add(x.load(at(rec, 1)), at(in, 1)))
	x.fma(n, x.load(at(rec, 2)), at(in, 2))
	n = x.tanh(n)
	z := x.gateSigmoid(x.add(x.load(at(rec, 0)), at(in, 0)))
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
