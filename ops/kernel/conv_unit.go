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
		down, rest := rest%s.down, rest/s.down
		slice, rest := rest%s.slices, rest/s.slices
		first := rest / s.a.Group * s.items
		t := convTask{ConvRun: s, buf: buf, item: first*s.a.Group + rest%s.a.Group, slice: slice, held: min(s.items, s.a.Batch-first), r0: tiles * part / s.parts, r1: tiles * (part + 1) / s.parts}
		if t.r0 < t.r1 && !t.unit(down, across) {
			return
		}
	}
}

// A convTask is a unit of a convolution: strips r0 to r1 of one sample's group at
// some positions.
type convTask struct {
	*ConvRun
	buf    []float32
	item   int // the first
	slice  int // of a volume
	held   int // samples
	r0, r1 int

	y    []float32 // sums, from the group's first output channel on
	ld   int       // from one channel to the next
	done bool      // the sums are where they belong

	c0, c1 int // input channels added at a time
}

// output is where y has what the task makes of an output channel.
func (t *convTask) output(c int) int {
	return (t.item*t.a.Cout+c)*t.slices*t.out + t.slice*t.out
}

// input is an input channel of the task's slice, of sample i; nil if it is padding.
func (t *convTask) input(i, c int) []float32 {
	a := t.a
	x := a.X[((t.item+i*a.Group)*a.Cin+c/t.planes)*a.InLen():][:a.InLen()]
	if !t.volume {
		return x
	}
	z := t.slice*a.Stride[0] + c%t.planes*a.Dilation[0] - a.Pad[0]
	if z < 0 || z >= a.In[0] {
		return nil
	}
	plane := t.window.InLen()
	return x[z*plane:][:plane]
}

// unit computes a band, or a block of columns. It reports whether to go on.
func (t *convTask) unit(down, across int) bool {
	a := t.a
	t.y, t.ld, t.done = a.Y[t.output(0):], t.slices*t.out, true
	if t.items > 1 {
		t.y, t.ld, t.done = t.buf[t.area()-a.Cout*t.pitch():], t.pitch(), false
	}
	y0, x0 := down*t.rows, across*t.cols
	rows, cols := 1, min(t.cols, t.out-x0)
	if t.how == convBands || t.how == convUnrolled {
		rows, cols = min(t.rows, t.window.Out[0]-y0), min(t.cols, t.window.Out[1]-x0)
	}
	for t.c0 = 0; t.c0 < t.cin; t.c0 = t.c1 {
		if t.stopped() {
			return false
		}
		t.c1 = min(t.c0+t.depth, t.cin)
		in := convInputs{off: t.off, rows: 1, n: cols, from: x0}
		switch t.how {
		case convBands:
			for c := range t.c1 - t.c0 {
				t.band.fill(t.w.v, t.buf[c*t.band.channel:], t.input(0, t.c0+c), y0, x0, rows, cols, t.c0 > 0)
			}
			in = convInputs{b: t.buf, off: t.off, rows: rows, pitch: t.band.pitch, n: cols, from: y0*t.window.Out[1] + x0, step: t.window.Out[1]}
		case convUnrolled:
			t.unroll(y0, rows, cols)
			in.b, in.from, in.n = t.buf, y0*cols, t.held*rows*cols
		case convByColumns:
			columns(&a.Window, t.buf, a.X[(t.item*a.Cin+t.c0)*a.InLen():], 0, t.c1-t.c0, x0, x0+cols)
			in.b = t.buf
			if cols < t.cols {
				in.off = t.offLast
			}
		default:
			in.b, in.exact = a.X[(t.item*a.Cin+t.c0)*a.InLen()+x0:], true
		}
		t.multiply(&in)
	}
	if !t.done {
		t.scatter()
		return true
	}
	if t.end.Act == nil {
		return true
	}
	lo, hi := t.w.row(t.r0), t.w.row(t.r1)
	for c := lo; c < hi; c++ {
		y := a.Y[t.output(c):]
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

// scatter brings the sums of several samples to their places.
func (t *convTask) scatter() {
	a, v, n := t.a, t.w.v, t.out
	apart := a.Group * a.Cout * n
	for c := t.w.row(t.r0); c < t.w.row(t.r1); c++ {
		sums, at := t.y[c*t.ld:][:t.held*n], (t.item*a.Cout+c)*n
		if t.end.Add != nil {
			for i := range t.held {
				add := t.end.Add[at+i*apart:][:n]
				for j, v := range sums[i*n:][:n] {
					sums[i*n+j] = v + add[j]
				}
			}
		}
		v.scaleClip(sums, sums, 0, 1, 0, t.end.Lo, t.end.Hi)
		if t.end.Act != nil {
			t.end.Act(sums, sums)
		}
		for i := range t.held {
			copy(a.Y[at+i*apart:][:n], sums[i*n:])
		}
	}
}

const (
	// convNear is how many values stay in a near cache, convFar in the second-level
	// one beside others.
	convNear, convFar = 1 << 14, 3 << 14
	// convStrips is for how many strips it pays to lay out panels of inputs.
	convStrips = 3
	// joinLeast is from how many positions in a row on a panel has at most 4 rows.
	joinLeast = 4
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
	laid := v.convUniform || in.width > 0 || r1-r0 >= convStrips
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
				switch {
				case !laid:
					t.panel(b[j:], in.off, 0, at+j, width, nil)
				case v.convAndLay != nil && (in.width == 0 || j%in.width+width <= in.width):
					t.panel(in.at(r, j), in.off, 0, at+j, width, panels)
				default:
					t.lay(panels, in, r, j, width)
					t.panel(panels, t.offPacked, 0, at+j, width, nil)
				}
			}
			if tail > 0 && (laid || in.exact) {
				t.lay(panels, in, r, whole, tail)
				t.panel(panels, t.offPacked, 0, at+whole, tail, nil)
			} else if whole < in.n {
				t.panel(b[whole:], in.off, 0, at+whole, in.n-whole, nil)
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
				t.panel(panels[slot:], t.offPacked, k*width, at, whole, nil)
				slot += k * whole
			} else if whole > 0 {
				t.panel(b, in.off, width, at, whole, nil)
			}
			if tail > 0 && (laid || in.exact) {
				t.panel(panels[slot:], t.offPacked, 0, at+whole, tail, nil)
				slot += k * width
			} else if whole < in.n {
				t.panel(b[whole:], in.off, 0, at+whole, in.n-whole, nil)
			}
		}
	}
	t.r0, t.r1 = r0, r1
}

