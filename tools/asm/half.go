package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// emitHalf writes the conversions between float32 and IEEE 754 binary16, for
// whole vectors.
func emitHalf(x *isa) {
	x.function("halfToFloat"+x.name, "func(dst []float32, src *uint16)",
		"halfToFloat"+x.name+" is dst[i] = src[i] of binary16; "+fmt.Sprintf("len(dst) is a multiple of %d.", x.lanes))
	n, dst, src := x.slice("dst"), x.base("dst"), x.param("src")
	x.TESTQ(n, n)
	x.JZ(LabelRef("end"))
	x.Label("next")
	x.VMOVUPS(x.to(x.VCVTPH2PS, Mem{Base: src}), Mem{Base: dst})
	x.ADDQ(U32(x.bytes()), dst)
	x.ADDQ(U8(2*x.lanes), src)
	x.SUBQ(U8(x.lanes), n)
	x.JNZ(LabelRef("next"))
	x.Label("end")
	x.ret()

	x.function("floatToHalf"+x.name, "func(dst *uint16, src []float32)",
		"floatToHalf"+x.name+" is dst[i] = src[i] rounded to binary16, ties to even; "+fmt.Sprintf("len(src) is a multiple of %d.", x.lanes))
	n, src, dst = x.slice("src"), x.base("src"), x.param("dst")
	x.TESTQ(n, n)
	x.JZ(LabelRef("end"))
	x.Label("next")
	x.VCVTPS2PH(U8(0), x.load(Mem{Base: src}), Mem{Base: dst})
	x.ADDQ(U32(x.bytes()), src)
	x.ADDQ(U8(2*x.lanes), dst)
	x.SUBQ(U8(x.lanes), n)
	x.JNZ(LabelRef("next"))
	x.Label("end")
	x.ret()

	if x.wide {
		return
	}
	x.Function("hasF16C")
	x.SignatureExpr("func() bool")
	x.Doc("hasF16C reports whether the processor has halfToFloatAVX2 and floatToHalfAVX2.")
	x.MOVL(U32(1), reg.EAX)
	x.XORL(reg.ECX, reg.ECX)
	x.CPUID()
	x.SHRL(U8(29), reg.ECX)
	x.ANDL(U8(1), reg.ECX)
	x.Store(reg.CL, x.ReturnIndex(0))
	x.RET()
}
