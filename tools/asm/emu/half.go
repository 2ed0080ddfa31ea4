package emu

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
)

// lengthen makes n bytes of words of shorter numbers.
func (m *machine) lengthen(opcode string, from operand.Op, n int) (d vector) {
	if opcode == "VPMOVZXBD" {
		v := m.load(from, n/4)
		for l := range n / 4 {
			d.setWord(l, uint32(v[l]))
		}
		return d
	}
	v := m.load(from, n/2)
	if opcode == "VPMOVZXWD" {
		for l := range n / 4 {
			d.setWord(l, uint32(uint16(v.half(l))))
		}
		return d
	}
	for l := range n / 4 {
		d.setFloat(l, fromHalf(uint16(v.half(l))))
	}
	return d
}

// shorten writes binary16 to memory, rounding to even as constant 0 says.
func (m *machine) shorten(c uint64, from, dst operand.Op) bool {
	mem, ok := dst.(operand.Mem)
	if !ok || c != 0 {
		return false
	}
	n := width(from)
	v := m.load(from, n)
	var d vector
	for l := range n / 4 {
		d.setHalf(l, int32(toHalf(v.float(l))))
	}
	copy(m.bytes(m.address(mem), n/2, true), d[:n/2])
	return true
}

// fromHalf is (-1)^s * 2^(e-15) * 1.m, with subnormals, infinities and quiet
// NaNs as the standard has them.
func fromHalf(h uint16) float32 {
	e, f := int(h>>10&31), float64(h&1023)/1024
	x := math.Ldexp(1+f, e-15)
	switch {
	case e == 31 && f != 0:
		return math.Float32frombits(uint32(h>>15)<<31 | 0x7fc00000 | uint32(h&1023)<<13)
	case e == 31:
		x = math.Inf(1)
	case e == 0:
		x = math.Ldexp(f, -14)
	}
	return float32(math.Copysign(x, -float64(h>>15)*2+1))
}

// toHalf finds the nearest by halving the range between zero and infinity.
func toHalf(x float32) uint16 {
	sign := uint16(math.Float32bits(x)>>31) << 15
	size := math.Abs(float64(x))
	if x != x {
		return sign | 0x7e00 | uint16(math.Float32bits(x)>>13&1023)
	}
	lo, hi := uint16(0), uint16(0x7c00) // lo <= size < hi, unless size is infinite
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; float64(fromHalf(mid)) <= size {
			lo = mid
		} else {
			hi = mid
		}
	}
	least, most := float64(fromHalf(lo)), float64(fromHalf(hi))
	if hi == 0x7c00 {
		most = 65536
	}
	switch middle := (least + most) / 2; {
	case size > middle, size == middle && lo&1 == 1:
		return sign | hi
	}
	return sign | lo
}
