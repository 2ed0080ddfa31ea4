package kernel

import (
	"math"
	"unsafe"
)

// blockLen is how many values at a time kernels write as bytes.
const blockLen = 32

// ConvertTo is dst[i] = T(src[i]).
func ConvertTo[T, S Number](dst []T, src []S) {
	src = src[:len(dst)]
	n := convertVectors(dst, src)
	dst, src = dst[n:], src[n:]
	for i, v := range src {
		dst[i] = T(v)
	}
}

// convertVectors is ConvertTo as far as vectors go: it returns how many elements
// it converted.
func convertVectors[T, S Number](dst []T, src []S) int {
	v, n := active, len(dst)
	blocks, whole := n&^(blockLen-1), n&^(active.lanes-1)
	if v.unequal == nil || whole == 0 {
		return 0
	}
	switch d := any(dst).(type) {
	case []float32:
		switch s := any(src).(type) {
		case []int32:
			v.int32ToFloat(d, s)
			return n
		case []int64:
			longsToFloat(v, d[:whole], s)
			return whole
		case []float64:
			v.doubleToFloat(d[:whole], &s[0])
			return whole
		case []uint8:
			dequantizeBytes(v, d, s, 0, 0, 1)
			return n
		case []int8:
			const flip = 1 << 7 // makes them count from 0 on
			dequantizeBytes(v, d, wordsAs[uint8](s), flip, flip, 1)
			return n
		}
	case []int32:
		return toInt32(v, d, src, whole)
	case []uint8:
		return toBytes(v, d, src, blocks)
	case []int8:
		return toBytes(v, wordsAs[uint8](d), src, blocks)
	case []int64:
		switch s := any(src).(type) {
		case []float32:
			floatToLongs(v, d[:whole], s)
			return whole
		case []int32:
			v.int32ToInt64(d[:whole], &s[0])
			return whole
		case []uint8:
			throughInt32(v, s, whole, func(at int, w []int32) { v.int32ToInt64(d[at:at+len(w)], &w[0]) })
			return whole
		}
	case []float64:
		switch s := any(src).(type) {
		case []float32:
			v.floatToDouble(d[:whole], &s[0])
			return whole
		case []int32:
			v.int32ToDouble(d[:whole], &s[0])
			return whole
		case []uint8:
			throughInt32(v, s, whole, func(at int, w []int32) { v.int32ToDouble(d[at:at+len(w)], &w[0]) })
			return whole
		}
	}
	return 0
}

// longsToFloat converts as many as a multiple of a vector's; those that need more than
// 32 bits one by one, with their neighbours.
func longsToFloat(v *variant, dst []float32, src []int64) {
	for len(dst) > 0 {
		k := min(len(dst), scalarLen)
		if v.int64ToFloat(dst[:k], &src[0]) != 0 {
			for i, s := range src[:k] {
				dst[i] = float32(s)
			}
		}
		dst, src = dst[k:], src[k:]
	}
}

// floatToLongs is longsToFloat of the other way.
func floatToLongs(v *variant, dst []int64, src []float32) {
	for len(dst) > 0 {
		k := min(len(dst), scalarLen)
		if v.floatToInt64(dst[:k], &src[0]) == math.MinInt32 {
			for i, s := range src[:k] {
				dst[i] = int64(s)
			}
		}
		dst, src = dst[k:], src[k:]
	}
}

// toInt32 converts the first n elements, a multiple of a vector's, or more. It returns
// how many, 0 where there is no vector form.
func toInt32[S Number](v *variant, dst []int32, src []S, n int) int {
	switch s := any(src).(type) {
	case []float32:
		v.floatToInt32(dst, s)
		return len(dst)
	case []float64:
		v.doubleToInt32(dst[:n], &s[0])
	case []int64:
		v.lowWords(dst[:n], &s[0])
	case []uint8:
		v.bytesToInt32(dst[:n], &s[0])
	default:
		return 0
	}
	return n
}

// toBytes converts the first n elements, a multiple of blockLen, to their low bytes. It
// returns how many, 0 where there is no vector form.
func toBytes[S Number](v *variant, dst []uint8, src []S, n int) int {
	if n == 0 {
		return 0
	}
	switch s := any(src).(type) {
	case []float32:
		v.floatToBytes(&dst[0], s[:n])
	case []int32:
		v.int32ToBytes(&dst[0], s[:n])
	case []int64, []float64:
		throughInt32(v, src, n, func(at int, w []int32) { v.int32ToBytes(&dst[at], w) })
	default:
		return 0
	}
	return n
}

// throughInt32 calls f for pieces of the first n elements of src as int32; n is a
// multiple of a vector's.
func throughInt32[S Number](v *variant, src []S, n int, f func(at int, w []int32)) {
	Staged(n, func(at int, buf []float32) {
		w := wordsAs[int32](buf)
		toInt32(v, w, src[at:], len(w))
		f(at, w)
	})
}

// Staged calls f for pieces of n elements, with a buffer as long as the piece.
func Staged(n int, f func(at int, buf []float32)) {
	k := min(n, pieceLen)
	m, buf := borrow(k)
	defer m.release()
	for at := 0; at < n; at += k {
		f(at, buf[:min(k, n-at)])
	}
}

// ConvertToF16 is dst[i] = src[i] rounded once to binary16, ties to even; what is too
// large becomes infinity.
func ConvertToF16[T ~uint16, S Number](dst []T, src []S) {
	if f, ok := any(src).([]float32); ok {
		F32ToF16(dst, f)
		return
	}
	Staged(len(dst), func(at int, buf []float32) {
		if d, ok := any(src).([]float64); ok {
			roundToOdd(buf, d[at:])
		} else {
			ConvertTo(buf, src[at:]) // exactly, or it is too large
		}
		F32ToF16(dst[at:at+len(buf)], buf)
	})
}

