package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// instance is the memory of one plan and everything that runs it, for one
// goroutine at a time. What it holds is made once: running it again allocates
// nothing but outputs and values of unknown size.
type instance struct {
	p       *plan
	job     *job
	steps   []running
	frame   []tensor.Value
	inputs  [][]*tensor.Tensor // headers onto each input and capture
	outputs [][]*tensor.Tensor // headers onto each output's memory
	spares  []*tensor.Tensor   // memory for outputs that the caller's can't be used for
	results []tensor.Value
	scratch ops.Scratch
	shared  shared
	first   int              // of the steps that run side by side
	each    func(lo, hi int) // some of them
	arena   []byte
	parts   []part
	at      int   // the step that runs
	kept    int64 // bytes that steps reserved and may have kept for the next run, where the caller set a limit
}

// running is one step of an instance.
type running struct {
	kernel  ops.Kernel
	special bool // it needs more than its kernel's call
	step    *step
	inner   *subruns
	c       ops.Ctx
	kept    any
	parted  int         // how many steps from this one on take the batch a part at a time; 0 if it is none or not the first
	beside  int         // how many steps from this one on run side by side; 0 if it is none or not the first
	scratch ops.Scratch // of a step beside others
	err     error       // of a step beside others
}

// job is one call of Run: what an instance and those of its subgraphs share.
type job struct {
	ctx     context.Context
	memory  budget
	seed    uint64
	times   map[uint64]uint64 // how often each random node ran
	running []*instance       // innermost last
	profile func(n *node, d time.Duration)
	limited bool // the caller set a limit
}

// census adds up the values that the run holds outside its plans' own memory.
func (j *job) census(c *census) {
	for _, x := range j.running {
		for s, v := range x.p.values {
			if v.home == heap || v.home == dynamic {
				c.add(x.frame[s])
			}
		}
		if r := &x.steps[x.at]; r.inner != nil {
			for _, sub := range r.inner.of {
				for _, v := range sub.state {
					c.add(v)
				}
			}
		}
	}
}

// newInstance makes an instance of p whose runs belong to j.
func (c *compiler) newInstance(p *plan, j *job) (*instance, error) {
	x := &instance{p: p, job: j, frame: make([]tensor.Value, len(p.values)), results: make([]tensor.Value, len(p.outputs)),
		inputs: make([][]*tensor.Tensor, len(p.g.inputs)+len(p.g.captures)), outputs: make([][]*tensor.Tensor, len(p.outputs)),
		spares: make([]*tensor.Tensor, len(p.outputs)), arena: tensor.AlignedBytes(p.arena)}
	x.each, x.shared.of = x.some, &j.memory
	headers := make([]*tensor.Tensor, len(p.values))
	at := make([]int, len(p.g.slots))
	for i := range at {
		at[i] = -1
	}
	for i, s := range p.g.inputs {
		at[s] = i
	}
	for i, s := range p.g.captures {
		if s >= 0 {
			at[s] = len(p.g.inputs) + i
		}
	}
	for s, v := range p.values {
		f := p.facts[s]
		switch v.home {
		case constant0:
			headers[s] = f.Value
		case outside, laid:
			t, err := tensor.Header(f.DType, f.Shape...)
			if err != nil {
				return nil, err
			}
			headers[s] = t
			switch r := p.regions[v.region]; {
			case r.source >= 0:
				x.inputs[at[r.source]] = append(x.inputs[at[r.source]], t)
			case r.output >= 0:
				x.outputs[r.output] = append(x.outputs[r.output], t)
			default:
				t.AttachBytes(x.arena[r.offset : r.offset+r.bytes : r.offset+r.bytes])
			}
		}
	}
	parts, err := x.partHeaders(headers)
	if err != nil {
		return nil, err
	}
	x.steps = make([]running, len(p.steps))
	for i := range p.steps {
		st := &p.steps[i]
		r := &x.steps[i]
		r.kernel, r.step = st.n.kernel, st
		r.special = st.dynamic || st.n.version.Random || len(st.n.bodies) > 0
		r.c = ops.Ctx{
			Inputs:  make([]tensor.Value, len(st.n.in)),
			Outputs: make([]tensor.Value, len(st.n.out)),
			Wanted:  st.wanted,
			Workers: c.pool,
			Memory:  &j.memory,
			Outer:   make([]tensor.Value, len(st.n.captures)),
			Kept:    &r.kept,
		}
		r.c.UseScratch(&x.scratch)
		if st.group > 0 {
			r.c.Memory = &x.shared
			r.c.UseScratch(&r.scratch)
			x.relay(i)
			if i == 0 || p.steps[i-1].group != st.group {
				for k := i; k < len(p.steps) && p.steps[k].group == st.group; k++ {
					r.beside++
				}
			}
		}
		of := headers
		if st.parted {
			of = parts
			if i == 0 || !p.steps[i-1].parted {
				for k := i; k < len(p.steps) && p.steps[k].parted; k++ {
					r.parted++
				}
			}
		}
		fill(r.c.Inputs, st.n.in, of)
		fill(r.c.Outputs, st.n.out, of)
		fill(r.c.Outer, st.n.captures, headers)
		if len(st.n.bodies) > 0 {
			r.inner = &subruns{compiler: c, parent: x, step: st, of: make([]subrun, len(st.n.bodies))}
			r.c.Caller = r.inner
		}
	}
	return x, nil
}

