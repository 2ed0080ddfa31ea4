package series

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
)

// counted is a long file whose values tell their place: series s has in row i
// 1000*s + i in y, 100000 + i in seen, 200000 + i in known and s in kind. The
// last ahead rows have known and kind alone.
func counted(lengths []int, ahead int) string {
	var b strings.Builder
	b.WriteString("unique_id,ds,y,seen,known,kind\n")
	for i := range 1000 {
		for s, n := range lengths {
			switch {
			case i < n:
				fmt.Fprintf(&b, "s%d,%d,%d,%d,%d,%d\n", s, i, 1000*s+i, 100000+i, 200000+i, s)
			case i < n+ahead:
				fmt.Fprintf(&b, "s%d,%d,,,%d,%d\n", s, i, 200000+i, s)
			}
		}
	}
	return b.String()
}

var countedOptions = Options{Columns: []string{"y"}, Past: []string{"seen"}, Future: []string{"known"}, Static: []string{"kind"}, Memory: 100}

// frames reads text into memory and onto disk.
func frames(t *testing.T, text string, o Options) map[string]*Frame {
	t.Helper()
	memory, err := ReadCSV(strings.NewReader(text), o)
	require.NoError(t, err)
	disk, err := StreamCSV(strings.NewReader(text), t.TempDir(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, disk.Close()) })
	return map[string]*Frame{"memory": memory, "disk": disk}
}

// Every element of every window is the one of its row: nothing is off by one.
func TestWindowsHoldTheRowsTheySay(t *testing.T) {
	const L, T = 5, 3
	for name, f := range frames(t, counted([]int{20, 9, 30}, 4), countedOptions) {
		w, err := NewWindows(f, WindowOptions{InputSize: L, Horizon: T, Stride: 2})
		require.NoError(t, err, name)
		require.Equal(t, 7+1+12, w.Len(), name)
		index := []int{0, 7, 19, 3}
		b := &lstmattn.Batch{}
		require.NoError(t, w.Read(context.Background(), index, b))
		require.Equal(t, 4, b.Size)
		require.Nil(t, b.Weight)
		for k, i := range index {
			s, origin := w.At(i)
			for j := range L {
				require.Equal(t, float32(1000*s+origin-L+j), b.X[k*L+j], "%s: window %d", name, i)
				require.Equal(t, float32(100000+origin-L+j), b.Past[k*L+j])
			}
			for j := range L + T {
				require.Equal(t, float32(200000+origin-L+j), b.Future[k*(L+T)+j])
			}
			for j := range T {
				require.Equal(t, float32(1000*s+origin+j), b.Target[k*T+j])
			}
			require.Equal(t, float32(s), b.Static[k])
		}
		s, origin := w.At(19)
		require.Equal(t, []int{2, 27}, []int{s, origin}, "the last window ends with the series")
		require.EqualError(t, w.Read(context.Background(), []int{20}, b), "window 20 is asked for, expected 0 to 19")
	}
}

func TestLatestWindowsEndWithTheHistory(t *testing.T) {
	for name, f := range frames(t, counted([]int{20, 9}, 4), countedOptions) {
		w, err := NewLatest(f, WindowOptions{InputSize: 5, Horizon: 4})
		require.NoError(t, err, name)
		b := &lstmattn.Batch{}
		require.NoError(t, w.Read(context.Background(), []int{0, 1}, b))
		require.Nil(t, b.Target)
		require.Equal(t, []float32{15, 16, 17, 18, 19, 1004, 1005, 1006, 1007, 1008}, b.X)
		require.Equal(t, []float32{200004, 200005, 200006, 200007, 200008, 200009, 200010, 200011, 200012}, b.Future[9:])
		require.Equal(t, []float32{0, 1}, b.Static)
		_, err = NewLatest(f, WindowOptions{InputSize: 5, Horizon: 5})
		require.EqualError(t, err, `row 34, column "unique_id": series "s0" has known for 4 rows after its last, the horizon needs 5`)
	}
}

