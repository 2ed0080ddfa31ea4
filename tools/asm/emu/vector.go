package emu

import (
	"math"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
)

// A vector is a register of 512 bits.
type vector [64]byte

func (v *vector) word(i int) uint32 { return order.Uint32(v[4*i:]) }

func (v *vector) setWord(i int, w uint32) { order.PutUint32(v[4*i:], w) }

func (v *vector) float(i int) float32 { return math.Float32frombits(v.word(i)) }

func (v *vector) setFloat(i int, f float32) { v.setWord(i, math.Float32bits(f)) }

func (v *vector) long(i int) uint64 { return order.Uint64(v[8*i:]) }

func (v *vector) setLong(i int, w uint64) { order.PutUint64(v[8*i:], w) }

func (v *vector) double(i int) float64 { return math.Float64frombits(v.long(i)) }

func (v *vector) setDouble(i int, f float64) { v.setLong(i, math.Float64bits(f)) }

func (v *vector) half(i int) int32 { return int32(int16(order.Uint16(v[2*i:]))) }

func (v *vector) setHalf(i int, w int32) { order.PutUint16(v[2*i:], uint16(w)) }

// vector executes an instruction on vectors. In the operands' reversed order
// the last is the destination; before it comes the mask if there is one, then
// the manual's first source, its second and its third.
func (m *machine) vector(i *ir.Instruction) bool {
	ops := i.Operands
	zeroing := false
	m.repeats = false
	for _, s := range i.Suffixes {
		switch s {
		case "Z":
			zeroing = true
		case "BCST":
			m.repeats = true
		default:
			return false
		}
	}
	if i.Opcode == "VZEROUPPER" {
		for v := range 16 {
			clear(m.vectors[v][16:])
		}
		m.dirty = false
		return true
	}
	if len(ops) < 2 {
		return false
	}
	dst := ops[len(ops)-1]
	if i.Opcode == "VMOVUPS" && len(ops) == 3 {
		m.maskedMove(ops[0], ops[1], dst, zeroing)
		return true
	}
	if zeroing {
		return false
	}
	if len(ops) == 2 {
		return m.convert(i.Opcode, ops[0], dst)
	}
	if _, ok := constant(ops[0]); ok {
		return m.immediate(i.Opcode, ops)
	}
	switch i.Opcode {
	case "VBLENDVPS":
		n := width(dst)
		mask, yes, d := m.load(ops[0], n), m.load(ops[1], n), m.load(ops[2], n)
		for l := range n / 4 {
			if mask.word(l)>>31 != 0 {
				d.setWord(l, yes.word(l))
			}
		}
		m.put(dst, d)
		return true
	case "VBLENDMPS":
		n, k := width(dst), m.mask(ops[2])
		yes, d := m.load(ops[0], n), m.load(ops[1], n)
		for l := range n / 4 {
			if k>>l&1 != 0 {
				d.setWord(l, yes.word(l))
			}
		}
		m.put(dst, d)
		return true
	case "VBLENDVPD":
		n := width(dst)
		mask, yes, d := m.load(ops[0], n), m.load(ops[1], n), m.load(ops[2], n)
		for l := range n / 8 {
			if mask.long(l)>>63 != 0 {
				d.setLong(l, yes.long(l))
			}
		}
		m.put(dst, d)
		return true
	case "VBLENDMPD":
		n, k := width(dst), m.mask(ops[2])
		yes, d := m.load(ops[0], n), m.load(ops[1], n)
		for l := range n / 8 {
			if k>>l&1 != 0 {
				d.setLong(l, yes.long(l))
			}
		}
		m.put(dst, d)
		return true
	case "VMASKMOVPS":
		m.maskmov(ops[0], ops[1], dst)
		return true
	}
	if holds := relation(i.Opcode); holds != nil {
		m.compareWords(holds, ops[1], ops[0], dst)
		return true
	}
	return len(ops) == 3 && m.binary(i.Opcode, ops[1], ops[0], dst)
}

