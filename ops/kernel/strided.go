package kernel

// maxStrided is the most dimensions a Strided holds: twice the rank of any
// tensor, since tiling splits each dimension in two.
const maxStrided = 32

// A Strided says which elements move where:
//
//	dst[DstOff + sum(i[d]*Dst[d])] = src[SrcOff + sum(i[d]*Src[d])]
//
// for every index vector i below Shape. Its zero value moves one element; Add
// gives it dimensions. It lives on the caller's stack.
type Strided struct {
	rank           int
	shape          [maxStrided]int
	dst, src       [maxStrided]int
	DstOff, SrcOff int
}

// Add adds a dimension inside the ones there are. Dimensions that continue one
// another are joined, so that what stays are the fewest and longest runs.
func (s *Strided) Add(extent, dst, src int) {
	if extent == 1 {
		return
	}
	if k := s.rank - 1; k >= 0 && extent > 0 && s.dst[k] == dst*extent && s.src[k] == src*extent {
		s.shape[k] *= extent
		s.dst[k], s.src[k] = dst, src
		return
	}
	s.shape[s.rank], s.dst[s.rank], s.src[s.rank] = extent, dst, src
	s.rank++
}

// Len is the number of elements that move.
func (s *Strided) Len() int {
	n := 1
	for _, d := range s.shape[:s.rank] {
		n *= d
	}
	return n
}

// Widest is the dimension best cut into parts: the first that has at least n
// indices, or else the one that has most. It returns -1 for a single element.
func (s *Strided) Widest(n int) (dim, extent int) {
	dim, extent = -1, 0
	for d, e := range s.shape[:s.rank] {
		if e >= n {
			return d, e
		}
		if e > extent {
			dim, extent = d, e
		}
	}
	return dim, extent
}

// Part is what s moves at indices lo to hi of dimension dim.
func (s *Strided) Part(dim, lo, hi int) Strided {
	p := *s
	p.shape[dim] = hi - lo
	p.DstOff += lo * s.dst[dim]
	p.SrcOff += lo * s.src[dim]
	return p
}

// CopyStrided moves elements as s says. The elements written don't overlap
// those read.
func CopyStrided[T any](dst, src []T, s *Strided) {
	if s.Len() == 0 {
		return
	}
	if s.rank == 0 {
		dst[s.DstOff] = src[s.SrcOff]
		return
	}
	in := s.rank - 1 // the innermost dimension
	if s.dst[in] == 1 && s.src[in] > 1 {
		for across := in - 1; across >= 0; across-- {
			if s.src[across] == 1 && s.dst[across] > 0 && s.shape[across] > 3 && s.shape[in] > 3 {
				walk(s, across, func(d, o int) {
					transpose(dst[d:], s.dst[across], src[o:], s.src[in], s.shape[in], s.shape[across])
				})
				return
			}
		}
	}
	n, dstStep, srcStep := s.shape[in], s.dst[in], s.src[in]
	walk(s, in, func(d, o int) {
		switch {
		case dstStep == 1 && srcStep == 1:
			copy(dst[d:d+n], src[o:o+n])
		case dstStep == 1 && srcStep == 0:
			v, to := src[o], dst[d:d+n]
			for i := range to {
				to[i] = v
			}
		default:
			for range n {
				dst[d] = src[o]
				d += dstStep
				o += srcStep
			}
		}
	})
}

// walk calls f with the offsets of every index vector of the dimensions of s
// but the innermost and skip.
func walk(s *Strided, skip int, f func(dst, src int)) {
	var shape, dst, src, at [maxStrided]int
	rank := 0
	for d := range s.rank - 1 {
		if d != skip {
			shape[rank], dst[rank], src[rank] = s.shape[d], s.dst[d], s.src[d]
			rank++
		}
	}
	d, o := s.DstOff, s.SrcOff
	for {
		f(d, o)
		k := rank - 1
		for ; k >= 0; k-- {
			d += dst[k]
			o += src[k]
			at[k]++
			if at[k] < shape[k] {
				break
			}
			d -= at[k] * dst[k]
			o -= at[k] * src[k]
			at[k] = 0
		}
		if k < 0 {
			return
		}
	}
}
