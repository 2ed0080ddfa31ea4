package runtime

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/onda-ml/onda/ops/tensor"
)

// State is a stream through a model whose outputs feed some of its inputs in
// the next step, such as an LSTM fed one time step at a time. It serves one
// goroutine; any number of states share one Model.
type State struct {
	m       *Model
	loops   []loop
	first   map[string]*tensor.Tensor // what Set gave
	call    call
	results map[string]*tensor.Tensor
	last    []*tensor.Tensor // the same by number
	started bool
}

// loop is one value that is carried from step to step.
type loop struct {
	output, input int
	now, next     *tensor.Tensor
}

// NewState starts a stream. feedback names, for each output that is carried to
// the next step, the input that takes it. The first step finds those inputs
// zero, or as [State.Set] gave them.
func (m *Model) NewState(feedback map[string]string) (*State, error) {
	s := &State{m: m, first: map[string]*tensor.Tensor{}, results: map[string]*tensor.Tensor{}}
	s.call.wanted = slices.Repeat([]bool{true}, len(m.outputs))
	s.call.given = make([]tensor.Value, len(m.inputs))
	s.call.outs = make([]*tensor.Tensor, len(m.outputs))
	s.last = make([]*tensor.Tensor, len(m.outputs))
	taken := map[int]string{}
	for _, out := range slices.Sorted(maps.Keys(feedback)) {
		in := feedback[out]
		o := slices.IndexFunc(m.outputs, func(p Port) bool { return p.Name == out })
		i := slices.IndexFunc(m.inputs, func(p Port) bool { return p.Name == in })
		switch {
		case o < 0:
			return nil, fmt.Errorf("runtime: output %q is unknown; the model makes %s", out, portNames(m.outputs))
		case i < 0:
			return nil, fmt.Errorf("runtime: %w %q is unknown; the model takes %s", ErrInput, in, portNames(m.inputs))
		case taken[i] != "":
			return nil, fmt.Errorf("runtime: %w %q is fed by both output %q and output %q", ErrInput, in, taken[i], out)
		case m.inputs[i].Kind != KindTensor:
			return nil, fmt.Errorf("runtime: %w %q is a %s: only tensors are carried", ErrInput, in, m.inputs[i].Kind)
		case m.outputs[o].DType != m.inputs[i].DType:
			return nil, fmt.Errorf("runtime: output %q is %v, input %q takes %v", out, m.outputs[o], in, m.inputs[i])
		}
		taken[i] = out
		s.loops = append(s.loops, loop{output: o, input: i})
	}
	return s, nil
}

// Set gives a carried input the value that the next first step finds; the
// stream starts again. t is copied.
func (s *State) Set(input string, t *tensor.Tensor) error {
	for _, l := range s.loops {
		p := s.m.inputs[l.input]
		if p.Name != input {
			continue
		}
		if err := p.accepts(t, map[string]int{}); err != nil {
			return fmt.Errorf("runtime: %w %q: %w", ErrInput, input, err)
		}
		s.first[input] = t.Clone()
		s.Reset()
		return nil
	}
	return fmt.Errorf("runtime: %w %q is not carried from step to step", ErrInput, input)
}

// Reset starts the stream again.
func (s *State) Reset() { s.started = false }

