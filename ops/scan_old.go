package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/tensor"
)

// scan8 is Scan of opset 8: every state and scan input has a batch axis before
// all others, the scan axis is the second, input 0 may limit the length of
// each batch entry, and only inputs have directions.
type scan8 struct{ *scan }

func newScan8(a *Attrs) (Kernel, error) {
	a.Require("num_scan_inputs")
	k := &scan{body: a.Body("body"), facts: a.BodyOutputs("body")}
	m := a.Int("num_scan_inputs", 1)
	if m < 1 || m > int64(len(a.Inputs)-1) {
		a.Fail("num_scan_inputs", "is %d, expected 1 to %d", m, len(a.Inputs)-1)
		return scan8{k}, nil
	}
	k.inputs = int(m)
	k.states = len(a.Inputs) - 1 - k.inputs
	if k.body == nil {
		return scan8{k}, nil
	}
	checkBody(a, "body", k.body, len(a.Inputs)-1, k.body.NumOutputs())
	k.outputs = k.body.NumOutputs() - k.states
	if k.outputs < 0 || len(a.Outputs) > k.body.NumOutputs() {
		a.Fail("body", "has %d outputs, expected at least %d", k.body.NumOutputs(), max(k.states, len(a.Outputs)))
	}
	k.inBack = directions(a, "directions", k.inputs)
	return scan8{k}, nil
}

func (k scan8) Run(c *Ctx) error {
	in := make([]*tensor.Tensor, k.states+k.inputs)
	batch, length := 0, 0
	for i := range in {
		var err error
		if in[i], err = given(c, 1+i); err != nil {
			return err
		}
		need := 1
		if i >= k.states {
			need = 2
		}
		if in[i].Rank() < need {
			return fmt.Errorf("input %d: has rank %d, expected at least %d", 1+i, in[i].Rank(), need)
		}
		if i == 0 {
			batch = in[i].Dim(0)
		}
		if i == k.states {
			length = in[i].Dim(1)
		}
		if in[i].Dim(0) != batch || i >= k.states && in[i].Dim(1) != length {
			return fmt.Errorf("input %d: has shape %v, expected batch size %d and length %d", 1+i, in[i].Shape(), batch, length)
		}
	}
	lens, err := k.lengths(c, batch, length)
	if err != nil {
		return err
	}
	joined := make([]joiner, k.outputs)
	for j := range joined {
		joined[j] = joiner{output: k.states + j, length: length, batch: batch}
	}
	states := make([]stack, k.states)
	for b := range batch {
		rows := make([]*tensor.Tensor, len(in))
		for i, x := range in {
			if rows[i], err = index(c, x, 0, b); err != nil {
				return err
			}
		}
		for j := range joined {
			joined[j].at = b
		}
		// Backwards, a sequence is read from its own end.
		state, err := k.iterate(c, rows, make([]int, k.inputs), lens[b], lens[b], joined)
		if err != nil {
			return err
		}
		for i, v := range state {
			if err := states[i].push(c, v, int64(batch-b)); err != nil {
				return err
			}
		}
	}
	for i := range states {
		f := FactOf(in[i])
		f.Shape = f.Shape[1:]
		if err := states[i].finish(c, i, f); err != nil {
			return err
		}
	}
	for j := range joined {
		if err := joined[j].ensure(c, k.facts[k.states+j]); err != nil {
			return err
		}
	}
	return nil
}

// lengths are input 0's, or the full length for every batch entry.
func (k scan8) lengths(c *Ctx, batch, length int) ([]int, error) {
	if !c.Has(0) {
		return slices.Repeat([]int{length}, batch), nil
	}
	lens, err := c.Ints(0)
	if err != nil {
		return nil, err
	}
	if len(lens) != batch {
		return nil, fmt.Errorf("input 0: has %d lengths, expected %d", len(lens), batch)
	}
	for _, n := range lens {
		if n < 0 || n > length {
			return nil, fmt.Errorf("input 0: length %d is out of range for extent %d", n, length)
		}
	}
	return lens, nil
}
