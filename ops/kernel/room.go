package kernel

import (
	"math"
	"runtime"
	"unsafe"
)

// The functions here tell beforehand, in bytes, what packing and the kernels'
// own working memory take, padding included: a caller with a limit asks first.
// What an int can't hold is math.MaxInt.

// Room is the memory of something packed, and of what packing needs meanwhile.
type Room struct{ Kept, Passing int }

func (r Room) plus(o Room) Room {
	return Room{sumBytes(r.Kept, o.Kept), max(r.Passing, o.Passing)}
}

// RoomForB is what [PackBAs] takes.
func RoomForB(t WeightType, k, n int) Room {
	v := active
	switch t {
	case WeightBFloat16:
		width := v.panel()
		return Room{floatBytes(ceilDiv(n, width), k, width/2), floatBytes(k, width)}
	case WeightInt8:
		r := RoomForInt8(k, n)
		return Room{r.Kept, floatBytes(n)}
	}
	return Room{Kept: floatBytes(k, roundUp(n, v.lanes))}
}

// RoomForInt8 is what [PackInt8] takes.
func RoomForInt8(k, n int) Room {
	columns := roundUp(n, max(active.panel(), active.int8Width))
	return Room{Kept: sumBytes(floatBytes(4*ceilDiv(k, 16), columns), floatBytes(4, columns))}
}

// RoomForLSTM is what [PackLSTMAs] takes.
func RoomForLSTM(t WeightType, input, hidden int) Room {
	r := roomForGates(t, 4, input, hidden).plus(roomForGates(t, 4, hidden, hidden)).plus(roomForGates(WeightFloat32, 4, 1, hidden))
	if t == WeightFloat32 {
		r = r.plus(roomForGates(t, 4, joinedDepth(active, input, hidden), hidden))
	}
	return r
}

// RoomForLSTMInt8 is what [PackLSTMInt8] takes.
func RoomForLSTMInt8(input, hidden int) Room {
	columns := gateColumns(active, 4, hidden)
	w, r := RoomForInt8(input, columns), RoomForInt8(hidden, columns)
	return Room{sumBytes(w.Kept, r.Kept, floatBytes(columns)), sumBytes(w.Passing, r.Passing, floatBytes(3, columns))}
}

// RoomForGRU is what [PackGRUAs] takes.
func RoomForGRU(t WeightType, input, hidden int) Room {
	return roomForGates(t, 3, input, hidden).plus(roomForGates(t, 3, hidden, hidden)).plus(roomForGates(WeightFloat32, 3, 2, hidden))
}

func gateColumns(v *variant, gates, hidden int) int { return roundUp(hidden, v.lanes) * gates }

func roomForGates(t WeightType, gates, k, hidden int) Room {
	columns := gateColumns(active, gates, hidden)
	r := RoomForB(t, k, columns)
	if t != WeightFloat32 { // the rows in order
		r.Passing = sumBytes(r.Passing, floatBytes(k, columns))
	}
	return r
}

// RoomForRecurrence is what [Recurrence.Pack] of the cell takes for float32
// weights, or float64 ones if double.
func RoomForRecurrence(t WeightType, kind CellKind, input, hidden int, double bool) Room {
	gates := kind.Gates() * hidden
	bias := Room{Kept: floatBytes(2, sumBytes(gates, hidden))}
	switch {
	case double:
		return bias.plus(Room{Kept: floatBytes(2, gates, sumBytes(input, hidden))})
	case kind == CellGRU:
		return bias.plus(RoomForB(t, input, gates)).plus(RoomForB(t, hidden, 2*hidden)).plus(RoomForB(t, hidden, hidden))
	}
	return bias.plus(RoomForB(t, input, gates)).plus(RoomForB(t, hidden, gates))
}

// RoomToRecur is the working memory of a direction of a recurrent layer, of T
// steps of B sequences: of [LSTM], [GRU] and [Recurrence.Run]. That of helpers
// counts too.
func RoomToRecur(p *Pool, kind CellKind, T, B, input, hidden int) int {
	v, gates := active, kind.Gates()
	columns, units := gateColumns(v, gates, hidden), roundUp(hidden, v.lanes)
	span := min(max(T, 1), max(2*leastSpan(max(B, 1)), preLimit/max(mulBytes(columns, B), 1)))
	state := floatBytes(3, B, units)
	ahead := sumBytes(floatBytes(span, B, columns+16), floatBytes(span, B, roundUp(input, 32)+4), roomToLayOut(1, mulBytes(span, B), input))
	each := sumBytes(state, ahead, floatBytes(B, columns+16+4*units))
	helpers := 1
	if mulBytes(B, hidden, columns) >= stepShare || batchParts(B, p.Threads()) > 1 {
		helpers = p.Threads()
	}
	return mulBytes(each, helpers)
}

