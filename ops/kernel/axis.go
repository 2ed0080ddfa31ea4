package kernel

import "math"

// The functions below work along the middle axis of x (outer, n, inner): on
// outer*inner series of n elements that lie inner apart. y may be x.

// seriesGrain is how many series of n elements are worth a chunk of For.
func seriesGrain(n int) int { return max(1, 1<<12/max(n, 1)) }

// inlined reports whether count units of work with a grain need no other
// thread; the caller then does without a closure.
func inlined(p *Pool, count, grain int) bool { return p.Threads() == 1 || count <= grain }

// seriesAt is the offset of the first element of series s.
func seriesAt(s, n, inner int) int { return s/inner*n*inner + s%inner }

// SoftmaxAxis is [Softmax] along an axis.
func SoftmaxAxis[T float32 | float64](p *Pool, y, x []T, outer, n, inner int) {
	if f, ok := any(y).([]float32); ok && softmaxF32(p, f, any(x).([]float32), outer, n, inner, false) {
		return
	}
	series, grain := outer*inner, seriesGrain(n)
	if inlined(p, series, grain) {
		softmaxRange(y, x, n, inner, 0, series)
		return
	}
	p.For(series, grain, func(lo, hi int) { softmaxRange(y, x, n, inner, lo, hi) })
}

func softmaxRange[T float32 | float64](y, x []T, n, inner, lo, hi int) {
	for s := lo; s < hi; s++ {
		at := seriesAt(s, n, inner)
		end := at + n*inner
		m := maxAlong(x, at, end, inner)
		sum := 0.0
		for i := at; i < end; i += inner {
			e := math.Exp(float64(x[i] - m))
			y[i] = T(e)
			sum += e
		}
		for i := at; i < end; i += inner {
			y[i] = T(float64(y[i]) / sum)
		}
	}
}

// LogSoftmaxAxis is [LogSoftmax] along an axis.
func LogSoftmaxAxis[T float32 | float64](p *Pool, y, x []T, outer, n, inner int) {
	if f, ok := any(y).([]float32); ok && softmaxF32(p, f, any(x).([]float32), outer, n, inner, true) {
		return
	}
	series, grain := outer*inner, seriesGrain(n)
	if inlined(p, series, grain) {
		logSoftmaxRange(y, x, n, inner, 0, series)
		return
	}
	p.For(series, grain, func(lo, hi int) { logSoftmaxRange(y, x, n, inner, lo, hi) })
}

func logSoftmaxRange[T float32 | float64](y, x []T, n, inner, lo, hi int) {
	for s := lo; s < hi; s++ {
		at := seriesAt(s, n, inner)
		end := at + n*inner
		m := maxAlong(x, at, end, inner)
		sum := 0.0
		for i := at; i < end; i += inner {
			sum += math.Exp(float64(x[i] - m))
		}
		log := T(math.Log(sum))
		for i := at; i < end; i += inner {
			y[i] = x[i] - m - log
		}
	}
}

// HardmaxAxis is 1 at the first of the largest elements of each series, else 0.
func HardmaxAxis[T float32 | float64](p *Pool, y, x []T, outer, n, inner int) {
	if n == 0 {
		return
	}
	series, grain := outer*inner, seriesGrain(n)
	if inlined(p, series, grain) {
		hardmaxRange(y, x, n, inner, 0, series)
		return
	}
	p.For(series, grain, func(lo, hi int) { hardmaxRange(y, x, n, inner, lo, hi) })
}

func hardmaxRange[T float32 | float64](y, x []T, n, inner, lo, hi int) {
	const together = 16 // neighbouring series, whose elements share cache lines
	var best [together]int
	var top [together]T // y may be x
	rows, _ := any(x).([]float32)
	for s := lo; s < hi; {
		at := seriesAt(s, n, inner)
		if rows != nil && inner == 1 && n > 0 {
			if i := firstOf(rows[at:at+n], false, false); i >= 0 {
				clear(y[at : at+n])
				y[at+i] = 1
				s++
				continue
			}
		}
		w := min(together, hi-s, inner-s%inner)
		for j := range w {
			best[j], top[j] = at+j, x[at+j]
		}
		for i := at; i < at+n*inner; i += inner {
			for j, v := range x[i : i+w] {
				if v > top[j] {
					best[j], top[j] = i+j, v
				}
			}
			clear(y[i : i+w])
		}
		for _, i := range best[:w] {
			y[i] = 1
		}
		s += w
	}
}

func maxAlong[T float32 | float64](x []T, at, end, step int) T {
	m := T(math.Inf(-1))
	for i := at; i < end; i += step {
		m = max(m, x[i])
	}
	return m
}

// ArgMaxAxis is the index of the largest element of each series (of the
// smallest if least), the first or the last of equals. NaN counts as larger
// (smaller) than all.
func ArgMaxAxis[T Number](p *Pool, y []int64, x []T, outer, n, inner int, least, last bool) {
	if n == 0 {
		clear(y)
		return
	}
	series, grain := outer*inner, seriesGrain(n)
	if inlined(p, series, grain) {
		argMaxRange(y, x, n, inner, least, last, 0, series)
		return
	}
	p.For(series, grain, func(lo, hi int) { argMaxRange(y, x, n, inner, least, last, lo, hi) })
}

