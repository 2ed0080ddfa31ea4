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

const (
	// shortRow is below how many elements rows are joined where one input is the same
	// for all of them, joinedLen about how many elements are then computed in one go.
	shortRow  = 64
	joinedLen = 512
)

// repeats is which of two inputs is the same for neighbouring short rows, while the
// other goes on; -1 for none.
func (b *Broadcast) repeats() int {
	d := b.rank - 1
	if d < 0 || b.N == 0 || b.N >= shortRow || b.Step[0]+b.Step[1] < 2 {
		return -1
	}
	for k := range 2 {
		if b.strides[k][d] == 0 && b.strides[1-k][d] == b.N {
			return k
		}
	}
	return -1
}

// binaryJoined is binaryRange where an input repeats: several of its rows are laid out.
func binaryJoined(op BinaryOp, dst []float32, in [2][]float32, bc *Broadcast, lo, hi int) {
	k, n, rows := bc.repeats(), bc.N, bc.dims[bc.rank-1]
	s, joined := borrow(min(rows, joinedLen/n) * n)
	defer s.release()
	for lo < hi {
		c := bc.At(lo)
		left := min(hi-lo, rows-lo%rows)
		several := min(len(joined)/n, left)
		for r := range several {
			copy(joined[r*n:][:n], in[k][c.Off[k]:])
		}
		for left > 0 {
			several = min(several, left)
			x := [2][]float32{in[0][c.Off[0]:], in[1][c.Off[1]:]}
			x[k] = joined
			binaryRow(op, dst[lo*n:(lo+several)*n], x[0], x[1], 1, 1)
			lo, left = lo+several, left-several
			c.Off[1-k] += several * n
		}
	}
}

// withNumber is op of a row and one number, which input k is; nil for none.
func withNumber(op BinaryOp, sa, sb int) (row func(dst, a []float32, s float32), k int) {
	k, v := sa, active // where one input's step is 1 and the other's 0
	if sa+sb != 1 {
		return nil, k
	}
	switch {
	case op == OpAdd:
		row = v.addScalar
	case op == OpSub && sb == 0:
		row = func(dst, a []float32, s float32) { active.addScalar(dst, a, -s) }
	case op == OpMul:
		row = v.mulScalar
	case op == OpDiv && sb == 0:
		row = v.divScalar
	case op == OpMax:
		row = v.maxScalar
	case op == OpMin:
		row = v.minScalar
	}
	return row, k
}

// binaryNumbers is binaryRange by what withNumber returned.
func binaryNumbers(row func(dst, a []float32, s float32), k int, dst []float32, in [2][]float32, bc *Broadcast, lo, hi int) {
	n, d := bc.N, bc.rank-1
	rows, a, s := bc.dims[d], in[1-k], in[k]
	for lo < hi && n > 0 {
		c := bc.At(lo)
		at, one := c.Off[1-k], c.Off[k]
		for range min(hi-lo, rows-lo%rows) {
			row(dst[lo*n:][:n], a[at:][:n], s[one])
			lo++
			at += bc.strides[1-k][d]
			one += bc.strides[k][d]
		}
	}
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
