package kernel

// A convBand is the part of a padded image that a block of outputs reads, laid out
// so that neighbouring outputs of a row read neighbours, whatever the stride: row
// phases 0 to Stride[0]-1 and column phases 0 to Stride[1]-1 lie in planes of their
// own, of which those that no tap reads are left out.
type convBand struct {
	w          *Window
	pad        float32 // what is outside
	rows, cols int     // of outputs in a block, at most

	height, pitch int   // of a plane
	plane         int   // values from one plane to the next
	planes        []int // for each phase its plane, -1 for none
	count         int   // of planes
	channel       int   // values from one channel to the next
	taps          []int // where each tap reads for output 0, 0 of a block

	lo, hi, left, right int  // what of the first block, in the image's order, is inside
	parted              bool // columns are 2 apart, so that both phases of a row are laid out together
	turned              bool // they are more apart, and all planes of a row of phases follow each other
}

// room is how many values a band of so many channels takes.
func (b *convBand) room(channels int) int { return channels*b.channel + slack }

// image is the window as one of two dimensions; ok reports whether it can be.
func (w *Window) image() (v Window, ok bool) {
	switch w.N {
	case 2:
		return *w, true
	case 1:
		v = Window{N: 2, In: [maxWindow]int{1, w.In[0]}, Out: [maxWindow]int{1, w.Out[0]}, Size: [maxWindow]int{1, w.Size[0]},
			Stride: [maxWindow]int{1, w.Stride[0]}, Dilation: [maxWindow]int{1, w.Dilation[0]}, Pad: [maxWindow]int{0, w.Pad[0]}}
		return v, true
	}
	return v, false
}

// slice is the window over a slice of the outermost dimension.
func (w *Window) slice() Window {
	s := Window{N: w.N - 1}
	for d := range s.N {
		s.In[d], s.Out[d], s.Size[d], s.Stride[d] = w.In[d+1], w.Out[d+1], w.Size[d+1], w.Stride[d+1]
		s.Dilation[d], s.Pad[d], s.PadEnd[d] = w.Dilation[d+1], w.Pad[d+1], w.PadEnd[d+1]
	}
	return s
}

// bandStep is up to which steps bands are laid out.
const bandStep = 16

// near reports whether bands are for steps and distances of taps like these, of an image.
func (w *Window) near() bool {
	return w.Stride[0] <= bandStep && w.Stride[1] <= bandStep && !(w.Stride[1] > 2 && w.patches()) && (w.Size[0]-1)*w.Dilation[0] <= 1<<8 && (w.Size[1]-1)*w.Dilation[1] <= 1<<12
}

// shape sets the sizes for blocks of rows by cols outputs.
func (b *convBand) shape(w *Window, rows, cols int) {
	b.w, b.rows, b.cols = w, rows, cols
	b.height = rows + (w.Size[0]-1)*w.Dilation[0]/w.Stride[0]
	b.pitch = cols + (w.Size[1]-1)*w.Dilation[1]/w.Stride[1]
	b.planes, b.taps, b.count = b.planes[:0], b.taps[:0], 0
	for range w.Stride[0] * w.Stride[1] {
		b.planes = append(b.planes, -1)
	}
	b.parted, b.plane = w.Stride[1] == 2 && w.Stride[0] <= 2, b.height*b.pitch
	use := func(phase int) {
		if b.planes[phase] < 0 {
			b.planes[phase] = b.count
			b.count++
		}
	}
	for k := range w.Size[0] * w.Size[1] {
		y, x := k/w.Size[1]*w.Dilation[0], k%w.Size[1]*w.Dilation[1]
		phase := y%w.Stride[0]*w.Stride[1] + x%w.Stride[1]
		use(phase)
		if b.parted {
			use(phase ^ 1)
		}
		b.taps = append(b.taps, b.planes[phase]*b.plane+y/w.Stride[0]*b.pitch+x/w.Stride[1])
	}
	b.turned = w.Stride[1] > 2
	for phase, plane := range b.planes {
		if first := phase / w.Stride[1] * w.Stride[1]; b.planes[first] >= 0 || plane >= 0 {
			b.turned = b.turned && plane == b.planes[first]+phase-first
		}
	}
	b.lo, b.hi = inside(-w.Pad[0], w.Stride[0], w.In[0], b.height)
	b.left, b.right = inside(-w.Pad[1], w.Stride[1], w.In[1], b.pitch)
	// Channels an odd number of cache lines apart don't share their places in it.
	b.channel = (roundUp(b.count*b.plane, 16)/16 | 1) * 16
}

// fit is shape for blocks of whole rows of up to cols columns, as many as keep depth
// channels of them near. It returns how many.
func (b *convBand) fit(w *Window, depth, cols int) (rows int) {
	b.shape(w, 1, cols)
	row, halo := depth*b.count*b.pitch, b.height-1
	rows = min(max(convBandLen/row-halo, 1+halo/2), w.Out[0])
	rows = ceilDiv(w.Out[0], ceilDiv(w.Out[0], rows))
	b.shape(w, rows, cols)
	return rows
}

