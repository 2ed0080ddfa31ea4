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
	planes        []int // for each phase its plane, -1 for none
	count         int   // of planes
	channel       int   // values from one channel to the next
	taps          []int // where each tap reads for output 0, 0 of a block

	lo, hi, left, right int // what of the first block, in the image's order, is inside
}

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

// shape sets the sizes for blocks of rows by cols outputs.
func (b *convBand) shape(w *Window, rows, cols int) {
	b.w, b.rows, b.cols = w, rows, cols
	b.height = rows + (w.Size[0]-1)*w.Dilation[0]/w.Stride[0]
	b.pitch = cols + (w.Size[1]-1)*w.Dilation[1]/w.Stride[1]
	b.planes, b.taps, b.count = b.planes[:0], b.taps[:0], 0
	for range w.Stride[0] * w.Stride[1] {
		b.planes = append(b.planes, -1)
	}
	for k := range w.Size[0] * w.Size[1] {
		y, x := k/w.Size[1]*w.Dilation[0], k%w.Size[1]*w.Dilation[1]
		phase := y%w.Stride[0]*w.Stride[1] + x%w.Stride[1]
		if b.planes[phase] < 0 {
			b.planes[phase] = b.count
			b.count++
		}
		b.taps = append(b.taps, (b.planes[phase]*b.height+y/w.Stride[0])*b.pitch+x/w.Stride[1])
	}
	b.lo, b.hi = inside(-w.Pad[0], w.Stride[0], w.In[0], b.height)
	b.left, b.right = inside(-w.Pad[1], w.Stride[1], w.In[1], b.pitch)
	// Channels an odd number of cache lines apart don't share their places in it.
	b.channel = (roundUp(b.count*b.height*b.pitch, 16)/16 | 1) * 16
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
// of a channel. What is outside the image is there already if blank.
func (b *convBand) fill(v *variant, dst, src []float32, y, x, rows, cols int, blank bool) {
	w := b.w
	height, pitch := rows+b.height-b.rows, cols+b.pitch-b.cols
	top, first := y*w.Stride[0]-w.Pad[0], x*w.Stride[1]-w.Pad[1]
	if !blank {
		b.blank(dst, top, first, height, pitch)
	}
	size := b.height * b.pitch
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
	left, right := inside(first, w.Stride[1], w.In[1], pitch)
	left1, right1 := inside(first+1, w.Stride[1], w.In[1], pitch)
	for r := range height * w.Stride[0] { // in the image's order
		if top+r < 0 || top+r >= w.In[0] {
			continue
		}
		row := src[(top+r)*w.In[1]:][:w.In[1]]
		planes := b.planes[r%w.Stride[0]*w.Stride[1]:][:w.Stride[1]]
		at := r / w.Stride[0] * b.pitch
		if w.Stride[1] == 2 && v.splitRow != nil && planes[0] >= 0 && planes[1] >= 0 {
			split(v, dst[planes[0]*size+at:][:pitch], dst[planes[1]*size+at:][:pitch], row, first, [4]int{left, right, left1, right1})
			continue
		}
		for px, plane := range planes {
			if plane < 0 {
				continue
			}
			left, right := inside(first+px, w.Stride[1], w.In[1], pitch)
			to := dst[plane*size+at:]
			for i := left; i < right; i++ {
				to[i] = row[first+px+i*w.Stride[1]]
			}
		}
	}
}

// split is even[i] = row[first+2*i], odd[i] = row[first+2*i+1] where that is inside: in
// the first and second two bounds.
func split(v *variant, even, odd, row []float32, first int, bounds [4]int) {
	left, right, left1, right1 := bounds[0], bounds[1], bounds[2], bounds[3]
	lo, hi := max(left, left1), min(right, right1)
	if hi-lo < 8 {
		lo, hi = right, right
	} else {
		blocks := (hi - lo) / 8
		v.splitRow(&even[lo], &odd[lo], &row[first+2*lo], blocks)
		if (hi-lo)%8 != 0 { // the last block overlaps the one before
			v.splitRow(&even[hi-8], &odd[hi-8], &row[first+2*(hi-8)], 1)
		}
	}
	for i := left; i < right; i++ {
		if i == lo {
			i = hi
			if i >= right {
				break
			}
		}
		even[i] = row[first+2*i]
	}
	for i := left1; i < right1; i++ {
		if i == lo {
			i = hi
			if i >= right1 {
				break
			}
		}
		odd[i] = row[first+2*i+1]
	}
}

// blank fills with padding what lies outside the image, whose row top and column
// first are those of a block.
func (b *convBand) blank(dst []float32, top, first, height, pitch int) {
	w := b.w
	for phase, plane := range b.planes {
		if plane < 0 {
			continue
		}
		lo, hi := inside(top+phase/w.Stride[1], w.Stride[0], w.In[0], height)
		left, right := inside(first+phase%w.Stride[1], w.Stride[1], w.In[1], pitch)
		to := dst[plane*b.height*b.pitch:][:height*b.pitch]
		if lo >= hi || left >= right {
			b.outside(to)
			continue
		}
		b.outside(to[:lo*b.pitch])
		b.outside(to[hi*b.pitch:])
		for r := lo; r < hi && (left > 0 || right < pitch); r++ {
			row := to[r*b.pitch:][:pitch]
			fillWith(row[:left], b.pad)
			fillWith(row[right:], b.pad)
		}
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
