package runtime

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
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
	for range rounds {
		w.changed = false
		if err := w.sweep(); err != nil {
			return err
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
	w.prepack()
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
	}
	return nil
}

// packs are the kernels that were prepacked from constants, by what they
// compute and from which: nodes that share weights share the packed form.
type packs struct {
	mu   sync.Mutex
	byID map[string]*pack
	ids  map[*tensor.Tensor]uint64
}

type pack struct {
	id     int
	kernel ops.Kernel
	drop   []int
}

// prepack trades constant inputs of n for faster kernels.
func (w *work) prepack() {
	for _, n := range w.g.nodes {
		k, ok := n.kernel.(ops.Prepacker)
		if !ok || n.packed != 0 {
			continue
		}
		consts := make([]*tensor.Tensor, len(n.in))
		any := false
		for i, s := range n.in {
			consts[i] = w.value(s)
			any = any || consts[i] != nil
		}
		if !any {
			continue
		}
		p := w.packs.get(n, k, consts)
		if p == nil {
			continue
		}
		n.kernel, n.packed = p.kernel, p.id
		for _, i := range p.drop {
			if i < len(n.in) {
				n.in[i] = -1
			}
		}
	}
}

// get is the packed form of n's kernel, nil if it has none.
func (ps *packs) get(n *node, k ops.Prepacker, consts []*tensor.Tensor) *pack {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if n.signature == "" {
		n.signature = signature(n)
	}
	key := []byte(n.signature)
	for i, v := range consts {
		has := uint64(0)
		if i < len(n.in) && n.in[i] >= 0 {
			has = 1
		}
		if v != nil {
			if ps.ids[v] == 0 {
				ps.ids[v] = uint64(len(ps.ids) + 2)
			}
			has = ps.ids[v]
		}
		key = binary.AppendUvarint(key, has)
	}
	if n.signature != unlike {
		if p, done := ps.byID[string(key)]; done {
			return p
		}
	}
	p, err := packed(k, consts)
	if err != nil || p.kernel == nil {
		p = nil
	} else {
		p.id = len(ps.byID) + 1
	}
	if n.signature == unlike {
		key = binary.AppendUvarint(append(key, "unlike"...), uint64(len(ps.byID)))
	}
	ps.byID[string(key)] = p
	return p
}

func packed(k ops.Prepacker, consts []*tensor.Tensor) (p *pack, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrInternal, r)
		}
	}()
	kernel, drop, err := k.Prepack(consts)
	return &pack{kernel: kernel, drop: drop}, err
}

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