func TestRangesOfRowsFractionsAndDates(t *testing.T) {
	var b strings.Builder
	b.WriteString("ds,y\n")
	for i := range 100 {
		fmt.Fprintf(&b, "%s,%d\n", Times{start: mustTime("2024-01-01"), layout: "2006-01-02", step: 24 * 3600e9}.Format(i), i)
	}
	f := read(t, b.String(), Options{})
	for _, c := range []struct {
		from, to    Cut
		first, last int // rows of the first and of the last target
	}{
		{"", "", 10, 99},
		{"", "70", 10, 69},
		{"70%", "80%", 70, 79},
		{"-20", "", 80, 99},
		{"2024-01-31", "2024-03-01", 30, 59},
		{"5", "-1", 10, 98},
	} {
		w, err := NewWindows(f, WindowOptions{InputSize: 10, Horizon: 4, From: c.from, To: c.to})
		require.NoError(t, err)
		_, first := w.At(0)
		_, last := w.At(w.Len() - 1)
		require.Equal(t, []int{c.first, c.last}, []int{first, last + 3}, "%s to %s", c.from, c.to)
	}
	for cut, want := range map[Cut]string{
		"101%": `cut "101%": expected 0% to 100%`,
		"soon": `cut "soon": "soon" is no timestamp, expected one such as 2024-01-01`,
	} {
		_, err := NewWindows(f, WindowOptions{InputSize: 1, Horizon: 1, To: cut})
		require.EqualError(t, err, want)
	}
	row, err := Cut("@1960").Row(read(t, "year,y\n1958,0\n1959,0\n1960,0\n1961,0\n", Options{TimeColumn: "year"}).Series[0])
	require.NoError(t, err)
	require.Equal(t, 2, row)
}

func TestShortSeriesAreRefusedOrLeftOut(t *testing.T) {
	f := read(t, counted([]int{20, 6}, 0), countedOptions)
	_, err := NewWindows(f, WindowOptions{InputSize: 5, Horizon: 3})
	require.EqualError(t, err, `row 13, column "unique_id": series "s1" has 6 rows, 8 are needed`)
	_, err = NewWindows(f, WindowOptions{InputSize: 5, Horizon: 3, From: "50%"})
	require.EqualError(t, err, `row 13, column "unique_id": series "s1" has no window of 5 and 3 rows whose targets lie in its rows 4 to 6`)
	w, err := NewWindows(f, WindowOptions{InputSize: 5, Horizon: 3, SkipShort: true})
	require.NoError(t, err)
	require.Equal(t, 13, w.Len())
	_, err = NewWindows(f, WindowOptions{InputSize: 50, Horizon: 3, SkipShort: true})
	require.EqualError(t, err, "no series is long enough for a window")
	_, err = NewWindows(f, WindowOptions{InputSize: 5, Stride: 1})
	require.EqualError(t, err, "the windows' input size is 5, horizon 0 and stride 1, expected numbers above 0")
}

// A missing target has no weight; a missing input is filled from before, never
// from the target.
func TestMaskedWindows(t *testing.T) {
	for name, f := range frames(t, "y,z\n,1\n,2\n3,\n4,4\nNaN,5\n6,\n", Options{Missing: Mask, Memory: 1}) {
		require.True(t, f.Masked)
		w, err := NewWindows(f, WindowOptions{InputSize: 2, Horizon: 2})
		require.NoError(t, err)
		b := &lstmattn.Batch{}
		require.NoError(t, w.Read(context.Background(), []int{0, 1, 2}, b))
		const mean = 13.0 / 3
		require.InDeltaSlice(t, []float32{mean, 1, mean, 2, 3, 2, 3, 2, 3, 4, 4, 4}, b.X, 1e-5, name)
		require.InDeltaSlice(t, []float32{3, 2, 4, 4, 4, 4, 4, 5, 4, 5, 6, 5}, b.Target, 1e-5, name)
		require.Equal(t, []float32{1, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0}, b.Weight, name)
		again := &lstmattn.Batch{}
		require.NoError(t, w.Read(context.Background(), []int{0, 1, 2}, again))
		require.Equal(t, b, again, "reading leaves the frame as it is")
	}
}

