package kernel

// The output positions that are a stride apart make a phase, and read the same taps,
// those of a class: a phase is an ordinary convolution of stride 1 with the taps of its
// class in reverse. Nothing that taps hold is written and added up again.

const (
	// mostClasses bounds the strides of transposed convolutions by phases.
	mostClasses = 16
	// phaseChannels is how many output channels of a phase are computed at once at most:
	// for each lot of them the inputs are laid out again.
	phaseChannels = 32 * convHeight
	// phaseLeast is from how many output channels on phases pay.
	phaseLeast = 4
)

// transposedShape are the taps and strides of a transposed convolution, as an image's.
type transposedShape struct{ size, stride [2]int }

// phasesOf is the shape of taps if they can go by phases, of so many output channels:
// without dilation, and none of the phases without taps.
func phasesOf(cout int, size, stride, dilation []int) (s transposedShape, ok bool) {
	if len(size) == 0 || len(size) > 2 || cout < phaseLeast {
		return s, false
	}
	s = transposedShape{[2]int{1, 1}, [2]int{1, 1}}
	for d, n := range size {
		i := 2 - len(size) + d
		if dilation[d] != 1 || n < stride[d] {
			return s, false
		}
		s.size[i], s.stride[i] = n, stride[d]
	}
	return s, s.classes() <= mostClasses && s.size[0] <= 1<<8 && s.size[1] <= 1<<12
}

func (s *transposedShape) classes() int { return s.stride[0] * s.stride[1] }

// class is the taps of class q: taps[d] of them in dimension d, from first[d] on.
func (s *transposedShape) class(q int) (first, taps [2]int) {
	first = [2]int{q / s.stride[1], q % s.stride[1]}
	for d := range first {
		taps[d] = ceilDiv(s.size[d]-first[d], s.stride[d])
	}
	return first, taps
}

// tap is where tap t of class q lies in the kernel; a class has its taps in reverse.
func (s *transposedShape) tap(q, t int) (y, x int) {
	first, taps := s.class(q)
	return first[0] + (taps[0]-1-t/taps[1])*s.stride[0], first[1] + (taps[1]-1-t%taps[1])*s.stride[1]
}

// packClasses packs output channels [m, m+n) of a group, whose weights are w (cin,
// cout, taps), class by class.
func (c *PackedConvTranspose) packClasses(w []float32, m, n int) {
	for q := range c.shape.classes() {
		_, taps := c.shape.class(q)
		count := taps[0] * taps[1]
		rows := make([]float32, n*c.cin*count)
		for i := range n {
			for l := range c.cin {
				from, to := w[(l*c.cout+m+i)*c.taps:][:c.taps], rows[(i*c.cin+l)*count:][:count]
				for t := range to {
					y, x := c.shape.tap(q, t)
					to[t] = from[y*c.shape.size[1]+x]
				}
			}
		}
		c.blocks = append(c.blocks, PackConv(rows, 1, c.cin, n, count))
	}
}

// phase is the convolution that gives the phase of class q, and where the phase begins.
func (c *PackedConvTranspose) phase(image *Window, q int) (w Window, begin [2]int) {
	first, taps := c.shape.class(q)
	w.N = 2
	for d := range first {
		stride, pad := c.shape.stride[d], image.Pad[d]
		begin[d] = ((first[d]-pad)%stride + stride) % stride
		w.In[d], w.Size[d], w.Stride[d], w.Dilation[d] = image.Out[d], taps[d], 1, 1
		w.Out[d] = max(0, ceilDiv(image.In[d]-begin[d], stride))
		w.Pad[d] = taps[d] - 1 - (begin[d]+pad-first[d])/stride
	}
	return w, begin
}

// setPhase makes the convolution of class q of a block of sample b.
func (t *transposedStep) setPhase(a *ConvTransposeArgs[float32], w *PackedConvTranspose, b, block, q int, y []float32) (begin [2]int, ok bool) {
	packed := w.blocks[block*w.shape.classes()+q]
	t.args = ConvArgs[float32]{Batch: 1, Group: 1, Cin: w.cin, Cout: packed.cout, Stop: a.Stop}
	image, _ := a.image()
	t.args.Window, begin = w.phase(&image, q)
	n := packed.cout * t.args.OutLen()
	t.args.Y = y[:n]
	group, in := block/w.perGroup(), a.OutLen()
	t.args.X = a.X[(b*w.group+group)*w.cin*in:][:w.cin*in]
	if first := group*w.cout + block%w.perGroup()*w.block; a.Bias != nil {
		t.args.Bias = a.Bias[first:][:packed.cout]
	}
	return begin, n > 0
}

