package backtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

// file is a long file of series whose value in row i is f(series, i).
func file(t *testing.T, o series.Options, lengths []int, f func(s, i int) float64) *series.Frame {
	t.Helper()
	var b strings.Builder
	b.WriteString("unique_id,ds,y,z\n")
	for s, n := range lengths {
		for i := range n {
			y := fmt.Sprint(f(s, i))
			if y == "NaN" {
				y = ""
			}
			fmt.Fprintf(&b, "s%d,%d,%s,%v\n", s, i, y, -f(s, i))
		}
	}
	frame, err := series.ReadCSV(strings.NewReader(b.String()), o)
	require.NoError(t, err)
	return frame
}

// continues forecasts series that rise by 1 in y and fall by 1 in z, exactly,
// or off by some steps.
type continues struct{ steps, off int }

func (c continues) Forecast(_ context.Context, b *lstmattn.Batch) (*Prediction, error) {
	p := &Prediction{}
	l := len(b.X) / b.Size
	for k := range b.Size {
		y, z := b.X[(k+1)*l-2], b.X[(k+1)*l-1]
		for t := range c.steps {
			d := float32(t + 1 + c.off)
			p.Values = append(p.Values, y+d, z-d)
		}
	}
	return p, nil
}

// The forecast of step t is held against the truth at step t: of what rises by
// 1 in each row a forecast shifted by one row misses by 1, an exact one by 0.
func TestForecastsAreHeldAgainstTheirOwnRows(t *testing.T) {
	frame := file(t, series.Options{}, []int{40, 25}, func(s, i int) float64 { return float64(1000*s + i) })
	for off, want := range []float64{0, 1, 2} {
		o := Options{InputSize: 5, Horizon: 3, From: "-10", Stride: 2, Period: 4}
		r, err := Run(context.Background(), frame, Fixed(continues{3, off}), o)
		require.NoError(t, err)
		require.Equal(t, want, r.Model.MAE.Value())
		require.Equal(t, want*want, r.Model.MSE.Value())
		require.Equal(t, want, r.Model.CRPS.Value(), "a point's score is its absolute error")
		require.Equal(t, []int{2, 4, 8, 1}, []int{r.Series, r.Origins, r.Windows, r.Fits})
		require.Equal(t, 8*3*2, r.Model.MAE.N)
		require.Equal(t, 2.0, r.RepeatLast.MAE.Value(), "it misses by 1, 2 and 3")
		require.Equal(t, 4.0, r.SeasonalNaive.MAE.Value(), "it misses by its period")
		require.InDelta(t, want/4, r.Model.MASE.Value(), 1e-12)
		require.Len(t, r.Steps, 3)
		require.Equal(t, 3.0, r.Steps[2].RepeatLast.MAE.Value())
		require.Equal(t, "z", r.Columns[1].Name)
		require.Equal(t, want, r.Columns[1].Model.MAE.Value())
	}
}

// A fitter sees the rows before the origin and not one more; how often it is
// asked is what Refit says.
func TestRefit(t *testing.T) {
	frame := file(t, series.Options{}, []int{40, 25}, func(s, i int) float64 { return float64(1000*s + i) })
	for refit, want := range map[int][][]int{
		0: {{30, 15}},
		1: {{30, 15}, {32, 17}, {34, 19}, {36, 21}},
		3: {{30, 15}, {36, 21}},
	} {
		var got [][]int
		fit := func(_ context.Context, past *series.Frame) (Forecaster, error) {
			var rows []int
			for s, x := range past.Series {
				rows = append(rows, x.Len())
				last, err := x.Last(1)
				require.NoError(t, err)
				require.Equal(t, float32(1000*s+x.Len()-1), last[0])
				require.Len(t, x.Values, 2*x.Len())
				require.Equal(t, len(x.Values), cap(x.Values))
			}
			got = append(got, rows)
			return continues{3, len(got)}, nil
		}
		r, err := Run(context.Background(), frame, fit, Options{InputSize: 5, Horizon: 3, From: "-10", Stride: 2, Refit: refit, Period: 1})
		require.NoError(t, err)
		require.Equal(t, want, got, "every %d", refit)
		require.Equal(t, len(want), r.Fits)
		if refit == 1 {
			require.Equal(t, (1+2+3+4)/4.0, r.Model.MAE.Value(), "each forecast is of the latest fit")
		}
	}
}

