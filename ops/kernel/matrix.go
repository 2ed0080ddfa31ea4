package kernel

import "math"

// Inverse is the inverse of each matrix of a (count, n, n), by Gauss-Jordan
// elimination with partial pivoting; a is overwritten by it, and scratch has n places.
// What a matrix without an inverse becomes isn't finite. The error is stop's, which is
// asked at every pivot; a is incomplete then.
func Inverse(a []float64, n int, scratch []int32, stop func() error) error {
	for ; len(a) > 0; a = a[n*n:] {
		if err := invert(a[:n*n], n, scratch[:n], stop); err != nil {
			return err
		}
	}
	return nil
}

func invert(a []float64, n int, swapped []int32, stop func() error) error {
	for k := range n {
		if err := stop(); err != nil {
			return err
		}
		pivot := k
		for i := k + 1; i < n; i++ {
			if math.Abs(a[i*n+k]) > math.Abs(a[pivot*n+k]) {
				pivot = i
			}
		}
		swapped[k] = int32(pivot)
		row := a[k*n : (k+1)*n]
		if pivot != k {
			other := a[pivot*n : (pivot+1)*n]
			for j := range row {
				row[j], other[j] = other[j], row[j]
			}
		}
		factor := 1 / row[k]
		row[k] = 1
		for j := range row {
			row[j] *= factor
		}
		for i := range n {
			if i == k {
				continue
			}
			f := a[i*n+k]
			a[i*n+k] = 0
			for j, v := range row {
				a[i*n+j] -= f * v
			}
		}
	}
	for k := n - 1; k >= 0; k-- {
		if c := int(swapped[k]); c != k {
			for i := range n {
				a[i*n+k], a[i*n+c] = a[i*n+c], a[i*n+k]
			}
		}
	}
	return nil
}

// SquaredDistances is, for a (m, width) and b (n, width),
//
//	y[i,j] = sum((a[i,k] - b[j,k])²)
//
// The error is stop's, which is asked from time to time; y is incomplete then.
func SquaredDistances[T float32 | float64](p *Pool, y, a, b []T, m, n, width int, stop func() error) error {
	every := max(1, 1<<20/(width+1)) // distances in a few ms
	p.For(m, max(1, 1<<14/(n*width+1)), func(lo, hi int) {
		left := every
		for i := lo; i < hi; i++ {
			row := a[i*width:][:width]
			for j := range n {
				if left--; left == 0 {
					if left = every; stop() != nil {
						return
					}
				}
				y[i*n+j] = squaredDistance(row, b[j*width:][:width])
			}
		}
	})
	return stop()
}

// squaredDistance adds in four sums side by side.
func squaredDistance[T float32 | float64](a, b []T) T {
	var s0, s1, s2, s3 T
	for ; len(a) >= 4 && len(b) >= 4; a, b = a[4:], b[4:] {
		d0, d1, d2, d3 := a[0]-b[0], a[1]-b[1], a[2]-b[2], a[3]-b[3]
		s0 += d0 * d0
		s1 += d1 * d1
		s2 += d2 * d2
		s3 += d3 * d3
	}
	for k, v := range a {
		d := v - b[k]
		s0 += d * d
	}
	return (s0 + s1) + (s2 + s3)
}
