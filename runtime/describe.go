package runtime

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/onda-ml/onda/ops/tensor"
)

// Plan describes how a run with inputs of certain shapes goes.
type Plan struct {
	Steps     []PlanStep // in the order in which they run
	Nodes     int        // of the model's main graph as the file has it
	Arena     int64      // bytes of memory for values between the steps
	Outputs   int64      // bytes of the outputs whose size is known
	Constants int64      // bytes of the constants that the steps read
	Values    int64      // bytes that the arena's values would take side by side
}

// PlanStep is one step of a plan.
type PlanStep struct {
	Op      string      // operator, with its domain unless that is ONNX's own
	Node    string      // the node's name in the file, often empty
	Group   int         // steps of the same group run side by side; 0 for none
	Parts   int         // it runs so often, each time on the next part of the batch; 0 for once, on all of it
	Outputs []PlanValue // what it makes
}

// PlanValue is what a step makes and where it lies.
type PlanValue struct {
	Name  string // the value's name in the graph
	Type  string // such as float(1, 24); ? where it isn't known beforehand
	Place string // arena+OFFSET, output, or heap
	Bytes int64  // 0 where that isn't known beforehand
}

// Plan makes, or finds, the plan for a run with these inputs and describes it.
func (m *Model) Plan(inputs map[string]*tensor.Tensor, outputs ...string) (*Plan, error) {
	given, wanted, err := m.request(inputs, outputs)
	if err != nil {
		return nil, err
	}
	p, err := m.planned(context.Background(), given, wanted)
	if err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	d := &Plan{Nodes: len(m.proto.Graph.Nodes), Arena: int64(p.arena), Outputs: p.fresh}
	for _, r := range p.regions {
		if r.source < 0 && r.output < 0 {
			d.Values += int64(r.bytes)
		}
	}
	for _, k := range p.g.consts {
		d.Constants += int64(k.value.Len() * sizeOf(k.value.DType()))
	}
	for _, st := range p.steps {
		s := PlanStep{Op: opName(st.n), Node: st.n.proto.Name, Group: st.group}
		if st.parted {
			s.Parts = p.parted.count
		}
		for _, slot := range st.n.out {
			if slot >= 0 {
				s.Outputs = append(s.Outputs, p.describe(slot))
			}
		}
		d.Steps = append(d.Steps, s)
	}
	return d, nil
}

// request puts the inputs of a run with a plan in order.
func (m *Model) request(inputs map[string]*tensor.Tensor, outputs []string) ([]tensor.Value, []bool, error) {
	if m.opt == nil {
		return nil, nil, fmt.Errorf("runtime: the model was loaded at level Plain, which makes no plan")
	}
	values := make(map[string]tensor.Value, len(inputs))
	for name, t := range inputs {
		values[name] = t
	}
	given, err := m.feed(nil, values)
	if err != nil {
		return nil, nil, err
	}
	wanted, err := m.wanted(outputs)
	if err != nil {
		return nil, nil, err
	}
	return given, m.mask(wanted), nil
}

func opName(n *node) string {
	if d := domainOf(n.proto.Domain); d != "" {
		return d + "." + n.proto.OpType
	}
	return n.proto.OpType
}

func (p *plan) describe(slot int) PlanValue {
	v := PlanValue{Name: p.g.slots[slot], Type: "?", Place: "heap"}
	if f := p.facts[slot]; f.Known() {
		v.Type = f.DType.String() + tensor.Shape(f.Shape).String()
		v.Bytes = int64(tensor.Shape(f.Shape).Len() * sizeOf(f.DType))
	}
	if at := p.values[slot]; at.home == laid {
		r := p.regions[at.region]
		v.Place = fmt.Sprintf("arena+%d", r.offset)
		if r.output >= 0 {
			v.Place = "output"
		}
	}
	return v
}

// String lists the steps, one a line, those that run side by side after a bar,
// those that get the batch in parts after a colon, and then the memory.
func (p *Plan) String() string {
	var b strings.Builder
	for i, s := range p.Steps {
		beside := " "
		op := s.Op
		switch {
		case s.Group > 0:
			beside = "|"
		case s.Parts > 0:
			beside, op = ":", fmt.Sprintf("%s, %d parts", s.Op, s.Parts)
		}
		fmt.Fprintf(&b, "%5d%s%-24s", i, beside, op)
		for _, v := range s.Outputs {
			fmt.Fprintf(&b, " %s %s %s", v.Name, v.Type, v.Place)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%d steps for %d nodes; arena of %d bytes for values of %d bytes, outputs of %d bytes, constants of %d bytes\n",
		len(p.Steps), p.Nodes, p.Arena, p.Values, p.Outputs, p.Constants)
	return b.String()
}

// StepTime is how long one step of a run took, subgraphs included.
type StepTime struct {
	Op   string // operator, with its domain unless that is ONNX's own
	Node string // the node's name in the file, often empty
	Time time.Duration
}

// Profile is one run of all outputs with the time of every step, in the order
// in which they ended, once for each part of the batch. Steps of subgraphs are listed too, before the node that
// runs them.
func (m *Model) Profile(ctx context.Context, inputs map[string]*tensor.Tensor) ([]StepTime, error) {
	given, _, err := m.request(inputs, nil)
	if err != nil {
		return nil, err
	}
	x, err := m.acquire(ctx, given, nil)
	if err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	var times []StepTime
	x.job.profile = func(n *node, d time.Duration) { times = append(times, StepTime{opName(n), n.proto.Name, d}) }
	_, err = m.runOn(ctx, x, given, make([]*tensor.Tensor, len(x.p.outputs)))
	x.job.profile = nil
	if err != nil {
		return nil, fmt.Errorf("runtime: %w", err)
	}
	m.release(x)
	return times, nil
}