// fill lays out, at dst, what the block of rows by cols outputs from (y, x) on reads
// of a channel, which is all padding if src is nil. What is outside the image is there
// already if blank.
func (b *convBand) fill(v *variant, dst, src []float32, y, x, rows, cols int, blank bool) {
	w := b.w
	if src == nil {
		b.outside(dst[:b.count*b.plane])
		return
	}
	height, pitch := rows+b.height-b.rows, cols+b.pitch-b.cols
	top, first := y*w.Stride[0]-w.Pad[0], x*w.Stride[1]-w.Pad[1]
	if !blank {
		for phase, plane := range b.planes {
			if plane >= 0 {
				py, px := phase/w.Stride[1], phase%w.Stride[1]
				b.blank(dst[plane*b.plane:], b.pitch, top+py, first+px, w.Stride[0], w.Stride[1], height, pitch)
			}
		}
	}
	if b.parted {
		b.part(v, dst, src, top, first, height, pitch)
		return
	}
	if w.Stride[0] == 1 && w.Stride[1] == 1 {
		lo, hi, left, right := b.lo, b.hi, b.left, b.right
		if y+x > 0 {
			lo, hi = inside(top, 1, w.In[0], height)
			left, right = inside(first, 1, w.In[1], pitch)
		}
		if lo < hi && left < right {
			v.copyRows(&dst[lo*b.pitch+left], b.pitch, &src[(top+lo)*w.In[1]+first+left], w.In[1], hi-lo, right-left)
		}
		return
	}
	for r := range height * w.Stride[0] { // in the image's order
		if planes := b.planes[r%w.Stride[0]*w.Stride[1]:][:w.Stride[1]]; top+r >= 0 && top+r < w.In[0] {
			b.row(v, dst[r/w.Stride[0]*b.pitch:], planes, src[(top+r)*w.In[1]:][:w.In[1]], first, pitch)
		}
	}
}

// row lays out a row of the image, from a column on, in a row of n values of each plane.
func (b *convBand) row(v *variant, dst []float32, planes []int, row []float32, first, n int) {
	step := b.w.Stride[1]
	lo, hi := 0, 0 // where the row has all phases
	if b.turned && planes[0] >= 0 {
		lo = max(0, divCeil(-first, step))
		hi = max(lo, min(n, (len(row)-first)/step))
		if lo < hi {
			transposeF32(v, dst[planes[0]*b.plane+lo:], b.plane, row[first+lo*step:], step, hi-lo, step)
		}
	}
	for px, plane := range planes {
		if plane < 0 {
			continue
		}
		left, right := inside(first+px, step, len(row), n)
		to := dst[plane*b.plane:]
		for i := left; i < min(lo, right); i++ {
			to[i] = row[first+px+i*step]
		}
		for i := max(left, hi); i < right; i++ {
			to[i] = row[first+px+i*step]
		}
	}
}

// part is fill of what lies inside the image where columns are parted.
func (b *convBand) part(v *variant, dst, src []float32, top, first, height, pitch int) {
	w := b.w
	from := max(first, 0)
	n := min(w.In[1], first+2*pitch) - from
	phase, at, step := (from-first)%2, (from-first)/2, w.Stride[0]*w.In[1]
	for py := range w.Stride[0] {
		lo, hi := inside(top+py, w.Stride[0], w.In[0], height)
		if b.planes[2*py] < 0 || lo >= hi || n <= 0 {
			continue
		}
		image := src[(top+py+lo*w.Stride[0])*w.In[1]+from:]
		plane := dst[b.planes[2*py+phase]*b.plane+lo*b.pitch+at:]
		if n >= 2 {
			other := dst[b.planes[2*py+1-phase]*b.plane+lo*b.pitch+at+phase:]
			v.splitRows(&plane[0], &other[0], b.pitch, &image[0], step, hi-lo, n/2)
		}
		for r := 0; n%2 != 0 && r < hi-lo; r++ {
			plane[r*b.pitch+n/2] = image[r*step+n-1]
		}
	}
}

// blank fills with padding what of height rows of n values, ld apart, lies outside the
// image, whose rows from top and columns from first they are, so many apart.
func (b *convBand) blank(to []float32, ld, top, first, rowsApart, colsApart, height, n int) {
	w := b.w
	lo, hi := inside(top, rowsApart, w.In[0], height)
	left, right := inside(first, colsApart, w.In[1], n)
	to = to[:height*ld]
	if lo >= hi || left >= right {
		b.outside(to)
		return
	}
	b.outside(to[:lo*ld])
	b.outside(to[hi*ld:])
	for r := lo; r < hi && (left > 0 || right < n); r++ {
		row := to[r*ld:][:n]
		fillWith(row[:left], b.pad)
		fillWith(row[right:], b.pad)
	}
}

func (b *convBand) outside(s []float32) {
	if b.pad == 0 {
		clear(s)
		return
	}
	fillWith(s, b.pad)
}

// inside is which of n positions first, first+step, ... lie in [0, in).
func inside(first, step, in, n int) (lo, hi int) {
	lo = min(max(divCeil(-first, step), 0), n)
	hi = min(max(divCeil(in-first, step), lo), n)
	return lo, hi
}