// panel computes n output positions of all strips, from position at on: at most a panel,
// or whole ones apart from each other; or one that the first strip lays out at lay.
func (t *convTask) panel(b []float32, off []int, apart, at, n int, lay []float32) {
	a, w := t.a, t.w
	v, taps := w.v, t.taps
	width := v.convPanel()
	panels := max(1, n/width)
	vectors := min(ceilDiv(n, v.lanes), width/v.lanes)
	kernels, last := v.conv[vectors], n-(panels*vectors-1)*v.lanes
	first := t.item % a.Group * a.Cout
	depth := (t.c1 - t.c0) * taps
	lo, hi := t.end.Lo, t.end.Hi
	if t.c1 < t.cin || !t.done {
		lo, hi = noLimits()
	}
	var addend []float32
	switch {
	case t.c0 > 0:
		addend = t.y
	case t.end.Add != nil && t.done:
		addend = t.end.Add[t.output(0):]
	}
	start := a.Bias
	if t.c0 > 0 {
		start = nil
	}
	row := w.row(t.r0)
	for r := t.r0; r < t.r1; r++ {
		next := w.row(r + 1)
		height := next - row
		y := row*t.ld + at
		from, bias := (*float32)(nil), &t.none[0]
		if addend != nil {
			from = &addend[y]
		}
		if start != nil {
			bias = &start[first+row]
		}
		weights := &w.w[((first+row)*t.cin+t.c0*height)*taps]
		switch {
		case lay != nil:
			v.convAndLay[height](depth, 1, weights, &b[0], 0, &off[0], &t.y[y], t.ld, last, from, t.ld, bias, lo, hi, &lay[0])
			b, off, lay = lay, t.offPacked, nil
		case n <= 2 && v.convPoint != nil:
			t.points(depth, height, weights, b, off, y, n, from, bias, lo, hi)
		default:
			kernels[height](depth, panels, weights, &b[0], apart, &off[0], &t.y[y], t.ld, last, from, t.ld, bias, lo, hi)
		}
		row = next
	}
}

// points is a tile of n positions, one at a time.
func (t *convTask) points(k, height int, a *float32, b []float32, off []int, y, n int, from, bias *float32, lo, hi float32) {
	sums := t.buf[len(t.buf)-8:]
	for j := range n {
		t.w.v.convPoint(k, height, a, &b[j], &off[0], &sums[0])
		for i, sum := range sums[:height] {
			sum += *floatAt(bias, i)
			if from != nil {
				sum += *floatAt(from, i*t.ld+j)
			}
			t.y[y+i*t.ld+j] = min(max(sum, lo), hi)
		}
	}
}
