package kernel

import "math"

// A Region is a part of an image plane, and the grid of bins it is pooled to.
type Region struct {
	Y, X          float64 // its upper left corner, in elements
	BinH, BinW    float64 // extents of a bin
	Height, Width int     // of the output, in bins
	GridH, GridW  int     // samples per bin
	Max           bool    // the largest sample of a bin, not the mean
}

// A Corner is one of the four elements that a sample lies between.
type Corner struct {
	At     int
	Weight float64
}

// Samples appends the corners of every sample of the region over a plane
// (h, w), bin by bin: four each, of weight 0 for what lies outside.
func (r *Region) Samples(dst []Corner, h, w int) []Corner {
	for by := range r.Height {
		for bx := range r.Width {
			for iy := range r.GridH {
				y := r.Y + float64(by)*r.BinH + (float64(iy)+0.5)*r.BinH/float64(r.GridH)
				for ix := range r.GridW {
					x := r.X + float64(bx)*r.BinW + (float64(ix)+0.5)*r.BinW/float64(r.GridW)
					dst = corners(dst, y, x, h, w)
				}
			}
		}
	}
	return dst
}

func corners(dst []Corner, y, x float64, h, w int) []Corner {
	if !(y >= -1 && y <= float64(h) && x >= -1 && x <= float64(w)) {
		return append(dst, Corner{}, Corner{}, Corner{}, Corner{})
	}
	y0, y1, fy := between(y, h)
	x0, x1, fx := between(x, w)
	return append(dst,
		Corner{y0*w + x0, (1 - fy) * (1 - fx)}, Corner{y0*w + x1, (1 - fy) * fx},
		Corner{y1*w + x0, fy * (1 - fx)}, Corner{y1*w + x1, fy * fx})
}

// between are the indices on both sides of v, clamped to an extent of n, and
// how far v is on the way from the first to the second.
func between(v float64, n int) (lo, hi int, frac float64) {
	v = max(v, 0)
	lo = int(v)
	if lo >= n-1 {
		return n - 1, n - 1, 0
	}
	return lo, lo + 1, v - float64(lo)
}

// RoiAlign pools plane to dst (Height, Width): the mean of each bin's samples,
// each interpolated from its four corners, or the largest weighted corner.
// He et al., "Mask R-CNN", 2017.
func RoiAlign[T float32 | float64](dst, plane []T, r *Region, samples []Corner) {
	per := 4 * r.GridH * r.GridW
	for b := range dst {
		bin := samples[b*per : (b+1)*per]
		switch {
		case per == 0:
			dst[b] = 0
		case r.Max:
			best := T(math.Inf(-1))
			for _, c := range bin {
				best = max(best, T(c.Weight)*plane[c.At])
			}
			dst[b] = best
		default:
			var sum T
			for _, c := range bin {
				sum += T(c.Weight) * plane[c.At]
			}
			dst[b] = sum / T(per/4)
		}
	}
}

// MaxRoiPool pools rows y0 to y1 and columns x0 to x1 (both included) of plane
// (h, w) to dst (height, width): the largest element of each bin, 0 for bins
// outside. Girshick, "Fast R-CNN", 2015.
func MaxRoiPool[T float32 | float64](dst, plane []T, h, w, y0, x0, y1, x1, height, width int) {
	binH := float64(max(y1-y0+1, 1)) / float64(height)
	binW := float64(max(x1-x0+1, 1)) / float64(width)
	for by := range height {
		top, bottom := binEdges(by, binH, y0, h)
		for bx := range width {
			left, right := binEdges(bx, binW, x0, w)
			best, any := T(math.Inf(-1)), false
			for y := top; y < bottom; y++ {
				for _, v := range plane[y*w+left : y*w+max(left, right)] {
					best, any = max(best, v), true
				}
			}
			if !any {
				best = 0
			}
			dst[by*width+bx] = best
		}
	}
}

func binEdges(b int, size float64, start, n int) (lo, hi int) {
	lo = int(math.Floor(float64(b)*size)) + start
	hi = int(math.Ceil(float64(b+1)*size)) + start
	return max(0, min(lo, n)), max(0, min(hi, n))
}

// Overlap is the intersection of two boxes (y1, x1, y2, x2) over their union,
// 0 where either is empty.
func Overlap(a, b [4]float32) float32 {
	if !(a[2] > b[0] && b[2] > a[0] && a[3] > b[1] && b[3] > a[1]) { // most boxes are apart
		return 0
	}
	h := min(a[2], b[2]) - max(a[0], b[0])
	w := min(a[3], b[3]) - max(a[1], b[1])
	areaA, areaB := (a[2]-a[0])*(a[3]-a[1]), (b[2]-b[0])*(b[3]-b[1])
	if !(h > 0 && w > 0 && areaA > 0 && areaB > 0) {
		return 0
	}
	shared := h * w
	return shared / (areaA + areaB - shared)
}

// Col2Im adds the columns src (block..., blocks...) to the places of the image
// dst (extents...) that they were taken from: element k of a block at position
// p lies at p*stride - pad + k*dilation. All lists have one entry per dimension.
func Col2Im[T Number](dst, src []T, extents, block, blocks, strides, pads, dilations []int) {
	clear(dst)
	rank := len(extents)
	var k, p [maxRank]int
	for at := range src {
		to, inside := 0, true
		for d := range rank {
			i := p[d]*strides[d] - pads[d] + k[d]*dilations[d]
			inside = inside && i >= 0 && i < extents[d]
			to = to*extents[d] + i
		}
		if inside {
			dst[to] += src[at]
		}
		if next(p[:rank], blocks) {
			next(k[:rank], block)
		}
	}
}

// next counts index up below shape, and reports whether it began again.
func next(index, shape []int) bool {
	for d := len(index) - 1; d >= 0; d-- {
		if index[d]++; index[d] < shape[d] {
			return false
		}
		index[d] = 0
	}
	return true
}
