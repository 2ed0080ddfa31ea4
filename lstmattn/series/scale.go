package series

import (
	"math"
	"slices"

	"github.com/onda-ml/onda/lstmattn"
)

// moments gather the mean and standard deviation of columns. They sum
// differences from the first value, which keeps what is small beside the level.
type moments struct {
	n           []float64
	base        []float64
	sum, square []float64
}

func newMoments(columns int) *moments {
	return &moments{n: make([]float64, columns), base: make([]float64, columns), sum: make([]float64, columns), square: make([]float64, columns)}
}

// addRows counts the first columns of the rows of s before row to. NaN counts
// nowhere.
func (m *moments) addRows(s *Series, to int) error {
	const block = 1024
	rows := make([]float32, min(to, block)*s.width)
	for lo := 0; lo < to; lo += block {
		hi := min(lo+block, to)
		part := rows[:(hi-lo)*s.width]
		if err := s.Read(part, lo); err != nil {
			return err
		}
		for i := 0; i < len(part); i += s.width {
			m.add(part[i:])
		}
	}
	return nil
}

// add counts one row.
func (m *moments) add(row []float32) {
	for c := range m.n {
		v := float64(row[c])
		if v != v {
			continue
		}
		if m.n[c] == 0 {
			m.base[c] = v
		}
		v -= m.base[c]
		m.n[c]++
		m.sum[c] += v
		m.square[c] += v * v
	}
}

// of is the mean and the population's standard deviation of column c, 1 where
// that is 0.
func (m *moments) of(c int) (mean, scale float64) {
	if m.n[c] == 0 {
		return 0, 1
	}
	mean = m.sum[c] / m.n[c]
	scale = math.Sqrt(max(m.square[c]/m.n[c]-mean*mean, 0))
	// Of a constant column rounding may leave a little.
	if !(scale > 1e-7*(math.Abs(mean+m.base[c]))) {
		scale = 1
	}
	return mean + m.base[c], scale
}

// apply scales values (rows, columns); a nil m leaves them.
func (m *moments) apply(values []float32) {
	if m == nil {
		return
	}
	for c := range m.n {
		mean, scale := m.of(c)
		for i := c; i < len(values); i += len(m.n) {
			values[i] = float32((float64(values[i]) - mean) / scale)
		}
	}
}

// scaler is the columns' means and deviations.
func (m *moments) scaler() lstmattn.Scaler {
	var s lstmattn.Scaler
	for c := range m.n {
		mean, scale := m.of(c)
		s.Mean, s.Scale = append(s.Mean, float32(mean)), append(s.Scale, float32(scale))
	}
	return s
}

// Scalers are those of the columns that are forecast and of the covariates, one
// for each kind, over all series.
type Scalers struct{ Columns, Past, Future, Static lstmattn.Scaler }

// Scalers gathers the mean and standard deviation of the rows before To. With
// PerSeries the columns are scaled already, and so is the calendar always: the
// mean is 0, the scale 1.
func (w *Windows) Scalers() (Scalers, error) {
	f := w.frame
	all := newMoments(f.Width())
	for _, sp := range w.spans {
		if err := all.addRows(sp.series, sp.to); err != nil {
			return Scalers{}, err
		}
	}
	s := all.scaler()
	var out Scalers
	at := 0
	for _, part := range []struct {
		to *lstmattn.Scaler
		n  int
	}{{&out.Columns, len(f.Columns)}, {&out.Past, len(f.Past)}, {&out.Future, len(f.Future)}, {&out.Static, len(f.Static)}} {
		*part.to = lstmattn.Scaler{Mean: slices.Clone(s.Mean[at : at+part.n]), Scale: slices.Clone(s.Scale[at : at+part.n])}
		at += part.n
	}
	for range w.o.Calendar {
		out.Future.Mean, out.Future.Scale = append(out.Future.Mean, 0), append(out.Future.Scale, 1)
	}
	if w.o.PerSeries {
		for c := range out.Columns.Mean {
			out.Columns.Mean[c], out.Columns.Scale[c] = 0, 1
		}
	}
	return out, nil
}

// UnscaleForecast turns the forecasts of windows lo, lo+1 and so on into raw values
// in place: point forecasts, quantiles, scales and paths. Likelihoods stay those
// of scaled values. It changes nothing without PerSeries.
func (w *Windows) UnscaleForecast(f *lstmattn.Forecast, lo int) {
	if !w.o.PerSeries {
		return
	}
	for k := range f.Batch {
		raw := w.Unscaler(lo + k)
		for _, list := range []struct {
			values []float32
			by     int // how many stand side by side for a column
			spread bool
		}{{f.Values, 1, false}, {f.Samples, 1, false}, {f.Quantiles, max(len(f.Levels), 1), false}, {f.Scale, 1, true}} {
			n := len(list.values) / f.Batch
			for i := range n {
				v, column := &list.values[k*n+i], i/list.by%f.Features
				shift := 0.0
				if list.spread {
					shift = raw(column, 0)
				}
				*v = float32(raw(column, float64(*v)) - shift)
			}
		}
	}
}

// Unscaler is the function that turns a value of a column, forecast for window
// i, into a raw value.
func (w *Windows) Unscaler(i int) func(column int, v float64) float64 {
	sp, _ := w.at(i)
	if sp.scale == nil {
		return func(_ int, v float64) float64 { return v }
	}
	s := sp.scale.scaler()
	return func(c int, v float64) float64 { return v*float64(s.Scale[c]) + float64(s.Mean[c]) }
}
