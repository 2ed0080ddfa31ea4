package series

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Frame is a set of series that have the same columns. A row of a series holds
// the values of Columns, Past, Future and Static, in this order.
type Frame struct {
	TimeColumn string    // header of the timestamps, "" where there are none
	IDColumn   string    // header of the series' names in a long file, "" in a wide one
	Columns    []string  // headers of the values that are forecast
	Past       []string  // headers of the covariates that are known for the past only
	Future     []string  // headers of the covariates that are known ahead
	Static     []string  // headers of the covariates that don't change within a series
	Masked     bool      // whether values are missing, NaN: only with the rule Mask
	Series     []*Series // in the order of their first rows

	cache io.Closer // the file of a streamed frame
}

// Width is the number of values in a row.
func (f *Frame) Width() int { return len(f.Columns) + len(f.Past) + len(f.Future) + len(f.Static) }

// Headers are the headers of a row's values.
func (f *Frame) Headers() []string { return slices.Concat(f.Columns, f.Past, f.Future, f.Static) }

// Close gives back the file of a streamed frame; a frame in memory has none.
func (f *Frame) Close() error {
	if f.cache == nil {
		return nil
	}
	return f.cache.Close()
}

// Before is f with the first rows[i] rows of series i alone, which it shares; a
// series without any is left out. Nothing in it tells what came after.
func (f *Frame) Before(rows []int) *Frame {
	past := *f
	past.cache, past.Series = nil, nil
	for i, s := range f.Series {
		if rows[i] == 0 {
			continue
		}
		t := *s
		t.Times.n = rows[i]
		if s.disk == nil {
			t.Values = s.Values[: rows[i]*s.width : rows[i]*s.width]
		}
		t.Ahead, t.end = nil, ""
		past.Series = append(past.Series, &t)
	}
	return &past
}

// SetAhead says what is known of the time after each series' last row: future
// has f's Future as its columns, and rows for each series of f that begin where
// its history ends.
func (f *Frame) SetAhead(future *Frame) error {
	if !slices.Equal(future.Columns, f.Future) {
		return fmt.Errorf("has %s, expected %s", strings.Join(future.Columns, ", "), strings.Join(f.Future, ", "))
	}
	known := map[string]*Series{}
	for _, s := range future.Series {
		known[s.ID] = s
	}
	first := len(f.Columns) + len(f.Past)
	for _, s := range f.Series {
		k := known[s.ID]
		if k == nil {
			return fmt.Errorf("has no rows of %s", s)
		}
		for _, i := range []int{0, k.Len() - 1} {
			if want, got := s.Times.Format(s.Len()+i), k.Times.Format(i); f.TimeColumn != "" && want != got {
				return fmt.Errorf("%s%s has %s as its row %d, expected %s, %d after the history's end", k.end, s, got, i+1, want, i+1)
			}
		}
		rows, err := k.Last(k.Len())
		if err != nil {
			return err
		}
		last, err := s.Last(1)
		if err != nil {
			return err
		}
		s.Ahead = make([]float32, k.Len()*s.width)
		for i := range k.Len() {
			row := s.Ahead[i*s.width : (i+1)*s.width]
			for c := range first {
				row[c] = float32(math.NaN())
			}
			copy(row[first:], rows[i*k.width:(i+1)*k.width])
			copy(row[first+len(f.Future):], last[first+len(f.Future):])
		}
	}
	return nil
}

// Series is one series, in rising order of time.
type Series struct {
	ID     string    // "" in a wide file
	Times  Times     // the timestamps of the rows
	Values []float32 // (Len, Width), row-major; nil where the rows are on disk, see Read

	// Ahead is what is known of the time after the last row, (AheadLen, Width):
	// covariates of Future and Static, NaN in the other columns.
	Ahead []float32

	width int
	end   string    // where in its file the series ends, for errors
	means []float32 // by column, of the known values
	disk  *runs
}

// Len is the number of time steps.
func (s *Series) Len() int { return s.Times.n }

// AheadLen is the number of time steps after the last row for which covariates
// are known.
func (s *Series) AheadLen() int {
	if s.width == 0 {
		return 0
	}
	return len(s.Ahead) / s.width
}

// Means are the columns' means over the values that the file had, 0 where it
// had none: what Fill falls back on.
func (s *Series) Means() []float32 { return s.means }

// Row is the values at time step i of a series in memory.
func (s *Series) Row(i int) []float32 {
	w := len(s.Values) / s.Times.n
	return s.Values[i*w : (i+1)*w]
}

// Read sets dst to the rows from row on, as many as fit. They lie in memory or
// on disk, whose errors it returns. It is safe for concurrent use.
func (s *Series) Read(dst []float32, row int) error {
	if s.disk == nil {
		copy(dst, s.Values[row*s.width:])
		return nil
	}
	if err := s.disk.read(dst, row); err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	return nil
}

// Last is the last n rows, (n, Width). It is an error if there are fewer.
func (s *Series) Last(n int) ([]float32, error) {
	if s.Len() < n {
		return nil, s.short(n)
	}
	if s.disk == nil {
		return s.Values[(s.Len()-n)*s.width:], nil
	}
	rows := make([]float32, n*s.width)
	return rows, s.Read(rows, s.Len()-n)
}

// short is the error of a series that should have at least n rows.
func (s *Series) short(n int) error {
	return shortError(fmt.Sprintf("%s%s has %d rows, %d are needed", s.end, s, s.Len(), n))
}

// ErrShort is what a series is refused with, as errors.Is finds, that has too few
// rows for what is asked of it.
var ErrShort = errors.New("too few rows")

type shortError string

func (e shortError) Error() string { return string(e) }

func (e shortError) Is(target error) bool { return target == ErrShort }

// String names the series in messages.
func (s *Series) String() string {
	if s.ID == "" {
		return "the series"
	}
	return fmt.Sprintf("series %q", s.ID)
}

// NewFrame is a frame of one series in memory: values (rows, len(columns)),
// which it shares, at times 0, 1, 2 and so on.
func NewFrame(columns []string, values []float32) (*Frame, error) {
	if len(columns) == 0 || len(values) == 0 || len(values)%len(columns) != 0 {
		return nil, fmt.Errorf("%d values are no whole number of rows of %d columns (%s)", len(values), len(columns), strings.Join(columns, ", "))
	}
	s := &Series{Times: Count(len(values) / len(columns)), Values: values, width: len(columns)}
	return &Frame{Columns: columns, Series: []*Series{s}}, nil
}
