package kernel

import "math"

func addGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func subGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

func mulGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func divGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] / b[i]
	}
}

func maxGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] = max(a[i], b[i])
	}
}

func minGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] = min(a[i], b[i])
	}
}

func addScalarGeneric(dst, a []float32, s float32) {
	for i := range dst {
		dst[i] = a[i] + s
	}
}

func mulScalarGeneric(dst, a []float32, s float32) {
	for i := range dst {
		dst[i] = a[i] * s
	}
}

func divScalarGeneric(dst, a []float32, s float32) {
	for i := range dst {
		dst[i] = a[i] / s
	}
}

func maxScalarGeneric(dst, a []float32, s float32) {
	for i := range dst {
		dst[i] = max(a[i], s)
	}
}

func minScalarGeneric(dst, a []float32, s float32) {
	for i := range dst {
		dst[i] = min(a[i], s)
	}
}

func aboveGeneric(dst, a []float32, s float32) {
	for i, v := range a[:len(dst)] {
		var above uint32 // no branch: it would be mispredicted half the time
		if v > s {
			above = 1
		}
		dst[i] = math.Float32frombits(math.Float32bits(v) & -above)
	}
}

func axpyGeneric(y []float32, alpha float32, x []float32) {
	for i := range y {
		y[i] += alpha * x[i]
	}
}

// dotGeneric keeps four partial sums: one would wait for every addition.
func dotGeneric(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i := range a {
		s0 += a[i] * b[i]
	}
	return (s0 + s1) + (s2 + s3)
}

func sumGeneric(x []float32) float32 {
	var s0, s1, s2, s3 float32
	for len(x) >= 4 {
		s0 += x[0]
		s1 += x[1]
		s2 += x[2]
		s3 += x[3]
		x = x[4:]
	}
	for _, v := range x {
		s0 += v
	}
	return (s0 + s1) + (s2 + s3)
}

func maxOfGeneric(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		m = max(m, v)
	}
	return m
}

// minOfGeneric keeps four minima, as dotGeneric.
func minOfGeneric(x []float32) float32 {
	m0 := float32(math.Inf(1))
	m1, m2, m3 := m0, m0, m0
	for len(x) >= 4 {
		m0, m1, m2, m3 = min(m0, x[0]), min(m1, x[1]), min(m2, x[2]), min(m3, x[3])
		x = x[4:]
	}
	for _, v := range x {
		m0 = min(m0, v)
	}
	return min(m0, m1, m2, m3)
}

func scaleClipGeneric(dst, src []float32, m, s, t, lo, hi float32) {
	for i, v := range src {
		dst[i] = min(max((v-m)*s+t, lo), hi)
	}
}

func interleaveGeneric(dst, even, odd []float32) {
	odd, dst = odd[:len(even)], dst[:2*len(even)]
	for j, v := range even {
		dst[2*j], dst[2*j+1] = v, odd[j]
	}
}
