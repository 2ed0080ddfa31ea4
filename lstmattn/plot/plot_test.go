package plot

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

func render(t *testing.T, c *Chart) image.Image {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, c.WritePNG(&b))
	img, err := png.Decode(&b)
	require.NoError(t, err)
	return img
}

// tint is how blue (history) or red (forecast, below 0) a pixel is, 0 for white and
// for the grey of grid and texts.
func tint(img image.Image, x, y int) float64 {
	r, _, b, _ := img.At(x, y).RGBA()
	return float64(b>>8) - float64(r>>8)
}

// near says whether a pixel is of a line of that colour, most of it or its soft edge.
func near(img image.Image, x, y int, line color.RGBA) bool {
	part := tint(img, x, y) / (float64(line.B) - float64(line.R))
	if line == forecastColor { // bands are paler
		return part > .6
	}
	return part > .35
}

// A mapping takes data to pixels, by the outermost pixels of lines whose extremes
// are known. The legend's corner is left out.
type mapping struct {
	box              image.Rectangle
	steps            float64
	lowest, greatest float64
}

func mapOf(img image.Image, steps, lowest, greatest float64) mapping {
	size := img.Bounds().Size()
	box := image.Rectangle{Min: size}
	for y := range size.Y {
		for x := range size.X {
			if x < size.X/4 && y < size.Y/2 {
				continue
			}
			if near(img, x, y, historyColor) || near(img, x, y, forecastColor) {
				box.Min.X, box.Min.Y = min(box.Min.X, x), min(box.Min.Y, y)
				box.Max.X, box.Max.Y = max(box.Max.X, x), max(box.Max.Y, y)
			}
		}
	}
	return mapping{box, steps, lowest, greatest}
}

func (m mapping) at(step, value float64) (x, y int) {
	x = m.box.Min.X + int(step/m.steps*float64(m.box.Dx())+.5)
	y = m.box.Max.Y - int((value-m.lowest)/(m.greatest-m.lowest)*float64(m.box.Dy())+.5)
	return x, y
}

// around says whether a pixel next to a point of the data passes.
func (m mapping) around(step, value float64, ok func(x, y int) bool) bool {
	x, y := m.at(step, value)
	for dy := -3; dy <= 3; dy++ {
		for dx := -3; dx <= 3; dx++ {
			if ok(x+dx, y+dy) {
				return true
			}
		}
	}
	return false
}

func sample() *Chart {
	return &Chart{
		Title:    "load",
		History:  []float64{0, 0, 5, 11, 11, 20, 35, 40, 40, 22, 28, 30},
		Forecast: []float64{30, 24, 13, 13, 33, 20},
	}
}

func TestLinesAreWhereTheDataIs(t *testing.T) {
	c := sample()
	img := render(t, c)
	m := mapOf(img, 17, 0, 40)
	all := slices.Concat(c.History, c.Forecast)
	for i, v := range all {
		want := historyColor
		if i >= len(c.History) {
			want = forecastColor
		}
		require.True(t, m.around(float64(i), v, func(x, y int) bool { return near(img, x, y, want) }), "step %d, value %v", i, v)
		require.False(t, m.around(float64(i), v+8, func(x, y int) bool { return near(img, x, y, want) }), "nothing 8 above step %d", i)
		if i > 0 { // also between the points
			require.True(t, m.around(float64(i)-.5, (all[i-1]+v)/2, func(x, y int) bool { return near(img, x, y, want) }), "before step %d", i)
		}
	}
}

func TestMissingValuesLeaveGaps(t *testing.T) {
	c := sample()
	c.History[3], c.History[5] = math.NaN(), math.NaN() // value 4 stands alone
	c.Actual = []float64{math.NaN(), 38, 38, math.NaN(), math.NaN(), 8}
	img := render(t, c)
	m := mapOf(img, 17, 0, 40)
	dark := func(x, y int) bool { return near(img, x, y, historyColor) }
	for _, i := range []int{0, 1, 2, 4, 6, 7, 11} {
		require.True(t, m.around(float64(i), c.History[i], dark), "step %d", i)
	}
	require.False(t, m.around(3, 8, dark))
	require.False(t, m.around(5, 20, dark))
	require.True(t, m.around(13, 38, dark), "what came")
	require.True(t, m.around(17, 8, dark), "what came by itself")
}

