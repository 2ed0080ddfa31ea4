package emu

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// maskedMove is VMOVUPS under a mask register. What the mask leaves out is not
// touched in memory.
func (m *machine) maskedMove(from, mask, dst operand.Op, zeroing bool) {
	k := m.mask(mask)
	if mem, ok := dst.(operand.Mem); ok {
		if zeroing {
			failf("a store cannot zero")
		}
		v := m.load(from, width(from))
		for l := range width(from) / 4 {
			if k>>l&1 != 0 {
				copy(m.bytes(m.address(mem)+uint64(4*l), 4, true), v[4*l:])
			}
		}
		return
	}
	n := width(dst)
	var d vector
	if !zeroing {
		d = m.load(dst, n)
	}
	for l := range n / 4 {
		if k>>l&1 != 0 {
			copy(d[4*l:4*l+4], m.part(from, l))
		}
	}
	m.put(dst, d)
}

// maskmov is VMASKMOVPS.
func (m *machine) maskmov(from, maskOp, dst operand.Op) {
	n := width(maskOp)
	mask := m.load(maskOp, n)
	var d vector
	mem, store := dst.(operand.Mem)
	for l := range n / 4 {
		if mask.word(l)>>31 == 0 {
			continue
		}
		to := d[4*l : 4*l+4]
		if store {
			to = m.bytes(m.address(mem)+uint64(4*l), 4, true)
		}
		copy(to, m.part(from, l))
	}
	if !store {
		m.put(dst, d)
	}
}

// part is a word of a vector or memory.
func (m *machine) part(op operand.Op, l int) []byte {
	if mem, ok := op.(operand.Mem); ok {
		return m.bytes(m.address(mem)+uint64(4*l), 4, false)
	}
	return m.vectors[number(op, reg.KindVector)][4*l : 4*l+4]
}

// load reads n bytes of a vector or memory, or a word of memory again and again
// where the instruction repeats it.
func (m *machine) load(op operand.Op, n int) vector {
	var v vector
	mem, ok := op.(operand.Mem)
	switch {
	case ok && m.repeats:
		word := m.bytes(m.address(mem), 4, false)
		for at := 0; at < n; at += 4 {
			copy(v[at:], word)
		}
	case ok:
		copy(v[:], m.bytes(m.address(mem), n, false))
	default:
		copy(v[:n], m.vectors[number(op, reg.KindVector)][:])
	}
	return v
}

// put writes a vector register and clears what is above its width.
func (m *machine) put(op operand.Op, v vector) {
	n := width(op)
	clear(v[n:])
	m.vectors[number(op, reg.KindVector)] = v
	m.dirty = m.dirty || n > 16
}

// mask is a mask register that selects: K0 would select all.
func (m *machine) mask(op operand.Op) uint64 {
	k := number(op, reg.KindOpmask)
	if k == 0 {
		failf("K0 cannot be a mask")
	}
	return m.masks[k]
}

// width is that of a vector register in bytes.
func width(op operand.Op) int {
	r, ok := op.(reg.Register)
	if !ok || r.Kind() != reg.KindVector {
		failf("%s is not a vector", op.Asm())
	}
	return int(r.Size())
}
