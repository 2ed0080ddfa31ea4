package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A crew computes a sequence of phases too fine for For, such as the steps of a
// recurrence, of which each needs what the one before gave. The calling
// goroutine leads: it cuts a phase into shares, one for itself and one for each
// helper at hand, does its own and waits for the others.
//
// A helper may come at any time, and the system may take its processor away at
// any time. The leader never depends on it: one that keeps it waiting is
// dismissed, the leader does the share itself, and the helper is let in again
// once it has reported back. So that a dismissed helper disturbs nobody, a
// helper writes to memory of its own until it has committed, and what it may
// still be reading is not written again: the work goes on in a copy of the
// buffers.
//
// How a phase is shared out must not change its result.
type crew struct {
	work  func(s *seat) // computes one share
	seats []seat        // the leader's and one for each helper asked
	bufs  *stepBuffers  // those in use
	all   []*stepBuffers
	over  atomic.Bool // no phase will follow
}

// A phase is what all shares of one phase have in common.
type phase struct {
	bufs    *stepBuffers
	project bool // set the gates of n steps from step first on to W x + b
	first   int
	n       int // without project: the number of the step
	at      int // its row of the gates
	time    int // of the sequence
}

// A seat is a place in a crew and the share last given to it.
type seat struct {
	state  atomic.Uint32
	_      [15]uint32
	phase  phase
	lo, hi int // lumps
	leads  bool

	// What follows is the leader's.
	admitted bool
	held     *stepBuffers // what a dismissed helper may still be reading
	losses   int          // dismissals in a row
	skip     int          // phases to leave it out of
	_        [8]uint64
}

// The states of a helper's seat. The leader moves it from ready over asked to
// working and from working to dismissed, the helper everywhere else. A helper
// that sleeps is away, so that it isn't given work that it would be late for; one
// that was asked stays.
const (
	vacant uint32 = iota
	ready
	away // for a moment
	asked
	working
	committing
	dismissed
)

const (
	// welcome is how long the leader waits for helpers to come.
	welcome = 5 * time.Microsecond
	// haste is how long the leader waits for a helper at least, beyond which it
	// waits as long as its own share took.
	haste = 20 * time.Microsecond
	// rest is how long a helper without work keeps its processor; then it looks
	// for work now and then, so that a leader whose processor was taken away
	// can have this one.
	rest = 100 * time.Microsecond
	// mostSkipped bounds the phases from which a slow helper is left out.
	mostSkipped = 64
)

// lead calls f with a crew of up to n members whose shares are computed by
// work. f is called once, on this goroutine.
func (p *Pool) lead(n int, b *stepBuffers, f func(c *crew), work func(s *seat)) {
	helpers := 0
	n = min(n, p.Threads())
	if n > 1 {
		helpers = p.acquire(n - 1)
	}
	if helpers == 0 {
		c := soloists.Get().(*crew)
		c.begin(c.seats[:1], b, work)
		f(c)
		c.end()
		soloists.Put(c)
		if n > 1 {
			p.release(0)
		}
		p.parted()
		return
	}
	j := <-p.free
	j.lead = f
	j.crew.begin(j.seats[:helpers+1], b, work)
	if awake := p.invite(j, helpers); awake > 0 {
		j.crew.greet(awake)
	}
	j.work(0)
	j.crew.over.Store(true)
	p.finish(j, helpers, j.close())
	p.parted()
}

// soloists are crews of one.
var soloists = sync.Pool{New: func() any { return &crew{seats: make([]seat, 1)} }}

func (c *crew) begin(seats []seat, b *stepBuffers, work func(s *seat)) {
	c.seats, c.bufs, c.work = seats, b, work
	c.all = append(c.all[:0], b)
	c.over.Store(false)
	for i := range seats {
		s := &seats[i]
		s.state.Store(vacant)
		s.leads = i == 0
		s.admitted, s.held, s.losses, s.skip = false, nil, 0, 0
	}
}

// end lets go of the buffers, when all helpers have left.
func (c *crew) end() {
	for i, b := range c.all {
		b.release()
		c.all[i] = nil
	}
	c.bufs, c.work = nil, nil
	for i := range c.seats {
		c.seats[i].phase, c.seats[i].held = phase{}, nil
	}
}

// greet waits a moment for helpers that are awake: the first phase is often the
// longest, and who misses it may fall asleep.
func (c *crew) greet(awake int) {
	for begin := time.Now(); time.Since(begin) < welcome; {
		here := 0
		for i := 1; i < len(c.seats); i++ {
			if c.seats[i].state.Load() == ready {
				here++
			}
		}
		if here >= awake {
			return
		}
	}
}

