package kernel

import "math"

// A Taps is how one dimension of N elements becomes one of M: output j is
//
//	sum_t(Weight[j*Taps+t] * x[Index[j*Taps+t]])
//
// where each index is at most one above that before it. Prepare makes it ready.
type Taps[T Float] struct {
	N, M, Taps int
	Index      []int32
	Weight     []T

	// doubled: outputs 2*i and 2*i+1 are of elements i-1 and i, and of i and i+1, with
	// the same weights for all i.
	doubled bool
}

// Prepare is for once Index and Weight are set.
func (a *Taps[T]) Prepare() {
	a.doubled = a.Taps == 2 && a.M == 2*a.N && a.N > 0
	for j := 0; j < a.M && a.doubled; j++ {
		i, first := a.Index[2*j:][:2], (j+1)/2-1
		w, same := a.Weight[2*j:][:2], a.Weight[j%2*2:][:2]
		a.doubled = int(i[0]) == max(first, 0) && int(i[1]) == min(first+1, a.N-1) && w[0] == same[0] && w[1] == same[1]
	}
}

// A Resample interpolates along one or two dimensions of Src (Outer, V.N, H.N or
// Inner) into Dst (Outer, V.M, H.M or Inner): along V, along H, or both. V or H is
// nil: without V its extent is 1, without H that of Inner.
type Resample[T Float] struct {
	Outer, Inner int
	V, H         *Taps[T]
	Dst, Src     []T
	Halt         func() error // asked now and then; after an error Dst is incomplete
}

// Room is how many Ts a thread works with.
func (r *Resample[T]) Room() int {
	if r.H == nil {
		return 0
	}
	return sumBytes(mulBytes(r.slots(), r.H.M), mulBytes(2, r.H.N))
}

// slots is how many rows are kept that have been interpolated along H.
func (r *Resample[T]) slots() int {
	if r.V == nil || r.H == nil {
		return 0
	}
	return min(r.V.Taps, r.V.N)
}

// Rows is how many rows Dst has.
func (r *Resample[T]) Rows() int {
	if r.V == nil {
		return r.Outer
	}
	return r.Outer * r.V.M
}

// Width is how long they are.
func (r *Resample[T]) Width() int {
	if r.H == nil {
		return r.Inner
	}
	return r.H.M
}

// Run resamples.
func (r *Resample[T]) Run(p *Pool) {
	rows, width, taps := r.Rows(), r.Width(), 1
	if r.V != nil {
		taps = r.V.Taps
	}
	if r.H != nil {
		taps += r.H.Taps
	}
	grain := max(1, 1<<14/max(1, mulBytes(width, taps)))
	if r.V != nil && r.H != nil {
		grain = max(grain, 4*r.V.Taps) // the first rows of a chunk are made for it alone
	}
	if inlined(p, rows, grain) {
		r.rows(0, rows)
		return
	}
	p.For(rows, grain, r.rows)
}

// rows computes rows [lo, hi) of Dst.
func (r *Resample[T]) rows(lo, hi int) {
	v, h := r.V, r.H
	if h == nil {
		r.down(lo, hi)
		return
	}
	n := r.Room()
	buf, s := borrowOf[T](n)
	if s != nil {
		defer s.release()
	}
	slots := r.slots()
	kept, room := buf[:slots*h.M], buf[slots*h.M:]
	left := haltEvery
	if v == nil {
		for i := lo; i < hi; i++ {
			h.across(r.Dst[i*h.M:][:h.M], r.Src[i*h.N:][:h.N], room)
			if left -= h.M * h.Taps; left < 0 {
				if left = haltEvery; r.Halt() != nil {
					return
				}
			}
		}
		return
	}
	// Rows are interpolated along H once, when the first output asks for them, and kept
	// in the slots of their number until others follow: [from, to) of plane at.
	at, from, to := -1, 0, 0
	for i := lo; i < hi; i++ {
		plane, j := i/v.M, i%v.M
		index, weight := v.Index[j*v.Taps:][:v.Taps], v.Weight[j*v.Taps:][:v.Taps]
		first, last := int(index[0]), int(index[v.Taps-1])
		if plane != at || first < from || first > to {
			at, from, to = plane, first, first
		}
		for ; to <= last; to++ {
			h.across(kept[to%slots*h.M:][:h.M], r.Src[(plane*v.N+to)*h.N:][:h.N], room)
			left -= h.M * h.Taps
		}
		from = max(from, to-slots)
		dst := r.Dst[i*h.M:][:h.M]
		for t, k := range index {
			weigh(dst, weight[t], kept[int(k)%slots*h.M:][:h.M], t > 0)
		}
		if left -= h.M * v.Taps; left < 0 {
			if left = haltEvery; r.Halt() != nil {
				return
			}
		}
	}
}