// Step runs the model on inputs and on what the last step left, and returns all
// outputs. They and the map are the State's own and valid until the next Step.
// A step that fails leaves the stream as it was before. Steps after the first of
// a given shape allocate nothing.
func (s *State) Step(ctx context.Context, inputs map[string]*tensor.Tensor) (map[string]*tensor.Tensor, error) {
	found := 0
	for i, p := range s.m.inputs {
		s.call.given[i] = nil
		if t := inputs[p.Name]; t != nil {
			s.call.given[i] = t
			found++
		}
	}
	if found < len(inputs) {
		for name := range inputs {
			if !slices.ContainsFunc(s.m.inputs, func(p Port) bool { return p.Name == name }) {
				return nil, fmt.Errorf("runtime: %w %q is unknown; the model takes %s", ErrInput, name, portNames(s.m.inputs))
			}
		}
	}
	for k := range s.loops {
		l := &s.loops[k]
		p := s.m.inputs[l.input]
		if s.call.given[l.input] != nil {
			return nil, fmt.Errorf("runtime: %w %q is carried from step to step and can't be given", ErrInput, p.Name)
		}
		if !s.started {
			if err := s.begin(l, p); err != nil {
				return nil, err
			}
		}
		s.call.given[l.input] = l.now
	}
	if err := s.run(ctx); err != nil {
		return nil, wrap(err)
	}
	s.started = true
	for k := range s.loops {
		l := &s.loops[k]
		l.now, l.next = s.last[l.output], l.now
	}
	return s.results, nil
}

// begin makes the value of a carried input for the first step.
func (s *State) begin(l *loop, p Port) error {
	if t := s.first[p.Name]; t != nil {
		l.now = t.Clone()
		return nil
	}
	sizes := map[string]int{}
	for i, q := range s.m.inputs {
		if t, ok := s.call.given[i].(*tensor.Tensor); ok && t.Rank() == len(q.Shape) {
			for k, d := range q.Shape {
				sizes[d.Name] = t.Dim(k)
			}
		}
	}
	shape := make([]int, len(p.Shape))
	for i, d := range p.Shape {
		size, known := sizes[d.Name]
		switch {
		case d.Size >= 0:
			shape[i] = d.Size
		case d.Name != "" && known:
			shape[i] = size
		default:
			return fmt.Errorf("runtime: %w %q: %v doesn't tell its first size; use Set", ErrInput, p.Name, p)
		}
	}
	if !p.Ranked {
		return fmt.Errorf("runtime: %w %q: %v doesn't tell its first size; use Set", ErrInput, p.Name, p)
	}
	t, err := tensor.Zeros(p.DType, shape...)
	l.now = t
	return err
}

// run computes all outputs into s.results.
func (s *State) run(ctx context.Context) error {
	m, c := s.m, &s.call
	if m.opt == nil {
		if err := m.checkGiven(c.given); err != nil {
			return err
		}
		got, err := m.runPlain(ctx, c.given)
		if err != nil {
			return err
		}
		return s.take(got)
	}
	if m.plans.find(c.given, nil) == nil {
		if err := m.checkGiven(c.given); err != nil {
			return err
		}
	}
	x, err := m.acquire(ctx, c.given, nil)
	if err != nil {
		return err
	}
	for i, o := range x.p.outputs {
		c.outs[i] = s.room(i, x.p.facts[o.slot].DType, x.p.facts[o.slot].Shape, x.p.facts[o.slot].Known())
	}
	got, err := m.runOn(ctx, x, c.given, c.outs)
	if err != nil {
		return err
	}
	err = s.take(got)
	m.release(x)
	return err
}

// room is memory for output i that the last step's results don't need: nil if
// the size isn't known.
func (s *State) room(i int, dt tensor.DType, shape []int, known bool) *tensor.Tensor {
	fits := func(t *tensor.Tensor) bool { return t != nil && t.DType() == dt && t.Shape().Equal(shape) }
	spare := s.last[i]
	for _, l := range s.loops {
		if l.output == i {
			spare = l.next
		}
	}
	if known && !fits(spare) {
		spare, _ = tensor.Zeros(dt, shape...)
	}
	if !known {
		return nil
	}
	return spare
}

// take puts the outputs of a run into s.results.
func (s *State) take(got []tensor.Value) error {
	for i, v := range got {
		t, ok := v.(*tensor.Tensor)
		if !ok {
			return fmt.Errorf("output %q is a %s: only tensors can be streamed", s.m.outputs[i].Name, kindOf(v))
		}
		s.last[i], s.results[s.m.outputs[i].Name] = t, t
	}
	return nil
}
