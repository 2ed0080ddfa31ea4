package runtime

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/testmodels"
)

// A GRU that PyTorch can't have made is run as written, with a warning.
func TestWarnsOfForeignGRU(t *testing.T) {
	model := func(producer string, reset int64) *onnx.Model {
		return &onnx.Model{IRVersion: 8, ProducerName: producer, OpsetImports: []onnx.OpsetImport{{Version: 14}}, Graph: &onnx.Graph{
			Name:    "g",
			Inputs:  []*onnx.ValueInfo{onnx.TensorValue("x", onnx.Float, onnx.DimParam("t"), onnx.DimValue(1), onnx.DimValue(2))},
			Outputs: []*onnx.ValueInfo{onnx.TensorValue("y", onnx.Float)},
			Initializers: []*onnx.Tensor{
				onnx.TensorFloat32("w", []int64{1, 3, 2}, make([]float32, 6)), onnx.TensorFloat32("r", []int64{1, 3, 1}, make([]float32, 3))},
			Nodes: []*onnx.Node{{Name: "cell", OpType: "GRU", Inputs: []string{"x", "w", "r"}, Outputs: []string{"y"},
				Attributes: []*onnx.Attribute{onnx.AttrInt("hidden_size", 1), onnx.AttrInt("linear_before_reset", reset)}}},
		}}
	}
	for _, c := range []struct {
		producer string
		reset    int64
		want     []string
	}{
		{"pytorch", 0, []string{`node "cell" (GRU): linear_before_reset is 0, which no GRU of PyTorch computes; the file says PyTorch made it`}},
		{"pytorch", 1, nil},
		{"keras2onnx", 0, nil},
	} {
		m, err := Compile(model(c.producer, c.reset))
		require.NoError(t, err)
		require.Equal(t, c.want, m.Warnings())
	}
}

// A Reshape that has the example's batch in it is told of before a run fails on
// another batch; no other model of testmodels is accused.
func TestWarnsOfFixedBatch(t *testing.T) {
	accused := map[string][]string{}
	for _, c := range append(testmodels.Cases(), testmodels.Refused()...) {
		proto, err := onnx.LoadFS(testmodels.FS(), c.Model())
		if err != nil {
			continue
		}
		if w := fixedBatches(proto.Graph); w != nil {
			accused[c.Name] = w
		}
	}
	require.Equal(t, map[string][]string{"refused/attention_fixed_batch": {
		`node "" (Reshape): makes shape (2, 5, 2, 4) of input "x", whose batch is open; the model was exported with fixed batch 2`,
		`node "" (Reshape): makes shape (2, 5, 8) of input "x", whose batch is open; the model was exported with fixed batch 2`,
	}}, accused)
}