// do computes a phase of n lumps.
func (c *crew) do(n int, ph phase) {
	ph.bufs = c.bufs
	me := &c.seats[0]
	members := 1
	for i := 1; i < len(c.seats); i++ {
		if s := &c.seats[i]; members < n && s.ask() {
			s.admitted = true
			members++
		}
	}
	me.phase, me.lo, me.hi = ph, 0, n
	if members == 1 {
		c.work(me)
		return
	}
	begin := time.Now()
	me.hi = n / members
	member := 1
	for i := 1; i < len(c.seats); i++ {
		if s := &c.seats[i]; s.admitted {
			s.phase, s.lo, s.hi = ph, n*member/members, n*(member+1)/members
			member++
			s.state.Store(working)
		}
	}
	c.work(me)
	own := time.Since(begin)
	lost := 0
	for i := 1; i < len(c.seats); i++ {
		if s := &c.seats[i]; s.admitted && !s.done(begin, 2*own+haste) {
			lost++
		}
	}
	if lost > 0 {
		c.redo(ph)
	}
	for i := range c.seats {
		c.seats[i].admitted = false
	}
}

// redo does the shares of the helpers that were dismissed from a phase.
func (c *crew) redo(ph phase) {
	old := c.bufs
	c.bufs = c.spare()
	c.bufs.copyState(old)
	for i := range c.seats {
		s := &c.seats[i]
		switch {
		case s.admitted && s.held == old: // it may be writing its gates
			if !ph.project {
				c.bufs.copyGates(old, ph, s.lo, s.hi)
			}
		case s.admitted || i == 0:
			c.bufs.copyGates(old, ph, s.lo, s.hi)
		}
	}
	ph.bufs = c.bufs
	me := &c.seats[0]
	for i := 1; i < len(c.seats); i++ {
		if s := &c.seats[i]; s.admitted && s.held == old {
			me.phase, me.lo, me.hi = ph, s.lo, s.hi
			c.work(me)
		}
	}
}

// spare returns buffers that nobody reads.
func (c *crew) spare() *stepBuffers {
	for _, b := range c.all {
		if b != c.bufs && b.holders == 0 {
			return b
		}
	}
	b := c.bufs.like()
	c.all = append(c.all, b)
	return b
}

// ask reports whether a helper is there, which then waits for a share.
func (s *seat) ask() bool {
	if s.state.Load() != ready {
		return false
	}
	if s.held != nil {
		s.held.holders--
		s.held = nil
	}
	if s.skip > 0 {
		s.skip--
		return false
	}
	return s.state.CompareAndSwap(ready, asked)
}

// done waits until a helper has finished its share, or dismisses it.
func (s *seat) done(begin time.Time, limit time.Duration) bool {
	for range spins / 8 {
		if s.state.Load() == ready {
			s.losses = 0
			return true
		}
	}
	for s.state.Load() != ready {
		if time.Since(begin) > limit && s.state.CompareAndSwap(working, dismissed) {
			s.held = s.phase.bufs
			s.held.holders++
			s.losses++
			s.skip = min(1<<s.losses, mostSkipped)
			return false
		}
		if s.state.Load() == committing {
			runtime.Gosched()
		}
	}
	s.losses = 0
	return true
}

// commit reports whether a share still counts. From then on the leader waits,
// and its results may be written where everybody reads them.
func (s *seat) commit() bool {
	return s.leads || s.state.CompareAndSwap(working, committing)
}

// help is a helper's part: it takes shares until the work is over.
func (c *crew) help() {
	for i := 1; i < len(c.seats); i++ {
		s := &c.seats[i]
		if !s.state.CompareAndSwap(vacant, ready) {
			continue
		}
		for c.await(s) {
			c.work(s)
			s.state.Store(ready)
		}
		return
	}
}

// await waits for a share; false means that there will be none.
func (c *crew) await(s *seat) bool {
	for range spins {
		if s.state.Load() == working {
			return true
		}
		if c.over.Load() {
			return false
		}
	}
	for begin := time.Now(); ; {
		switch {
		case s.state.Load() == working:
			return true
		case c.over.Load():
			return false
		case s.state.CompareAndSwap(dismissed, ready): // before it saw the share
		case time.Since(begin) < rest:
			runtime.Gosched()
		case s.state.CompareAndSwap(ready, away):
			nap(rest / 2)
			s.state.Store(ready)
			begin = time.Now()
		}
	}
}
