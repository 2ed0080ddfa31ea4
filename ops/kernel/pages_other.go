//go:build !linux

package kernel

import "unsafe"

// largePages is for Linux.
func largePages(unsafe.Pointer, int) {}
