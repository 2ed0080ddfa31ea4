package kernel

// channels computes the output channels of some input channels of a depthwise
// convolution.
func (s *ConvRun) channels(lo, hi int, buf []float32) {
	a, v := s.a, s.w.v
	outs := s.window.Out
	whole := s.down == 1 && s.across == 1
	direct := s.kernels3x3()
	plain := whole && a.Cout == 1 && s.end.Add == nil && outs[1] <= v.lanes && outs[0] > 1
	laid := false // buf has the padding of a channel
	for i := lo; i < hi; i++ {
		if (i-lo)%16 == 0 && s.stopped() {
			return
		}
		x := a.X[i*a.InLen():][:a.InLen()]
		if direct != nil && i > 0 && i+1 < hi {
			s.channel3x3(direct, i)
			continue
		}
		if plain {
			s.band.fill(v, buf, x, 0, 0, outs[0], outs[1], laid)
			bias := float32(0)
			if a.Bias != nil {
				bias = a.Bias[i%a.Group]
			}
			v.depthwise(len(s.off), &s.off[0], &s.w.w[i%a.Group*len(s.off)], &buf[0], s.band.pitch, &a.Y[i*outs[0]*outs[1]], outs[1], outs[0], outs[1], bias, s.end.Lo, s.end.Hi)
		}
		for y0 := 0; !plain && y0 < outs[0]; y0 += s.rows {
			for x0 := 0; x0 < outs[1]; x0 += s.cols {
				rows, cols := min(s.rows, outs[0]-y0), min(s.cols, outs[1]-x0)
				s.band.fill(v, buf, x, y0, x0, rows, cols, laid && rows*cols == a.OutLen())
				for c := range a.Cout {
					s.depthwiseBlock(buf, i, c, y0, x0, rows, cols)
				}
			}
		}
		laid = true
		if s.end.Act != nil {
			y := a.Y[i*a.Cout*a.OutLen():][:a.Cout*a.OutLen()]
			s.end.Act(y, y)
		}
	}
}

const (
	// lanes3x3 is how many columns of outputs a depthwise3x3Kernel has.
	lanes3x3 = 8
	// near3x3 is how many values of an image stay in a near cache while its columns
	// are gone through.
	near3x3 = 1 << 13
)

// noRow is a row of an image outside of it: what depthwise3x3Kernels read.
var noRow [1 + 4*lanes3x3 + 1]float32

// least3x3 is from how many columns of outputs on there are depthwise3x3Kernels, by stride: a
// stripe ends in up to 3 columns or 1 that don't count.
var least3x3 = [3]int{1: 5, 2: 7}

// kernels3x3 are the kernels for images that they may read where they are: only the taps
// beside the middle one leave rows, in the first or last column of outputs. They read a
// few values before and after the image, and may write as many after its outputs, so that
// they are not for the first channel nor the last, of all or of those that a thread makes
// one after the other.
func (s *ConvRun) kernels3x3() []depthwise3x3Kernel {
	w := &s.window
	if w.Size[0] != 3 || w.Size[1] != 3 || w.Dilation[0] != 1 || w.Dilation[1] != 1 || w.Stride[0] != w.Stride[1] || s.end.Add != nil ||
		w.InLen() == 0 || w.Stride[0] > 2 || w.Out[1] < least3x3[w.Stride[0]] || w.Pad[1] > 1 || (w.Out[1]-1)*w.Stride[1]-w.Pad[1]+1 >= w.In[1] {
		return nil
	}
	return s.w.v.depthwise3x3[w.Stride[0]]
}

// channel3x3 computes the output channels of item i, as depthwiseBlock would, to the
// bit.
func (s *ConvRun) channel3x3(kernels []depthwise3x3Kernel, i int) {
	a, w := s.a, &s.window
	step, in, out := w.Stride[0], a.InLen(), a.OutLen()
	height := max(8, near3x3/(step*w.In[1]))
	for c := range a.Cout {
		m := i%a.Group*a.Cout + c
		bias := float32(0)
		if a.Bias != nil {
			bias = a.Bias[m]
		}
		y := a.Y[(i*a.Cout+c)*out:][:out]
		for y0 := 0; y0 < w.Out[0]; y0 += height {
			for x0 := 0; x0 < w.Out[1]; {
				stripes, apart := 1, 0
				if rest := w.Out[1] - x0; rest > lanes3x3 {
					stripes, apart = 2, min(lanes3x3, w.Out[1]-lanes3x3)
				}
				at := max(0, min(x0, w.Out[1]-apart-lanes3x3))
				x0 = at + apart + lanes3x3
				first, left, right := at*step-w.Pad[1], 0, 0
				if first < 0 {
					left = 1
				}
				if last := w.Out[1] - 1; x0 > last && last*step-w.Pad[1]+2 >= w.In[1] {
					right = x0 - last
				}
				kernels[stripes](&a.X[i*in+first-1], w.In[1], y0*step-w.Pad[0], w.In[0], &noRow[0], &s.w.w[m*9], left, right,
					&y[y0*w.Out[1]+at], w.Out[1], apart, min(height, w.Out[0]-y0), bias, s.end.Lo, s.end.Hi)
			}
		}
		if s.end.Act != nil {
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
