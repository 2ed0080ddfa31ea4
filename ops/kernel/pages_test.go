package kernel

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// Asking for large pages changes nothing in memory, whatever part of a page it
// is asked for.
func TestLargePagesKeepWhatIsThere(t *testing.T) {
	const n = 3 << 20
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i)
	}
	for _, part := range [][2]int{{0, n}, {5, n - 5}, {n / 3, n / 2}, {1, 2}, {0, 0}} {
		largePages(unsafe.Pointer(&x[part[0]]), 4*(part[1]-part[0]))
	}
	for i, v := range x {
		if v != float32(i) {
			require.Failf(t, "changed", "value %d is %v", i, v)
		}
	}
}
