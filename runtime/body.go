package runtime

import (
	"fmt"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// body is a subgraph of If, Loop or Scan. The plain interpreter runs it as the
// file has it, the compiled plan as it was rewritten at load.
type body struct {
	g     *graph
	opt   *graph // g after the load's rewrites; nil at level Plain
	attr  string // the attribute it came from
	base  int    // where its captured values begin in Ctx.Outer
	index int    // its place among its node's subgraphs
}

func (b *body) NumInputs() int  { return len(b.g.inputs) }
func (b *body) NumOutputs() int { return len(b.g.outputs) }

// Run hands over to whoever runs the node that owns the subgraph.
func (b *body) Run(c *ops.Ctx, in []tensor.Value) ([]tensor.Value, error) {
	if len(in) != len(b.g.inputs) {
		return nil, fmt.Errorf("the subgraph takes %d inputs, %d are given", len(b.g.inputs), len(in))
	}
	outer := c.Outer[b.base : b.base+len(b.g.captures)]
	switch r := c.Caller.(type) {
	case *run:
		return r.body(b, in, outer)
	case *subruns:
		return r.body(b, in, outer)
	}
	return nil, fmt.Errorf("%w: a subgraph outside a run", ErrInternal)
}

// latest is the subgraph in its most rewritten form.
func (b *body) latest() *graph {
	if b.opt != nil {
		return b.opt
	}
	return b.g
}
