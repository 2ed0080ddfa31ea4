package onnxgo_test

import (
	"fmt"
	"log"

	onnx "github.com/owulveryck/onnx-go"
	"gorgonia.org/tensor"

	ondaonnx "github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/runtime/onnxgo"
)

// A program that uses onnx-go, with the one line changed that makes its
// backend.
func Example() {
	backend := onnxgo.NewGraph() // was: gorgonnx.NewGraph()
	model := onnx.NewModel(backend)
	if err := model.UnmarshalBinary(softmaxModel()); err != nil {
		log.Fatal(err)
	}
	x := tensor.New(tensor.WithShape(1, 3), tensor.WithBacking([]float32{1, 2, 3}))
	if err := model.SetInput(0, x); err != nil {
		log.Fatal(err)
	}
	if err := backend.Run(); err != nil {
		log.Fatal(err)
	}
	outputs, err := model.GetOutputTensors()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n", outputs[0].Data())
	// Output: [0.090 0.245 0.665]
}

// softmaxModel is the content of a file with one node.
func softmaxModel() []byte {
	value := func(name string) *ondaonnx.ValueInfo {
		return ondaonnx.TensorValue(name, ondaonnx.Float, ondaonnx.DimValue(1), ondaonnx.DimValue(3))
	}
	m := &ondaonnx.Model{IRVersion: 4, OpsetImports: []ondaonnx.OpsetImport{{Version: 9}}, Graph: &ondaonnx.Graph{
		Name:   "softmax",
		Inputs: []*ondaonnx.ValueInfo{value("x")}, Outputs: []*ondaonnx.ValueInfo{value("y")},
		Nodes: []*ondaonnx.Node{{OpType: "Softmax", Inputs: []string{"x"}, Outputs: []string{"y"}}},
	}}
	data, err := m.Encode()
	if err != nil {
		log.Fatal(err)
	}
	return data
}
