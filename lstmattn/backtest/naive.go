package backtest

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/lstmattn/metrics"
	"github.com/onda-ml/onda/lstmattn/series"
)

// units gathers the scales of the MASE, from the rows before each series' first
// origin, and the unit of errors.
func (r *run) units() error {
	width := len(r.frame.Columns)
	r.scale = make([][]float64, len(r.frame.Series))
	for i, s := range r.frame.Series {
		if r.first[i] == 0 {
			continue
		}
		if r.first[i] < r.o.Period {
			return fmt.Errorf("%s has %d rows before the first forecast, the seasonal naive forecast needs %d", s, r.first[i], r.o.Period)
		}
		var err error
		if r.scale[i], err = naiveScales(s, r.first[i], r.o.Period, width, r.frame.Width()); err != nil {
			return err
		}
	}
	r.unit = make([]float64, width)
	for c := range r.unit {
		r.unit[c] = 1
	}
	if !r.o.Scaled {
		return nil
	}
	past, err := series.NewWindows(r.frame.Before(r.first), series.WindowOptions{InputSize: 1, Horizon: 1, SkipShort: true})
	if err != nil {
		return err
	}
	scalers, err := past.Scalers()
	if err != nil {
		return err
	}
	for c := range r.unit {
		r.unit[c] = float64(scalers.Columns.Scale[c])
	}
	return nil
}

// naiveScales is metrics.NaiveScale of each column over the first rows of a
// series, read block by block.
func naiveScales(s *series.Series, rows, period, columns, width int) ([]float64, error) {
	block := max(1024, period)
	sums := make([]metrics.Mean, columns)
	part := make([]float32, (period+block)*width)
	for lo := period; lo < rows; lo += block {
		hi := min(lo+block, rows)
		p := part[:(period+hi-lo)*width]
		if err := s.Read(p, lo-period); err != nil {
			return nil, err
		}
		for t := period * width; t < len(p); t += width {
			for c := range columns {
				if e := math.Abs(float64(p[t+c]) - float64(p[t-period*width+c])); e == e {
					sums[c].Add(e)
				}
			}
		}
	}
	out := make([]float64, columns)
	for c, m := range sums {
		out[c] = m.Value()
	}
	return out, nil
}

// past is the columns' values in the last period of rows before an origin,
// without gaps.
func (r *run) past(i, origin int) ([]float32, error) {
	s, width, columns := r.frame.Series[i], r.frame.Width(), len(r.frame.Columns)
	rows := make([]float32, r.o.Period*width)
	if err := s.Read(rows, origin-r.o.Period); err != nil {
		return nil, err
	}
	if r.frame.Masked {
		series.Fill(rows, s.Means())
	}
	if width == columns {
		return rows, nil
	}
	out := make([]float32, 0, r.o.Period*columns)
	for t := range r.o.Period {
		out = append(out, rows[t*width:t*width+columns]...)
	}
	return out, nil
}