func argMaxRange[T Number](y []int64, x []T, n, inner int, least, last bool, lo, hi int) {
	rows, _ := any(x).([]float32)
	const vectors = 1 << 4 // from what length on two passes over a row pay
	for s := lo; s < hi; {
		at := seriesAt(s, n, inner)
		if rows != nil && inner == 1 && n >= vectors {
			if i := firstOf(rows[at:at+n], least, last); i >= 0 {
				y[s] = int64(i)
				s++
				continue
			}
		}
		if rows != nil {
			left := min(hi-s, inner-s%inner)
			if again := blockLen - left; again > 0 && again <= min(s-lo, s%inner) { // some a second time make a block
				s, at, left = s-again, at-again, blockLen
			}
			if w := min(abreastLen, left) &^ (blockLen - 1); w > 0 && argMaxColumns(y[s:s+w], rows[at:], n, inner, least, last) {
				s += w
				continue
			}
		}
		w := min(neighbours, hi-s, inner-s%inner)
		if w == 1 {
			y[s] = argMaxAlone(x[at:], n, inner, least, last)
		} else {
			argMaxAbreast(y[s:s+w], x[at:], n, inner, least, last)
		}
		s += w
	}
}

// neighbours is how many series, whose elements share cache lines, go together.
const neighbours = 64

// argMaxAlone is ArgMaxAxis of one series. Most elements are told from the best so far
// by one comparison, which holds of NaN too.
func argMaxAlone[T Number](x []T, n, inner int, least, last bool) (best int64) {
	top := x[0]
	for i, at := 1, inner; i < n; i, at = i+1, at+inner {
		v := x[at]
		if least && v > top || !least && v < top {
			continue
		}
		if better(v, top, least) || last && !better(top, v, least) {
			best, top = int64(i), v
		}
	}
	return best
}

// argMaxAbreast is ArgMaxAxis of len(y) neighbouring series, up to neighbours.
func argMaxAbreast[T Number](y []int64, x []T, n, inner int, least, last bool) {
	var room [neighbours]T
	top := room[:len(y)]
	copy(top, x)
	clear(y)
	for i := 1; i < n; i++ {
		row := x[i*inner:][:len(top)]
		if least {
			for j, v := range row {
				if !(v > top[j]) && (better(v, top[j], true) || last && !better(top[j], v, true)) {
					y[j], top[j] = int64(i), v
				}
			}
			continue
		}
		for j, v := range row {
			if !(v < top[j]) && (better(v, top[j], false) || last && !better(top[j], v, false)) {
				y[j], top[j] = int64(i), v
			}
		}
	}
}

// better reports whether a comes before b in the order of largest (least)
// first, NaN before all.
func better[T Number](a, b T, least bool) bool {
	if b != b {
		return false
	}
	if a != a {
		return true
	}
	if least {
		return a < b
	}
	return a > b
}

// CumulateAxis is the running sum (product if prod) of each series:
//
//	y[i] = x[0] + ... + x[i]
//
// With exclusive x[i] itself isn't in it; with reverse it runs from the end.
func CumulateAxis[T Number](p *Pool, y, x []T, outer, n, inner int, prod, exclusive, reverse bool) {
	if f, ok := any(y).([]float32); ok && !prod && inner >= abreastLeast {
		runningSums(p, f, any(x).([]float32), outer, n, inner, exclusive, reverse)
		return
	}
	series, grain := outer*inner, seriesGrain(n)
	if inlined(p, series, grain) {
		cumulateRange(y, x, n, inner, prod, exclusive, reverse, 0, series)
		return
	}
	p.For(series, grain, func(lo, hi int) { cumulateRange(y, x, n, inner, prod, exclusive, reverse, lo, hi) })
}

func cumulateRange[T Number](y, x []T, n, inner int, prod, exclusive, reverse bool, lo, hi int) {
	if n == 0 {
		return
	}
	for s := lo; s < hi; {
		at, w := seriesAt(s, n, inner), min(abreastLen, hi-s, inner-s%inner)
		if exclusive {
			w = min(w, neighbours)
		}
		s += w
		step := inner
		if reverse {
			at += (n - 1) * inner
			step = -inner
		}
		switch {
		case w > 1 && exclusive:
			cumulateAbreast(y, x, at, n, step, w, prod)
			continue
		case w > 1:
			cumulateOnto(y, x, at, n, step, w, prod)
			continue
		}
		acc := T(0)
		if prod {
			acc = 1
		}
		for range n {
			v := x[at]
			if exclusive {
				y[at] = acc
			}
			if prod {
				acc *= v
			} else {
				acc += v
			}
			if !exclusive {
				y[at] = acc
			}
			at += step
		}
	}
}

// cumulateOnto is CumulateAxis, not exclusive, of w neighbouring series that begin at at
// and go on by step.
func cumulateOnto[T Number](y, x []T, at, n, step, w int, prod bool) {
	op, start := OpAdd, T(0)
	if prod {
		op, start = OpMul, 1
	}
	binaryWith(op, y[at:][:w], x[at:][:w], start, false)
	for range n - 1 {
		last := y[at:][:w]
		at += step
		binaryRow(op, y[at:][:w], last, x[at:][:w], 1, 1)
	}
}

// cumulateAbreast is cumulateOnto, exclusive, of up to neighbours.
func cumulateAbreast[T Number](y, x []T, at, n, step, w int, prod bool) {
	var room, next [neighbours]T
	acc, sums := room[:w], next[:w]
	if prod {
		fillAll(acc, 1)
	}
	for range n {
		from, to := x[at:][:len(acc)], y[at:][:len(acc)]
		at += step
		if prod {
			for j, v := range from {
				sums[j] = acc[j] * v
			}
		} else {
			for j, v := range from {
				sums[j] = acc[j] + v
			}
		}
		copy(to, acc)
		acc, sums = sums, acc
	}
}
