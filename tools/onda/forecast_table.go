package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

// forecastTable is forecasts as a CSV with the header of the history.
type forecastTable struct {
	frame             *series.Frame
	out               bytes.Buffer
	w                 *csv.Writer
	levels            []float64 // of the quantiles, a column for each beside the point forecast's
	sampled           bool
	horizon, features int
}

func newForecastTable(frame *series.Frame, levels []float64, strategy string) *forecastTable {
	t := &forecastTable{frame: frame, levels: levels, sampled: strategy == string(lstmattn.Sample)}
	t.w = csv.NewWriter(&t.out)
	return t
}

// add writes the forecasts of some series, one window of y for each.
func (t *forecastTable) add(y *lstmattn.Forecast, of []*series.Series) error {
	if t.horizon == 0 {
		t.horizon, t.features = y.Horizon, min(y.Features, len(t.frame.Columns))
		t.levels = levelsOf(y, t.levels, t.sampled)
		header := keyColumns(t.frame)
		for _, c := range t.frame.Columns[:t.features] {
			header = append(header, c)
			for _, level := range t.levels {
				header = append(header, fmt.Sprintf("%s_q%v", c, level))
			}
		}
		t.w.Write(header)
	}
	quantiles, err := quantilesOf(y, t.levels)
	if err != nil {
		return err
	}
	for k, s := range of {
		for step := range y.Horizon {
			row := keys(t.frame, s, step)
			for j := range t.features {
				i := (k*y.Horizon+step)*y.Features + j
				row = append(row, number(y.Values[i]))
				for _, q := range quantiles {
					row = append(row, number(q[i]))
				}
			}
			t.w.Write(row)
		}
	}
	return nil
}

// quantilesOf are a forecast's quantiles, for each level as many as it has values.
func quantilesOf(y *lstmattn.Forecast, levels []float64) (quantiles [][]float32, err error) {
	for _, level := range levels {
		q, err := y.Quantile(level)
		if err != nil {
			return nil, fmt.Errorf("quantile %v: %w", level, err)
		}
		quantiles = append(quantiles, q)
	}
	return quantiles, nil
}

// pathTable is trajectories as a CSV.
type pathTable struct {
	out bytes.Buffer
	w   *csv.Writer
}

// add writes the trajectories of the windows of y, of the frame's series from lo
// on.
func (t *pathTable) add(y *lstmattn.Forecast, frame *series.Frame, lo int) {
	if t.w == nil {
		t.w = csv.NewWriter(&t.out)
		t.w.Write(slices.Concat(keyColumns(frame), []string{"path", "log_likelihood"}, frame.Columns))
	}
	n := y.Horizon * y.Features
	for k := range y.Batch {
		for path := k * y.Paths; path < (k+1)*y.Paths; path++ {
			for step := range y.Horizon {
				row := append(keys(frame, frame.Series[lo+k], step), strconv.Itoa(path-k*y.Paths+1), strconv.FormatFloat(y.LogLikelihood[path], 'g', -1, 64))
				for _, v := range y.Samples[path*n+step*y.Features:][:y.Features] {
					row = append(row, number(v))
				}
				t.w.Write(row)
			}
		}
	}
}

func (t *pathTable) write(path string) error {
	t.w.Flush()
	return writeFile(path, t.out.Bytes())
}

// levelsOf are the levels of the quantiles to show of a forecast: those asked
// for, else the model's own, of a distribution the ends and the middle of 80 %.
func levelsOf(y *lstmattn.Forecast, asked []float64, sampled bool) []float64 {
	switch {
	case len(asked) > 0:
		return asked
	case len(y.Scale) > 0 || (sampled && len(y.Levels) == 0):
		return []float64{0.1, 0.5, 0.9}
	}
	if len(y.Quantiles) == 0 {
		return nil
	}
	return y.Levels
}

func (t *forecastTable) write(path string) error {
	t.w.Flush()
	return writeFile(path, t.out.Bytes())
}

// keyColumns are the headers of what tells rows apart.
func keyColumns(frame *series.Frame) (header []string) {
	if frame.IDColumn != "" {
		header = append(header, frame.IDColumn)
	}
	if frame.TimeColumn != "" {
		header = append(header, frame.TimeColumn)
	}
	return header
}

// keys are the cells of keyColumns, step rows after the end of s.
func keys(frame *series.Frame, s *series.Series, step int) (cells []string) {
	if frame.IDColumn != "" {
		cells = append(cells, s.ID)
	}
	if frame.TimeColumn != "" {
		cells = append(cells, s.Times.Format(s.Len()+step))
	}
	return cells
}

// attentionTable is attention weights as a CSV.
type attentionTable struct {
	out bytes.Buffer
	w   *csv.Writer
}

// add writes the weights of the windows of y, of the frame's series from lo on.
func (t *attentionTable) add(y *lstmattn.Forecast, frame *series.Frame, lo int) error {
	if y.Attention == nil {
		return errors.New("--attention: the model doesn't return its attention weights; onda export --attention adds them to an ONNX file")
	}
	if t.w == nil {
		t.w = csv.NewWriter(&t.out)
		header := append(keyColumns(frame), "step_ahead")
		for k := range y.InputSize {
			header = append(header, strconv.Itoa(k-y.InputSize))
		}
		t.w.Write(header)
	}
	for k := range y.Batch {
		for step, row := range meanAttention(y, k) {
			cells := append(keys(frame, frame.Series[lo+k], step), strconv.Itoa(step+1))
			for _, v := range row {
				cells = append(cells, number(float32(v)))
			}
			t.w.Write(cells)
		}
	}
	return nil
}

func (t *attentionTable) write(path string) error {
	t.w.Flush()
	return writeFile(path, t.out.Bytes())
}

// meanAttention is the attention of window i, (horizon, look-back), averaged
// over heads.
func meanAttention(y *lstmattn.Forecast, i int) [][]float64 {
	out := make([][]float64, y.Horizon)
	for t := range out {
		out[t] = make([]float64, y.InputSize)
		for h := range y.Heads {
			row := y.Attention[((i*y.Heads+h)*y.Horizon+t)*y.InputSize:]
			for k := range out[t] {
				out[t][k] += float64(row[k]) / float64(y.Heads)
			}
		}
	}
	return out
}

func number(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }
