//go:build !noasm

package kernel

// MultiplyAdds runs n rounds of nothing but fused multiply-adds in the vectors
// of the variant in use, and returns how many floating-point operations those
// were: what a processor's peak is measured with. Where there is no such loop it
// does nothing and returns 0.
func MultiplyAdds(n int) (operations float64) {
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
