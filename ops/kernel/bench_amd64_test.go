//go:build !noasm

package kernel

// peakFlops runs n rounds of nothing but multiply-adds in the active variant's
// vectors and returns how many operations those were.
func peakFlops(n int) float64 {
	switch active.name {
	case "avx512":
		peakAVX512(n)
	case "avx2":
		peakAVX2(n)
	default:
		return 0
	}
	return float64(n) * 24 * 2 * float64(active.lanes)
}
