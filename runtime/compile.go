package runtime

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops"
)

// optimise rewrites the model's graph at load, when the shapes of the inputs
// are known as far as the file states them.
func (c *compiler) optimise(g *graph, in []ops.Fact, memory *budget) (*graph, error) {
	w := newWork(c, g, false)
	w.memory = memory
	w.enter(in, nil)
	w.shareConstants()
	if err := w.improve(); err != nil {
		return nil, err
	}
	return w.g, nil
}

// improve rewrites until nothing changes, then the subgraphs, then packs
// constants.
func (w *work) improve() error {
	const rounds = 8
	for i := range rounds {
		w.changed = false
		if err := w.sweep(); err != nil {
			return err
		}
		if i == 0 && w.widen() {
			w.changed = true
			continue
		}
		w.rewrite()
		if !w.changed {
			break
		}
	}
	for _, n := range w.g.nodes {
		if err := w.improveBodies(n); err != nil {
			return err
		}
	}
	if !w.unpacked {
		w.prepack()
	}
	w.trim()
	return nil
}

// improveBodies rewrites the subgraphs of n. What they capture of constants
// becomes theirs.
func (w *work) improveBodies(n *node) error {
	if len(n.bodies) == 0 {
		return nil
	}
	f := w.flow(n)
	for _, b := range n.bodies {
		if b.opt != nil {
			continue
		}
		inner := newWork(w.compiler, b.g, false)
		inner.memory, inner.effort, inner.fold = w.memory, w.effort, w.fold
		var in []ops.Fact
		if f != nil {
			in = f.in[b.index]
		}
		inner.enter(in, w.captured(n, b))
		if err := inner.improve(); err != nil {
			return err
		}
		b.opt = inner.g
		for i, s := range b.opt.captures {
			if s < 0 {
				n.captures[b.base+i] = -1
			}
		}
		b.g.forget()
	}
	return nil
}

// addTo adds up the constants of g and its subgraphs.
func (g *graph) addTo(c *census) {
	for _, k := range g.consts {
		c.add(k.value)
	}
	for _, n := range g.nodes {
		for _, b := range n.bodies {
			b.latest().addTo(c)
		}
	}
}

// forget lets go of nodes and constants, which a rewritten copy has taken over.
func (g *graph) forget() { g.nodes, g.consts = nil, nil }

// finish makes the plan of a swept graph.
func (w *work) finish(k *key, handOn bool) (*plan, error) {
	const rounds = 4
	for range rounds {
		if !w.changed {
			break
		}
		w.changed = false
		if err := w.sweep(); err != nil {
			return nil, err
		}
	}
	p := w.makePlan(handOn)
	p.key = k
	return p, nil
}

// plan plans the model for a run that k describes.
func (m *Model) plan(k *key) (p *plan, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("%w: %v", ErrInternal, r)
		}
	}()
	w := newWork(&m.compiler, m.opt, true)
	if k.wanted != nil {
		w.g.outputs = slices.Clone(w.g.outputs[:0])
		for i, s := range m.opt.outputs {
			if k.wanted[i] {
				w.g.outputs = append(w.g.outputs, s)
			}
		}
	}
	facts := k.facts()
	for i := range facts {
		if k.ports[i].absent && m.defaults[i] != nil {
			facts[i] = ops.FactOf(m.defaults[i])
		}
	}
	w.enter(facts, nil)
	w.trim()
	if err := w.sweep(); err != nil {
		return nil, err
	}
	return w.finish(k, false)
}
