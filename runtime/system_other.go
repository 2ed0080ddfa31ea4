//go:build !linux

package runtime

// systemMemory is 0: it can't be told here.
func systemMemory() int64 { return 0 }