func TestBandsAreWhereTheDataIs(t *testing.T) {
	c := sample()
	for _, d := range []float64{10, 5} {
		b := Band{Name: "80 %"}
		for _, v := range c.Forecast {
			b.Lower, b.Upper = append(b.Lower, max(v-d, 0)), append(b.Upper, min(v+d, 40))
		}
		c.Bands = append(c.Bands, b)
	}
	img := render(t, c)
	m := mapOf(img, 17, 0, 40)
	red := func(step, v float64) float64 {
		x, y := m.at(step, v)
		return -tint(img, x, y)
	}
	for i, v := range c.Forecast {
		step := float64(len(c.History) + i)
		if i == len(c.Forecast)-1 {
			step -= .02 // not on the edge
		}
		if v+8 < 40 {
			require.Greater(t, red(step, v+8), 20., "inside the outer band at step %d", i+1)
			require.Greater(t, red(step, v+3), red(step, v+8)+10, "darker in the inner band at step %d", i+1)
		}
		if v+13 < 40 {
			require.Less(t, red(step, v+13), 10., "above the bands at step %d", i+1)
		}
		if v-13 > 0 {
			require.Less(t, red(step, v-13), 10., "below the bands at step %d", i+1)
		}
	}
	require.Less(t, red(10.5, 33), 10., "no band in the history")
}

// longest is the longest run of indices that pass.
func longest(n int, ok func(i int) bool) (first, last int) {
	for i, from := 0, 0; i <= n; i++ {
		if i < n && ok(i) {
			continue
		}
		if i-from > last-first {
			first, last = from, i
		}
		from = i + 1
	}
	return first, last
}

func TestHeatMapIsWhereTheDataIs(t *testing.T) {
	c := sample()
	const back = 9
	bright := []int{4, 0, 8, 2, 6, 5}
	for _, k := range bright {
		row := slices.Repeat([]float64{.25}, back) // the least is black, whatever it is
		row[k] = .26
		c.Attention = append(c.Attention, row)
	}
	img := render(t, c)
	size := img.Bounds().Size()
	black := func(x, y int) bool {
		r, g, b, _ := img.At(x, y).RGBA()
		return r+g+b < 3<<13
	}
	top, bottom := longest(size.Y, func(y int) bool {
		n := 0
		for x := range size.X {
			if black(x, y) {
				n++
			}
		}
		return n > size.X/2
	})
	left, right := longest(size.X, func(x int) bool {
		n := 0
		for y := top; y < bottom; y++ {
			if black(x, y) {
				n++
			}
		}
		return n > (bottom-top)/2
	})
	require.Greater(t, bottom-top, 100)
	require.Greater(t, right-left, 400)
	for step, want := range bright {
		for k := range back {
			x := left + (2*k+1)*(right-left)/(2*back)
			y := bottom - (2*step+1)*(bottom-top)/(2*len(bright))
			require.Equal(t, k != want, black(x, y), "step %d ahead, %d looked back on", step+1, back-k)
		}
	}
}

// What has one value, or the same everywhere, is drawn too.
func TestSmallestCharts(t *testing.T) {
	render(t, &Chart{History: []float64{1}, Forecast: []float64{1}})
	render(t, &Chart{History: []float64{math.NaN(), 5, math.NaN()}, Forecast: []float64{5}, Actual: []float64{math.NaN()}})
	c := sample()
	for range c.Forecast {
		c.Attention = append(c.Attention, []float64{1})
	}
	img := render(t, c)
	c.Attention = nil
	require.Greater(t, img.Bounds().Dy(), render(t, c).Bounds().Dy())
	for i := range c.History {
		c.History[i] = 3e38
	}
	render(t, c)
}

