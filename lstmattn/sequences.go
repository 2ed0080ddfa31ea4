package lstmattn

import "github.com/onda-ml/onda/ops/kernel"

// sequences sets the sequences (N, L, W) that the network reads from the
// normalised windows (B, L, F): the windows themselves, or under folded channels
// their columns. It also runs the linear skip, which reads columns always.
func (p *pass) sequences() {
	s, c := p.state, p.config
	L, F := c.InputSize, c.NumFeatures
	if len(s.columns) > 0 {
		for b := range p.batch {
			kernel.Transpose2D(piece(s.columns, b, L*F), piece(s.n, b, L*F), L, F)
		}
	}
	if p.skip != nil {
		p.skip.apply(p.pool, p.batch*F, s.ofColumns(), s.skip, kernel.ActNone)
	}
	if p.embed != nil {
		p.embed.apply(p.pool, p.rows*c.encoderSteps(), s.segments(c), s.embedded, kernel.ActRelu)
	}
	p.history()
}

// ofColumns is the normalised windows by column (B, F, L).
func (s *State) ofColumns() []float32 {
	if len(s.columns) > 0 {
		return s.columns
	}
	return s.n
}

// segments is the sequences (N, L/P, P*W).
func (s *State) segments(c *Config) []float32 {
	if c.folded() {
		return s.ofColumns()
	}
	return s.n
}

// A span is where the numbers of one position of all sequences are: those of
// sequence n at rows[n*stride:], steps first, then columns.
type span struct {
	rows   []float32
	stride int
}

// put copies what the network gives for a position to its place in values
// (B, T, F, K); get the other way, leaving what is beyond T as it is.
func (s span) put(c *Config, values []float32, position, steps int) {
	s.exchange(c, values, position, steps, c.numbers(), false)
}

// get is for any values (B, T, F, width/F).
func (s span) get(c *Config, values []float32, position, steps, numbers int) {
	s.exchange(c, values, position, steps, numbers, true)
}

func (s span) exchange(c *Config, values []float32, position, steps, K int, get bool) {
	F, first := c.NumFeatures, position*c.Segment
	count := min(c.Segment, steps-first)
	if !c.folded() {
		n := count * F * K
		for at, b := first*F*K, 0; at < len(values); at, b = at+steps*F*K, b+1 {
			row, there := s.rows[b*s.stride:][:n], values[at:at+n]
			if get {
				copy(row, there)
			} else {
				copy(there, row)
			}
		}
		return
	}
	for b := range len(values) / (steps * F * K) {
		for f := range F {
			row := s.rows[(b*F+f)*s.stride:][:count*K]
			for i := range count {
				there := values[((b*steps+first+i)*F+f)*K:][:K]
				if get {
					copy(row[i*K:(i+1)*K], there)
				} else {
					copy(there, row[i*K:])
				}
			}
		}
	}
}

// addSkip adds the linear skip to what the network gives for a position.
func (p *pass) addSkip(y span, position, steps int) {
	if p.skip != nil {
		p.exchangeSkip(y, p.state.skip, position, steps, false)
	}
}

// exchangeSkip adds the skip's values (B, F, horizon) of a position to the values
// among the numbers y, or the other way round.
func (p *pass) exchangeSkip(y span, skip []float32, position, steps int, back bool) {
	c := p.config
	W, first := c.columns(), position*c.Segment
	count := min(c.Segment, steps-first)
	K, moved := p.head.width, p.head.located()
	for i := range p.batch * c.NumFeatures * p.paths {
		r, column := i/W, i%W // of the decoder's rows
		from := skip[(r/p.paths*W+column)*c.Horizon+first:][:count]
		row := y.rows[r*y.stride+column*K:]
		for t := range from {
			for k := range moved {
				if back {
					from[t] += row[t*W*K+k]
				} else {
					row[t*W*K+k] += from[t]
				}
			}
		}
	}
}
