package runtime_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/runtime/onnxtest"
	"github.com/onda-ml/onda/testmodels"
)

// floats is a float value of a graph: extents are numbers, names or "?".
func floats(name string, dims ...any) *onnx.ValueInfo { return value(name, onnx.Float, dims...) }
func ints(name string, dims ...any) *onnx.ValueInfo   { return value(name, onnx.Int64, dims...) }

func value(name string, dt onnx.DataType, dims ...any) *onnx.ValueInfo {
	var shape []onnx.Dim
	for _, d := range dims {
		switch d := d.(type) {
		case int:
			shape = append(shape, onnx.DimValue(int64(d)))
		case string:
			shape = append(shape, onnx.DimParam(d))
		}
	}
	return onnx.TensorValue(name, dt, shape...)
}

// op is a node: inputs, outputs, attributes.
func op(opType string, in, out []string, attrs ...*onnx.Attribute) *onnx.Node {
	return &onnx.Node{OpType: opType, Inputs: in, Outputs: out, Attributes: attrs}
}

func names(s ...string) []string { return s }

// initializer is a constant of a graph.
func initializer(name string, v *tensor.Tensor) *onnx.Tensor { return tensor.ToONNX(name, v) }

// modelOf is a model of one graph.
func modelOf(opset int64, g *onnx.Graph) *onnx.Model {
	g.Name = "g"
	return &onnx.Model{IRVersion: 8, OpsetImports: []onnx.OpsetImport{{Version: opset}, {Domain: "test", Version: 1}, {Domain: "com.microsoft", Version: 1}}, Graph: g}
}

func compile(t testing.TB, p *onnx.Model, opts ...runtime.Option) *runtime.Model {
	t.Helper()
	m, err := runtime.Compile(p, opts...)
	require.NoError(t, err)
	return m
}

// testModel loads a model of testmodels with the inputs and outputs of its first
// data set.
func testModel(t testing.TB, name string, opts ...runtime.Option) (m *runtime.Model, in, out map[string]*tensor.Tensor) {
	t.Helper()
	proto, err := onnx.LoadFS(testmodels.FS(), name+"/model.onnx")
	require.NoError(t, err)
	sets, err := fs.Glob(testmodels.FS(), name+"/test_data_set_*")
	require.NoError(t, err)
	given, want, err := onnxtest.ReadSet(testmodels.FS(), sets[0], proto)
	require.NoError(t, err)
	in, out = map[string]*tensor.Tensor{}, map[string]*tensor.Tensor{}
	for k, v := range given {
		in[k] = v.(*tensor.Tensor)
	}
	for k, v := range want {
		out[k] = v.(*tensor.Tensor)
	}
	return compile(t, proto, opts...), in, out
}

var close5 = onnxtest.Tolerance{Rtol: 1e-4, Atol: 1e-5}
