package kernel

import "runtime"

// getcpu is the number of the system call of that name, which package syscall
// lacks on some architectures; 0 means that it isn't known.
var getcpu = map[string]uintptr{"amd64": 309, "386": 318, "arm": 345, "arm64": 168, "riscv64": 168, "loong64": 168, "ppc64le": 302, "s390x": 311}[runtime.GOARCH]
