package lstmattn

import (
	"context"
	"math/rand/v2"
)

// A forcing is what a training-style pass does besides forecasting.
type forcing struct {
	target []float32 // (B, T, F) raw
	ratio  float64
	draws  *rand.Rand
	drop   *dropout // nil for none

	normalized []float32 // (B, T, F) the target as the decoder sees it
}

// run forecasts the windows x (B, L, F) into values (B, T, F), and the
// attention weights (B, A, T, L) unless nil. force is nil in inference.
func (p *pass) run(ctx context.Context, x, values, weights []float32, steps int, force *forcing) error {
	s, c := p.state, p.config
	F := c.NumFeatures
	s.window.normalize(s.n, x, p.batch)
	var drop *dropout
	s.encode.between = nil
	if force != nil {
		force.normalized = make([]float32, len(force.target))
		s.window.normalizeTarget(force.normalized, force.target, p.batch, steps)
		if drop = force.drop; drop != nil {
			s.encode.between = func(_ int, y []float32) []float32 {
				drop.apply(y, y)
				return y
			}
		}
	}
	if err := p.encode(ctx); err != nil {
		return err
	}
	f, input := &s.frames[0], s.inputs[0]
	for t := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.decode(f, input, input, values[t*F:], steps*F, drop); err != nil {
			return err
		}
		if weights != nil {
			p.keepWeights(weights, f.weights, t, steps)
		}
		prev := values
		if force != nil && force.draws.Float64() < force.ratio {
			prev = force.normalized
		}
		for b := range p.batch {
			copy(input[b*(F+c.HiddenSize):][:F], prev[(b*steps+t)*F:])
		}
	}
	s.window.restore(values, p.batch, steps)
	return nil
}

// keepWeights copies step t's weights (B, A, L) to their place in all (B, A, T, L).
func (p *pass) keepWeights(all, step []float32, t, steps int) {
	L := p.config.InputSize
	for i := range p.batch * p.config.NumAttentionHeads {
		copy(all[(i*steps+t)*L:][:L], step[i*L:])
	}
}
