package main

import (
	"sync"
	"time"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/ops/kernel"
)

// productsOf is the floating-point operations in the matrix products that a
// window's gradient needs, of the classic form. A product of the forward pass
// costs one more for the gradient of its weights and one for that of its
// input, but for the window itself, whose gradient nobody needs. The
// attention's core counts, the element-wise work of cells does not.
func productsOf(c *lstmattn.Config) float64 {
	H, S, E, F := c.HiddenSize, c.InputSize, c.MemorySize(), c.NumFeatures
	n := 3 * 2 * S * E * H // keys and values
	for k := range c.NumEncoderLayers {
		in, times := E, 3
		if k == 0 {
			in, times = F, 2
		}
		n += S * c.Directions() * 4 * H * (times*in + 3*H)
	}
	step := 2*H*H + 2*S*H + H*F // the attention's projections and core, the output
	for k := range c.NumDecoderLayers {
		in := H
		if k == 0 {
			in = F + H // the value and the context before
		}
		step += 4 * H * (in + H)
	}
	n += 3 * c.Horizon * step
	if c.Bidirectional {
		n += 3 * c.NumDecoderLayers * 2 * 2 * H * H // the bridges
	}
	return 2 * float64(n)
}

// peak is the most multiply-adds, counted as two operations, that so many
// threads do in a second at once; 0 where the kernel has no loop for it.
func peak(threads int) (best float64) {
	for range 20 {
		const rounds = 1 << 19
		var all sync.WaitGroup
		operations := make([]float64, threads)
		start := time.Now()
		for k := range threads {
			all.Go(func() { operations[k] = kernel.MultiplyAdds(rounds) })
		}
		all.Wait()
		best = max(best, operations[0]*float64(threads)/time.Since(start).Seconds())
	}
	return best
}
