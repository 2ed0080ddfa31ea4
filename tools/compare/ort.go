package main

import (
	"errors"
	"fmt"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/tools/compare/bench"
)

// startORT loads the shared library, once for the process.
func startORT(library string) error {
	if library == "" {
		return errors.New("-onnxruntime is missing: the path of libonnxruntime.so, as in the onnxruntime package of PyPI")
	}
	ort.SetSharedLibraryPath(library)
	return ort.InitializeEnvironment(ort.WithLogLevelError())
}

func ortVersion() string { return ort.GetVersion() }

// ortEngine is ONNX Runtime with all optimisations on.
type ortEngine struct{}

type ortSession struct {
	s       *ort.DynamicAdvancedSession
	names   []string
	in, out []ort.Value // out is made by the first run and written by the later ones
}

func (ortEngine) Load(t *bench.Task) (bench.Session, error) {
	s := &ortSession{names: t.Outputs, out: make([]ort.Value, len(t.Outputs))}
	var inputs []string
	for _, in := range t.Inputs {
		v, err := toORT(in.Value)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("input %q: %w", in.Name, err)
		}
		s.in = append(s.in, v)
		inputs = append(inputs, in.Name)
	}
	o, err := ort.NewSessionOptions()
	if err != nil {
		s.Close()
		return nil, err
	}
	defer func() { _ = o.Destroy() }()
	err = errors.Join(o.SetIntraOpNumThreads(t.Threads), o.SetInterOpNumThreads(1),
		o.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll))
	if err == nil {
		s.s, err = ort.NewDynamicAdvancedSession(t.Path, inputs, t.Outputs, o)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *ortSession) Run() error { return s.s.Run(s.in, s.out) }

func (s *ortSession) Outputs() (map[string][]float32, error) {
	got := map[string][]float32{}
	for i, v := range s.out {
		switch t := v.(type) {
		case *ort.Tensor[float32]:
			got[s.names[i]] = t.GetData()
		case *ort.Tensor[int64]: // labels
			got[s.names[i]] = bench.Labels(t.GetData())
		default:
			return nil, fmt.Errorf("output %q is a %T", s.names[i], v)
		}
	}
	return got, nil
}

func (s *ortSession) Close() {
	if s.s != nil {
		_ = s.s.Destroy()
	}
	for _, v := range slices.Concat(s.in, s.out) {
		if v != nil {
			_ = v.Destroy()
		}
	}
}

// ortStream feeds outputs back into inputs: two sets of values change places
// after each run, so that nothing is copied.
type ortStream struct {
	*ortSession
	next []pair
}

// pair is the positions of an output and of the input that takes it next.
type pair struct{ output, input int }

// newORTStream is an ortSession whose carried inputs start at zero.
func newORTStream(t *bench.Task, feedback map[string]string) (bench.Session, error) {
	loaded, err := ortEngine{}.Load(t)
	if err != nil {
		return nil, err
	}
	s := &ortStream{ortSession: loaded.(*ortSession)}
	for o, name := range t.Outputs {
		for i, in := range t.Inputs {
			if feedback[name] == in.Name {
				s.next = append(s.next, pair{o, i})
				s.in[i].ZeroContents()
			}
		}
	}
	return s, nil
}

func (s *ortStream) Run() error {
	// The value that was read last time is written this time.
	for _, p := range s.next {
		if s.out[p.output] != nil {
			s.in[p.input], s.out[p.output] = s.out[p.output], s.in[p.input]
		}
	}
	return s.ortSession.Run()
}

// toORT copies a tensor.
func toORT(t *tensor.Tensor) (ort.Value, error) {
	shape := make(ort.Shape, t.Rank())
	for i, d := range t.Shape() {
		shape[i] = int64(d)
	}
	switch t.DType() {
	case tensor.Float32:
		return ort.NewTensor(shape, bench.Floats(t))
	case tensor.Int64:
		return ort.NewTensor(shape, slices.Clone(tensor.Of[int64](t)))
	case tensor.Int32:
		return ort.NewTensor(shape, slices.Clone(tensor.Of[int32](t)))
	case tensor.Bool:
		return ort.NewCustomDataTensor(shape, slices.Clone(t.Bytes()), ort.TensorElementDataTypeBool)
	}
	return nil, fmt.Errorf("elements of type %v", t.DType())
}

// ortRuns are n goroutines' runs of one session, each into memory of its own.
func ortRuns(s *ortSession, n int) ([]func() error, error) {
	var runs []func() error
	for range n {
		out := make([]ort.Value, len(s.out))
		run := func() error { return s.s.Run(s.in, out) }
		if err := run(); err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}
