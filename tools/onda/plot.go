package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/guptarohit/asciigraph"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn/plot"
)

// writePNG draws a chart to a file.
func writePNG(path string, c *plot.Chart) error {
	var png bytes.Buffer
	if err := c.WritePNG(&png); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return export.WriteFile(path, png.Bytes())
}

// printChart draws a chart as text, in colours where w is a terminal.
func printChart(w io.Writer, c *plot.Chart) {
	known := len(c.History)
	n := known + max(len(c.Forecast), len(c.Actual))
	lines := [][]float64{make([]float64, n), make([]float64, n)}
	for i := range n {
		lines[0][i], lines[1][i] = math.NaN(), math.NaN()
		switch {
		case i < known:
			lines[0][i] = c.History[i]
		case i-known < len(c.Actual):
			lines[0][i] = c.Actual[i-known]
		}
		if i >= known && i-known < len(c.Forecast) {
			lines[1][i] = c.Forecast[i-known]
		}
	}
	lines[1][known-1] = c.History[known-1]
	options := []asciigraph.Option{asciigraph.Height(12), asciigraph.Width(72), asciigraph.Precision(0)}
	if isTerminal(w) {
		options = append(options, asciigraph.SeriesColors(asciigraph.Default, asciigraph.Red), asciigraph.SeriesLegends("history", "forecast"))
		fmt.Fprintln(w, asciigraph.PlotMany(lines, append(options, asciigraph.Caption(c.Title))...))
		return
	}
	// Without colours, the forecast gets a chart of its own on the same scale.
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, line := range lines {
		for _, v := range line {
			if !math.IsNaN(v) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	options = append(options, asciigraph.LowerBound(lo), asciigraph.UpperBound(hi))
	for i, name := range []string{"history", "forecast"} {
		fmt.Fprintln(w, asciigraph.Plot(lines[i], append(options, asciigraph.Caption(c.Title+", "+name))...))
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
