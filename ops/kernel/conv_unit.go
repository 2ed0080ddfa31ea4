package kernel

// work computes units lo to hi.
func (s *ConvRun) work(lo, hi int) {
	m, buf := borrow(s.room())
	defer m.release()
	if s.how == convDepthwise {
		s.channels(lo, hi, buf)
		return
	}
	tiles := s.w.tiles()
	for i := lo; i < hi; i++ {
		part, rest := i%s.parts, i/s.parts
		across, rest := rest%s.across, rest/s.across
		t := convTask{ConvRun: s, buf: buf, item: rest / s.down, r0: tiles * part / s.parts, r1: tiles * (part + 1) / s.parts}
		if t.r0 < t.r1 && !t.unit(rest%s.down, across) {
			return
		}
	}
}

// A convTask is a unit of a convolution: strips r0 to r1 of one sample's group at
// some positions.
type convTask struct {
	*ConvRun
	buf    []float32
	item   int
	r0, r1 int

	c0, c1 int // input channels added at a time
	held   int // names the panel that buf holds, if any
}

// unit computes a band, or a block of columns. It reports whether to go on.
func (t *convTask) unit(down, across int) bool {
	a := t.a
	t.held = 0
	y0, x0 := down*t.rows, across*t.cols
	rows, cols := 1, min(t.cols, a.OutLen()-x0)
	if t.how == convBands || t.how == convUnrolled {
		rows, cols = min(t.rows, t.window.Out[0]-y0), min(t.cols, t.window.Out[1]-x0)
	}
	for t.c0 = 0; t.c0 < a.Cin; t.c0 = t.c1 {
		if t.stopped() {
			return false
		}
		t.c1 = min(t.c0+t.depth, a.Cin)
		x := a.X[(t.item*a.Cin+t.c0)*a.InLen():]
		switch t.how {
		case convBands:
			for c := range t.c1 - t.c0 {
				t.band.fill(t.w.v, t.buf[c*t.band.channel:], x[c*a.InLen():][:a.InLen()], y0, x0, rows, cols, t.c0 > 0)
			}
			t.strips(rows*cols, func() {
				for r := range rows {
					t.row(t.buf[r*t.band.pitch:], t.off, (y0+r)*t.window.Out[1]+x0, cols)
				}
			})
		case convUnrolled:
			t.unroll(x, y0, rows, cols)
			t.strips(rows*cols, func() { t.row(t.buf, t.off, y0*cols, rows*cols) })
		case convByColumns:
			columns(&a.Window, t.buf, x, 0, t.c1-t.c0, x0, x0+cols)
			off := t.off
			if cols < t.cols {
				off = t.offLast
			}
			t.strips(cols, func() { t.row(t.buf, off, x0, cols) })
		default:
			t.strips(cols, func() { t.inPlace(x[x0:], x0, cols) })
		}
	}
	if t.end.Act == nil {
		return true
	}
	lo, hi := t.w.row(t.r0), t.w.row(t.r1)
	for c := lo; c < hi; c++ {
		y := a.Y[(t.item*a.Cout+c)*a.OutLen():]
		if t.how == convInPlace || t.how == convByColumns {
			t.end.Act(y[x0:x0+cols], y[x0:x0+cols])
			continue
		}
		if cols == t.window.Out[1] {
			y = y[y0*cols:][:rows*cols]
			t.end.Act(y, y)
			continue
		}
		for r := range rows {
			row := y[(y0+r)*t.window.Out[1]+x0:][:cols]
			t.end.Act(row, row)
		}
	}
	return true
}

// unroll lays out a matrix with a row for each tap of the input channels x, whose
// columns are the outputs of rows from y0 on.
func (t *convTask) unroll(x []float32, y0, rows, cols int) {
	v, taps, pitch := t.w.v, t.a.Taps(), t.pitch()
	band := t.buf[t.depth*taps*pitch+slack:]
	for c := range t.c1 - t.c0 {
		t.band.fill(v, band, x[c*t.a.InLen():][:t.a.InLen()], y0, 0, rows, cols, t.c0+c > 0)
		for k, from := range t.band.taps {
			v.copyRows(&t.buf[(c*taps+k)*pitch], cols, &band[from], t.band.pitch, rows, max(cols, v.copyLeast))
		}
	}
}