func TestWhatCannotBeDrawn(t *testing.T) {
	nan := math.NaN()
	for want, change := range map[string]func(*Chart){
		"plot: the history is empty":                                                           func(c *Chart) { c.History = nil },
		"plot: the forecast is empty":                                                          func(c *Chart) { c.Forecast = nil },
		"plot: none of the history's 2 values is a number":                                     func(c *Chart) { c.History = []float64{nan, nan} },
		"plot: value 2 of the history is +Inf, expected a number":                              func(c *Chart) { c.History[1] = math.Inf(1) },
		"plot: value 3 of the forecast is NaN, expected a number":                              func(c *Chart) { c.Forecast[2] = nan },
		"plot: value 1 of what came is -Inf, expected a number":                                func(c *Chart) { c.Actual = []float64{math.Inf(-1), 0, 0, 0, 0, 0} },
		"plot: 1 actual values, the forecast has 6 steps":                                      func(c *Chart) { c.Actual = []float64{1} },
		`plot: band "b" has 6 lower and 1 upper values, the forecast has 6 steps`:              func(c *Chart) { c.Bands = []Band{{"b", c.Forecast, []float64{1}}} },
		`plot: value 1 of band "b" is NaN, expected a number`:                                  func(c *Chart) { c.Bands = []Band{{"b", c.Forecast, []float64{nan, 0, 0, 0, 0, 0}}} },
		"plot: attention of 1 steps, the forecast has 6":                                       func(c *Chart) { c.Attention = [][]float64{{1}} },
		"plot: attention of step 6 has 0 weights, expected as many as step 1 and at least one": func(c *Chart) { c.Attention = [][]float64{{1}, {1}, {1}, {1}, {1}, {}} },
		"plot: value 1 of attention of step 2 is NaN, expected a number":                       func(c *Chart) { c.Attention = [][]float64{{1}, {nan}, {1}, {1}, {1}, {1}} },
	} {
		c := sample()
		change(c)
		var b bytes.Buffer
		require.EqualError(t, c.WritePNG(&b), want)
		require.Zero(t, b.Len())
	}
	frame, err := series.NewFrame([]string{"y"}, []float32{1, 2, 3})
	require.NoError(t, err)
	f := &lstmattn.Forecast{Batch: 1, Horizon: 1, Features: 1, Values: []float32{3}, InputSize: 2}
	for want, args := range map[string][3]int{
		"plot: series 1, expected 0 to 0": {1, 0, 0}, "plot: column -1, expected 0 to 0": {0, -1, 0}, "plot: window 1, expected 0 to 0": {0, 0, 1},
	} {
		_, err := New(frame, args[0], args[1], f, args[2])
		require.EqualError(t, err, want)
	}
	_, err = New(frame, 0, 0, f, 0, .1, .9)
	require.EqualError(t, err, "plot: lstmattn: a point forecast has no quantiles")
}

// Bands are nested pairs of quantiles, the widest first; attention is a mean, so
// that what a step looks at adds up to 1.
func TestBandsAndAttention(t *testing.T) {
	frame, err := series.NewFrame([]string{"y"}, []float32{1, 2, 3})
	require.NoError(t, err)
	f := &lstmattn.Forecast{
		Batch: 1, Horizon: 1, Features: 1, Values: []float32{3}, Levels: []float64{.1, .25, .5, .75, .9}, Quantiles: []float32{1, 2, 3, 4, 5},
		Heads: 2, InputSize: 2, Attention: []float32{.5, .5, 1, 0},
	}
	c, err := New(frame, 0, 0, f, 0)
	require.NoError(t, err)
	require.Equal(t, []Band{{"80 %", []float64{1}, []float64{5}}, {"50 %", []float64{2}, []float64{4}}}, c.Bands)
	require.Equal(t, [][]float64{{.75, .25}}, c.Attention)
	require.Equal(t, []float64{1, 2, 3}, c.History)
	require.Equal(t, "y", c.Title)
	require.Equal(t, "3", c.Label(3), "the first step ahead")
	c, err = New(frame, 0, 0, f, 0, .25, .75)
	require.NoError(t, err)
	require.Equal(t, []Band{{"50 %", []float64{2}, []float64{4}}}, c.Bands)
}

func TestTicksAreWholeNumbers(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   []int
	}{{0.5, 4.5, []int{1, 2, 3, 4}}, {-48, -1, []int{-40, -30, -20, -10}}, {0, 215, []int{0, 50, 100, 150, 200}}} {
		require.Equal(t, c.want, slices.Collect(wholeNumbers(c.lo, c.hi, 5)))
	}
	for _, tick := range (ticks{}).Ticks(0, 215) {
		require.Equal(t, strconv.Itoa(int(tick.Value)), tick.Label)
		require.Positive(t, tick.Value, "no text over the edge")
	}
}
