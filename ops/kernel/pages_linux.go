package kernel

import (
	"syscall"
	"unsafe"
)

const (
	largePage    = 2 << 20
	madvCollapse = 25 // Linux 6.1 and newer; others refuse it
)

// largePages asks for pages of 2 MB under weights that are read again and again:
// the processor then looks up fewer addresses and reads ahead past 4 KB. It is a
// wish; nothing depends on it. Neighbours in the first and last page are moved as
// well.
func largePages(p unsafe.Pointer, bytes int) {
	if bytes < largePage {
		return
	}
	from := uintptr(p) &^ (largePage - 1)
	to := (uintptr(p) + uintptr(bytes) + largePage - 1) &^ (largePage - 1)
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, madvCollapse)
}