// down computes rows [lo, hi) without H.
func (r *Resample[T]) down(lo, hi int) {
	v, n := r.V, r.Inner
	left := haltEvery
	for i := lo; i < hi; i++ {
		plane, j := i/v.M*v.N, i%v.M
		dst := r.Dst[i*n:][:n]
		for t := j * v.Taps; t < (j+1)*v.Taps; t++ {
			weigh(dst, v.Weight[t], r.Src[(plane+int(v.Index[t]))*n:][:n], t > j*v.Taps)
		}
		if left -= n * v.Taps; left < 0 {
			if left = haltEvery; r.Halt() != nil {
				return
			}
		}
	}
}

// weigh is y = w*x, or y += w*x if more.
func weigh[T Float](y []T, w T, x []T, more bool) {
	if f, ok := any(y).([]float32); ok && len(f) >= 8 {
		if g := any(x).([]float32); more {
			active.axpy(f, float32(w), g)
		} else {
			active.mulScalar(f, g, float32(w))
		}
		return
	}
	x = x[:len(y)]
	if !more {
		for i, v := range x {
			y[i] = w * v
		}
		return
	}
	for i, v := range x {
		y[i] += w * v
	}
}

// across is the row y (M) of x (N); room has twice the length of x.
func (a *Taps[T]) across(y, x, room []T) {
	if f, ok := any(y).([]float32); ok && a.doubled && a.N >= 8 {
		w := any(a.Weight).([]float32)
		double(f, any(x).([]float32), any(room).([]float32), [4]float32(w))
		return
	}
	switch a.Taps {
	case 2:
		w, at := a.Weight[:2*len(y)], a.Index[:2*len(y)]
		for j := range y {
			y[j] = w[2*j]*x[at[2*j]] + w[2*j+1]*x[at[2*j+1]]
		}
	case 4:
		for j := range y {
			w, at := a.Weight[4*j:][:4], a.Index[4*j:][:4]
			y[j] = w[0]*x[at[0]] + w[1]*x[at[1]] + w[2]*x[at[2]] + w[3]*x[at[3]]
		}
	default:
		for j := range y {
			w, at := a.Weight[j*a.Taps:][:a.Taps], a.Index[j*a.Taps:][:a.Taps]
			var sum T
			for t, k := range at {
				sum += w[t] * x[k]
			}
			y[j] = sum
		}
	}
}

// double is, with x continued by its ends,
//
//	y[2*i] = w[0]*x[i-1] + w[1]*x[i], y[2*i+1] = w[2]*x[i] + w[3]*x[i+1]
func double(y, x, room []float32, w [4]float32) {
	v, n := active, len(x)
	even, odd := room[:n], room[n:2*n]
	v.mulScalar(even, x, w[1])
	v.axpy(even[1:], w[0], x[:n-1])
	even[0] += w[0] * x[0]
	v.mulScalar(odd, x, w[2])
	v.axpy(odd[:n-1], w[3], x[1:])
	odd[n-1] += w[3] * x[n-1]
	v.interleave(y, even, odd)
}

// borrowOf is borrow for either precision; s is nil where there is nothing to give
// back.
func borrowOf[T Number](n int) (buf []T, s *scratch) {
	if _, ok := any(buf).([]float32); !ok {
		return make([]T, n), nil
	}
	s, f := borrow(n)
	return any(f).([]T), s
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
