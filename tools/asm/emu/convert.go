package emu

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// compareFloats knows seven of the predicates.
func (m *machine) compareFloats(predicate uint64, aOp, bOp, dst operand.Op) bool {
	wide := dst.(reg.Register).Kind() == reg.KindOpmask
	n := width(aOp)
	a, b := m.load(aOp, n), m.load(bOp, n)
	var k uint64
	var d vector
	for l := range n / 4 {
		x, y := a.float(l), b.float(l)
		var holds bool
		switch predicate {
		case 0x00: // EQ_OQ
			holds = x == y
		case 0x03: // UNORD_Q
			holds = x != x || y != y
		case 0x04: // NEQ_UQ
			holds = x != y
		case 0x0c: // NEQ_OQ
			holds = x < y || x > y
		case 0x12: // LE_OQ
			holds = x <= y
		case 0x11: // LT_OQ
			holds = x < y
		case 0x19: // NGE_UQ
			holds = !(x >= y)
		default:
			return false
		}
		if holds {
			k |= 1 << l
			d.setWord(l, math.MaxUint32)
		}
	}
	if wide {
		m.masks[number(dst, reg.KindOpmask)] = k
	} else {
		m.put(dst, d)
	}
	return true
}

// relation is a comparison of 32-bit words.
func relation(opcode string) func(a, b uint32) bool {
	switch opcode {
	case "VPCMPEQD":
		return func(a, b uint32) bool { return a == b }
	case "VPCMPGTD":
		return func(a, b uint32) bool { return int32(a) > int32(b) }
	}
	return nil
}

func (m *machine) compareWords(holds func(a, b uint32) bool, aOp, bOp, dst operand.Op) {
	n := width(aOp)
	a, b := m.load(aOp, n), m.load(bOp, n)
	var k uint64
	var d vector
	for l := range n / 4 {
		if holds(a.word(l), b.word(l)) {
			k |= 1 << l
			d.setWord(l, math.MaxUint32)
		}
	}
	if dst.(reg.Register).Kind() == reg.KindOpmask {
		m.masks[number(dst, reg.KindOpmask)] = k
	} else {
		m.put(dst, d)
	}
}

// convert executes what has one source.
func (m *machine) convert(opcode string, from, dst operand.Op) bool {
	switch opcode {
	case "VMOVUPS", "VMOVDQA32":
		if mem, ok := dst.(operand.Mem); ok {
			if opcode != "VMOVUPS" {
				return false
			}
			n := width(from)
			v := m.load(from, n)
			copy(m.bytes(m.address(mem), n, true), v[:n])
			return true
		}
		if _, ok := from.(operand.Mem); ok && opcode != "VMOVUPS" {
			return false // needs alignment
		}
		m.put(dst, m.load(from, width(dst)))
		return true
	case "MOVSS", "VMOVQ", "VPMOVDB", "VPMOVDW": // to memory
		mem, ok := dst.(operand.Mem)
		if !ok {
			return false
		}
		v := m.load(from, width(from))
		n := map[string]int{"MOVSS": 4, "VMOVQ": 8, "VPMOVDB": width(from) / 4, "VPMOVDW": width(from) / 2}[opcode]
		if opcode == "VPMOVDB" {
			for l := range n {
				v[l] = v[4*l]
			}
		}
		if opcode == "VPMOVDW" {
			for l := range n / 2 {
				v[2*l], v[2*l+1] = v[4*l], v[4*l+1]
			}
		}
		copy(m.bytes(m.address(mem), n, true), v[:n])
		return true
	case "VPMOVMSKB":
		var k uint64
		n := width(from)
		v := m.load(from, n)
		for l := range n {
			k |= uint64(v[l]>>7) << l
		}
		m.set(dst, k, 4)
		return true
	case "VMOVD":
		v := m.load(from, 16)
		m.set(dst, uint64(v.word(0)), 4)
		return true
	case "VPMOVD2M":
		var k uint64
		n := width(from)
		v := m.load(from, n)
		for l := range n / 4 {
			k |= uint64(v.word(l)>>31) << l
		}
		m.masks[number(dst, reg.KindOpmask)] = k
		return true
	}
	if opcode == "VPMOVQ2M" {
		var k uint64
		n := width(from)
		v := m.load(from, n)
		for l := range n / 8 {
			k |= v.long(l) >> 63 << l
		}
		m.masks[number(dst, reg.KindOpmask)] = k
		return true
	}
	n := width(dst)
	var d vector
	switch opcode {
	case "VBROADCASTSD":
		v := m.load(from, 8)
		for l := range n / 8 {
			d.setLong(l, v.long(0))
		}
		m.put(dst, d)
		return true
	case "VCVTPS2PD":
		v := m.load(from, n/2)
		for l := range n / 8 {
			d.setDouble(l, float64(v.float(l)))
		}
		m.put(dst, d)
		return true
	case "VCVTPD2PS", "VCVTPD2PSY":
		if (opcode == "VCVTPD2PSY") != (n == 16) {
			return false
		}
		v := m.load(from, 2*n)
		for l := range n / 4 {
			d.setFloat(l, float32(v.double(l)))
		}
		m.put(dst, d)
		return true
	case "VCVTTPD2DQ", "VCVTTPD2DQY":
		if (opcode == "VCVTTPD2DQY") != (n == 16) {
			return false
		}
		v := m.load(from, 2*n)
		for l := range n / 4 {
			d.setWord(l, toInteger(math.Trunc(v.double(l))))
		}
		m.put(dst, d)
		return true
	case "VCVTDQ2PD", "VPMOVSXDQ":
		v := m.load(from, n/2)
		for l := range n / 8 {
			if w := int32(v.word(l)); opcode == "VPMOVSXDQ" {
				d.setLong(l, uint64(w))
			} else {
				d.setDouble(l, float64(w))
			}
		}
		m.put(dst, d)
		return true
	case "VPMOVZXBD", "VPMOVZXWD", "VCVTPH2PS":
		m.put(dst, m.lengthen(opcode, from, n))
		return true
	case "VBROADCASTSS", "VPBROADCASTD":
		v := m.load(from, 4)
		for l := range n / 4 {
			d.setWord(l, v.word(0))
		}
		m.put(dst, d)
		return true
	}
	v := m.load(from, n)
	if opcode == "VPABSB" {
		for l := range n {
			d[l] = byte(max(int8(v[l]), -int8(v[l])))
		}
		m.put(dst, d)
		return true
	}
	if opcode == "VSQRTPD" {
		for l := range n / 8 {
			d.setDouble(l, math.Sqrt(v.double(l)))
		}
		m.put(dst, d)
		return true
	}
	for l := range n / 4 {
		switch opcode {
		case "VSQRTPS":
			d.setFloat(l, float32(math.Sqrt(float64(v.float(l)))))
		case "VCVTDQ2PS":
			d.setFloat(l, float32(int32(v.word(l))))
		case "VCVTPS2DQ":
			d.setWord(l, toInteger(math.RoundToEven(float64(v.float(l)))))
		case "VCVTTPS2DQ":
			d.setWord(l, toInteger(math.Trunc(float64(v.float(l)))))
		default:
			return false
		}
	}
	m.put(dst, d)
	return true
}
