package kernel

import "math"

// NonZero is dst[i] = src[i] != 0; NaN is not zero.
func NonZero[T Number](dst []bool, src []T) {
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
