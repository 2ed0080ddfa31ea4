package kernel

// binaryEach is binaryRow of neighbours in a and b; false where op has no loop here.
func binaryEach[T Number](op BinaryOp, dst, a, b []T) bool {
	a, b = a[:len(dst)], b[:len(dst)]
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
