package kernel

import (
	"math"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// atEdge is n values after which memory ends.
func atEdge(t *testing.T, n int) []float32 {
	page := syscall.Getpagesize()
	size := roundUp(4*n, page)
	m, err := syscall.Mmap(-1, 0, size+page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Munmap(m)) })
	require.NoError(t, syscall.Mprotect(m[size:], syscall.PROT_NONE))
	return wordsAs[float32](m[size-4*n : size])[:n:n]
}

// Pools read nothing beyond their input.
func TestPoolsStayInside(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, w := range []Window{image(2, 2, 1, 0, 14, 14), image(2, 2, 1, 0, 3, 4), image(3, 2, 1, 0, 55, 55), image(3, 2, 1, 1, 7, 7), image(3, 2, 1, 1, 20, 24), image(2, 2, 1, 0, 6, 5, 7), image(3, 1, 1, 1, 9, 9), image(2, 2, 1, 0, 41)} {
			const planes = 3
			x := atEdge(t, planes*w.InLen())
			y := atEdge(t, planes*w.OutLen())
			MaxPool(nil, &w, y, nil, x, float32(math.Inf(-1)), planes)
			AveragePool(nil, &w, y, x, false, planes)
		}
	})
}

// Transpositions neither read beyond their input nor write beyond their output.
func TestTransposeStaysInside(t *testing.T) {
	forEachVariant(t, func(t *testing.T) {
		for _, s := range [][2]int{{7, 65}, {65, 7}, {64, 5}, {8, 3}, {3, 8}, {13, 9}, {130, 20}} {
			src, dst := atEdge(t, s[0]*s[1]), atEdge(t, s[0]*s[1])
			Transpose2D(dst, src, s[0], s[1])
		}
	})
}
