package lstmattn

import "math/rand/v2"

// A dropout draws the masks of one training pass (Srivastava et al. 2014):
// each element is 0 with probability p, else divided by 1-p.
type dropout struct {
	p   float64
	rng *rand.Rand
}

// apply sets dst to src under a new mask. They may be the same.
func (d *dropout) apply(dst, src []float32) {
	scale := float32(1 / (1 - d.p))
	for i, v := range src[:len(dst)] {
		if d.rng.Float64() < d.p {
			dst[i] = 0
		} else {
			dst[i] = v * scale
		}
	}
}
