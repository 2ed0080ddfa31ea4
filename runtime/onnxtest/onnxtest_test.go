package onnxtest

import (
	"math"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

func TestCompare(t *testing.T) {
	f32 := func(v ...float32) *tensor.Tensor { return tensor.Must(v, len(v)) }
	nan := float32(math.NaN())
	inf := float32(math.Inf(1))
	seq := func(items ...tensor.Value) *tensor.Sequence { return &tensor.Sequence{Items: items} }
	tol := Tolerance{Rtol: 1e-3, Atol: 1e-2}
	for _, c := range []struct {
		name      string
		got, want tensor.Value
		err       string
	}{
		{"within absolute", f32(0.009), f32(0), ""},
		{"within relative", f32(1000.9), f32(1000), ""},
		{"beyond", f32(0, 1002), f32(0, 1000), "1 of 2 elements differ; the largest difference is 2 at element 1: 1002, expected 1000"},
		{"the same NaN and infinity", f32(nan, inf, -inf), f32(nan, inf, -inf), ""},
		{"NaN for a number", f32(nan), f32(1), "1 of 1 elements differ; the largest difference is +Inf at element 0: NaN, expected 1"},
		{"another infinity", f32(-inf), f32(inf), "1 of 1 elements differ; the largest difference is +Inf at element 0: -Inf, expected +Inf"},
		{"another type", tensor.Must([]float64{1}, 1), f32(1), "is double(1), expected float(1)"},
		{"another shape", tensor.Must([]float32{1}, 1, 1), f32(1), "is float(1, 1), expected float(1)"},
		{"strings", tensor.Must([]string{"a", "b"}, 2), tensor.Must([]string{"a", "c"}, 2), `element 1 is "b", expected "c"`},
		{"sequences", seq(f32(1), f32(2)), seq(f32(1), f32(3)), "element 1: 1 of 1 elements differ; the largest difference is 1 at element 0: 2, expected 3"},
		{"a shorter sequence", seq(f32(1)), seq(f32(1), f32(3)), "sequence has 1 elements, expected 2"},
		{"optionals", &tensor.Optional{Value: f32(1)}, &tensor.Optional{Value: f32(1)}, ""},
		{"an empty optional", &tensor.Optional{}, &tensor.Optional{Value: f32(1)}, "optional is empty: true, expected false"},
		{"another kind", f32(1), seq(f32(1)), "is *tensor.Tensor, expected *tensor.Sequence"},
	} {
		err := tol.Compare(c.got, c.want)
		if c.err == "" {
			require.NoError(t, err, c.name)
		} else {
			require.EqualError(t, err, c.err, c.name)
		}
	}
}

// Sets come in the order of their numbers, and inputs that an initializer gives
// a value come after those that need a file.
func TestFindAndReadSet(t *testing.T) {
	pb := func(name string, v float32) *fstest.MapFile {
		data, err := onnx.EncodeTensor(tensor.ToONNX(name, tensor.Must([]float32{v}, 1)))
		require.NoError(t, err)
		return &fstest.MapFile{Data: data}
	}
	fsys := fstest.MapFS{
		"b/case[1]/model.onnx":                  {Data: []byte{}},
		"b/case[1]/test_data_set_10/input_0.pb": pb("x", 10),
		"b/case[1]/test_data_set_2/input_0.pb":  pb("x", 2),
		"b/case[1]/test_data_set_2/input_1.pb":  pb("w", 3),
		"b/case[1]/test_data_set_2/output_0.pb": pb("y", 4),
		"a/model.onnx":                          {Data: []byte{}},
		"a/test_data_set_0/input_0.pb":          {Data: []byte("no tensor")},
	}
	cases, err := Find(fsys, ".")
	require.NoError(t, err)
	require.Equal(t, []Case{
		{Name: "a", Sets: []string{"a/test_data_set_0"}},
		{Name: "b/case[1]", Sets: []string{"b/case[1]/test_data_set_2", "b/case[1]/test_data_set_10"}},
	}, cases)

	value := func(name string) *onnx.ValueInfo { return onnx.TensorValue(name, onnx.Float, onnx.DimValue(1)) }
	m := &onnx.Model{Graph: &onnx.Graph{
		Inputs:       []*onnx.ValueInfo{value("w"), value("x")},
		Outputs:      []*onnx.ValueInfo{value("y")},
		Initializers: []*onnx.Tensor{onnx.TensorFloat32("w", []int64{1}, []float32{0})},
	}}
	inputs, outputs, err := ReadSet(fsys, cases[1].Sets[0], m)
	require.NoError(t, err)
	require.Equal(t, []float64{2}, tensor.Float64s(inputs["x"].(*tensor.Tensor)))
	require.Equal(t, []float64{3}, tensor.Float64s(inputs["w"].(*tensor.Tensor)))
	require.Equal(t, []float64{4}, tensor.Float64s(outputs["y"].(*tensor.Tensor)))
	_, _, err = ReadSet(fsys, "a/test_data_set_0", m)
	require.ErrorContains(t, err, "a/test_data_set_0/input_0.pb: ")
}
