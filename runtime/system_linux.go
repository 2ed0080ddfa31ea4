package runtime

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// systemMemory is the memory of the machine, or of the control group this
// process is confined to, in bytes; 0 if it can't be told.
func systemMemory() int64 {
	var total int64
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) == nil {
		total = int64(info.Totalram) * int64(info.Unit)
	}
	if text, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && (total == 0 || n < total) {
			total = n
		}
	}
	return total
}
