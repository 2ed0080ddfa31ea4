package emu

import (
	"encoding/binary"
	"fmt"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var order = binary.LittleEndian

// maxSteps ends a loop that does not.
const maxSteps = 1 << 22

// A fault ends a call.
type fault string

func failf(format string, args ...any) { panic(fault(fmt.Sprintf(format, args...))) }

// A region is memory that may be loaded from.
type region struct {
	name     string
	base     uint64
	data     []byte
	writable bool
}

type machine struct {
	gp      [16]uint64
	vectors [32]vector
	masks   [8]uint64
	// The flags, where known says that they are defined.
	zero, sign, overflow, known bool
	below, compared             bool // the carry, where compared
	dirty                       bool // an upper half of a vector may not be 0
	repeats                     bool // the instruction repeats a word of memory

	globals map[string]*region
	frame   *region
	memory  []*region

	code *ir.Instruction // being executed
	step int
}

func (m *machine) at() string {
	if m.code == nil {
		return "start"
	}
	text := m.code.OpcodeWithSuffixes()
	for i, op := range m.code.Operands {
		if i > 0 {
			text += ","
		}
		text += " " + op.Asm()
	}
	return fmt.Sprintf("step %d: %s", m.step, text)
}

func (m *machine) run(fn *ir.Function) {
	var code []*ir.Instruction
	target := map[ir.Label]int{}
	for _, n := range fn.Nodes {
		switch n := n.(type) {
		case ir.Label:
			target[n] = len(code)
		case *ir.Instruction:
			code = append(code, n)
		}
	}
	for pc := 0; ; {
		if pc >= len(code) {
			failf("runs off the end")
		}
		if m.step++; m.step > maxSteps {
			failf("no end after %d steps", maxSteps)
		}
		m.code = code[pc]
		pc++
		switch {
		case m.code.Opcode == "RET":
			if m.dirty {
				failf("returns without VZEROUPPER")
			}
			return
		case m.code.IsBranch:
			if m.taken(m.code.Opcode) {
				at, ok := target[*m.code.TargetLabel()]
				if !ok {
					failf("no such label")
				}
				pc = at
			}
		case !m.scalar(m.code.Opcode, m.code.Operands) && !m.vector(m.code):
			failf("unknown instruction")
		}
	}
}

func (m *machine) taken(opcode string) bool {
	if opcode == "JMP" {
		return true
	}
	if !m.known {
		failf("flags are undefined")
	}
	switch opcode {
	case "JEQ", "JZ":
		return m.zero
	case "JNE", "JNZ":
		return !m.zero
	case "JLT":
		return m.sign != m.overflow
	case "JGE":
		return m.sign == m.overflow
	}
	failf("unknown jump")
	return false
}

// scalar executes an instruction on general registers. Go writes the operands
// of CMPQ and CMPB in the manual's order, those of others backwards.
func (m *machine) scalar(opcode string, ops []operand.Op) bool {
	switch opcode {
	case "MOVQ":
		m.set(ops[1], m.get(ops[0], 8), 8)
	case "MOVL":
		m.set(ops[1], m.get(ops[0], 4), 4)
	case "MOVLQSX":
		m.set(ops[1], uint64(int64(int32(m.get(ops[0], 4)))), 8)
	case "CMOVQCC":
		if !m.known || !m.compared {
			failf("the carry is undefined")
		}
		if !m.below {
			m.set(ops[1], m.get(ops[0], 8), 8)
		}
	case "LEAQ":
		m.set(ops[1], m.address(ops[0].(operand.Mem)), 8)
	case "ADDQ":
		a, b := m.get(ops[1], 8), m.get(ops[0], 8)
		m.flags(a+b, (a^(a+b))&(b^(a+b))>>63 != 0)
		m.set(ops[1], a+b, 8)
	case "SUBQ":
		m.set(ops[1], m.compare(m.get(ops[1], 8), m.get(ops[0], 8)), 8)
	case "DECQ":
		m.set(ops[0], m.compare(m.get(ops[0], 8), 1), 8)
		m.compared = false // it leaves the carry alone
	case "CMPQ":
		m.compare(m.get(ops[0], 8), m.get(ops[1], 8))
	case "CMPB": // as the upper bytes of words
		m.compare(m.get(ops[0], 1)<<56, m.get(ops[1], 1)<<56)
	case "ANDQ":
		v := m.get(ops[1], 8) & m.get(ops[0], 8)
		m.flags(v, false)
		m.set(ops[1], v, 8)
	case "TESTQ":
		m.flags(m.get(ops[0], 8)&m.get(ops[1], 8), false)
	case "SHLQ":
		m.set(ops[1], m.get(ops[1], 8)<<(m.get(ops[0], 1)&63), 8)
		m.known = false
	case "SHRQ":
		m.set(ops[1], m.get(ops[1], 8)>>(m.get(ops[0], 1)&63), 8)
		m.known = false
	case "IMULQ":
		if len(ops) != 2 {
			return false
		}
		m.set(ops[1], m.get(ops[1], 8)*m.get(ops[0], 8), 8)
		m.known = false
	case "BZHIQ":
		v := m.get(ops[1], 8)
		if n := m.get(ops[0], 8) & 0xff; n < 64 {
			v &= 1<<n - 1
		}
		m.set(ops[2], v, 8)
		m.known = false
	case "KMOVW":
		k := number(ops[1], reg.KindOpmask)
		m.masks[k] = m.get(ops[0], 4) & 0xffff
	case "PREFETCHT0", "PREFETCHT1":
	default:
		return false
	}
	return true
}

func (m *machine) flags(result uint64, overflow bool) {
	m.zero, m.sign, m.overflow, m.known = result == 0, result>>63 != 0, overflow, true
	m.compared = false
}

// compare sets the flags as a-b does and returns that.
func (m *machine) compare(a, b uint64) uint64 {
	m.flags(a-b, (a^b)&(a^(a-b))>>63 != 0)
	m.below, m.compared = a < b, true
	return a - b
}

// get reads n bytes of a general register, memory or a constant.
func (m *machine) get(op operand.Op, n int) uint64 {
	if v, ok := constant(op); ok {
		return v
	}
	var word [8]byte
	if mem, ok := op.(operand.Mem); ok {
		copy(word[:], m.bytes(m.address(mem), n, false))
	} else {
		order.PutUint64(word[:], m.gp[number(op, reg.KindGP)])
		clear(word[n:])
	}
	return order.Uint64(word[:])
}

// set writes memory or a general register of n bytes; four clear the upper half.
func (m *machine) set(op operand.Op, v uint64, n int) {
	if mem, ok := op.(operand.Mem); ok {
		var word [8]byte
		order.PutUint64(word[:], v)
		copy(m.bytes(m.address(mem), n, true), word[:n])
		return
	}
	if size := op.(reg.Register).Size(); int(size) != n {
		failf("register of %d bytes, want %d", size, n)
	}
	m.gp[number(op, reg.KindGP)] = v
}

func constant(op operand.Op) (uint64, bool) {
	switch c := op.(type) {
	case operand.U8:
		return uint64(c), true
	case operand.U32:
		return uint64(c), true
	case operand.I32:
		return uint64(int64(c)), true
	case operand.I8:
		return uint64(int64(c)), true
	case operand.U64:
		return uint64(c), true
	}
	return 0, false
}

// number is that of a physical register.
func number(op operand.Op, kind reg.Kind) int {
	r, ok := op.(reg.Physical)
	if !ok || r.Kind() != kind {
		failf("%s is not a register of the kind wanted", op.Asm())
	}
	return int(r.PhysicalIndex())
}

func (m *machine) address(mem operand.Mem) uint64 {
	a := uint64(mem.Disp)
	switch mem.Base {
	case reg.FramePointer:
		a += m.frame.base
	case reg.StaticBase:
		g := m.globals[mem.Symbol.Name]
		if g == nil {
			failf("no symbol %s", mem.Symbol.Name)
		}
		a += g.base
	default:
		a += m.gp[number(mem.Base, reg.KindGP)]
	}
	if mem.Index != nil {
		if mem.Scale != 1 && mem.Scale != 2 && mem.Scale != 4 && mem.Scale != 8 {
			failf("index times %d", mem.Scale)
		}
		a += m.gp[number(mem.Index, reg.KindGP)] * uint64(mem.Scale)
	}
	return a
}

// bytes is memory.
func (m *machine) bytes(address uint64, n int, write bool) []byte {
	for _, r := range m.memory {
		if at := address - r.base; at <= uint64(len(r.data)) && uint64(n) <= uint64(len(r.data))-at {
			if write && !r.writable {
				failf("store to %s, which is only read", r.name)
			}
			return r.data[at : at+uint64(n)]
		}
	}
	where := ""
	for _, r := range m.memory {
		if at := int64(address - r.base); at > -1<<20 && at < int64(len(r.data))+1<<20 {
			where = fmt.Sprintf(": at %d of %s, which has %d", at, r.name, len(r.data))
		}
	}
	failf("%d bytes outside the arguments%s", n, where)
	return nil
}
