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
// of a channel.
func (b *convBand) fill(v *variant, dst, src []float32, y, x, rows, cols int) {
	w := b.w
	height, pitch := rows+b.height-b.rows, cols+b.pitch-b.cols
	for py := range w.Stride[0] {
		top := y*w.Stride[0] + py - w.Pad[0]
		lo, hi := inside(top, w.Stride[0], w.In[0], height)
		if w.Stride[1] == 2 && v.splitRow != nil && b.planes[2*py] >= 0 && b.planes[2*py+1] >= 0 {
			b.split(v, dst[b.planes[2*py]*b.height*b.pitch:], dst[b.planes[2*py+1]*b.height*b.pitch:], src, top, lo, hi, 2*x-w.Pad[1], height, pitch)
			continue
		}
		for px := range w.Stride[1] {
			plane := b.planes[py*w.Stride[1]+px]
			if plane < 0 {
				continue
			}
			to := dst[plane*b.height*b.pitch:][:b.height*b.pitch]
			first := x*w.Stride[1] + px - w.Pad[1]
			left, right := inside(first, w.Stride[1], w.In[1], pitch)
			b.blank(to, lo, hi, left, right, height, pitch)
			if lo >= hi || left >= right {
				continue
			}
			from := src[(top+lo*w.Stride[0])*w.In[1]+first+left*w.Stride[1]:]
			if w.Stride[1] == 1 && right-left >= v.copyLeast {
				v.copyRows(&to[lo*b.pitch+left], b.pitch, &from[0], w.Stride[0]*w.In[1], hi-lo, right-left)
				continue
			}
			for r := range hi - lo {
				row := from[r*w.Stride[0]*w.In[1]:]
				for i, at := 0, to[(lo+r)*b.pitch+left:][:right-left]; i < len(at); i++ {
					at[i] = row[i*w.Stride[1]]
				}
			}
		}
	}
}

// split is fill of both column phases of stride 2, the first of which begins with
// column first of the image.
func (b *convBand) split(v *variant, zero, one, src []float32, top, lo, hi, first, height, pitch int) {
	w := b.w
	left, right := inside(first, 2, w.In[1], pitch)
	b.blank(zero, lo, hi, left, right, height, pitch)
	left1, right1 := inside(first+1, 2, w.In[1], pitch)
	b.blank(one, lo, hi, left1, right1, height, pitch)
	pairs := min(right, right1) - max(left, left1)
	from := max(left, left1)
	blocks := max(pairs, 0) / 8
	for r := lo; r < hi; r++ {
		row := src[(top+r*w.Stride[0])*w.In[1]:][:w.In[1]]
		even, odd := zero[r*b.pitch:], one[r*b.pitch:]
		if blocks > 0 {
			v.splitRow(&even[from], &odd[from], &row[first+2*from], blocks)
		}
		for _, part := range [2][2]int{{left, min(from, right)}, {max(left, from+8*blocks), right}} {
			for i := part[0]; i < part[1]; i++ {
				even[i] = row[first+2*i]
			}
		}
		for _, part := range [2][2]int{{left1, min(from, right1)}, {max(left1, from+8*blocks), right1}} {
			for i := part[0]; i < part[1]; i++ {
				odd[i] = row[first+1+2*i]
			}
		}
	}
}

// blank fills a plane with padding but for rows [lo, hi) of columns [left, right).
func (b *convBand) blank(to []float32, lo, hi, left, right, height, pitch int) {
	if lo >= hi || left >= right {
		b.outside(to[:height*b.pitch])
		return
	}
	b.outside(to[:lo*b.pitch])
	b.outside(to[hi*b.pitch : height*b.pitch])
	if left == 0 && right == pitch {
		return
	}
	for r := lo; r < hi; r++ {
		row := to[r*b.pitch:][:pitch]
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
