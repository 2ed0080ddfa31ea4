package kernel

import (
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	futexWait = 0 | 128 // FUTEX_WAIT and FUTEX_WAKE, private to the process
	futexWake = 1 | 128
)

// canDoze says that sleepOn and wakeFrom do what they say.
const canDoze = true

// sleepOn sleeps in the operating system while *word is seen, until wakeFrom
// or for the given time; it may also return early.
func sleepOn(word *atomic.Uint32, seen uint32, d time.Duration) {
	limit := syscall.NsecToTimespec(int64(d))
	_, _, _ = syscall.Syscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWait, uintptr(seen), uintptr(unsafe.Pointer(&limit)), 0, 0)
}

// wakeFrom wakes up to n threads that sleep on word.
func wakeFrom(word *atomic.Uint32, n int) {
	_, _, _ = syscall.RawSyscall6(syscall.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWake, uintptr(n), 0, 0, 0)
}
