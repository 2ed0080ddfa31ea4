package ops

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// near holds an output against figures with few digits.
func near(t *testing.T, want []float32, y *tensor.Tensor) {
	t.Helper()
	got := tensor.Of[float32](y)
	require.Len(t, got, len(want))
	for i := range want {
		require.InDelta(t, want[i], got[i], 2e-5*(1+math.Abs(float64(want[i]))), "element %d of %v", i, got)
	}
}

func str(name, v string) *onnx.Attribute { return onnx.AttrString(name, v) }

// The figures are PyTorch's, from torch.nn.functional.interpolate.
func TestResizeIsInterpolate(t *testing.T) {
	image := f32([]float32{1, 2, 4, 8, 16, 32}, 1, 1, 2, 3)
	line := f32([]float32{1, 5, 2, 8}, 1, 1, 4)
	half, corners := str("coordinate_transformation_mode", "half_pixel"), str("coordinate_transformation_mode", "align_corners")
	cubic := func(c *onnx.Attribute) []*onnx.Attribute {
		return []*onnx.Attribute{str("mode", "cubic"), c, onnx.AttrFloat("cubic_coeff_a", -0.75)}
	}
	for _, c := range []struct {
		name  string
		attrs []*onnx.Attribute
		x     *tensor.Tensor
		sizes *tensor.Tensor
		want  []float32
	}{
		{"bilinear", []*onnx.Attribute{str("mode", "linear"), half}, image, list(1, 1, 3, 5),
			[]float32{1, 1.4, 2, 3.2, 4, 4.5, 6.3, 9, 14.4, 18, 8, 11.2, 16, 25.6, 32}},
		{"bilinear, corners", []*onnx.Attribute{str("mode", "linear"), corners}, image, list(1, 1, 3, 5),
			[]float32{1, 1.5, 2, 3, 4, 4.5, 6.75, 9, 13.5, 18, 8, 12, 16, 24, 32}},
		{"bicubic", cubic(half), image, list(1, 1, 3, 5),
			[]float32{0.354695, 0.488097, 0.784722, 1.293222, 1.644778, 4.068001, 5.598003, 9, 14.832001, 18.864, 7.781307, 10.707909, 17.215279, 28.370777, 36.083221}},
		{"bicubic, corners", cubic(corners), image, list(1, 1, 3, 5),
			[]float32{1, 1.3125, 2, 3.09375, 4, 4.5, 5.90625, 9, 13.921875, 18, 8, 10.5, 16, 24.75, 32}},
		{"nearest", []*onnx.Attribute{str("coordinate_transformation_mode", "asymmetric"), str("nearest_mode", "floor")}, image, list(1, 1, 3, 5),
			[]float32{1, 1, 2, 2, 4, 1, 1, 2, 2, 4, 8, 8, 16, 16, 32}},
		{"linear, shrinking", []*onnx.Attribute{str("mode", "linear"), str("coordinate_transformation_mode", "pytorch_half_pixel")}, line, list(1, 1, 2), []float32{3, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, opset := range []int64{11, 13, 18, 19} {
				n := node("Resize", 4, 1, c.attrs...)
				ins := in(c.x, row(), row(), c.sizes)
				if opset > 11 {
					ins[1], ins[2] = nil, nil
				}
				y, err := run(t, n, opset, ins...)
				require.NoError(t, err)
				near(t, c.want, y[0])
			}
		})
	}
	long := f32([]float32{1, 5, 2, 8, 3, 7, 4, 6}, 1, 1, 1, 8)
	y, err := run(t, node("Resize", 4, 1, str("mode", "linear"), onnx.AttrInt("antialias", 1), onnx.AttrInt("exclude_outside", 1)), 18, long, nil, nil, list(1, 1, 1, 3))
	require.NoError(t, err)
	near(t, []float32{3.368421, 5.119048, 5.210526}, y[0])
}

