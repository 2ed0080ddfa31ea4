package onnx

import (
	"os"
	"syscall"
	"unsafe"
)

// releasePages lets go of the pages that b, a part of the mapping data, touches. It is only advice, so an error is none.
func releasePages(data, b []byte) {
	if len(b) == 0 {
		return
	}
	page := os.Getpagesize()
	lo := int(uintptr(unsafe.Pointer(unsafe.SliceData(b))) - uintptr(unsafe.Pointer(unsafe.SliceData(data))))
	hi := lo + len(b)
	if lo < 0 || hi > len(data) {
		return
	}
	_ = syscall.Madvise(data[lo/page*page:hi], syscall.MADV_DONTNEED)
}
