package bench

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// A Task is a model and what to run it on.
type Task struct {
	Path    string
	Inputs  []Input
	Outputs []string // names, in the file's order
	Threads int
}

// Input is an input's name and value.
type Input struct {
	Name  string
	Value *tensor.Tensor
}

// NewTask reads the model's inputs and makes values for them, the same each time:
// standard normal numbers, integers of 0 to 3, which may be indices, and truth values.
// The dimension whose name has "batch" or "n" is the batch. Inputs with a default are
// left out.
func NewTask(path string, batch, threads int) (*Task, error) {
	m, err := onnx.Load(path)
	if err != nil {
		return nil, err
	}
	t := &Task{Path: path, Threads: threads}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, v := range m.Graph.Inputs {
		if m.Graph.Initializer(v.Name) != nil {
			continue
		}
		if v.Type == nil || v.Type.Tensor == nil || v.Type.Tensor.Shape == nil {
			return nil, fmt.Errorf("%s: input %q is %v, expected a tensor of known rank", path, v.Name, v.Type)
		}
		x, err := values(rng, v.Type.Tensor, batch)
		if err != nil {
			return nil, fmt.Errorf("%s: input %q: %w", path, v.Name, err)
		}
		t.Inputs = append(t.Inputs, Input{v.Name, x})
	}
	for _, v := range m.Graph.Outputs {
		t.Outputs = append(t.Outputs, v.Name)
	}
	return t, nil
}

// values are random.
func values(rng *rand.Rand, of *onnx.TensorType, batch int) (*tensor.Tensor, error) {
	shape := make([]int, len(of.Shape.Dims))
	for i, d := range of.Shape.Dims {
		switch {
		case d.HasValue:
			shape[i] = int(d.Value)
		case strings.Contains(d.Param, "batch") || strings.EqualFold(d.Param, "n"):
			shape[i] = batch
		default:
			return nil, fmt.Errorf("dimension %q is neither fixed nor the batch", d.Param)
		}
	}
	dt := tensor.DType(of.ElemType)
	x, err := tensor.Zeros(dt, shape...)
	if err != nil {
		return nil, err
	}
	for i := range x.Len() {
		switch dt {
		case tensor.Float32:
			tensor.Of[float32](x)[i] = float32(rng.NormFloat64())
		case tensor.Int64:
			tensor.Of[int64](x)[i] = rng.Int64N(4)
		case tensor.Int32:
			tensor.Of[int32](x)[i] = rng.Int32N(4)
		case tensor.Bool:
			tensor.Of[bool](x)[i] = rng.IntN(2) == 0
		default:
			return nil, fmt.Errorf("elements of type %v, expected float, int64, int32 or bool", dt)
		}
	}
	return x, nil
}

// Floating is an error if an input isn't float32, which is all that some engines are
// given here.
func (t *Task) Floating() error {
	for _, in := range t.Inputs {
		if in.Value.DType() != tensor.Float32 {
			return fmt.Errorf("input %q has elements of type %v, expected float", in.Name, in.Value.DType())
		}
	}
	return nil
}

// Named is the inputs by name.
func (t *Task) Named() map[string]*tensor.Tensor {
	m := map[string]*tensor.Tensor{}
	for _, in := range t.Inputs {
		m[in.Name] = in.Value
	}
	return m
}

// Value is the input of that name, nil if there is none.
func (t *Task) Value(name string) *tensor.Tensor {
	i := slices.IndexFunc(t.Inputs, func(in Input) bool { return in.Name == name })
	if i < 0 {
		return nil
	}
	return t.Inputs[i].Value
}

// Data is the elements of an input's value.
func Data(t *tensor.Tensor) []float32 { return tensor.Of[float32](t) }

// Floats is a copy of them, for engines that keep what they are given.
func Floats(t *tensor.Tensor) []float32 { return slices.Clone(Data(t)) }
