package series

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Missing is the rule for empty cells (also NaN, NA and null), and for rows that
// are absent where timestamps leave out steps: their cells are empty, but for
// those of static columns. The step is that of the first two rows of the first
// series, or of a series' own first two where it doesn't fit them.
type Missing string

// The rules. Interpolate and Mean look ahead: in a backtest they know a little
// of what they shouldn't.
const (
	Refuse      Missing = "refuse"      // an error that names row and column
	Forward     Missing = "forward"     // the value before it; zero at the start
	Interpolate Missing = "interpolate" // on the line between its neighbours; the nearest at an end
	Zero        Missing = "zero"
	Mean        Missing = "mean" // the mean of the column in its series
	Mask        Missing = "mask" // NaN: as a target it has no weight, as an input it is filled by Fill
)

// ErrEmpty is what an empty cell is refused with, where no rule says what it
// stands for.
var ErrEmpty = errors.New("is empty")

var rules = []Missing{Refuse, Forward, Interpolate, Zero, Mean, Mask}

func (m Missing) check() error {
	if slices.Contains(rules, m) {
		return nil
	}
	return fmt.Errorf("rule %q for missing cells, expected refuse, forward, interpolate, zero, mean or mask", string(m))
}

// filler applies a rule to the rows of one series as they come.
type filler struct {
	rule    Missing
	columns []column
}

type column struct {
	last  float32 // the last known value
	known int     // how many are known
	sum   float64 // of those
	gap   int     // how many rows before the next are missing
}

// row replaces the missing values, NaN, of row number n, as far as the rule
// knows them by now, and patches those rows before it that it knows only now.
func (f *filler) row(n int, values []float32, patch func(row, column int, v float32) error) error {
	for i := range f.columns {
		c := &f.columns[i]
		v := values[i]
		if v != v {
			c.gap++
			switch f.rule {
			case Forward:
				values[i] = c.last
			case Zero:
				values[i] = 0
			}
			continue
		}
		if f.rule == Interpolate {
			for k := n - c.gap; k < n; k++ {
				between := v
				if c.known > 0 {
					w := float32(k-(n-c.gap)+1) / float32(c.gap+1)
					between = c.last*(1-w) + v*w
				}
				if err := patch(k, i, between); err != nil {
					return err
				}
			}
		}
		c.gap, c.last, c.sum = 0, v, c.sum+float64(v)
		c.known++
	}
	return nil
}

// finish patches the rows at the end of a series of n rows.
func (f *filler) finish(n int, patch func(row, column int, v float32) error) error {
	if f.rule != Interpolate {
		return nil
	}
	for i, c := range f.columns {
		for k := n - c.gap; k < n; k++ {
			if err := patch(k, i, c.last); err != nil {
				return err
			}
		}
	}
	return nil
}

// means are the columns' means over the known values, 0 where there are none.
func (f *filler) means() []float32 {
	out := make([]float32, len(f.columns))
	for i, c := range f.columns {
		if c.known > 0 {
			out[i] = float32(c.sum / float64(c.known))
		}
	}
	return out
}

// Fill replaces the NaNs of rows (n, len(means)): by the value before, at the
// start by the first that is known, and by the mean in a column that has none.
func Fill(rows, means []float32) {
	width := len(means)
	for c, mean := range means {
		last := float32(math.NaN())
		for i := c; i < len(rows); i += width {
			if rows[i] != rows[i] {
				rows[i] = last
			}
			last = rows[i]
		}
		next := mean
		for i := len(rows) - width + c; i >= 0; i -= width {
			if rows[i] != rows[i] {
				rows[i] = next
			}
			next = rows[i]
		}
	}
}
