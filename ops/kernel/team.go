package kernel

import (
	"errors"
	"runtime"
	"sync/atomic"
	"time"
)

// Team calls f(member, b) once for each member 0..b.Members()-1, all at the
// same time, and returns when all have returned. It asks for n members and
// gets fewer when workers are busy or slow to come, at least one: the caller,
// which is member 0. Members meet with b.Wait between the phases of a loop too
// fine for For, such as the steps of a recurrence. Every member must call Wait
// the same number of times. How work is divided must not change its result,
// since the number of members varies from call to call.
func (p *Pool) Team(n int, f func(member int, b *Barrier)) {
	n = min(n, p.Threads())
	if n > 1 && int64(time.Since(p.start)) < p.crowded.Load() {
		n = 1
	}
	if n <= 1 {
		f(0, &alone)
		return
	}
	helpers := p.acquire(n - 1)
	if helpers == 0 {
		f(0, &alone)
		p.release(0)
		return
	}
	j := <-p.free
	j.team = f
	asked := p.invite(j, helpers)
	for begin := time.Now(); !j.arrived(asked) && time.Since(begin) < arrival; {
		runtime.Gosched()
	}
	// Members are counted before the round closes: closing is their signal.
	var members int
	for {
		s := j.state.Load()
		members = int(s&present) + 1
		j.barrier.reset(members)
		if j.state.CompareAndSwap(s, s|closed) {
			break
		}
	}
	j.work(0)
	if j.barrier.Crowded() {
		p.crowded.Store(int64(time.Since(p.start) + avoid))
	}
	p.finish(j, helpers, members-1)
}

// arrived reports whether so many helpers are present, after a short while if
// need be.
func (j *job) arrived(asked int) bool {
	for range spins {
		if int(j.state.Load()&present) == asked {
			return true
		}
	}
	return false
}

const (
	// arrival bounds the wait for helpers to come: a little more than it takes
	// to wake a sleeping processor.
	arrival = 100 * time.Microsecond
	// patience is how long a member may keep the others waiting before the
	// wait counts as late: much longer than any imbalance of work.
	patience = 300 * time.Microsecond
	// tolerated is the number of late waits after which a team is crowded.
	tolerated = 2
	// avoid is how long no team is formed after a crowded one.
	avoid = 20 * time.Millisecond
)

var errBrokenBarrier = errors.New("kernel: another member of the team panicked")

// A Barrier is where the members of a Team meet.
type Barrier struct {
	members int32
	_       [15]int32
	arrived atomic.Int32
	_       [15]int32
	phase   atomic.Uint32
	late    atomic.Int32
	broken  atomic.Bool
	_       [13]int32
}

// alone is the barrier of every team of one; nothing ever writes to it.
var alone = Barrier{members: 1}

func (b *Barrier) reset(members int) {
	b.members = int32(members)
	b.arrived.Store(0)
	b.late.Store(0)
	b.broken.Store(false)
}

// Members is the number of members in the team.
func (b *Barrier) Members() int { return int(b.members) }

// Wait returns when every member has called it: what a member wrote before,
// all members see after. It spins for a short while, then yields its processor
// at every try and at last sleeps between them, so a team on a shared machine
// loses time, not progress.
func (b *Barrier) Wait() {
	if b.members == 1 {
		return
	}
	phase := b.phase.Load()
	if b.arrived.Add(1) == b.members {
		b.arrived.Store(0)
		b.phase.Add(1)
		return
	}
	for range spins {
		if b.phase.Load() != phase {
			return
		}
	}
	b.waitLong(phase)
}

func (b *Barrier) waitLong(phase uint32) {
	for begin := time.Now(); b.phase.Load() == phase; {
		if b.broken.Load() {
			panic(errBrokenBarrier)
		}
		if time.Since(begin) < patience {
			runtime.Gosched()
			continue
		}
		for b.phase.Load() == phase && !b.broken.Load() {
			time.Sleep(patience / 10)
		}
		b.late.Add(1)
	}
}

// Crowded reports that members keep each other waiting, as they do when other
// programs take their processors away. A team that can had better let one
// member do the rest; all must decide that together, between two Waits.
func (b *Barrier) Crowded() bool { return b.late.Load() >= tolerated }

// Share returns the part [lo, hi) of [0, n) that belongs to a member: parts
// differ in length by at most one.
func (b *Barrier) Share(member, n int) (lo, hi int) {
	m := int(b.members)
	return n * member / m, n * (member + 1) / m
}
