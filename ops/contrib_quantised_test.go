package ops

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

func scalarF(v float64) *tensor.Tensor                   { return tensorOf(tensor.Float32, []float64{v}) }
func scalarOf(dt tensor.DType, v float64) *tensor.Tensor { return tensorOf(dt, []float64{v}) }

// valuesOf is floatsOf, for 16-bit integers too.
func valuesOf(t testing.TB, x *tensor.Tensor) []float64 {
	switch x.DType() {
	case tensor.Int16:
		return fromInts[int16](x)
	case tensor.Uint16:
		return fromInts[uint16](x)
	}
	return floatsOf(t, x)
}

// The figures are ONNX Runtime's.
func TestContribQuantised(t *testing.T) {
	u8 := func(v float64) *tensor.Tensor { return scalarOf(tensor.Uint8, v) }
	i8 := func(v float64) *tensor.Tensor { return scalarOf(tensor.Int8, v) }
	eight := []float64{3, 200, 17, 90, 128, 255}
	x, s, z := tensorOf(tensor.Uint8, eight, 2, 3), scalarF(.05), u8(128)
	row := tensorOf(tensor.Uint8, eight, 1, 1, 6)
	second := []*tensor.Tensor{tensorOf(tensor.Uint8, []float64{10, 130, 250}, 3), scalarF(.02), u8(7), scalarF(.07), u8(100)}
	w := tensorOf(tensor.Int8, []float64{5, -7, 100, -128, 127, 3}, 3, 2)
	wt := tensorOf(tensor.Int8, []float64{5, 100, 127, -7, -128, 3}, 2, 3)
	f := func(v ...float64) *tensor.Tensor { return tensorOf(tensor.Float32, v, len(v)) }
	real := tensorOf(tensor.Float32, []float64{.5, -1.25, 2, 3, .125, -.75}, 2, 3)
	ints := func(dt tensor.DType, v ...float64) *tensor.Tensor { return tensorOf(dt, v, len(v)) }
	for _, c := range []struct {
		name  string
		attrs []*onnx.Attribute
		in    []*tensor.Tensor
		want  []float64
		dt    tensor.DType
	}{
		{"QLinearAdd", nil, append([]*tensor.Tensor{x, s, z}, second...), []float64{12, 187, 90, 74, 135, 255}, tensor.Uint8},
		{"QLinearMul", nil, append([]*tensor.Tensor{x, s, z}, second...), []float64{95, 227, 0, 98, 100, 255}, tensor.Uint8},
		{"QLinearSigmoid", nil, []*tensor.Tensor{x, s, z, scalarF(1. / 256), u8(0)}, []float64{0, 249, 1, 33, 128, 255}, tensor.Uint8},
		{"QLinearLeakyRelu", []*onnx.Attribute{onnx.AttrFloat("alpha", .2)}, []*tensor.Tensor{x, s, z, scalarF(.06), u8(60)}, []float64{39, 120, 42, 54, 60, 166}, tensor.Uint8},
		{"QLinearSoftmax", []*onnx.Attribute{onnx.AttrInt("opset", 13), onnx.AttrInt("axis", 0)}, []*tensor.Tensor{x, s, z, scalarF(1. / 256), u8(0)}, []float64{3, 249, 0, 253, 7, 255}, tensor.Uint8},
		{"QLinearSoftmax", []*onnx.Attribute{onnx.AttrInt("opset", 11), onnx.AttrInt("axis", 0)}, []*tensor.Tensor{x, s, z, scalarF(1. / 256), u8(0)}, []float64{0, 15, 0, 0, 0, 240}, tensor.Uint8},
		{"QLinearConcat", []*onnx.Attribute{onnx.AttrInt("axis", 1)}, []*tensor.Tensor{scalarF(.07), u8(100), x, s, z, tensorOf(tensor.Uint8, []float64{10, 130}, 2, 1), scalarF(.02), u8(7)},
			[]float64{11, 151, 21, 101, 73, 100, 191, 135}, tensor.Uint8},
		{"QLinearAveragePool", []*onnx.Attribute{onnx.AttrInts("kernel_shape", 3), onnx.AttrInts("pads", 1, 0)}, []*tensor.Tensor{row, s, z, scalarF(.06), u8(90)}, []float64{68, 44, 69, 49, 115}, tensor.Uint8},
		{"QLinearGlobalAveragePool", nil, []*tensor.Tensor{row, s, z, scalarF(.06), u8(90)}, []float64{80}, tensor.Uint8},
		{"QGemm", nil, []*tensor.Tensor{x, s, z, w, f(.01, .02), ints(tensor.Int8, 1, -2), ints(tensor.Int32, 50, -60), scalarF(.3), u8(120)}, []float64{108, 90, 146, 123}, tensor.Uint8},
		{"QGemm", []*onnx.Attribute{onnx.AttrInt("transB", 1), onnx.AttrFloat("alpha", .5)}, []*tensor.Tensor{x, s, z, wt, scalarF(.01), i8(1)}, []float64{-1.8395, -2.1275, 3.9625, 0.1395}, tensor.Float32},
		{"DynamicQuantizeMatMul", nil, []*tensor.Tensor{real, w, f(.01, .02), ints(tensor.Int8, 1, -2), f(.5, -.5)}, []float64{1.8025, 2.8, -0.2095, -1.169}, tensor.Float32},
		{"MatMulIntegerToFloat", nil, []*tensor.Tensor{x, w, s, scalarF(.02), z, i8(3), f(.5, -.5)}, []float64{-6.53, -8.682, 16.172, -0.12}, tensor.Float32},
		{"QuantizeLinear", nil, []*tensor.Tensor{real, scalarF(.0005), scalarOf(tensor.Uint16, 7)}, []float64{1007, 0, 4007, 6007, 257, 0}, tensor.Uint16},
		{"QuantizeLinear", nil, []*tensor.Tensor{real, scalarF(.01), scalarOf(tensor.Int16, 7)}, []float64{57, -118, 207, 307, 19, -68}, tensor.Int16},
		{"DequantizeLinear", []*onnx.Attribute{onnx.AttrInt("axis", 0)}, []*tensor.Tensor{tensorOf(tensor.Int16, []float64{-300, 40, 5, 32000}, 2, 2), f(.5, .25), ints(tensor.Int16, 1, 2)},
			[]float64{-150.5, 19.5, 0.75, 7999.5}, tensor.Float32},
	} {
		t.Run(c.name, func(t *testing.T) {
			y, err := run(t, contribNode(c.name, len(c.in), 1, c.attrs...), 1, c.in...)
			require.NoError(t, err)
			require.Equal(t, c.dt, y[0].DType())
			requireNear(t, c.want, valuesOf(t, y[0]), 1e-5)
		})
	}
}

