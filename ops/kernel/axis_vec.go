package kernel

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
)

// The functions below do along an axis of float32 what those of axis.go do, a
// row of neighbouring series at a time.

const (
	// abreastLen is how many neighbouring series go together.
	abreastLen = 512
	// abreastLeast is from how many on that pays.
	abreastLeast = 8
)

// abreast is into how many parts of up to abreastLen neighbouring series outer times
// inner of them are cut, and how many parts are worth a thread.
func abreast(outer, n, inner int) (parts, grain int) {
	return outer * ceilDiv(inner, abreastLen), max(1, 1<<12/max(n*min(inner, abreastLen), 1))
}

// abreastAt is where part i begins, and its series.
func abreastAt(i, n, inner int) (at, w int) {
	parts := ceilDiv(inner, abreastLen)
	from := i % parts * abreastLen
	return i/parts*n*inner + from, min(abreastLen, inner-from)
}

// softmaxF32 is SoftmaxAxis, or LogSoftmaxAxis if log; false where it can't.
func softmaxF32(p *Pool, y, x []float32, outer, n, inner int, log bool) bool {
	parts, grain := abreast(outer, n, inner)
	switch {
	case n == 0 || inner > 1 && inner < abreastLeast:
		return false
	case inner == 1 && !log:
		SoftmaxRows(p, y, x, outer, n)
	case inner == 1 && inlined(p, outer, seriesGrain(n)):
		logSoftmaxRows(y, x, n, 0, outer)
	case inner == 1:
		p.For(outer, seriesGrain(n), func(lo, hi int) { logSoftmaxRows(y, x, n, lo, hi) })
	case inlined(p, parts, grain):
		softmaxParts(y, x, n, inner, log, 0, parts)
	default:
		p.For(parts, grain, func(lo, hi int) { softmaxParts(y, x, n, inner, log, lo, hi) })
	}
	return true
}

func softmaxParts(y, x []float32, n, inner int, log bool, lo, hi int) {
	for i := lo; i < hi; i++ {
		at, w := abreastAt(i, n, inner)
		softmaxAbreast(y, x, at, n, inner, w, log)
	}
}

func logSoftmaxRows(y, x []float32, n, lo, hi int) {
	for i := lo; i < hi; i++ {
		LogSoftmax(y[i*n:(i+1)*n], x[i*n:(i+1)*n])
	}
}

func softmaxAbreast(y, x []float32, at, n, inner, w int, log bool) {
	v := active
	s, buf := borrow(3 * w)
	defer s.release()
	m, sum, t := buf[:w], buf[w:2*w], buf[2*w:3*w]
	row := func(s []float32, i int) []float32 { return s[at+i*inner:][:w] }
	copy(m, row(x, 0))
	for i := 1; i < n; i++ {
		v.max(m, m, row(x, i))
	}
	clear(sum)
	for i := range n {
		e := t
		if !log {
			e = row(y, i)
		}
		v.sub(e, row(x, i), m)
		v.exp(e, e)
		v.add(sum, sum, e)
	}
	if log {
		v.log(sum, sum)
	}
	for i := range n {
		to := row(y, i)
		if log {
			v.sub(to, row(x, i), m)
			v.sub(to, to, sum)
		} else {
			v.div(to, to, sum)
		}
	}
}

// firstOf is the index of the largest element of x, of the least if least: of the
// last of equals if last. It is -1 where there is a NaN.
func firstOf(x []float32, least, last bool) int {
	var best float32
	if least {
		best = MinOf(x)
	} else {
		best = MaxOf(x)
	}
	if last {
		for i := len(x) - 1; i >= 0; i-- {
			if x[i] == best {
				return i
			}
		}
		return -1
	}
	if f := active.compare[OpEqual]; f != nil && len(x) >= scalarLen {
		return firstEqual(f, x, best)
	}
	for i, v := range x {
		if v == best {
			return i
		}
	}
	return -1
}

// firstEqual is the index of the first element of x that equals one, which f compares; -1
// if none does.
func firstEqual(f func(dst *uint8, a, b []float32), x []float32, one float32) int {
	s, buf := borrow(scalarLen + scalarLen/4)
	defer s.release()
	ones, equal := buf[:scalarLen], bytesOf(wordsAs[uint32](buf[scalarLen:]))
	Fill(ones, one)
	at := 0
	for ; at+scalarLen <= len(x); at += scalarLen {
		f(&equal[0], x[at:at+scalarLen], ones)
		if i := bytes.IndexByte(equal, 1); i >= 0 {
			return at + i
		}
	}
	for i, v := range x[at:] {
		if v == one {
			return at + i
		}
	}
	return -1
}

