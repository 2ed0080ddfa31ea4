package ops

import (
	"reflect"

	"github.com/onda-ml/onda/ops/tensor"
)

// An inner is a node within a run of another one. Where the runtime keeps the
// context of that one, the next run finds the inner nodes with their outputs and
// what they kept.
type inner struct {
	ctx    Ctx
	kind   reflect.Type // of the kernel
	kept   any
	inners inners
	reuse  reuse
	made   []*tensor.Tensor
}

// inners are those of one node, in the order in which a run comes to them.
type inners struct {
	list []*inner
	next int
}

// inner is the context of the next node within c's, for a kernel like k.
func (c *Ctx) inner(k Kernel) *inner {
	if c.inners == nil {
		c.inners = new(inners)
	}
	all, kind := c.inners, reflect.TypeOf(k)
	if all.next == len(all.list) {
		all.list = append(all.list, new(inner))
	}
	n := all.list[all.next]
	if all.next++; n.kind != kind {
		*n = inner{kind: kind}
	}
	in, out, wanted := n.ctx.Inputs[:0], n.ctx.Outputs[:0], n.ctx.Wanted[:0]
	n.ctx = *c
	n.inners.next = 0
	n.ctx.Inputs, n.ctx.Outputs, n.ctx.Wanted, n.ctx.Kept, n.ctx.inners = in, out, wanted, &n.kept, &n.inners
	return n
}

// take sets the inputs.
func (n *inner) take(in []*tensor.Tensor) {
	for _, t := range in {
		if t == nil {
			n.ctx.Inputs = append(n.ctx.Inputs, nil)
		} else {
			n.ctx.Inputs = append(n.ctx.Inputs, t)
		}
	}
}

// runInner runs k as a node of its own within a run of c's node and returns its
// first outputs, which are valid until that ends.
func runInner(c *Ctx, k Kernel, outputs int, in ...*tensor.Tensor) ([]*tensor.Tensor, error) {
	n := c.inner(k)
	n.take(in)
	for range outputs {
		n.ctx.Outputs, n.ctx.Wanted = append(n.ctx.Outputs, nil), append(n.ctx.Wanted, true)
	}
	n.reuse.Allocator, n.reuse.next = c.Memory, 0
	n.ctx.Memory = &n.reuse
	err := k.Run(&n.ctx)
	n.made = n.made[:0]
	for _, v := range n.ctx.Outputs {
		t, _ := v.(*tensor.Tensor)
		n.made = append(n.made, t)
	}
	n.done()
	return n.made, err
}

// runLast runs k within a run of c's node to make its outputs.
func runLast(c *Ctx, k Kernel, in ...*tensor.Tensor) error {
	n := c.inner(k)
	n.take(in)
	n.ctx.Outputs = append(n.ctx.Outputs, c.Outputs...)
	n.ctx.Wanted = append(n.ctx.Wanted, c.Wanted...)
	err := k.Run(&n.ctx)
	copy(c.Outputs, n.ctx.Outputs)
	n.done()
	return err
}

// done lets go of what is others'.
func (n *inner) done() {
	clear(n.ctx.Inputs)
	clear(n.ctx.Outputs)
}

// reuse hands out the tensors of the run before, in their order, as long as they
// are as wanted.
type reuse struct {
	Allocator
	list []*tensor.Tensor
	next int
}

// take is the next tensor, with any content, or nil.
func (r *reuse) take(dt tensor.DType, shape []int) *tensor.Tensor {
	if r.next == len(r.list) {
		return nil
	}
	t := r.list[r.next]
	if dt == tensor.String || t.DType() != dt || !t.Shape().Equal(shape) {
		r.list = r.list[:r.next]
		return nil
	}
	r.next++
	return t
}

func (r *reuse) New(dt tensor.DType, shape []int) (*tensor.Tensor, error) {
	if t := r.take(dt, shape); t != nil {
		clear(t.Bytes())
		return t, nil
	}
	t, err := r.Allocator.New(dt, shape)
	if err != nil {
		return nil, err
	}
	r.list = append(r.list, t)
	r.next++
	return t, nil
}
