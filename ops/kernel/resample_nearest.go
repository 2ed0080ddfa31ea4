package kernel

// A Pick is a dimension of N elements that becomes one of M: output j is element
// Index[j], or j where Index is nil.
type Pick struct {
	N, M  int
	Index []int32
}

// at is the element that output j is.
func (a *Pick) at(j int) int {
	if a.Index == nil {
		return j
	}
	return int(a.Index[j])
}

// doubled reports whether every element is taken twice.
func (a *Pick) doubled() bool {
	if a.Index == nil || a.M != 2*a.N {
		return false
	}
	for j, k := range a.Index {
		if int(k) != j/2 {
			return false
		}
	}
	return true
}

// A Nearest is a tensor of which elements are picked, of Axes (at least one) of
// Inner values each.
type Nearest struct {
	Axes  []Pick
	Inner int
}

// sizes is the rows, runs along the last axis, of the result, and their values.
func (s *Nearest) sizes() (rows, width int) {
	rows = 1
	last := len(s.Axes) - 1
	for _, a := range s.Axes[:last] {
		rows *= a.M
	}
	return rows, s.Axes[last].M * s.Inner
}

// plane is the row of the source that line 0 of plane i is made of, a plane being the
// rows along the last axis but one.
func (s *Nearest) plane(i int) (row int) {
	step := 1
	if d := len(s.Axes) - 2; d >= 0 {
		step = s.Axes[d].N
	}
	for d := len(s.Axes) - 3; d >= 0; d-- {
		a := &s.Axes[d]
		row += a.at(i%a.M) * step
		i /= a.M
		step *= a.N
	}
	return row
}

// PickNearest copies elements of src to dst. halt is asked now and then; after an
// error dst is incomplete.
func PickNearest[T any](p *Pool, halt func() error, s *Nearest, dst, src []T) {
	rows, width := s.sizes()
	grain := max(1, elementGrain/max(width, 1))
	if inlined(p, rows, grain) {
		pickRows(halt, s, dst, src, 0, rows)
		return
	}
	p.For(rows, grain, func(lo, hi int) { pickRows(halt, s, dst, src, lo, hi) })
}

func pickRows[T any](halt func() error, s *Nearest, dst, src []T, lo, hi int) {
	_, width := s.sizes()
	a, inner := &s.Axes[len(s.Axes)-1], s.Inner
	double := inner == 1 && a.doubled()
	lines := &Pick{N: 1, M: 1}
	if d := len(s.Axes) - 2; d >= 0 {
		lines = &s.Axes[d]
	}
	j, first := lo%lines.M, s.plane(lo/lines.M)
	before, left := -1, haltEvery
	from32, words := any(src).([]uint32)
	var room []float32
	if words = words && double && width <= twiceMost && lines.doubled(); words {
		var m *scratch
		m, room = borrow(width * min(lines.N, max(pieceLen/max(width, 1), 1)))
		defer m.release()
	}
	for i := lo; i < hi; i++ {
		row := first + lines.at(j)
		if n := min((lines.M-j)/2, (hi-i)/2, len(room)/max(width, 1)); words && j%2 == 0 && n > 0 {
			twiceBoth(wordsAs[float32](any(dst).([]uint32))[i*width:], wordsAs[float32](from32)[row*a.N:(row+n)*a.N], room, n, width)
			i += 2*n - 1
			if j += 2 * n; j == lines.M {
				j, first = 0, s.plane((i+1)/lines.M)
			}
			if left -= 2 * n * width; left < 0 {
				if left = haltEvery; halt() != nil {
					return
				}
			}
			continue
		}
		if j++; j == lines.M {
			j, first = 0, s.plane((i+1)/lines.M)
		}
		if left -= width; left < 0 {
			if left = haltEvery; halt() != nil {
				return
			}
		}
		to := dst[i*width : (i+1)*width]
		if row == before {
			copy(to, dst[(i-1)*width:])
			continue
		}
		before = row
		from := src[row*a.N*inner:][:a.N*inner]
		switch {
		case a.Index == nil:
			copy(to, from)
		case double:
			twice(to, from)
		case inner == 1:
			for j, k := range a.Index[:len(to)] {
				to[j] = from[k]
			}
		default:
			for j, k := range a.Index {
				copy(to[j*inner:][:inner], from[int(k)*inner:])
			}
		}
	}
}

// twice is dst[2*i] = dst[2*i+1] = src[i].
func twice[T any](dst, src []T) {
	if words, ok := any(src).([]uint32); ok {
		f := wordsAs[float32](words)
		active.interleave(wordsAs[float32](any(dst).([]uint32)), f, f)
		return
	}
	dst = dst[:2*len(src)]
	for i, v := range src {
		dst[2*i], dst[2*i+1] = v, v
	}
}

// twiceMost is how wide rows are at most whose calls cost more than another copy.
const twiceMost = 96

// twiceBoth is dst of 2*n rows, of width values, that are those of src taken twice, with
// every element twice.
func twiceBoth(dst, src, room []float32, n, width int) {
	v := active
	room = room[:n*width]
	v.interleave(room, src, src)
	dst = dst[:2*len(room)]
	v.copyRows(&dst[0], 2*width, &room[0], width, n, width)
	v.copyRows(&dst[width], 2*width, &room[0], width, n, width)
}
