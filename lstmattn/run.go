package lstmattn

import (
	"context"
	"math/rand/v2"
	"slices"
)

// A forcing is what a training-style pass does besides forecasting.
type forcing struct {
	target []float32 // (B, T, F) raw
	ratio  float64
	draws  *rand.Rand
	drop   *dropout // nil for none

	sources [2]source // of draws and drop
	dropout dropout

	normalized []float32 // (B, T, F) the target as the decoder sees it
	own        []float32 // (R, P*W) scratch of show
	forced     []bool    // (T+1) whether step t read the target
	gaps       bool      // some of the target is missing: NaN
}

// run forecasts the pass's windows into windows lo and on of a forecast. force is
// nil in inference.
func (p *pass) run(ctx context.Context, f *Forecast, lo int, force *forcing) error {
	row, weights := f.Horizon*f.Features*p.head.width, f.Attention
	numbers := f.numbers[lo*row : (lo+p.batch)*row]
	if weights != nil {
		head := f.Heads * f.Horizon * f.InputSize
		weights = weights[lo*head : (lo+p.batch)*head]
	}
	if err := p.forward(ctx, numbers, weights, f.Horizon, force); err != nil {
		return err
	}
	if p.choice == nil {
		p.head.report(f, &p.state.window, numbers, lo, p.batch)
	} else {
		p.choice.finish(f, lo)
		f.summarize(p.head, lo, p.batch)
	}
	return nil
}

// forward sets values (B, T, F, K) to the network's numbers and the attention
// weights (B, A, T, L) unless nil.
func (p *pass) forward(ctx context.Context, values, weights []float32, steps int, force *forcing) error {
	s := p.state
	s.window.normalize(s.n, p.data.X, p.batch)
	var drop *dropout
	s.encode.between = nil
	if force != nil {
		force.normalized, force.forced = room(force.normalized, len(force.target)), room(force.forced, steps+1)
		clear(force.forced)
		s.window.normalizeTarget(force.normalized, force.target, p.batch, steps)
		force.gaps = slices.ContainsFunc(force.normalized, isNaN)
		if drop = force.drop; drop != nil {
			s.encode.between = s.between
		}
	}
	if err := p.encode(ctx); err != nil {
		return err
	}
	clear(weights)
	if p.config.direct() {
		return p.decodeDirect(ctx, values, weights, steps, drop)
	}
	if len(s.parts) > 0 && force == nil && p.choice == nil {
		return p.decodeInParts(ctx, values, weights, steps)
	}
	return p.decodeSteps(ctx, values, weights, steps, force, drop)
}

// decodeSteps decodes position by position, each reading what the one before gave.
func (p *pass) decodeSteps(ctx context.Context, values, weights []float32, steps int, force *forcing, drop *dropout) error {
	s, c := p.state, p.config
	P, L, V, segment := c.Segment, c.InputSize, c.outputWidth(), c.segmentWidth()
	y, first := span{s.y, V}, s.prev(0)
	for r := range p.rows * p.paths {
		copy(piece(first, r, segment), s.segments(c)[((r/p.paths+1)*L-P)*c.columns():])
	}
	clear(s.inputs[0])
	p.feed(s.inputs[0], first, 0, steps)
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
		prev := s.prev(t + 1)
		if p.choice != nil {
			if p.choice.choose(t, s.y, prev, next); t < last {
				p.feed(next, prev, t+1, steps)
			}
			continue
		}
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
		if force == nil || !force.forced[t+1] || force.gaps {
			p.head.points(prev, s.y)
		}
		if force != nil && force.forced[t+1] {
			force.show(c, prev, t, steps)
		}
		p.feed(next, prev, t+1, steps)
	}
	return nil
}

// show sets prev to the target's values of a position; where those are missing
// prev keeps what it has.
func (f *forcing) show(c *Config, prev []float32, position, steps int) {
	target := span{prev, c.segmentWidth()}
	if !f.gaps {
		target.get(c, f.normalized, position, steps, 1)
		return
	}
	f.own = append(f.own[:0], prev...)
	target.get(c, f.normalized, position, steps, 1)
	for i, v := range prev {
		if isNaN(v) {
			prev[i] = f.own[i]
		}
	}
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
func (s *State) dropBetween(layer int, y []float32) []float32 {
	drop := s.force.drop
	if s.tape == nil {
		drop.apply(y, y, nil)
		return y
	}
	drop.apply(s.tape.dropped[layer], y, s.tape.masks[layer])
	return s.tape.dropped[layer]
}

func isNaN(v float32) bool { return v != v }
