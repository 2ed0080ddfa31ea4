// Program gorgonia measures onnx-go with Gorgonia beside Onda; package bench
// says how.
package main

import (
	"fmt"

	"github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend/x/gorgonnx"

	"github.com/onda-ml/onda/tools/compare/bench"
	"github.com/onda-ml/onda/tools/compare/peers/dense"
)

func main() { bench.Main(gorgoniaEngine{}) }

// gorgoniaEngine is github.com/owulveryck/onnx-go with its Gorgonia backend.
type gorgoniaEngine struct{}

type gorgoniaSession struct {
	graph *gorgonnx.Graph
	model *onnx.Model
	in    []bench.Input
	names []string
}

func (gorgoniaEngine) Load(t *bench.Task) (bench.Session, error) {
	data, err := dense.Opset13(t.Path)
	if err != nil {
		return nil, err
	}
	g := gorgonnx.NewGraph()
	s := &gorgoniaSession{graph: g, model: onnx.NewModel(g), in: t.Inputs, names: t.Outputs}
	if err := s.model.UnmarshalBinary(data); err != nil {
		return nil, err
	}
	for i, in := range t.Inputs {
		if err := s.model.SetInput(i, dense.FromInput(in)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *gorgoniaSession) Run() error { return s.graph.Run() }

func (s *gorgoniaSession) Outputs() (map[string][]float32, error) {
	tensors, err := s.model.GetOutputTensors()
	if err != nil {
		return nil, err
	}
	if len(tensors) != len(s.names) {
		return nil, fmt.Errorf("%d outputs instead of %d", len(tensors), len(s.names))
	}
	got := map[string][]float32{}
	for i, t := range tensors {
		if got[s.names[i]], err = dense.Float32s(t); err != nil {
			return nil, fmt.Errorf("output %q: %w", s.names[i], err)
		}
	}
	return got, nil
}

func (s *gorgoniaSession) Close() {}
