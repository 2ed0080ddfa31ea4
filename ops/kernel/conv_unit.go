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
}

// unit computes a band, or a block of columns. It reports whether to go on.
func (t *convTask) unit(down, across int) bool {
	a := t.a
	y0, x0 := down*t.rows, across*t.cols
	rows, cols := 1, min(t.cols, a.OutLen()-x0)
	if t.how == convBands {
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
				t.band.fill(t.w.v, t.buf[c*t.band.channel:], x[c*a.InLen():][:a.InLen()], y0, x0, rows, cols)
			}
			for r := range rows {
				t.row(t.buf[r*t.band.pitch:], t.off, (y0+r)*t.window.Out[1]+x0, cols)
			}
		case convByColumns:
			columns(&a.Window, t.buf, x, 0, t.c1-t.c0, x0, x0+cols)
			off := t.off
			if cols < t.cols {
				off = t.offLast
			}
			t.row(t.buf, off, x0, cols)
		default:
			t.inPlace(x[x0:], x0, cols)
		}
	}
	if t.end.Act == nil {
		return true
	}
	lo, hi := t.w.row(t.r0), t.w.row(t.r1)
	for c := lo; c < hi; c++ {
		y := a.Y[(t.item*a.Cout+c)*a.OutLen():]
		if t.how != convBands {
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

// row computes output positions from to from+n, whose inputs are at b + off.
func (t *convTask) row(b []float32, off []int, from, n int) {
	v := t.w.v
	for j := 0; j < n; j += v.convPanel() {
		t.panel(b[j:], off, from+j, min(n-j, v.convPanel()))
	}
}

// inPlace is row of inputs x as they are. What a kernel would read beyond them, and
// rows so far apart that they share a place in the cache, go through a buffer.
func (t *convTask) inPlace(x []float32, from, n int) {
	v := t.w.v
	width := v.convPanel()
	apart := t.a.OutLen()
	copied := v.convUniform || apart%256 == 0 && t.r1-t.r0 > 2
	for j := 0; j < n; j += width {
		cols := min(n-j, width)
		if cols%v.lanes == 0 && !copied {
			t.panel(x[j:], t.off, from+j, cols)
			continue
		}
		for l := range t.c1 - t.c0 {
			copyPanelRow(t.buf[l*width:][:cols], x[l*apart+j:])
		}
		t.panel(t.buf, t.offPacked, from+j, cols)
	}
}

// panel computes n output positions of all strips, n at most a panel.
func (t *convTask) panel(b []float32, off []int, at, n int) {
	a, w := t.a, t.w
	v, taps, out := w.v, a.Taps(), a.OutLen()
	vectors := ceilDiv(n, v.lanes)
	kernels, last := v.conv[vectors], n-(vectors-1)*v.lanes
	group := t.item % a.Group
	first := group * a.Cout
	k := (t.c1 - t.c0) * taps
	lo, hi := t.end.Lo, t.end.Hi
	if t.c1 < a.Cin {
		lo, hi = noLimits()
	}
	row := w.row(t.r0)
	for r := t.r0; r < t.r1; r++ {
		next := w.row(r + 1)
		height := next - row
		y := (t.item*a.Cout+row)*out + at
		from, bias := (*float32)(nil), &t.none[0]
		switch {
		case t.c0 > 0:
			from = &a.Y[y]
		case t.end.Add != nil:
			from = &t.end.Add[y]
		}
		if t.c0 == 0 && a.Bias != nil {
			bias = &a.Bias[first+row]
		}
		kernels[height](k, &w.w[(first+row)*a.Cin*taps+t.c0*taps*height], &b[0], &off[0], &a.Y[y], out, last, from, out, bias, lo, hi)
		row = next
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
				s.band.fill(v, buf, x, y0, x0, rows, cols)
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
