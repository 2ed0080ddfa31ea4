package kernel

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// int8Rows are rows of data as integers. They are computed in tiles of as many
// rows as a kernel takes, or one less.
type int8Rows struct {
	m, tiles int
	data     []int8 // (m, stride), filled up with zeros
	stride   int    // a multiple of 32
	laid     []int8 // (m, 2*stride): data as v.int8Laid wants it, in the tiles that are for it

	scale     []float32 // (m) of the rows
	zero, sum []int32   // (m): the integer that is 0.0, and the sum of a row's integers
	start     []int32   // (m) what the zero point of all weights takes off a row's products
	flat      int32     // that zero point

	masks  []uint32    // (m, stride/32), of int8Survey
	extras []int8Extra // (tiles, stride/4)
	counts []int32     // (tiles) how many of them there are; -1 for tiles that are laid out
	at     int32       // bytes of a quad of a panel
	s      *scratch
}

// carve takes n values of T from the front of buf, whose values have 4 bytes.
func carve[T any](buf *[]float32, n int) []T {
	if n == 0 {
		return nil
	}
	var t T
	words := ceilDiv(n*int(unsafe.Sizeof(t)), 4)
	part := (*buf)[:words]
	*buf = (*buf)[words:]
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(part))), n)
}

// borrow takes room for m rows of k values to be multiplied with q, as
// [RoomToRound] has it.
func (r *int8Rows) borrow(v *variant, m, k int, q *int8Panels) {
	r.m, r.tiles, r.flat = m, ceilDiv(m, len(v.int8Gemm)-1), q.flat
	r.stride, r.at = roundUp(k, 32), int32(4*v.int8Width)
	masks, extras, laid := m*r.stride/32, 0, 0
	if v.int8Laid != nil {
		laid = 2 * m * r.stride
	}
	if v.int8Limit > 0 && (m >= len(v.int8Gemm) || v.int8Gemm[m] != nil) {
		extras = r.tiles * r.stride / 4
	}
	var buf []float32
	r.s, buf = borrow(m*(r.stride/4+4) + masks + laid/4 + extras*int(unsafe.Sizeof(int8Extra{})/4) + r.tiles)
	r.data = carve[int8](&buf, m*r.stride)
	r.laid = carve[int8](&buf, laid)
	r.scale, r.zero, r.sum, r.start = carve[float32](&buf, m), carve[int32](&buf, m), carve[int32](&buf, m), carve[int32](&buf, m)
	r.masks, r.extras, r.counts = carve[uint32](&buf, masks), carve[int8Extra](&buf, extras), carve[int32](&buf, r.tiles)
}

func (r *int8Rows) release() {
	r.s.release()
	*r = int8Rows{}
}

// tile is rows [i, below) of a tile.
func (r *int8Rows) tile(t int) (i, below int) { return r.m * t / r.tiles, r.m * (t + 1) / r.tiles }

// extrasOf are a tile's extras as a kernel takes them.
func (r *int8Rows) extrasOf(t int) (first *int32, n int) {
	if len(r.extras) == 0 || r.counts[t] < 0 {
		return nil, 0
	}
	return &r.extras[t*r.stride/4].at, int(r.counts[t])
}

// kernel is what computes a tile, and the rows it takes.
func (r *int8Rows) kernel(v *variant, t int) (k int8Kernel, a *int8, rs int) {
	first, below := r.tile(t)
	if r.counts[t] < 0 {
		return v.int8Laid[below-first], &r.laid[2*first*r.stride], 2 * r.stride
	}
	return v.int8Gemm[below-first], &r.data[first*r.stride], r.stride
}

// fill rounds the rows of a tile of x, each by its own range, or by fixed where
// that has a scale.
func (r *int8Rows) fill(v *variant, tile, k int, x []float32, ld int, fixed dataRange) {
	first, below := r.tile(tile)
	for i := first; i < below; i++ {
		row, q := x[i*ld:i*ld+k], fixed
		if q.scale == 0 {
			q = rangeOfRow(v, row)
		}
		r.scale[i], r.zero[i] = q.scale, q.zero
		dst := r.data[i*r.stride : (i+1)*r.stride]
		quantizeRow(v, dst, row, q)
		clear(dst[k:])
	}
	r.survey(v, tile)
}

