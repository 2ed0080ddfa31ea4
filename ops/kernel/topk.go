package kernel

import (
	"math"
	"math/bits"
	"slices"
	"unsafe"
)

const (
	// topKMost is up to how many elements are chosen by their keys.
	topKMost = 1 << 18
	// topKSpare is how many candidates more than twice those wanted gather until they
	// are weeded.
	topKSpare = 8
	// topKFew is up to how many are kept in order as they are found.
	topKFew = 4
	// topKBlock is how many elements of which none is good enough are left out at once.
	topKBlock = 32
	// topKTogether is how many neighbouring series are laid out one after another.
	topKTogether = 16
)

// TopKAxis is the k largest elements of each series (the smallest if least),
// best first, and their indices; of equals the lower index comes first. values
// and indices are (outer, k, inner). NaN counts as the largest. halt is asked now
// and then; after an error the outputs are incomplete.
func TopKAxis[T Number](p *Pool, halt func() error, values []T, indices []int64, x []T, outer, n, inner, k int, least bool) {
	if k == 0 {
		return
	}
	keys, ok := keysOf(x, least)
	if !ok || k > topKMost || uint64(n) > math.MaxUint32 {
		topKHeaps(p, halt, values, indices, x, outer, n, inner, k, least)
		return
	}
	grain := seriesGrain(n)
	if inner > 1 {
		grain = roundUp(grain, topKTogether)
	}
	p.For(outer*inner, grain, func(lo, hi int) {
		t := topK[T]{topKeys: keys, k: k, halt: halt, left: haltEvery}
		m, words := borrow(2 * topKRoom(n, k))
		defer m.release()
		t.room = unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(words))), len(words)/2)
		if inner == 1 {
			for s := lo; s < hi && t.series(x[s*n:(s+1)*n]); s++ {
				t.write(values[s*k:], indices[s*k:], x[s*n:], 1)
			}
			return
		}
		laid, borrowed := borrowOf[T](n * topKTogether)
		if borrowed != nil {
			defer borrowed.release()
		}
		for s := lo; s < hi; {
			w := min(topKTogether, hi-s, inner-s%inner)
			transpose(laid, n, x[seriesAt(s, n, inner):], inner, n, w)
			for j := range w {
				one := laid[j*n : (j+1)*n]
				if !t.series(one) {
					return
				}
				at := seriesAt(s+j, k, inner)
				t.write(values[at:], indices[at:], one, inner)
			}
			s += w
		}
	})
}

// RoomForTopK is the bytes that [TopKAxis] works with, at most.
func RoomForTopK[T Number](p *Pool, outer, n, inner, k int) int {
	room := sumBytes(floatBytes(2, topKRoom(n, k)), mulBytes(8, k))
	if inner > 1 {
		room = sumBytes(room, mulBytes(sizeOf[T](), n, topKTogether))
	}
	return mulBytes(room, min(p.Threads(), mulBytes(outer, inner)))
}

// topKRoom is how many candidates gather.
func topKRoom(n, k int) int { return min(n, 2*k+topKSpare) }

// topKeys tells how elements are brought to an order of unsigned integers.
type topKeys struct {
	least, real bool
	offset      int64
	flip        uint32
}

// keysOf are the keys for the type of x, false if it has none.
func keysOf[T Number](x []T, least bool) (t topKeys, ok bool) {
	t = topKeys{least: least, flip: ^uint32(0)}
	if least {
		t.flip = 0
	}
	switch any(x).(type) {
	case []float32:
		t.real = true
	case []int8, []int16, []int32:
		t.offset = 1 << 31
	case []uint8, []uint16, []uint32:
	default:
		return t, false
	}
	return t, true
}

// keyOf is less for what comes first: of equals, for the lower index.
func keyOf[T Number](t *topKeys, v T, index int) uint64 {
	var key uint32
	if t.real {
		f := float32(v) + 0 // one zero
		b := math.Float32bits(f)
		if f != f { // one NaN, above all
			b = math.MaxInt32
		}
		key = b ^ (uint32(int32(b)>>31) | 1<<31)
	} else {
		key = uint32(int64(v) + t.offset)
	}
	return uint64(key^t.flip)<<32 | uint64(index)
}

// A topK chooses of one series after the other.
type topK[T Number] struct {
	topKeys
	k    int
	room []uint64
	best []uint64 // of the last series, best first

	halt func() error
	left int
}

