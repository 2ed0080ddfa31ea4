package main

import (
	"errors"
	"fmt"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

func startORT(library string) error {
	if library == "" {
		return errors.New("-onnxruntime is missing: the path of libonnxruntime.so, as in the onnxruntime package of PyPI")
	}
	ort.SetSharedLibraryPath(library)
	return ort.InitializeEnvironment(ort.WithLogLevelError())
}

func ortVersion() string { return ort.GetVersion() }

// session is a model loaded by ONNX Runtime, all optimisations on.
type session struct {
	s       *ort.DynamicAdvancedSession
	inputs  []string
	outputs []string
}

func newSession(path string, m *runtime.Model, threads int) (*session, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer o.Destroy()
	if err := errors.Join(o.SetIntraOpNumThreads(threads), o.SetInterOpNumThreads(1),
		o.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll)); err != nil {
		return nil, err
	}
	s := &session{}
	for _, p := range m.Inputs() {
		s.inputs = append(s.inputs, p.Name)
	}
	for _, p := range m.Outputs() {
		s.outputs = append(s.outputs, p.Name)
	}
	s.s, err = ort.NewDynamicAdvancedSession(path, s.inputs, s.outputs, o)
	return s, err
}

func (s *session) close() { s.s.Destroy() }

// prepare turns inputs into ONNX Runtime's tensors and returns what runs them.
// The outputs are copied out once; later runs write into the same memory.
func (s *session) prepare(inputs map[string]*tensor.Tensor) (run func() (map[string][]float32, error), release func(), err error) {
	var in []ort.Value
	release = func() {
		for _, v := range in {
			v.Destroy()
		}
	}
	for _, name := range s.inputs {
		v, err := toORT(inputs[name])
		if err != nil {
			release()
			return nil, nil, fmt.Errorf("input %q: %w", name, err)
		}
		in = append(in, v)
	}
	out := make([]ort.Value, len(s.outputs))
	in0 := len(in)
	run = func() (map[string][]float32, error) {
		if err := s.s.Run(in[:in0], out); err != nil {
			return nil, err
		}
		got := map[string][]float32{}
		for i, v := range out {
			if t, ok := v.(*ort.Tensor[float32]); ok {
				got[s.outputs[i]] = t.GetData()
			}
		}
		if len(in) == in0 {
			in = append(in, out...)
		}
		return got, nil
	}
	return run, release, nil
}

func toORT(t *tensor.Tensor) (ort.Value, error) {
	shape := make(ort.Shape, t.Rank())
	for i, d := range t.Shape() {
		shape[i] = int64(d)
	}
	switch t.DType() {
	case tensor.Float32:
		return ort.NewTensor(shape, tensor.Of[float32](t))
	case tensor.Float64:
		return ort.NewTensor(shape, tensor.Of[float64](t))
	case tensor.Int64:
		return ort.NewTensor(shape, tensor.Of[int64](t))
	case tensor.Int32:
		return ort.NewTensor(shape, tensor.Of[int32](t))
	}
	return nil, fmt.Errorf("elements of type %v", t.DType())
}
