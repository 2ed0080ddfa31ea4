package bench

import (
	"context"
	"fmt"

	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// Onda is package runtime with RunInto.
type Onda struct{}

// OndaSession is a model with its inputs and memory for its outputs.
type OndaSession struct {
	model   *runtime.Model
	in, out map[string]*tensor.Tensor
}

func (Onda) Load(t *Task) (Session, error) {
	m, err := runtime.Load(t.Path, runtime.WithThreads(t.Threads))
	if err != nil {
		return nil, err
	}
	return NewOndaSession(m, t)
}

// NewOndaSession runs the model once, to have memory of the outputs' sizes.
func NewOndaSession(m *runtime.Model, t *Task) (*OndaSession, error) {
	s := &OndaSession{model: m, in: t.Named()}
	var err error
	s.out, err = m.Run(context.Background(), s.in)
	return s, err
}

func (s *OndaSession) Run() error { return s.model.RunInto(context.Background(), s.in, s.out) }

func (s *OndaSession) Outputs() (map[string][]float32, error) { return SlicesOf(s.out) }

func (s *OndaSession) Close() {}

// SlicesOf gives the elements of tensors, which must be float32, or labels in int64.
func SlicesOf(tensors map[string]*tensor.Tensor) (map[string][]float32, error) {
	m := map[string][]float32{}
	for name, t := range tensors {
		if t.DType() == tensor.Int64 {
			m[name] = Labels(tensor.Of[int64](t))
			continue
		}
		data, err := tensor.Data[float32](t)
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", name, err)
		}
		m[name] = data
	}
	return m, nil
}

// Labels are labels as numbers to compare.
func Labels(labels []int64) []float32 {
	m := make([]float32, len(labels))
	for i, v := range labels {
		m[i] = float32(v)
	}
	return m
}