// binary executes d = a op b, a the manual's first source.
func (m *machine) binary(opcode string, aOp, bOp, dst operand.Op) bool {
	n := width(dst)
	if opcode == "VADDSS" {
		a, b := m.load(aOp, 16), m.load(bOp, 4)
		a.setFloat(0, a.float(0)+b.float(0))
		m.put(dst, a)
		return true
	}
	a, b, d := m.load(aOp, n), m.load(bOp, n), m.load(dst, n)
	switch f := floats(opcode); {
	case f != nil:
		for l := range n / 4 {
			d.setFloat(l, f(a.float(l), b.float(l), d.float(l)))
		}
		m.put(dst, d)
		return true
	}
	switch f := words(opcode); {
	case f != nil:
		for l := range n / 4 {
			d.setWord(l, f(a.word(l), b.word(l)))
		}
		m.put(dst, d)
		return true
	}
	if f := longs(opcode); f != nil {
		for l := range n / 8 {
			d.setLong(l, f(a.long(l), b.long(l), d.long(l)))
		}
		m.put(dst, d)
		return true
	}
	switch opcode {
	case "VPDPBUSD": // unsigned bytes of a times signed ones of b
		for l := range n / 4 {
			sum := d.word(l)
			for s := 4 * l; s < 4*l+4; s++ {
				sum += uint32(int32(a[s]) * int32(int8(b[s])))
			}
			d.setWord(l, sum)
		}
	case "VPMADDUBSW": // the same, pairs, saturated to 16 bits
		for l := range n / 2 {
			d.setHalf(l, saturate(int32(a[2*l])*int32(int8(b[2*l]))+int32(a[2*l+1])*int32(int8(b[2*l+1])), 16))
		}
	case "VPMADDWD":
		for l := range n / 4 {
			d.setWord(l, uint32(a.half(2*l)*b.half(2*l))+uint32(a.half(2*l+1)*b.half(2*l+1)))
		}
	case "VPMAXSB":
		for l := range n {
			d[l] = byte(max(int8(a[l]), int8(b[l])))
		}
	case "VPMAXSW":
		for l := range n / 2 {
			d.setHalf(l, max(a.half(l), b.half(l)))
		}
	case "VPSUBW":
		for l := range n / 2 {
			d.setHalf(l, a.half(l)-b.half(l))
		}
	case "VPCMPGTB":
		for l := range n {
			d[l] = 0
			if int8(a[l]) > int8(b[l]) {
				d[l] = 0xff
			}
		}
	case "VPSADBW":
		for l := 0; l < n; l += 8 {
			var sum int32
			for s := l; s < l+8; s++ {
				sum += max(int32(a[s])-int32(b[s]), int32(b[s])-int32(a[s]))
			}
			d.setWord(l/4, uint32(sum))
			d.setWord(l/4+1, 0)
		}
	case "VPCMPGTW":
		for l := range n / 2 {
			d.setHalf(l, 0)
			if a.half(l) > b.half(l) {
				d.setHalf(l, -1)
			}
		}
	case "VPACKSSDW", "VPACKSSWB", "VPACKUSWB": // each half of a vector by itself
		for at := 0; at < n; at += 16 {
			for h, v := range []*vector{&a, &b} {
				for l := range 8 {
					switch {
					case opcode == "VPACKSSDW" && l < 4:
						d.setHalf(at/2+4*h+l, saturate(int32(v.word(at/4+l)), 16))
					case opcode == "VPACKSSWB":
						d[at+8*h+l] = byte(saturate(v.half(at/2+l), 8))
					case opcode == "VPACKUSWB":
						d[at+8*h+l] = byte(min(max(v.half(at/2+l), 0), 255))
					}
				}
			}
		}
	case "VPERMD": // the places come first
		for l := range n / 4 {
			d.setWord(l, b.word(int(a.word(l))&(n/4-1)))
		}
	case "VHADDPS":
		if n != 16 {
			return false
		}
		for h, v := range []*vector{&a, &b} {
			d.setFloat(2*h, v.float(0)+v.float(1))
			d.setFloat(2*h+1, v.float(2)+v.float(3))
		}
	case "VUNPCKLPS", "VUNPCKHPS", "VPUNPCKLDQ", "VPUNPCKHDQ":
		from := 0
		if opcode == "VUNPCKHPS" || opcode == "VPUNPCKHDQ" {
			from = 2
		}
		for l := 0; l < n/4; l += 4 {
			for s := range 2 {
				d.setWord(l+2*s, a.word(l+from+s))
				d.setWord(l+2*s+1, b.word(l+from+s))
			}
		}
	default:
		return false
	}
	m.put(dst, d)
	return true
}

