package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// gridOps read images at computed places.
func gridOps() []Op {
	return []Op{
		{Name: "GridSample", Versions: []Version{two(16, newGridSample16), two(20, newGridSample), two(22, newGridSample)}},
		{Name: "AffineGrid", Versions: []Version{two(20, newAffineGrid)}},
	}
}

// gridSample reads input 0 (N, C, D1..Dk) at the places in input 1
// (N, o1..ok, k).
type gridSample struct{ sampler kernel.Sampler }

func newGridSample(a *Attrs) (Kernel, error) {
	return gridSampler(a, a.Enum("mode", "linear", "linear", "nearest", "cubic"))
}

func newGridSample16(a *Attrs) (Kernel, error) {
	return gridSampler(a, a.Enum("mode", "bilinear", "bilinear", "nearest", "bicubic"))
}

func gridSampler(a *Attrs, mode string) (Kernel, error) {
	padding := a.Enum("padding_mode", "zeros", "zeros", "border", "reflection")
	return gridSample{kernel.Sampler{
		Nearest: mode == "nearest", Cubic: mode == "cubic" || mode == "bicubic",
		Border: padding == "border", Reflect: padding == "reflection", Corners: a.Bool("align_corners", false),
	}}, nil
}

// shape checks the inputs' shapes, whose extents may be Unknown.
func (k gridSample) shape(x, grid []int) ([]int, error) {
	space := len(x) - 2
	switch {
	case space < 1 || space > 3:
		return nil, checkRank(0, len(x), 3, 4, 5)
	case len(grid) != len(x):
		return nil, checkRank(1, len(grid), len(x))
	case k.sampler.Cubic && space != 2:
		return nil, Unsupportedf("cubic mode for rank %d", len(x))
	}
	want := unknownShape(len(grid))
	want[0], want[len(want)-1] = x[0], space
	if err := checkDims(1, grid, want...); err != nil {
		return nil, err
	}
	return slices.Concat(x[:2], grid[1:len(grid)-1]), nil
}

func (k gridSample) Infer(c *Infer) error {
	x, grid := c.In(0), c.In(1)
	c.Set(0, Unranked(x.DType))
	if !x.Ranked || !grid.Ranked {
		return nil
	}
	shape, err := k.shape(x.Shape, grid.Shape)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(x.DType, shape...))
	return nil
}

func (k gridSample) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	grid, err := given(c, 1)
	if err != nil {
		return err
	}
	if err := floatsBF.check(1, grid.DType()); err != nil {
		return err
	}
	switch dt := x.DType(); {
	case isHalf(dt):
		return inFloat32(c, dt, k.Run)
	case dt == tensor.Float32:
		return runGridSample[float32](c, k, x, grid)
	case dt == tensor.Float64:
		return runGridSample[float64](c, k, x, grid)
	case integers.has(dt):
		return k.integers(c, x)
	}
	return (floatsBF | integers).check(0, x.DType())
}

// integers samples in float64 and cuts off fractions.
func (k gridSample) integers(c *Ctx, x *tensor.Tensor) error {
	wide, err := c.Memory.New(tensor.Float64, slices.Clone(x.Shape()))
	if err != nil {
		return err
	}
	convertNumbers(tensor.Of[float64](wide), x)
	inner := *c
	inner.Inputs = []tensor.Value{wide, c.Value(1)}
	inner.Outputs = make([]tensor.Value, 1)
	if err := k.Run(&inner); err != nil {
		return err
	}
	result := inner.Outputs[0].(*tensor.Tensor)
	y, err := c.Out(0, x.DType(), result.Shape()...)
	if err != nil {
		return err
	}
	kernel.Truncate(tensor.Of[float64](result))
	roundTo(y, tensor.Of[float64](result))
	return nil
}

func runGridSample[T floating](c *Ctx, k gridSample, x, grid *tensor.Tensor) error {
	shape, err := k.shape(x.Shape(), grid.Shape())
	if err != nil {
		return err
	}
	places, err := reals[T](c, grid)
	if err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil || y.Len() == 0 {
		return err
	}
	s := k.sampler
	s.Dims = x.Shape()[2:]
	size, points, channels := tensor.Shape(s.Dims).Len(), tensor.Shape(shape[2:]).Len(), x.Dim(1)
	if size == 0 {
		return fmt.Errorf("input 0: has shape %v, expected at least one element to sample", x.Shape())
	}
	dst, src := tensor.Of[T](y), tensor.Of[T](x)
	rank := len(s.Dims)
	for n := range x.Dim(0) {
		out, image := dst[n*channels*points:(n+1)*channels*points], src[n*channels*size:(n+1)*channels*size]
		at := places[n*points*rank : (n+1)*points*rank]
		c.Pool().For(points, max(1, 1<<12/channels), func(lo, hi int) {
			for ; lo < hi && c.Err() == nil; lo += 1 << 12 {
				kernel.Sample(&s, out, image, at, channels, points, lo, min(lo+1<<12, hi))
			}
		})
		if err := c.Err(); err != nil {
			return err
		}
	}
	return nil
}

// affineGrid makes a sampling grid of the size in input 1, (N, C, H, W) or (N,
// C, D, H, W), from the affine maps in input 0 (N, k, k+1).
type affineGrid struct{ corners bool }

func newAffineGrid(a *Attrs) (Kernel, error) { return affineGrid{a.Bool("align_corners", false)}, nil }

func (k affineGrid) shape(theta, size []int) ([]int, error) {
	if len(size) != 4 && len(size) != 5 {
		return nil, fmt.Errorf("input 1: has %d extents, expected 4 or 5", len(size))
	}
	if err := checkExtents(1, size); err != nil {
		return nil, err
	}
	space := len(size) - 2
	if theta != nil {
		if err := checkDims(0, theta, size[0], space, space+1); err != nil {
			return nil, err
		}
	}
	return slices.Concat(size[:1], size[2:], []int{space}), nil
}

func (k affineGrid) Infer(c *Infer) error {
	theta := c.In(0)
	c.Set(0, Unranked(theta.DType))
	size, ok := c.Ints(1)
	if !ok {
		return nil
	}
	shape, err := k.shape(theta.Shape, size)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(theta.DType, shape...))
	return nil
}

func (k affineGrid) Run(c *Ctx) error {
	theta, err := given(c, 0)
	if err != nil {
		return err
	}
	if err := floatsBF.check(0, theta.DType()); err != nil {
		return err
	}
	if isHalf(theta.DType()) {
		return inFloat32(c, theta.DType(), k.Run)
	}
	size, err := c.Ints(1)
	if err != nil {
		return err
	}
	shape, err := k.shape(theta.Shape(), size)
	if err != nil {
		return err
	}
	y, err := c.Out(0, theta.DType(), shape...)
	if err != nil {
		return err
	}
	if theta.DType() == tensor.Float64 {
		affineGrids(c, tensor.Of[float64](y), tensor.Of[float64](theta), size, k.corners)
	} else {
		affineGrids(c, tensor.Of[float32](y), tensor.Of[float32](theta), size, k.corners)
	}
	return c.Err()
}

func affineGrids[T floating](c *Ctx, dst, theta []T, size []int, corners bool) {
	space := len(size) - 2
	step := tensor.Shape(size[2:]).Len() * space
	for n := range size[0] {
		if c.Err() == nil {
			kernel.AffineGrid(dst[n*step:(n+1)*step], theta[n*space*(space+1):], size[2:], corners)
		}
	}
}