// roundToOdd is src[i] rounded to float32 so that another rounding, to fewer bits, is
// that of src[i] itself: of two neighbours of what is not exact, the odd one.
func roundToOdd(dst []float32, src []float64) {
	for i, v := range src[:len(dst)] {
		f := float32(v)
		if back := float64(f); back != v && v == v {
			u := math.Float32bits(f)
			if math.Abs(back) > math.Abs(v) {
				u--
			}
			f = math.Float32frombits(u | 1)
		}
		dst[i] = f
	}
}

// ConvertToBF16 is dst[i] = src[i] rounded to float32 and that to bfloat16.
func ConvertToBF16[T ~uint16, S Number](dst []T, src []S) {
	if f, ok := any(src).([]float32); ok {
		F32ToBF16(dst, f)
		return
	}
	Staged(len(dst), func(at int, buf []float32) {
		ConvertTo(buf, src[at:])
		F32ToBF16(dst[at:at+len(buf)], buf)
	})
}

// NonZero is dst[i] = src[i] != 0; NaN is not zero.
func NonZero[T Number](dst []bool, src []T) {
	src = src[:len(dst)]
	n := nonZeroVectors(dst, src)
	dst, src = dst[n:], src[n:]
	if d, ok := any(src).([]float64); ok { // the sign does not count
		for i, v := range d[:len(dst)] {
			dst[i] = math.Float64bits(v)<<1 != 0
		}
		return
	}
	for i, v := range src[:len(dst)] {
		dst[i] = v != 0
	}
}

// nonZeroVectors is NonZero as far as vectors go: it returns how far.
func nonZeroVectors[T Number](dst []bool, src []T) int {
	v, n := active, len(dst)&^(blockLen-1)
	if v.unequal == nil || n == 0 {
		return 0
	}
	out := wordsAs[uint8](dst)
	switch x := any(src).(type) {
	case []float32:
		withRepeated(n, 0, func(at int, zeros []float32) { v.unequal(&out[at], x[at:at+len(zeros)], zeros) })
	case []int32:
		nonZeroInt32(v, out, n, func(f []float32, at int) { v.int32ToFloat(f, x[at:at+len(f)]) })
	case []int64:
		nonZeroInt32(v, out, n, func(f []float32, at int) {
			w := wordsAs[int32](f)
			v.eitherWord(w, &x[at])
			v.int32ToFloat(f, w)
		})
	case []float64:
		nonZeroDouble(v, out, x, n)
	case []uint8:
		const all = ^uint64(0) / 0xff
		for at := 0; at+32 <= n; at += 32 {
			w := [4]uint64{}
			w[0], w[1], w[2], w[3] = words((*[32]byte)(x[at:]))
			for i, p := range w {
				w[i] = (p&(all*0x7f) + all*0x7f | p) >> 7 & all
			}
			putWords((*[32]byte)(out[at:]), w[0], w[1], w[2], w[3])
		}
	default:
		return 0
	}
	return n
}

// nonZeroInt32 is NonZero of n integers, which load turns into float32: none but 0
// into 0.
func nonZeroInt32(v *variant, out []uint8, n int, load func(f []float32, at int)) {
	m, buf := borrow(2 * scalarLen)
	defer m.release()
	zeros, f := buf[:scalarLen], buf[scalarLen:]
	clear(zeros)
	for at := 0; at < n; at += scalarLen {
		k := min(scalarLen, n-at)
		load(f[:k], at)
		v.unequal(&out[at], f[:k], zeros[:k])
	}
}

// nonZeroDouble is NonZero of n float64: of their bits without the sign.
func nonZeroDouble(v *variant, out []uint8, x []float64, n int) {
	m, buf := borrow(4 * scalarLen)
	defer m.release()
	sizes, mask := buf[:2*scalarLen], buf[2*scalarLen:]
	for i, u := 0, wordsAs[uint32](mask); i < len(u); i += 2 {
		u[i], u[i+1] = math.MaxUint32, math.MaxInt32 // the high word is the second
	}
	nonZeroInt32(v, out, n, func(f []float32, at int) {
		size, w := sizes[:2*len(f)], wordsAs[int32](f)
		v.bits[OpAnd](size, asWords(bytesOf(wordsAs[uint64](x[at:at+len(f)]))), mask[:len(size)])
		v.eitherWord(w, (*int64)(unsafe.Pointer(&size[0])))
		v.int32ToFloat(f, w)
	})
}

// LowBits is the low bits of src[i] as an integer, extended by its sign if
// signed.
func LowBits[D int8 | uint8, S Number](dst []D, src []S, bits int, signed bool) {
	for i, v := range src[:len(dst)] {
		u := uint8(int64(v)) << (8 - bits)
		if signed {
			dst[i] = D(int8(u) >> (8 - bits))
		} else {
			dst[i] = D(u >> (8 - bits))
		}
	}
}

// How PowerOfTwo rounds.
const (
	RoundUp = iota
	RoundDown
	RoundNearest
)

// PowerOfTwo is the exponent e, biased by 127, of the power of two that |v|
// rounds to: the pattern of a float8e8m0. It is 255, NaN, for NaN, infinities
// and what rounds above 2^127 without saturate.
func PowerOfTwo(v float32, mode int, saturate bool) uint8 {
	u := math.Float32bits(v) &^ (1 << 31)
	e, m := u>>23, u&(1<<23-1)
	if e == 255 {
		return 255
	}
	up := false
	switch mode {
	case RoundUp:
		up = m > 0
	case RoundNearest: // ties to even: the exponent's own last digit is a one
		up = m > 1<<22 || m == 1<<22 && e > 0
	}
	if up && !(saturate && e == 254) {
		e++
	}
	return uint8(e)
}
