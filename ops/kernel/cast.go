package kernel

import "math"

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
	blocks := n &^ (blockLen - 1)
	if v.unequal == nil || n == 0 {
		return 0
	}
	switch d := any(dst).(type) {
	case []float32:
		switch s := any(src).(type) {
		case []int32:
			v.int32ToFloat(d, s)
			return n
		case []uint8:
			dequantizeBytes(v, d, s, 0, 0, 1)
			return n
		case []int8:
			const flip = 1 << 7 // makes them count from 0 on
			dequantizeBytes(v, d, wordsAs[uint8](s), flip, flip, 1)
			return n
		}
	case []int32:
		if s, ok := any(src).([]float32); ok {
			v.floatToInt32(d, s)
			return n
		}
	case []uint8:
		if s, ok := any(src).([]float32); ok && blocks > 0 {
			v.floatToBytes(&d[0], s[:blocks])
			return blocks
		}
	case []int8:
		if s, ok := any(src).([]float32); ok && blocks > 0 {
			v.floatToBytes(&wordsAs[uint8](d)[0], s[:blocks])
			return blocks
		}
	}
	return 0
}

// NonZero is dst[i] = src[i] != 0; NaN is not zero.
func NonZero[T Number](dst []bool, src []T) {
	src = src[:len(dst)]
	if x, ok := any(src).([]float32); ok && active.unequal != nil {
		f, out, n := active.unequal, wordsAs[uint8](dst), len(dst)&^(blockLen-1)
		withRepeated(n, 0, func(at int, zeros []float32) { f(&out[at], x[at:at+len(zeros)], zeros) })
		dst, src = dst[n:], src[n:]
	}
	for i, v := range src[:len(dst)] {
		dst[i] = v != 0
	}
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
