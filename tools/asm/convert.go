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

	integers := func(name, doc string, f func(...Op)) {
		x.function(name+x.name, "func(dst *uint8, a, b []int32)",
			name+x.name+" is dst[i] = 1 where a[i] "+doc+" b[i], else 0; "+multiple)
		n, dst, a, b := x.slice("a"), x.param("dst"), x.base("a"), x.base("b")
		x.blocks(n, dst, []reg.GPVirtual{a, b}, func(io vectorIO) reg.VecVirtual {
			v, other := io.load(a), Mem{Base: b}.Offset(io.at)
			if x.wide {
				k := x.K()
				f(other, v, k)
				return x.choose(k, x.bits(1), x.none())
			}
			f(other, v, v)
			return v
		}, 1)
		x.ret()
	}
	integers("equalInt32", "==", x.VPCMPEQD)
	integers("greaterInt32", ">", x.VPCMPGTD)

	elementwise := func(name, signature, doc string, f func(...Op)) {
		x.function(name+x.name, signature, name+x.name+" is dst[i] = "+doc+".")
		n, dst, src := x.slice("dst"), x.base("dst"), x.base("src")
		x.loop(n, 4, []reg.GPVirtual{dst, src}, func(io vectorIO, _ int) { io.store(x.to(f, io.load(src)), dst) })
		x.ret()
	}
	elementwise("floatToInt32", "func(dst []int32, src []float32)", "src[i] towards zero, the least integer beyond 32 bits", x.VCVTTPS2DQ)
	elementwise("int32ToFloat", "func(dst []float32, src []int32)", "src[i], rounded", x.VCVTDQ2PS)

	x.function("equalInt64"+x.name, "func(dst *uint8, a, b []int64)", "equalInt64"+x.name+" is dst[i] = 1 where a[i] == b[i], else 0; "+multiple)
	n, dst, a = x.slice("a"), x.param("dst"), x.base("a")
	b := x.base("b")
	pairs := x.pairs()
	x.blocks(n, dst, []reg.GPVirtual{a, a, b, b}, func(io vectorIO) reg.VecVirtual { // which go on twice: by 8 bytes
		var v [2]reg.VecVirtual
		for i := range v {
			at := 2*io.at + i*x.bytes()
			v[i] = x.to(x.VXORPS, Mem{Base: b}.Offset(at), x.load(Mem{Base: a}.Offset(at)))
		}
		w, none := x.to(x.VPERMD, x.or(pairs.low(v), pairs.high(v)), x.load(pairs.order)), x.none()
		if x.wide {
			k := x.K()
			x.VPCMPEQD(none, w, k)
			return x.choose(k, x.bits(1), none)
		}
		return x.to(x.VPCMPEQD, none, w)
	}, 1)
	x.ret()

	x.function("int32ToBytes"+x.name, "func(dst *uint8, a []int32)",
		"int32ToBytes"+x.name+" is dst[i] = the low byte of a[i]; "+multiple)
	n, dst, a = x.slice("a"), x.param("dst"), x.base("a")
	x.blocks(n, dst, []reg.GPVirtual{a}, func(io vectorIO) reg.VecVirtual { return x.load(Mem{Base: a}.Offset(io.at)) }, 0xff)
	x.ret()

	emitWidths(x, pairs)
}

// wordPairs takes the words of two vectors of pairs apart, in an order of halves of
// vectors that VPERMD by order puts right.
type wordPairs struct {
	x     *isa
	order Mem
}

func (x *isa) pairs() wordPairs {
	places := []uint32{0, 1, 4, 5, 2, 3, 6, 7}
	if x.wide {
		places = []uint32{0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15}
	}
	return wordPairs{x, x.data("pairs", places...)}
}

func (p wordPairs) low(v [2]reg.VecVirtual) reg.VecVirtual {
	return p.x.to(p.x.VSHUFPS, U8(0x88), v[1], v[0])
}

