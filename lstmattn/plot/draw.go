package plot

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	stddraw "image/draw"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

var (
	historyColor  = color.RGBA{0x33, 0x3f, 0x50, 0xff}
	forecastColor = color.RGBA{0xd6, 0x4f, 0x1a, 0xff}
)

// WritePNG draws the chart, over a heat map of the attention where there is
// one. It is an error, and nothing is written, if the history or the forecast is
// empty, no value of the history is known, the forecast, a band or the attention
// has a value that is no number, or their lengths differ.
func (c *Chart) WritePNG(w io.Writer) error {
	if err := c.check(); err != nil {
		return err
	}
	series, err := c.seriesPlot()
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	rows := [][]*plot.Plot{{series}}
	height := 4 * vg.Inch
	if c.Attention != nil {
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
		return fmt.Errorf("plot: %w", err)
	}
	_, err = w.Write(png.Bytes())
	return err
}

// seriesPlot is bands under lines, the forecast on top.
func (c *Chart) seriesPlot() (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = c.Title
	p.X.Tick.Marker = ticks{c.Label}
	p.Add(plotter.NewGrid())
	for i, b := range c.Bands {
		area, err := c.area(b, uint8(0x30+0x28*min(i, 3)))
		if err != nil {
			return nil, err
		}
		p.Add(area)
		p.Legend.Add(b.Name, area)
	}
	known := draw.LineStyle{Color: historyColor, Width: vg.Points(1)}
	line, err := addLine(p, unbroken(c.History, 0), known)
	if err != nil {
		return nil, err
	}
	p.Legend.Add("history", line)
	entries := len(c.Bands) + 2
	if c.Actual != nil {
		dashed := known
		dashed.Dashes = []vg.Length{vg.Points(3), vg.Points(3)}
		values, from := c.following(c.Actual)
		if line, err = addLine(p, unbroken(values, from), dashed); err != nil {
			return nil, err
		}
		if line != nil {
			p.Legend.Add("actual", line)
			entries++
		}
	}
	values, from := c.following(c.Forecast)
	if line, err = addLine(p, []plotter.XYs{points(values, from)}, draw.LineStyle{Color: forecastColor, Width: vg.Points(1.8)}); err != nil {
		return nil, err
	}
	p.Legend.Add("forecast", line)
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Points(2)
	const entry = .075 // of the height, so that no line crosses the legend
	p.Y.Max += (p.Y.Max - p.Y.Min) * entry * float64(entries)
	return p, nil
}

// addLine draws the parts of a line and returns the last, nil if there is none. A
// part of one point is drawn as a dot.
func addLine(p *plot.Plot, parts []plotter.XYs, style draw.LineStyle) (last *plotter.Line, err error) {
	for _, part := range parts {
		if last, err = plotter.NewLine(part); err != nil {
			return nil, err
		}
		last.LineStyle = style
		p.Add(last)
		if len(part) > 1 {
			continue
		}
		dot, err := plotter.NewScatter(part)
		if err != nil {
			return nil, err
		}
		dot.GlyphStyle = draw.GlyphStyle{Color: style.Color, Radius: vg.Points(1.5), Shape: draw.CircleGlyph{}}
		p.Add(dot)
	}
	return last, nil
}

// area is a band as a polygon from the last known value on.
func (c *Chart) area(b Band, alpha uint8) (*plotter.Polygon, error) {
	upper, from := c.following(b.Upper)
	outline := points(upper, from)
	for i := len(b.Lower) - 1; i >= 0; i-- {
		outline = append(outline, plotter.XY{X: float64(len(c.History) + i), Y: b.Lower[i]})
	}
	area, err := plotter.NewPolygon(outline)
	if err != nil {
		return nil, err
	}
	area.Color = color.NRGBA{forecastColor.R, forecastColor.G, forecastColor.B, alpha}
	area.LineStyle.Width = 0
	return area, nil
}

func (c *Chart) attentionPlot() *plot.Plot {
	p := plot.New()
	least, most := extremes(c.Attention)
	p.Title.Text = fmt.Sprintf("attention, mean over heads, %.3g (black) to %.3g (white)", least, most)
	p.X.Label.Text, p.Y.Label.Text = "step looked back on", "step ahead"
	p.X.Tick.Marker, p.Y.Tick.Marker = whole{}, whole{}
	p.Add(plotter.NewImage(heatMap(c.Attention), -float64(len(c.Attention[0]))-.5, .5, -.5, float64(len(c.Attention))+.5))
	return p
}

// following is values after the history, and their first step, as a line that
// begins at its last value, where that is known.
func (c *Chart) following(values []float64) (line []float64, from int) {
	last := len(c.History) - 1
	if v := c.History[last]; !math.IsNaN(v) {
		return append([]float64{v}, values...), last
	}
	return values, last + 1
}

// unbroken is the runs of values, the first of which is at step from, between
// those that are missing.
func unbroken(values []float64, from int) (runs []plotter.XYs) {
	first := 0
	for i := range len(values) + 1 {
		if i < len(values) && !math.IsNaN(values[i]) {
			continue
		}
		if i > first {
			runs = append(runs, points(values[first:i], from+first))
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

// heatMap is weights as a picture, black for the least and white for the largest, the
// first row at the bottom. A cell is many pixels, as the canvas goes smoothly from one to
// the next.
func heatMap(rows [][]float64) image.Image {
	const pixels = 1000 // about what the canvas has
	across, up := max(1, pixels/len(rows[0])), max(1, pixels/len(rows))
	least, most := extremes(rows)
	colors := moreland.ExtendedBlackBody().Palette(256).Colors()
	img := image.NewRGBA(image.Rect(0, 0, across*len(rows[0]), up*len(rows)))
	for t, row := range rows {
		for k, w := range row {
			shade := len(colors) / 2
			if least < most {
				shade = int((w-least)/(most-least)*float64(len(colors)-1) + .5)
			}
			cell := image.Rect(k*across, (len(rows)-1-t)*up, (k+1)*across, (len(rows)-t)*up)
			stddraw.Draw(img, cell, image.NewUniform(colors[shade]), image.Point{}, stddraw.Src)
		}
	}
	return img
}

func extremes(rows [][]float64) (least, most float64) {
	least, most = rows[0][0], rows[0][0]
	for _, row := range rows {
		least, most = min(least, slices.Min(row)), max(most, slices.Max(row))
	}
	return least, most
}
