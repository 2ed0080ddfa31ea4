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
	s := p.state
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
	clear(weights)
	if p.config.direct() {
		return p.decodeDirect(ctx, values, weights, steps, drop)
	}
	return p.decodeSteps(ctx, values, weights, steps, force, drop)
}

// decodeSteps decodes position by position, each reading what the one before gave.
func (p *pass) decodeSteps(ctx context.Context, values, weights []float32, steps int, force *forcing, drop *dropout) error {
	s, c := p.state, p.config
	P, L, V, segment := c.Segment, c.InputSize, c.outputWidth(), c.segmentWidth()
	y, first := span{s.y, V}, s.prev(0)
	for n := range p.rows {
		copy(piece(first, n, segment), s.segments(c)[((n+1)*L-P)*c.columns():])
	}
	clear(s.inputs[0])
	p.feed(s.inputs[0], first)
	last := c.positions(steps) - 1
	for t := range last + 1 {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, input, next := s.at(t)
		if err := p.decode(f, input, next, s.y, drop); err != nil {
			return err
		}
		p.addSkip(y, t, steps)
		y.put(c, values, t, steps)
		if weights != nil {
			p.keepWeights(weights, f.weights, t, 1, steps)
		}
		if force != nil && force.draws.Float64() < force.ratio {
			force.forced[t+1] = true
		}
		if t == last {
			return nil
		}
		if prev := s.prev(t + 1); force != nil && force.forced[t+1] {
			span{prev, segment}.get(c, force.normalized, t, steps, 1)
		} else {
			copy(prev, s.y)
		}
		p.feed(next, s.prev(t+1))
	}
	return nil
}

// keepWeights adds the weights (N, A, count, S) of positions from first on to
// their place in all (B, A, T, L): each step of a segment has the segment's
// weight, a P-th of it for those it looks at, and folded columns their mean.
func (p *pass) keepWeights(all, of []float32, first, count, steps int) {
	c := p.config
	A, L, P, S := c.NumAttentionHeads, c.InputSize, c.Segment, c.encoderSteps()
	columns := c.NumFeatures / c.columns()
	share := 1 / float32(P*columns)
	for i := range p.rows * A {
		n, a := i/A, i%A
		for m := range count {
			row := of[(i*count+m)*S:][:S]
			for t := (first + m) * P; t < min((first+m+1)*P, steps); t++ {
				into := all[((n/columns*A+a)*steps+t)*L:][:L]
				for l := range into {
					into[l] += row[l/P] * share
				}
			}
		}
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