func (p wordPairs) high(v [2]reg.VecVirtual) reg.VecVirtual {
	return p.x.to(p.x.VSHUFPS, U8(0xdd), v[1], v[0])
}

// emitWidths writes conversions between numbers of different widths, of as many as
// a vector has words at a time.
func emitWidths(x *isa, pairs wordPairs) {
	// A conversion of elements of from bytes to those of to bytes.
	function := func(name, signature, doc string, from, to int, step func(dst, src Mem)) {
		of := "dst"
		if name == "floatToBF16" {
			of = "src"
		}
		x.function(name+x.name, signature, name+x.name+" is dst[i] = "+doc+fmt.Sprintf("; len(%s) is a multiple of %d.", of, x.lanes))
		n := x.slice(of)
		var dst, src reg.GPVirtual
		if of == "dst" {
			dst, src = x.base("dst"), x.param("src")
		} else {
			dst, src = x.param("dst"), x.base("src")
		}
		next, end := x.label("next"), x.label("end")
		x.TESTQ(n, n)
		x.JZ(LabelRef(end))
		x.Label(next)
		step(Mem{Base: dst}, Mem{Base: src})
		x.ADDQ(U32(to*x.lanes), dst)
		x.ADDQ(U32(from*x.lanes), src)
		x.SUBQ(U8(x.lanes), n)
		x.JNZ(LabelRef(next))
		x.Label(end)
		x.ret()
	}
	half := func() reg.VecVirtual {
		if x.wide {
			return x.YMM()
		}
		return x.XMM()
	}
	// To twice the width, and to half of it: each half of a vector by itself.
	twice := func(f func(...Op)) func(dst, src Mem) {
		return func(dst, src Mem) {
			for i := range 2 {
				x.VMOVUPS(x.to(f, src.Offset(i*x.bytes()/2)), dst.Offset(i*x.bytes()))
			}
		}
	}
	halved := func(f func(...Op)) func(dst, src Mem) {
		return func(dst, src Mem) {
			for i := range 2 {
				h := half()
				f(x.load(src.Offset(i*x.bytes())), h)
				x.VMOVUPS(h, dst.Offset(i*x.bytes()/2))
			}
		}
	}
	round := func(ops ...Op) { x.VCVTPD2PSY(ops...) }
	if x.wide {
		round = x.VCVTPD2PS
	}
	function("int32ToInt64", "func(dst []int64, src *int32)", "src[i]", 4, 8, twice(func(ops ...Op) { x.VPMOVSXDQ(ops...) }))
	function("int32ToDouble", "func(dst []float64, src *int32)", "src[i]", 4, 8, twice(x.VCVTDQ2PD))
	function("floatToDouble", "func(dst []float64, src *float32)", "src[i]", 4, 8, twice(x.VCVTPS2PD))
	function("doubleToFloat", "func(dst []float32, src *float64)", "src[i], rounded", 8, 4, halved(round))
	function("doubleToInt32", "func(dst []int32, src *float64)", "src[i] towards zero, the least integer beyond 32 bits", 8, 4, halved(x.truncate()))
	function("bytesToInt32", "func(dst []int32, src *uint8)", "src[i]", 1, 4, func(dst, src Mem) { x.VMOVUPS(x.to(x.VPMOVZXBD, src), dst) })

	both := func(src Mem) [2]reg.VecVirtual { return [2]reg.VecVirtual{x.load(src), x.load(src.Offset(x.bytes()))} }
	function("lowWords", "func(dst []int32, src *int64)", "the low word of src[i]", 8, 4, func(dst, src Mem) {
		x.VMOVUPS(x.to(x.VPERMD, pairs.low(both(src)), x.load(pairs.order)), dst)
	})
	function("eitherWord", "func(dst []int32, src *int64)", "the low word of src[i] or its high word, bit by bit", 8, 4, func(dst, src Mem) {
		v := both(src)
		w := x.or(pairs.low(v), pairs.high(v))
		x.VMOVUPS(x.to(x.VPERMD, w, x.load(pairs.order)), dst)
	})

	// Between int64 and float32, of numbers of 32 bits; the result tells of others.
	checked := func(name, signature string, doc []string, from, to int, fold func(...Op), step func(dst, src Mem, sign reg.VecVirtual)) {
		doc[0] = name + x.name + " is dst[i] = " + doc[0]
		x.function(name+x.name, signature, append(doc, fmt.Sprintf("len(dst) is a multiple of %d.", x.lanes))...)
		n, dst, src, sign, out := x.slice("dst"), x.base("dst"), x.param("src"), x.none(), x.GP32()
		next, end := x.label("next"), x.label("end")
		x.TESTQ(n, n)
		x.JZ(LabelRef(end))
		x.Label(next)
		step(Mem{Base: dst}, Mem{Base: src}, sign)
		x.ADDQ(U32(to*x.lanes), dst)
		x.ADDQ(U32(from*x.lanes), src)
		x.SUBQ(U8(x.lanes), n)
		x.JNZ(LabelRef(next))
		x.Label(end)
		x.VMOVD(x.fold(sign, fold), out)
		x.Store(out, x.ReturnIndex(0))
		x.ret()
	}
	checked("floatToInt64", "func(dst []int64, src *float32) (least int32)",
		[]string{"src[i] towards zero, the least integer of 32 bits beyond those;", "least is the least of all and of 0."},
		4, 8, x.VPMINSD, func(dst, src Mem, least reg.VecVirtual) {
			w := x.to(x.VCVTTPS2DQ, src)
			x.VPMINSD(w, least, least)
			for i, h := range []reg.VecVirtual{w, x.upper(w)} {
				x.VMOVUPS(x.to(func(ops ...Op) { x.VPMOVSXDQ(ops...) }, x.lower(h)), dst.Offset(i*x.bytes()))
			}
		})
	checked("int64ToFloat", "func(dst []float32, src *int64) (beyond uint32)",
		[]string{"the low word of src[i] as a number, rounded;", "beyond is not 0 if one of src needs more than 32 bits."},
		8, 4, x.VORPS, func(dst, src Mem, beyond reg.VecVirtual) {
			v := both(src)
			low := pairs.low(v)
			odd := x.to(x.VXORPS, x.to(x.VPSRAD, U8(31), low), pairs.high(v))
			x.VORPS(odd, beyond, beyond)
			x.VMOVUPS(x.to(x.VCVTDQ2PS, x.to(x.VPERMD, low, x.load(pairs.order))), dst)
		})

	function("bf16ToFloat", "func(dst []float32, src *uint16)", "src[i] of bfloat16", 2, 4, func(dst, src Mem) {
		v := x.to(x.VPMOVZXWD, src)
		x.VMOVUPS(x.to(x.VPSLLD, U8(16), v), dst)
	})
	function("floatToBF16", "func(dst *uint16, src []float32)", "src[i] rounded to bfloat16, ties to even", 4, 2, func(dst, src Mem) {
		v := x.load(src)
		even := x.to(x.VPSRLD, U8(31), x.to(x.VPSLLD, U8(15), v)) // the last bit that stays
		u := x.to(x.VPADDD, even, x.to(x.VPADDD, x.bits(0x7fff), v))
		x.replace(u, x.compare(unordered, v, v), x.or(v, x.bits(1<<22)))
		x.VPSRAD(U8(16), u, u)
		if x.wide {
			x.VPMOVDW(u, dst)
			return
		}
		h := x.XMM()
		x.VEXTRACTI128(U8(1), u, h)
		x.VPACKSSDW(h, u.AsX(), h)
		x.VMOVUPS(h, dst)
	})
}

// truncate is the instruction that makes words of float64, towards zero.
func (x *isa) truncate() func(...Op) {
	if x.wide {
		return x.VCVTTPD2DQ
	}
	return func(ops ...Op) { x.VCVTTPD2DQY(ops...) }
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
