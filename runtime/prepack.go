package runtime

import (
	"encoding/binary"
	"sync"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

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