// unsure forecasts a fixed distribution in one of three ways.
type unsure struct {
	kind  string
	steps int
}

func (u unsure) Forecast(_ context.Context, b *lstmattn.Batch) (*Prediction, error) {
	p := &Prediction{}
	for range b.Size * u.steps * 2 {
		p.Values = append(p.Values, 0)
		switch u.kind {
		case "normal":
			p.Distributions = append(p.Distributions, lstmattn.Distribution{Scale: 1})
		case "quantiles":
			p.Levels = []float64{0.1, 0.25, 0.5, 0.75, 0.9}
			p.Quantiles = append(p.Quantiles, -1.2816, -0.6745, 0, 0.6745, 1.2816)
		}
	}
	if u.kind == "samples" {
		p.Paths = 201
		for range b.Size {
			for k := range p.Paths {
				d := lstmattn.Distribution{Scale: 1}
				for range u.steps * 2 {
					p.Samples = append(p.Samples, float32(d.Quantile((float64(k)+0.5)/float64(p.Paths))))
				}
			}
		}
	}
	return p, nil
}

// Of values that are spread as the forecast says, the intervals hold the share
// they promise, and the score is the normal distribution's own, 1/sqrt(pi).
func TestCalibratedForecasts(t *testing.T) {
	const n = 1000
	frame := file(t, series.Options{}, []int{n + 10}, func(_, i int) float64 {
		return lstmattn.Distribution{Scale: 1}.Quantile((float64((i*367)%n) + 0.5) / n)
	})
	for kind, tolerance := range map[string]float64{"normal": 1e-3, "samples": 5e-3, "quantiles": 0.07} {
		r, err := Run(context.Background(), frame, Fixed(unsure{kind, 1}), Options{InputSize: 1, Horizon: 1, From: "10", Period: 1, Levels: []float64{0.25, 0.5, 0.75}, Intervals: []float64{0.5, 0.8}})
		require.NoError(t, err)
		require.InDelta(t, 0.5, r.Model.Coverage[0].Value(), 0.011, kind)
		require.InDelta(t, 0.8, r.Model.Coverage[1].Value(), 0.011, kind)
		require.InDelta(t, 1/math.SqrtPi, r.Model.CRPS.Value(), tolerance, kind)
		// The mean pinball loss at q is the normal's density at its quantile.
		loss := (2*math.Exp(-0.6745*0.6745/2) + 1) / math.Sqrt(2*math.Pi) / 3
		require.InDelta(t, loss, r.Model.QuantileLoss.Value(), 5e-3, kind)
		require.Equal(t, 0, r.RepeatLast.Coverage[0].N)
	}
}

func TestQuantilesBetweenTheirLevels(t *testing.T) {
	s := spread{levels: []float64{0.1, 0.5, 0.9}, values: []float64{1, 2, 4}}
	for level, want := range map[float64]float64{0.1: 1, 0.3: 1.5, 0.5: 2, 0.7: 3, 0.9: 4} {
		v, ok := s.quantile(level)
		require.True(t, ok)
		require.InDelta(t, want, v, 1e-12)
	}
	for _, level := range []float64{0.05, 0.95} {
		_, ok := s.quantile(level)
		require.False(t, ok, "nothing is known beyond the outermost levels")
	}
}

