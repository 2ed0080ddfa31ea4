package runtime

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// leastTogether is how many multiplications a node must take to be worth a
// thread of its own: a tenth of a millisecond or so.
const leastTogether = 1 << 20

// together brings nodes that can run side by side next to each other: those
// which the threads of the pool can't share well by themselves, such as the
// recurrent layers of two directions or two encoders. A node of that kind waits,
// and whatever reads of it, until one of that kind comes that reads of it; all
// that wait then are independent of each other. It returns for each node the
// number of its group, 0 for none. The order, and so every result, doesn't depend
// on who is idle.
func (w *work) together() []int {
	t := &togetherness{work: w, unmade: map[int]bool{}}
	none := make([]int, len(w.g.nodes))
	if w.pool.Threads() == 1 || w.config.inTurn {
		return none
	}
	for _, n := range w.g.nodes {
		chains := w.chains(n)
		switch blocked := t.blocked(n); {
		case chains == 0 && !blocked:
			t.add(n, 0)
			continue
		case chains == 0:
			t.readers = append(t.readers, n)
		default:
			if blocked {
				t.flush()
			}
			t.waiting = append(t.waiting, n)
			t.chains += chains
		}
		for _, s := range n.out {
			if s >= 0 {
				t.unmade[s] = true
			}
		}
	}
	t.flush()
	if t.last == 0 {
		return none
	}
	w.g.nodes = t.order
	return t.groups
}

// togetherness is the state of together.
type togetherness struct {
	*work
	order   []*node
	groups  []int // of those in order
	last    int   // number of groups
	waiting []*node
	chains  int          // of those that wait
	readers []*node      // that read of them
	unmade  map[int]bool // outputs of both
}

func (t *togetherness) add(n *node, group int) {
	t.order, t.groups = append(t.order, n), append(t.groups, group)
}

func (t *togetherness) blocked(n *node) bool {
	unmade := func(s int) bool { return t.unmade[s] }
	return slices.ContainsFunc(n.in, unmade) || slices.ContainsFunc(n.captures, unmade)
}

// flush ends the waiting. Where there are two threads or more for each chain the
// nodes are better shared one by one.
func (t *togetherness) flush() {
	group := 0
	if len(t.waiting) > 1 && 2*t.chains > t.pool.Threads() {
		t.last++
		group = t.last
	}
	for _, n := range t.waiting {
		t.add(n, group)
	}
	for _, n := range t.readers {
		t.add(n, 0)
	}
	t.waiting, t.readers, t.chains = nil, nil, 0
	clear(t.unmade)
}

// chains is how many threads can well share the work of a node that is worth
// running beside others, 0 for other nodes.
func (w *work) chains(n *node) int {
	k, ok := n.kernel.(ops.Chained)
	if !ok || len(n.bodies) > 0 || n.version.Random {
		return 0
	}
	in := make([]ops.Fact, len(n.in))
	for i, s := range n.in {
		if s >= 0 {
			in[i] = w.facts[s]
		}
	}
	chains, work := k.Chains(in)
	if work < leastTogether {
		return 0
	}
	return chains
}

// sideBySide runs n steps from step first on at the same time.
func (x *instance) sideBySide(first, n int) error {
	j := x.job
	step := j.memory.step
	for i := first; i < first+n; i++ {
		x.steps[i].c.Context = j.ctx
	}
	x.first = first
	x.steps[first].c.Pool().For(n, 1, x.each)
	j.memory.step = step
	for i := range n {
		r := &x.steps[first+i]
		if err := r.err; err != nil {
			r.err = nil
			x.at = first + i
			return x.fail(err)
		}
	}
	return nil
}

// some runs steps lo to hi after x.first.
func (x *instance) some(lo, hi int) {
	for i := x.first + lo; i < x.first+hi; i++ {
		x.steps[i].alone()
	}
}

// alone runs one of several steps that run at the same time.
func (r *running) alone() {
	defer func() {
		if p := recover(); p != nil {
			r.err = fmt.Errorf("%w: %v", ErrInternal, p)
		}
	}()
	r.err = r.kernel.Run(&r.c)
}

// shared is a run's memory for steps that run at the same time. It implements
// ops.Allocator.
type shared struct {
	mu sync.Mutex
	of *budget
}

func (s *shared) New(dt tensor.DType, shape []int) (*tensor.Tensor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of.New(dt, shape)
}

func (s *shared) Reserve(n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of.Reserve(n)
}

func (s *shared) Release(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of.Release(n)
}