func fill(values []tensor.Value, slots []int, headers []*tensor.Tensor) {
	for i, s := range slots {
		if s >= 0 && headers[s] != nil {
			values[i] = headers[s]
		}
	}
}

// run computes the plan's outputs. outs[i], where it isn't nil, is memory for
// output i. given are the inputs and then the captures. The results are valid
// until the next run.
func (x *instance) run(given []tensor.Value, outs []*tensor.Tensor) ([]tensor.Value, error) {
	j := x.job
	if err := j.memory.lay(int64(x.p.arena) + x.p.fresh); err != nil {
		return nil, err
	}
	j.running = append(j.running, x)
	defer x.leave()
	if err := x.enter(given, outs); err != nil {
		return nil, err
	}
	if err := x.loop(); err != nil {
		return nil, err
	}
	return x.results, x.handOver(given, outs)
}

// enter gives inputs and outputs their memory.
func (x *instance) enter(given []tensor.Value, outs []*tensor.Tensor) error {
	slots := len(x.p.g.inputs)
	for i, v := range given {
		s := -1
		if i < slots {
			s = x.p.g.inputs[i]
		} else {
			s = x.p.g.captures[i-slots]
		}
		if s < 0 {
			continue
		}
		switch x.p.values[s].home {
		case direct:
			x.frame[s] = v
		case outside:
			t, ok := v.(*tensor.Tensor)
			if !ok {
				return fmt.Errorf("%w: %q is planned as a tensor", ErrInternal, x.p.g.slots[s])
			}
			for _, h := range x.inputs[i] {
				if err := h.Attach(t, 0); err != nil {
					return fmt.Errorf("%w: %q: %w", ErrInternal, x.p.g.slots[s], err)
				}
			}
		}
	}
	for i, headers := range x.outputs {
		if len(headers) == 0 {
			continue
		}
		t := outs[i]
		f := x.p.facts[x.p.outputs[i].slot]
		if t != nil && (t.DType() != f.DType || !t.Shape().Equal(f.Shape)) {
			return fmt.Errorf("output %q is %v%v, there is room for %v", x.p.g.slots[x.p.outputs[i].slot], f.DType, tensor.Shape(f.Shape), t)
		}
		if t == nil {
			var err error
			if t, err = tensor.Zeros(f.DType, f.Shape...); err != nil {
				return err
			}
		}
		x.results[i] = t
		for _, h := range headers {
			if err := h.Attach(t, 0); err != nil {
				return fmt.Errorf("%w: output %d: %w", ErrInternal, i, err)
			}
		}
	}
	return nil
}
