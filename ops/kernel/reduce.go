package kernel

import "math"

// A ReduceOp folds elements into one.
type ReduceOp uint8

// The reductions. Of no elements at all a sum is 0, a product 1, a mean NaN, a
// maximum the least value of the type (-Inf) and a minimum the largest.
const (
	ReduceSum       ReduceOp = iota
	ReduceMean               // sum / number of elements
	ReduceSumSquare          // sum of x*x
	ReduceL1                 // sum of |x|
	ReduceL2                 // square root of the sum of x*x
	ReduceLogSum             // log of the sum
	ReduceLogSumExp          // log of the sum of exp(x), without overflow
	ReduceProd               //
	ReduceMax                // NaN if any is NaN
	ReduceMin                // NaN if any is NaN
)

// A Reduction is the loop over a tensor some of whose dimensions are folded.
// Make one with [NewReduction]; it is immutable then.
type Reduction struct {
	Out, Count   int // elements of the result; elements folded into each
	keep, fold   int // numbers of merged dimensions
	dims, steps  [maxRank]int
	fdims, fstep [maxRank]int
}

// NewReduction prepares the loop over a tensor of the given shape (rank at most
// 16) whose dimensions with folded[i] go.
func NewReduction(shape []int, folded *[maxRank]bool) (r Reduction) {
	r.Out, r.Count = 1, 1
	var strides [maxRank]int
	size := 1
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = size
		size *= shape[i]
	}
	last := -1 // the dimension before, if it can merge
	for i, d := range shape {
		n, dims, steps := &r.keep, &r.dims, &r.steps
		if folded[i] {
			n, dims, steps = &r.fold, &r.fdims, &r.fstep
			r.Count *= d
		} else {
			r.Out *= d
		}
		if d == 1 {
			continue
		}
		if last >= 0 && folded[last] == folded[i] {
			dims[*n-1] *= d
			steps[*n-1] = strides[i]
		} else {
			dims[*n], steps[*n] = d, strides[i]
			*n++
		}
		last = i
	}
	return r
}

// start is the offset of the first element folded into result i.
func (r *Reduction) start(i int) (at int) {
	for d := r.keep - 1; d >= 0; d-- {
		at += i % r.dims[d] * r.steps[d]
		i /= r.dims[d]
	}
	return at
}

// row is the innermost folded dimension.
func (r *Reduction) row() (n, step, rows int) {
	if r.fold == 0 {
		return 1, 1, 1
	}
	n = r.fdims[r.fold-1]
	return n, r.fstep[r.fold-1], r.Count / max(n, 1)
}

// rowAt is the offset of a row among those folded into one result.
func (r *Reduction) rowAt(i int) (at int) {
	for d := r.fold - 2; d >= 0; d-- {
		at += i % r.fdims[d] * r.fstep[d]
		i /= r.fdims[d]
	}
	return at
}

// Reduce folds src into dst as r says. A is the type that sums run in.
func Reduce[T, A Number](p *Pool, op ReduceOp, dst, src []T, r *Reduction) {
	if f, ok := any(dst).([]float32); ok && reduceF32(p, op, f, any(src).([]float32), r) {
		return
	}
	grain := max(1, 1<<13/max(r.Count, 1))
	if p.Threads() == 1 || r.Out <= grain {
		reduceRange[T, A](op, dst, src, r, 0, r.Out)
		return
	}
	shared := *r
	p.For(r.Out, grain, func(lo, hi int) { reduceRange[T, A](op, dst, src, &shared, lo, hi) })
}

func reduceRange[T, A Number](op ReduceOp, dst, src []T, r *Reduction, lo, hi int) {
	n, step, rows := r.row()
	abreast := r.Count > 0 && rows == 1 && step > 1 && foldsAbreast(op)
	for o := lo; o < hi; o++ {
		if abreast && o%step+1 < step { // neighbouring results of neighbouring elements
			w := min(neighbours, hi-o, step-o%step)
			foldAbreast[T, A](op, dst[o:o+w], src[r.start(o):], n, step)
			o += w - 1
			continue
		}
		if r.Count == 0 {
			dst[o] = ofNothing[T](op)
			continue
		}
		at := r.start(o)
		if op == ReduceLogSumExp {
			dst[o] = logSumExp(src, at, n, step, rows, r)
			continue
		}
		acc := A(0)
		switch op {
		case ReduceProd:
			acc = 1
		case ReduceMax, ReduceMin:
			acc = A(src[at])
		}
		for row := range rows {
			acc = fold(op, acc, src, at+r.rowAt(row), n, step)
		}
		switch op {
		case ReduceMean:
			dst[o] = T(acc / A(r.Count))
		case ReduceL2:
			dst[o] = T(math.Sqrt(float64(acc)))
		case ReduceLogSum:
			dst[o] = T(math.Log(float64(acc)))
		default:
			dst[o] = T(acc)
		}
	}
}

