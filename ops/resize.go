package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// resizeOps change extents by interpolation.
func resizeOps() []Op {
	v := func(minIn, maxIn int, f func(*Attrs) (Kernel, error)) Version {
		return Version{MinIn: minIn, MaxIn: maxIn, MinOut: 1, MaxOut: 1, Holes: true, New: f}
	}
	return []Op{
		{Name: "Resize", Versions: versions(
			repeat(v(2, 2, newResize10), 10),
			repeat(v(3, 4, newResize11), 11),
			repeat(v(1, 4, newResize11), 13),
			repeat(v(1, 4, newResize18), 18, 19))},
		{Name: "Upsample", Versions: versions(
			repeat(v(1, 1, newUpsample1), 1),
			repeat(v(1, 1, newUpsample7), 7),
			repeat(v(2, 2, newUpsample9), 9, 10))},
	}
}

// resize gives some axes other extents. A scale or a size for each comes from
// inputs; roi is used by tf_crop_and_resize alone.
type resize struct {
	mode, nearest, coordinate string
	filter                    filter
	extrapolation             float32
	axes                      []int     // nil for all
	keep                      string    // keep_aspect_ratio_policy
	scales                    []float32 // fixed by attributes, nil if an input has them
	roiIn, scalesIn, sizesIn  int       // indices of inputs, 0 where there is none
}

func newResize11(a *Attrs) (Kernel, error) {
	k := &resize{roiIn: 1, scalesIn: 2, sizesIn: 3, keep: "stretch"}
	k.mode = a.Enum("mode", "nearest", "nearest", "linear", "cubic")
	k.nearest = a.Enum("nearest_mode", "round_prefer_floor", "round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
	// half_pixel_symmetric came with opset 19 and tf_half_pixel_for_nn went with 13, but
	// ONNX Runtime takes both always, and tf2onnx writes the latter.
	modes := []string{"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize", "tf_half_pixel_for_nn"}
	k.coordinate = a.Enum("coordinate_transformation_mode", "half_pixel", modes...)
	k.extrapolation = a.Float("extrapolation_value", 0)
	k.filter = filter{cubic: k.mode == "cubic", inside: a.Bool("exclude_outside", false), a: float64(a.Float("cubic_coeff_a", -0.75))}
	return k, nil
}

func newResize18(a *Attrs) (Kernel, error) {
	base, err := newResize11(a)
	if err != nil {
		return nil, err
	}
	k := base.(*resize)
	k.filter.antialias = a.Bool("antialias", false)
	if k.filter.antialias && k.mode == "nearest" {
		a.Fail("antialias", "is 1, expected 0 for mode nearest")
	}
	k.axes = attrInts(a, "axes")
	k.keep = a.Enum("keep_aspect_ratio_policy", "stretch", "stretch", "not_larger", "not_smaller")
	return k, nil
}

func (k *resize) Infer(c *Infer) error {
	f := c.In(0)
	c.Set(0, Unranked(f.DType))
	if !f.Ranked {
		return nil
	}
	c.Set(0, Shaped(f.DType, unknownShape(len(f.Shape))...))
	scales, sizes := k.scales, []int(nil)
	if k.scalesIn > 0 && c.Has(k.scalesIn) {
		v := c.In(k.scalesIn).Value
		if v == nil {
			return nil
		}
		var err error
		if scales, err = floatList(v, k.scalesIn); err != nil {
			return err
		}
	}
	if k.sizesIn > 0 && c.Has(k.sizesIn) {
		v, ok := c.Ints(k.sizesIn)
		if !ok {
			return nil
		}
		if len(v) > 0 {
			sizes = v
		}
	}
	var roi []float32
	if k.coordinate == "tf_crop_and_resize" {
		v := c.In(k.roiIn).Value
		if v == nil {
			return nil
		}
		var err error
		if roi, err = floatList(v, k.roiIn); err != nil {
			return err
		}
	}
	if anyUnknown(f.Shape) {
		return nil
	}
	out, err := k.target(f.Shape, roi, scales, sizes)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(f.DType, extents(out)...))
	return nil
}

// floatList is a small tensor's elements, nil if it has none.
func floatList(t *tensor.Tensor, i int) ([]float32, error) {
	if err := floatsBF.check(i, t.DType()); err != nil {
		return nil, err
	}
	if t.Rank() != 1 || t.Len() > 2*tensor.MaxRank {
		return nil, fmt.Errorf("input %d: has shape %v, expected one value per axis", i, t.Shape())
	}
	if t.Len() == 0 {
		return nil, nil
	}
	if t.DType() == tensor.Float64 {
		out := make([]float32, t.Len())
		kernel.ConvertTo(out, tensor.Of[float64](t))
		return out, nil
	}
	return float32s(t)
}

func (k *resize) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	p := c.Local(newResizePlan).(*resizePlan)
	p.c = c
	defer func() { p.c = nil }()
	if err := k.plan(c, p, x); err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), p.out...)
	if err != nil || y.Len() == 0 {
		return err
	}
	if k.mode == "nearest" {
		return k.pickNearest(c, y, x, p)
	}
	return k.interpolate(c, y, x, p)
}

// pickNearest copies elements, of any type.
func (k *resize) pickNearest(c *Ctx, y, x *tensor.Tensor, p *resizePlan) error {
	if err := p.picks(c, k.nearest); err != nil {
		return err
	}
	switch x.DType().Size() {
	case 0:
		pickNearest[string](c, p, y, x)
	case 1:
		pickNearest[uint8](c, p, y, x)
	case 2:
		pickNearest[uint16](c, p, y, x)
	case 4:
		pickNearest[uint32](c, p, y, x)
	case 8:
		pickNearest[uint64](c, p, y, x)
	default:
		pickNearest[complex128](c, p, y, x)
	}
	if err := c.Err(); err != nil || k.coordinate != "tf_crop_and_resize" {
		return err
	}
	return extrapolate(c, y, p.axes, k.extrapolation)
}

func pickNearest[T tensor.Elem](c *Ctx, p *resizePlan, y, x *tensor.Tensor) {
	kernel.PickNearest(c.Pool(), p.halt, &p.nearest, tensor.Of[T](y), tensor.Of[T](x))
}
