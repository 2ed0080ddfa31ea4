package kernel

import "cmp"

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
func Bitwise[T Integer](op BitOp, dst, a, b []T, bc *Broadcast) {
	sa, sb := bc.Step[0], bc.Step[1]
	c := bc.At(0)
	for r := range bc.Rows {
		row, x, y := dst[r*bc.N:(r+1)*bc.N], a[c.Off[0]:], b[c.Off[1]:]
		if sa == 1 && sb == 1 && op <= OpOr {
			bitsOfEach(op, row, x, y)
			bc.Next(&c)
			continue
		}
		switch op {
		case OpAnd:
			for i := range row {
				row[i] = x[i*sa] & y[i*sb]
			}
		case OpOr:
			for i := range row {
				row[i] = x[i*sa] | y[i*sb]
			}
		case OpXor:
			for i := range row {
				row[i] = x[i*sa] ^ y[i*sb]
			}
		case OpXnor:
			for i := range row {
				row[i] = x[i*sa] ^ y[i*sb] ^ 1
			}
		case OpShiftLeft:
			for i := range row {
				row[i] = x[i*sa] << uint64(y[i*sb])
			}
		case OpShiftRight:
			for i := range row {
				row[i] = x[i*sa] >> uint64(y[i*sb])
			}
		}
		bc.Next(&c)
	}
}

// bitsOfEach is And or Or of neighbouring elements.
func bitsOfEach[T Integer](op BitOp, dst, a, b []T) {
	a, b = a[:len(dst)], b[:len(dst)]
	if op == OpAnd {
		for i := range dst {
			dst[i] = a[i] & b[i]
		}
		return
	}
	for i := range dst {
		dst[i] = a[i] | b[i]
	}
}

// Where is
//
//	for i := range dst { if cond[i] { dst[i] = a[i] } else { dst[i] = b[i] } }
//
// for inputs (cond, a, b) broadcast as bc says.
func Where[T any](p *Pool, dst []T, cond []bool, a, b []T, bc *Broadcast) {
	n, grain := bc.Units()
	if p.Threads() == 1 || n <= grain {
		whereRange(dst, cond, a, b, bc, 0, n)
		return
	}
	shared := *bc
	p.For(n, grain, func(lo, hi int) { whereRange(dst, cond, a, b, &shared, lo, hi) })
}

func whereRange[T any](dst []T, cond []bool, a, b []T, bc *Broadcast, lo, hi int) {
	sc, sa, sb := bc.Step[0], bc.Step[1], bc.Step[2]
	if bc.Rows == 1 {
		whereRow(dst[lo:hi], cond[lo*sc:], a[lo*sa:], b[lo*sb:], sc, sa, sb)
		return
	}
	c := bc.At(lo)
	for r := lo; r < hi && bc.N > 0; r++ {
		whereRow(dst[r*bc.N:(r+1)*bc.N], cond[c.Off[0]:], a[c.Off[1]:], b[c.Off[2]:], sc, sa, sb)
		bc.Next(&c)
	}
}

func whereRow[T any](dst []T, cond []bool, a, b []T, sc, sa, sb int) {
	for i := range dst {
		if cond[i*sc] {
			dst[i] = a[i*sa]
		} else {
			dst[i] = b[i*sb]
		}
	}
}
