package kernel

// channels computes the output channels of some input channels of a depthwise
// convolution.
func (s *ConvRun) channels(lo, hi int, buf []float32) {
	a, v := s.a, s.w.v
	outs := s.window.Out
	whole := s.down == 1 && s.across == 1
	plain := whole && a.Cout == 1 && s.end.Add == nil && outs[1] <= v.lanes && outs[0] > 1
	for i := lo; i < hi; i++ {
		if (i-lo)%16 == 0 && s.stopped() {
			return
		}
		x := a.X[i*a.InLen():][:a.InLen()]
		if plain {
			s.band.fill(v, buf, x, 0, 0, outs[0], outs[1], i > lo)
			bias := float32(0)
			if a.Bias != nil {
				bias = a.Bias[i%a.Group]
			}
			v.depthwise(len(s.off), &s.off[0], &s.w.w[i%a.Group*len(s.off)], &buf[0], s.band.pitch, &a.Y[i*outs[0]*outs[1]], outs[1], outs[0], outs[1], bias, s.end.Lo, s.end.Hi)
		}
		for y0 := 0; !plain && y0 < outs[0]; y0 += s.rows {
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
