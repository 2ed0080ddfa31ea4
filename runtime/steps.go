package runtime

import (
	"context"
	"fmt"
	"time"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// loop runs the steps.
func (x *instance) loop() (err error) {
	j := x.job
	x.at = 0
	defer func() {
		if p := recover(); p != nil {
			err = x.fail(fmt.Errorf("%w: %v", ErrInternal, p))
		}
	}()
	for i := 0; i < len(x.steps); i++ {
		r := &x.steps[i]
		switch {
		case r.parted > 0:
			err = x.partByPart(i, r.parted)
			i += r.parted - 1
		case r.beside > 1 && !j.limited && j.profile == nil:
			x.at = i
			if err = x.stopped(); err == nil {
				err = x.sideBySide(i, r.beside)
			}
			i += r.beside - 1
		default:
			err = x.one(i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stopped is why the run is to end, nil if it isn't.
func (x *instance) stopped() error {
	done := x.job.ctx.Done()
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return context.Cause(x.job.ctx)
	default:
		return nil
	}
}

// one runs step i.
func (x *instance) one(i int) error {
	j, r := x.job, &x.steps[i]
	x.at = i
	if err := x.stopped(); err != nil {
		return err
	}
	r.c.Context = j.ctx
	if r.special || j.profile != nil {
		if err := x.special(r); err != nil {
			return x.fail(err)
		}
		return nil
	}
	step := j.memory.step
	if err := r.run(); err != nil {
		return x.fail(err)
	}
	if j.limited {
		x.bound(r, j.memory.step-step)
	}
	j.memory.step = step
	return nil
}

// bound lets go of the working memory that a step has kept for its next run, if
// it is much: a run with a limit must not hold that of every step.
func (x *instance) bound(r *running, reserved int64) {
	const each, all = 256 << 10, 8 << 20
	if x.kept += reserved; reserved > each || x.kept > all {
		r.c.Forget()
		x.kept -= reserved
	}
}

// special runs a step that needs more than its kernel's call.
func (x *instance) special(r *running) error {
	j, n := x.job, r.step.n
	for _, p := range r.step.in {
		r.c.Inputs[p.i] = x.frame[p.slot]
	}
	for _, p := range r.step.outer {
		r.c.Outer[p.i] = x.frame[p.slot]
	}
	if err := checkPatched(n, &r.c, r.step.in); err != nil {
		return err
	}
	if n.version.Random {
		r.c.Seed = j.next(n)
	}
	step := j.memory.step
	for _, p := range r.step.out {
		r.c.Outputs[p.i] = nil
		if x.p.values[p.slot].home == heap {
			f := x.p.facts[p.slot]
			t, err := j.memory.New(f.DType, f.Shape)
			if err != nil {
				return err
			}
			r.c.Outputs[p.i] = t
		}
	}
	start := time.Time{}
	if j.profile != nil {
		start = time.Now()
	}
	err := r.run()
	if r.inner != nil {
		r.inner.end()
	}
	if err != nil {
		return err
	}
	if j.limited {
		x.bound(r, j.memory.step-step)
	}
	if j.profile != nil {
		j.profile(n, time.Since(start))
	}
	for _, p := range r.step.out {
		v := r.c.Outputs[p.i]
		if v == nil && r.step.wanted[p.i] { // what nobody reads need not be made
			return fmt.Errorf("%w: output %d was not computed", ErrInternal, p.i)
		}
		x.frame[p.slot] = v
		r.c.Outputs[p.i] = nil
	}
	for i, s := range n.out {
		if s < 0 { // nobody reads it, and the next may be of another size
			r.c.Outputs[i] = nil
		}
	}
	for _, p := range r.step.in {
		r.c.Inputs[p.i] = nil
	}
	for _, p := range r.step.outer {
		r.c.Outer[p.i] = nil
	}
	for _, s := range r.step.release {
		x.frame[s] = nil
	}
	j.memory.step = step
	return nil
}

// checkPatched refuses values from the frame that the kernel doesn't take.
func checkPatched(n *node, c *ops.Ctx, patches []patch) error {
	if _, any := n.kernel.(ops.AnyValue); any {
		return nil
	}
	for _, p := range patches {
		if _, isTensor := c.Inputs[p.i].(*tensor.Tensor); !isTensor {
			return fmt.Errorf("input %d is a %s, expected a tensor", p.i, kindOf(c.Inputs[p.i]))
		}
	}
	return nil
}

// next is the seed of a random node's next run.
func (j *job) next(n *node) uint64 {
	if j.times == nil {
		j.times = map[uint64]uint64{}
	}
	j.times[n.id]++
	return seedOf(j.seed, n.id, j.times[n.id])
}

// seedOf tells apart the random nodes of a model and the runs of one.
func seedOf(seed, node, times uint64) uint64 {
	return seed + node*0x9e3779b97f4a7c15 + times*0xbf58476d1ce4e5b9
}

func (x *instance) fail(err error) error {
	return inNode(x.steps[x.at].step.n, err)
}
