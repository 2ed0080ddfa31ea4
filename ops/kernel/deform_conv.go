package kernel

import "math"

// DeformArgs are the data of [DeformConv]: a convolution over two dimensions
// with Offset (Batch, OffsetGroups, taps, 2, output), which moves what a tap
// reads down and right, and Mask (Batch, OffsetGroups, taps, output), its
// weight; nil for ones.
type DeformArgs[T Float] struct {
	ConvArgs[T]
	OffsetGroups int
	Offset, Mask []T
}

// DeformConv is Conv with tap k of output o reading x at the input position of
// (o,k) plus its offset, interpolated linearly between the four positions around
// it, those outside being 0.
func DeformConv[T Float](p *Pool, a *DeformArgs[T]) error {
	taps, in, out := a.Taps(), a.InLen(), a.OutLen()
	perOffset := a.Group * a.Cin / a.OffsetGroups
	p.For(a.Batch*a.Group, 1, func(lo, hi int) {
		cols := make([]T, a.Cin*taps*out)
		for item := lo; item < hi; item++ {
			b, g := item/a.Group, item%a.Group
			for c := range a.Cin {
				og := (g*a.Cin + c) / perOffset
				x := a.X[(item*a.Cin+c)*in:]
				for k := range taps {
					if k%64 == 0 && a.Stop() != nil {
						return
					}
					at := (b*a.OffsetGroups+og)*taps + k
					a.sample(cols[(c*taps+k)*out:][:out], x, at, k)
				}
			}
			y := a.Y[item*a.Cout*out:]
			beta := T(0)
			if a.Bias != nil {
				beta = 1
				for m := range a.Cout {
					fillWith(y[m*out:(m+1)*out], a.Bias[g*a.Cout+m])
				}
			}
			gemmAny(nil, a.Cout, out, a.Cin*taps, a.W[g*a.Cout*a.Cin*taps:], a.Cin*taps, cols, out, beta, y, out)
		}
	})
	return a.Stop()
}

// sample fills dst with what tap k reads for each output; at is its row in the
// offsets and the mask.
func (a *DeformArgs[T]) sample(dst, x []T, at, k int) {
	h, w := a.In[0], a.In[1]
	down, right := a.Offset[2*at*len(dst):], a.Offset[(2*at+1)*len(dst):]
	for o := range dst {
		i := float64(o/a.Out[1]*a.Stride[0]+k/a.Size[1]*a.Dilation[0]-a.Pad[0]) + float64(down[o])
		j := float64(o%a.Out[1]*a.Stride[1]+k%a.Size[1]*a.Dilation[1]-a.Pad[1]) + float64(right[o])
		v := bilinear(x, h, w, i, j)
		if a.Mask != nil {
			v *= float64(a.Mask[at*len(dst)+o])
		}
		dst[o] = T(v)
	}
}

// bilinear is x (h, w) at (i, j), with zeros around it.
func bilinear[T Float](x []T, h, w int, i, j float64) float64 {
	if !(i > -1 && i < float64(h) && j > -1 && j < float64(w)) {
		if math.IsNaN(i) || math.IsNaN(j) {
			return math.NaN()
		}
		return 0
	}
	i0, j0 := int(math.Floor(i)), int(math.Floor(j))
	fi, fj := i-float64(i0), j-float64(j0)
	var sum float64
	for di, wi := range [2]float64{1 - fi, fi} {
		for dj, wj := range [2]float64{1 - fj, fj} {
			if r, c := i0+di, j0+dj; r >= 0 && r < h && c >= 0 && c < w {
				sum += wi * wj * float64(x[r*w+c])
			}
		}
	}
	return sum
}
