package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"strconv"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/backtest"
	"github.com/onda-ml/onda/lstmattn/series"
)

// forecastTable is forecasts as a CSV with the header of the history.
type forecastTable struct {
	frame             *series.Frame
	out               bytes.Buffer
	w                 *csv.Writer
	levels            []float64 // of the quantiles, a column for each beside the point forecast's
	horizon, features int
}

func newForecastTable(frame *series.Frame, levels []float64) *forecastTable {
	t := &forecastTable{frame: frame, levels: levels}
	t.w = csv.NewWriter(&t.out)
	return t
}

// add writes the forecasts of some series, one window of y for each.
func (t *forecastTable) add(y *lstmattn.Forecast, of []*series.Series) error {
	p := backtest.PredictionOf(y)
	if t.horizon == 0 {
		t.horizon, t.features = y.Horizon, min(y.Features, len(t.frame.Columns))
		t.levels = levelsOf(y, t.levels)
		header := keyColumns(t.frame)
		for _, c := range t.frame.Columns[:t.features] {
			header = append(header, c)
			for _, level := range t.levels {
				header = append(header, fmt.Sprintf("%s_q%v", c, level))
			}
		}
		t.w.Write(header)
	}
	for k, s := range of {
		for step := range y.Horizon {
			row := keys(t.frame, s, step)
			for j := range t.features {
				row = append(row, number(y.Values[(k*y.Horizon+step)*y.Features+j]))
				for _, level := range t.levels {
					q, ok := p.Quantile(k, step*y.Features+j, y.Horizon*y.Features, level)
					if !ok {
						return noQuantile(y, level)
					}
					row = append(row, number(float32(q)))
				}
			}
			t.w.Write(row)
		}
	}
	return nil
}

// levelsOf are the levels of the quantiles to show of a forecast: those asked
// for, else the model's own, of a distribution the ends and the middle of 80 %.
func levelsOf(y *lstmattn.Forecast, asked []float64) []float64 {
	switch {
	case len(asked) > 0:
		return asked
	case len(y.Scale) > 0:
		return []float64{0.1, 0.5, 0.9}
	}
	return y.Levels
}

func noQuantile(y *lstmattn.Forecast, level float64) error {
	if n := len(y.Levels); n > 0 {
		return fmt.Errorf("--quantiles %v: the model knows quantiles from %v to %v only", level, y.Levels[0], y.Levels[n-1])
	}
	return fmt.Errorf("--quantiles %v: the model gives point forecasts only", level)
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
		return errors.New("--attention: the model doesn't return its attention weights")
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
