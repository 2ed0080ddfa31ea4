package runtime

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"github.com/onda-ml/onda/ops/tensor"
)

// RunInto is Run into memory of the caller's: it computes the outputs that
// outputs names, each into the tensor given for it, whose type and shape must be
// those of the result. Once a run with inputs of the same shapes has been, it
// allocates nothing but values of unknown size, what loops hand from trip to trip,
// and in some operators, quantised ones for the most part, a few small objects. An
// output's tensor may be an input's as well.
func (m *Model) RunInto(ctx context.Context, inputs, outputs map[string]*tensor.Tensor) error {
	c := m.calls.take(m)
	err := m.runInto(ctx, c, inputs, outputs)
	m.calls.give(c)
	if err != nil {
		return wrap(err)
	}
	return nil
}

func (m *Model) runInto(ctx context.Context, c *call, inputs, outputs map[string]*tensor.Tensor) error {
	for i, p := range m.outputs {
		t := outputs[p.Name]
		c.wanted[i] = t != nil
		if t != nil {
			c.outs = append(c.outs, t)
		}
	}
	if len(c.outs) < len(outputs) {
		for name, t := range outputs {
			if t == nil {
				return fmt.Errorf("output %q: no tensor to write it to", name)
			}
			if _, err := m.wanted([]string{name}); err != nil {
				return err
			}
		}
	}
	if len(c.outs) == 0 {
		return nil
	}
	found := 0
	for _, p := range m.inputs {
		var v tensor.Value
		if t := inputs[p.Name]; t != nil {
			v = t
			found++
		}
		c.given = append(c.given, v)
	}
	if found < len(inputs) {
		for name, t := range inputs {
			if t != nil && !slices.ContainsFunc(m.inputs, func(p Port) bool { return p.Name == name }) {
				return fmt.Errorf("%w %q is unknown; the model takes %s", ErrInput, name, portNames(m.inputs))
			}
		}
	}
	return m.runCall(ctx, c)
}

// runCall runs c, whose wanted outputs all have memory.
func (m *Model) runCall(ctx context.Context, c *call) error {
	wanted := c.wanted
	if len(c.outs) == len(wanted) {
		wanted = nil
	}
	// Inputs that a plan was made for have been checked.
	if m.opt == nil || m.plans.find(c.given, wanted) == nil {
		if err := m.checkGiven(c.given); err != nil {
			return err
		}
	}
	if m.opt == nil {
		return m.plainInto(ctx, c)
	}
	x, err := m.acquire(ctx, c.given, wanted)
	if err != nil {
		return err
	}
	outs := x.apart(c)
	if _, err := m.runOn(ctx, x, c.given, outs); err != nil {
		return err
	}
	for i, t := range outs {
		if t != c.outs[i] {
			if err := c.outs[i].CopyFrom(t); err != nil {
				return err
			}
		}
	}
	m.release(x)
	return nil
}

// plainInto is runCall with the plain interpreter.
func (m *Model) plainInto(ctx context.Context, c *call) error {
	got, err := m.runPlain(ctx, c.given)
	if err != nil {
		return err
	}
	k := 0
	for i, wanted := range c.wanted {
		if !wanted {
			continue
		}
		t, _ := got[i].(*tensor.Tensor)
		if t == nil || t.DType() != c.outs[k].DType() || !t.Shape().Equal(c.outs[k].Shape()) {
			return fmt.Errorf("output %q is %v, there is room for %v", m.outputs[i].Name, got[i], c.outs[k])
		}
		if err := c.outs[k].CopyFrom(t); err != nil {
			return err
		}
		k++
	}
	return nil
}

// apart is the memory to run into: the caller's, or the instance's where the
// caller's is also an input's or another output's.
func (x *instance) apart(c *call) []*tensor.Tensor {
	outs := append(c.used[:0], c.outs...)
	c.used = outs
	for i, t := range outs {
		if len(x.outputs[i]) == 0 || !c.shared(i) {
			continue
		}
		if x.spares[i] == nil {
			f := x.p.facts[x.p.outputs[i].slot]
			if t.DType() != f.DType || !t.Shape().Equal(f.Shape) {
				continue // refused when the run begins
			}
			x.spares[i] = t.Clone()
		}
		outs[i] = x.spares[i]
	}
	return outs
}

// call is what one RunInto works with.
type call struct {
	given  []tensor.Value
	wanted []bool
	outs   []*tensor.Tensor // of the wanted outputs
	used   []*tensor.Tensor // in place of outs
}

// shared reports whether output i's memory is also an input's or another
// output's.
func (c *call) shared(i int) bool {
	b := c.outs[i].Bytes()
	for _, v := range c.given {
		if t, ok := v.(*tensor.Tensor); ok && overlap(b, t.Bytes()) {
			return true
		}
	}
	for j, t := range c.outs {
		if j != i && overlap(b, t.Bytes()) {
			return true
		}
	}
	return false
}

func overlap(a, b []byte) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	a0, b0 := uintptr(unsafe.Pointer(unsafe.SliceData(a))), uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return a0 < b0+uintptr(len(b)) && b0 < a0+uintptr(len(a))
}

// calls keeps calls for reuse.
type calls struct {
	mu   sync.Mutex
	idle []*call
}

func (p *calls) take(m *Model) *call {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return c
	}
	return &call{wanted: make([]bool, len(m.outputs))}
}

func (p *calls) give(c *call) {
	clear(c.given)
	clear(c.outs)
	clear(c.used)
	c.given, c.outs = c.given[:0], c.outs[:0]
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) < 64 {
		p.idle = append(p.idle, c)
	}
}
