package runtime_test

import (
	"context"
	"fmt"
	"log"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// runningSum is a model that adds x to a total, which the caller carries.
func runningSum() *onnx.Model {
	n := onnx.DimParam("n")
	return &onnx.Model{IRVersion: 8, OpsetImports: []onnx.OpsetImport{{Version: 17}}, Graph: &onnx.Graph{
		Name:    "sum",
		Inputs:  []*onnx.ValueInfo{onnx.TensorValue("x", onnx.Float, n), onnx.TensorValue("before", onnx.Float, n)},
		Nodes:   []*onnx.Node{{OpType: "Add", Inputs: []string{"x", "before"}, Outputs: []string{"total"}}},
		Outputs: []*onnx.ValueInfo{onnx.TensorValue("total", onnx.Float, n)},
	}}
}

func ExampleModel_Run() {
	model, err := runtime.Compile(runningSum()) // or runtime.Load("model.onnx")
	if err != nil {
		log.Fatal(err)
	}
	out, err := model.Run(context.Background(), map[string]*tensor.Tensor{
		"x":      tensor.Must([]float32{1, 2, 3}, 3),
		"before": tensor.Must([]float32{10, 20, 30}, 3),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(model.Inputs()[0], tensor.Of[float32](out["total"]))
	// Output: float(n) [11 22 33]
}

func ExampleModel_NewState() {
	model, err := runtime.Compile(runningSum())
	if err != nil {
		log.Fatal(err)
	}
	state, err := model.NewState(map[string]string{"total": "before"}) // the output total feeds the input before
	if err != nil {
		log.Fatal(err)
	}
	for _, x := range []float32{1, 2, 3} {
		out, err := state.Step(context.Background(), map[string]*tensor.Tensor{"x": tensor.Must([]float32{x}, 1)})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(tensor.Of[float32](out["total"])[0])
	}
	// Output:
	// 1
	// 3
	// 6
}
