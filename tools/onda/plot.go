package main

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"iter"
	"math"
	"os"
	"strconv"

	"github.com/guptarohit/asciigraph"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// chart is one column of one series with its forecast.
type chart struct {
	title     string
	history   []float64
	forecast  []float64
	actual    []float64          // what the forecast is held against; nil where it isn't known yet
	label     func(i int) string // of time step i, counted from the first of history
	bands     []band             // intervals of the forecast, the widest first
	attention [][]float64        // (horizon, look-back), the mean over heads; nil without
}

// band is an interval that a forecast step lies in with some probability.
type band struct {
	name         string
	lower, upper []float64
}

var (
	historyColor  = color.RGBA{0x33, 0x3f, 0x50, 0xff}
	forecastColor = color.RGBA{0xd6, 0x4f, 0x1a, 0xff}
)

// writePNG draws the chart, over a heat map of the attention where there is
// one.
func (c *chart) writePNG(path string) error {
	series, err := c.seriesPlot()
	if err != nil {
		return err
	}
	rows := [][]*plot.Plot{{series}}
	height := 4 * vg.Inch
	if c.attention != nil {
		rows = append(rows, []*plot.Plot{c.attentionPlot()})
		height = 7 * vg.Inch
	}
	img := vgimg.NewWith(vgimg.UseWH(9*vg.Inch, height), vgimg.UseDPI(110))
	dc := draw.New(img)
	tiles := draw.Tiles{Rows: len(rows), Cols: 1, PadTop: vg.Points(6), PadBottom: vg.Points(6), PadLeft: vg.Points(6), PadRight: vg.Points(12), PadY: vg.Points(10)}
	for i, row := range plot.Align(rows, tiles, dc) {
		rows[i][0].Draw(row[0])
	}
	var png bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: img}).WriteTo(&png); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return writeFile(path, png.Bytes())
}

func (c *chart) seriesPlot() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = c.title
	p.X.Tick.Marker = ticks(c.label)
	p.Add(plotter.NewGrid())
	var history *plotter.Line
	for _, part := range unbroken(c.history) {
		line, err := plotter.NewLine(part)
		if err != nil {
			return nil, err
		}
		line.Color = historyColor
		p.Add(line)
		history = line
	}
	forecast, err := plotter.NewLine(c.following(c.forecast))
	if err != nil {
		return nil, err
	}
	forecast.Color, forecast.Width = forecastColor, vg.Points(1.8)
	for i, b := range c.bands {
		area, err := c.area(b, uint8(0x30+0x28*min(i, 3)))
		if err != nil {
			return nil, err
		}
		p.Add(area)
		p.Legend.Add(b.name, area)
	}
	if c.actual != nil {
		actual, err := plotter.NewLine(c.following(c.actual))
		if err != nil {
			return nil, err
		}
		actual.Color, actual.Dashes = historyColor, []vg.Length{vg.Points(3), vg.Points(3)}
		p.Add(actual)
		p.Legend.Add("actual", actual)
	}
	p.Add(forecast)
	if history != nil {
		p.Legend.Add("history", history)
	}
	p.Legend.Add("forecast", forecast)
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Points(2)
	return p, nil
}

// area is a band as a polygon from the last known value on.
func (c *chart) area(b band, alpha uint8) (*plotter.Polygon, error) {
	outline := c.following(b.upper)
	for i := len(b.lower) - 1; i >= 0; i-- {
		outline = append(outline, plotter.XY{X: float64(len(c.history) + i), Y: b.lower[i]})
	}
	area, err := plotter.NewPolygon(outline)
	if err != nil {
		return nil, err
	}
	area.Color = color.NRGBA{forecastColor.R, forecastColor.G, forecastColor.B, alpha}
	area.LineStyle.Width = 0
	return area, nil
}

func (c *chart) attentionPlot() *plot.Plot {
	p := plot.New()
	p.Title.Text = "attention, mean over heads"
	p.X.Label.Text, p.Y.Label.Text = "step looked back on", "step ahead"
	p.X.Tick.Marker, p.Y.Tick.Marker = whole{}, whole{}
	p.Add(plotter.NewHeatMap(grid(c.attention), moreland.ExtendedBlackBody().Palette(255)))
	return p
}

