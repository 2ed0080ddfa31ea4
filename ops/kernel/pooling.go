package kernel

import "math"

// MaxPool is, for each of planes planes,
//
//	y[o] = max_k(x[input of (o,k)]), NaN if any is NaN
//	index[o] = the first input with that value, counted over all planes
//
// and lowest for a window without input. index may be nil.
func MaxPool[T Number](p *Pool, w *Window, y []T, index []int64, x []T, lowest T, planes int) {
	in, out := w.InLen(), w.OutLen()
	if f, ok := any(y).([]float32); ok && index == nil && lowest == T(math.Inf(-1)) && w.pooled(p, maxima, f, any(x).([]float32), false, planes) {
		return
	}
	if f, ok := any(x).([]float32); ok && index == nil && out == 1 && in > 0 && in == w.Taps() && w.count(0, false) == in {
		w.means(p, func(i int) { y[i] = max(lowest, T(MaxOf(f[i*in:(i+1)*in]))) }, planes)
		return
	}
	p.For(planes, max(1, elementGrain/w.cost()), func(lo, hi int) {
		for i := lo; i < hi && !w.stopped(); i++ {
			plane := y[i*out : (i+1)*out]
			fillWith(plane, lowest)
			if index == nil {
				maxPlane(w, plane, x[i*in:])
			} else {
				maxPlaneIndex(w, plane, index[i*out:], x[i*in:], int64(i*in))
			}
		}
	})
}

func maxPlane[T Number](w *Window, y, x []T) {
	w.eachTap(func(at, n, from, step int) {
		dst, src := y[at:at+n], x[from:]
		if f, ok := any(dst).([]float32); ok && step == 1 {
			Max(f, f, any(src).([]float32)[:n])
			return
		}
		for i := range dst {
			dst[i] = max(dst[i], src[i*step])
		}
	})
}

func maxPlaneIndex[T Number](w *Window, y []T, index []int64, x []T, first int64) {
	fillWith(index[:len(y)], -1)
	w.eachTap(func(at, n, from, step int) {
		for i := range n {
			v := x[from+i*step]
			if v > y[at+i] || index[at+i] < 0 || v != v && y[at+i] == y[at+i] {
				y[at+i], index[at+i] = v, first+int64(from+i*step)
			}
		}
	})
}

// eachTap calls f for each run of outputs and each tap that reads inside the
// input: outputs at to at+n read x[from+i*step]. Taps come in rising order for
// each output. Taps that only ever read padding cost nothing.
func (w *Window) eachTap(f func(at, n, from, step int)) {
	_, _, width := w.inner()
	rows, _ := w.rows()
	step := w.step()
	left := haltEvery
	first, last := 0, 1
	if d := w.N - 1; d >= 0 {
		first, _ = w.inside((w.Out[d]-1)*w.Stride[d]-w.Pad[d], 0, w.In[d], d)
		_, last = w.inside(-w.Pad[d], 0, w.In[d], d)
	}
	for row := range rows {
		var lo, hi, start, k [maxWindow]int // of the taps of the outer dimensions that read inside
		empty := false
		rest := row
		for d := w.N - 2; d >= 0; d-- {
			start[d] = rest%w.Out[d]*w.Stride[d] - w.Pad[d]
			rest /= w.Out[d]
			lo[d], hi[d] = w.inside(start[d], 0, w.In[d], d)
			k[d] = lo[d]
			empty = empty || lo[d] >= hi[d]
		}
		for !empty {
			base := 0
			for d := range w.N - 1 {
				base = (base + start[d] + k[d]*w.Dilation[d]) * w.In[d+1]
			}
			for tap := first; tap < last; tap++ {
				l, h, at := w.span(tap)
				if l < h {
					f(row*width+l, h-l, base+at, step)
				}
				if w.halted(&left, h-l) {
					return
				}
			}
			d := w.N - 2
			for ; d >= 0; d-- {
				if k[d]++; k[d] < hi[d] {
					break
				}
				k[d] = lo[d]
			}
			empty = d < 0
		}
	}
}

// inside is the range of taps of dimension d that, from start on, read in
// [lo, hi).
func (w *Window) inside(start, lo, hi, d int) (first, end int) {
	first = max(divCeil(lo-start, w.Dilation[d]), 0)
	return first, max(min(divCeil(hi-start, w.Dilation[d]), w.Size[d]), first)
}

// divCeil is a/b rounded towards +Inf, for b > 0 and any a.
func divCeil(a, b int) int {
	q := a / b
	if a%b > 0 {
		q++
	}
	return q
}

// cost is about how many elements a plane reads.
func (w *Window) cost() int {
	n := w.OutLen()
	for d := range w.N {
		n *= min(w.Size[d], max(w.In[d], 1), 1<<8)
	}
	return n + 1
}

// Large reports whether so many planes take so long that Halt should be set.
func (w *Window) Large(planes int) bool {
	const much = 1 << 26
	cost := w.cost()
	return cost <= 0 || cost > much/max(planes, 1) || w.Taps() > 1<<8
}

