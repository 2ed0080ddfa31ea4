package plot

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The labels of a text's lines can be told apart, however small or large the
// values are.
func TestTextOfAnyScale(t *testing.T) {
	for _, scale := range []float64{1e-6, .1, 1, 1e6} {
		c := &Chart{Title: "load"}
		for i := range 40 {
			c.History = append(c.History, scale*(5+math.Sin(float64(i)/3)))
		}
		c.History[7] = math.NaN()
		c.Forecast = []float64{5 * scale, 4.5 * scale}
		var b strings.Builder
		require.NoError(t, c.WriteText(&b, false))
		labels := map[string]bool{}
		charts := strings.Split(b.String(), "load, history")
		require.Len(t, charts, 2)
		for _, line := range strings.Split(strings.TrimSpace(charts[0]), "\n") {
			label := strings.Fields(line)[0]
			require.False(t, labels[label], "%v: %s twice", scale, label)
			labels[label] = true
		}
		require.Contains(t, charts[1], "load, forecast")
		b.Reset()
		require.NoError(t, c.WriteText(&b, true))
		require.Contains(t, b.String(), "\x1b[91m", "the forecast is red")
	}
}

func TestTextOfConstants(t *testing.T) {
	c := &Chart{History: []float64{3, 3, 3}, Forecast: []float64{3}, Actual: []float64{math.NaN()}}
	var b strings.Builder
	require.NoError(t, c.WriteText(&b, false))
	require.Contains(t, b.String(), "3.00 ")
}

func TestTextRefusals(t *testing.T) {
	require.EqualError(t, (&Chart{}).WriteText(&strings.Builder{}, false), "plot: the history is empty")
	c := &Chart{History: []float64{1, 2}, Forecast: []float64{3}}
	require.EqualError(t, c.WriteText(full{}, true), "full")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

func ExampleChart_WriteText() {
	c := &Chart{History: []float64{1, 2, 3, 4}, Forecast: []float64{5, 6}}
	var text strings.Builder
	if err := c.WriteText(&text, false); err != nil {
		panic(err)
	}
	fmt.Println(strings.Count(text.String(), "┤") > 0)
	// Output: true
}