// following is values after the history as a line that begins at its last
// value, where that is known.
func (c *chart) following(values []float64) plotter.XYs {
	last := len(c.history) - 1
	if v := c.history[last]; !math.IsNaN(v) {
		return points(append([]float64{v}, values...), last)
	}
	return points(values, last+1)
}

// unbroken is the runs of values between those that are missing.
func unbroken(values []float64) (runs []plotter.XYs) {
	first := 0
	for i := range len(values) + 1 {
		if i < len(values) && !math.IsNaN(values[i]) {
			continue
		}
		if i > first {
			runs = append(runs, points(values[first:i], first))
		}
		first = i + 1
	}
	return runs
}

func points(values []float64, from int) plotter.XYs {
	xys := make(plotter.XYs, len(values))
	for i, v := range values {
		xys[i] = plotter.XY{X: float64(from + i), Y: v}
	}
	return xys
}

// ticks labels whole steps with their timestamps, a few of them, and none so
// near an end that its text would be cut off.
type ticks func(i int) string

func (t ticks) Ticks(lo, hi float64) (out []plot.Tick) {
	margin := (hi - lo) / 12
	for i := range wholeNumbers(lo, hi, 5) {
		if v := float64(i); i >= 0 && v >= lo+margin && v <= hi-margin {
			out = append(out, plot.Tick{Value: v, Label: t(i)})
		}
	}
	return out
}

// whole labels some whole numbers.
type whole struct{}

func (whole) Ticks(lo, hi float64) (out []plot.Tick) {
	for i := range wholeNumbers(lo, hi, 10) {
		out = append(out, plot.Tick{Value: float64(i), Label: strconv.Itoa(i)})
	}
	return out
}

// wholeNumbers are the multiples between lo and hi of the smallest of 1, 2, 5, 10, 20
// and so on that gives at most so many.
func wholeNumbers(lo, hi float64, most int) iter.Seq[int] {
	step := 1
	for k := 0; (hi-lo)/float64(step) > float64(most); k++ {
		step = []int{2, 5, 10}[k%3] * int(math.Pow10(k/3))
	}
	return func(yield func(int) bool) {
		for i := int(math.Ceil(lo/float64(step))) * step; float64(i) <= hi; i += step {
			if !yield(i) {
				return
			}
		}
	}
}

// grid is a matrix as a heat map reads it, step ahead on the vertical axis, and on
// the other the steps looked back on, the last of them -1.
type grid [][]float64

func (g grid) Dims() (columns, rows int) { return len(g[0]), len(g) }
func (g grid) Z(column, row int) float64 { return g[row][column] }
func (g grid) X(column int) float64      { return float64(column - len(g[0])) }
func (g grid) Y(row int) float64         { return float64(row + 1) }

// print draws the chart as text, in colours where w is a terminal.
func (c *chart) print(w io.Writer) {
	known := len(c.history)
	n := known + max(len(c.forecast), len(c.actual))
	lines := [][]float64{make([]float64, n), make([]float64, n)}
	for i := range n {
		lines[0][i], lines[1][i] = math.NaN(), math.NaN()
		switch {
		case i < known:
			lines[0][i] = c.history[i]
		case i-known < len(c.actual):
			lines[0][i] = c.actual[i-known]
		}
		if i >= known && i-known < len(c.forecast) {
			lines[1][i] = c.forecast[i-known]
		}
	}
	lines[1][known-1] = c.history[known-1]
	options := []asciigraph.Option{asciigraph.Height(12), asciigraph.Width(72), asciigraph.Precision(0)}
	if isTerminal(w) {
		options = append(options, asciigraph.SeriesColors(asciigraph.Default, asciigraph.Red), asciigraph.SeriesLegends("history", "forecast"))
		fmt.Fprintln(w, asciigraph.PlotMany(lines, append(options, asciigraph.Caption(c.title))...))
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
		fmt.Fprintln(w, asciigraph.Plot(lines[i], append(options, asciigraph.Caption(c.title+", "+name))...))
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