// series chooses of x. It reports whether to go on.
func (t *topK[T]) series(x []T) bool {
	best := t.room[:0]
	if f, ok := any(x).([]float32); ok && t.k == 1 {
		if i := firstOf(f, t.least, false); i >= 0 {
			t.best = append(best, uint64(i)) // keys are not compared any more
			return !t.halted(len(x) / 2)
		}
	}
	if t.k <= topKFew {
		t.best = t.few(best, x)
		return !t.halted(len(x) / 2)
	}
	at := min(len(x), cap(best))
	for i, v := range x[:at] {
		best = append(best, keyOf(&t.topKeys, v, i))
	}
	for at < len(x) {
		best = nearest(best, t.k)
		from := at
		if best, at = t.gather(best, x, at); t.halted(at - from) {
			return false
		}
	}
	if len(best) > t.k {
		best = nearest(best, t.k)
	}
	t.best = best
	slices.Sort(best)
	return !t.halted(len(x) / 8)
}

func (t *topK[T]) halted(elements int) bool {
	if t.left -= elements + 8; t.left > 0 {
		return false
	}
	t.left = haltEvery
	return t.halt() != nil
}

// gather appends to best, of which the last is the worst, better elements of x from at
// on until it is full. It returns where it ended.
func (t *topK[T]) gather(best []uint64, x []T, at int) ([]uint64, int) {
	worst := best[len(best)-1]
	limit := x[uint32(worst)]
	end := min(len(x), at+haltEvery)
	for at < end {
		n := min(topKBlock, end-at)
		if t.poor(x[at:at+n], limit) {
			at += n
			continue
		}
		for i, v := range x[at : at+n] {
			if t.least && v >= limit || !t.least && v <= limit {
				continue
			}
			if key := keyOf(&t.topKeys, v, at+i); key < worst {
				if best = append(best, key); len(best) == cap(best) {
					return best, at + i + 1
				}
			}
		}
		at += n
	}
	return best, at
}

// poor reports whether no element of a block is better than limit, if that is told
// fast.
func (t *topK[T]) poor(block []T, limit T) bool {
	f, ok := any(block).([]float32)
	return ok && !t.least && len(f) == topKBlock && MaxOf(f) <= float32(limit)
}

// few chooses up to topKFew of x, to the empty best.
func (t *topK[T]) few(best []uint64, x []T) []uint64 {
	best = best[:min(t.k, len(x))]
	for i := range best {
		best[i] = math.MaxUint64
	}
	last := len(best) - 1
	for at := 0; at < len(x); at += topKBlock {
		block := x[at:min(at+topKBlock, len(x))]
		if at > 0 && t.poor(block, x[uint32(best[last])]) {
			continue
		}
		for i, v := range block {
			key := keyOf(&t.topKeys, v, at+i)
			for j := last; j >= 0 && key < best[j]; j-- {
				if j < last {
					best[j+1] = best[j]
				}
				best[j] = key
			}
		}
	}
	return best
}

// write puts the chosen elements of x, and their indices, step apart.
func (t *topK[T]) write(values []T, indices []int64, x []T, step int) {
	for i, key := range t.best {
		index := int64(uint32(key))
		values[i*step], indices[i*step] = x[index], index
	}
}

// nearest is the k least keys, in any order but for the largest of them, which is last.
// The others are lost.
func nearest(keys []uint64, k int) []uint64 {
	k = min(k, len(keys))
	rest, last := keys, k-1 // which is at place last of rest
	for rounds := 2 * bits.Len(uint(len(keys))); len(rest) > 12 && rounds > 0; rounds-- {
		switch at := part(rest); {
		case at == last:
			return keys[:k]
		case at > last:
			rest = rest[:at]
		default:
			rest, last = rest[at+1:], last-at-1
		}
	}
	slices.Sort(rest)
	return keys[:k]
}

// part brings a key to its place, with lesser ones before it and greater ones after
// it, and returns that place.
func part(keys []uint64) int {
	n := len(keys) - 1
	a, b, c := keys[0], keys[n/2], keys[n]
	mid := n
	switch middle := max(min(a, b), min(max(a, b), c)); middle {
	case a:
		mid = 0
	case b:
		mid = n / 2
	}
	pivot := keys[mid]
	keys[mid], keys[n] = keys[n], pivot
	at := 0
	for i, v := range keys[:n] {
		keys[i] = keys[at]
		keys[at] = v
		_, less := bits.Sub64(v, pivot, 0) // no branch: it would be mispredicted half the time
		at += int(less)
	}
	keys[n], keys[at] = keys[at], pivot
	return at
}
