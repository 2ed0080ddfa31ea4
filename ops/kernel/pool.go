package kernel

import (
	"runtime"
	"sync/atomic"
	"time"
)

// A Pool is a fixed set of worker goroutines that calls to this package share.
// Many goroutines may use one Pool at once: a call takes the workers that are
// idle at that moment and its own goroutine does the rest, so a busy pool
// means that work runs inline. A call inside another call's function behaves
// the same way. A nil *Pool runs everything inline.
//
// The workers park between calls and end when the Pool is garbage.
type Pool struct{ *pool }

type pool struct {
	threads int
	// load counts who computes: helpers (workers taken by calls, low 20 bits),
	// callers inside For or Team (next 20 bits) and runs entered (the rest).
	load atomic.Uint64
	// wake carries one job pointer per worker that shall join it.
	wake chan *job
	// free holds jobs for reuse, one for every caller that can have helpers.
	free chan *job
	// crowded is until when teams are not worth forming, in nanoseconds since
	// start: other programs hold the processors.
	crowded atomic.Int64
	start   time.Time
}

const (
	oneHelper = 1
	oneCaller = 1 << 20
	oneRun    = 1 << 40
	loadMask  = 1<<20 - 1
)

// NewPool returns a pool for the given number of threads, counting the caller
// of For or Team as one. threads <= 0 means runtime.GOMAXPROCS(0).
func NewPool(threads int) *Pool {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	inner := &pool{threads: threads, wake: make(chan *job, threads), free: make(chan *job, threads), start: time.Now()}
	for range threads {
		inner.free <- &job{done: make(chan struct{}, 1)}
	}
	for range threads - 1 {
		go inner.work()
	}
	p := &Pool{inner}
	runtime.AddCleanup(p, func(wake chan *job) { close(wake) }, inner.wake)
	return p
}

// Threads is the number of threads the pool was made for; 1 for a nil Pool.
func (p *Pool) Threads() int {
	if p == nil {
		return 1
	}
	return p.threads
}

// Enter says that the calling goroutine begins a stretch of work that includes
// calls of For and Team and computation of its own between them; Leave ends
// it. Without it only time spent inside For and Team counts as busy, and many
// goroutines sharing the pool may together run more threads than it has.
func (p *Pool) Enter() {
	if p != nil {
		p.load.Add(oneRun)
	}
}

// Leave ends what Enter began.
func (p *Pool) Leave() {
	if p != nil {
		p.load.Add(^uint64(oneRun - 1))
	}
}

// For calls
//
//	f(lo, hi)
//
// for chunks [lo, hi) that together cover [0, n) once, several at a time when
// workers are idle, and returns when all have returned. No chunk but the last
// is shorter than grain (at least 1). The chunks depend only on n, grain and
// Threads, never on who is idle. A panic in f is raised again in the caller.
func (p *Pool) For(n, grain int, f func(lo, hi int)) {
	if n <= 0 {
		return
	}
	size, count := chunks(n, grain, p.Threads())
	if count == 1 {
		f(0, n)
		return
	}
	helpers := p.acquire(count - 1)
	if helpers == 0 {
		for lo := 0; lo < n; lo += size {
			f(lo, min(lo+size, n))
		}
		p.release(0)
		return
	}
	j := <-p.free
	j.loop, j.n, j.size = f, n, size
	p.run(j, helpers)
}

// chunks splits n into count chunks of the given size, the last one shorter:
// at most four per thread, so that a slow thread leaves its share to others.
func chunks(n, grain, threads int) (size, count int) {
	if threads == 1 {
		return n, 1
	}
	grain = max(grain, 1)
	count = min((n+grain-1)/grain, 4*threads)
	if count < 2 {
		return n, 1
	}
	size = max((n+count-1)/count, grain)
	return size, (n + size - 1) / size
}

// acquire counts the caller in and takes up to want workers, as many as leave
// the threads in use at or below the pool's number.
func (p *Pool) acquire(want int) int {
	for {
		load := p.load.Load()
		helpers := int(load & loadMask)
		callers := int(load>>20&loadMask) + 1
		runs := int(load >> 40)
		got := max(min(want, p.threads-helpers-max(callers, runs)), 0)
		if p.load.CompareAndSwap(load, load+oneCaller+uint64(got)*oneHelper) {
			return got
		}
	}
}

// release undoes acquire.
func (p *Pool) release(helpers int) {
	p.load.Add(^uint64(oneCaller + uint64(helpers)*oneHelper - 1))
}

// run does j on the caller and the given number of helpers.
func (p *Pool) run(j *job, helpers int) {
	j.next.Store(0)
	j.joined.Store(0)
	j.left.Store(int32(helpers + 1))
	for range helpers {
		p.wake <- j
	}
	j.work(0)
	if j.left.Add(-1) > 0 {
		j.await()
	}
	fault := j.fault.Swap(nil)
	j.loop, j.team = nil, nil
	p.free <- j
	p.release(helpers)
	runtime.KeepAlive(p) // its cleanup closes wake
	if fault != nil {
		panic(fault.value)
	}
}

func (p *pool) work() {
	for j := range p.wake {
		j.work(int(j.joined.Add(1)))
		if j.left.Add(-1) == 0 {
			j.done <- struct{}{}
		}
	}
}

// A job is one call of For (loop) or Team (team) with helpers.
type job struct {
	loop    func(lo, hi int)
	n, size int
	team    func(member int, b *Barrier)
	barrier Barrier

	next   atomic.Int64 // the first index no chunk has claimed
	joined atomic.Int32 // helpers that have begun
	left   atomic.Int32 // threads that have not finished
	done   chan struct{}
	fault  atomic.Pointer[fault]
}

// A fault is a panic caught in a member.
type fault struct{ value any }

// work takes chunks until none is left, or is one member of a team.
func (j *job) work(member int) {
	defer func() {
		if r := recover(); r != nil {
			if r != errBrokenBarrier {
				j.fault.CompareAndSwap(nil, &fault{r})
			}
			j.next.Store(int64(j.n))
			j.barrier.broken.Store(true)
		}
	}()
	if j.team != nil {
		j.team(member, &j.barrier)
		return
	}
	for {
		lo := int(j.next.Add(int64(j.size))) - j.size
		if lo >= j.n {
			return
		}
		j.loop(lo, min(lo+j.size, j.n))
	}
}

// await waits for the helpers: they are nearly done, so it spins a little
// before it blocks. The last helper to finish sends on done exactly when the
// caller was not the last itself.
func (j *job) await() {
	for range spins {
		if j.left.Load() == 0 {
			break
		}
	}
	<-j.done
}

// spins bounds busy waiting to about ten microseconds.
const spins = 1 << 13
