package series

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// Frame ends the reading. The builder can't be used after it.
func (b *Builder) Frame() (*Frame, error) {
	if len(b.order) == 0 {
		return nil, errors.New("the file has a header and no rows")
	}
	if err := b.checkRounding(); err != nil {
		return nil, err
	}
	for _, g := range b.order {
		s := g.series
		if g.rows == 0 {
			return nil, fmt.Errorf("row %d, column %q: %s has no value in %s", g.lines[0], b.endColumn(), s, strings.Join(b.frame.Columns, ", "))
		}
		s.Times = Count(g.rows)
		if b.time >= 0 {
			s.Times = g.clock.Times
			s.Times.n = g.rows
		}
		if err := g.fill.finish(g.rows, s.patch); err != nil {
			return nil, err
		}
		s.means = g.fill.means()
		s.end = fmt.Sprintf("row %d, column %q: ", g.line, b.endColumn())
		if err := b.keepAhead(g); err != nil {
			return nil, err
		}
		if b.o.Missing == Mean {
			if s.disk != nil {
				s.disk.fill = s.means
			}
			for i, v := range s.Values {
				if v != v {
					s.Values[i] = s.means[i%s.width]
				}
			}
		}
		b.frame.Series = append(b.frame.Series, s)
	}
	if b.store != nil {
		if err := b.store.flush(); err != nil {
			return nil, err
		}
		b.frame.cache = b.store
	}
	return b.frame, nil
}

// endColumn is the column that errors about a whole series name.
func (b *Builder) endColumn() string {
	return cmp.Or(b.frame.IDColumn, b.frame.TimeColumn, b.frame.Columns[0])
}

// keepAhead sets what is known of the time after a series' last row. A missing
// covariate is refused or gets, as the rule is, zero, the mean or the value
// before it.
func (b *Builder) keepAhead(g *group) error {
	s := g.series
	lo := len(b.frame.Columns) + len(b.frame.Past)
	for k, line := range g.lines {
		row := g.ahead[k*s.width : (k+1)*s.width]
		for i := lo; i < s.width; i++ {
			if row[i] == row[i] {
				g.fill.columns[i].last = row[i]
				continue
			}
			switch b.o.Missing {
			case Refuse:
				return fmt.Errorf("row %d, column %q: %w", line, b.header[b.at[i]], ErrEmpty)
			case Zero:
				row[i] = 0
			case Mean:
				row[i] = s.means[i]
			default:
				row[i] = g.fill.columns[i].last
			}
		}
	}
	s.Ahead = g.ahead
	return nil
}

// Discard gives back what a builder that failed holds.
func (b *Builder) Discard() {
	if b.store != nil {
		b.store.Close()
	}
}
