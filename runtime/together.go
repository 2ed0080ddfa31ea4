package runtime

import (
	"fmt"
	"slices"
	"sync"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// leastTogether is how many multiplications a node must take to be worth a
// thread of its own: a tenth of a millisecond or so.
const leastTogether = 1 << 20

// leastShare is how many times a node's work another's may be that runs beside
// it: a smaller one doesn't make up for the threads that the larger goes without.
const leastShare = 4

// together brings nodes that can run side by side next to each other: those
// which the threads of the pool can't share well by themselves, such as the
// recurrent layers of two directions or two encoders. A node of that kind waits,
// and whatever reads of it, until one of that kind comes that reads of it. All
// that wait then are independent of each other, but that one may read of another
// step by step, as the layers of a stack do. It returns for each node the number
// of its group, 0 for none, and for those that read so of which. The order, and
// so every result, doesn't depend on who is idle.
func (w *work) together() (groups []int, from map[*node]*node) {
	t := &togetherness{work: w, unmade: map[int]*node{}, from: map[*node]*node{}}
	none := make([]int, len(w.g.nodes))
	if w.pool.Threads() == 1 || w.config.inTurn {
		return none, nil
	}
	for _, n := range w.g.nodes {
		chains, work := w.chains(n)
		switch blocked := t.blocked(n); {
		case chains == 0 && !blocked:
			t.add(n, 0)
			continue
		case chains == 0:
			t.readers = append(t.readers, n)
		case !blocked && work < t.most/leastShare:
			t.add(n, 0)
			continue
		default:
			if blocked && !t.follow(n) || !blocked && t.most < work/leastShare {
				t.flush()
			}
			t.most = max(t.most, work)
			t.waiting = append(t.waiting, n)
			t.chains += chains
		}
		for _, s := range n.out {
			if s >= 0 {
				t.unmade[s] = n
			}
		}
	}
	t.flush()
	if t.last == 0 {
		return none, nil
	}
	w.g.nodes = t.order
	return t.groups, t.from
}

// togetherness is the state of together.
type togetherness struct {
	*work
	order   []*node
	groups  []int // of those in order
	last    int   // number of groups
	waiting []*node
	chains  int             // of those that wait
	most    int             // multiplications of the largest of them
	readers []*node         // that read of them
	unmade  map[int]*node   // outputs of both, and whose
	from    map[*node]*node // see together
}

// follow reports whether n, which is blocked, can run beside what blocks it: one
// of those that wait makes its input 0 and takes and gives steps in order. What
// lies between them, views, waits with them from now on.
func (t *togetherness) follow(n *node) bool {
	if !t.relays(n) {
		return false
	}
	between := 0
	at := n
	for {
		blocking := 0
		for _, list := range [][]int{at.in, at.captures} {
			for _, s := range list {
				if t.unmade[s] != nil {
					blocking++
				}
			}
		}
		made := t.unmade[at.input(0)]
		if blocking != 1 || made == nil {
			return false
		}
		if slices.Contains(t.waiting, made) {
			if at.in[0] != made.out[0] || !t.relays(made) {
				return false
			}
			t.from[n] = made
			break
		}
		if !isView(made, t.facts) {
			return false
		}
		at = made
		between++
	}
	views := make([]*node, between)
	for at := n; between > 0; between-- {
		at = t.unmade[at.in[0]]
		views[between-1] = at
		t.readers = slices.DeleteFunc(t.readers, func(r *node) bool { return r == at })
	}
	t.waiting = append(t.waiting, views...)
	return true
}

func (t *togetherness) relays(n *node) bool {
	k, ok := n.kernel.(ops.Relayed)
	return ok && k.Relays(t.inFacts(n))
}

func (t *togetherness) add(n *node, group int) {
	t.order, t.groups = append(t.order, n), append(t.groups, group)
}

func (t *togetherness) blocked(n *node) bool {
	unmade := func(s int) bool { return t.unmade[s] != nil }
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
	t.waiting, t.readers, t.chains, t.most = nil, nil, 0, 0
	clear(t.unmade)
}

// chains is how many threads can well share the work of a node that is worth
// running beside others, 0 for other nodes, and that work in multiplications.
func (w *work) chains(n *node) (chains, work int) {
	k, ok := n.kernel.(ops.Chained)
	if !ok || len(n.bodies) > 0 || n.version.Random {
		return 0, 0
	}
	if chains, work = k.Chains(w.inFacts(n)); work < leastTogether {
		return 0, 0
	}
	return chains, work
}

// inFacts is what is known of n's inputs.
func (w *work) inFacts(n *node) []ops.Fact {
	in := make([]ops.Fact, len(n.in))
	for i, s := range n.in {
		if s >= 0 {
			in[i] = w.facts[s]
		}
	}
	return in
}

// relay connects step i with the step of its group that makes its input, which
// comes before it.
func (x *instance) relay(i int) {
	from := x.p.steps[i].from
	for k := i - 1; from != nil && k >= 0 && x.p.steps[k].group == x.p.steps[i].group; k-- {
		if x.p.steps[k].n == from {
			if x.steps[k].c.To == nil {
				x.steps[k].c.To = new(kernel.Relay)
			}
			x.steps[i].c.From = x.steps[k].c.To
		}
	}
}

// sideBySide runs n steps from step first on at the same time.
func (x *instance) sideBySide(first, n int) error {
	j := x.job
	step := j.memory.step
	for i := first; i < first+n; i++ {
		x.steps[i].c.Context = j.ctx
		x.steps[i].c.To.Open()
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
		r.c.To.Close(r.err)
	}()
	r.err = r.run()
}

// run runs a step's kernel; what reads of it step by step may go on after it.
func (r *running) run() error {
	r.c.Begin()
	err := r.kernel.Run(&r.c)
	r.c.To.Close(err)
	return err
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
