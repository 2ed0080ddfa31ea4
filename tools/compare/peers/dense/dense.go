// Package dense is what the runtimes that use Gorgonia's tensors share.
package dense

import (
	"errors"
	"fmt"

	"gorgonia.org/tensor"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/tools/compare/bench"
)

// FromInput copies an input.
func FromInput(in bench.Input) tensor.Tensor {
	return tensor.New(tensor.WithShape(in.Value.Shape()...), tensor.WithBacking(bench.Floats(in.Value)))
}

// Float32s is the elements of an output.
func Float32s(t tensor.Tensor) ([]float32, error) {
	if t == nil {
		return nil, errors.New("missing")
	}
	data, ok := t.Data().([]float32)
	if !ok {
		return nil, fmt.Errorf("is a %T", t.Data())
	}
	return data, nil
}

// Opset13 is the model's file with the opset's number changed to 13: the newest
// that these runtimes read. An operator that 13 lacks, they refuse by name.
func Opset13(path string) ([]byte, error) {
	m, err := onnx.Load(path)
	if err != nil {
		return nil, err
	}
	for i := range m.OpsetImports {
		m.OpsetImports[i].Version = 13
	}
	return m.Encode()
}
