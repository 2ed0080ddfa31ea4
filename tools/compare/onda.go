package main

import (
	"context"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/tools/compare/bench"
)

// streamSession runs the model through a runtime.State: one step a run, the
// state carried.
type streamSession struct {
	state *runtime.State
	in    map[string]*tensor.Tensor
	out   map[string]*tensor.Tensor
}

// newStream takes the names of feedback out of the task's inputs: the state
// gives them, zero at first.
func newStream(t *bench.Task, feedback map[string]string) (*streamSession, error) {
	m, err := runtime.Load(t.Path, runtime.WithThreads(t.Threads))
	if err != nil {
		return nil, err
	}
	s := &streamSession{in: t.Named()}
	for _, name := range feedback {
		delete(s.in, name)
	}
	s.state, err = m.NewState(feedback)
	return s, err
}

func (s *streamSession) Run() (err error) {
	s.out, err = s.state.Step(context.Background(), s.in)
	return err
}

func (s *streamSession) Outputs() (map[string][]float32, error) { return bench.SlicesOf(s.out) }

func (s *streamSession) Close() {}

// builtSession is the hand-built forecaster, without any graph.
type builtSession struct {
	model    *lstmattn.Model
	x        []float32
	forecast lstmattn.Forecast
}

func newBuilt(m *lstmattn.Model, t *bench.Task) *builtSession {
	m.SetThreads(t.Threads)
	return &builtSession{model: m, x: bench.Floats(t.Value("x"))}
}

func (s *builtSession) Run() error {
	return s.model.ForecastInto(context.Background(), &s.forecast, s.x, nil)
}

func (s *builtSession) Outputs() (map[string][]float32, error) {
	return map[string][]float32{"forecast": s.forecast.Values}, nil
}

func (s *builtSession) Close() {}
