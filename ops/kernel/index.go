package kernel

// Range is dst[i] = start + i*delta, both operations rounded.
func Range[T Number](dst []T, start, delta T) {
	for i := range dst {
		dst[i] = start + T(T(i)*delta)
	}
}

// An Index is a type that indices come in.
type Index interface{ int32 | int64 }

// CheckIndices returns the position of the first index outside
// [-extent, extent), or -1.
func CheckIndices[I Index](idx []I, extent int) int {
	n := int64(extent)
	for k, v := range idx {
		if uint64(int64(v)+n) >= uint64(2*n) {
			return k
		}
	}
	return -1
}

// Gather is
//
//	dst[o][j][:] = src[o][idx[j]][:]
//
// for dst (outer, len(idx), inner) and src (outer, extent, inner), rows lo to
// hi of the outer*len(idx) rows of dst. Negative indices count from the end;
// all lie in range.
func Gather[T any, I Index](dst, src []T, idx []I, extent, inner, lo, hi int) {
	n := len(idx)
	for o := lo / n; o*n < hi; o++ {
		first, last := max(lo-o*n, 0), min(hi-o*n, n)
		from := src[o*extent*inner : (o+1)*extent*inner]
		to := dst[(o*n+first)*inner : (o*n+last)*inner]
		if inner == 1 {
			for j, v := range idx[first:last] {
				k := int(v)
				if k < 0 {
					k += extent
				}
				to[j] = from[k]
			}
			continue
		}
		for j, v := range idx[first:last] {
			k := int(v)
			if k < 0 {
				k += extent
			}
			copy(to[j*inner:(j+1)*inner], from[k*inner:(k+1)*inner])
		}
	}
}

// An Elements is the walk that GatherElements and ScatterElements share: the
// indices have a shape of their own, and the index replaces one coordinate in
// a larger tensor with the given strides.
type Elements struct {
	Shape   []int // of the indices
	Strides []int // of the tensor that is indexed
	Axis    int
	Extent  int // of the tensor that is indexed, along Axis
}

// rows calls f for each innermost row of the indices: its first position among
// the indices and the offset that its other coordinates give.
func (e *Elements) rows(f func(at, base int)) {
	var count [maxStrided]int
	last := len(e.Shape) - 1
	base, at := 0, 0
	for {
		f(at, base)
		at += e.Shape[last]
		k := last - 1
		for ; k >= 0; k-- {
			step := e.Strides[k]
			if k == e.Axis {
				step = 0
			}
			base += step
			count[k]++
			if count[k] < e.Shape[k] {
				break
			}
			base -= count[k] * step
			count[k] = 0
		}
		if k < 0 {
			return
		}
	}
}

// across is the step in the indexed tensor from one index of a row to the next.
func (e *Elements) across() int {
	if last := len(e.Shape) - 1; last != e.Axis {
		return e.Strides[last]
	}
	return 0
}

// GatherElements is dst[p] = src[p with coordinate Axis replaced by idx[p]].
// There is at least one index, and the rank is at least 1.
func GatherElements[T any, I Index](dst, src []T, idx []I, e *Elements) {
	n, stride, across := e.Shape[len(e.Shape)-1], e.Strides[e.Axis], e.across()
	e.rows(func(at, base int) {
		if stride == 1 && across == 0 {
			gatherWithin(dst[at:at+n], src[base:base+e.Extent], idx[at:])
		} else {
			gatherAcross(dst[at:at+n], src[base:], idx[at:], e.Extent, stride, across)
		}
	})
}

// gatherWithin is a row of GatherElements from neighbouring elements.
func gatherWithin[T any, I Index](dst, src []T, idx []I) {
	idx = idx[:len(dst)]
	for j := range dst {
		k := int(idx[j])
		if k < 0 {
			k += len(src)
		}
		dst[j] = src[k]
	}
}

// gatherAcross is a row of GatherElements whose elements have places of their own.
func gatherAcross[T any, I Index](dst, src []T, idx []I, extent, stride, across int) {
	idx = idx[:len(dst)]
	base := 0
	for j := range dst {
		k := int(idx[j])
		if k < 0 {
			k += extent
		}
		dst[j] = src[base+k*stride]
		base += across
	}
}

// ScatterElements is
//
//	dst[p with coordinate Axis replaced by idx[p]] = updates[p]
//
// or, if reduce isn't nil, reduce(what is there, updates[p]), in the order of p.
func ScatterElements[T any, I Index](dst, updates []T, idx []I, e *Elements, reduce func(a, b T) T) {
	n, stride, across := e.Shape[len(e.Shape)-1], e.Strides[e.Axis], e.across()
	e.rows(func(at, base int) {
		from := updates[at : at+n]
		for j, v := range idx[at : at+n] {
			k := int(v)
			if k < 0 {
				k += e.Extent
			}
			to := &dst[base+k*stride]
			if reduce != nil {
				*to = reduce(*to, from[j])
			} else {
				*to = from[j]
			}
			base += across
		}
	})
}

// A Tuples is the walk that GatherND and ScatterND share. Each row of the
// indices (n, len(Dims)) chooses a slice of Inner elements; the n rows are
// divided evenly among Batches, which lie BatchStep elements apart.
type Tuples struct {
	Dims, Strides []int // of the indexed dimensions
	Inner         int
	Batches       int
	BatchStep     int
	PerBatch      int // rows of indices per batch
}

// Check returns the row and the dimension of the first index out of range, or
// -1.
func (t *Tuples) Check(idx []int64) (row, dim int) {
	k := len(t.Dims)
	for i, v := range idx {
		if n := int64(t.Dims[i%k]); v < -n || v >= n {
			return i / k, i % k
		}
	}
	return -1, 0
}

// offset is where the slice of a row of the indices begins.
func (t *Tuples) offset(idx []int64, row int) int {
	k := len(t.Dims)
	at := row / t.PerBatch * t.BatchStep
	for j, v := range idx[row*k : (row+1)*k] {
		if v < 0 {
			v += int64(t.Dims[j])
		}
		at += int(v) * t.Strides[j]
	}
	return at
}

// GatherND copies the slices that rows lo to hi of the indices choose. An
// element takes width values of T.
func GatherND[T any](dst, src []T, idx []int64, t *Tuples, width, lo, hi int) {
	n := t.Inner * width
	for row := lo; row < hi; row++ {
		at := t.offset(idx, row) * width
		copy(dst[row*n:(row+1)*n], src[at:at+n])
	}
}

// ScatterND writes the slices of updates where the indices say, or combines
// them with what is there if reduce isn't nil, in the order of the rows.
func ScatterND[T any](dst, updates []T, idx []int64, t *Tuples, width, rows int, reduce func(a, b T) T) {
	n := t.Inner * width
	for row := range rows {
		at := t.offset(idx, row) * width
		to, from := dst[at:at+n], updates[row*n:(row+1)*n]
		if reduce == nil {
			copy(to, from)
			continue
		}
		for j, v := range from {
			to[j] = reduce(to[j], v)
		}
	}
}
