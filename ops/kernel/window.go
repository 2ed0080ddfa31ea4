package kernel

// maxWindow is the most spatial dimensions a Window has.
const maxWindow = maxRank - 2

// A Window slides over N spatial dimensions, outermost first: tap k of output o
// reads input
//
//	o*Stride + k*Dilation - Pad
//
// in each, where that lies in [0, In).
type Window struct {
	N                                    int
	In, Out, Size, Stride, Dilation, Pad [maxWindow]int
	PadEnd                               [maxWindow]int // counts only for averages that include padding
	InTurn                               bool           // averages add up their taps in turn, and not slice by slice
	Halt                                 func() error   // asked by the pools now and then; after an error their outputs are incomplete; nil for never
}

// haltEvery is about how many elements are worked on between two questions
// whether to go on.
const haltEvery = 1 << 22

// halted asks Halt once so many elements have been worked on; left counts down.
func (w *Window) halted(left *int, elements int) bool {
	if *left -= elements + 8; *left > 0 || w.Halt == nil {
		return false
	}
	*left = haltEvery
	return w.Halt() != nil
}

func (w *Window) volume(of *[maxWindow]int) int {
	n := 1
	for _, d := range of[:w.N] {
		n *= d
	}
	return n
}

// InLen is the number of input positions.
func (w *Window) InLen() int { return w.volume(&w.In) }

// OutLen is the number of output positions.
func (w *Window) OutLen() int { return w.volume(&w.Out) }

// Taps is the number of taps.
func (w *Window) Taps() int { return w.volume(&w.Size) }

// rows is how many rows, runs of the innermost dimension, the output has, and
// outer the taps of the other dimensions.
func (w *Window) rows() (rows, outer int) {
	if w.N == 0 {
		return 1, 1
	}
	rows, outer = 1, 1
	for d := range w.N - 1 {
		rows *= w.Out[d]
		outer *= w.Size[d]
	}
	return rows, outer
}

// inner is the innermost dimension: its taps, and the widths of input and
// output rows.
func (w *Window) inner() (size, in, out int) {
	if w.N == 0 {
		return 1, 1, 1
	}
	d := w.N - 1
	return w.Size[d], w.In[d], w.Out[d]
}

// base is where tap outer (of all dimensions but the innermost) reads for an
// output row: the offset of the input row, or false where that is padding.
func (w *Window) base(row, outer int) (offset int, ok bool) {
	step := 1
	if w.N > 0 {
		step = w.In[w.N-1]
	}
	for d := w.N - 2; d >= 0; d-- {
		i := row%w.Out[d]*w.Stride[d] + outer%w.Size[d]*w.Dilation[d] - w.Pad[d]
		if i < 0 || i >= w.In[d] {
			return 0, false
		}
		offset += i * step
		step *= w.In[d]
		row /= w.Out[d]
		outer /= w.Size[d]
	}
	return offset, true
}

// span is the part [lo, hi) of an output row for which innermost tap k reads
// inside the input, and where in the input row it reads for lo.
func (w *Window) span(k int) (lo, hi, at int) {
	if w.N == 0 {
		return 0, 1, 0
	}
	d := w.N - 1
	s, shift := w.Stride[d], k*w.Dilation[d]-w.Pad[d]
	if shift < 0 {
		lo = (-shift + s - 1) / s
	}
	if last := w.In[d] - 1 - shift; last >= 0 {
		hi = min(last/s+1, w.Out[d])
	}
	if lo >= hi {
		return 0, 0, 0
	}
	return lo, hi, lo*s + shift
}

// step is the innermost stride.
func (w *Window) step() int {
	if w.N == 0 {
		return 1
	}
	return w.Stride[w.N-1]
}

// patches reports whether the taps of a row's outputs lie side by side, inside.
func (w *Window) patches() bool {
	d := w.N - 1
	return d >= 0 && w.Size[d] > 1 && w.Stride[d] == w.Size[d] && w.Dilation[d] == 1 && w.Pad[d] == 0 && w.Out[d]*w.Stride[d] <= w.In[d]
}

// columns writes, for output positions lo to hi, what the taps of each of the
// given channels read:
//
//	col[(c*Taps+k)*(hi-lo) + o-lo] = x[c*InLen + input of (o, k)]
//
// and pad where that lies outside.
func columns[T any](w *Window, col, x []T, pad T, channels, lo, hi int) {
	n, in, taps := hi-lo, w.InLen(), w.Taps()
	size, _, width := w.inner()
	_, outer := w.rows()
	step := w.step()
	patches := w.patches()
	for row := lo / width; row*width < hi; row++ {
		from, to := max(lo, row*width), min(hi, (row+1)*width)
		first, last := from-row*width, to-row*width // of this row
		for ot := range outer {
			base, ok := w.base(row, ot)
			if patches && ok {
				for c := range channels {
					transpose(col[(c*taps+ot*size)*n+from-lo:], n, x[c*in+base+first*step:], step, to-from, size)
				}
				continue
			}
			for k := range size {
				l, h, at := w.span(k)
				l2, h2 := max(l, first), min(h, last)
				at += (l2 - l) * step
				for c := range channels {
					dst := col[(c*taps+ot*size+k)*n+from-lo:][:to-from]
					if !ok || l2 >= h2 {
						fillWith(dst, pad)
						continue
					}
					fillWith(dst[:l2-first], pad)
					fillWith(dst[h2-first:], pad)
					dst = dst[l2-first : h2-first]
					src := x[c*in+base+at:]
					if step == 1 {
						copy(dst, src)
						continue
					}
					for i := range dst {
						dst[i] = src[i*step]
					}
				}
			}
		}
	}
}

func fillWith[T any](dst []T, v T) {
	for i := range dst {
		dst[i] = v
	}
}

// scatter adds to the input positions of one channel what its taps hold:
//
//	x[input of (o, k)] += col[k*OutLen + o]
func scatter[T Number](w *Window, x, col []T) {
	n := w.OutLen()
	size, _, width := w.inner()
	rows, outer := w.rows()
	step := w.step()
	for row := range rows {
		for ot := range outer {
			base, ok := w.base(row, ot)
			if !ok {
				continue
			}
			for k := range size {
				lo, hi, at := w.span(k)
				src := col[(ot*size+k)*n+row*width:][lo:hi]
				dst := x[base+at:]
				for i, v := range src {
					dst[i*step] += v
				}
			}
		}
	}
}
