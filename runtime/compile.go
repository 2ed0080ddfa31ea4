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

// packs are the kernels that were prepacked from constants, by what they
// compute and from which: nodes that share weights share the packed form.
type packs struct {
	mu    sync.Mutex
	bytes int64 // of the packed forms
	byKey map[string]*pack
	ids   map[*tensor.Tensor]uint64
}

// pack is a prepacked kernel, or one to be made from consts.
type pack struct {
	id     int
	from   ops.Prepacker
	consts []*tensor.Tensor
	kernel ops.Kernel // nil if nothing is gained
	drop   []int
}

// prepack trades constant inputs of nodes for faster kernels, several at a time.
func (w *work) prepack() {
	w.packs.mu.Lock()
	defer w.packs.mu.Unlock()
	var jobs []*pack
	use := make([]*pack, len(w.g.nodes))
	for i, n := range w.g.nodes {
		k, ok := n.kernel.(ops.Prepacker)
		if !ok || n.packed != 0 {
			continue
		}
		consts := make([]*tensor.Tensor, len(n.in))
		any := false
		for j, s := range n.in {
			consts[j] = w.value(s)
			any = any || consts[j] != nil
		}
		if !any {
			continue
		}
		key, p := w.packs.find(n, consts)
		if p == nil {
			if weighted, ok := k.(ops.Weighted); ok && w.config.weights != Float32 {
				k = weighted.WithWeights(w.config.weights)
			}
			p = &pack{id: len(w.packs.byKey) + 1, from: k, consts: consts}
			w.packs.byKey[key] = p
			jobs = append(jobs, p)
		}
		use[i] = p
	}
	memory := &sharedBudget{b: w.memory}
	var large sync.Mutex // one large one at a time: until it is packed its weights are in memory twice
	w.pool.For(len(jobs), 1, func(lo, hi int) {
		for _, p := range jobs[lo:hi] {
			if p.size() > 32<<20 {
				large.Lock()
				p.make(memory)
				large.Unlock()
			} else {
				p.make(memory)
			}
		}
	})
	w.packs.bytes += memory.kept
	for i, p := range use {
		if p == nil || p.kernel == nil {
			continue
		}
		n := w.g.nodes[i]
		n.kernel, n.packed = p.kernel, p.id
		for _, j := range p.drop {
			if j < len(n.in) {
				n.in[j] = -1
			}
		}
	}
}

// find is the packed form of n's kernel, nil if it isn't made yet, and its key.
func (ps *packs) find(n *node, consts []*tensor.Tensor) (string, *pack) {
	if n.signature == "" {
		n.signature = signature(n)
	}
	key := []byte(n.signature)
	for i, v := range consts {
		id := uint64(0)
		if n.in[i] >= 0 {
			id = 1
		}
		if v != nil {
			if ps.ids[v] == 0 {
				ps.ids[v] = uint64(len(ps.ids) + 2)
			}
			id = ps.ids[v]
		}
		key = binary.AppendUvarint(key, id)
	}
	if n.signature == unlike {
		key = binary.AppendUvarint(append(key, unlike...), uint64(len(ps.byKey)))
	}
	return string(key), ps.byKey[string(key)]
}

// sharedBudget is a budget that several goroutines pack with.
type sharedBudget struct {
	mu   sync.Mutex
	b    *budget
	kept int64
}

// packing is the part of one of them.
type packing struct {
	*sharedBudget
	taken int
}

func (s *packing) Reserve(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.b.lay(int64(n)); err != nil {
		return err
	}
	s.kept += int64(n)
	s.taken += n
	return nil
}

func (s *packing) Release(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b.unlay(int64(n))
	s.b.tidy(int64(n))
	s.kept -= int64(n)
	s.taken -= n
}

func (s *packing) New(dt tensor.DType, shape []int) (*tensor.Tensor, error) {
	n, err := tensor.CheckShape(shape, sizeOf(dt))
	if err != nil {
		return nil, err
	}
	if err := s.Reserve(n * sizeOf(dt)); err != nil {
		return nil, err
	}
	return tensor.Zeros(dt, shape...)
}

// make packs; a kernel that can't is used as it is, as is one whose packed form
// there is no room for.
func (p *pack) make(shared *sharedBudget) {
	memory := &packing{sharedBudget: shared}
	defer func() {
		if recover() != nil {
			p.kernel = nil
		}
		if p.kernel == nil {
			memory.Release(memory.taken)
		}
		p.from, p.consts = nil, nil
	}()
	k, drop, err := p.from.Prepack(p.consts, memory)
	if err != nil || k == nil {
		return
	}
	p.kernel, p.drop = k, drop
	for _, i := range drop {
		if i < len(p.consts) && p.consts[i] != nil {
			p.consts[i].Release()
		}
	}
}

// size is the bytes of the constants.
func (p *pack) size() (n int) {
	for _, c := range p.consts {
		if c != nil {
			n += len(c.Bytes())
		}
	}
	return n
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
