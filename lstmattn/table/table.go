package table

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

// writer is what the tables share: a CSV whose header comes with the first rows.
type writer struct {
	frame  *series.Frame
	csv    *csv.Writer
	header bool
}

func newWriter(w io.Writer, frame *series.Frame) writer {
	return writer{frame: frame, csv: csv.NewWriter(w)}
}

// Flush writes what is left. The error is the first of the writer under the table.
func (w *writer) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}

// begin writes the header, once.
func (w *writer) begin(more []string) error {
	if w.header {
		return nil
	}
	w.header = true
	var keys []string
	for _, name := range []string{w.frame.IDColumn, w.frame.TimeColumn} {
		if name != "" {
			keys = append(keys, name)
		}
	}
	return w.csv.Write(append(keys, more...))
}

// keys are the cells that tell rows apart, step rows after the end of s.
func (w *writer) keys(s *series.Series, step int) (cells []string) {
	if w.frame.IDColumn != "" {
		cells = append(cells, s.ID)
	}
	if w.frame.TimeColumn != "" {
		cells = append(cells, s.Times.Format(s.Len()+step))
	}
	return cells
}

// of are the series of the windows of f, from number lo on.
func (w *writer) of(f *lstmattn.Forecast, lo int) ([]*series.Series, error) {
	if lo < 0 || lo+f.Batch > len(w.frame.Series) {
		return nil, fmt.Errorf("table: %d windows from series %d on, the frame has %d series", f.Batch, lo, len(w.frame.Series))
	}
	return w.frame.Series[lo : lo+f.Batch], nil
}

// columns are the frame's that f forecasts.
func (w *writer) columns(f *lstmattn.Forecast) []string {
	return w.frame.Columns[:min(f.Features, len(w.frame.Columns))]
}

// Values is a table of forecasts: a row for each series and step ahead, a column
// for each column forecast, and one for each of its quantiles, such as y_q0.1.
type Values struct {
	writer
	levels []float64
}

// NewValues is a table of forecasts of frame's series with quantiles of the given
// levels; without any of those of the first forecast's UsualLevels.
func NewValues(w io.Writer, frame *series.Frame, levels []float64) *Values {
	return &Values{newWriter(w, frame), levels}
}

// Add writes the rows of the windows of f, which are of the frame's series from
// number lo on. It is an error if f has no quantile of a level, or the frame fewer
// series.
func (t *Values) Add(f *lstmattn.Forecast, lo int) error {
	of, err := t.of(f, lo)
	if err != nil {
		return err
	}
	if !t.header && len(t.levels) == 0 {
		t.levels = f.UsualLevels()
	}
	var quantiles [][]float32 // by level, as many as f has values
	for _, level := range t.levels {
		q, err := f.Quantile(level)
		if err != nil {
			return fmt.Errorf("quantile %v: %w", level, err)
		}
		quantiles = append(quantiles, q)
	}
	var header []string
	for _, c := range t.columns(f) {
		header = append(header, c)
		for _, level := range t.levels {
			header = append(header, fmt.Sprintf("%s_q%v", c, level))
		}
	}
	if err := t.begin(header); err != nil {
		return err
	}
	for k, s := range of {
		for step := range f.Horizon {
			row := t.keys(s, step)
			for j := range t.columns(f) {
				i := (k*f.Horizon+step)*f.Features + j
				row = append(row, number(f.Values[i]))
				for _, q := range quantiles {
					row = append(row, number(q[i]))
				}
			}
			if err := t.csv.Write(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// Paths is a table of trajectories, sampled or of a beam search: a row for each
// series, path and step ahead, with the path's number from 1 and the logarithm of its
// likelihood.
type Paths struct{ writer }

// NewPaths is a table of the trajectories of frame's series.
func NewPaths(w io.Writer, frame *series.Frame) *Paths { return &Paths{newWriter(w, frame)} }

// Add writes the rows of the windows of f, which are of the frame's series from
// number lo on. It is an error if f has no trajectories, or the frame fewer series.
func (t *Paths) Add(f *lstmattn.Forecast, lo int) error {
	if f.Paths == 0 {
		return errors.New("table: the forecast has no paths, its strategy was greedy")
	}
	of, err := t.of(f, lo)
	if err != nil {
		return err
	}
	if err := t.begin(slices.Concat([]string{"path", "log_likelihood"}, t.columns(f))); err != nil {
		return err
	}
	n := f.Horizon * f.Features
	for k, s := range of {
		for path := k * f.Paths; path < (k+1)*f.Paths; path++ {
			for step := range f.Horizon {
				row := append(t.keys(s, step), strconv.Itoa(path-k*f.Paths+1), strconv.FormatFloat(f.LogLikelihood[path], 'g', -1, 64))
				for j := range t.columns(f) {
					row = append(row, number(f.Samples[path*n+step*f.Features+j]))
				}
				if err := t.csv.Write(row); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Attention is a table of attention weights, the mean over heads: a row for each
// series and step ahead, a column for each step looked back on, the last of them -1.
type Attention struct{ writer }

// NewAttention is a table of the attention of forecasts of frame's series.
func NewAttention(w io.Writer, frame *series.Frame) *Attention {
	return &Attention{newWriter(w, frame)}
}

// Add writes the rows of the windows of f, which are of the frame's series from
// number lo on. It is an error if f has no attention, or the frame fewer series.
func (t *Attention) Add(f *lstmattn.Forecast, lo int) error {
	if len(f.Attention) == 0 {
		return errors.New("table: the forecast has no attention weights, they were not asked for")
	}
	of, err := t.of(f, lo)
	if err != nil {
		return err
	}
	header := []string{"step_ahead"}
	for k := range f.InputSize {
		header = append(header, strconv.Itoa(k-f.InputSize))
	}
	if err := t.begin(header); err != nil {
		return err
	}
	for k, s := range of {
		for step, weights := range f.MeanAttention(k) {
			row := append(t.keys(s, step), strconv.Itoa(step+1))
			for _, w := range weights {
				row = append(row, number(float32(w)))
			}
			if err := t.csv.Write(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// number is v with as many digits as tell it from its neighbours.
func number(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }
