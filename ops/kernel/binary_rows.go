package kernel

// binaryEach is binaryRow of neighbours in a and b; false where op has no loop here.
func binaryEach[T Number](op BinaryOp, dst, a, b []T) bool {
	a, b = a[:len(dst)], b[:len(dst)]
	if d, ok := any(dst).([]int32); ok && op <= OpMin && active.int32s[op] != nil {
		active.int32s[op](d, any(a).([]int32), any(b).([]int32))
		return true
	}
	switch op {
	case OpAdd:
		for i := range dst {
			dst[i] = a[i] + b[i]
		}
	case OpSub:
		for i := range dst {
			dst[i] = a[i] - b[i]
		}
	case OpMul:
		for i := range dst {
			dst[i] = a[i] * b[i]
		}
	case OpMax:
		for i := range dst {
			dst[i] = max(a[i], b[i])
		}
	case OpMin:
		for i := range dst {
			dst[i] = min(a[i], b[i])
		}
	default:
		return false
	}
	return true
}

// binaryWith is binaryRow of neighbours in a and one other, which stands first in a
// difference if first; false where op has no loop here.
func binaryWith[T Number](op BinaryOp, dst, a []T, s T, first bool) bool {
	a = a[:len(dst)]
	if d, ok := any(dst).([]int32); ok && op <= OpMin && active.int32s[op] != nil {
		int32sWith(active.int32s[op], d, any(a).([]int32), any(s).(int32), first)
		return true
	}
	switch {
	case op == OpAdd:
		for i := range dst {
			dst[i] = a[i] + s
		}
	case op == OpSub && first:
		for i := range dst {
			dst[i] = s - a[i]
		}
	case op == OpSub:
		for i := range dst {
			dst[i] = a[i] - s
		}
	case op == OpMul:
		for i := range dst {
			dst[i] = a[i] * s
		}
	case op == OpMax:
		for i := range dst {
			dst[i] = max(a[i], s)
		}
	case op == OpMin:
		for i := range dst {
			dst[i] = min(a[i], s)
		}
	default:
		return false
	}
	return true
}

// int32sWith is op of a and s, or of s and a if first.
func int32sWith(op func(dst, a, b []int32), dst, a []int32, s int32, first bool) {
	m, buf := borrow(min(len(dst), scalarLen))
	defer m.release()
	repeated := wordsAs[int32](buf)
	fillAll(repeated, s)
	for at := 0; at < len(dst); at += len(repeated) {
		d := dst[at:min(at+len(repeated), len(dst))]
		x, y := a[at:][:len(d)], repeated[:len(d)]
		if first {
			x, y = y, x
		}
		op(d, x, y)
	}
}
