// Program gomlx measures GoMLX beside Onda; package bench says how.
package main

import (
	"fmt"

	"github.com/gomlx/gomlx/backends/simplego"
	"github.com/gomlx/gomlx/pkg/core/graph"
	"github.com/gomlx/gomlx/pkg/core/tensors"
	"github.com/gomlx/gomlx/pkg/ml/context"
	"github.com/gomlx/onnx-gomlx/onnx"

	"github.com/onda-ml/onda/tools/compare/bench"
)

func main() { bench.Main(gomlxEngine{}) }

// gomlxEngine is github.com/gomlx/onnx-gomlx with GoMLX's backend in pure Go.
type gomlxEngine struct{}

type gomlxSession struct {
	exec  *context.Exec
	in    []any
	out   []*tensors.Tensor
	names []string
}

func (gomlxEngine) Load(t *bench.Task) (bench.Session, error) {
	model, err := onnx.ReadFile(t.Path)
	if err != nil {
		return nil, err
	}
	vars := context.New()
	if err := model.VariablesToContext(vars); err != nil {
		return nil, err
	}
	backend, err := simplego.New("")
	if err != nil {
		return nil, err
	}
	s := &gomlxSession{names: t.Outputs}
	s.exec, err = context.NewExec(backend, vars, func(vars *context.Context, nodes []*graph.Node) []*graph.Node {
		inputs := map[string]*graph.Node{}
		for i, in := range t.Inputs {
			inputs[in.Name] = nodes[i]
		}
		return model.CallGraph(vars, nodes[0].Graph(), inputs, t.Outputs...)
	})
	if err != nil {
		return nil, err
	}
	for _, in := range t.Inputs {
		s.in = append(s.in, tensors.FromFlatDataAndDimensions(bench.Floats(in.Value), in.Value.Shape()...))
	}
	return s, nil
}

func (s *gomlxSession) Run() (err error) {
	for _, t := range s.out {
		if err := t.FinalizeAll(); err != nil {
			return err
		}
	}
	s.out, err = s.exec.Exec(s.in...)
	return err
}

func (s *gomlxSession) Outputs() (map[string][]float32, error) {
	if len(s.out) != len(s.names) {
		return nil, fmt.Errorf("%d outputs instead of %d", len(s.out), len(s.names))
	}
	got := map[string][]float32{}
	for i, t := range s.out {
		err := tensors.ConstFlatData(t, func(flat []float32) { got[s.names[i]] = append([]float32(nil), flat...) })
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", s.names[i], err)
		}
	}
	return got, nil
}

func (s *gomlxSession) Close() { s.exec.Finalize() }
