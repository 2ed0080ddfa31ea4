package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// run is what the nodes of one call to Run share.
type run struct {
	ctx    context.Context
	pool   *kernel.Pool
	memory *budget
	seed   uint64
	times  map[uint64]uint64 // how often each random node ran
}

// interpret computes g's outputs node by node, in the file's order, each value
// in memory of its own. It is the oracle that the compiled plan is held
// against, so it stays free of anything clever.
func (r *run) interpret(g *graph, inputs map[int]tensor.Value, outer []tensor.Value) ([]tensor.Value, error) {
	frame := make([]tensor.Value, len(g.slots))
	for _, c := range g.consts {
		frame[c.slot] = c.value
	}
	for slot, v := range inputs {
		frame[slot] = v
	}
	for i, slot := range g.captures {
		frame[slot] = outer[i]
	}
	for _, n := range g.nodes {
		if err := r.step(n, frame); err != nil {
			return nil, err
		}
	}
	out := make([]tensor.Value, len(g.outputs))
	for i, slot := range g.outputs {
		out[i] = frame[slot]
	}
	return out, nil
}

// step runs one node on the values in frame.
func (r *run) step(n *node, frame []tensor.Value) error {
	if err := r.ctx.Err(); err != nil {
		return context.Cause(r.ctx)
	}
	c := &ops.Ctx{
		Inputs:  make([]tensor.Value, len(n.in)),
		Outputs: make([]tensor.Value, len(n.out)),
		Wanted:  make([]bool, len(n.out)),
		Outer:   make([]tensor.Value, len(n.captures)),
		Context: r.ctx,
		Workers: r.pool,
		Memory:  r.memory,
		Caller:  r,
	}
	if n.version.Random {
		r.times[n.id]++
		c.Seed = seedOf(r.seed, n.id, r.times[n.id])
	}
	for i, slot := range n.in {
		if slot >= 0 {
			c.Inputs[i] = frame[slot]
		}
	}
	for i, slot := range n.captures {
		c.Outer[i] = frame[slot]
	}
	for i, slot := range n.out {
		c.Wanted[i] = slot >= 0
	}
	if err := checkKinds(n, c); err != nil {
		return n.fail(err)
	}
	if err := guard(n, c); err != nil {
		return inNode(n, err)
	}
	for i, slot := range n.out {
		if slot < 0 {
			continue
		}
		if c.Outputs[i] == nil {
			return n.fail(fmt.Errorf("%w: output %d was not computed", ErrInternal, i))
		}
		frame[slot] = c.Outputs[i]
	}
	return nil
}

// checkKinds refuses absent values that are required and, for kernels that take
// only tensors, anything else.
func checkKinds(n *node, c *ops.Ctx) error {
	_, any := n.kernel.(ops.AnyValue)
	for i, v := range c.Inputs {
		if v == nil && n.in[i] >= 0 {
			return fmt.Errorf("input %d has no value", i)
		}
		if v == nil && i < n.version.MinIn && !n.version.Holes && n.packed == 0 {
			return fmt.Errorf("input %d is missing", i)
		}
		if _, isTensor := v.(*tensor.Tensor); v != nil && !isTensor && !any {
			return fmt.Errorf("input %d is a %s, expected a tensor", i, kindOf(v))
		}
	}
	return nil
}

func kindOf(v tensor.Value) string {
	switch v.(type) {
	case *tensor.Tensor:
		return "tensor"
	case *tensor.Sequence:
		return "sequence"
	case *tensor.Optional:
		return "optional"
	case *tensor.Map:
		return "map"
	}
	return "nothing"
}

// guard runs the kernel and turns a panic, which is always a defect of ours,
// into an error.
func guard(n *node, c *ops.Ctx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrInternal, p)
		}
	}()
	return n.kernel.Run(c)
}

// inNode names the node an error came from, unless an inner one is named
// already or the run was cancelled.
func inNode(n *node, err error) error {
	var inner *OpError
	if errors.As(err, &inner) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return n.fail(err)
}

// body runs a subgraph.
func (r *run) body(b *body, in, outer []tensor.Value) ([]tensor.Value, error) {
	inputs := make(map[int]tensor.Value, len(in))
	for i, slot := range b.g.inputs {
		inputs[slot] = in[i]
	}
	return r.interpret(b.g, inputs, outer)
}
