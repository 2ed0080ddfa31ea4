package kernel

import "math"

// AddQuantized is
//
//	dst[i] = clamp(round(a[i]*ra + (b[i]*rb + c)))
//
// for inputs broadcast as bc says, where either sum is rounded once, to float32,
// and ties of the last rounding go to the even number.
func AddQuantized[T int8 | uint8](p *Pool, dst, a, b []T, ra, rb, c float32, bc *Broadcast) {
	var ta, tb [256]float64
	for i := range 256 {
		v := float64(T(i)) // exact, and so are the products
		ta[i], tb[i] = v*float64(ra), float64(float32(v*float64(rb)+float64(c)))
	}
	lo, hi := limitsOf[T]()
	eachQuantized(p, dst, a, b, bc, func(x, y T) T {
		return nearestIn[T](float32(ta[uint8(x)]+tb[uint8(y)]), lo, hi)
	})
}

// MulQuantized is
//
//	dst[i] = clamp(round((a[i]-za) * (b[i]-zb) * r + c))
//
// for inputs broadcast as bc says, in float32; ties go to the even number.
func MulQuantized[T int8 | uint8](p *Pool, dst, a, b []T, za, zb T, r, c float32, bc *Broadcast) {
	lo, hi := limitsOf[T]()
	eachQuantized(p, dst, a, b, bc, func(x, y T) T {
		product := (int32(x) - int32(za)) * (int32(y) - int32(zb))
		return nearestIn[T](float32(float32(product)*r)+c, lo, hi)
	})
}

// QuantizeSums is
//
//	dst[i] = clamp(round(x[i]/scale + zero))
//
// which, unlike [Quantize], rounds after adding the zero point.
func QuantizeSums[T int8 | uint8](dst []T, x []float32, scale float32, zero T) {
	lo, hi := limitsOf[T]()
	for i, v := range x {
		dst[i] = nearestIn[T](float32(v/scale)+float32(zero), lo, hi)
	}
}

func eachQuantized[T int8 | uint8](p *Pool, dst, a, b []T, bc *Broadcast, f func(x, y T) T) {
	shared := *bc
	n, grain := bc.Units()
	p.For(n, grain, func(lo, hi int) {
		bc := &shared
		sa, sb := bc.Step[0], bc.Step[1]
		if bc.Rows == 1 {
			for i := lo; i < hi; i++ {
				dst[i] = f(a[i*sa], b[i*sb])
			}
			return
		}
		c := bc.At(lo)
		for r := lo; r < hi; r++ {
			row := dst[r*bc.N : (r+1)*bc.N]
			for i := range row {
				row[i] = f(a[c.Off[0]+i*sa], b[c.Off[1]+i*sb])
			}
			bc.Next(&c)
		}
	})
}

// limitsOf are T's least and largest number.
func limitsOf[T int8 | uint8]() (lo, hi float32) {
	if T(0)-1 > 0 {
		return 0, 255
	}
	return -128, 127
}

// nearestIn is the whole number nearest to v within [lo, hi], lo for a NaN.
func nearestIn[T int8 | uint8](v, lo, hi float32) T {
	if !(v > lo) {
		return T(lo)
	}
	if v > hi {
		return T(hi)
	}
	return T(math.RoundToEven(float64(v)))
}
