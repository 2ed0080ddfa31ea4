package runtime

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// Model is a loaded model, ready to run. It is immutable and may be used by any
// number of goroutines at once.
type Model struct {
	compiler
	proto    *onnx.Model
	graph    *graph // as the file has it
	inputs   []Port
	outputs  []Port
	opt      *graph           // as rewritten at load; nil at level Plain
	defaults []*tensor.Tensor // of inputs that may be left out
	plans    plans
	calls    calls
	valued   atomic.Pointer[[]bool] // inputs whose values plans depend on; nil until the first run tells
	misses   atomic.Int64           // plans made for another value of such an input
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
	given, err := m.feed(make([]tensor.Value, 0, len(m.inputs)), inputs)
	if err != nil {
		return nil, err
	}
	wanted, err := m.wanted(outputs)
	if err != nil {
		return nil, err
	}
	var got []tensor.Value
	if m.opt == nil {
		got, err = m.runPlain(ctx, given)
	} else {
		got, err = m.runPlanned(ctx, given, m.mask(wanted))
	}
	if err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	out := make(map[string]tensor.Value, len(wanted))
	for i, at := range wanted {
		if m.opt == nil {
			i = at
		}
		out[m.outputs[at].Name] = got[i]
	}
	return out, nil
}

// runPlain computes every output with the plain interpreter.
func (m *Model) runPlain(ctx context.Context, given []tensor.Value) ([]tensor.Value, error) {
	m.pool.Enter()
	defer m.pool.Leave()
	slots := make(map[int]tensor.Value, len(given))
	for i, v := range given {
		if v != nil {
			slots[m.graph.inputs[i]] = v
		}
	}
	memory := m.budget()
	r := &run{ctx: ctx, pool: m.pool, memory: &memory, seed: m.config.seed, times: map[uint64]uint64{}}
	return r.interpret(m.graph, slots, nil)
}

// feed checks the inputs of a run and appends them to given in the model's
// order, nil where one is left out.
func (m *Model) feed(given []tensor.Value, inputs map[string]tensor.Value) ([]tensor.Value, error) {
	found := 0
	for _, p := range m.inputs {
		v := inputs[p.Name]
		given = append(given, v)
		if v != nil {
			found++
		}
	}
	if err := m.checkGiven(given); err != nil {
		return nil, err
	}
	if found < len(inputs) {
		for name, v := range inputs {
			if v != nil && !slices.ContainsFunc(m.inputs, func(p Port) bool { return p.Name == name }) {
				return nil, fmt.Errorf("runtime: %w %q is unknown; the model takes %s", ErrInput, name, portNames(m.inputs))
			}
		}
	}
	return given, nil
}

// checkGiven holds the inputs of a run, in the model's order, against what the
// model states of them.
func (m *Model) checkGiven(given []tensor.Value) error {
	sizes := map[string]int{}
	for i, p := range m.inputs {
		if given[i] == nil {
			if !p.Optional {
				return fmt.Errorf("runtime: %w %q is missing; the model takes %s", ErrInput, p.Name, portNames(m.inputs))
			}
			continue
		}
		if err := p.accepts(given[i], sizes); err != nil {
			return fmt.Errorf("runtime: %w %q: %w", ErrInput, p.Name, err)
		}
	}
	return nil
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
		if !slices.Contains(wanted, i) {
			wanted = append(wanted, i)
		}
	}
	slices.Sort(wanted)
	return wanted, nil
}

// mask marks the wanted outputs; nil stands for all.
func (m *Model) mask(wanted []int) []bool {
	if len(wanted) == len(m.outputs) {
		return nil
	}
	mask := make([]bool, len(m.outputs))
	for _, i := range wanted {
		mask[i] = true
	}
	return mask
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
