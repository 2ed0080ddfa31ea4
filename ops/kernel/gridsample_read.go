package kernel

import (
	"math"
	"unsafe"
)

// sampleLen is how many places are read, of one channel after the other, at a time.
const sampleLen = 128

// Sample reads the image src (channels, Dims...) at places lo to hi of grid
// (points, len(Dims)), whose coordinates are innermost first, into dst
// (channels, points).
func Sample[T float32 | float64](s *Sampler, dst, src, grid []T, channels, points, lo, hi int) {
	n, size := s.Points(), 1
	for _, d := range s.Dims {
		size *= d
	}
	m, words := borrow(2 * n * sampleLen)
	defer m.release()
	weights, borrowed := borrowOf[T](n * sampleLen)
	if borrowed != nil {
		defer borrowed.release()
	}
	b := samples[T]{Sampler: s, n: n, offset: unsafe.Slice((*int)(unsafe.Pointer(unsafe.SliceData(words))), n*sampleLen), weight: weights}
	rank := len(s.Dims)
	for ; lo < hi; lo += sampleLen {
		count := min(sampleLen, hi-lo)
		b.survey(grid[lo*rank:(lo+count)*rank], count)
		for c := range channels {
			b.read(dst[c*points+lo:][:count], src[c*size:(c+1)*size])
		}
	}
}

// samples are places of an image: element t of n that place p depends on is at offset
// [t*sampleLen+p]. Those of partial depend on zeros outside, too, which have a bit in
// outside.
type samples[T float32 | float64] struct {
	*Sampler
	n       int
	offset  []int
	weight  []T
	outside [sampleLen]uint64
	partial []int
	room    [sampleLen]int
}

// survey finds what count places depend on.
func (b *samples[T]) survey(grid []T, count int) {
	rank, taps := len(b.Dims), b.taps()
	var at [3][4]int
	var w [3][4]T
	b.partial = b.room[:0]
	linear := rank == 2 && !b.Nearest && !b.Cubic
	for p := range count {
		if linear && b.between(p, grid[2*p+1], grid[2*p]) {
			continue
		}
		inside := true
		for d, extent := range b.Dims {
			if !b.along(grid[p*rank+rank-1-d], extent, &at[d], &w[d]) {
				inside = false
			}
		}
		if !inside {
			b.outside[p] = 0
			b.partial = append(b.partial, p)
		}
		if rank == 2 && inside {
			b.plane(p, taps, &at, &w)
		} else {
			b.space(p, taps, &at, &w)
		}
	}
}

// between sets what place p at (gy, gx) depends on if it lies between four elements,
// which it reports.
func (b *samples[T]) between(p int, gy, gx T) bool {
	height, width := b.Dims[0], b.Dims[1]
	y, x := unscaled(b.Sampler, gy, height), unscaled(b.Sampler, gx, width)
	if !(y >= 0 && y < T(height-1) && x >= 0 && x < T(width-1)) {
		return false
	}
	row, col := int(y), int(x)
	fy, fx := y-T(row), x-T(col)
	at := row*width + col
	o, w := b.offset[p:][:3*sampleLen+1], b.weight[p:][:3*sampleLen+1]
	o[0], o[sampleLen], o[2*sampleLen], o[3*sampleLen] = at, at+1, at+width, at+width+1
	w[0], w[sampleLen], w[2*sampleLen], w[3*sampleLen] = (1-fy)*(1-fx), (1-fy)*fx, fy*(1-fx), fy*fx
	return true
}

// plane sets what place p of an image of two dimensions depends on, the last dimension
// counting up first.
func (b *samples[T]) plane(p, taps int, at *[3][4]int, w *[3][4]T) {
	for i := range taps {
		row, f := at[0][i]*b.Dims[1], w[0][i]
		for j := range taps {
			b.offset[p], b.weight[p] = row+at[1][j], f*w[1][j]
			p += sampleLen
		}
	}
}

// space is plane for any dimensions, and for places with zeros outside.
func (b *samples[T]) space(p, taps int, at *[3][4]int, w *[3][4]T) {
	for t := range b.n {
		offset, weight, zero := 0, T(1), false
		rest, step := t, 1
		for d := len(b.Dims) - 1; d >= 0; d-- {
			k := rest % taps
			rest /= taps
			zero = zero || at[d][k] < 0
			offset += at[d][k] * step
			step *= b.Dims[d]
			weight *= w[d][k]
		}
		if zero {
			b.outside[p] |= 1 << t
			offset = 0
		}
		b.offset[t*sampleLen+p], b.weight[t*sampleLen+p] = offset, weight
	}
}

// along is the elements of an extent, and their weights, that coordinate g depends on.
// It reports whether none is a zero outside.
func (b *samples[T]) along(g T, extent int, at *[4]int, w *[4]T) (inside bool) {
	const cubicA = -0.75
	x := place(b.Sampler, g, extent)
	first := math.Floor(float64(x))
	switch frac := float64(x) - first; {
	case b.Nearest:
		w[0] = 1
	case b.Cubic:
		for t := range 4 {
			w[t] = T(CubicWeight(frac-float64(t-1), cubicA))
		}
		first--
	default:
		w[0], w[1] = T(1-frac), T(frac)
	}
	taps := b.taps()
	if first >= 0 && first <= float64(extent-taps) {
		i := int(first)
		*at = [4]int{i, i + 1, i + 2, i + 3}
		return true
	}
	inside = true
	for t := range taps {
		at[t] = b.index(first+float64(t), extent)
		inside = inside && at[t] >= 0
	}
	return inside
}

// read reads the places of an image.
func (b *samples[T]) read(dst, image []T) {
	switch {
	case b.Nearest: // not multiplied, so that infinities stay
		for p, o := range b.offset[:len(dst)] {
			dst[p] = image[o]
		}
	case b.n == 4:
		read4(dst, image, b.offset, b.weight)
	default:
		clear(dst)
		for t := range b.n {
			offset, weight := b.offset[t*sampleLen:][:len(dst)], b.weight[t*sampleLen:][:len(dst)]
			for p, o := range offset {
				dst[p] += weight[p] * image[o]
			}
		}
	}
	for _, p := range b.partial { // zeros are left out: 0 times what is elsewhere may be NaN
		var sum T
		for t := range b.n {
			if b.outside[p]>>t&1 != 0 {
				continue
			}
			if o := b.offset[t*sampleLen+p]; b.Nearest {
				sum = image[o]
			} else {
				sum += b.weight[t*sampleLen+p] * image[o]
			}
		}
		dst[p] = sum
	}
}

func read4[T float32 | float64](dst, image []T, offset []int, weight []T) {
	n := len(dst)
	o0, o1, o2, o3 := offset[:n], offset[sampleLen:][:n], offset[2*sampleLen:][:n], offset[3*sampleLen:][:n]
	w0, w1, w2, w3 := weight[:n], weight[sampleLen:][:n], weight[2*sampleLen:][:n], weight[3*sampleLen:][:n]
	for p := range dst {
		dst[p] = w0[p]*image[o0[p]] + w1[p]*image[o1[p]] + w2[p]*image[o2[p]] + w3[p]*image[o3[p]]
	}
}
