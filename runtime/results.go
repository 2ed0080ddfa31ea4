package runtime

import (
	"fmt"

	"github.com/onda-ml/onda/ops/tensor"
)

// handOver completes x.results.
func (x *instance) handOver(given []tensor.Value, outs []*tensor.Tensor) error {
	for i, o := range x.p.outputs {
		if len(x.outputs[i]) > 0 {
			continue
		}
		v := x.where(o, given)
		if v == nil {
			return fmt.Errorf("%w: output %q has no value", ErrInternal, x.p.g.slots[o.slot])
		}
		t, isTensor := v.(*tensor.Tensor)
		switch {
		case isTensor && outs[i] != nil:
			if t.DType() != outs[i].DType() || !t.Shape().Equal(outs[i].Shape()) {
				return fmt.Errorf("output %q is %v, there is room for %v", x.p.g.slots[o.slot], t, outs[i])
			}
			if err := outs[i].CopyFrom(t); err != nil {
				return err
			}
			v = outs[i]
		case o.copy || o.own:
			v = cloned(v)
		}
		x.results[i] = v
	}
	return nil
}

// where is the value of an output that has no memory of its own.
func (x *instance) where(o output, given []tensor.Value) tensor.Value {
	if o.given >= 0 {
		return given[o.given]
	}
	v := x.p.values[o.slot]
	switch v.home {
	case constant0:
		return x.p.facts[o.slot].Value
	case direct, heap, dynamic:
		return x.frame[o.slot]
	}
	r := x.p.regions[v.region]
	if r.source >= 0 {
		for i, s := range x.p.g.inputs {
			if s == r.source {
				return x.reshaped(x.inputs[i][0], o.slot)
			}
		}
		for i, s := range x.p.g.captures {
			if s == r.source {
				return x.reshaped(x.inputs[len(x.p.g.inputs)+i][0], o.slot)
			}
		}
	}
	if r.output >= 0 {
		return x.reshaped(x.outputs[r.output][0], o.slot)
	}
	return nil
}

// reshaped is a tensor with the elements of t and the shape of slot s.
func (x *instance) reshaped(t *tensor.Tensor, s int) tensor.Value {
	r, err := t.Reshaped(x.p.facts[s].Shape...)
	if err != nil {
		return nil
	}
	return r
}

// cloned is a copy of v that shares no memory with it.
func cloned(v tensor.Value) tensor.Value {
	switch v := v.(type) {
	case *tensor.Tensor:
		return v.Clone()
	case *tensor.Sequence:
		c := &tensor.Sequence{Elem: v.Elem, Items: make([]tensor.Value, len(v.Items))}
		for i, e := range v.Items {
			c.Items[i] = cloned(e)
		}
		return c
	case *tensor.Optional:
		if v.Value == nil {
			return v
		}
		return &tensor.Optional{Value: cloned(v.Value)}
	case *tensor.Map:
		return &tensor.Map{Keys: v.Keys.Clone(), Values: v.Values.Clone()}
	}
	return v
}

// leave lets go of everything that isn't the instance's own.
func (x *instance) leave() {
	for _, headers := range x.inputs {
		for _, h := range headers {
			h.Detach()
		}
	}
	for _, headers := range x.outputs {
		for _, h := range headers {
			h.Detach()
		}
	}
	for _, p := range x.parts {
		p.piece.Detach()
	}
	clear(x.frame)
	j := x.job
	j.running = j.running[:len(j.running)-1]
	j.memory.unlay(int64(x.p.arena) + x.p.fresh)
}
