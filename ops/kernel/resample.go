package kernel

import "math"

// Resample is, for dst (outer, m, inner) and src (outer, n, inner),
//
//	dst[o][j][i] = sum_t(weight[j*taps+t] * src[o][index[j*taps+t]][i])
//
// for o from lo to hi.
func Resample[T float32 | float64](dst, src []T, n, m, inner, taps int, index []int32, weight []T, lo, hi int) {
	for o := lo; o < hi; o++ {
		from, to := src[o*n*inner:(o+1)*n*inner], dst[o*m*inner:(o+1)*m*inner]
		if inner == 1 {
			for j := range to {
				var sum T
				for t := j * taps; t < (j+1)*taps; t++ {
					sum += weight[t] * from[index[t]]
				}
				to[j] = sum
			}
			continue
		}
		for j := range m {
			row := to[j*inner : (j+1)*inner]
			for t := j * taps; t < (j+1)*taps; t++ {
				w, line := weight[t], from[int(index[t])*inner:][:inner]
				if t == j*taps {
					for i, v := range line {
						row[i] = w * v
					}
					continue
				}
				for i, v := range line {
					row[i] += w * v
				}
			}
		}
	}
}

// RoundTo rounds to the nearest integer, ties to even, and clips to [lo, hi],
// the range of T; NaN becomes 0.
func RoundTo[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](dst []T, src []float64, lo, hi T) {
	for i, v := range src {
		switch v = math.RoundToEven(v); {
		case v != v:
			dst[i] = 0
		case v <= float64(lo):
			dst[i] = lo
		case v >= float64(hi):
			dst[i] = hi
		default:
			dst[i] = T(v)
		}
	}
}

// CubicWeight is Keys' cubic convolution kernel with parameter a at distance x.
// R. Keys, "Cubic convolution interpolation for digital image processing",
// 1981, equation 4.
func CubicWeight(x, a float64) float64 {
	switch x = math.Abs(x); {
	case x <= 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return ((a*x-5*a)*x+8*a)*x - 4*a
	}
	return 0
}

// Truncate cuts off fractions.
func Truncate(x []float64) {
	for i, v := range x {
		x[i] = math.Trunc(v)
	}
}
