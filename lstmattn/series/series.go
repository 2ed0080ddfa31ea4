package series

import (
	"fmt"
	"strings"
)

// Frame is a set of series that have the same columns.
type Frame struct {
	TimeColumn string   // header of the timestamps, "" where there are none
	IDColumn   string   // header of the series' names in a long file, "" in a wide one
	Columns    []string // headers of the values, in the order of Values
	Series     []*Series
}

// Series is one series, in rising order of time.
type Series struct {
	ID     string // "" in a wide file
	Times  Times
	Values []float32 // (Len, Columns), row-major
}

// Len is the number of time steps.
func (s *Series) Len() int { return s.Times.n }

// Row is the values at time step i.
func (s *Series) Row(i int) []float32 {
	w := len(s.Values) / s.Times.n
	return s.Values[i*w : (i+1)*w]
}

// Last is the last n rows, (n, Columns). It is an error if there are fewer.
func (s *Series) Last(n int) ([]float32, error) {
	if s.Len() < n {
		return nil, fmt.Errorf("%s has %d rows, %d are needed", s, s.Len(), n)
	}
	w := len(s.Values) / s.Times.n
	return s.Values[(s.Len()-n)*w:], nil
}

// String names the series in messages.
func (s *Series) String() string {
	if s.ID == "" {
		return "the series"
	}
	return fmt.Sprintf("series %q", s.ID)
}

// Select keeps the named columns, in that order.
func (f *Frame) Select(columns ...string) (*Frame, error) {
	at := make([]int, len(columns))
	for i, name := range columns {
		at[i] = -1
		for j, c := range f.Columns {
			if c == name {
				at[i] = j
			}
		}
		if at[i] < 0 {
			return nil, fmt.Errorf("no column %q; the file has %s", name, strings.Join(f.Columns, ", "))
		}
	}
	out := &Frame{TimeColumn: f.TimeColumn, IDColumn: f.IDColumn, Columns: columns}
	for _, s := range f.Series {
		t := &Series{ID: s.ID, Times: s.Times, Values: make([]float32, 0, s.Len()*len(at))}
		for i := range s.Len() {
			row := s.Row(i)
			for _, j := range at {
				t.Values = append(t.Values, row[j])
			}
		}
		out.Series = append(out.Series, t)
	}
	return out, nil
}
