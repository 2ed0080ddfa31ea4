package runtime

import (
	"context"
	"time"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// foldRoom bounds what folding may take.
type foldRoom struct {
	each     int64 // bytes of one node's outputs, where they are more than grow times its inputs
	grow     int64
	total    int64
	deadline time.Time
}

// folded replaces n by constants where its outputs are known.
func (w *work) folded(n *node) bool {
	if n.version.Random || len(n.bodies) > 0 {
		return false
	}
	known := true
	for _, s := range n.out {
		known = known && (s < 0 || w.facts[s].Value != nil)
	}
	if known {
		w.shareSmall(n)
		return true
	}
	var size int64
	for _, s := range n.in {
		if s < 0 {
			continue
		}
		v := w.facts[s].Value
		if v == nil {
			return false
		}
		size += int64(v.Len() * sizeOf(v.DType()))
	}
	most := min(max(w.fold.each, w.fold.grow*size), w.fold.total)
	if time.Now().After(w.fold.deadline) || most <= 0 {
		return false
	}
	for _, s := range n.out {
		if s >= 0 && w.facts[s].Known() {
			if elems, err := tensor.CheckShape(w.facts[s].Shape, sizeOf(w.facts[s].DType)); err != nil || int64(elems*sizeOf(w.facts[s].DType)) > most {
				return false
			}
		}
	}
	out, err := w.evaluate(n, most)
	if err != nil {
		return false
	}
	var made int64
	for i, s := range n.out {
		if s < 0 {
			continue
		}
		t, ok := out[i].(*tensor.Tensor)
		if !ok || t == nil {
			return false
		}
		made += int64(t.Len() * sizeOf(t.DType()))
	}
	if w.memory.lay(made) != nil {
		return false
	}
	for i, s := range n.out {
		if s >= 0 {
			w.facts[s] = ops.FactOf(out[i].(*tensor.Tensor))
		}
	}
	w.fold.total -= made
	if n.is("DequantizeLinear") {
		w.dequantised[n.out[0]] = n
	}
	w.shareSmall(n)
	for _, s := range n.in {
		if s >= 0 {
			w.facts[s].Value.Release()
		}
	}
	return true
}

// evaluate runs a node of constants within so many bytes. The bound leaves room
// for temporaries.
func (w *work) evaluate(n *node, bytes int64) ([]tensor.Value, error) {
	ctx, cancel := context.WithDeadline(context.Background(), w.fold.deadline)
	defer cancel()
	limit := 4*bytes + 1<<20
	if w.config.memory > 0 {
		limit = min(limit, max(w.config.memory-w.memory.held, 1))
	}
	memory := &budget{limit: limit}
	c := &ops.Ctx{
		Inputs:  make([]tensor.Value, len(n.in)),
		Outputs: make([]tensor.Value, len(n.out)),
		Wanted:  make([]bool, len(n.out)),
		Context: ctx,
		Workers: w.pool,
		Memory:  memory,
	}
	for i, s := range n.in {
		if s >= 0 {
			c.Inputs[i] = w.facts[s].Value
		}
	}
	for i, s := range n.out {
		c.Wanted[i] = s >= 0
	}
	if err := checkKinds(n, c); err != nil {
		return nil, err
	}
	err := guard(n, c)
	w.memory.tidy(memory.held)
	return c.Outputs, err
}
