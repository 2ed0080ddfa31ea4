package onnx_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/onda-ml/onda/onnx"
)

// A model is built from plain structs, checked, saved and loaded.
func Example() {
	m := &onnx.Model{
		IRVersion:    8,
		OpsetImports: []onnx.OpsetImport{{Domain: "", Version: 17}},
		Graph: &onnx.Graph{
			Name:         "double",
			Inputs:       []*onnx.ValueInfo{onnx.TensorValue("x", onnx.Float, onnx.DimParam("batch"), onnx.DimValue(3))},
			Outputs:      []*onnx.ValueInfo{onnx.TensorValue("y", onnx.Float, onnx.DimParam("batch"), onnx.DimValue(3))},
			Initializers: []*onnx.Tensor{onnx.TensorFloat32("two", nil, []float32{2})},
			Nodes:        []*onnx.Node{{OpType: "Mul", Inputs: []string{"x", "two"}, Outputs: []string{"y"}}},
		},
	}
	if err := onnx.Check(m); err != nil {
		fmt.Println(err)
	}
	dir, err := os.MkdirTemp("", "onnx")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "double.onnx")
	if err := m.Save(path); err != nil {
		fmt.Println(err)
	}
	loaded, err := onnx.Load(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := onnx.Text(os.Stdout, loaded); err != nil {
		fmt.Println(err)
	}
	// Output:
	// <ir_version: 8, opset_import: ["": 17]>
	// double (float[batch,3] x) => (float[batch,3] y)
	// <float[] two = {2}>
	// {
	//    y = Mul (x, two)
	// }
}