// The figures are ONNX Runtime's, but for the way to compute tanh and the
// logistic function, by which 8-bit steps could differ.
func TestDynamicQuantizeLSTM(t *testing.T) {
	bytes := func(step, from int) *tensor.Tensor {
		v := make([]float64, 16)
		for i := range v {
			v[i] = float64((i*step+from)%256 - 128)
		}
		return tensorOf(tensor.Int8, v, 1, 2, 8)
	}
	bias, per := make([]float64, 16), make([]float64, 8)
	for i := range bias {
		bias[i] = .1*float64(i%5) - .2
	}
	for i := range per {
		per[i] = .002 * float64(i+1)
	}
	x := tensorOf(tensor.Float32, []float64{.5, -1, 2, .25, -.75, 1.5}, 3, 1, 2)
	w, r, b := bytes(37, 0), bytes(53, 11), tensorOf(tensor.Float32, bias, 1, 16)
	one, zero := tensorOf(tensor.Float32, []float64{.01}, 1), tensorOf(tensor.Int8, []float64{0}, 1)
	in := []*tensor.Tensor{x, w, r, b, nil, nil, nil, nil, one, zero, one, zero}
	y, err := run(t, contribNode("DynamicQuantizeLSTM", 12, 3, onnx.AttrInt("hidden_size", 2)), 1, in...)
	require.NoError(t, err)
	requireNear(t, []float64{0.1960584, 0.007371722, 0.07928613, -0.0489195, -0.02922725, -0.180991}, floatsOf(t, y[0]), 1e-5)
	requireNear(t, []float64{-0.05750388, -0.2958468}, floatsOf(t, y[2]), 1e-5)

	in[inH0], in[inC0] = tensorOf(tensor.Float32, []float64{.3, -.6}, 1, 1, 2), tensorOf(tensor.Float32, []float64{.9, -.1}, 1, 1, 2)
	in[inP] = tensorOf(tensor.Float32, []float64{.1, .2, .3, -.1, -.2, -.3}, 1, 6)
	columns, zeros := tensorOf(tensor.Float32, per, 1, 8), tensorOf(tensor.Int8, make([]float64, 8), 1, 8)
	in[dynWScale], in[dynWZero], in[dynRScale], in[dynRZero] = columns, zeros, columns, zeros
	y, err = run(t, contribNode("DynamicQuantizeLSTM", 12, 3, onnx.AttrString("direction", "reverse")), 1, in...)
	require.NoError(t, err)
	requireNear(t, []float64{0.2972532, 0.04430567, 0.14539, -0.150245, 0.1220639, -0.00698501}, floatsOf(t, y[0]), 1e-5)
	requireNear(t, []float64{0.6808912, 0.09642459}, floatsOf(t, y[2]), 1e-5)

	for i, c := range map[int]struct {
		with *tensor.Tensor
		want string
	}{
		inW:       {x, "input 1: has type float, expected uint8, int8"},
		inR:       {tensorOf(tensor.Int8, make([]float64, 24), 1, 3, 8), "input 2: has shape (1, 3, 8), expected (1, 2, 8)"},
		dynWScale: {tensorOf(tensor.Float32, make([]float64, 3), 3), "input 8: has shape (3), expected (1) or (1, 8)"},
		dynRZero:  {scalarOf(tensor.Uint8, 1), "input 11: has type uint8, expected int8 like input 2"},
	} {
		wrong := append([]*tensor.Tensor(nil), in...)
		wrong[i] = c.with
		_, err = run(t, contribNode("DynamicQuantizeLSTM", 12, 3, onnx.AttrInt("hidden_size", 2)), 1, wrong...)
		require.EqualError(t, err, c.want)
	}
}

