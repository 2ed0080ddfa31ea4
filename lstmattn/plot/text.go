package plot

import (
	"fmt"
	"io"
	"math"

	"github.com/guptarohit/asciigraph"
)

// WriteText draws the history and the forecast as text for a terminal, 12 lines
// of about 80 characters: what came after the history is part of it. With colours
// both are in one chart, else the forecast has one of its own below, on the same
// scale.
func (c *Chart) WriteText(w io.Writer, colours bool) error {
	if err := c.check(); err != nil {
		return err
	}
	known := len(c.History)
	n := known + len(c.Forecast)
	history, forecast := make([]float64, n), make([]float64, n)
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := range n {
		history[i], forecast[i] = math.NaN(), math.NaN()
		if i < known {
			history[i] = c.History[i]
		} else {
			forecast[i] = c.Forecast[i-known]
			if c.Actual != nil {
				history[i] = c.Actual[i-known]
			}
		}
		for _, v := range []float64{history[i], forecast[i]} {
			if !math.IsNaN(v) {
				lo, hi = min(lo, v), max(hi, v)
			}
		}
	}
	forecast[known-1] = c.History[known-1]
	options := []asciigraph.Option{asciigraph.Height(textHeight), asciigraph.Width(72), asciigraph.Precision(decimals(hi - lo))}
	if colours {
		options = append(options, asciigraph.SeriesColors(asciigraph.Default, asciigraph.Red),
			asciigraph.SeriesLegends("history", "forecast"), asciigraph.Caption(c.Title))
		_, err := fmt.Fprintln(w, asciigraph.PlotMany([][]float64{history, forecast}, options...))
		return err
	}
	options = append(options, asciigraph.LowerBound(lo), asciigraph.UpperBound(hi))
	for _, line := range []struct {
		name   string
		values []float64
	}{{"history", history}, {"forecast", forecast}} {
		caption := line.name
		if c.Title != "" {
			caption = c.Title + ", " + line.name
		}
		if _, err := fmt.Fprintln(w, asciigraph.Plot(line.values, append(options, asciigraph.Caption(caption))...)); err != nil {
			return err
		}
	}
	return nil
}

const textHeight = 12

// decimals is how many of them tell the labels of a text's lines apart.
func decimals(spread float64) uint {
	if !(spread > 0) {
		return 2
	}
	return uint(min(max(math.Ceil(-math.Log10(spread/textHeight)), 0), 20))
}