// immediate executes what a constant, the first operand, rules.
func (m *machine) immediate(opcode string, ops []operand.Op) bool {
	c, _ := constant(ops[0])
	dst := ops[len(ops)-1]
	if opcode == "VCMPPS" {
		return m.compareFloats(c, ops[2], ops[1], dst)
	}
	var d vector
	if opcode == "VCVTPS2PH" {
		return m.shorten(c, ops[1], dst)
	}
	if len(ops) == 3 {
		switch opcode {
		case "VEXTRACTF128", "VEXTRACTI128":
			v := m.load(ops[1], 32)
			copy(d[:16], v[16*(c&1):])
		case "VEXTRACTF64X4":
			v := m.load(ops[1], 64)
			copy(d[:32], v[32*(c&1):])
		case "VPSLLD", "VPSRLD", "VPSRAD":
			n := width(dst)
			v := m.load(ops[1], n)
			for l := range n / 4 {
				switch opcode {
				case "VPSLLD":
					d.setWord(l, v.word(l)<<c)
				case "VPSRLD":
					d.setWord(l, v.word(l)>>c)
				default:
					d.setWord(l, uint32(int32(v.word(l))>>c))
				}
			}
		case "VPSLLQ", "VPSRLQ":
			n := width(dst)
			v := m.load(ops[1], n)
			for l := range n / 8 {
				if opcode == "VPSLLQ" {
					d.setLong(l, v.long(l)<<c)
				} else {
					d.setLong(l, v.long(l)>>c)
				}
			}
		case "VROUNDPS", "VRNDSCALEPS":
			n := width(dst)
			v := m.load(ops[1], n)
			round, ok := map[uint64]func(float64) float64{8: math.RoundToEven, 9: math.Floor, 10: math.Ceil}[c]
			if !ok {
				return false
			}
			for l := range n / 4 {
				d.setFloat(l, float32(round(float64(v.float(l)))))
			}
		case "VPERMPD":
			n := width(dst)
			v := m.load(ops[1], n)
			for l := range n / 8 {
				d.setLong(l, v.long(l&^3+int(c>>(2*(l&3))&3)))
			}
		case "VPERMILPS":
			n := width(dst)
			v := m.load(ops[1], n)
			for l := range n / 4 {
				d.setWord(l, v.word(l&^3+int(c>>(2*(l&3))&3)))
			}
		default:
			return false
		}
		m.put(dst, d)
		return true
	}
	n := width(dst)
	if opcode == "VINSERTF128" || opcode == "VINSERTF64X4" {
		d, h := m.load(ops[2], n), m.load(ops[1], n/2)
		if (opcode == "VINSERTF128") != (n == 32) {
			return false
		}
		copy(d[int(c&1)*n/2:], h[:n/2])
		m.put(dst, d)
		return true
	}
	a, b := m.load(ops[2], n), m.load(ops[1], n)
	switch opcode {
	case "VSHUFPS":
		for l := range n / 4 {
			v := &a
			if l&2 != 0 {
				v = &b
			}
			d.setWord(l, v.word(l&^3+int(c>>(2*(l&3))&3)))
		}
	case "VPERM2F128":
		for h := range 2 {
			pick := c >> (4 * h)
			v := &a
			if pick&2 != 0 {
				v = &b
			}
			if pick&8 == 0 {
				copy(d[16*h:16*h+16], v[16*(pick&1):])
			}
		}
	default:
		return false
	}
	m.put(dst, d)
	return true
}
