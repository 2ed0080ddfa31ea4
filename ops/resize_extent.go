package ops

import (
	"fmt"
	"math"
)

// target works out what each axis of shape in becomes.
func (k *resize) target(in []int, roi, scales []float32, sizes []int) ([]resizeAxis, error) {
	rank := len(in)
	axes := k.axes
	if axes == nil {
		axes = make([]int, rank)
		for i := range axes {
			axes[i] = i
		}
	}
	axes, err := toAxes(nil, axes, rank)
	if err != nil {
		return nil, err
	}
	out := make([]resizeAxis, rank)
	for d, n := range in {
		out[d] = resizeAxis{n: n, m: n, scale: 1, end: 1, coordinate: k.coordinate}
	}
	switch {
	case sizes != nil && scales != nil:
		return nil, fmt.Errorf("both scales and sizes are given, expected one of them")
	case sizes == nil && scales == nil:
		return nil, fmt.Errorf("neither scales nor sizes are given, expected one of them")
	case scales != nil && len(scales) != len(axes):
		return nil, fmt.Errorf("there are %d scales, expected one for each of %d axes", len(scales), len(axes))
	case sizes != nil && len(sizes) != len(axes):
		return nil, fmt.Errorf("there are %d sizes, expected one for each of %d axes", len(sizes), len(axes))
	}
	if k.coordinate == "tf_crop_and_resize" {
		if len(roi) != 2*len(axes) {
			return nil, fmt.Errorf("the region of interest has %d values for %d axes, expected %d", len(roi), len(axes), 2*len(axes))
		}
		for i, d := range axes {
			out[d].start, out[d].end = roi[i], roi[len(axes)+i]
		}
	}
	if scales != nil {
		for i, d := range axes {
			if err := out[d].scaleBy(scales[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return out, k.sizesTo(out, axes, sizes)
}

func (r *resizeAxis) scaleBy(scale float32) error {
	m := math.Floor(float64(scale * float32(r.n)))
	if r.coordinate == "tf_crop_and_resize" {
		m = math.Floor(float64(scale * (r.end - r.start) * float32(r.n)))
	}
	if !(scale > 0) || !(m >= 0 && m < math.MaxInt32) {
		return fmt.Errorf("scale %g gives extent %d no size", scale, r.n)
	}
	r.scale, r.m = scale, int(m)
	return nil
}

// sizesTo gives the axes their sizes, or the nearest that keep the aspect
// ratio.
func (k *resize) sizesTo(out []resizeAxis, axes, sizes []int) error {
	common := math.Inf(1)
	if k.keep == "not_smaller" {
		common = 0
	}
	for i, d := range axes {
		r := &out[d]
		if sizes[i] < 0 || sizes[i] > math.MaxInt32 || r.n == 0 && sizes[i] > 0 {
			return fmt.Errorf("extent %d can't take size %d", r.n, sizes[i])
		}
		if r.n == 0 {
			continue
		}
		r.m, r.scale = sizes[i], float32(sizes[i])/float32(r.n)
		if k.keep == "not_smaller" {
			common = max(common, float64(sizes[i])/float64(r.n))
		} else {
			common = min(common, float64(sizes[i])/float64(r.n))
		}
	}
	if k.keep == "stretch" {
		return nil
	}
	for _, d := range axes {
		m := math.Floor(common*float64(out[d].n) + 0.5)
		if !(m <= math.MaxInt32) {
			return fmt.Errorf("extent %d can't take size %g", out[d].n, m)
		}
		out[d].scale, out[d].m = float32(common), int(m)
	}
	return nil
}

func extents(axes []resizeAxis) []int {
	shape := make([]int, len(axes))
	for d := range axes {
		shape[d] = axes[d].m
	}
	return shape
}
