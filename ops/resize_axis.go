package ops

import (
	"math"

	"github.com/onda-ml/onda/ops/kernel"
)

// resizeAxis is how one axis of n elements becomes one of m: output j lies at
// source coordinate source(j).
type resizeAxis struct {
	n, m       int
	scale      float32
	start, end float32 // the region of interest, for tfCrop
	coordinate string
}

// source is where output index j lies among the inputs. It is computed in T,
// since producers choose scales for which float32 hits integers exactly.
func source[T float32 | float64](r *resizeAxis, j int) T {
	x, n, scale := T(j), T(r.n), T(r.scale)
	switch r.coordinate {
	case "asymmetric":
		return x / scale
	case "tf_half_pixel_for_nn":
		return (x + 0.5) / scale
	case "align_corners":
		// The specification's tests take the exact product of length and scale
		// when that shrinks the axis; PyTorch, which writes scales only to
		// enlarge by them, and ONNX Runtime count whole elements.
		width := scale * n
		if scale > 1 {
			width = T(r.m)
		}
		if width == 1 || r.m == 1 {
			return 0
		}
		return x * (n - 1) / (width - 1)
	case "pytorch_half_pixel":
		if r.m <= 1 {
			return 0
		}
	case "half_pixel_symmetric":
		adjust := T(r.m) / (scale * n)
		return n/2*(1-adjust) + (x+0.5)/scale - 0.5
	case "tf_crop_and_resize":
		start, end := T(r.start), T(r.end)
		if r.m <= 1 {
			return (start + end) * (n - 1) / 2
		}
		return start*(n-1) + x*(end-start)*(n-1)/(T(r.m)-1)
	}
	return (x+0.5)/scale - 0.5
}

// outside reports whether output j lies beyond the input, where
// tf_crop_and_resize puts a constant.
func (r *resizeAxis) outside(j int) bool {
	if r.coordinate != "tf_crop_and_resize" {
		return false
	}
	x := source[float64](r, j)
	return x < 0 || x > float64(r.n-1)
}

// identity reports whether the axis stays as it is.
func (r *resizeAxis) identity() bool {
	return r.n == r.m && r.scale == 1 && (r.coordinate != "tf_crop_and_resize" || r.start == 0 && r.end == 1)
}

// clampIndex is x as an index of the axis.
func (r *resizeAxis) clampIndex(x float64) int32 {
	if !(x > 0) { // or not a number
		return 0
	}
	return int32(min(x, float64(r.n-1)))
}

// nearest appends the source index of each output.
func (r *resizeAxis) nearest(index []int32, rule string) []int32 {
	for j := range r.m {
		x := float64(source[float32](r, j))
		switch rule {
		case "round_prefer_floor":
			x = math.Ceil(x - 0.5)
		case "round_prefer_ceil":
			x = math.Floor(x + 0.5)
		case "floor":
			x = math.Floor(x)
		case "ceil":
			x = math.Ceil(x)
		case "simple": // before opset 11
			if r.scale < 1 {
				x = math.Ceil(x)
			} else {
				x = math.Trunc(x)
			}
		}
		index = append(index, r.clampIndex(x))
	}
	return index
}

// filter is the interpolation of linear and cubic Resize.
type filter struct {
	cubic, antialias, inside bool // inside: no weight for what lies outside
	a                        float64
}

// reach is how many sources to each side one output depends on.
func (f filter) reach(scale float64) int {
	radius := 1.0
	if f.cubic {
		radius = 2
	}
	if f.antialias && scale < 1 {
		radius /= scale
	}
	return int(min(math.Ceil(radius), 1<<30))
}

// weight of a source at the given distance, in source elements.
func (f filter) weight(distance, scale float64) float64 {
	if f.antialias && scale < 1 {
		distance *= scale
	}
	if f.cubic {
		return kernel.CubicWeight(distance, f.a)
	}
	return max(0, 1-math.Abs(distance))
}

// taps fills in, for each output, the sources that it depends on and their
// weights, taps of them each: 2*reach.
func (f filter) taps(r *resizeAxis, index []int32, weight []float64) {
	scale := float64(r.scale)
	reach := f.reach(scale)
	for j := range r.m {
		x := source[float64](r, j)
		first := math.Ceil(x) - float64(reach)
		row := weight[j*2*reach : (j+1)*2*reach]
		sum := 0.0
		for t := range row {
			at := first + float64(t)
			w := f.weight(x-at, scale)
			if f.inside && (at < 0 || at > float64(r.n-1)) {
				w = 0
			}
			row[t] = w
			sum += w
			index[j*2*reach+t] = r.clampIndex(at)
		}
		if (f.antialias || f.inside) && sum != 0 {
			for t := range row {
				row[t] /= sum
			}
		}
	}
}
