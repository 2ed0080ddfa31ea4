package kernel

// PackedConv are the weights of a convolution, laid out for [ConvPacked]. Nothing
// changes them; they belong to the variant that packed them.
type PackedConv struct {
	v                      *variant
	group, cin, cout, taps int   // channels per group
	rows                   []int // where each strip of a group begins, and where the last ends
	// w holds, for each group, strips of up to convHeight output channels of which
	// strip[(c*taps+k)*height+i] is output channel i. The height is 1 if depthwise.
	w []float32
}

// PackConv packs w (group*cout, cin, taps).
func PackConv(w []float32, group, cin, cout, taps int) *PackedConv {
	c := &PackedConv{v: active, group: group, cin: cin, cout: cout, taps: taps, w: aligned(len(w) + 8)[:len(w)]}
	strips := ceilDiv(cout, len(active.conv[1])-1)
	if c.depthwise() {
		strips = cout
	}
	for r := range strips + 1 {
		c.rows = append(c.rows, cout*r/max(strips, 1))
	}
	k := cin * taps
	for g := range group {
		for r := range c.tiles() {
			lo, hi := c.row(r), c.row(r+1)
			at := (g*cout + lo) * k
			layStripGeneric(c.w[at:at+(hi-lo)*k], hi-lo, w[at:], k)
		}
	}
	return c
}

// Size returns what PackConv was told.
func (c *PackedConv) Size() (group, cin, cout, taps int) { return c.group, c.cin, c.cout, c.taps }

// depthwise is as ConvArgs.depthwise, where the variant has a kernel for it.
func (c *PackedConv) depthwise() bool { return c.cin == 1 && c.cout <= 4 && c.v.depthwise != nil }

// tiles is how many strips a group has.
func (c *PackedConv) tiles() int { return len(c.rows) - 1 }

// row is where a strip begins.
func (c *PackedConv) row(tile int) int { return c.rows[tile] }

// A convKernel computes r output channels at panels of positions, v.lanes*vectors in
// each, where r and vectors belong to the kernel: for l < k
//
//	c[i*ldc+j] = clip(bias[i] + from[i*ldf+j] + sum_l(a[l*r+i] * b[off[l]+j]), lo, hi)
//
// Of the very last vector last values count; b may be read as if all did. from may be
// nil. From one panel to the next b moves by apart.
type convKernel func(k, panels int, a, b *float32, apart int, off *int, c *float32, ldc, last int, from *float32, ldf int, bias *float32, lo, hi float32)

// A convAndLayKernel is the convKernel of as many channels and whole panels for one
// panel, and lays it out as convLay does.
type convAndLayKernel func(k, panels int, a, b *float32, apart int, off *int, c *float32, ldc, last int, from *float32, ldf int, bias *float32, lo, hi float32, lay *float32)

// A convLayKernel lays out a panel of which so many vectors matter:
//
//	dst[l*v.convPanel()+j] = b[off[l]+j]
type convLayKernel func(k int, dst, b *float32, off *int)

// A depthwiseKernel is, for i < rows and j < cols, which is at most v.lanes,
//
//	c[i*ldc+j] = clip(bias + sum_t(w[t] * b[i*ldb+off[t]+j]), lo, hi)
//
// It may read b as if cols were v.lanes.
type depthwiseKernel func(taps int, off *int, w, b *float32, ldb int, c *float32, ldc, rows, cols int, bias, lo, hi float32)

// A depthwise3x3Kernel is, for i < rows, more than 0, and j < lanes3x3, or those from apart
// on, too, if it has two stripes, which like the stride belongs to the kernel,
//
//	c[i*ldc+j] = clip(bias + sum_{r,k<3}(w[3*r+k] * in(first+i*stride+r, j*stride+k)), lo, hi)
//
// where in(r, k) is x[r*ldx+1+k] in rows 0 to height-1 and zero[1+k], which is 0, in others;
// but with left 1 in(r, 0) is 0, as is in(r, j*stride+2) for the last right j, at most 4,
// or 2 with a stride of 2. It may read in(r, -1), too.
type depthwise3x3Kernel func(x *float32, ldx, first, height int, zero, w *float32, left, right int, c *float32, ldc, apart, rows int, bias, lo, hi float32)

// A maximaKernel is, for i < rows and j < cols, which is at most v.lanes,
//
//	c[i*ldc+j] = max_t(b[i*ldb+off[t]+j]), NaN if any is
//
// It may read b as if cols were v.lanes.
type maximaKernel func(taps int, off *int, b *float32, ldb int, c *float32, ldc, rows, cols int)
