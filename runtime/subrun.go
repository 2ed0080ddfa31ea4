package runtime

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// subruns runs the subgraphs of one step of an instance.
type subruns struct {
	*compiler
	parent *instance
	step   *step
	of     []subrun
}

// subrun is what one subgraph of a step keeps from run to run.
type subrun struct {
	instances []*instance    // by plan, the last used first
	state     []tensor.Value // what the last trip handed to the next
	given     []tensor.Value
	outs      []*tensor.Tensor
	busy      bool
}

// maxSubInstances bounds how many shapes a subgraph keeps memory for.
const maxSubInstances = 4

// body runs a subgraph on the plan for the shapes of in and outer.
func (s *subruns) body(b *body, in, outer []tensor.Value) ([]tensor.Value, error) {
	sub := &s.of[b.index]
	if sub.busy { // a subgraph running inside itself: kernels don't do that, other operators might
		sub = &subrun{}
	}
	sub.busy = true
	defer func() { sub.busy = false }()
	sub.given = append(append(sub.given[:0], in...), outer...)
	x, err := s.instance(sub, b)
	if err != nil {
		return nil, err
	}
	if len(sub.outs) == 0 {
		sub.outs = make([]*tensor.Tensor, len(b.g.outputs))
	}
	got, err := x.run(sub.given, sub.outs)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(got)
	sub.state = out[:min(len(out), s.states(b))]
	s.parent.job.memory.keep(x.p.fresh, out[len(sub.state):])
	clear(sub.given)
	clear(x.results)
	if bytes := x.bytes(); s.config.limited && bytes > 256<<10 {
		sub.instances = slices.DeleteFunc(sub.instances, func(o *instance) bool { return o == x })
		s.parent.job.memory.tidy(bytes)
	}
	return out, nil
}

// states is how many of a subgraph's outputs end with its next trip; the rest
// lives as long as the node runs.
func (s *subruns) states(b *body) int {
	n := s.step.n
	switch {
	case n.is("If"):
		return len(b.g.outputs)
	case n.is("Loop"):
		return len(b.g.inputs) - 1
	case n.is("Scan"):
		if a := n.proto.Attribute("num_scan_inputs"); a != nil && a.I >= 0 && a.I <= int64(len(b.g.inputs)) {
			return len(b.g.inputs) - int(a.I)
		}
	}
	return 0
}

// end forgets what a run of the node left.
func (s *subruns) end() {
	for i := range s.of {
		s.of[i].state = nil
	}
}

// instance finds or makes the instance for the shapes of sub.given.
func (s *subruns) instance(sub *subrun, b *body) (*instance, error) {
	for i, x := range sub.instances {
		if x.p.key.matches(sub.given) {
			if i > 0 {
				copy(sub.instances[1:i+1], sub.instances[:i])
				sub.instances[0] = x
			}
			return x, nil
		}
	}
	p, err := s.step.inner[b.index].get(s.parent.job.ctx, sub.given, nil, func(k *key) (*plan, error) { return s.planBody(b, k) })
	if err != nil {
		return nil, err
	}
	x, err := s.newInstance(p, s.parent.job)
	if err != nil {
		return nil, err
	}
	if len(sub.instances) == maxSubInstances {
		sub.instances = sub.instances[:maxSubInstances-1]
	}
	sub.instances = slices.Insert(sub.instances, 0, x)
	return x, nil
}

// planBody plans a subgraph for inputs and captures of the shapes in k. Captures
// that are constants of the enclosing plan are constants here.
func (s *subruns) planBody(b *body, k *key) (p *plan, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("%w: %v", ErrInternal, r)
		}
	}()
	w := newWork(s.compiler, b.latest(), true)
	n := len(b.g.inputs)
	facts := k.facts()
	captured := make([]ops.Fact, len(b.g.captures))
	for i := range captured {
		captured[i] = facts[n+i]
		if slot := s.step.n.captures[b.base+i]; slot >= 0 && s.parent.p.facts[slot].Value != nil {
			captured[i] = s.parent.p.facts[slot]
		}
	}
	w.enter(facts[:n], captured)
	if err := w.sweep(); err != nil {
		return nil, err
	}
	return w.finish(k, true)
}
