package kernel

import "math"

// modF32 is binaryRow of OpMod and OpFmod.
func modF32(op BinaryOp, dst, a, b []float32, sa, sb int) {
	for i := range dst {
		y := b[i*sb]
		r := remainderF32(a[i*sa], y)
		if op == OpMod && r != 0 && (r < 0) != (y < 0) {
			r += y
		}
		dst[i] = r
	}
}

// remainderF32 is math.Mod of a and b. Up to 2^28 times b nothing is rounded but
// the quotient, which cannot reach the next whole number: it is at least 2^-24
// away. The product with the whole quotient has 52 bits.
func remainderF32(a, b float32) float32 {
	const most = 1 << 28
	x, y := float64(a), float64(b)
	q := x / y
	if !(q < most && q > -most && y-y == 0) { // y is not an infinity
		return float32(math.Mod(x, y))
	}
	return float32(math.Copysign(x-float64(int64(q))*y, x))
}
