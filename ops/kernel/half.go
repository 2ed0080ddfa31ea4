package kernel

import (
	"math"
	"unsafe"
)

// F16ToF32 is dst[i] = src[i], where src holds IEEE 754 binary16 patterns.
func F16ToF32[T ~uint16](dst []float32, src []T) {
	src = src[:len(dst)]
	v := active
	whole := len(dst) / v.lanes * v.lanes
	if whole > 0 {
		v.halfToFloat(dst[:whole], (*uint16)(unsafe.Pointer(&src[0])))
	}
	if whole < len(dst) {
		halfToFloatGeneric(dst[whole:], (*uint16)(unsafe.Pointer(&src[whole])))
	}
}

func halfToFloatGeneric(dst []float32, src *uint16) {
	for i, h := range unsafe.Slice(src, len(dst)) {
		sign := uint32(h&0x8000) << 16
		e, m := uint32(h>>10&0x1f), uint32(h&0x3ff)
		switch {
		case e == 0x1f:
			dst[i] = math.Float32frombits(sign | 0x7f800000 | m<<13)
		case e != 0:
			dst[i] = math.Float32frombits(sign | (e+112)<<23 | m<<13)
		default:
			dst[i] = math.Float32frombits(math.Float32bits(float32(m)*(1.0/(1<<24))) | sign)
		}
	}
}

// F32ToF16 is dst[i] = src[i] rounded to binary16, ties to even; what is too
// large becomes infinity.
func F32ToF16[T ~uint16](dst []T, src []float32) {
	src = src[:len(dst)]
	v := active
	whole := len(src) / v.lanes * v.lanes
	if whole > 0 {
		v.floatToHalf((*uint16)(unsafe.Pointer(&dst[0])), src[:whole])
	}
	if whole < len(src) {
		floatToHalfGeneric((*uint16)(unsafe.Pointer(&dst[whole])), src[whole:])
	}
}

func floatToHalfGeneric(dst *uint16, src []float32) {
	out := unsafe.Slice(dst, len(src))
	for i, v := range src {
		u := math.Float32bits(v)
		sign := uint16(u >> 16 & 0x8000)
		u &= 0x7fffffff
		switch {
		case u > 0x7f800000: // NaN
			out[i] = sign | 0x7e00
		case u >= 0x477ff000: // rounds to 2^16 or more
			out[i] = sign | 0x7c00
		case u >= 0x38800000: // normal: rebias the exponent, round the 13 bits that go
			u -= 112 << 23
			out[i] = sign | uint16((u+0xfff+u>>13&1)>>13)
		default: // subnormal: units of 2^-24, rounded by adding and leaving 2^23
			f := math.Float32frombits(u)*(1<<24) + (1 << 23)
			out[i] = sign | uint16(math.Float32bits(f)&0x7ff)
		}
	}
}

// BF16ToF32 is dst[i] = src[i], where src holds bfloat16 patterns.
func BF16ToF32[T ~uint16](dst []float32, src []T) {
	src = src[:len(dst)]
	if v := active; v.bf16ToFloat != nil && len(dst) >= v.lanes {
		n := len(dst) &^ (v.lanes - 1)
		v.bf16ToFloat(dst[:n], (*uint16)(unsafe.Pointer(&src[0])))
		dst, src = dst[n:], src[n:]
	}
	for i, h := range src {
		dst[i] = math.Float32frombits(uint32(h) << 16)
	}
}

// F32ToBF16 is dst[i] = src[i] rounded to bfloat16, ties to even.
func F32ToBF16[T ~uint16](dst []T, src []float32) {
	src = src[:len(dst)]
	if v := active; v.floatToBF16 != nil && len(dst) >= v.lanes {
		n := len(dst) &^ (v.lanes - 1)
		v.floatToBF16((*uint16)(unsafe.Pointer(&dst[0])), src[:n])
		dst, src = dst[n:], src[n:]
	}
	for i, v := range src {
		u := math.Float32bits(v)
		if v != v {
			dst[i] = T(u>>16 | 0x40)
			continue
		}
		dst[i] = T((u + 0x7fff + u>>16&1) >> 16)
	}
}
