package kernel

import (
	"cmp"
	"unsafe"
)

// A CompareOp is an order relation.
type CompareOp uint8

// The order relations. With NaN all are false.
const (
	OpEqual CompareOp = iota
	OpLess
	OpLessOrEqual
	OpGreater
	OpGreaterOrEqual
)

// Compare is
//
//	for i := range dst { dst[i] = a[i] op b[i] }
//
// for inputs broadcast as bc says.
func Compare[T cmp.Ordered](p *Pool, op CompareOp, dst []bool, a, b []T, bc *Broadcast) {
	n, grain := bc.Units()
	if p.Threads() == 1 || n <= grain {
		compareRange(op, dst, a, b, bc, 0, n)
		return
	}
	shared := *bc
	p.For(n, grain, func(lo, hi int) { compareRange(op, dst, a, b, &shared, lo, hi) })
}

func compareRange[T cmp.Ordered](op CompareOp, dst []bool, a, b []T, bc *Broadcast, lo, hi int) {
	sa, sb := bc.Step[0], bc.Step[1]
	if bc.Rows == 1 {
		compareRow(op, dst[lo:hi], a[lo*sa:], b[lo*sb:], sa, sb)
		return
	}
	c := bc.At(lo)
	for r := lo; r < hi && bc.N > 0; r++ {
		compareRow(op, dst[r*bc.N:(r+1)*bc.N], a[c.Off[0]:], b[c.Off[1]:], sa, sb)
		bc.Next(&c)
	}
}

func compareRow[T cmp.Ordered](op CompareOp, dst []bool, a, b []T, sa, sb int) {
	if sa == 0 && sb == 1 {
		op, a, b, sa, sb = [...]CompareOp{OpEqual, OpGreater, OpGreaterOrEqual, OpLess, OpLessOrEqual}[op], b, a, 1, 0
	}
	if x, ok := any(a).([]float32); ok && sa == 1 {
		n := compareF32(op, dst, x, any(b).([]float32), sb)
		dst, a, b = dst[n:], a[n:], b[n*sb:]
	}
	if x, ok := any(a).([]int32); ok && sa == 1 {
		n := compareInt32(op, dst, x, any(b).([]int32), sb)
		dst, a, b = dst[n:], a[n:], b[n*sb:]
	}
	if x, ok := any(a).([]int64); ok && sa == 1 && op == OpEqual {
		n := equalInt64(dst, x, any(b).([]int64), sb)
		dst, a, b = dst[n:], a[n:], b[n*sb:]
	}
	if sa == 1 && sb == 0 && len(dst) > 0 {
		compareWith(op, dst, a, b[0])
		return
	}
	if sa == 1 && sb == 1 {
		compareEach(op, dst, a, b)
		return
	}
	switch op {
	case OpEqual:
		for i := range dst {
			dst[i] = a[i*sa] == b[i*sb]
		}
	case OpLess:
		for i := range dst {
			dst[i] = a[i*sa] < b[i*sb]
		}
	case OpLessOrEqual:
		for i := range dst {
			dst[i] = a[i*sa] <= b[i*sb]
		}
	case OpGreater:
		for i := range dst {
			dst[i] = a[i*sa] > b[i*sb]
		}
	case OpGreaterOrEqual:
		for i := range dst {
			dst[i] = a[i*sa] >= b[i*sb]
		}
	}
}

// compareF32 is compareRow of neighbouring elements with others, or with one if sb
// is 0, as far as vectors go: it returns how many it compared.
func compareF32(op CompareOp, dst []bool, a, b []float32, sb int) int {
	v, n := active, len(dst)&^(blockLen-1)
	if v.unequal == nil || n == 0 {
		return 0
	}
	out, f, swap := wordsAs[uint8](dst), v.compare[min(op, OpLessOrEqual)], false
	if op >= OpGreater {
		f, swap = v.compare[op-OpGreater+OpLess], true
	}
	do := func(dst *uint8, a, b []float32) {
		if swap {
			a, b = b, a
		}
		f(dst, a, b)
	}
	if sb == 1 {
		do(&out[0], a[:n], b[:n])
		return n
	}
	withRepeated(n, b[0], func(at int, s []float32) { do(&out[at], a[at:at+len(s)], s) })
	return n
}

// compareInt32 is compareF32 of integers.
func compareInt32(op CompareOp, dst []bool, a, b []int32, sb int) int {
	v, n := active, len(dst)&^(blockLen-1)
	if v.greaterInt32 == nil || n == 0 {
		return 0
	}
	out := wordsAs[uint8](dst)
	do := func(dst []uint8, a, b []int32) {
		switch op {
		case OpEqual:
			v.equalInt32(&dst[0], a, b)
		case OpLess, OpGreaterOrEqual:
			v.greaterInt32(&dst[0], b, a)
		default:
			v.greaterInt32(&dst[0], a, b)
		}
		if op == OpLessOrEqual || op == OpGreaterOrEqual {
			NotOf(dst, dst, 1)
		}
	}
	if sb == 1 {
		do(out[:n], a[:n], b[:n])
		return n
	}
	m, buf := borrow(min(n, scalarLen))
	defer m.release()
	repeated := wordsAs[int32](buf)
	fillAll(repeated, b[0])
	for at := 0; at < n; at += len(repeated) {
		k := min(len(repeated), n-at)
		do(out[at:at+k], a[at:at+k], repeated[:k])
	}
	return n
}

// equalInt64 is compareF32 by OpEqual of integers.
func equalInt64(dst []bool, a, b []int64, sb int) int {
	v, n := active, len(dst)&^(blockLen-1)
	if v.equalInt64 == nil || n == 0 {
		return 0
	}
	out := wordsAs[uint8](dst)
	if sb == 1 {
		v.equalInt64(&out[0], a[:n], b[:n])
		return n
	}
	m, buf := borrow(2 * min(n, scalarLen))
	defer m.release()
	repeated := unsafe.Slice((*int64)(unsafe.Pointer(&buf[0])), len(buf)/2)
	fillAll(repeated, b[0])
	for at := 0; at < n; at += len(repeated) {
		k := min(len(repeated), n-at)
		v.equalInt64(&out[at], a[at:at+k], repeated[:k])
	}
	return n
}

// compareEach is compareRow of neighbouring elements.
func compareEach[T cmp.Ordered](op CompareOp, dst []bool, a, b []T) {
	if op >= OpGreater {
		op, a, b = op-OpGreater+OpLess, b, a
	}
	a, b = a[:len(dst)], b[:len(dst)]
	switch op {
	case OpEqual:
		for i := range dst {
			dst[i] = a[i] == b[i]
		}
	case OpLess:
		for i := range dst {
			dst[i] = a[i] < b[i]
		}
	default:
		for i := range dst {
			dst[i] = a[i] <= b[i]
		}
	}
}

// compareWith is compareRow of neighbouring elements and one other.
func compareWith[T cmp.Ordered](op CompareOp, dst []bool, a []T, b T) {
	a = a[:len(dst)]
	switch op {
	case OpEqual:
		for i := range dst {
			dst[i] = a[i] == b
		}
	case OpLess:
		for i := range dst {
			dst[i] = a[i] < b
		}
	case OpLessOrEqual:
		for i := range dst {
			dst[i] = a[i] <= b
		}
	case OpGreater:
		for i := range dst {
			dst[i] = a[i] > b
		}
	default:
		for i := range dst {
			dst[i] = a[i] >= b
		}
	}
}
