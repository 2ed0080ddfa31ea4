package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/reg"

	. "github.com/mmcloughlin/avo/operand"
)

// blockLen is how many values the kernels that write bytes take at a time.
const blockLen = 32

// emitConvert writes what turns float32 values into truth values and integers,
// and integers of 32 bits into float32.
func emitConvert(x *isa) {
	multiple := fmt.Sprintf("len(a) is a multiple of %d.", blockLen)
	compare := func(name, doc string, predicate uint8) {
		x.function(name+x.name, "func(dst *uint8, a, b []float32)",
			name+x.name+" is dst[i] = 1 where a[i] "+doc+" b[i], else 0; "+multiple)
		n, dst, a, b := x.slice("a"), x.param("dst"), x.base("a"), x.base("b")
		x.blocks(n, dst, []reg.GPVirtual{a, b}, func(io vectorIO) reg.VecVirtual {
			if x.wide {
				return x.choose(x.compare(predicate, io.load(a), Mem{Base: b}.Offset(io.at)), x.bits(1), x.none())
			}
			v := io.load(a)
			x.VCMPPS(U8(predicate), Mem{Base: b}.Offset(io.at), v, v)
			return v
		}, 1)
		x.ret()
	}
	compare("equal", "==", equal)
	compare("less", "<", less)
	compare("lessOrEqual", "<=", lessOrEqual)
	compare("unequal", "!=", unequal)

	x.function("floatToBytes"+x.name, "func(dst *uint8, a []float32)",
		"floatToBytes"+x.name+" is dst[i] = the low byte of a[i] towards zero, 0 beyond 32 bits; "+multiple)
	n, dst, a := x.slice("a"), x.param("dst"), x.base("a")
	x.blocks(n, dst, []reg.GPVirtual{a}, func(io vectorIO) reg.VecVirtual {
		return x.to(x.VCVTTPS2DQ, Mem{Base: a}.Offset(io.at))
	}, 0xff)
	x.ret()

	elementwise := func(name, signature, doc string, f func(...Op)) {
		x.function(name+x.name, signature, name+x.name+" is dst[i] = "+doc+".")
		n, dst, src := x.slice("dst"), x.base("dst"), x.base("src")
		x.loop(n, 4, []reg.GPVirtual{dst, src}, func(io vectorIO, _ int) { io.store(x.to(f, io.load(src)), dst) })
		x.ret()
	}
	elementwise("floatToInt32", "func(dst []int32, src []float32)", "src[i] towards zero, the least integer beyond 32 bits", x.VCVTTPS2DQ)
	elementwise("int32ToFloat", "func(dst []float32, src []int32)", "src[i], rounded", x.VCVTDQ2PS)
}

// none is a vector of zeros.
func (x *isa) none() reg.VecVirtual {
	v := x.vec()
	x.zero(v)
	return v
}

// blocks writes the low bytes of words to dst, those of a mask; there are n, a
// multiple of blockLen. Words are all ones, or 0, or of any value.
func (x *isa) blocks(n, dst reg.GPVirtual, ptr []reg.GPVirtual, words func(io vectorIO) reg.VecVirtual, mask uint32) {
	var order, kept reg.VecVirtual
	if !x.wide {
		if x.quads.Base == nil {
			x.quads = x.data("quads", 0, 4, 1, 5, 2, 6, 3, 7)
		}
		order = x.load(x.quads)
		kept = x.load(x.bits(mask))
	}
	next, end := x.label("block"), x.label("end")
	x.TESTQ(n, n)
	x.JZ(LabelRef(end))
	x.Label(next)
	if x.wide {
		for i := range blockLen / x.lanes {
			x.VPMOVDB(words(vectorIO{x: x, at: i * x.bytes()}), Mem{Base: dst}.Offset(i*x.lanes))
		}
	} else {
		var v [4]reg.VecVirtual
		for i := range v {
			v[i] = words(vectorIO{x: x, at: i * x.bytes()})
			x.VPAND(kept, v[i], v[i])
		}
		// Packing goes by halves of vectors: order brings the quads back.
		x.VPACKSSDW(v[1], v[0], v[0])
		x.VPACKSSDW(v[3], v[2], v[2])
		x.VPACKUSWB(v[2], v[0], v[0])
		x.VPERMD(v[0], order, v[0])
		x.VMOVUPS(v[0], Mem{Base: dst})
	}
	for _, p := range ptr {
		x.ADDQ(U32(4*blockLen), p)
	}
	x.ADDQ(U8(blockLen), dst)
	x.SUBQ(U8(blockLen), n)
	x.JNZ(LabelRef(next))
	x.Label(end)
}
