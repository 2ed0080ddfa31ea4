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
	// callers at work (next 20 bits) and runs entered (the rest).
	load atomic.Uint64
	// wake carries an invitation for each worker that shall join a job.
	wake chan invitation
	// beds are where the workers doze, of which so many do.
	beds  []bed
	dozes atomic.Int32
	// awake counts the workers that look for work, and met is when a crew last
	// parted, in nanoseconds since born.
	awake atomic.Int32
	met   atomic.Int64
	born  time.Time
	// free holds jobs for reuse, one for every caller that can have helpers.
	free chan *job
}

const (
	oneHelper = 1
	oneCaller = 1 << 20
	oneRun    = 1 << 40
	loadMask  = 1<<20 - 1
)

// NewPool returns a pool for the given number of threads, counting the caller
// of a function here as one. threads <= 0 means runtime.GOMAXPROCS(0).
func NewPool(threads int) *Pool {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	inner := &pool{threads: threads, born: time.Now(), wake: make(chan invitation, threads), free: make(chan *job, threads), beds: make([]bed, threads-1)}
	for range threads {
		inner.free <- &job{done: make(chan struct{}, 1), seats: make([]seat, threads)}
	}
	for i := range inner.beds {
		go inner.work(&inner.beds[i])
	}
	p := &Pool{inner}
	runtime.AddCleanup(p, func(p *pool) { close(p.wake); p.ring(threads) }, inner)
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
// calls with this pool and computation of its own between them; Leave ends it.
// Without it only time spent inside the calls counts as busy, and many
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
	j.next.Store(0)
	p.invite(j, helpers)
	j.work(0)
	p.finish(j, helpers, j.close())
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

// atHand is how many threads a crew may have whose work is too short to wake
// anybody: the caller, and workers that are awake. Of calls that follow each other
// closely the second wakes them.
func (p *Pool) atHand() int {
	if p.Threads() == 1 {
		return 1
	}
	if time.Since(p.born)-time.Duration(p.met.Load()) < closely {
		return p.threads
	}
	return 1 + int(p.awake.Load())
}

// parted is for the end of a crew, of one too.
func (p *Pool) parted() {
	if p.Threads() > 1 {
		p.met.Store(int64(time.Since(p.born)))
	}
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

// An invitation asks a worker to join a job in one of its rounds. Who comes
// when the round is closed has come too late and goes on.
type invitation struct {
	j     *job
	round uint32
}

// invite opens a round of j and asks helpers to join. It returns how many of
// them were awake.
func (p *pool) invite(j *job, helpers int) (awake int) {
	asked := 0
	j.round++
	j.state.Store(uint64(j.round) << 32)
	for range helpers {
		select {
		case p.wake <- invitation{j, j.round}:
			asked++
		default: // those who were asked before have not looked yet
		}
	}
	return asked - p.ring(asked)
}

// finish waits for the helpers still at work, gives back the job and what
// acquire took, and passes on a panic.
func (p *Pool) finish(j *job, helpers, working int) {
	if working > 0 {
		j.await()
	}
	fault := j.fault.Swap(nil)
	if j.lead != nil {
		j.crew.end()
	}
	j.loop, j.lead = nil, nil
	p.free <- j
	p.release(helpers)
	runtime.KeepAlive(p) // its cleanup closes wake
	if fault != nil {
		panic(fault.value)
	}
}

// await waits for the last helper. It looks for what that one sends, and not for
// its having left: one that receives too early lets go of its processor.
func (j *job) await() {
	for begin := time.Now(); ; {
		for range spins / 64 {
			select {
			case <-j.done:
				return
			default:
			}
		}
		if waited := time.Since(begin); waited > patience {
			break
		} else if waited > grip {
			runtime.Gosched()
		}
	}
	<-j.done
}

func (p *pool) work(b *bed) {
	for {
		i, ok := p.next(b)
		if !ok {
			return
		}
		if i.j.join(i.round) {
			i.j.work(1)
			i.j.leave()
		}
	}
}

const (
	// patience is how long a caller that waits for the last helper keeps its
	// thread. One that lets go of it may find itself on the helper's, and that again
	// on the processor where the helper goes on, for a time slice of some
	// milliseconds. For as long as grip it keeps other goroutines off, too.
	patience = 4 * time.Millisecond
	grip     = 200 * time.Microsecond
	// linger is how long a worker without work keeps its processor: the next call
	// of a run, or the next run, is often near, and waking a thread takes longer
	// than most calls.
	linger = 200 * time.Microsecond
	// closely is how soon crews follow each other that wake workers for steps
	// which are shorter than that takes.
	closely = 50 * time.Microsecond
	// doze is how long it then keeps its thread.
	doze = time.Minute
)

// next waits for an invitation; false means that the pool is garbage.
func (p *pool) next(b *bed) (i invitation, ok bool) {
	if i, ok, asked := p.look(); asked {
		return i, ok
	}
	if canDoze {
		if i, ok, woken := p.doze(b); woken {
			return i, ok
		}
	}
	i, ok = <-p.wake
	return i, ok
}

// look waits for an invitation without letting go of the processor.
func (p *pool) look() (i invitation, ok, asked bool) {
	p.awake.Add(1)
	defer p.awake.Add(-1)
	for begin := time.Now(); time.Since(begin) < linger; {
		for range spins / 64 {
			select {
			case i, ok = <-p.wake:
				return i, ok, true
			default:
			}
		}
		runtime.Gosched()
	}
	return i, false, false
}

// dozing counts the workers of all pools that doze.
var dozing atomic.Int32

// mostDozing bounds them, as each keeps a thread: enough for a program of many
// models, few enough for a process.
func mostDozing() int { return 4*runtime.GOMAXPROCS(0) + 16 }

// doze waits for an invitation with a thread of its own. A goroutine that waits
// for a channel gets whatever thread the scheduler wakes, and where that had the
// caller's processor last it may share it for many milliseconds while the other
// one idles. After a while nobody has woken it.
func (p *pool) doze(b *bed) (i invitation, ok, woken bool) {
	defer dozing.Add(-1)
	if int(dozing.Add(1)) > mostDozing() {
		return i, false, false
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	p.dozes.Add(1)
	defer p.dozes.Add(-1)
	for begin := time.Now(); ; {
		b.lie()
		select { // after lying down, before sleeping: who invites now rings, or was seen
		case i, ok = <-p.wake:
			b.rise()
			return i, ok, true
		default:
		}
		rest := doze - time.Since(begin)
		if rest > 0 {
			b.sleep(rest)
		}
		b.rise()
		select {
		case i, ok = <-p.wake:
			return i, ok, true
		default:
		}
		if rest <= 0 {
			return i, false, false
		}
	}
}

// ring wakes up to n workers that doze and returns how many.
func (p *pool) ring(n int) (woken int) {
	if n <= 0 || p.dozes.Load() == 0 {
		return 0
	}
	for i := range p.beds {
		if woken < n && p.beds[i].ring() {
			woken++
		}
	}
	return woken
}

// A job is one call of For (loop) or lead (lead, crew) that may have helpers.
// It is used again and again, in rounds.
type job struct {
	loop    func(lo, hi int)
	n, size int
	lead    func(c *crew)
	crew    crew
	seats   []seat
	round   uint32

	next  atomic.Int64  // the first index no chunk has claimed
	state atomic.Uint64 // round, closed, and the number of helpers present
	done  chan struct{} // the last helper to leave a closed round says so
	fault atomic.Pointer[fault]
}

const (
	closed  = 1 << 31
	present = closed - 1
)

// A fault is a panic caught in a member.
type fault struct{ value any }

// join enters a round if it is still open.
func (j *job) join(round uint32) bool {
	for {
		s := j.state.Load()
		if uint32(s>>32) != round || s&closed != 0 {
			return false
		}
		if j.state.CompareAndSwap(s, s+1) {
			return true
		}
	}
}

// leave ends what join began.
func (j *job) leave() {
	if s := j.state.Add(^uint64(0)); s&closed != 0 && s&present == 0 {
		j.done <- struct{}{}
	}
}

// close lets nobody else join and returns the number of helpers present: if
// any, one of them will send on done.
func (j *job) close() int { return int(j.state.Or(closed) & present) }

// work takes chunks until none is left, or is one member of a crew; member 0 is
// the caller.
func (j *job) work(member int) {
	defer func() {
		if r := recover(); r != nil {
			j.fault.CompareAndSwap(nil, &fault{r})
			j.next.Store(int64(j.n))
		}
	}()
	if j.lead != nil {
		if member == 0 {
			j.lead(&j.crew)
		} else {
			j.crew.help()
		}
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

// spins bounds busy waiting to a few microseconds.
const spins = 1 << 13
