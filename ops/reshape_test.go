package ops

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// moveCase is a node, its inputs and what comes out: every output written by
// show, joined by a bar, or the error.
type moveCase struct {
	n     *onnx.Node
	opset int64
	in    []*tensor.Tensor
	want  string
}

func runMoves(t *testing.T, cases []moveCase) {
	t.Helper()
	for _, c := range cases {
		out, err := run(t, c.n, c.opset, c.in...)
		var got []string
		for _, y := range out {
			if y != nil {
				got = append(got, show(y))
			}
		}
		if err != nil {
			got = []string{err.Error()}
		}
		require.Equal(t, ofInt(c.want), ofInt(strings.Join(got, " | ")), "%s, opset %d", c.n.OpType, c.opset)
	}
}

func list(v ...int64) *tensor.Tensor          { return i64(v, len(v)) }
func row(v ...float32) *tensor.Tensor         { return f32(v, len(v)) }
func in(x ...*tensor.Tensor) []*tensor.Tensor { return x }
func with(x *tensor.Tensor, shape ...int) *tensor.Tensor { // x in another shape
	y, err := x.Reshaped(shape...)
	if err != nil {
		panic(err)
	}
	return y
}

func TestReshapes(t *testing.T) {
	x := f32([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	none, batch := f32(nil, 0, 3, 4), f32(nil, 0, 3)
	reshape := func(attrs ...*onnx.Attribute) *onnx.Node { return node("Reshape", 2, 1, attrs...) }
	zero := onnx.AttrInt("allowzero", 1)
	runMoves(t, []moveCase{
		{node("Reshape", 1, 1, onnx.AttrInts("shape", 3, -1)), 1, in(x), "float(3, 2) [1 2 3 4 5 6]"},
		{reshape(), 5, in(x, list(6)), "float(6) [1 2 3 4 5 6]"},
		{reshape(), 13, in(x, list(0, -1, 1)), "float(2, 3, 1) [1 2 3 4 5 6]"},
		{reshape(), 13, in(f32([]float32{7}), list()), "float() [7]"},
		{reshape(), 13, in(f32([]float32{7}), list(-1)), "float(1) [7]"},
		{reshape(), 13, in(none, list(0, -1)), "float(0, 12) []"},
		{reshape(zero), 14, in(none, list(3, 0, 7)), "float(3, 0, 7) []"},
		{reshape(), 14, in(none, list(3, 0, 7)), "input of shape (0, 3, 4) can't take shape (3, 0, 7)"},
		{reshape(zero), 14, in(none, list(0, -1)), "shape (0, -1) has both 0 and -1 where 0 means an extent of zero"},
		{reshape(), 13, in(x, list(4, -1)), "input of shape (2, 3) can't take shape (4, -1)"},
		{reshape(), 13, in(x, list(5)), "input of shape (2, 3) can't take shape (5)"},
		{reshape(), 13, in(x, list(-1, -1)), "shape (-1, -1) has more than one -1"},
		{reshape(), 13, in(x, list(-2, 3)), "shape (-2, 3) has extent -2 at dimension 0, expected at least -1"},
		{reshape(), 13, in(x, list(6, 1, 0)), "shape (6, 1, 0) has 0 at dimension 2, the input has rank 2"},
		{reshape(), 13, in(x, list(1<<40, 1<<40)), "extent 1099511627776 times 1099511627776 is more than memory can address"},
		{reshape(), 13, in(x, x), "input 1: expected int64 or int32, found float"},
		{reshape(zero), 13, in(x, list(6)), `attribute "allowzero": unsupported`},

		{node("Flatten", 1, 1), 13, in(with(x, 1, 2, 3)), "float(1, 6) [1 2 3 4 5 6]"},
		{node("Flatten", 1, 1, onnx.AttrInt("axis", 0)), 13, in(x), "float(1, 6) [1 2 3 4 5 6]"},
		{node("Flatten", 1, 1, onnx.AttrInt("axis", 2)), 13, in(x), "float(6, 1) [1 2 3 4 5 6]"},
		{node("Flatten", 1, 1, onnx.AttrInt("axis", -1)), 13, in(x), "float(2, 3) [1 2 3 4 5 6]"},
		{node("Flatten", 1, 1, onnx.AttrInt("axis", 3)), 13, in(x), "axis 3 is out of range for rank 2"},

		{node("Squeeze", 1, 1), 13, in(with(x, 1, 6, 1)), "float(6) [1 2 3 4 5 6]"},
		{node("Squeeze", 2, 1), 13, in(with(x, 1, 6, 1), list(-1)), "float(1, 6) [1 2 3 4 5 6]"},
		{node("Squeeze", 1, 1, onnx.AttrInts("axes", 0)), 11, in(with(x, 1, 6, 1)), "float(6, 1) [1 2 3 4 5 6]"},
		{node("Squeeze", 2, 1), 13, in(x, list(1)), "axis 1 has extent 3, expected 1"},
		{node("Squeeze", 2, 1), 13, in(x, list(2)), "axis 2 is out of range for rank 2"},
		{node("Squeeze", 1, 1, onnx.AttrInts("axes", 0)), 13, in(with(x, 1, 6)), `attribute "axes": unsupported`},

		{node("Unsqueeze", 2, 1), 13, in(batch, list(-1, 0)), "float(1, 0, 3, 1) []"},
		{node("Unsqueeze", 2, 1), 13, in(row(1, 2), list(2, 0)), "float(1, 2, 1) [1 2]"},
		{node("Unsqueeze", 1, 1, onnx.AttrInts("axes", 1)), 11, in(row(1, 2)), "float(2, 1) [1 2]"},
		{node("Unsqueeze", 1, 1), 11, in(row(1, 2)), `attribute "axes": is missing`},
		{node("Unsqueeze", 2, 1), 13, in(row(1, 2), list(1, -2)), "axis -2 is given twice"},
		{node("Unsqueeze", 2, 1), 13, in(row(1, 2), list(2)), "axis 2 is out of range for rank 2"},
	})
}

func TestConstants(t *testing.T) {
	c := func(a ...*onnx.Attribute) *onnx.Node { return node("Constant", 0, 1, a...) }
	sparse := &onnx.Attribute{Name: "sparse_value", Type: onnx.AttributeSparseTensor, SparseTensor: &onnx.SparseTensor{
		Dims: []int64{2, 2}, Values: tensor.ToONNX("", row(7)), Indices: tensor.ToONNX("", list(2))}}
	value := onnx.AttrTensor("value", tensor.ToONNX("", row(1, 2)))
	shape := func(a ...*onnx.Attribute) *onnx.Node { return node("Shape", 1, 1, a...) }
	x := f32(make([]float32, 24), 2, 3, 4)
	eye := func(a ...*onnx.Attribute) *onnx.Node { return node("EyeLike", 1, 1, a...) }
	runMoves(t, []moveCase{
		{c(value), 7, nil, "float(2) [1 2]"},
		{c(sparse), 11, nil, "float(2, 2) [0 0 7 0]"},
		{c(onnx.AttrFloat("value_float", 2.5)), 12, nil, "float() [2.5]"},
		{c(onnx.AttrFloats("value_floats", 2.5, 1)), 12, nil, "float(2) [2.5 1]"},
		{c(onnx.AttrInt("value_int", 3)), 12, nil, "int64() [3]"},
		{c(onnx.AttrInts("value_ints", 3, 4)), 12, nil, "int64(2) [3 4]"},
		{c(onnx.AttrString("value_string", "a")), 12, nil, `string()["a"]`},
		{c(onnx.AttrStrings("value_strings", "a", "b")), 12, nil, `string(2)["a" "b"]`},
		{c(), 13, nil, `attribute "value": is missing`},
		{c(onnx.AttrInt("value_int", 3)), 11, nil, `attribute "value_int": unsupported`},
		{c(value, onnx.AttrInt("value_int", 3)), 13, nil, `attribute "value_int": is given beside another value`},

		{node("ConstantOfShape", 1, 1), 9, in(list(2, 0)), "float(2, 0) []"},
		{node("ConstantOfShape", 1, 1), 9, in(list()), "float() [0]"},
		{node("ConstantOfShape", 1, 1, onnx.AttrTensor("value", tensor.ToONNX("", list(5)))), 9, in(list(1, 2)), "int64(1, 2) [5 5]"},
		{node("ConstantOfShape", 1, 1), 9, in(list(2, -1)), "input 0: has extent -1 at dimension 1, expected at least 0"},
		{node("ConstantOfShape", 1, 1), 9, in(list(1<<31, 1<<31, 1<<31)), "tensor: shape (2147483648, 2147483648, 2147483648) has more elements than memory can address"},
		{node("ConstantOfShape", 1, 1, value), 9, in(list(2)), `attribute "value": has 2 elements, expected 1`},

		{shape(), 13, in(x), "int64(3) [2 3 4]"},
		{shape(onnx.AttrInt("start", 1)), 13, in(x), `attribute "start": unsupported`},
		{shape(onnx.AttrInt("start", -2)), 15, in(x), "int64(2) [3 4]"},
		{shape(onnx.AttrInt("start", -9), onnx.AttrInt("end", -1)), 15, in(x), "int64(2) [2 3]"},
		{shape(onnx.AttrInt("start", 2), onnx.AttrInt("end", 1)), 15, in(x), "int64(0) []"},
		{node("Size", 1, 1), 13, in(x), "int64() [24]"},

		{eye(), 9, in(f32(make([]float32, 6), 2, 3)), "float(2, 3) [1 0 0 0 1 0]"},
		{eye(onnx.AttrInt("k", 1), onnx.AttrInt("dtype", 7)), 9, in(f32(make([]float32, 6), 2, 3)), "int64(2, 3) [0 1 0 0 0 1]"},
		{eye(onnx.AttrInt("k", -1)), 9, in(f32(make([]float32, 6), 3, 2)), "float(3, 2) [0 0 1 0 0 1]"},
		{eye(onnx.AttrInt("k", 1<<62)), 9, in(f32(make([]float32, 4), 2, 2)), "float(2, 2) [0 0 0 0]"},
		{eye(), 9, in(x), "input 0: has rank 3, expected 2"},
	})
}

func TestRange(t *testing.T) {
	n := func() *onnx.Node { return node("Range", 3, 1) }
	f := func(v float32) *tensor.Tensor { return tensor.Scalar(v) }
	i := func(v int64) *tensor.Tensor { return tensor.Scalar(v) }
	h := func(v float64) *tensor.Tensor { return tensor.Scalar(tensor.ToF16(v)) }
	runMoves(t, []moveCase{
		{n(), 11, in(f(1), f(5), f(2)), "float(2) [1 3]"},
		{n(), 11, in(f(0), f(1), f(0.25)), "float(4) [0 0.25 0.5 0.75]"},
		{n(), 11, in(i(10), i(6), i(-3)), "int64(2) [10 7]"},
		{n(), 11, in(i(3), i(3), i(1)), "int64(0) []"},
		{n(), 11, in(i(3), i(9), i(-1)), "int64(0) []"},
		{n(), 11, in(i(-1<<63), i(1<<63-1), i(1<<62)), "int64(4) [-9223372036854775808 -4611686018427387904 0 4611686018427387904]"},
		{n(), 27, in(h(2046), h(2052), h(2)), "float16(3) [254 103 0 104 1 104]"}, // 2046, 2048, 2050
		{n(), 11, in(i(0), i(9), i(0)), "input 2: is 0, expected a positive or negative delta"},
		{n(), 11, in(f(0), f(1e30), f(1e-30)), "a range of 1.0000000118763894e+60 elements is more than memory can address"},
		{n(), 11, in(i(0), i(1<<62), i(1)), "a range of 4611686018427387904 elements is more than memory can address"},
		{n(), 11, in(i(0), f(1), i(1)), "input 1: has type float, expected int64"},
		{n(), 11, in(i(0), list(1, 2), i(1)), "input 1: has shape (2), expected a scalar"},
	})
}

func TestMovementRefuses(t *testing.T) {
	x := f32(make([]float32, 6), 2, 3)
	runMoves(t, []moveCase{
		{node("Transpose", 1, 1, onnx.AttrInts("perm", 0, 0)), 13, in(x), `attribute "perm": is [0 0], expected each of 0 to 1 once`},
		{node("Transpose", 1, 1, onnx.AttrInts("perm", 0)), 13, in(x), "input 0: has rank 2, perm has 1 axes"},
		{node("Concat", 2, 1), 13, in(x, x), `attribute "axis": is missing`},
		{node("Concat", 2, 1), 1, in(x, x), "float(2, 6) [0 0 0 0 0 0 0 0 0 0 0 0]"},
		{node("Concat", 2, 1, onnx.AttrInt("axis", 0)), 13, in(x, with(x, 3, 2)), "input 1: has extent 2 at dimension 1, expected 3"},
		{node("Concat", 2, 1, onnx.AttrInt("axis", 0)), 13, in(x, row(1)), "input 1: has rank 1, expected 2"},
		{node("Concat", 2, 1, onnx.AttrInt("axis", 0)), 13, in(x, i64(make([]int64, 6), 2, 3)), "input 1: has type int64, expected float"},
		{node("Split", 1, 2, onnx.AttrInt("axis", 1)), 13, in(x), "extent 3 doesn't divide into 2 equal parts"},
		{node("Split", 1, 2, onnx.AttrInt("axis", 1), onnx.AttrInt("num_outputs", 2)), 18, in(x), "float(2, 2) [0 0 0 0] | float(2, 1) [0 0]"},
		{node("Split", 1, 2, onnx.AttrInt("axis", 1), onnx.AttrInts("split", 2, 1)), 11, in(x), "float(2, 2) [0 0 0 0] | float(2, 1) [0 0]"},
		{node("Split", 1, 2, onnx.AttrInt("num_outputs", 3)), 18, in(x), `attribute "num_outputs": is 3, the node has 2 outputs`},
		{node("Split", 2, 2), 13, in(x, list(3, -1)), "split size 0 is 3, extent 2 has 2 left"},
		{node("Slice", 1, 1, onnx.AttrInts("starts", 1), onnx.AttrInts("ends", 9)), 9, in(row(1, 2, 3)), "float(2) [2 3]"},
		{node("Slice", 3, 1), 13, in(row(1, 2, 3), list(1), list(1<<63-1)), "float(2) [2 3]"}, // where an int has 32 bits too
		{node("Slice", 3, 1), 13, in(x, list(0), list(1, 1)), "there are 1 starts and 2 ends, expected as many"},
		{node("Slice", 4, 1), 13, in(x, list(0, 0), list(1, 1), list(1, -1)), "axis 1 is given twice"},
		{node("Slice", 5, 1), 13, in(x, list(0), list(1), list(0), list(0)), "a step is 0, expected a positive or negative number"},
		{node("Slice", 5, 1), 13, in(row(1, 2, 3), list(-1), list(-1<<63), list(0), list(-1<<63)), "float(1) [3]"},
		{node("Gather", 2, 1), 13, in(x, list(2)), "input 1: index 2 is out of range for extent 2"},
		{node("Gather", 2, 1), 13, in(x, row(1)), "input 1: has type float, expected int32 or int64"},
		{node("Expand", 2, 1), 13, in(x, list(2, 2)), "shapes (2, 3) and (2, 2) do not broadcast"},
		{node("Expand", 2, 1), 13, in(x, list(-1, 3)), "input 1: has extent -1 at dimension 0"},
		{node("Tile", 2, 1), 13, in(x, list(2)), "input 1: has 1 repeats, expected 2"},
		{node("Tile", 2, 1), 13, in(x, list(1<<62, 1<<62)), "extent 2 times 4611686018427387904 is more than memory can address"},
		{node("Tile", 3, 1), 1, in(row(1, 2), f32([]float32{2}), f32([]float32{0})), "float(4) [1 2 1 2]"},
		{node("DepthToSpace", 1, 1, onnx.AttrInt("blocksize", 2)), 13, in(f32(make([]float32, 3), 1, 3, 1, 1)), "input 0: has extent 3 at dimension 1, expected a multiple of 4"},
		{node("DepthToSpace", 1, 1, onnx.AttrInt("blocksize", 2), onnx.AttrString("mode", "CRD")), 1, in(f32(make([]float32, 4), 1, 4, 1, 1)), `attribute "mode": unsupported`},
		{node("SpaceToDepth", 1, 1), 13, in(x), `attribute "blocksize": is missing`},
	})
}
