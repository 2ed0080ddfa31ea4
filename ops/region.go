package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// regionOps pool parts of images and choose among boxes.
func regionOps() []Op {
	v := func(minIn, maxIn int, f func(*Attrs) (Kernel, error)) Version {
		return Version{MinIn: minIn, MaxIn: maxIn, MinOut: 1, MaxOut: 1, New: f}
	}
	return []Op{
		{Name: "RoiAlign", Versions: repeat(v(3, 3, newRoiAlign), 10, 16, 22)},
		{Name: "MaxRoiPool", Versions: repeat(v(2, 2, newMaxRoiPool), 1, 22)},
		{Name: "NonMaxSuppression", Versions: repeat(v(2, 5, newNMS), 10, 11)},
		{Name: "Col2Im", Versions: repeat(v(3, 3, newCol2Im), 18)},
	}
}

// roiAlign pools the regions in input 1 (n, 4), as (x1, y1, x2, y2), of the
// images in input 0 (N, C, H, W) that input 2 names.
type roiAlign struct {
	height, width, sampling int
	scale                   float64
	half, max               bool
}

func newRoiAlign(a *Attrs) (Kernel, error) {
	k := roiAlign{scale: float64(a.Float("spatial_scale", 1)), max: a.Enum("mode", "avg", "avg", "max") == "max",
		height: poolSize(a, "output_height"), width: poolSize(a, "output_width")}
	s := a.Int("sampling_ratio", 0)
	if s < 0 || s > 1<<16 {
		a.Fail("sampling_ratio", "is %d, expected 0 to %d", s, 1<<16)
	}
	k.sampling = int(s)
	if a.Opset >= 16 {
		k.half = a.Enum("coordinate_transformation_mode", "half_pixel", "half_pixel", "output_half_pixel") == "half_pixel"
	}
	return k, nil
}

func poolSize(a *Attrs, name string) int {
	n := a.Int(name, 1)
	if n < 1 || n > 1<<16 {
		a.Fail(name, "is %d, expected 1 to %d", n, 1<<16)
	}
	return int(n)
}

func (k roiAlign) Infer(c *Infer) error { return inferPooled(c, 4, k.height, k.width) }

// inferPooled states (regions, channels, height, width).
func inferPooled(c *Infer, columns, height, width int) error {
	x, rois := c.In(0), c.In(1)
	shape := []int{Unknown, Unknown, height, width}
	if x.Ranked {
		if err := checkRank(0, len(x.Shape), 4); err != nil {
			return err
		}
		shape[1] = x.Shape[1]
	}
	if rois.Ranked {
		if err := checkDims(1, rois.Shape, Unknown, columns); err != nil {
			return err
		}
		shape[0] = rois.Shape[0]
	}
	c.Set(0, Shaped(x.DType, shape...))
	return nil
}

// regionInputs checks what RoiAlign and MaxRoiPool share.
func regionInputs(c *Ctx, columns int) (x, rois *tensor.Tensor, err error) {
	if x, err = given(c, 0); err != nil {
		return
	}
	if rois, err = given(c, 1); err != nil {
		return
	}
	if err = checkRank(0, x.Rank(), 4); err != nil {
		return
	}
	if err = floatsBF.check(0, x.DType()); err != nil {
		return
	}
	if err = sameType(1, rois.DType(), x.DType()); err != nil {
		return
	}
	return x, rois, checkDims(1, rois.Shape(), Unknown, columns)
}

func (k roiAlign) Run(c *Ctx) error {
	x, rois, err := regionInputs(c, 4)
	if err != nil {
		return err
	}
	switch x.DType() {
	case tensor.Float32:
		return runRoiAlign[float32](c, k, x, rois)
	case tensor.Float64:
		return runRoiAlign[float64](c, k, x, rois)
	}
	return inFloat32(c, x.DType(), k.Run)
}

// region is the part of the plane for corner coordinates roi.
func (k roiAlign) region(roi [4]float64) (r kernel.Region, err error) {
	offset := 0.0
	if k.half {
		offset = 0.5
	}
	for i := range roi {
		roi[i] = roi[i]*k.scale - offset
	}
	w, h := roi[2]-roi[0], roi[3]-roi[1]
	if !k.half {
		w, h = max(w, 1), max(h, 1)
	}
	r = kernel.Region{Y: roi[1], X: roi[0], BinH: h / float64(k.height), BinW: w / float64(k.width),
		Height: k.height, Width: k.width, GridH: k.sampling, GridW: k.sampling, Max: k.max}
	if k.sampling == 0 {
		gh, gw := math.Ceil(r.BinH), math.Ceil(r.BinW)
		if !(gh <= 1<<16 && gw <= 1<<16) {
			return r, fmt.Errorf("input 1: a region of %g by %g is too large", w, h)
		}
		r.GridH, r.GridW = int(max(gh, 0)), int(max(gw, 0))
	}
	return r, nil
}

