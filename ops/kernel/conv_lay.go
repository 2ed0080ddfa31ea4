package kernel

// unroll lays out a matrix with a row for each tap of the input channels x, whose
// columns are the outputs of rows from y0 on, of one sample after the other.
func (t *convTask) unroll(x []float32, y0, rows, cols int) {
	a, v, taps, pitch := t.a, t.w.v, t.taps, t.pitch()
	band := t.buf[t.depth*taps*pitch+slack:]
	for c := range t.c1 - t.c0 {
		for i := range t.held {
			t.band.fill(v, band, x[(i*a.Group*a.Cin+c)*a.InLen():][:a.InLen()], y0, 0, rows, cols, t.c0+c+i > 0)
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

// join makes all rows one where panels are laid out anyway, and rows aren't whole
// panels: what is left of each would take a kernel the time of a panel.
func (t *convTask) join(in *convInputs) {
	v := t.w.v
	if v.convRows == nil || in.rows == 1 || in.step != in.n || in.n < convJoin || in.n%v.convPanel() == 0 || t.r1-t.r0 < convStrips {
		return
	}
	in.width, in.n, in.rows = in.n, in.rows*in.n, 1
}

const (
	// convNear is how many values stay in a near cache, convFar in the second-level
	// one beside others.
	convNear, convFar = 1 << 14, 3 << 14
	// convStrips is for how many strips it pays to lay out panels of inputs.
	convStrips = 3
	// convJoin is from how many positions in a row on a panel has at most 4 rows.
	convJoin = 4
)

// multiply adds what inputs contribute to all strips: together, where each panel of
// inputs passes by all weights; or one after the other, where all inputs pass by each
// strip, if inputs stay near anyway, or weights would not even stay in the second-level
// cache.
func (t *convTask) multiply(in *convInputs) {
	v := t.w.v
	t.join(in)
	width := v.convPanel()
	r0, r1 := t.r0, t.r1
	k := (t.c1 - t.c0) * t.taps
	inputs, weights := k*in.rows*roundUp(in.n, width), k*(t.w.row(r1)-t.w.row(r0))
	laid := v.convUniform || r1-r0 >= convStrips
	whole := in.n / width * width
	tail := in.n - whole
	if tail > 0 && tail <= 2 && v.convPoint != nil && in.width == 0 {
		tail = 0 // never laid out
	}
	panels := t.buf[t.area():]
	if inputs > convNear && (weights <= convFar || inputs > 2*convFar) {
		for r := range in.rows {
			b, at := in.b[r*in.pitch:], in.from+r*in.step
			for j := 0; j < whole; j += width {
				if laid {
					t.lay(panels, in, r, j, width)
					t.panel(panels, t.offPacked, 0, at+j, width)
				} else {
					t.panel(b[j:], in.off, 0, at+j, width)
				}
			}
			if tail > 0 && (laid || in.exact) {
				t.lay(panels, in, r, whole, tail)
				t.panel(panels, t.offPacked, 0, at+whole, tail)
			} else if whole < in.n {
				t.panel(b[whole:], in.off, 0, at+whole, in.n-whole)
			}
		}
		return
	}
	slot := 0
	for r := range in.rows {
		for j := 0; laid && j < whole; j += width {
			t.lay(panels[slot:], in, r, j, width)
			slot += k * width
		}
		if tail > 0 && (laid || in.exact) {
			t.lay(panels[slot:], in, r, whole, tail)
			slot += k * width
		}
	}
	for r := r0; r < r1; r++ {
		t.r0, t.r1 = r, r+1
		slot := 0
		for i := range in.rows {
			b, at := in.b[i*in.pitch:], in.from+i*in.step
			if whole > 0 && laid {
				t.panel(panels[slot:], t.offPacked, k*width, at, whole)
				slot += k * whole
			} else if whole > 0 {
				t.panel(b, in.off, width, at, whole)
			}
			if tail > 0 && (laid || in.exact) {
				t.panel(panels[slot:], t.offPacked, 0, at+whole, tail)
				slot += k * width
			} else if whole < in.n {
				t.panel(b[whole:], in.off, 0, at+whole, in.n-whole)
			}
		}
	}
	t.r0, t.r1 = r0, r1
}

// layRows is lay of n positions of several joined rows, the first of which begins
// at position j, at b.
func (t *convTask) layRows(dst []float32, in *convInputs, b []float32, off []int, j, n int) {
	var at, from [4]int
	rows := 0
	for to := 0; to < n; rows++ {
		at[rows], from[rows] = to, rows*in.pitch-min(rows, 1)*j
		to = (rows+1)*in.width - j
	}
	for ; rows == 1 || rows == 3; rows++ { // what is written twice does no harm
		at[rows], from[rows] = at[rows-1], from[rows-1]
	}
	t.w.v.convRows(len(off), rows, &dst[0], &b[0], &off[0], &at[0], &from[0])
}