// stopped asks Halt before a plane.
func (w *Window) stopped() bool { return w.Halt != nil && w.Halt() != nil }

// ColumnMajor rewrites indices into planes of the given extents from row-major
// to column-major order.
func ColumnMajor(index []int64, extents []int) {
	plane := int64(1)
	for _, d := range extents {
		plane *= int64(d)
	}
	for i, v := range index {
		first := v - v%plane
		rest, at, step := v%plane, int64(0), plane
		for d := len(extents) - 1; d >= 0; d-- {
			step /= int64(extents[d])
			at += rest % int64(extents[d]) * step
			rest /= int64(extents[d])
		}
		index[i] = first + at
	}
}

// AveragePool is, for each plane, the sum of a window divided by the number of
// its taps inside the input, or inside the padded input if withPad.
func AveragePool[T Float](p *Pool, w *Window, y, x []T, withPad bool, planes int) {
	in, out := w.InLen(), w.OutLen()
	if f, ok := any(y).([]float32); ok && out > 1 && w.pooled(p, averages, f, any(x).([]float32), withPad, planes) {
		return
	}
	counts := make([]T, out)
	allCounts(w, counts, withPad)
	if out == 1 && in > 0 && in == w.Taps() && counts[0] == T(in) {
		w.means(p, func(i int) { y[i] = sumOf(x[i*in:(i+1)*in]) / T(in) }, planes)
		return
	}
	p.For(planes, max(1, elementGrain/w.cost()), func(lo, hi int) {
		for i := lo; i < hi && !w.stopped(); i++ {
			plane, src := y[i*out:(i+1)*out], x[i*in:]
			clear(plane)
			w.eachTap(func(at, n, from, step int) { axpyStep(plane[at:at+n], 1, src[from:], step) })
			for o, n := range counts {
				plane[o] /= n
			}
		}
	})
}

// means calls mean for each plane, where one window covers it all.
func (w *Window) means(p *Pool, mean func(i int), planes int) {
	p.For(planes, max(1, elementGrain/w.InLen()), func(lo, hi int) {
		for i := lo; i < hi && !w.stopped(); i++ {
			mean(i)
		}
	})
}

func sumOf[T Float](x []T) (sum T) {
	if f, ok := any(x).([]float32); ok {
		return T(Sum(f))
	}
	for _, v := range x {
		sum += v
	}
	return sum
}

// allCounts sets the number of taps of each output.
func allCounts[T Float](w *Window, counts []T, withPad bool) {
	for o := range counts {
		counts[o] = T(w.count(o, withPad))
	}
}

// count is the number of taps of output o inside the input or, if withPad,
// inside the padded input.
func (w *Window) count(o int, withPad bool) int {
	n := 1
	for d := w.N - 1; d >= 0; d-- {
		start := o%w.Out[d]*w.Stride[d] - w.Pad[d]
		o /= w.Out[d]
		lo, hi := 0, w.In[d]
		if withPad {
			lo, hi = -w.Pad[d], w.In[d]+w.PadEnd[d]
		}
		first, end := w.inside(start, lo, hi, d)
		n *= end - first
	}
	return n
}

// LpPool is, for each plane,
//
//	y[o] = sum_k(|x[input of (o,k)]|**norm) ** (1/norm)
func LpPool[T Float](p *Pool, w *Window, y, x []T, norm float64, planes int) {
	in, out := w.InLen(), w.OutLen()
	p.For(planes, max(1, elementGrain/w.cost()), func(lo, hi int) {
		sums := make([]float64, out)
		for i := lo; i < hi && !w.stopped(); i++ {
			src := x[i*in:]
			clear(sums)
			w.eachTap(func(at, n, from, step int) {
				for j := range n {
					sums[at+j] += powAbs(float64(src[from+j*step]), norm)
				}
			})
			for o, s := range sums {
				y[i*out+o] = T(root(s, norm))
			}
		}
	})
}

func powAbs(v, norm float64) float64 {
	switch norm {
	case 1:
		return math.Abs(v)
	case 2:
		return v * v
	}
	return math.Pow(math.Abs(v), norm)
}

func root(v, norm float64) float64 {
	switch norm {
	case 1:
		return v
	case 2:
		return math.Sqrt(v)
	}
	return math.Pow(v, 1/norm)
}

// Unpool clears y (of the given shape) and puts x[i] at the position that has
// row-major index index[i] in an array of shape pooled. Positions beyond y's
// shape are left out.
func Unpool[T any](y []T, shape []int, x []T, index []int64, pooled []int) {
	clear(y)
	for i, v := range x {
		rest, at, step, inside := int(index[i]), 0, 1, true
		for d := len(pooled) - 1; d >= 0; d-- {
			pos := rest % pooled[d]
			rest /= pooled[d]
			inside = inside && pos < shape[d]
			at += pos * step
			step *= shape[d]
		}
		if inside {
			y[at] = v
		}
	}
}