// Where a factor makes a fractional length the corners are those of whole elements, as
// for torch.nn.functional.interpolate with scale_factor=1.7.
func TestResizeCornersByScales(t *testing.T) {
	line := f32([]float32{1, 5, 2, 8}, 1, 1, 4)
	n := node("Resize", 3, 1, str("mode", "linear"), str("coordinate_transformation_mode", "align_corners"))
	y, err := run(t, n, 13, line, nil, row(1, 1, 1.7))
	require.NoError(t, err)
	near(t, []float32{1, 3.4, 4.4, 2.6, 4.4, 8}, y[0])
}

func TestResizeForms(t *testing.T) {
	scales := func(v ...float32) *tensor.Tensor { return row(v...) }
	r := func(a ...*onnx.Attribute) *onnx.Node { return node("Resize", 3, 1, a...) }
	sized := func(a ...*onnx.Attribute) *onnx.Node { return node("Resize", 4, 1, a...) }
	keep := func(s string) *onnx.Attribute { return str("keep_aspect_ratio_policy", s) }
	crop := []*onnx.Attribute{str("coordinate_transformation_mode", "tf_crop_and_resize"), str("mode", "linear"), onnx.AttrFloat("extrapolation_value", 9)}
	x, plane := row(1, 2, 3, 4), f32([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	asymmetric := str("coordinate_transformation_mode", "asymmetric")
	runMoves(t, []moveCase{
		{r(), 13, in(x, nil, scales(0.5)), "float(2) [1 3]"},
		{r(str("nearest_mode", "round_prefer_ceil")), 13, in(x, nil, scales(0.5)), "float(2) [2 4]"},
		{r(asymmetric, str("nearest_mode", "ceil")), 13, in(x, nil, scales(1.5)), "float(6) [1 2 3 3 4 4]"},
		{r(), 13, in(tensor.Must([]string{"a", "b"}, 2), nil, scales(2)), `string(4)["a" "a" "b" "b"]`},
		{r(str("mode", "linear")), 13, in(tensor.Must([]uint8{0, 255}, 2), nil, scales(2)), "uint8(4) [0 64 191 255]"},
		{r(str("mode", "cubic")), 13, in(tensor.Must([]uint8{0, 255}, 2), nil, scales(2)), "uint8(4) [0 58 197 255]"},
		{r(str("mode", "linear")), 13, in(tensor.Must([]bool{true}, 1), nil, scales(2)), "input 0: has type bool, expected float, uint8, int8, uint16, int16, int32, int64, float16, double, uint32, uint64, bfloat16"},
		{r(crop...), 13, in(x, scales(0.5, 1.5), scales(1)), "float(4) [2.5 3.5 9 9]"},
		{r(crop...), 13, in(x, nil, scales(1)), "the region of interest has 0 values for 1 axes, expected 2"},
		{sized(onnx.AttrInts("axes", 1)), 18, in(plane, nil, nil, list(1)), "float(2, 1) [2 5]"},
		{sized(keep("not_larger")), 18, in(plane, nil, nil, list(9, 6)), "float(4, 6) [1 1 2 2 3 3 1 1 2 2 3 3 4 4 5 5 6 6 4 4 5 5 6 6]"},
		{sized(keep("not_smaller"), onnx.AttrInts("axes", 1, 0)), 18, in(plane, nil, nil, list(1, 2)), "float(2, 3) [1 2 3 4 5 6]"},
		{sized(), 18, in(plane, nil, scales(1, 1), list(1, 2)), "both scales and sizes are given, expected one of them"},
		{node("Resize", 1, 1), 18, in(plane), "neither scales nor sizes are given, expected one of them"},
		{r(), 13, in(x, nil, scales(1, 2)), "there are 2 scales, expected one for each of 1 axes"},
		{r(), 13, in(x, nil, scales(-1)), "scale -1 gives extent 4 no size"},
		{r(), 13, in(x, nil, scales(1e30)), "scale 1e+30 gives extent 4 no size"},
		{sized(), 13, in(f32(nil, 0), nil, nil, list(3)), "extent 0 can't take size 3"},
		{r(onnx.AttrInt("antialias", 1)), 18, in(x, nil, scales(0.5)), `attribute "antialias": is 1, expected 0 for mode nearest`},
		{r(onnx.AttrInts("axes", 0)), 13, in(x, nil, scales(0.5)), `attribute "axes": unsupported`},
		{node("Resize", 2, 1), 10, in(x, scales(1.5)), "float(6) [1 1 2 3 3 4]"},
		{node("Resize", 2, 1), 10, in(x, scales(0.75)), "float(3) [1 3 4]"},
		{node("Upsample", 2, 1, str("mode", "linear")), 9, in(x, scales(2)), "float(8) [1 1.5 2 2.5 3 3.5 4 4]"},
		{node("Upsample", 1, 1, onnx.AttrFloats("scales", 2)), 7, in(x), "float(8) [1 1 2 2 3 3 4 4]"},
		{node("Upsample", 1, 1, onnx.AttrFloat("height_scale", 1), onnx.AttrFloat("width_scale", 2)), 1, in(f32([]float32{1, 2}, 1, 1, 1, 2)), "float(1, 1, 1, 4) [1 1 2 2]"},
	})
}

// The figures are PyTorch's, from torch.nn.functional.grid_sample.
func TestGridSampleIsPyTorch(t *testing.T) {
	x := f32([]float32{1, 2, 4, 8, 16, 32}, 1, 1, 2, 3)
	grid := f32([]float32{-1, -1, 0.3, -0.2, 1.4, 0.9, -2.1, 3.7, 0, 0, 1, 1}, 1, 1, 6, 2)
	for _, c := range []struct {
		mode, padding string
		corners       int64
		want          []float32
	}{
		{"linear", "zeros", 0, []float32{0.25, 8.99, 0, 0, 9, 8}},
		{"linear", "zeros", 1, []float32{1, 9.88, 18.36, 0, 9, 32}},
		{"linear", "border", 0, []float32{1, 8.99, 32, 8, 9, 32}},
		{"linear", "border", 1, []float32{1, 9.88, 30.6, 8, 9, 32}},
		{"linear", "reflection", 0, []float32{1, 8.99, 30.4, 5.519996, 9, 32}},
		{"linear", "reflection", 1, []float32{1, 9.88, 24.48, 7.589998, 9, 32}},
		{"nearest", "zeros", 0, []float32{1, 2, 0, 0, 2, 0}},
		{"nearest", "border", 1, []float32{1, 2, 32, 8, 2, 32}},
		{"nearest", "reflection", 0, []float32{1, 2, 32, 2, 2, 32}},
		{"cubic", "zeros", 0, []float32{-0.063477, 11.438176, -1.373436, 0, 10.6875, 10.185547}},
		{"cubic", "zeros", 1, []float32{1, 12.571898, 21.304916, 0.0539, 10.6875, 32}},
		{"cubic", "border", 0, []float32{0.311523, 8.828643, 35.023968, 7.999996, 9, 36.248047}},
		{"cubic", "border", 1, []float32{1, 9.91521, 32.56781, 8.000002, 9, 32}},
		{"cubic", "reflection", 0, []float32{-0.253906, 8.828643, 35.583855, 5.215412, 9, 40.742188}},
		{"cubic", "reflection", 1, []float32{1, 9.570164, 27.917744, 6.652642, 9, 32}},
	} {
		t.Run(c.mode+" "+c.padding, func(t *testing.T) {
			old := map[string]string{"linear": "bilinear", "cubic": "bicubic", "nearest": "nearest"}[c.mode]
			for opset, mode := range map[int64]string{16: old, 20: c.mode, 22: c.mode} {
				y, err := run(t, node("GridSample", 2, 1, str("mode", mode), str("padding_mode", c.padding), onnx.AttrInt("align_corners", c.corners)), opset, x, grid)
				require.NoError(t, err)
				near(t, c.want, y[0])
			}
		})
	}
	cube := f32([]float32{0, 1, 2, 3, 4, 5, 6, 7}, 1, 1, 2, 2, 2)
	places := f32([]float32{-0.5, 0.2, 0.9, 1.2, 0, -1}, 1, 1, 1, 2, 3)
	y, err := run(t, node("GridSample", 2, 1), 20, cube, places)
	require.NoError(t, err)
	near(t, []float32{3.24, 0.3}, y[0])
}

func TestGridEdges(t *testing.T) {
	inf := float32(math.Inf(1))
	x := f32([]float32{inf, 2}, 1, 1, 1, 2)
	grid := func(v ...float32) *tensor.Tensor { return f32(v, 1, 1, len(v)/2, 2) }
	nearest := str("mode", "nearest")
	theta := f32([]float32{1, 0.5, 0.25, -0.5, 2, 0}, 1, 2, 3)
	runMoves(t, []moveCase{
		{node("GridSample", 2, 1, nearest), 20, in(x, grid(-0.5, 0, 0.5, 0)), "float(1, 1, 1, 2) [+Inf 2]"},
		{node("GridSample", 2, 1, nearest, str("padding_mode", "reflection")), 20, in(x, grid(inf, -inf, nan, nan)), "float(1, 1, 1, 2) [+Inf +Inf]"},
		{node("GridSample", 2, 1, str("padding_mode", "reflection"), onnx.AttrInt("align_corners", 1)), 20, in(x, grid(1, 5)), "float(1, 1, 1, 1) [NaN]"},
		{node("GridSample", 2, 1, nearest), 20, in(tensor.Must([]int32{3, 4}, 1, 1, 1, 2), grid(0.5, 0)), "int32(1, 1, 1, 1) [4 0 0 0]"},
		{node("GridSample", 2, 1), 20, in(x, row(1)), "input 1: has rank 1, expected 4"},
		{node("GridSample", 2, 1), 20, in(x, f32(make([]float32, 3), 1, 1, 1, 3)), "input 1: has shape (1, 1, 1, 3), expected (1, -1, -1, 2)"},
		{node("GridSample", 2, 1, str("mode", "cubic")), 20, in(f32(make([]float32, 8), 1, 1, 2, 2, 2), f32(make([]float32, 3), 1, 1, 1, 1, 3)), "cubic mode for rank 5: unsupported"},
		{node("GridSample", 2, 1), 20, in(tensor.Must([]string{"a"}, 1, 1, 1, 1), grid(0, 0)), "input 0: has type string, expected float, uint8, int8, uint16, int16, int32, int64, float16, double, uint32, uint64, bfloat16"},
		{node("AffineGrid", 2, 1), 20, in(theta, list(1, 1, 2)), "input 1: has 3 extents, expected 4 or 5"},
		{node("AffineGrid", 2, 1), 20, in(theta, list(2, 1, 2, 3)), "input 0: has shape (1, 2, 3), expected (2, 2, 3)"},
	})
	y, err := run(t, node("AffineGrid", 2, 1), 20, theta, list(1, 1, 2, 3))
	require.NoError(t, err)
	near(t, []float32{-0.666667, -0.666667, 0, -1, 0.666667, -1.333333, -0.166667, 1.333333, 0.5, 1, 1.166667, 0.666667}, y[0])
	y, err = run(t, node("AffineGrid", 2, 1, onnx.AttrInt("align_corners", 1)), 20, theta, list(1, 1, 2, 3))
	require.NoError(t, err)
	near(t, []float32{-1.25, -1.5, -0.25, -2, 0.75, -2.5, -0.25, 2.5, 0.75, 2, 1.75, 1.5}, y[0])
}
