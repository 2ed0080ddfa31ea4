package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// masks returns masks of n vectors that together select the first count
// values: mask registers for AVX-512, vectors for AVX2.
func (x *isa) masks(count reg.GPVirtual, n int) []reg.Register {
	m := make([]reg.Register, n)
	if x.wide {
		t, ones := x.GP64(), x.GP64()
		x.MOVQ(I32(-1), ones)
		x.BZHIQ(count, ones, t)
		for i := range m {
			k := x.K()
			if i > 0 {
				x.SHRQ(U8(x.lanes), t)
			}
			x.KMOVW(t.As32(), k)
			m[i] = k
		}
		return m
	}
	if x.tail.Base == nil {
		words := make([]uint32, 32)
		for i := range 16 {
			words[i] = 0xffffffff
		}
		x.tail = x.data("tail", words...)
	}
	base, t := x.GP64(), x.GP64()
	x.LEAQ(x.tail, base)
	x.MOVQ(U32(2*x.lanes), t)
	x.SUBQ(count, t)
	for i := range m {
		v := x.YMM()
		x.VMOVUPS(Mem{Base: base, Index: t, Scale: 4}.Offset(i*x.bytes()), v)
		m[i] = v
	}
	return m
}

// loadMasked loads what the mask selects and zeros elsewhere.
func (x *isa) loadMasked(from Mem, mask reg.Register, to reg.VecVirtual) {
	if x.wide {
		x.VMOVUPS_Z(from, mask, to)
	} else {
		x.VMASKMOVPS(from, mask, to)
	}
}

func (x *isa) storeMasked(from reg.VecVirtual, mask reg.Register, to Mem) {
	if x.wide {
		x.VMOVUPS(from, mask, to)
	} else {
		x.VMASKMOVPS(from, mask, to)
	}
}