// argMaxColumns is argMaxAbreast of a multiple of blockLen series: it finds the extrema
// first and then where they are. It is false where there is a NaN or no vector form.
func argMaxColumns(y []int64, x []float32, n, inner int, least, last bool) bool {
	v, w := active, len(y)
	equal, fold := v.compare[OpEqual], v.max
	if equal == nil {
		return false
	}
	if least {
		fold = v.min
	}
	s, buf := borrow(w + w/4)
	defer s.release()
	best, found := buf[:w], bytesOf(wordsAs[uint32](buf[w:]))
	copy(best, x[:w])
	for i := 1; i < n; i++ {
		fold(best, best, x[i*inner:][:w])
	}
	for _, b := range best {
		if b != b {
			return false
		}
	}
	for k := range n {
		i := k // the one found last stays
		if !last {
			i = n - 1 - k
		}
		equal(&found[0], x[i*inner:][:w], best)
		for j := 0; j < w; j += 8 {
			for word := binary.LittleEndian.Uint64(found[j:]); word != 0; word &= word - 1 {
				y[j+bits.TrailingZeros64(word)/8] = int64(i)
			}
		}
	}
	return true
}

// runningSums is CumulateAxis of sums.
func runningSums(p *Pool, y, x []float32, outer, n, inner int, exclusive, reverse bool) {
	parts, grain := abreast(outer, n, inner)
	if inlined(p, parts, grain) {
		runningParts(y, x, n, inner, exclusive, reverse, 0, parts)
		return
	}
	p.For(parts, grain, func(lo, hi int) { runningParts(y, x, n, inner, exclusive, reverse, lo, hi) })
}

func runningParts(y, x []float32, n, inner int, exclusive, reverse bool, lo, hi int) {
	v := active
	s, buf := borrow(2 * abreastLen)
	defer s.release()
	for i := lo; i < hi; i++ {
		at, w := abreastAt(i, n, inner)
		sum, t := buf[:w], buf[abreastLen:][:w]
		clear(sum)
		step := inner
		if reverse {
			at, step = at+(n-1)*inner, -inner
		}
		for range n {
			from, to := x[at:][:w], y[at:][:w]
			at += step
			if exclusive {
				copy(t, from) // y may be x
				copy(to, sum)
				v.add(sum, sum, t)
				continue
			}
			v.add(to, sum, from)
			sum = to
		}
	}
}

// addAbs is y[i] += |x[i]|.
func addAbs(y, x []float32) {
	inPieces(y, x, func(y, x, s, _ []float32) {
		Abs(s, x)
		Add(y, y, s)
	})
}

// sumOfAbs is the sum of |x|.
func sumOfAbs(x []float32) (sum float32) {
	n := min(len(x), pieceLen)
	s, buf := borrow(n)
	defer s.release()
	for ; len(x) > 0; x = x[min(n, len(x)):] {
		t := buf[:min(n, len(x))]
		Abs(t, x)
		sum += Sum(t)
	}
	return sum
}

// logSumExpColumns is logSumOfExp of n elements, inner apart, for each of y.
func logSumExpColumns(y, x []float32, n, inner int) {
	v, w := active, len(y)
	s, buf := borrow(3 * w)
	defer s.release()
	m, sum, t := buf[:w], buf[w:2*w], buf[2*w:]
	copy(m, x[:w])
	for i := 1; i < n; i++ {
		v.max(m, m, x[i*inner:][:w])
	}
	for j, most := range m {
		if math.IsInf(float64(most), 0) || most != most {
			m[j] = 0 // what is not finite needs no care, and stays what it is
		}
	}
	clear(sum)
	for i := range n {
		v.sub(t, x[i*inner:][:w], m)
		v.exp(t, t)
		v.add(sum, sum, t)
	}
	v.log(sum, sum)
	v.add(y, sum, m)
}

// logSumOfExp is the log of the sum of exp(x), without overflow.
func logSumOfExp(x []float32) float32 {
	v, m := active, MaxOf(x)
	if math.IsInf(float64(m), 0) || m != m {
		return m
	}
	n := min(len(x), pieceLen)
	s, buf := borrow(n)
	defer s.release()
	sum := 0.0
	for ; len(x) > 0; x = x[min(n, len(x)):] {
		t := buf[:min(n, len(x))]
		sum += float64(v.expSub(t, x[:len(t)], m))
	}
	return float32(float64(m) + math.Log(sum))
}
