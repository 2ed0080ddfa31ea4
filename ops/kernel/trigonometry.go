package kernel

import "math"

// Sin is the sine within 0.53 units.
func Sin(dst, src []float32) {
	if active.sin != nil {
		nearAndFar(dst, src, active.sin, math.Sin)
		return
	}
	wave(dst, src, 0, math.Sin)
}

// Cos is the cosine within 0.53 units.
func Cos(dst, src []float32) {
	if active.cos != nil {
		nearAndFar(dst, src, active.cos, math.Cos)
		return
	}
	wave(dst, src, 1, math.Cos)
}

// mostTurned is from what size on a number is too large to take off quarters of a
// circle as the functions below do.
const mostTurned = 1 << 20

// nearAndFar is near where that is right, and far elsewhere.
func nearAndFar(dst, src []float32, near func(dst, src []float32), far func(float64) float64) {
	v := active
	inPieces(dst, src, func(y, x, s, _ []float32) {
		if least, most := v.extremes(x); least > -mostTurned && most < mostTurned {
			near(y, x)
			return
		}
		copy(s, x) // y may be x
		near(y, s)
		for i, x := range s {
			if !(x > -mostTurned && x < mostTurned) {
				y[i] = float32(far(float64(x)))
			}
		}
	})
}

// wave is the sine of src and so many quarters of a circle, which is far's for large
// arguments: the nearest quarter is taken off, in two parts so that nothing is
// lost, and the rest goes into the Taylor series of sine or cosine, which err by
// less than 2e-9 of their value for up to an eighth of a circle.
func wave(dst, src []float32, quarters int64, far func(float64) float64) {
	const (
		high  = 1.57079632673412561417 // the first 33 bits of pi/2
		low   = 6.07710050650619224932e-11
		whole = 3 << 51 // what is added to a float64 to round it
	)
	for i, x := range src[:len(dst)] {
		v := float64(x)
		if !(v > -mostTurned && v < mostTurned) {
			dst[i] = float32(far(v))
			continue
		}
		k := float64(v*(2/math.Pi)+whole) - whole
		r := v - k*high - k*low
		q, r2 := int64(k)+quarters, r*r
		sin := math.Float64bits(r * (1 + r2*(-1./6+r2*(1./120+r2*(-1./5040+r2*(1./362880))))))
		cos := math.Float64bits(1 + r2*(-1./2+r2*(1./24+r2*(-1./720+r2*(1./40320+r2*(-1./3628800))))))
		// Chosen without a branch: it would be mispredicted half the time.
		odd := uint64(-(q & 1))
		y := sin&^odd | cos&odd ^ uint64(q&2)<<62
		dst[i] = float32(math.Float64frombits(y))
	}
}