func TestQEmbedLayerNormalizationRefuses(t *testing.T) {
	ids := tensorOf(tensor.Int32, []float64{1, 4}, 1, 2)
	bytes := func(shape ...int) *tensor.Tensor {
		return tensorOf(tensor.Int8, make([]float64, tensor.Shape(shape).Len()), shape...)
	}
	s, z := scalarF(.1), scalarOf(tensor.Int8, 0)
	in := []*tensor.Tensor{ids, ids, bytes(5, 3), bytes(4, 3), bytes(5, 3), bytes(3), bytes(3), ids, s, s, s, s, s, z, z, z, z, z}
	_, err := run(t, contribNode("QEmbedLayerNormalization", 18, 2), 2, in...)
	require.NoError(t, err)
	for i, c := range map[int]struct {
		with *tensor.Tensor
		want string
	}{
		0:  {tensorOf(tensor.Int32, []float64{1, 5}, 1, 2), "input 0: 5 at 1 is out of range for 5 rows"},
		3:  {bytes(1, 3), "input 3: has 1 rows, expected at least 2"},
		5:  {bytes(2), "input 5: has shape (2), expected (3)"},
		6:  {nil, "input 6 is missing"},
		8:  {z, "input 8: has type int8, expected float"},
		10: {nil, "inputs 1 and 10 must be given together"},
		12: {tensorOf(tensor.Float32, []float64{1, 2}, 2), "input 12: has shape (2), expected a scalar"},
		13: {scalarOf(tensor.Uint8, 1), "input 13: has type uint8, expected int8 like input 2"},
	} {
		wrong := append([]*tensor.Tensor(nil), in...)
		wrong[i] = c.with
		_, err = run(t, contribNode("QEmbedLayerNormalization", 18, 2), 2, wrong...)
		require.EqualError(t, err, c.want)
	}
}

func TestContribQuantisedRefuses(t *testing.T) {
	x, s, z := tensorOf(tensor.Uint8, []float64{1, 2}, 1, 2), scalarF(.1), scalarOf(tensor.Uint8, 3)
	two := tensorOf(tensor.Float32, []float64{1, 2}, 2)
	for _, c := range []struct {
		node *onnx.Node
		in   []*tensor.Tensor
		want string
	}{
		{contribNode("QLinearAdd", 8, 1), []*tensor.Tensor{x, s, z, x, two, z, s, z}, "input 4: has shape (2), expected a scalar"},
		{contribNode("QLinearAdd", 8, 1), []*tensor.Tensor{x, s, z, s, s, z, s, z}, "input 3: has type float, expected uint8, int8"},
		{contribNode("QLinearMul", 8, 1), []*tensor.Tensor{x, nil, z, x, s, z, s, z}, "input 1 is missing"},
		{contribNode("QLinearWhere", 9, 1), []*tensor.Tensor{x, x, s, z, x, s, z, s, z}, "input 0: has type uint8, expected bool"},
		{contribNode("QLinearWhere", 9, 1), []*tensor.Tensor{nil, x, s, z, x, s, z, s, z}, "input 0 is missing"},
		{contribNode("QLinearSigmoid", 5, 1), []*tensor.Tensor{x, s, z, s, scalarOf(tensor.Int8, 0)}, "input 4: has type int8, expected uint8 like input 0"},
		{contribNode("QLinearSoftmax", 5, 1), []*tensor.Tensor{x, s, z, s, z}, `attribute "opset": is missing`},
		{contribNode("QLinearConcat", 6, 1, onnx.AttrInt("axis", 0)), []*tensor.Tensor{s, z, x, s, z, x}, "input 6 is missing"},
		{contribNode("QLinearGlobalAveragePool", 5, 1, onnx.AttrInt("channels_last", 1)), []*tensor.Tensor{x, s, z, s, z}, "input 0: has rank 2, expected at least 3"},
		{contribNode("QGemm", 6, 1), []*tensor.Tensor{x, s, z, x, s, z}, "the product of (1, 2) and (1, 2) needs equal inner extents"},
		{contribNode("QGemm", 6, 1, onnx.AttrInt("transB", 1)), []*tensor.Tensor{x, s, z, x, two, z}, "input 4: has shape (2), expected a scalar or (1)"},
		{contribNode("MatMulIntegerToFloat", 4, 1), []*tensor.Tensor{x, x, s, s}, "shapes (1, 2) and (1, 2) have no matrix product"},
		{contribNode("DynamicQuantizeMatMul", 3, 1), []*tensor.Tensor{x, x, s}, "input 0: has type uint8, expected float"},
	} {
		_, err := run(t, c.node, 1, c.in...)
		require.EqualError(t, err, c.want)
	}
}
