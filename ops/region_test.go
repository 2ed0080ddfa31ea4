package ops

import (
	"testing"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

func TestNonMaxSuppression(t *testing.T) {
	// Boxes 0 and 1 share 9 of 11 columns; box 2 lies apart, box 3 is box 2
	// with its corners swapped.
	boxes := f32([]float32{0, 0, 1, 10, 0, 1, 1, 11, 5, 5, 6, 6, 6, 6, 5, 5}, 1, 4, 4)
	scores := f32([]float32{0.6, 0.9, 0.3, 0.3}, 1, 1, 4)
	one := func(v float32) *tensor.Tensor { return row(v) }
	n := func(inputs int, a ...*onnx.Attribute) *onnx.Node {
		return node("NonMaxSuppression", inputs, 1, a...)
	}
	runMoves(t, []moveCase{
		{n(2), 11, in(boxes, scores), "int64(0, 3) []"},
		{n(4), 11, in(boxes, scores, list(9), one(0.5)), "int64(2, 3) [0 0 1 0 0 2]"},
		{n(4), 11, in(boxes, scores, list(9), one(0.9)), "int64(3, 3) [0 0 1 0 0 0 0 0 2]"},
		{n(3), 10, in(boxes, scores, list(1)), "int64(1, 3) [0 0 1]"},
		{n(5), 11, in(boxes, scores, list(9), one(0.9), one(0.6)), "int64(1, 3) [0 0 1]"},
		{n(4, onnx.AttrInt("center_point_box", 1)), 11, in(f32([]float32{5, 0, 10, 1, 6, 0, 10, 1}, 1, 2, 4), f32([]float32{1, 2}, 1, 1, 2), list(9), one(0.8)), "int64(1, 3) [0 0 1]"},
		{n(2), 11, in(boxes, f32([]float32{1}, 1, 1, 1)), "input 1: has shape (1, 1, 1), expected (1, -1, 4)"},
		{n(3), 11, in(boxes, scores, one(1)), "input 2: is float(1), expected one int64"},
	})
}

func TestRegions(t *testing.T) {
	x := f32([]float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 1, 1, 4, 4)
	roi := func(v ...float32) *tensor.Tensor { return f32(v, 1, len(v)) }
	align := func(a ...*onnx.Attribute) *onnx.Node {
		return node("RoiAlign", 3, 1, append(a, onnx.AttrInt("output_height", 2), onnx.AttrInt("output_width", 2))...)
	}
	pool := func() *onnx.Node {
		return node("MaxRoiPool", 2, 1, onnx.AttrInts("pooled_shape", 2, 2))
	}
	whole := onnx.AttrString("coordinate_transformation_mode", "output_half_pixel")
	runMoves(t, []moveCase{
		// A plane that rises evenly has its bins' centres as means.
		{align(), 16, in(x, roi(1, 1, 3, 3), list(0)), "float(1, 1, 2, 2) [6 7 10 11]"},
		{align(whole), 16, in(x, roi(1, 1, 3, 3), list(0)), "float(1, 1, 2, 2) [8.5 9.5 12.5 13.5]"},
		{align(), 10, in(x, roi(1, 1, 3, 3), list(0)), "float(1, 1, 2, 2) [8.5 9.5 12.5 13.5]"},
		{align(onnx.AttrInt("sampling_ratio", 2)), 16, in(x, roi(1, 1, 3, 3), list(-1)), "float(1, 1, 2, 2) [6 7 10 11]"},
		{align(), 16, in(x, roi(50, 50, 52, 52), list(0)), "float(1, 1, 2, 2) [0 0 0 0]"},
		{align(), 16, in(x, roi(1, 1, 1, 1), list(0)), "float(1, 1, 2, 2) [0 0 0 0]"},
		{align(), 16, in(x, roi(0, 0, 1e30, 1), list(0)), "input 1: a region of 1.0000000150474662e+30 by 1 is too large"},
		{align(), 16, in(x, roi(0, 0, 1, 1), list(1)), "input 2: index 1 is out of range for extent 1"},
		{align(), 16, in(x, roi(0, 0, 1), list(0)), "input 1: has shape (1, 3), expected (-1, 4)"},
		{align(whole), 10, in(x, roi(0, 0, 1, 1), list(0)), `attribute "coordinate_transformation_mode": unsupported`},
		{pool(), 7, in(x, roi(0, 0, 0, 3, 3)), "float(1, 1, 2, 2) [6 8 14 16]"},
		{pool(), 7, in(x, roi(0, 1, 1, 2, 2)), "float(1, 1, 2, 2) [6 7 10 11]"},
		{pool(), 7, in(x, roi(0, 9, 9, 12, 12)), "float(1, 1, 2, 2) [0 0 0 0]"},
		{pool(), 7, in(x, roi(1, 0, 0, 3, 3)), "input 1: region 0 is of image 1, expected 0 to 0"},
		{node("MaxRoiPool", 2, 1, onnx.AttrInts("pooled_shape", 0, 2)), 7, in(x, roi(0, 0, 0, 3, 3)), `attribute "pooled_shape": is [0 2], expected two extents of 1 to 65536`},
	})
}

// Without overlap Col2Im is a rearrangement; with it, values add up, as
// PyTorch's fold has them.
func TestCol2Im(t *testing.T) {
	x := f32([]float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 1, 4, 3)
	n := func(a ...*onnx.Attribute) *onnx.Node { return node("Col2Im", 3, 1, a...) }
	runMoves(t, []moveCase{
		{n(), 18, in(x, list(2, 4), list(2, 2)), "float(1, 1, 2, 4) [1 6 8 6 7 18 20 12]"},
		{n(onnx.AttrInts("strides", 2)), 18, in(f32([]float32{1, 2, 3, 4}, 1, 2, 2), list(4), list(2)), "float(1, 1, 4) [1 3 2 4]"},
		{n(onnx.AttrInts("pads", 1, 0), onnx.AttrInts("dilations", 2)), 18, in(f32([]float32{1, 2, 3, 4, 5, 6}, 1, 2, 3), list(4), list(2)), "float(1, 1, 4) [2 7 5 6]"},
		{n(), 18, in(x, list(2, 5), list(2, 2)), "input 0: has shape (1, 4, 3), expected (-1, -1, 4)"},
		{n(), 18, in(x, list(2, 3), list(2, 3)), "input 0: has shape (1, 4, 3), expected (-1, -1, 1)"},
		{n(), 18, in(x, list(1, 4), list(2, 2)), "a block of 2 doesn't fit extent 1 at dimension 0"},
		{n(onnx.AttrInts("strides", 0)), 18, in(x, list(2, 4), list(2, 2)), `attribute "strides": has 0, expected 1 to 1073741824`},
		{n(), 18, in(words("a"), list(2), list(2)), "input 0: has shape (1), expected (-1, -1, 1)"},
	})
}