// With PerSeries the forecaster sees scaled windows and is measured in the
// data's unit; Scaled measures in deviations.
func TestUnits(t *testing.T) {
	frame := file(t, series.Options{}, []int{40, 40}, func(s, i int) float64 { return math.Pow(10, float64(s)) * float64(i%2) })
	o := Options{InputSize: 4, Horizon: 2, From: "20", Period: 2, Stride: 2}
	plain, err := Run(context.Background(), frame, Fixed(copies{}), o)
	require.NoError(t, err)
	o.PerSeries = true
	scaled, err := Run(context.Background(), frame, Fixed(copies{}), o)
	require.NoError(t, err)
	require.InDelta(t, plain.Model.MAE.Value(), scaled.Model.MAE.Value(), 1e-5)
	require.InDelta(t, (1+10)/4.0, scaled.Model.MAE.Value(), 1e-5, "it repeats the last, right every second time")
	o.PerSeries, o.Scaled = false, true
	units, err := Run(context.Background(), frame, Fixed(copies{}), o)
	require.NoError(t, err)
	// 0, 1, 0, 10, as often: the mean is 2.75, of the squares 25.25.
	require.InDelta(t, (1+10)/4.0/math.Sqrt(25.25-2.75*2.75), units.Model.MAE.Value(), 1e-5)
	require.InDelta(t, plain.Model.SMAPE.Value(), units.Model.SMAPE.Value(), 1e-9)
}

// copies repeats the last row.
type copies struct{}

func (copies) Forecast(_ context.Context, b *lstmattn.Batch) (*Prediction, error) {
	p := &Prediction{}
	l := len(b.X) / b.Size
	for k := range b.Size {
		last := b.X[(k+1)*l-2 : (k+1)*l]
		p.Values = append(append(p.Values, last...), last...)
	}
	return p, nil
}

func TestMissingRowsDoNotCount(t *testing.T) {
	frame := file(t, series.Options{Missing: series.Mask, Columns: []string{"y"}}, []int{40}, func(_, i int) float64 {
		if i%5 == 3 {
			return math.NaN()
		}
		return 7
	})
	r, err := Run(context.Background(), frame, Fixed(sevens{}), Options{InputSize: 4, Horizon: 1, From: "20", Period: 2})
	require.NoError(t, err)
	require.Equal(t, 16, r.Model.MAE.N)
	require.Equal(t, 0.0, r.Model.MAE.Value())
	require.Equal(t, 0.0, r.SeasonalNaive.MAE.Value())
}

type sevens struct{}

func (sevens) Forecast(_ context.Context, b *lstmattn.Batch) (*Prediction, error) {
	if b.Target != nil {
		return nil, errors.New("the target is in sight")
	}
	p := &Prediction{Values: make([]float32, b.Size)}
	for i := range p.Values {
		p.Values[i] = 7
	}
	return p, nil
}

func TestRefusals(t *testing.T) {
	frame := file(t, series.Options{}, []int{40}, func(_, i int) float64 { return float64(i) })
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{InputSize: 4, Horizon: 1, Refit: -1}, "a model refitted every -1 origins: expected 0 or more"},
		{Options{InputSize: 4, Horizon: 1, Period: -1}, "a period of -1 rows: expected 1 or more"},
		{Options{InputSize: 4, Horizon: 1, Intervals: []float64{1}}, "a level of 1: expected one above 0 and below 1"},
		{Options{InputSize: 4, Horizon: 1, Period: 33}, `series "s0" has 32 rows before the first forecast, the seasonal naive forecast needs 33`},
		{Options{InputSize: 4, Horizon: 3}, "the forecast has 4 values, expected 6 for 1 windows, 3 steps, 2 columns"},
		{Options{InputSize: 4, Horizon: 9}, `row 41, column "unique_id": series "s0" has no window of 4 and 9 rows whose targets lie in its rows 33 to 40`},
	} {
		c.o.Stride = 9
		_, err := Run(context.Background(), frame, Fixed(continues{2, 0}), c.o)
		require.EqualError(t, err, c.want)
	}
	fail := func(context.Context, *series.Frame) (Forecaster, error) { return nil, errors.New("no luck") }
	_, err := Run(context.Background(), frame, fail, Options{InputSize: 4, Horizon: 2})
	require.EqualError(t, err, "fitting before origin 1 of 4: no luck")
}