// strips calls f, which computes so many positions, for all strips at once, where
// each panel of inputs passes by all weights; or for one after the other, where all
// inputs pass by each strip: if inputs stay in the nearest cache anyway, or weights
// would not even stay in the second.
func (t *convTask) strips(positions int, f func()) {
	const near, far = 1 << 14, 3 << 14
	r0, r1 := t.r0, t.r1
	k := (t.c1 - t.c0) * t.a.Taps()
	weights := k * (t.w.row(r1) - t.w.row(r0))
	if k*positions > near && (weights <= far || k*positions > 2*far) {
		f()
		return
	}
	for r := r0; r < r1; r++ {
		t.r0, t.r1 = r, r+1
		f()
	}
	t.r0, t.r1 = r0, r1
}

// row computes output positions from to from+n, whose inputs are at b + off: whole
// panels together if there is a single strip.
func (t *convTask) row(b []float32, off []int, from, n int) {
	width := t.w.v.convPanel()
	j := 0
	if t.r1-t.r0 == 1 && n >= width {
		j = n / width * width
		t.panel(b, off, from, j)
	}
	for ; j < n; j += width {
		t.panel(b[j:], off, from+j, min(n-j, width))
	}
}

// inPlace is row of inputs x as they are. What a kernel would read beyond them, and
// rows so far apart that they share a place in the cache, go through a buffer.
func (t *convTask) inPlace(x []float32, from, n int) {
	v := t.w.v
	width := v.convPanel()
	apart := t.a.OutLen()
	whole := n / v.lanes * v.lanes
	if v.convUniform || apart%256 == 0 && t.r1-t.r0 > 2 {
		whole = 0
	}
	t.row(x, t.off, from, whole)
	for j := whole; j < n; j += width {
		cols := min(n-j, width)
		if cols <= 2 && v.convPoint != nil {
			t.panel(x[j:], t.off, from+j, cols)
			continue
		}
		if at := 1 + t.c0*apart + from + j; t.held != at {
			t.held = at
			for l := range t.c1 - t.c0 {
				copyPanelRow(t.buf[l*width:][:cols], x[l*apart+j:])
			}
		}
		t.panel(t.buf, t.offPacked, from+j, cols)
	}
}

// panel computes n output positions of all strips: at most a panel, or whole ones.
func (t *convTask) panel(b []float32, off []int, at, n int) {
	a, w := t.a, t.w
	v, taps, out := w.v, a.Taps(), a.OutLen()
	width := v.convPanel()
	panels := max(1, n/width)
	vectors := min(ceilDiv(n, v.lanes), width/v.lanes)
	kernels, last := v.conv[vectors], n-(panels*vectors-1)*v.lanes
	first := t.item % a.Group * a.Cout
	depth := (t.c1 - t.c0) * taps
	lo, hi := t.end.Lo, t.end.Hi
	if t.c1 < a.Cin {
		lo, hi = noLimits()
	}
	addend := t.end.Add
	if t.c0 > 0 {
		addend = a.Y
	}
	start := a.Bias
	if t.c0 > 0 {
		start = nil
	}
	row := w.row(t.r0)
	for r := t.r0; r < t.r1; r++ {
		next := w.row(r + 1)
		height := next - row
		y := (t.item*a.Cout+row)*out + at
		from, bias := (*float32)(nil), &t.none[0]
		if addend != nil {
			from = &addend[y]
		}
		if start != nil {
			bias = &start[first+row]
		}
		weights := &w.w[((first+row)*a.Cin+t.c0*height)*taps]
		if n <= 2 && v.convPoint != nil {
			t.points(depth, height, weights, b, off, y, n, from, bias, lo, hi)
		} else {
			kernels[height](depth, panels, weights, &b[0], &off[0], &a.Y[y], out, last, from, out, bias, lo, hi)
		}
		row = next
	}
}

