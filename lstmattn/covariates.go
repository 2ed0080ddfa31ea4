package lstmattn

import "fmt"

// maxCovariates bounds the number of covariates of each kind.
const maxCovariates = 1 << 16

func (c *Config) checkCovariates(between func(name string, v, lo, hi int), refuse func(format string, args ...any)) {
	between("num_past", c.NumPast, 0, maxCovariates)
	between("num_future", c.NumFuture, 0, maxCovariates)
	between("num_static", c.NumStatic, 0, maxCovariates)
	if err := checkCalendar(c.Calendar); err != nil {
		refuse("%v", err)
	}
	if len(c.Calendar) > c.NumFuture {
		refuse("calendar has %d entries, num_future is %d", len(c.Calendar), c.NumFuture)
	}
}

// known is the width of what is known of a segment ahead: the future covariates
// of its steps, and the static ones.
func (c *Config) known() int { return c.Segment*c.NumFuture + c.NumStatic }

// checkCovariatesOf checks the lengths of a batch's covariates for a number of
// steps ahead.
func (c *Config) checkCovariatesOf(b *Batch, steps int) error {
	for _, part := range []struct {
		name, shape string
		data        []float32
		want        int
	}{
		{"past", "input_size steps of num_past", b.Past, c.InputSize * c.NumPast},
		{"future", "input_size and horizon steps of num_future", b.Future, (c.InputSize + steps) * c.NumFuture},
		{"static", "num_static", b.Static, c.NumStatic},
	} {
		if len(part.data) != b.Size*part.want {
			return fmt.Errorf("lstmattn: %s has %d elements, expected %d for %d windows with %s covariates", part.name, len(part.data), b.Size*part.want, b.Size, part.shape)
		}
	}
	return nil
}

// history joins to the segments of the encoder's input the covariates of their
// steps: past, future, and static once. Folded columns have their window's.
func (p *pass) history() {
	s, c := p.state, p.config
	if len(s.joined) == 0 {
		return
	}
	values, width := s.segments(c), c.embedded()
	if p.embed != nil {
		values = s.embedded
	}
	S, I, L, P := c.encoderSteps(), c.encoderInput(), c.InputSize, c.Segment
	steps := len(p.data.Future)/max(1, p.batch*c.NumFuture) - L
	for i := range p.rows * S {
		b, first := i/S/c.sequences(1), i%S*P
		row := piece(s.joined, i, I)
		row = row[copy(row, piece(values, i, width)):]
		for t := first; t < first+P; t++ {
			p.params.Past.apply(row[(t-first)*c.NumPast:], piece(p.data.Past, b*L+t, c.NumPast))
		}
		row = row[P*c.NumPast:]
		for t := first; t < first+P; t++ {
			p.params.Future.apply(row[(t-first)*c.NumFuture:], piece(p.data.Future, b*(L+steps)+t, c.NumFuture))
		}
		p.params.Static.apply(row[P*c.NumFuture:], piece(p.data.Static, b, c.NumStatic))
	}
}

// ahead sets row to what is known of a position of sequence n: future covariates
// of its steps, zero beyond the last, and the static ones.
func (p *pass) ahead(row []float32, n, position, steps int) {
	c := p.config
	if c.known() == 0 {
		return
	}
	b, L := n/c.sequences(1), c.InputSize
	for i := range c.Segment {
		if t := position*c.Segment + i; t < steps {
			p.params.Future.apply(row[i*c.NumFuture:], piece(p.data.Future, b*(L+steps)+L+t, c.NumFuture))
		} else {
			clear(row[i*c.NumFuture : (i+1)*c.NumFuture])
		}
	}
	p.params.Static.apply(row[c.Segment*c.NumFuture:], piece(p.data.Static, b, c.NumStatic))
}
