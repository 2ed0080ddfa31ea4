package lstmattn

import "math/rand/v2"

// A dropout draws the masks of one training pass (Srivastava et al. 2014):
// each element is 0 with probability p, else divided by 1-p.
type dropout struct {
	p   float64
	rng *rand.Rand
}

// apply sets dst to src under a new mask, and mask to what each element was
// multiplied with unless it is nil. dst and src may be the same.
func (d *dropout) apply(dst, src, mask []float32) {
	keep := float32(1 / (1 - d.p))
	for i, v := range src[:len(dst)] {
		factor := keep
		if d.rng.Float64() < d.p {
			factor = 0
		}
		dst[i] = v * factor
		if mask != nil {
			mask[i] = factor
		}
	}
}
