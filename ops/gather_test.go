package ops

import (
	"math"
	"testing"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

var nan = float32(math.NaN())

func TestGathers(t *testing.T) {
	x := f32([]float32{0, 1, 2, 3, 4, 5, 6, 7}, 2, 2, 2)
	nd := func(a ...*onnx.Attribute) *onnx.Node { return node("GatherND", 2, 1, a...) }
	batch := onnx.AttrInt("batch_dims", 1)
	runMoves(t, []moveCase{
		{nd(), 11, in(x, i64([]int64{0, 1, -1, 0}, 2, 2)), "float(2, 2) [2 3 4 5]"},
		{nd(), 12, in(x, i64([]int64{1, 1, 0}, 1, 3)), "float(1) [6]"},
		{nd(batch), 12, in(x, i64([]int64{1, 0}, 2, 1)), "float(2, 2) [2 3 4 5]"},
		{nd(batch), 12, in(x, i64([]int64{1, 0, 0, -1}, 2, 2)), "float(2) [2 5]"},
		{nd(batch), 11, in(x, i64([]int64{1, 0}, 2, 1)), `attribute "batch_dims": unsupported`},
		{nd(batch), 12, in(x, i64([]int64{1, 0, 0}, 3, 1)), "input 1: has extent 3 at dimension 0, expected 2"},
		{nd(), 13, in(x, i64([]int64{0, 2}, 1, 2)), "input 1: index 2 is out of range for extent 2"},
		{nd(), 13, in(x, i64(make([]int64, 4), 1, 4)), "input 1: has extent 4 at dimension 1, expected 1 to 3"},
		{nd(), 13, in(x, tensor.Must([]int32{0}, 1, 1)), "input 1: has type int32, expected int64"},
		{nd(), 13, in(tensor.Must([]string{"a", "b"}, 2), i64([]int64{1}, 1, 1)), `string(1)["b"]`},
		{node("GatherElements", 2, 1), 13, in(x, i64([]int64{0}, 1)), "input 1: has rank 1, expected 3"},
		{node("GatherElements", 2, 1), 13, in(row(1, 2), list(-3)), "input 1: index -3 is out of range for extent 2"},
		{node("GatherElements", 2, 1), 13, in(x, i64(make([]int64, 6), 1, 3, 2)), "input 1: has extent 3 at dimension 1, expected at most 2"},
		{node("GatherElements", 2, 1), 13, in(row(1, 2), list()), "float(0) []"},
	})
}

func TestScatters(t *testing.T) {
	el := func(a ...*onnx.Attribute) *onnx.Node { return node("ScatterElements", 3, 1, a...) }
	nd := func(a ...*onnx.Attribute) *onnx.Node { return node("ScatterND", 3, 1, a...) }
	how := func(s string) *onnx.Attribute { return onnx.AttrString("reduction", s) }
	half := func(v ...float64) *tensor.Tensor {
		h := make([]tensor.F16, len(v))
		for i := range v {
			h[i] = tensor.ToF16(v[i])
		}
		return tensor.Must(h, len(h))
	}
	m := f32(make([]float32, 6), 2, 3)
	bits := func(v ...bool) *tensor.Tensor { return tensor.Must(v, len(v)) }
	runMoves(t, []moveCase{
		{el(), 11, in(row(0, 0, 0), list(2, 0), row(7, 8)), "float(3) [8 0 7]"},
		{node("Scatter", 3, 1), 9, in(row(0, 0, 0), list(-1), row(7)), "float(3) [0 0 7]"},
		{el(onnx.AttrInt("axis", 1)), 13, in(m, i64([]int64{2, 1}, 2, 1), f32([]float32{5, 6}, 2, 1)), "float(2, 3) [0 0 5 0 6 0]"},
		{el(), 13, in(m, i64([]int64{1, 0, 1}, 1, 3), f32([]float32{5, 6, 7}, 1, 3)), "float(2, 3) [0 6 0 5 0 7]"},
		{el(how("add")), 16, in(row(1, 2), list(0, 0, 1), row(10, 20, 30)), "float(2) [31 32]"},
		{el(how("mul")), 16, in(row(2, 3), list(0, 0, 1), row(5, 7, -1)), "float(2) [70 -3]"},
		{el(how("max")), 18, in(row(2, 3, 4), list(0, 1, 2), row(5, 1, nan)), "float(3) [5 3 NaN]"},
		{el(how("min")), 18, in(list(2, 3), list(0, 1), list(5, 1)), "int64(2) [2 1]"},
		{el(how("add")), 18, in(tensor.Must([]uint8{250}, 1), list(0), tensor.Must([]uint8{10}, 1)), "uint8(1) [4]"},
		{el(how("add")), 18, in(half(2048), list(0, 0), half(1, 1)), "float16(1) [0 104]"}, // rounded each time: 2048
		{el(how("add")), 18, in(bits(false, true, false), list(0, 1), bits(true, false)), "bool(3) [true true false]"},
		{el(how("mul")), 18, in(bits(true, true), list(0), bits(false)), "bool(2) [false true]"},
		{el(how("max")), 16, in(row(1), list(0), row(1)), `attribute "reduction": is "max", expected one of none, add, mul`},
		{el(how("add")), 13, in(row(1), list(0), row(1)), `attribute "reduction": unsupported`},
		{el(how("add")), 18, in(tensor.Must([]string{"a"}, 1), list(0), tensor.Must([]string{"b"}, 1)), `attribute "reduction" add for type string: unsupported`},
		{el(), 13, in(row(1), list(0), list(1)), "input 2: has type int64, expected float like input 0"},
		{el(), 13, in(row(1), list(0), row(1, 2)), "input 2: has shape (2), expected (1) like input 1"},
		{el(), 13, in(row(1), list(1), row(1)), "input 1: index 1 is out of range for extent 1"},

		{nd(), 11, in(m, i64([]int64{1, -1, 0, 0}, 2, 2), row(8, 9)), "float(2, 3) [9 0 0 0 0 8]"},
		{nd(), 13, in(m, i64([]int64{-1}, 1, 1), f32([]float32{1, 2, 3}, 1, 3)), "float(2, 3) [0 0 0 1 2 3]"},
		{nd(how("add")), 16, in(m, i64([]int64{1, 1}, 2, 1), f32([]float32{1, 2, 3, 10, 20, 30}, 2, 3)), "float(2, 3) [0 0 0 11 22 33]"},
		{nd(how("min")), 18, in(row(5, 6), i64([]int64{1}, 1, 1), row(nan)), "float(2) [5 NaN]"},
		{nd(), 18, in(tensor.Must([]string{"a", "b"}, 2), i64([]int64{1}, 1, 1), tensor.Must([]string{"c"}, 1)), `string(2)["a" "c"]`},
		{nd(), 18, in(m, i64([]int64{0}, 1, 1), row(1)), "input 2: has shape (1), expected (1, 3)"},
	})
}

func TestTensorScatter(t *testing.T) {
	cache := f32(make([]float32, 8), 2, 4, 1)
	update := f32([]float32{1, 2, 3, 4}, 2, 2, 1)
	n := func(inputs int, a ...*onnx.Attribute) *onnx.Node { return node("TensorScatter", inputs, 1, a...) }
	circular := onnx.AttrString("mode", "circular")
	runMoves(t, []moveCase{
		{n(2), 24, in(cache, update), "float(2, 4, 1) [1 2 0 0 3 4 0 0]"},
		{n(3), 24, in(cache, update, list(1, 2)), "float(2, 4, 1) [0 1 2 0 0 0 3 4]"},
		{n(3, circular), 24, in(cache, update, list(3, 6)), "float(2, 4, 1) [2 0 0 1 0 0 3 4]"},
		{n(3), 24, in(cache, update, list(3, 0)), "input 2: index 3 of batch entry 0 doesn't leave room for 2 of 4"},
		{n(3, circular), 24, in(cache, update, list(-1, 0)), "input 2: index -1 of batch entry 0 doesn't leave room for 2 of 4"},
		{n(2, onnx.AttrInt("axis", 0)), 24, in(cache, update), "axis 0 is the batch axis of rank 3"},
		{n(2), 24, in(cache, row(1)), "input 1: has shape (1), which doesn't fit (2, 4, 1) along axis 1"},
	})
}

func TestChoices(t *testing.T) {
	hot := func(a ...*onnx.Attribute) *onnx.Node { return node("OneHot", 3, 1, a...) }
	values, depth := row(0, 9), tensor.Scalar[int64](3)
	axis := func(v int64) *onnx.Attribute { return onnx.AttrInt("axis", v) }
	neg := float32(math.Copysign(0, -1))
	square := f32([]float32{1, 2, 3, 4, 5, 6, 7, 8, 9}, 3, 3)
	keep := tensor.Must([]bool{false, true}, 2)
	trilu := func(a ...*onnx.Attribute) *onnx.Node { return node("Trilu", 2, 1, a...) }
	lower := onnx.AttrInt("upper", 0)
	runMoves(t, []moveCase{
		{hot(), 11, in(list(0, -1, 5), depth, values), "float(3, 3) [9 0 0 0 0 9 0 0 0]"},
		{hot(axis(0)), 11, in(list(0, 2), depth, values), "float(3, 2) [9 0 0 0 0 9]"},
		{hot(), 11, in(tensor.Scalar(float32(1.9)), tensor.Must([]float32{2}, 1), tensor.Must([]string{"no", "yes"}, 2)), `string(2)["no" "yes"]`},
		{hot(), 11, in(list(0), tensor.Scalar[int64](-1), values), "input 1: is -1, expected a depth of 0 to 1099511627776"},
		{hot(), 11, in(list(0), list(1, 2), values), "input 1: has shape (2), expected one element"},
		{hot(), 11, in(list(0), depth, row(1)), "input 2: has shape (1), expected (2)"},
		{hot(axis(2)), 11, in(list(0), depth, values), "axis 2 is out of range for rank 2"},

		{node("NonZero", 1, 1), 13, in(f32([]float32{0, 2, neg, nan}, 2, 2)), "int64(2, 2) [0 1 1 1]"},
		{node("NonZero", 1, 1), 13, in(tensor.Must([]tensor.F16{0x8000, 1}, 2)), "int64(1, 1) [1]"},
		{node("NonZero", 1, 1), 13, in(tensor.Must([]string{"", "x"}, 2)), "int64(1, 1) [1]"},
		{node("NonZero", 1, 1), 13, in(tensor.Scalar(true)), "int64(1, 1) [0]"},
		{node("NonZero", 1, 1), 13, in(f32(nil, 0, 2)), "int64(2, 0) []"},

		{trilu(), 14, in(square, list(1)), "float(3, 3) [0 2 3 0 0 6 0 0 0]"},
		{trilu(lower), 14, in(square, tensor.Scalar[int64](-1)), "float(3, 3) [0 0 0 4 0 0 7 8 0]"},
		{trilu(), 14, in(square, list(1<<63-1)), "float(3, 3) [0 0 0 0 0 0 0 0 0]"},
		{trilu(lower), 14, in(square, list(1<<62)), "float(3, 3) [1 2 3 4 5 6 7 8 9]"},
		{trilu(), 14, in(square, list(-1<<63)), "float(3, 3) [1 2 3 4 5 6 7 8 9]"},
		{node("Trilu", 1, 1), 14, in(row(1)), "input 0: has rank 1, expected at least 2"},

		{node("Compress", 2, 1, axis(1)), 11, in(square, keep), "float(3, 1) [2 5 8]"},
		{node("Compress", 2, 1), 11, in(square, keep), "float(1) [2]"},
		{node("Compress", 2, 1, axis(-1)), 11, in(row(1), keep), "input 1: has 2 conditions for extent 1"},
		{node("Compress", 2, 1), 11, in(square, row(1)), "input 1: is float(1), expected bool of rank 1"},

		{node("Unique", 1, 4), 11, in(row(2, nan, 1, 2, nan)), "float(3) [1 2 NaN] | int64(3) [2 0 1] | int64(5) [1 2 0 1 2] | int64(3) [1 2 2]"},
		{node("Unique", 1, 4, onnx.AttrInt("sorted", 0)), 11, in(row(2, 1, 2, 0)), "float(3) [2 1 0] | int64(3) [0 1 3] | int64(4) [0 1 0 2] | int64(3) [2 1 1]"},
		{node("Unique", 1, 1, axis(1)), 11, in(f32([]float32{3, 1, 3, 0, 5, 0}, 2, 3)), "float(2, 2) [1 3 5 0]"},
		{node("Unique", 1, 1), 11, in(tensor.Must([]string{"b", "a", "b"}, 3)), `string(2)["a" "b"]`},
		{node("Unique", 1, 1), 11, in(f32(nil, 0)), "float(0) []"},

		{node("ReverseSequence", 2, 1), 10, in(square, list(1, 2, 4)), "input 1: length 4 is out of range for extent 3"},
		{node("ReverseSequence", 2, 1, onnx.AttrInt("time_axis", 1)), 10, in(square, list(1, 2, 3)), `attribute "time_axis": is 1, expected 0 beside batch_axis 1`},
	})
}

// Each mode of Pad extends a row as numpy.pad does; what is cropped is gone
// before the rest is mirrored.
func TestPads(t *testing.T) {
	pad := func(mode string) *onnx.Node { return node("Pad", 2, 1, onnx.AttrString("mode", mode)) }
	x, m := row(1, 2, 3), f32([]float32{1, 2, 3, 4}, 2, 2)
	runMoves(t, []moveCase{
		{pad("constant"), 13, in(x, list(1, 2)), "float(6) [0 1 2 3 0 0]"},
		{pad("constant"), 13, in(x, list(-1, 1)), "float(3) [2 3 0]"},
		{pad("constant"), 13, in(x, list(-2, -1)), "float(0) []"},
		{pad("reflect"), 13, in(x, list(2, 1)), "float(6) [3 2 1 2 3 2]"},
		{pad("reflect"), 13, in(x, list(5, 4)), "float(12) [2 1 2 3 2 1 2 3 2 1 2 3]"},
		{pad("reflect"), 13, in(row(7), list(2, 1)), "float(4) [7 7 7 7]"},
		{pad("edge"), 13, in(x, list(2, 1)), "float(6) [1 1 1 2 3 3]"},
		{pad("edge"), 13, in(x, list(-1, 1)), "float(3) [2 3 3]"},
		{pad("wrap"), 19, in(x, list(4, 1)), "float(8) [3 1 2 3 1 2 3 1]"},
		{pad("wrap"), 18, in(x, list(1, 1)), `attribute "mode": is "wrap", expected one of constant, reflect, edge`},
		{pad("reflect"), 13, in(m, list(1, 1, 0, 1)), "float(3, 4) [4 3 4 3 2 1 2 1 4 3 4 3]"},
		{pad("edge"), 13, in(m, list(0, 1, 1, 0)), "float(3, 3) [1 1 2 3 3 4 3 3 4]"},
		{pad("edge"), 13, in(f32(nil, 0), list(1, 0)), "dimension 0 has no elements to pad with"},
		{node("Pad", 3, 1), 13, in(x, list(1, 0), tensor.Scalar[float32](9)), "float(4) [9 1 2 3]"},
		{node("Pad", 3, 1), 13, in(tensor.Must([]string{"a"}, 1), list(0, 1), tensor.Must([]string{"z"})), `string(2)["a" "z"]`},
		{node("Pad", 4, 1), 18, in(m, list(1, 0), nil, list(-1)), "float(2, 3) [0 1 2 0 3 4]"},
		{node("Pad", 1, 1, onnx.AttrInts("pads", 0, 1), onnx.AttrFloat("value", 5)), 10, in(x), "float(4) [1 2 3 5]"},
		{node("Pad", 1, 1, onnx.AttrInts("paddings", 0, 1)), 1, in(x), "float(4) [1 2 3 0]"},
		{pad("constant"), 13, in(x, list(1)), "there are 1 pads for 1 axes, expected 2"},
		{pad("constant"), 13, in(x, list(-4, 0)), "pads -4 and 0 remove more than extent 3 at dimension 0"},
		{pad("constant"), 13, in(x, list(1<<63-1, 0)), "extent 3 plus 9223372036854775807 is more than memory can address"},
		{node("Pad", 3, 1), 13, in(x, list(1, 0), list(9)), "input 2: is int64(1), expected one element of type float"},

		{node("CenterCropPad", 2, 1), 18, in(row(1, 2, 3, 4), list(1)), "float(1) [2]"},
		{node("CenterCropPad", 2, 1), 18, in(row(1, 2), list(5)), "float(5) [0 1 2 0 0]"},
		{node("CenterCropPad", 2, 1, onnx.AttrInts("axes", -1)), 18, in(m, list(3)), "float(2, 3) [1 2 0 3 4 0]"},
		{node("CenterCropPad", 2, 1), 18, in(m, list(3)), "input 1: has 1 extents, expected 2"},
	})
}