// take is fill of bytes, each exclusive-ored with flip: integers of the range.
func (r *int8Rows) take(v *variant, tile, k int, x []uint8, flip uint8, q dataRange) {
	first, below := r.tile(tile)
	words := uint64(everyByte(flip)) * (1<<32 + 1)
	for i := first; i < below; i++ {
		r.scale[i], r.zero[i] = q.scale, q.zero
		dst, row := wordsAs[uint8](r.data[i*r.stride:(i+1)*r.stride]), x[i*k:(i+1)*k]
		l := 0
		if flip == 0 {
			l = copy(dst, row)
		}
		for ; l+8 <= k; l += 8 {
			binary.LittleEndian.PutUint64(dst[l:], binary.LittleEndian.Uint64(row[l:])^words)
		}
		for ; l < k; l++ {
			dst[l] = row[l] ^ flip
		}
		clear(dst[k:])
	}
	r.survey(v, tile)
}

// int8Often is how many quads a tile has for each extra, at least: with more
// extras it is faster laid out.
const int8Often = 8

// survey sums the rows of a tile. It splits what exceeds the kernels' limit, so
// that a value is its half and an extra, or lays out the tile where that is often
// or int8Gemm lacks its height.
func (r *int8Rows) survey(v *variant, tile int) {
	if r.stride == 0 {
		return
	}
	first, below := r.tile(tile)
	if v.int8Gemm[below-first] == nil {
		r.lay(v, tile)
		return
	}
	words := r.stride / 32
	for i := first; i < below; i++ {
		r.sum[i] = v.int8Survey(r.data[i*r.stride:(i+1)*r.stride], &r.masks[i*words])
		r.start[i] = -r.flat * r.sum[i]
	}
	r.counts[tile] = 0
	if v.int8Limit == 0 {
		return
	}
	over := 0 // quads
	for w := range words {
		over += bits.OnesCount32(r.over(first, below, w))
	}
	if over*int8Often > r.stride/4 {
		r.lay(v, tile)
		return
	}
	for w := range words {
		for any := r.over(first, below, w); any != 0; any &= any - 1 {
			r.split(tile, first, below, w, bits.TrailingZeros32(any)/4)
		}
	}
}

// over has a bit for every quad of word w that exceeds the limit in a row of
// [first, below).
func (r *int8Rows) over(first, below, w int) (any uint32) {
	for i := first; i < below; i++ {
		any |= r.masks[i*r.stride/32+w]
	}
	return (any | any>>2) & 0x11111111
}

// lay lays out the rows of a tile.
func (r *int8Rows) lay(v *variant, tile int) {
	r.counts[tile] = -1
	for i, below := r.tile(tile); i < below; i++ {
		r.sum[i], r.start[i] = v.int8Lay(&r.laid[2*i*r.stride], &r.data[i*r.stride], r.stride)
		r.start[i] -= r.flat * r.sum[i]
	}
}

// split halves the values of quad number 8*w+quad in the rows that need it.
func (r *int8Rows) split(tile, first, below, w, quad int) {
	e := &r.extras[tile*r.stride/4+int(r.counts[tile])]
	r.counts[tile]++
	*e = int8Extra{at: int32(8*w+quad) * r.at}
	for i := first; i < below; i++ {
		if r.masks[i*r.stride/32+w]>>(4*quad)&15 == 0 {
			continue
		}
		values := r.data[i*r.stride+4*(8*w+quad):][:4]
		for s, x := range values {
			values[s] = x >> 1
			e.a[i-first][s] = x - x>>1
		}
	}
}

// int8SurveyGeneric sums a, whose length is a multiple of 32, and writes a word
// for each 32 values, whose bits 2*i and 2*i+1 tell whether the positive or the
// negative of values 2*i and 2*i+1 exceed int8PairLimit.
func int8SurveyGeneric(a []int8, masks *uint32) (sum int32) {
	for at := 0; at < len(a); at += 32 {
		var mask uint32
		for i := 0; i < 32; i += 2 {
			x, y := int(a[at+i]), int(a[at+i+1])
			sum += int32(x + y)
			if max(x, 0)+max(y, 0) > int8PairLimit || min(x, 0)+min(y, 0) < -int8PairLimit {
				mask |= 3 << i
			}
		}
		unsafe.Slice(masks, len(a)/32)[at/32] = mask
	}
	return sum
}