// foldsAbreast is whether foldAbreast knows op.
func foldsAbreast(op ReduceOp) bool {
	switch op {
	case ReduceSum, ReduceMean, ReduceProd, ReduceMax, ReduceMin:
		return true
	}
	return false
}

// foldAbreast folds n elements, step apart, into each of dst, up to neighbours.
func foldAbreast[T, A Number](op ReduceOp, dst, src []T, n, step int) {
	var room [neighbours]A
	acc := room[:len(dst)]
	for j, v := range src[:len(acc)] {
		acc[j] = A(v)
	}
	for i := 1; i < n; i++ {
		row := src[i*step:][:len(acc)]
		switch op {
		case ReduceProd:
			for j, v := range row {
				acc[j] *= A(v)
			}
		case ReduceMax:
			for j, v := range row {
				acc[j] = max(acc[j], A(v))
			}
		case ReduceMin:
			for j, v := range row {
				acc[j] = min(acc[j], A(v))
			}
		default:
			for j, v := range row {
				acc[j] += A(v)
			}
		}
	}
	for j, v := range acc {
		if op == ReduceMean {
			v /= A(n)
		}
		dst[j] = T(v)
	}
}

// foldRow folds as many of n neighbouring elements as four accumulators take in turn,
// which do not wait for each other, into acc: it returns how many.
func foldRow[T, A Number](op ReduceOp, acc A, src []T) (A, int) {
	n := len(src) &^ 3
	if n < 8 {
		return acc, 0
	}
	if x, ok := any(src).([]int32); ok && len(x) >= halvesLeast {
		switch f := &active.int32s; {
		case op == ReduceMax && f[OpMax] != nil:
			return max(acc, A(byHalves(f[OpMax], x))), len(x)
		case op == ReduceMin && f[OpMin] != nil:
			return min(acc, A(byHalves(f[OpMin], x))), len(x)
		}
	}
	a, b, c, d := A(src[0]), A(src[1]), A(src[2]), A(src[3])
	switch op {
	case ReduceMax:
		for i := 4; i < n; i += 4 {
			s := src[i : i+4 : i+4]
			a, b, c, d = max(a, A(s[0])), max(b, A(s[1])), max(c, A(s[2])), max(d, A(s[3]))
		}
		return max(acc, a, b, c, d), n
	case ReduceMin:
		for i := 4; i < n; i += 4 {
			s := src[i : i+4 : i+4]
			a, b, c, d = min(a, A(s[0])), min(b, A(s[1])), min(c, A(s[2])), min(d, A(s[3]))
		}
		return min(acc, a, b, c, d), n
	}
	for i := 4; i < n; i += 4 {
		s := src[i : i+4 : i+4]
		a, b, c, d = a+A(s[0]), b+A(s[1]), c+A(s[2]), d+A(s[3])
	}
	return acc + (a + b + (c + d)), n
}

// halvesLeast is from what length on byHalves pays.
const halvesLeast = 64

// byHalves is the largest or least of x, of two elements or more, which op finds element
// by element: of parts that overlap or not, of the halves of that, and so on.
func byHalves(op func(dst, a, b []int32), x []int32) int32 {
	m, buf := borrow(pieceLen)
	defer m.release()
	best := wordsAs[int32](buf)
	k := min((len(x)+1)/2, pieceLen)
	op(best[:k], x[:k], x[len(x)-k:])
	for at := k; at < len(x)-k; at += k {
		some := x[at:min(at+k, len(x)-k)]
		op(best[:len(some)], best[:len(some)], some)
	}
	for k > 1 {
		h := (k + 1) / 2
		op(best[:k-h], best[:k-h], best[h:k])
		k = h
	}
	return best[0]
}

// fold folds n elements that lie step apart into acc.
func fold[T, A Number](op ReduceOp, acc A, src []T, at, n, step int) A {
	if step == 1 {
		switch op {
		case ReduceSum, ReduceMean, ReduceLogSum, ReduceMax, ReduceMin:
			var done int
			acc, done = foldRow(op, acc, src[at:at+n])
			at, n = at+done, n-done
		}
	}
	switch op {
	case ReduceSumSquare, ReduceL2:
		for range n {
			v := A(src[at])
			acc += v * v
			at += step
		}
	case ReduceL1:
		for range n {
			v := A(src[at])
			if v < 0 {
				v = -v
			}
			acc += v
			at += step
		}
	case ReduceProd:
		for range n {
			acc *= A(src[at])
			at += step
		}
	case ReduceMax:
		for range n {
			acc = max(acc, A(src[at]))
			at += step
		}
	case ReduceMin:
		for range n {
			acc = min(acc, A(src[at]))
			at += step
		}
	default:
		for range n {
			acc += A(src[at])
			at += step
		}
	}
	return acc
}

