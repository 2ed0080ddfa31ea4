package kernel

import "math"

// QuantizeBytes is dst[i] = clamp(round(x[i]/scale[i%len(scale)]), -128, 127).
func QuantizeBytes(dst []int8, x, scale []float32) {
	for i, v := range x {
		dst[i] = int8(nearestWithin(v/scale[i%len(scale)], -128, 127))
	}
}

// DequantizeBytes is dst[i] = x[i] * scale[i%len(scale)].
func DequantizeBytes(dst []float32, x []int8, scale []float32) {
	for i, v := range x {
		dst[i] = float32(v) * scale[i%len(scale)]
	}
}

// QuantizeNibbles is [QuantizeBytes] to [-8, 7], plus 8, two to a byte: the first
// in the low half. len(x) is even.
func QuantizeNibbles(dst []uint8, x, scale []float32) {
	half := func(i int) uint8 { return uint8(nearestWithin(x[i]/scale[i%len(scale)], -8, 7) + 8) }
	for i := range dst {
		dst[i] = half(2*i) | half(2*i+1)<<4
	}
}

// DequantizeNibbles is the way back from [QuantizeNibbles].
func DequantizeNibbles(dst []float32, x []uint8, scale []float32) {
	for i, v := range x {
		dst[2*i] = float32(int(v&15)-8) * scale[2*i%len(scale)]
		dst[2*i+1] = float32(int(v>>4)-8) * scale[(2*i+1)%len(scale)]
	}
}

// nearestWithin is the whole number nearest to v within [lo, hi], lo for a NaN.
func nearestWithin(v float32, lo, hi float64) float64 {
	if r := math.RoundToEven(float64(v)); r > lo {
		return min(r, hi)
	}
	return lo
}
