package kernel

import "math"

// A Sampler reads an image at fractional places.
type Sampler struct {
	Dims    []int // of the image's space, outermost first
	Nearest bool
	Cubic   bool
	Border  bool // outside lies the nearest edge
	Reflect bool // outside lies the mirror image; neither: outside is zero
	Corners bool // -1 and 1 mean the centres of the outermost elements
}

// taps is how many elements along one dimension a place depends on.
func (s *Sampler) taps() int {
	switch {
	case s.Nearest:
		return 1
	case s.Cubic:
		return 4
	}
	return 2
}

// Points is how many elements of the image one place depends on.
func (s *Sampler) Points() int {
	n := 1
	for range s.Dims {
		n *= s.taps()
	}
	return n
}

// place turns coordinate g in [-1, 1] into an index along an extent of n. NaN
// counts as -1.
func place[T float32 | float64](s *Sampler, g T, n int) T {
	if g != g {
		g = -1
	}
	x := unscaled(s, g, n)
	if s.Nearest {
		x = T(math.RoundToEven(float64(x)))
	}
	if s.Cubic || !s.Border && !s.Reflect { // its elements are brought inside one by one
		return x
	}
	lo, hi := s.limits(n)
	switch inside := float64(x) >= lo && float64(x) <= hi; {
	case inside:
	case s.Border:
		x = max(0, min(x, T(n-1)))
	default:
		x = T(reflect(float64(x), lo, hi))
	}
	return x
}

// unscaled is coordinate g as an index, which may be outside.
func unscaled[T float32 | float64](s *Sampler, g T, n int) T {
	if s.Corners {
		return (g + 1) / 2 * T(n-1)
	}
	return ((g+1)*T(n) - 1) / 2
}

// limits are the mirrors of an extent of n.
func (s *Sampler) limits(n int) (lo, hi float64) {
	if s.Corners {
		return 0, float64(n - 1)
	}
	return -0.5, float64(n) - 0.5
}

// reflect mirrors x at lo and hi until it lies between them.
func reflect(x, lo, hi float64) float64 {
	span := hi - lo
	if span <= 0 || math.IsInf(x, 0) {
		return lo
	}
	x = math.Mod(math.Abs(x-lo), 2*span)
	if x > span {
		x = 2*span - x
	}
	return lo + x
}

// index is element i of an extent of n, or -1 where that is zero.
func (s *Sampler) index(i float64, n int) int {
	if i >= 0 && i <= float64(n-1) {
		return int(i)
	}
	switch {
	case s.Border:
		return int(max(0, min(i, float64(n-1))))
	case s.Reflect:
		lo, hi := s.limits(n)
		return int(max(0, min(reflect(i, lo, hi), float64(n-1))))
	}
	return -1
}

// AffineGrid writes for each point of a grid of the given extents, whose
// coordinates run from -1 to 1 (corners) or half a step less, the product of
// theta (k, k+1) and its coordinates (innermost first) and 1. dst is (extents...,
// k).
func AffineGrid[T float32 | float64](dst, theta []T, extents []int, corners bool) {
	k := len(extents)
	var at [3]int
	var x [3]T
	for p := 0; p < len(dst); p += k {
		rest := p / k
		for d := k - 1; d >= 0; d-- {
			at[d] = rest % extents[d]
			rest /= extents[d]
		}
		for d, n := range extents {
			switch c := &x[k-1-d]; {
			case !corners:
				*c = (2*T(at[d])+1)/T(n) - 1
			case n > 1:
				*c = 2*T(at[d])/T(n-1) - 1
			default:
				*c = 0
			}
		}
		for r := range k {
			row := theta[r*(k+1) : (r+1)*(k+1)]
			sum := row[k]
			for j := range k {
				sum += row[j] * x[j]
			}
			dst[p+r] = sum
		}
	}
}
