package runtime

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// Model is a loaded model, ready to run. It is immutable and may be used by any
// number of goroutines at once.
type Model struct {
	proto   *onnx.Model
	config  *config
	graph   *graph
	inputs  []Port
	outputs []Port
	pool    *kernel.Pool
}

// Inputs describes the model's inputs in the file's order. Those that an
// initializer gives a value are marked Optional.
func (m *Model) Inputs() []Port { return slices.Clone(m.inputs) }

// Outputs describes the model's outputs in the file's order.
func (m *Model) Outputs() []Port { return slices.Clone(m.outputs) }

// Metadata is the model's metadata_props.
func (m *Model) Metadata() map[string]string {
	out := make(map[string]string, len(m.proto.Metadata))
	for _, e := range m.proto.Metadata {
		out[e.Key] = e.Value
	}
	return out
}

// Run computes the named outputs, or all where none is named, from the inputs.
// Inputs are read, never written; outputs are the caller's. An error that has
// to do with the inputs matches ErrInput, one of a node is an *OpError, a
// cancelled context's is its cause.
func (m *Model) Run(ctx context.Context, inputs map[string]*tensor.Tensor, outputs ...string) (map[string]*tensor.Tensor, error) {
	values := make(map[string]tensor.Value, len(inputs))
	for name, t := range inputs {
		if t != nil {
			values[name] = t
		}
	}
	got, err := m.RunValues(ctx, values, outputs...)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*tensor.Tensor, len(got))
	for name, v := range got {
		t, ok := v.(*tensor.Tensor)
		if !ok {
			return nil, fmt.Errorf("runtime: output %q is a %s: use RunValues", name, kindOf(v))
		}
		out[name] = t
	}
	return out, nil
}

// RunValues is Run for models whose inputs or outputs are sequences, optionals
// or maps.
func (m *Model) RunValues(ctx context.Context, inputs map[string]tensor.Value, outputs ...string) (map[string]tensor.Value, error) {
	slots, err := m.feed(inputs)
	if err != nil {
		return nil, err
	}
	wanted, err := m.wanted(outputs)
	if err != nil {
		return nil, err
	}
	r := &run{ctx: ctx, pool: m.pool, memory: &budget{limit: m.config.memory}, seed: m.config.seed}
	got, err := r.interpret(m.graph, slots, nil)
	if err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	out := make(map[string]tensor.Value, len(wanted))
	for _, i := range wanted {
		out[m.outputs[i].Name] = got[i]
	}
	return out, nil
}

// feed checks the inputs of a run and puts them in their slots.
func (m *Model) feed(inputs map[string]tensor.Value) (map[int]tensor.Value, error) {
	slots := make(map[int]tensor.Value, len(inputs))
	sizes := map[string]int{}
	for i, p := range m.inputs {
		v, given := inputs[p.Name]
		if !given {
			if !p.Optional {
				return nil, fmt.Errorf("runtime: %w %q is missing; the model takes %s", ErrInput, p.Name, portNames(m.inputs))
			}
			continue
		}
		if err := p.accepts(v, sizes); err != nil {
			return nil, fmt.Errorf("runtime: %w %q: %w", ErrInput, p.Name, err)
		}
		slots[m.graph.inputs[i]] = v
	}
	if len(slots) < len(inputs) {
		for name := range inputs {
			if !slices.ContainsFunc(m.inputs, func(p Port) bool { return p.Name == name }) {
				return nil, fmt.Errorf("runtime: %w %q is unknown; the model takes %s", ErrInput, name, portNames(m.inputs))
			}
		}
	}
	return slots, nil
}

func (m *Model) wanted(outputs []string) ([]int, error) {
	var wanted []int
	if len(outputs) == 0 {
		for i := range m.outputs {
			wanted = append(wanted, i)
		}
		return wanted, nil
	}
	for _, name := range outputs {
		i := slices.IndexFunc(m.outputs, func(p Port) bool { return p.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("runtime: output %q is unknown; the model makes %s", name, portNames(m.outputs))
		}
		wanted = append(wanted, i)
	}
	return wanted, nil
}

func portNames(ports []Port) string {
	if len(ports) == 0 {
		return "none"
	}
	var names []string
	for _, p := range ports {
		names = append(names, fmt.Sprintf("%q", p.Name))
	}
	return strings.Join(names, ", ")
}
