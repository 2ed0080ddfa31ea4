package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

type forecastCmd struct {
	Model     string   `arg:"" help:"A model directory, or an ONNX file of a forecaster." type:"path"`
	Data      string   `required:"" help:"CSV of the history: long (unique_id, ds, y, ...) or wide (one column per feature)." placeholder:"FILE.csv" type:"existingfile"`
	Out       string   `required:"" help:"CSV to write, in the form of --data." placeholder:"FILE.csv" type:"path"`
	Horizon   int      `help:"Steps to forecast; 0 means the model's own."`
	Columns   []string `help:"The columns the model takes, in its order; default the model's feature names, else all."`
	Missing   string   `help:"What to do with empty cells: refuse, forward, interpolate, zero." enum:"refuse,forward,interpolate,zero" default:"refuse"`
	Plot      string   `help:"PNG to draw: history, forecast and, where the model tells, attention." placeholder:"FILE.png" type:"path"`
	Attention string   `help:"CSV to write the attention weights to, the mean over heads: a row per step ahead, a column per step looked back on." placeholder:"FILE.csv" type:"path"`
	Series    string   `help:"The series to plot; default the first."`
	Column    string   `help:"The column to plot; default the first."`
	Show      bool     `help:"Draw the forecast in the terminal as well."`
	Threads   int      `help:"Cores to use; 0 means all."`
}

func (c *forecastCmd) Run(a *app) error {
	if c.Horizon < 0 {
		return fmt.Errorf("--horizon %d: expected 0 or more", c.Horizon)
	}
	f, err := openForecaster(c.Model, c.Threads)
	if err != nil {
		return err
	}
	frame, err := readFrame(c.Data, c.Columns, c.Missing, f)
	if err != nil {
		return err
	}
	steps, _ := f.window()
	var x []float32
	for _, s := range frame.Series {
		last, err := s.Last(steps)
		if err != nil {
			return fmt.Errorf("%s: %w", c.Data, err)
		}
		x = append(x, last...)
	}
	y, err := f.forecast(a.ctx, x, c.Horizon, c.Plot != "" || c.Attention != "")
	if err != nil {
		return fmt.Errorf("%s: %w", c.Model, err)
	}
	if err := writeForecast(c.Out, frame, y); err != nil {
		return err
	}
	a.printf("%s: %d steps of %d series, %d columns\n", c.Out, y.Horizon, y.Batch, y.Features)
	return c.draw(a, frame, y)
}

// draw makes the plots and tables that were asked for.
func (c *forecastCmd) draw(a *app, frame *series.Frame, y *lstmattn.Forecast) error {
	if c.Plot == "" && !c.Show && c.Attention == "" {
		return nil
	}
	i, j := 0, 0
	if c.Series != "" {
		if i = slices.IndexFunc(frame.Series, func(s *series.Series) bool { return s.ID == c.Series }); i < 0 {
			return fmt.Errorf("--series %s: no such series in %s", c.Series, c.Data)
		}
	}
	if c.Column != "" {
		if j = slices.Index(frame.Columns, c.Column); j < 0 {
			return fmt.Errorf("--column %s: the model's columns are %s", c.Column, strings.Join(frame.Columns, ", "))
		}
	}
	if j >= y.Features {
		return fmt.Errorf("--column %s: the model forecasts the first %d columns only", c.Column, y.Features)
	}
	if c.Attention != "" {
		if y.Attention == nil {
			return fmt.Errorf("--attention: the model doesn't return its attention weights")
		}
		if err := writeAttention(c.Attention, meanAttention(y, i)); err != nil {
			return err
		}
	}
	plot := newChart(frame, y, i, j)
	if c.Show {
		plot.print(a.stdout)
	}
	if c.Plot != "" {
		return plot.writePNG(c.Plot)
	}
	return nil
}

// readFrame reads the history with the columns that the model takes.
func readFrame(path string, columns []string, rule string, f forecaster) (*series.Frame, error) {
	if len(columns) == 0 {
		columns = f.columns()
	}
	frame, err := series.ReadFile(path, series.Options{Columns: columns, Missing: series.Missing(rule)})
	if err != nil {
		return nil, err
	}
	if _, features := f.window(); features > 0 && features != len(frame.Columns) {
		return nil, fmt.Errorf("%s: has %d columns of values (%s), the model takes %d; choose them with --columns",
			path, len(frame.Columns), strings.Join(frame.Columns, ", "), features)
	}
	return frame, nil
}

// newChart is column j of series i: at most four look-backs of history.
func newChart(frame *series.Frame, y *lstmattn.Forecast, i, j int) *chart {
	s := frame.Series[i]
	shown := min(s.Len(), max(4*y.Horizon, 4*y.InputSize, 60))
	c := &chart{title: strings.TrimPrefix(s.ID+" "+frame.Columns[j], " ")}
	for k := s.Len() - shown; k < s.Len(); k++ {
		c.history = append(c.history, float64(s.Row(k)[j]))
	}
	for k := range y.Horizon {
		c.forecast = append(c.forecast, float64(y.Values[(i*y.Horizon+k)*y.Features+j]))
	}
	c.label = func(k int) string { return s.Times.Format(s.Len() - shown + k) }
	if y.Attention != nil {
		c.attention = meanAttention(y, i)
	}
	return c
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

// writeForecast writes a CSV with the header of the history.
func writeForecast(path string, frame *series.Frame, y *lstmattn.Forecast) error {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	var header []string
	if frame.IDColumn != "" {
		header = append(header, frame.IDColumn)
	}
	if frame.TimeColumn != "" {
		header = append(header, frame.TimeColumn)
	}
	w.Write(append(header, frame.Columns[:min(y.Features, len(frame.Columns))]...))
	for i, s := range frame.Series {
		for t := range y.Horizon {
			var row []string
			if frame.IDColumn != "" {
				row = append(row, s.ID)
			}
			if frame.TimeColumn != "" {
				row = append(row, s.Times.Format(s.Len()+t))
			}
			for j := range min(y.Features, len(frame.Columns)) {
				row = append(row, number(y.Values[(i*y.Horizon+t)*y.Features+j]))
			}
			w.Write(row)
		}
	}
	w.Flush()
	return writeFile(path, out.Bytes())
}

func writeAttention(path string, rows [][]float64) error {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	header := []string{"step_ahead"}
	for k := range rows[0] {
		header = append(header, strconv.Itoa(k-len(rows[0])))
	}
	w.Write(header)
	for t, row := range rows {
		cells := []string{strconv.Itoa(t + 1)}
		for _, v := range row {
			cells = append(cells, number(float32(v)))
		}
		w.Write(cells)
	}
	w.Flush()
	return writeFile(path, out.Bytes())
}

func number(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }
