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

	lo, hi, left, right int // what of the first block, in the image's order, is inside

	// Where columns are 2 apart, rows are parted into even and odd columns. The short
	// rows of a phase are padded first, as they lie: rowPlane values for each phase, in
	// all apart values of working memory.
	parted          bool
	rowPlane, apart int
}

// room is how many values a band of so many channels takes, working memory last.
func (b *convBand) room(channels int) int { return channels*b.channel + slack + b.apart }

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

// partedLeast is how many columns are parted where they lie.
const partedLeast = 16

// shape sets the sizes for blocks of rows by cols outputs.
func (b *convBand) shape(w *Window, rows, cols int) {
	b.w, b.rows, b.cols = w, rows, cols
	b.height = rows + (w.Size[0]-1)*w.Dilation[0]/w.Stride[0]
	b.pitch = cols + (w.Size[1]-1)*w.Dilation[1]/w.Stride[1]
	b.planes, b.taps, b.count = b.planes[:0], b.taps[:0], 0
	for range w.Stride[0] * w.Stride[1] {
		b.planes = append(b.planes, -1)
	}
	b.parted, b.plane, b.rowPlane, b.apart = w.Stride[1] == 2 && w.Stride[0] <= 2, b.height*b.pitch, 0, 0
	if b.parted && w.In[1] < partedLeast {
		b.plane = roundUp(b.plane, 8) // whole vectors
		b.rowPlane = 2 * b.plane
		b.apart = w.Stride[0]*b.rowPlane + slack
	}
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
// of a channel. What is outside the image is there already if blank: in work, the
// band's working memory, if it has any, and otherwise at dst.
func (b *convBand) fill(v *variant, dst, work, src []float32, y, x, rows, cols int, blank bool) {
	w := b.w
	height, pitch := rows+b.height-b.rows, cols+b.pitch-b.cols
	top, first := y*w.Stride[0]-w.Pad[0], x*w.Stride[1]-w.Pad[1]
	if b.apart > 0 {
		b.part(v, dst, work, src, top, first, height, pitch, blank)
		return
	}
	if !blank {
		for phase, plane := range b.planes {
			if plane >= 0 {
				py, px := phase/w.Stride[1], phase%w.Stride[1]
				b.blank(dst[plane*b.plane:], b.pitch, top+py, first+px, w.Stride[0], w.Stride[1], height, pitch)
			}
		}
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
	if b.parted {
		b.split(v, dst, src, top, first, height, pitch)
		return
	}
	for r := range height * w.Stride[0] { // in the image's order
		if top+r < 0 || top+r >= w.In[0] {
			continue
		}
		row := src[(top+r)*w.In[1]:][:w.In[1]]
		for px, plane := range b.planes[r%w.Stride[0]*w.Stride[1]:][:w.Stride[1]] {
			if plane < 0 {
				continue
			}
			left, right := inside(first+px, w.Stride[1], w.In[1], pitch)
			to := dst[plane*b.plane+r/w.Stride[0]*b.pitch:]
			for i := left; i < right; i++ {
				to[i] = row[first+px+i*w.Stride[1]]
			}
		}
	}
}

// part is fill of short rows whose columns are parted.
func (b *convBand) part(v *variant, dst, work, src []float32, top, first, height, pitch int, blank bool) {
	w := b.w
	for py := range w.Stride[0] {
		even := b.planes[2*py]
		if even < 0 {
			continue
		}
		odd, rows := b.planes[2*py+1], work[py*b.rowPlane:]
		if !blank {
			b.blank(rows, 2*b.pitch, top+py, first, w.Stride[0], 1, height, 2*pitch)
		}
		lo, hi := inside(top+py, w.Stride[0], w.In[0], height)
		left, right := inside(first, 1, w.In[1], 2*pitch)
		if lo < hi && left < right {
			from := (top+py+lo*w.Stride[0])*w.In[1] + first + left
			v.copyRows(&rows[2*lo*b.pitch+left], 2*b.pitch, &src[from], w.Stride[0]*w.In[1], hi-lo, right-left)
		}
		v.splitRows(&dst[even*b.plane], &dst[odd*b.plane], 0, &rows[0], 0, 1, ceilDiv(height*b.pitch, 8))
	}
}

// split parts the columns inside the image. The last of a row overlap those before.
func (b *convBand) split(v *variant, dst, src []float32, top, first, height, pitch int) {
	w := b.w
	left, right := inside(first, 1, w.In[1], 2*pitch)
	for py := range w.Stride[0] {
		planes := b.planes[2*py:][:2]
		lo, hi := inside(top+py, w.Stride[0], w.In[0], height)
		if planes[0] < 0 || lo >= hi || left >= right {
			continue
		}
		// column is where padded column x of the first row goes.
		column := func(x int) int { return planes[x%2]*b.plane + lo*b.pitch + x/2 }
		from, ld := (top+py+lo*w.Stride[0])*w.In[1]+first, w.Stride[0]*w.In[1]
		split := func(x, blocks int) {
			v.splitRows(&dst[column(x)], &dst[column(x+1)], b.pitch, &src[from+x], ld, hi-lo, blocks)
		}
		switch n := right - left; {
		case n < partedLeast:
			for x := left; x < right; x++ {
				for r := range hi - lo {
					dst[column(x)+r*b.pitch] = src[from+x+r*ld]
				}
			}
		default:
			split(left, n/16)
			if n%16 != 0 {
				split(right-16, 1)
			}
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
