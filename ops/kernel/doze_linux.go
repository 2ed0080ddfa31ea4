package kernel

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// canDoze says that beds do what they say.
const canDoze = true

// A bed is where a worker sleeps with its thread until somebody rings.
//
// Linux may wake a thread on the processor of the thread that wakes it though
// another one idles, and leave it waiting there for its turn, for milliseconds.
// Who rings therefore bars the sleeper's thread from the own processor; awake,
// the sleeper lifts that.
type bed struct {
	state  atomic.Uint32 // what the thread sleeps on
	thread uintptr
	cpus   processors // the thread might use when somebody rang
	barred bool
}

// The states of a bed. The sleeper moves it from up to asleep and, from asleep or
// rung, back; who rings from asleep over ringing to rung.
const (
	up uint32 = iota
	asleep
	ringing
	rung
)

// lie makes the bed known to who rings. The goroutine is locked to its thread.
func (b *bed) lie() {
	b.thread, _, _ = syscall.RawSyscall(syscall.SYS_GETTID, 0, 0, 0)
	b.state.Store(asleep)
}

// sleep sleeps for the given time, or until somebody rings; it may also return
// early.
func (b *bed) sleep(d time.Duration) {
	limit := syscall.NsecToTimespec(int64(d))
	_, _, _ = syscall.Syscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(&b.state)), futexWait, uintptr(asleep), uintptr(unsafe.Pointer(&limit)), 0, 0)
}

// rise ends what lie began.
func (b *bed) rise() {
	if b.state.CompareAndSwap(asleep, up) {
		return
	}
	for b.state.Load() != rung {
		runtime.Gosched()
	}
	if b.barred {
		b.cpus.set(b.thread)
	}
	b.state.Store(up)
}

// ring wakes the sleeper; false means that there is none.
func (b *bed) ring() bool {
	if !b.state.CompareAndSwap(asleep, ringing) {
		return false
	}
	b.cpus.get(b.thread)
	others := b.cpus
	if b.barred = others.clear(); b.barred {
		others.set(b.thread)
	}
	b.state.Store(rung)
	_, _, _ = syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(&b.state)), futexWake, 1, 0, 0, 0)
	return true
}

// nap sleeps for a time far below a millisecond, which is the shortest that
// time.Sleep takes when no thread of the program is looking for work.
func nap(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil)
}

const (
	futexWait = 0 | 128 // FUTEX_WAIT and FUTEX_WAKE, private to the process
	futexWake = 1 | 128
)

// processors is a set of processors as the kernel has it.
type processors struct {
	words [128 / wordBytes]uintptr
	bytes uintptr // the kernel has; 0 if it doesn't say
}

const wordBytes = unsafe.Sizeof(uintptr(0))

// get reads which processors a thread may use.
func (p *processors) get(thread uintptr) {
	n, _, fault := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, thread, unsafe.Sizeof(p.words), uintptr(unsafe.Pointer(&p.words)))
	if p.bytes = n; fault != 0 {
		p.bytes = 0
	}
}

// set makes a thread use only these processors.
func (p *processors) set(thread uintptr) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, thread, p.bytes, uintptr(unsafe.Pointer(&p.words)))
}

// clear takes the calling thread's processor out of the set and reports whether
// there are others in it.
func (p *processors) clear() (others bool) {
	var cpu uint32
	if p.bytes == 0 || getcpu == 0 {
		return false
	}
	_, _, fault := syscall.RawSyscall(getcpu, uintptr(unsafe.Pointer(&cpu)), 0, 0)
	word := uintptr(cpu) / (8 * wordBytes)
	if fault != 0 || word >= uintptr(len(p.words)) {
		return false
	}
	p.words[word] &^= 1 << (uintptr(cpu) % (8 * wordBytes))
	for _, w := range p.words {
		others = others || w != 0
	}
	return others
}