func logSumExp[T Number](src []T, at, n, step, rows int, r *Reduction) T {
	m := math.Inf(-1)
	for row := range rows {
		m = fold(ReduceMax, m, src, at+r.rowAt(row), n, step)
	}
	if math.IsInf(m, 0) || math.IsNaN(m) {
		return T(m)
	}
	sum := 0.0
	for row := range rows {
		i := at + r.rowAt(row)
		for range n {
			sum += math.Exp(float64(src[i]) - m)
			i += step
		}
	}
	return T(m + math.Log(sum))
}

// ofNothing is what op makes of no elements.
func ofNothing[T Number](op ReduceOp) T {
	least, most := limits[T]()
	switch op {
	case ReduceProd:
		return 1
	case ReduceMean:
		if isFloat[T]() {
			return T(math.NaN())
		}
	case ReduceLogSum, ReduceLogSumExp, ReduceMax:
		return least
	case ReduceMin:
		return most
	}
	return 0
}

// limits are the least and the largest value of a type, infinite for floats.
func limits[T Number]() (least, most T) {
	if isFloat[T]() {
		return T(math.Inf(-1)), T(math.Inf(1))
	}
	if zero := T(0); zero-1 > zero {
		return 0, zero - 1
	}
	half := T(1)
	for half*2 > half {
		half *= 2
	}
	most = half - 1 + half
	return -most - 1, most
}

// reduceF32 does the cases of one folded dimension by vector kernels: rows that
// lie contiguously, and sums or extrema of whole rows.
func reduceF32(p *Pool, op ReduceOp, dst, src []float32, r *Reduction) bool {
	if r.fold != 1 || r.Count == 0 || r.Out == 0 {
		return false
	}
	switch op {
	case ReduceSum, ReduceMean, ReduceSumSquare, ReduceL1, ReduceL2, ReduceMax, ReduceMin, ReduceLogSumExp:
	default:
		return false
	}
	n, step := r.Count, r.fstep[0]
	switch {
	case step == 1:
		if grain := max(1, 1<<14/n); p.Threads() == 1 || r.Out <= grain {
			reduceRows(op, dst, src, n, 0, r.Out)
		} else {
			p.For(r.Out, grain, func(lo, hi int) { reduceRows(op, dst, src, n, lo, hi) })
		}
		return true
	case step >= abreastLeast:
		if parts, grain := abreast(r.Out/step, n, step); inlined(p, parts, grain) {
			reduceColumns(op, dst, src, n, step, 0, parts)
		} else {
			p.For(parts, grain, func(lo, hi int) { reduceColumns(op, dst, src, n, step, lo, hi) })
		}
		return true
	}
	return false
}

func reduceRows(op ReduceOp, dst, src []float32, n, lo, hi int) {
	for i := lo; i < hi; i++ {
		row := src[i*n : (i+1)*n]
		switch op {
		case ReduceSum:
			dst[i] = Sum(row)
		case ReduceMean:
			dst[i] = Sum(row) / float32(n)
		case ReduceSumSquare:
			dst[i] = SumSquares(row)
		case ReduceL2:
			dst[i] = float32(math.Sqrt(float64(SumSquares(row))))
		case ReduceL1:
			dst[i] = sumOfAbs(row)
		case ReduceMax:
			dst[i] = MaxOf(row)
		case ReduceMin:
			dst[i] = MinOf(row)
		case ReduceLogSumExp:
			dst[i] = logSumOfExp(row)
		}
	}
}

// reduceColumns folds the rows of parts of the (n, inner) matrices of src.
func reduceColumns(op ReduceOp, dst, src []float32, n, inner, lo, hi int) {
	for o := lo; o < hi; o++ {
		at, w := abreastAt(o, n, inner)
		x, y := src[at:], dst[at/(n*inner)*inner+at%inner:][:w]
		switch op {
		case ReduceLogSumExp:
			logSumExpColumns(y, x, n, inner)
			continue
		case ReduceSumSquare, ReduceL2:
			Mul(y, x[:w], x[:w])
		case ReduceL1:
			Abs(y, x)
		default:
			copy(y, x[:w])
		}
		for i := 1; i < n; i++ {
			switch row := x[i*inner:][:w]; op {
			case ReduceMax:
				Max(y, y, row)
			case ReduceMin:
				Min(y, y, row)
			case ReduceSumSquare, ReduceL2:
				MulAdd(y, row, row)
			case ReduceL1:
				addAbs(y, row)
			default:
				Add(y, y, row)
			}
		}
		switch op {
		case ReduceMean:
			DivScalar(y, y, float32(n))
		case ReduceL2:
			Sqrt(y, y)
		}
	}
}