func TestScalers(t *testing.T) {
	for name, f := range frames(t, counted([]int{20, 10}, 0), countedOptions) {
		o := WindowOptions{InputSize: 5, Horizon: 3, To: "50%"}
		w, err := NewWindows(f, WindowOptions{InputSize: 2, Horizon: 1, To: "50%"})
		require.NoError(t, err, name)
		s, err := w.Scalers()
		require.NoError(t, err)
		// Rows 0 to 9 of the first series, 1000 to 1004 of the second.
		var mean, square float64
		values := []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1000, 1001, 1002, 1003, 1004}
		for _, v := range values {
			mean += v / 15
		}
		for _, v := range values {
			square += (v - mean) * (v - mean) / 15
		}
		require.InDelta(t, mean, s.Columns.Mean[0], 1e-4)
		require.InDelta(t, math.Sqrt(square), s.Columns.Scale[0], 1e-4)
		require.InDelta(t, 5.0/15, s.Static.Mean[0], 1e-6)

		o.PerSeries, o.To, o.InputSize = true, "", 2
		w, err = NewWindows(f, o)
		require.NoError(t, err)
		b := &lstmattn.Batch{}
		last := w.Len() - 1
		require.NoError(t, w.Read(context.Background(), []int{0, last}, b))
		unit := math.Sqrt((100 - 1) / 12.0) // of 10 numbers in a row
		require.InDelta(t, (1005-1004.5)/unit, b.X[2], 1e-5)
		// Places are moved and stretched, deviations stretched, each by its series.
		y := &lstmattn.Forecast{
			Batch: 1, Horizon: 3, Features: 1, Values: b.Target[3:], Scale: []float32{1, 2, 3}, Paths: 1, Samples: []float32{0, 1, 2},
			Levels: []float64{.1, .9}, Quantiles: []float32{-1, 1, -1, 1, -2, 2},
		}
		w.UnscaleForecast(y, last)
		u := float32(unit)
		require.InDeltaSlice(t, []float32{1007, 1008, 1009}, y.Values, 1e-3)
		require.InDeltaSlice(t, []float32{u, 2 * u, 3 * u}, y.Scale, 1e-3)
		require.InDeltaSlice(t, []float32{1004.5, 1004.5 + u, 1004.5 + 2*u}, y.Samples, 1e-3)
		require.InDeltaSlice(t, []float32{1004.5 - u, 1004.5 + u, 1004.5 - u, 1004.5 + u, 1004.5 - 2*u, 1004.5 + 2*u}, y.Quantiles, 1e-3)
		s, err = w.Scalers()
		require.NoError(t, err)
		require.Equal(t, lstmattn.Scaler{Mean: []float32{0}, Scale: []float32{1}}, s.Columns)
	}
	f, err := NewFrame([]string{"same"}, []float32{1e6, 1e6, 1e6})
	require.NoError(t, err)
	w, err := NewWindows(f, WindowOptions{InputSize: 1, Horizon: 1})
	require.NoError(t, err)
	s, err := w.Scalers()
	require.NoError(t, err)
	require.Equal(t, lstmattn.Scaler{Mean: []float32{1e6}, Scale: []float32{1}}, s.Columns)
}

// A series is scaled by the rows before the first that is forecast, and where
// there is none, by the rows that targets lie in, never by what comes after.
func TestSeriesAreScaledByTheirPast(t *testing.T) {
	values := make([]float32, 40)
	for i := range values {
		values[i] = float32(i % 2) // mean 0.5, deviation 0.5
		if i >= 20 {
			values[i] *= 1000
		}
	}
	f, err := NewFrame([]string{"y"}, values)
	require.NoError(t, err)
	for _, o := range []WindowOptions{{To: "20"}, {From: "20"}, {From: "20", To: "30"}} {
		o.InputSize, o.Horizon, o.PerSeries = 2, 1, true
		w, err := NewWindows(f, o)
		require.NoError(t, err)
		raw := w.Unscaler(0)
		require.InDelta(t, 0.5, raw(0, 0), 1e-6, "%+v", o)
		require.InDelta(t, 1, raw(0, 1), 1e-6, "%+v", o)
	}
}