// RoomToMultiply is the working memory of [Gemm], and of [GemmOf] and
// [GemmF64] of elements of the given size.
func RoomToMultiply(elem int, transA, transB bool, m, n, k int, scaled bool) int {
	if elem != 4 {
		if transB {
			return mulBytes(elem, k, n)
		}
		return 0
	}
	v, threads := active, runtime.GOMAXPROCS(0)
	if n > gemmNarrow && m > v.rows() && k > 0 {
		return sumBytes(floatBytes(ceilDiv(m, wideParts(v, m, k)), k), floatBytes(threads, gemmWideColumns+v.panel(), min(k, gemmDepth)))
	}
	room := roomToLayOut(threads, m, k)
	switch {
	case tallGemm(v, m):
		room = sumBytes(room, floatBytes(min(k, gemmSlab), roundUp(n, v.lanes)))
	case m <= v.rows() && (transA || scaled):
		room = sumBytes(room, floatBytes(m, k))
	}
	return room
}

// roomToLayOut is what so many threads lay out of m rows of k values, besides a
// piece of a panel.
func roomToLayOut(threads, m, k int) int {
	return floatBytes(min(mulBytes(m, k), mulBytes(threads, max(gemmBlock, 12*gemmDepth))))
}

// RoomToMultiplyPacked is the working memory of [GemmPacked] of m rows.
func RoomToMultiplyPacked(m int, w *PackedB) int {
	if w.q == nil {
		return roomToLayOut(runtime.GOMAXPROCS(0), m, w.k)
	}
	return RoomToRound(m, w.k)
}

// RoomToRound is the working memory of m rows of k values as integers.
func RoomToRound(m, k int) int {
	v, extras := active, 0
	quads := roundUp(k, 32) / 4
	row := quads + quads/8 + 6
	if v.int8Laid != nil {
		row += 2 * quads
	}
	if v.int8Limit > 0 {
		extras = mulBytes(ceilDiv(m, len(v.int8Gemm)-1), quads, int(unsafe.Sizeof(int8Extra{})))
	}
	return sumBytes(floatBytes(m, row), extras)
}

// RoomToAttend is the working memory of [Attention].
func RoomToAttend(p *Pool, a *AttentionArgs) int {
	v := active
	rows := attentionRows(a)
	each := floatBytes(rows, sumBytes(a.D, a.Tk))
	if rows >= len(v.gemm[len(v.gemm)-1]) {
		each = sumBytes(each, floatBytes(a.D, roundUp(a.Tk, v.lanes)), floatBytes(a.Tk, roundUp(a.DV, v.lanes)))
	}
	each = sumBytes(each, mulBytes(2, roomToLayOut(1, rows, max(a.D, a.Tk))))
	return mulBytes(each, min(p.Threads(), mulBytes(a.B, a.Heads, ceilDiv(a.Tq, max(rows, 1)))))
}

// RoomToMultiply is the working memory of the products in [Conv].
func (a *ConvArgs[T]) RoomToMultiply(p *Pool) int {
	n := a.OutLen()
	if !a.pointwise() {
		n = a.tileLen()
	}
	return mulBytes(p.Threads(), RoomToMultiply(sizeOf[T](), false, false, a.Cout, n, mulBytes(a.Cin, a.Taps()), false))
}

// RoomToMultiply is the working memory of the products in [ConvTranspose].
func (a *ConvTransposeArgs[T]) RoomToMultiply(p *Pool) int {
	return mulBytes(p.Threads(), RoomToMultiply(sizeOf[T](), true, false, mulBytes(a.Block(), a.Taps()), a.OutLen(), a.Cin, false))
}

func sizeOf[T Number]() int { return int(unsafe.Sizeof(T(0))) }

// floatBytes is what aligned takes for the product of the extents.
func floatBytes(extents ...int) int {
	return sumBytes(mulBytes(4, mulBytes(extents...)), 64)
}

func mulBytes(factors ...int) int {
	n := 1
	for _, f := range factors {
		if f != 0 && n > math.MaxInt/f {
			return math.MaxInt
		}
		n *= f
	}
	return n
}

func sumBytes(terms ...int) int {
	n := 0
	for _, t := range terms {
		if n > math.MaxInt-t {
			return math.MaxInt
		}
		n += t
	}
	return n
}
