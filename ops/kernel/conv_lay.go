package kernel

// unroll lays out a matrix with a row for each tap of input channels, whose
// columns are the outputs of rows from y0 on, of one sample after the other.
func (t *convTask) unroll(y0, rows, cols int) {
	v, taps, pitch := t.w.v, t.taps, t.pitch()
	band := t.buf[t.depth*taps*pitch+slack:]
	for c := range t.c1 - t.c0 {
		for i := range t.held {
			t.band.fill(v, band, t.input(i, t.c0+c), y0, 0, rows, cols, t.c0+c+i > 0)
			for k, from := range t.band.taps {
				v.copyRows(&t.buf[(c*taps+k)*pitch+i*rows*cols], cols, &band[from], t.band.pitch, rows, max(cols, v.copyLeast))
			}
		}
	}
}

// convInputs are the inputs of rows of n output positions: those of row r are at
// b[r*pitch:] + off, its outputs from position from + r*step on. If exact, nothing may
// be read beyond n. With width the n positions are such rows, of width outputs each,
// joined.
type convInputs struct {
	b              []float32
	off            []int
	rows, pitch, n int
	from, step     int
	exact          bool
	width          int
}

// at is what positions from j on of row r read.
func (in *convInputs) at(r, j int) []float32 {
	if in.width > 0 {
		r, j = j/in.width, j%in.width
	}
	return in.b[r*in.pitch+j:]
}

// join makes all rows one where panels are laid out anyway, and rows aren't whole
// panels: what is left of each would take a kernel the time of a panel. It asks how
// many strips there are in all, as kernels of few columns add in another order.
func (t *convTask) join(in *convInputs) {
	v := t.w.v
	if v.convRows == nil || in.rows == 1 || in.step != in.n || in.n < joinLeast || in.n%v.convPanel() == 0 || t.w.tiles() < convStrips {
		return
	}
	in.width, in.n, in.rows = in.n, in.rows*in.n, 1
}

// lay lays out a panel of the n positions from j on of row r at dst.
func (t *convTask) lay(dst []float32, in *convInputs, r, j, n int) {
	v := t.w.v
	width := v.convPanel()
	off := in.off[:(t.c1-t.c0)*t.taps]
	b := in.at(r, j)
	if in.width > 0 {
		j %= in.width
	}
	if in.width > 0 && j+n > in.width {
		t.layRows(dst, b, off, j, n)
		return
	}
	if in.exact && n%v.lanes != 0 {
		for l, o := range off {
			copyPanelRow(dst[l*width:][:n], b[o:])
		}
		return
	}
	v.convLay[ceilDiv(n, v.lanes)](len(off), &dst[0], &b[0], &off[0])
}

// A convJoin is where the up to 4 rows of a panel of joined rows begin in it, and
// what they read.
type convJoin struct{ at, from [4]int }

// joinings are those of panels that begin at each position of a row.
func (s *ConvRun) joinings(width int) {
	s.joins = grow(s.joins, width)
	for j := range s.joins {
		for r := range 4 {
			s.joins[j].at[r], s.joins[j].from[r] = r*width, r*s.band.pitch
			if r > 0 {
				s.joins[j].at[r] -= j
				s.joins[j].from[r] -= j
			}
		}
	}
}

// layRows is lay of n positions of several joined rows, the first of which begins
// at position j, at b.
func (t *convTask) layRows(dst []float32, b []float32, off []int, j, n int) {
	at := &t.joins[j]
	rows := 2
	for rows < 4 && at.at[rows] < n {
		rows++
	}
	t.w.v.convRows(len(off), rows, &dst[0], &b[0], &off[0], &at.at[0], &at.from[0])
}
