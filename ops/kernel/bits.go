package kernel

import (
	"encoding/binary"
	"unsafe"
)

// A BitOp is a function of the bits of two integers, or of two truth values
// (0 and 1). A shift by the width or more gives 0.
type BitOp uint8

// The bit functions.
const (
	OpAnd BitOp = iota
	OpOr
	OpXor
	OpXnor // of truth values: equality
	OpShiftLeft
	OpShiftRight
)

// An Integer is an integer element type.
type Integer interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Bitwise is
//
//	for i := range dst { dst[i] = a[i] op b[i] }
//
// for inputs broadcast as bc says.
func Bitwise[T Integer](p *Pool, op BitOp, dst, a, b []T, bc *Broadcast) {
	n, grain := bc.Units()
	if p.Threads() == 1 || n <= grain {
		bitwiseRange(op, dst, a, b, bc, 0, n)
		return
	}
	shared := *bc
	p.For(n, grain, func(lo, hi int) { bitwiseRange(op, dst, a, b, &shared, lo, hi) })
}

func bitwiseRange[T Integer](op BitOp, dst, a, b []T, bc *Broadcast, lo, hi int) {
	sa, sb := bc.Step[0], bc.Step[1]
	if bc.Rows == 1 {
		bitwiseRow(op, dst[lo:hi], a[lo*sa:], b[lo*sb:], sa, sb)
		return
	}
	c := bc.At(lo)
	for r := lo; r < hi && bc.N > 0; r++ {
		bitwiseRow(op, dst[r*bc.N:(r+1)*bc.N], a[c.Off[0]:], b[c.Off[1]:], sa, sb)
		bc.Next(&c)
	}
}

// bitwiseRow is dst[i] = a[i*sa] op b[i*sb], with sa and sb 0 or 1.
func bitwiseRow[T Integer](op BitOp, dst, a, b []T, sa, sb int) {
	if op <= OpXnor && len(dst) > 0 && bytewise(op, dst, a, b, sa, sb) {
		return
	}
	switch op {
	case OpAnd:
		for i := range dst {
			dst[i] = a[i*sa] & b[i*sb]
		}
	case OpOr:
		for i := range dst {
			dst[i] = a[i*sa] | b[i*sb]
		}
	case OpXor:
		for i := range dst {
			dst[i] = a[i*sa] ^ b[i*sb]
		}
	case OpXnor:
		for i := range dst {
			dst[i] = a[i*sa] ^ b[i*sb] ^ 1
		}
	case OpShiftLeft:
		for i := range dst {
			dst[i] = a[i*sa] << uint64(b[i*sb])
		}
	case OpShiftRight:
		for i := range dst {
			dst[i] = a[i*sa] >> uint64(b[i*sb])
		}
	}
}

// bytewise is a row of Bitwise byte by byte, which needs steps of 1, or 0 with
// elements of a byte. It is false if that can't be.
func bytewise[T Integer](op BitOp, dst, a, b []T, sa, sb int) bool {
	var one T
	size := int(unsafe.Sizeof(one))
	if sa+sb == 0 || sa+sb == 1 && size > 1 || op == OpXnor && size > 1 {
		return false
	}
	if sa == 0 {
		a, b, sb = b, a, 0
	}
	n := len(dst)
	x := bytesOf(a[:n])
	if sb == 1 {
		bitsOfBytes(op, bytesOf(dst), x, bytesOf(b[:n]))
		return true
	}
	bitsWithByte(op, bytesOf(dst), x, bytesOf(b[:1])[0])
	return true
}

// bytesOf is the memory of s.
func bytesOf[T Integer](s []T) []byte {
	var one T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(one)))
}

// bitsWithByte is bitsOfBytes of a and one other, which is a&and ^ xor.
func bitsWithByte(op BitOp, dst, a []byte, b byte) {
	const ones = ^uint64(0) / 0xff
	and, xor := ^uint64(0), uint64(b)*ones
	switch op {
	case OpAnd:
		and, xor = xor, 0
	case OpOr:
		and = ^xor
	case OpXnor:
		xor ^= ones
	}
	at := 0
	for ; at+32 <= len(dst); at += 32 {
		p0, p1, p2, p3 := words((*[32]byte)(a[at:]))
		putWords((*[32]byte)(dst[at:]), p0&and^xor, p1&and^xor, p2&and^xor, p3&and^xor)
	}
	for i := at; i < len(dst); i++ {
		dst[i] = a[i]&byte(and) ^ byte(xor)
	}
}

// bitsOfBytes is And, Or, Xor or Xnor of bytes, in vectors or 8 at a time.
func bitsOfBytes(op BitOp, dst, a, b []byte) {
	if v := active; op <= OpXor && v.bits[op] != nil && len(dst) > 32 {
		n := len(dst) &^ 3
		v.bits[op](asWords(dst[:n]), asWords(a[:n]), asWords(b[:n]))
		dst, a, b = dst[n:], a[n:], b[n:]
	}
	// Each is and*(x & y) + xor*(x ^ y), with flips.
	const all = ^uint64(0)
	const ones = all / 0xff
	f := [...]struct{ and, xor, flip uint64 }{OpAnd: {all, 0, 0}, OpOr: {all, all, 0}, OpXor: {0, all, 0}, OpXnor: {0, all, ones}}[op]
	at := 0
	for ; at+32 <= len(dst); at += 32 {
		d, x, y := (*[32]byte)(dst[at:]), (*[32]byte)(a[at:]), (*[32]byte)(b[at:])
		p0, p1, p2, p3 := words(x)
		q0, q1, q2, q3 := words(y)
		p0 = p0&q0&f.and | (p0^q0)&f.xor ^ f.flip
		p1 = p1&q1&f.and | (p1^q1)&f.xor ^ f.flip
		p2 = p2&q2&f.and | (p2^q2)&f.xor ^ f.flip
		p3 = p3&q3&f.and | (p3^q3)&f.xor ^ f.flip
		putWords(d, p0, p1, p2, p3)
	}
	for i := at; i < len(dst); i++ {
		p, q := a[i], b[i]
		dst[i] = p&q&byte(f.and) | (p^q)&byte(f.xor) ^ byte(f.flip)
	}
}

// asWords is b as patterns of float32, for kernels that take them as they are.
func asWords(b []byte) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4)
}

func words(b *[32]byte) (w0, w1, w2, w3 uint64) {
	o := binary.LittleEndian
	return o.Uint64(b[:]), o.Uint64(b[8:]), o.Uint64(b[16:]), o.Uint64(b[24:])
}

func putWords(b *[32]byte, w0, w1, w2, w3 uint64) {
	o := binary.LittleEndian
	o.PutUint64(b[:], w0)
	o.PutUint64(b[8:], w1)
	o.PutUint64(b[16:], w2)
	o.PutUint64(b[24:], w3)
}

// NotOf is dst[i] = ^src[i] & mask.
func NotOf(dst, src []uint8, mask uint8) {
	m, at := uint64(mask)*(^uint64(0)/0xff), 0
	for ; at+32 <= len(dst); at += 32 {
		p0, p1, p2, p3 := words((*[32]byte)(src[at:]))
		putWords((*[32]byte)(dst[at:]), ^p0&m, ^p1&m, ^p2&m, ^p3&m)
	}
	for i := at; i < len(dst); i++ {
		dst[i] = ^src[i] & mask
	}
}
