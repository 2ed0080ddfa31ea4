//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package onnx

import (
	"os"
	"runtime"
	"syscall"
)

const openNonblock = syscall.O_NONBLOCK

// mapFile maps the first size bytes of a file. The map is private: writing to it would change neither the file nor any
// other map of it.
func mapFile(f *os.File, size int64) (*mapping, error) {
	if int64(int(size)) != size {
		return nil, syscall.EFBIG
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	m := &mapping{data: data}
	runtime.AddCleanup(m, func(b []byte) { _ = syscall.Munmap(b) }, data)
	return m, nil
}
