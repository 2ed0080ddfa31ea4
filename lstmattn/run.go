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
	forced     []bool    // (T+1) whether step t read the target
}

// run forecasts the windows x (B, L, F) into values (B, T, F), and the
// attention weights (B, A, T, L) unless nil. force is nil in inference.
func (p *pass) run(ctx context.Context, x, values, weights []float32, steps int, force *forcing) error {
	if err := p.forward(ctx, x, values, weights, steps, force); err != nil {
		return err
	}
	p.state.window.restore(values, p.batch, steps)
	return nil
}

// forward is run with the values left as the network gives them, normalised.
func (p *pass) forward(ctx context.Context, x, values, weights []float32, steps int, force *forcing) error {
	s, c := p.state, p.config
	F := c.NumFeatures
	s.window.normalize(s.n, x, p.batch)
	var drop *dropout
	s.encode.between = nil
	if force != nil {
		force.normalized, force.forced = make([]float32, len(force.target)), make([]bool, steps+1)
		s.window.normalizeTarget(force.normalized, force.target, p.batch, steps)
		if drop = force.drop; drop != nil {
			s.encode.between = s.dropBetween(drop)
		}
	}
	if err := p.encode(ctx); err != nil {
		return err
	}
	for t := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, input, next := s.at(t)
		if err := p.decode(f, input, next, values[t*F:], steps*F, drop); err != nil {
			return err
		}
		if weights != nil {
			p.keepWeights(weights, f.weights, t, steps)
		}
		prev := values
		if force != nil && force.draws.Float64() < force.ratio {
			force.forced[t+1], prev = true, force.normalized
		}
		for b := range p.batch {
			copy(next[b*(F+c.HiddenSize):][:F], prev[(b*steps+t)*F:])
		}
	}
	return nil
}

// keepWeights copies step t's weights (B, A, L) to their place in all (B, A, T, L).
func (p *pass) keepWeights(all, step []float32, t, steps int) {
	L := p.config.InputSize
	for i := range p.batch * p.config.NumAttentionHeads {
		copy(all[(i*steps+t)*L:][:L], step[i*L:])
	}
}

// dropBetween is the encoder's dropout between layers: in place, or where the
// backward pass needs both sides into s.tape.
func (s *State) dropBetween(drop *dropout) func(int, []float32) []float32 {
	return func(layer int, y []float32) []float32 {
		if s.tape == nil {
			drop.apply(y, y, nil)
			return y
		}
		drop.apply(s.tape.dropped[layer], y, s.tape.masks[layer])
		return s.tape.dropped[layer]
	}
}