func TestCalendarFollowsTheFutureCovariates(t *testing.T) {
	f := read(t, "ds,y,known\n2024-02-27,1,10\n2024-02-28,2,20\n2024-02-29,3,30\n2024-03-01,,40\n", Options{Columns: []string{"y"}, Future: []string{"known"}})
	o := WindowOptions{InputSize: 2, Horizon: 1, Calendar: []string{"day_of_month", "month_of_year"}}
	day := func(d int) float32 { return float32(float64(d-1)/30 - 0.5) }
	month := func(m int) float32 { return float32(float64(m-1)/11 - 0.5) }
	w, err := NewWindows(f, o)
	require.NoError(t, err)
	b := &lstmattn.Batch{}
	require.NoError(t, w.Read(context.Background(), []int{0}, b))
	require.Equal(t, []float32{10, day(27), month(2), 20, day(28), month(2), 30, day(29), month(2)}, b.Future)
	s, err := w.Scalers()
	require.NoError(t, err)
	require.Equal(t, []float32{20, 0, 0}, s.Future.Mean)
	require.Equal(t, []float32{1, 1}, s.Future.Scale[1:])
	w, err = NewLatest(f, o)
	require.NoError(t, err)
	require.NoError(t, w.Read(context.Background(), []int{0}, b))
	require.Equal(t, []float32{40, day(1), month(3)}, b.Future[6:])

	o.Calendar = []string{"moon"}
	_, err = NewWindows(f, o)
	require.ErrorContains(t, err, `calendar has "moon"`)
	_, err = NewWindows(read(t, "y\n1\n2\n3\n", Options{}), o)
	require.EqualError(t, err, "the series has no dates, which the calendar's moon needs")
}

func TestAheadFromAnotherFile(t *testing.T) {
	o := Options{Columns: []string{"y"}, Future: []string{"known"}, Static: []string{"kind"}}
	f := read(t, "unique_id,ds,y,known,kind\na,1,1,10,5\na,2,2,20,5\n", o)
	require.NoError(t, f.SetAhead(read(t, "unique_id,ds,known\nb,9,0\na,3,30\na,4,40\n", Options{})))
	w, err := NewLatest(f, WindowOptions{InputSize: 1, Horizon: 2})
	require.NoError(t, err)
	b := &lstmattn.Batch{}
	require.NoError(t, w.Read(context.Background(), []int{0}, b))
	require.Equal(t, []float32{20, 30, 40}, b.Future)
	require.Equal(t, []float32{5}, b.Static)
	for text, want := range map[string]string{
		"unique_id,ds,known\nb,3,30\n":         `has no rows of series "a"`,
		"unique_id,ds,known\na,4,30\n":         `row 2, column "unique_id": series "a" has 4 as its row 1, expected 3, 1 after the history's end`,
		"unique_id,ds,known\na,3,30\na,5,30\n": `row 3, column "unique_id": series "a" has 5 as its row 2, expected 4, 2 after the history's end`,
		"unique_id,ds,other\na,3,30\n":         "has other, expected known",
	} {
		require.EqualError(t, f.SetAhead(read(t, text, Options{})), want)
	}
}

func TestSeriesOutsideOfTheRange(t *testing.T) {
	f := read(t, "unique_id,ds,y\na,1,1\na,2,1\na,3,1\na,4,1\nb,1,1\n", Options{})
	_, err := NewWindows(f, WindowOptions{InputSize: 1, Horizon: 1, To: "60%"})
	require.EqualError(t, err, `row 6, column "unique_id": series "b" has 1 rows, none of them between 0 and 60%`)
}
