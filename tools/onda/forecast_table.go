package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"strconv"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

// forecastTable is forecasts as a CSV with the header of the history.
type forecastTable struct {
	frame             *series.Frame
	out               bytes.Buffer
	w                 *csv.Writer
	horizon, features int
}

func newForecastTable(frame *series.Frame) *forecastTable {
	t := &forecastTable{frame: frame}
	t.w = csv.NewWriter(&t.out)
	return t
}

// add writes the forecasts of some series, one window of y for each.
func (t *forecastTable) add(y *lstmattn.Forecast, of []*series.Series) {
	if t.horizon == 0 {
		t.horizon, t.features = y.Horizon, min(y.Features, len(t.frame.Columns))
		t.w.Write(append(keyColumns(t.frame), t.frame.Columns[:t.features]...))
	}
	for k, s := range of {
		for step := range y.Horizon {
			row := keys(t.frame, s, step)
			for j := range t.features {
				row = append(row, number(y.Values[(k*y.Horizon+step)*y.Features+j]))
			}
			t.w.Write(row)
		}
	}
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