func runRoiAlign[T floating](c *Ctx, k roiAlign, x, rois *tensor.Tensor) error {
	count, channels := rois.Dim(0), x.Dim(1)
	batch := c.In(2)
	if batch == nil || batch.DType() != tensor.Int64 || batch.Rank() != 1 || batch.Len() != count {
		return fmt.Errorf("input 2: is %v, expected int64(%d)", batch, count)
	}
	if err := checkIndices(batch, 2, x.Dim(0)); err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), count, channels, k.height, k.width)
	if err != nil || y.Len() == 0 {
		return err
	}
	h, w := x.Dim(2), x.Dim(3)
	if h == 0 || w == 0 {
		return fmt.Errorf("input 0: has shape %v, expected at least one element to sample", x.Shape())
	}
	dst, src, corner := tensor.Of[T](y), tensor.Of[T](x), tensor.Of[T](rois)
	bins := k.height * k.width
	var samples []kernel.Corner
	for n := range count {
		if err := c.Err(); err != nil {
			return err
		}
		var roi [4]float64
		for i := range roi {
			roi[i] = float64(corner[4*n+i])
		}
		r, err := k.region(roi)
		if err != nil {
			return err
		}
		need, err := tensor.CheckShape([]int{bins, r.GridH, r.GridW, 4}, 16)
		if err != nil {
			return err
		}
		if need > cap(samples) {
			if err := c.Memory.Reserve(16 * need); err != nil {
				return err
			}
			samples = make([]kernel.Corner, 0, need)
		}
		samples = r.Samples(samples[:0], h, w)
		image := int(tensor.Of[int64](batch)[n])
		if image < 0 {
			image += x.Dim(0)
		}
		c.Pool().For(channels, max(1, 1<<14/max(len(samples), 1)), func(lo, hi int) {
			for ch := lo; ch < hi; ch++ {
				plane := src[(image*channels+ch)*h*w : (image*channels+ch+1)*h*w]
				kernel.RoiAlign(dst[(n*channels+ch)*bins:(n*channels+ch+1)*bins], plane, &r, samples)
			}
		})
	}
	return nil
}

// maxRoiPool pools the regions in input 1 (n, 5), as (image, x1, y1, x2, y2).
type maxRoiPool struct {
	height, width int
	scale         float64
}

func newMaxRoiPool(a *Attrs) (Kernel, error) {
	a.Require("pooled_shape")
	k := maxRoiPool{scale: float64(a.Float("spatial_scale", 1))}
	s := attrInts(a, "pooled_shape")
	if len(s) != 2 || s[0] < 1 || s[1] < 1 || s[0] > 1<<16 || s[1] > 1<<16 {
		a.Fail("pooled_shape", "is %v, expected two extents of 1 to %d", s, 1<<16)
		return k, nil
	}
	k.height, k.width = s[0], s[1]
	return k, nil
}

func (k maxRoiPool) Infer(c *Infer) error { return inferPooled(c, 5, k.height, k.width) }

func (k maxRoiPool) Run(c *Ctx) error {
	x, rois, err := regionInputs(c, 5)
	if err != nil {
		return err
	}
	switch x.DType() {
	case tensor.Float32:
		return runMaxRoiPool[float32](c, k, x, rois)
	case tensor.Float64:
		return runMaxRoiPool[float64](c, k, x, rois)
	}
	return inFloat32(c, x.DType(), k.Run)
}

func runMaxRoiPool[T floating](c *Ctx, k maxRoiPool, x, rois *tensor.Tensor) error {
	count, channels, h, w := rois.Dim(0), x.Dim(1), x.Dim(2), x.Dim(3)
	y, err := c.Out(0, x.DType(), count, channels, k.height, k.width)
	if err != nil {
		return err
	}
	dst, src, region := tensor.Of[T](y), tensor.Of[T](x), tensor.Of[T](rois)
	bins := k.height * k.width
	for n := range count {
		row := region[5*n : 5*n+5]
		image := float64(row[0])
		if !(image >= 0 && image < float64(x.Dim(0))) {
			return fmt.Errorf("input 1: region %d is of image %g, expected 0 to %d", n, image, x.Dim(0)-1)
		}
		var at [4]int
		for i := range at {
			v := math.Round(float64(row[1+i]) * k.scale)
			if !(math.Abs(v) < 1<<30) {
				return fmt.Errorf("input 1: region %d has coordinate %g, expected a magnitude below %d", n, v, 1<<30)
			}
			at[i] = int(v)
		}
		for ch := range channels {
			if err := c.Err(); err != nil {
				return err
			}
			plane := src[(int(image)*channels+ch)*h*w:][:h*w]
			kernel.MaxRoiPool(dst[(n*channels+ch)*bins:][:bins], plane, h, w, at[1], at[0], at[3], at[2], k.height, k.width)
		}
	}
	return nil
}