// phases computes a block of a sample.
func (s *ConvTransposeRun) phases(p *Pool, i int) {
	a, w := s.a, s.w
	classes, blocks := w.shape.classes(), w.group*w.perGroup()
	b, block := i/blocks, i%blocks
	first := block/w.perGroup()*w.cout + block%w.perGroup()*w.block
	y := a.Y[(b*w.group*w.cout+first)*a.InLen():]
	packed := w.blocks[block*classes:][:classes]
	t := <-s.steps
	scratch, buf := borrow(w.block * max(a.InLen(), w.taps))
	defer func() {
		t.args = ConvArgs[float32]{}
		scratch.release()
		s.steps <- t
	}()
	if a.OutLen() <= 1 {
		t.points(a, w, b, block, y, buf)
		return
	}
	var phases [mostClasses]phaseOutputs
	to := buf
	if classes == 1 {
		to = y
	}
	for q := range packed {
		begin, ok := t.setPhase(a, w, b, block, q, to)
		if ok && ConvPacked(p, &t.args, packed[q], ConvEnd{}, &t.run) != nil {
			return
		}
		phases[begin[0]*w.shape.stride[1]+begin[1]] = phaseOutputs{t.args.Y, t.args.Out[0], t.args.Out[1]}
		to = to[len(t.args.Y):]
	}
	if classes == 1 {
		return
	}
	image, _ := a.image()
	plane := a.InLen()
	p.For(packed[0].cout, max(1, elementGrain/plane), func(lo, hi int) {
		for m := lo; m < hi; m++ {
			w.shape.interleave(phases[:classes], m, y[m*plane:][:plane], image.In[1])
		}
	})
}

// points is a block where there is one input position, or none: each output reads one
// tap at most.
func (t *transposedStep) points(a *ConvTransposeArgs[float32], w *PackedConvTranspose, b, block int, y, buf []float32) {
	image, _ := a.image()
	plane := a.InLen()
	for q := range w.shape.classes() {
		t.setPhase(a, w, b, block, q, y)
		packed := w.blocks[block*w.shape.classes()+q]
		if q == 0 {
			for m := range packed.cout {
				bias := float32(0)
				if a.Bias != nil {
					bias = t.args.Bias[m]
				}
				Fill(y[m*plane:][:plane], bias)
			}
		}
		if a.OutLen() == 0 {
			continue
		}
		_, taps := w.shape.class(q)
		count := taps[0] * taps[1]
		for r := range packed.tiles() {
			row, height := packed.row(r), packed.row(r+1)-packed.row(r)
			n := count * height
			Gemm(nil, false, false, 1, n, w.cin, 1, t.args.X, w.cin, packed.w[row*w.cin*count:], n, 0, buf, n)
			for k := range count {
				oy, ox := w.shape.tap(q, k)
				oy, ox = oy-image.Pad[0], ox-image.Pad[1]
				if oy < 0 || oy >= image.In[0] || ox < 0 || ox >= image.In[1] {
					continue
				}
				for i, v := range buf[k*height : (k+1)*height] {
					y[(row+i)*plane+oy*image.In[1]+ox] += v
				}
			}
		}
	}
}

// phaseOutputs are what a phase gives: planes of rows by columns.
type phaseOutputs struct {
	y          []float32
	rows, cols int
}

// interleave brings the phases of output channel m together in a plane of rows of width
// values.
func (s *transposedShape) interleave(phases []phaseOutputs, m int, plane []float32, width int) {
	for r := 0; r*width < len(plane); r++ {
		line := plane[r*width:][:width]
		var rows [mostClasses][]float32
		for x := range s.stride[1] {
			p := &phases[r%s.stride[0]*s.stride[1]+x]
			rows[x] = p.y[(m*p.rows+r/s.stride[0])*p.cols:][:p.cols]
		}
		switch s.stride[1] {
		case 1:
			copy(line, rows[0])
		case 2:
			active.interleave(line, rows[0][:width/2], rows[1])
			if width%2 != 0 {
				line[width-1] = rows[0][width/2]
			}
		default:
			for x, row := range rows[:s.stride[1]] {
				for j, v := range row {
					line[j*s.stride[1]+x] = v
				}
			}
		}
	}
}
