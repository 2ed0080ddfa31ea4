package kernel

import "math"

// AddQuantized is
//
//	dst[i] = clamp(round(a[i]*ra + (b[i]*rb + c)))
//
// for inputs broadcast as bc says, where either sum is rounded once, to float32,
// and ties of the last rounding go to the even number.
func AddQuantized[T int8 | uint8](p *Pool, dst, a, b []T, ra, rb, c float32, bc *Broadcast) {
	if v := active; v.lanes >= byteLanes {
		quantizedRows(p, v, dst, a, b, 0, 0, bc, func(y, x, z []float32) {
			Fill(y, c)
			v.axpy(y, rb, z)
			v.axpy(y, ra, x)
		})
		return
	}
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
	if v := active; v.lanes >= byteLanes {
		quantizedRows(p, v, dst, a, b, za, zb, bc, func(y, x, z []float32) {
			v.mul(y, x, z)
			v.mulScalar(y, y, r)
			v.addScalar(y, y, c)
		})
		return
	}
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

// byteLanes is from how many lanes on vectors are faster than tables.
const byteLanes = 8

// quantizedRows is dst = clamp(round(y)) for what f makes of x = a - za and
// z = b - zb, in float32.
func quantizedRows[T int8 | uint8](p *Pool, v *variant, dst, a, b []T, za, zb T, bc *Broadcast, f func(y, x, z []float32)) {
	const most = 1 << 9
	flip := 128 - int8Up[T]() // makes bytes without a sign bytes with one
	reals := func(out []float32, from []T, step int, zero T) {
		z := int32(uint8(zero) ^ 128 ^ flip)
		if step == 0 {
			Fill(out, float32(int32(uint8(from[0])^128^flip)-z))
			return
		}
		dequantizeBytes(v, out, wordsAs[uint8](from), uint32(128^flip), z, 1)
	}
	quantizedParts(p, bc, func(at, n, i, j int) {
		s, buf := borrow(3 * most)
		defer s.release()
		for lo := 0; lo < n; lo += most {
			count := min(most, n-lo)
			x, z, y := buf[:count], buf[most:most+count], buf[2*most:2*most+count]
			reals(x, a[i+lo*bc.Step[0]:], bc.Step[0], za)
			reals(z, b[j+lo*bc.Step[1]:], bc.Step[1], zb)
			f(y, x, z)
			quantizeBytes(v, wordsAs[int8](dst[at+lo:at+lo+count]), y, 1, -float32(flip), everyByte(flip))
		}
	})
}

func eachQuantized[T int8 | uint8](p *Pool, dst, a, b []T, bc *Broadcast, f func(x, y T) T) {
	quantizedParts(p, bc, func(at, n, i, j int) {
		for x := range n {
			dst[at+x] = f(a[i+x*bc.Step[0]], b[j+x*bc.Step[1]])
		}
	})
}

// quantizedParts calls f for runs of n elements of the output, from number at on,
// with where they begin in the inputs.
func quantizedParts(p *Pool, bc *Broadcast, f func(at, n, i, j int)) {
	shared := *bc
	n, grain := bc.Units()
	p.For(n, grain, func(lo, hi int) {
		bc := &shared
		if bc.Rows == 1 {
			f(lo, hi-lo, lo*bc.Step[0], lo*bc.Step[1])
			return
		}
		c := bc.At(lo)
		for r := lo; r < hi; r++ {
			f(r*bc.N, bc.N, c.Off[0], c.Off[1])
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
