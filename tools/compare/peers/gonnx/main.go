// Program gonnx measures gonnx beside Onda; package bench says how.
package main

import (
	"fmt"

	"github.com/advancedclimatesystems/gonnx"

	"github.com/onda-ml/onda/tools/compare/bench"
	"github.com/onda-ml/onda/tools/compare/peers/dense"
)

func main() { bench.Main(gonnxEngine{}) }

// gonnxEngine is github.com/advancedclimatesystems/gonnx. It reads opset 13
// alone.
type gonnxEngine struct{}

type gonnxSession struct {
	model   *gonnx.Model
	in, out gonnx.Tensors
	names   []string
}

func (gonnxEngine) Load(t *bench.Task) (bench.Session, error) {
	data, err := dense.Opset13(t.Path)
	if err != nil {
		return nil, err
	}
	s := &gonnxSession{in: gonnx.Tensors{}, names: t.Outputs}
	if s.model, err = gonnx.NewModelFromBytes(data); err != nil {
		return nil, err
	}
	for _, in := range t.Inputs {
		s.in[in.Name] = dense.FromInput(in)
	}
	return s, nil
}

func (s *gonnxSession) Run() (err error) {
	s.out, err = s.model.Run(s.in)
	return err
}

func (s *gonnxSession) Outputs() (map[string][]float32, error) {
	got := map[string][]float32{}
	for _, name := range s.names {
		data, err := dense.Float32s(s.out[name])
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", name, err)
		}
		got[name] = data
	}
	return got, nil
}

func (s *gonnxSession) Close() {}