// points is a tile of n positions, one at a time.
func (t *convTask) points(k, height int, a *float32, b []float32, off []int, y, n int, from, bias *float32, lo, hi float32) {
	sums, out := t.buf[len(t.buf)-8:], t.a.OutLen()
	for j := range n {
		t.w.v.convPoint(k, height, a, &b[j], &off[0], &sums[0])
		for i, sum := range sums[:height] {
			sum += *floatAt(bias, i)
			if from != nil {
				sum += *floatAt(from, i*out+j)
			}
			t.a.Y[y+i*out+j] = min(max(sum, lo), hi)
		}
	}
}

// channels computes the output channels of some input channels of a depthwise
// convolution.
func (s *ConvRun) channels(lo, hi int, buf []float32) {
	a, v := s.a, s.w.v
	outs := s.window.Out
	for i := lo; i < hi; i++ {
		if s.stopped() {
			return
		}
		x := a.X[i*a.InLen():][:a.InLen()]
		for y0 := 0; y0 < outs[0]; y0 += s.rows {
			for x0 := 0; x0 < outs[1]; x0 += s.cols {
				rows, cols := min(s.rows, outs[0]-y0), min(s.cols, outs[1]-x0)
				s.band.fill(v, buf, x, y0, x0, rows, cols, i > lo && rows*cols == a.OutLen())
				for c := range a.Cout {
					s.depthwiseBlock(buf, i, c, y0, x0, rows, cols)
				}
			}
		}
		if s.end.Act != nil {
			y := a.Y[i*a.Cout*a.OutLen():][:a.Cout*a.OutLen()]
			s.end.Act(y, y)
		}
	}
}

// depthwiseBlock computes a block of output channel c of item i.
func (s *ConvRun) depthwiseBlock(b []float32, i, c, y0, x0, rows, cols int) {
	a, v := s.a, s.w.v
	m, lanes, width := i%a.Group*a.Cout+c, v.lanes, s.window.Out[1]
	bias := float32(0)
	if a.Bias != nil {
		bias = a.Bias[m]
	}
	at := (i*a.Cout+c)*a.OutLen() + y0*width + x0
	y := a.Y[at:]
	w := s.w.w[m*a.Taps():]
	lo, hi := s.end.Lo, s.end.Hi
	if s.end.Add != nil {
		lo, hi = noLimits()
	}
	kernel := func(j, ldb, ldc, rows, cols int) {
		v.depthwise(len(s.off), &s.off[0], &w[0], &b[j], ldb, &y[j], ldc, rows, cols, bias, lo, hi)
	}
	eachStripe(lanes, s.band.pitch, width, rows, cols, kernel)
	if s.end.Add == nil {
		return
	}
	for r := range rows {
		row := y[r*width:][:cols]
		v.add(row, row, s.end.Add[at+r*width:])
		ClipOf(row, row, s.end.Lo, s.end.Hi)
	}
}

// eachStripe calls f for stripes of up to lanes columns that together cover rows by
// cols outputs, whose inputs have rows ldb apart, as rows ldc apart.
func eachStripe(lanes, ldb, ldc, rows, cols int, f func(j, ldb, ldc, rows, cols int)) {
	switch {
	case cols < lanes:
		f(0, ldb, ldc, rows, cols)
	case rows == 1: // pieces of a row as if they were rows
		f(0, lanes, lanes, cols/lanes, lanes)
		if cols%lanes != 0 {
			f(cols-lanes, ldb, ldc, 1, lanes)
		}
	default:
		for j := 0; j < cols; j += lanes {
			f(min(j, cols-lanes), ldb, ldc, rows, lanes)
		}
	}
}
