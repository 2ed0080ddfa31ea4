package series

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
)

func read(t *testing.T, text string, o Options) *Frame {
	t.Helper()
	f, err := ReadCSV(strings.NewReader(text), o)
	require.NoError(t, err)
	return f
}

func TestLongFileKeepsEverySeriesApart(t *testing.T) {
	f := read(t, "unique_id,ds,y,load\nb,2020-01-01,1,10\na,2020-01-01,5,50\nb,2020-01-02,2,20\na,2020-01-02,6,60\n", Options{})
	require.Equal(t, []string{"y", "load"}, f.Columns)
	require.Len(t, f.Series, 2)
	require.Equal(t, "b", f.Series[0].ID)
	require.Equal(t, []float32{1, 10, 2, 20}, f.Series[0].Values)
	require.Equal(t, []float32{6, 60}, f.Series[1].Row(1))
	require.Equal(t, "2020-01-04", f.Series[0].Times.Format(3))
}

func TestWideFile(t *testing.T) {
	f := read(t, "date,HUFL,OT\n2016-07-01 00:00:00,5.5,30\n2016-07-01 01:00:00,6,31\n", Options{})
	require.Equal(t, []string{"HUFL", "OT"}, f.Columns)
	require.Equal(t, "2016-07-01 02:00:00", f.Series[0].Times.Format(2))
	g, err := ReadCSV(strings.NewReader("date,HUFL,OT\n2016-07-01,5.5,30\n2016-07-02,6,31\n"), Options{Columns: []string{"OT"}})
	require.NoError(t, err)
	require.Equal(t, []float32{30, 31}, g.Series[0].Values)
}

func TestStepsOfTheCalendar(t *testing.T) {
	for _, c := range []struct{ rows, next string }{
		{"1960-11,1960-12", "1961-01"},
		{"2020-01-31,2020-02-29,2020-03-31", "2020-04-30"},
		{"2020-01-01,2020-04-01", "2020-07-01"},
		{"2019-12-31,2020-01-07", "2020-01-14"},
		{"3,5,7", "9"},
		{"20240228,20240229", "20240301"},
		{"20240101,20240103", "20240105"},
		{"45000101,45000102", "45000103"},
		{"2024-01-31,2024-02-01,2024-02-02,2024-02-05,2024-02-06", "2024-02-07"},
		{"2024-02-02,2024-02-05,2024-02-06", "2024-02-07"},
		{"2024-02-01,2024-02-02,2024-02-05,2024-02-06,2024-02-07,2024-02-08,2024-02-09", "2024-02-12"},
		{"2024-02-02,2024-02-05", "2024-02-08"},
		{"2024-03-30T00:00:00+01:00,2024-03-31T00:00:00+01:00,2024-04-01T00:00:00+02:00", "2024-04-02T00:00:00+02:00"},
		{"2024-03-31T00:00:00+01:00,2024-04-01T00:00:00+02:00", "2024-04-02T00:00:00+02:00"},
		{"2024-10-26T23:00:00+02:00,2024-10-27T22:00:00+01:00", "2024-10-28T22:00:00+01:00"},
		{"2024-03-01T00:00:00+01:00,2024-04-01T00:00:00+02:00", "2024-05-01T00:00:00+02:00"},
		{"2024-02-29T00:00:00+01:00,2024-03-31T00:00:00+01:00,2024-04-30T00:00:00+02:00", "2024-05-31T00:00:00+02:00"},
		{"2024-10-27T02:00:00+02:00,2024-10-27T02:00:00+01:00,2024-10-27T03:00:00+01:00", "2024-10-27T04:00:00+01:00"},
	} {
		cells := strings.Split(c.rows, ",")
		times, _, err := ParseTimes(cells)
		require.NoError(t, err, c.rows)
		require.Equal(t, c.next, times.Format(len(cells)), c.rows)
	}
}

// Timestamps with an offset mean the same on every machine, and calendars see the
// clock on the wall.
func TestOffsetsAreTheFiles(t *testing.T) {
	here := time.Local
	defer func() { time.Local = here }()
	zone, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for _, time.Local = range []*time.Location{time.UTC, zone} {
		times, _, err := ParseTimes([]string{"2024-03-31T00:00:00+01:00", "2024-03-31T01:00:00+01:00"})
		require.NoError(t, err)
		require.Equal(t, "2024-03-31T02:00:00+01:00", times.Format(2))
	}
	times, _, err := ParseTimes([]string{"2024-03-31T00:00:00+01:00", "2024-03-31T01:00:00+01:00", "2024-03-31T03:00:00+02:00"})
	require.NoError(t, err)
	for i, hour := range []int{0, 1, 3, 4} {
		at, _ := times.Time(i)
		require.Equal(t, hour, at.Hour())
	}
	for cell, want := range map[string]int{"2024-03-31 01:00": 1, "2024-03-31 03:00": 2, "2024-03-31T01:00:00Z": 2, "2024-03-31T00:00:00+00:00": 1} {
		got, err := times.Index(cell)
		require.NoError(t, err)
		require.Equal(t, want, got, cell)
	}
}

// Rows that are absent are refused, or filled where a rule says with what.
func TestAbsentRows(t *testing.T) {
	const text = "unique_id,ds,y,size\n" +
		"a,2024-01-30,1,7\na,2024-01-31,2,7\na,2024-02-03,8,7\n" +
		"b,2024-01-30,1,9\nb,2024-02-02,4,9\nb,2024-02-03,5,9\n"
	_, err := ReadCSV(strings.NewReader(text), Options{Static: []string{"size"}})
	require.EqualError(t, err, `row 4, column "ds": 2024-02-03 follows 2024-01-31, expected 2024-02-01: the rows must be equally spaced`)
	require.ErrorIs(t, err, ErrAbsent)
	for rule, want := range map[Missing][2][]float32{
		Zero:        {{1, 7, 2, 7, 0, 7, 0, 7, 8, 7}, {1, 9, 0, 9, 0, 9, 4, 9, 5, 9}},
		Interpolate: {{1, 7, 2, 7, 4, 7, 6, 7, 8, 7}, {1, 9, 2, 9, 3, 9, 4, 9, 5, 9}},
	} {
		f := read(t, text, Options{Static: []string{"size"}, Missing: rule})
		for k, s := range f.Series {
			require.Equal(t, want[k], s.Values)
			require.Equal(t, "2024-02-04", s.Times.Format(5))
		}
	}
	f := read(t, "ds,y\n1,1\n3,2\n9,3\n", Options{Missing: Forward})
	require.Equal(t, []float32{1, 2, 2, 2, 3}, f.Series[0].Values)
	f = read(t, "ds,y\n2024-02-01,1\n2024-02-02,2\n2024-02-05,3\n2024-02-07,4\n", Options{Missing: Forward})
	require.Equal(t, []float32{1, 2, 3, 3, 4}, f.Series[0].Values, "a holiday")
	f = read(t, "ds,y,h\n1,1,0\n2,2,0\n4,,1\n", Options{Columns: []string{"y"}, Future: []string{"h"}, Missing: Forward})
	require.Equal(t, 2, f.Series[0].AheadLen())

	_, err = ReadCSV(strings.NewReader("ds,y\n1,1\n2,2\n900000000,3\n"), Options{Missing: Zero})
	require.EqualError(t, err, `row 4, column "ds": 900000000 follows 2: 899999997 rows are absent, with those before more than are filled, 10030`)
	_, err = ReadCSV(strings.NewReader("ds,y\n2024-01-01,1\n2024-01-03,2\n2024-01-04,3\n"), Options{Missing: Zero})
	require.EqualError(t, err, `row 4, column "ds": 2024-01-04 follows 2024-01-03, expected 2024-01-05: the rows must be equally spaced`)
}

// Values that float32 rounds to few are refused, others of that size are not.
func TestRoundingIsRefused(t *testing.T) {
	column := func(value func(i int) float64) string {
		text := "y\n"
		for i := range 100 {
			text += fmt.Sprintf("%.9f\n", value(i))
		}
		return text
	}
	_, err := ReadCSV(strings.NewReader(column(func(i int) float64 { return 1e9 + math.Sin(float64(i)) })), Options{})
	require.EqualError(t, err, `column "y": values near 1e+09 differ by less than float32, in which models calculate, can tell apart; subtract a constant from them`)
	for _, value := range []func(i int) float64{
		func(i int) float64 { return 1e9 + 1e4*math.Sin(float64(i)) },
		func(int) float64 { return 1e9 + 1 },
		func(i int) float64 { return 1e-30 * float64(i) },
		func(i int) float64 { return 16777000 + float64(i) },
	} {
		read(t, column(value), Options{})
	}
}

func TestMissingCells(t *testing.T) {
	const text = "y\nNaN\n1\n\"\"\nNA\n4\nnull\n"
	require.Equal(t, []float32{0, 1, 1, 1, 4, 4}, read(t, text, Options{Missing: Forward}).Series[0].Values)
	require.Equal(t, []float32{1, 1, 2, 3, 4, 4}, read(t, text, Options{Missing: Interpolate}).Series[0].Values)
	require.Equal(t, []float32{0, 1, 0, 0, 4, 0}, read(t, text, Options{Missing: Zero}).Series[0].Values)
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty file", "", "the file is empty, expected a header and rows"},
		{"header only", "ds,y\n", "the file has a header and no rows"},
		{"no values", "ds\n2020-01-01\n", "row 1: no column of values; the file has ds"},
		{"column twice", "y,y\n1,2\n", `row 1: column "y" appears twice`},
		{"ragged row", "a,b\n1,2\n3\n", "row 3: has 1 cells, the header has 2"},
		{"semicolons", "ds;y\n2020-01-01;1\n", `row 1: there is one column, "ds;y": expected commas between columns`},
		{"text cell", "ds,y\n2020-01-01,1\n2020-01-02,high\n", `row 3, column "y": "high" is no finite number`},
		{"infinite cell", "y\n+Inf\n", `row 2, column "y": "+Inf" is no finite number`},
		{"too large a cell", "y\n1e99\n", `row 2, column "y": "1e99" is no finite number`},
		{"missing cell", "ds,y\n2020-01-01,\n", `row 2, column "y": is empty`},
		{"no timestamp", "ds,y\nmonday,1\n", `row 2, column "ds": "monday" is no timestamp, expected one such as 2006-01-02 15:04:05 or an integer`},
		{"other timestamp", "ds,y\n2020-01-01,1\n2020-01,2\n", `row 3, column "ds": "2020-01" is no timestamp of the form 2006-01-02, which the first row has`},
		{"repeated", "ds,y\n2020-01-01,1\n2020-01-02,2\n2020-01-02,3\n", `row 4, column "ds": 2020-01-02 appears twice`},
		{"falling", "ds,y\n2020-01-02,1\n2020-01-03,1\n2020-01-01,2\n", `row 4, column "ds": 2020-01-01 follows 2020-01-03, expected rising order`},
		{"gap", "ds,y\n2020-01-01,1\n2020-01-02,1\n2020-01-05,2\n", `row 4, column "ds": 2020-01-05 follows 2020-01-02, expected 2020-01-03: the rows must be equally spaced`},
		{"integer gap", "ds,y\n1,1\n2,1\n4,2\n", `row 4, column "ds": 4 follows 2, expected 3: the rows must be equally spaced`},
		{"a quote in a cell", "ds,y\n1,4\"5\n", `row 2: byte 4 is a quote within a cell that has none at its start`},
		{"an open quote", "ds,y\n1,2\n\"2,3\n3,4\n", `row 3: a cell's quotes are not closed, or have text after them, at row 4, byte 5`},
		{"carriage returns", "ds,y\r1,2\r2,3\r", "row 1: lines end in carriage returns alone, expected newlines"},
		{"Latin-1", "ds,gr\xf6\xdfe\n1,2\n", `row 1, column 2: "gr\xf6\xdfe" is no UTF-8`},
		{"UTF-16", "\xff\xfed\x00s\x00", "the file is UTF-16, expected UTF-8"},
		{"gzip", "\x1f\x8b\x08\x00", "the file is compressed by gzip, expected CSV as plain text"},
		{"Parquet", "PAR1\x15\x04", "the file is Parquet, expected CSV; the name of a Parquet file ends in .parquet"},
		{"no name", "ds,y,\n1,2,3\n", "row 1: column 3 has no name; name it, or say which columns are forecast"},
		{"times of another name", "when,y\n2020-01-01,1\n", `row 2, column "when": "2020-01-01" is no finite number`},
		{"no series' name", "unique_id,y\na,1\n,2\n", `row 3, column "unique_id": is empty, expected the name of a series`},
		{"underscore", "y\n1_000\n", `row 2, column "y": "1_000" is no finite number`},
		{"hexadecimal", "y\n0x1p3\n", `row 2, column "y": "0x1p3" is no finite number`},
		{"long cell", "y\n" + strings.Repeat("9", 5000) + "\n", `row 2, column "y": "` + strings.Repeat("9", 60) + `"... is no finite number`},
		{"long timestamp", "ds,y\n" + strings.Repeat("x", 5000) + ",1\n", `row 2, column "ds": "` + strings.Repeat("x", 60) + `"... is no timestamp, expected one such as 2006-01-02 15:04:05 or an integer`},
	} {
		_, err := ReadCSV(strings.NewReader(c.text), Options{})
		require.EqualError(t, err, c.want, c.name)
	}
	wide := strings.Builder{}
	for i := range 200 {
		fmt.Fprintf(&wide, "c%d,", i)
	}
	_, err := ReadCSV(strings.NewReader(wide.String()), Options{Columns: []string{"y"}})
	require.EqualError(t, err, `row 1: no column "y"; the file has c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19 and 181 more`)
	_, err = ReadCSV(strings.NewReader("a,b\n1,2\n"), Options{Columns: []string{"c"}})
	require.EqualError(t, err, `row 1: no column "c"; the file has a, b`)
	_, err = ReadFile("no-such-file.csv", Options{})
	require.ErrorContains(t, err, "no-such-file.csv")
}

// What other programs write is read: a byte order mark before quotes, zones after
// a space, an index without a name beside the columns asked for.
func TestOtherProgramsFiles(t *testing.T) {
	f := read(t, "\ufeff\"ds\",\"y\"\r\n\"2024-03-31 00:00:00+01:00\",\"1\"\r\n\"2024-03-31 01:00:00+01:00\",\"2\"\r\n\"2024-03-31 03:00:00+02:00\",\"3\"\r\n", Options{})
	require.Equal(t, "ds", f.TimeColumn)
	require.Equal(t, []float32{1, 2, 3}, f.Series[0].Values)
	require.Equal(t, "2024-03-31 04:00:00+02:00", f.Series[0].Times.Format(3))
	f = read(t, ",ds,y,\n0,1,5,\n1,2,6,\n", Options{Columns: []string{"y"}})
	require.Equal(t, []float32{5, 6}, f.Series[0].Values)
}

func TestLastNeedsEnoughRows(t *testing.T) {
	f := read(t, "unique_id,ds,y\nx,1,1\nx,2,2\nx,3,3\n", Options{})
	last, err := f.Series[0].Last(2)
	require.NoError(t, err)
	require.Equal(t, []float32{2, 3}, last)
	_, err = f.Series[0].Last(4)
	require.EqualError(t, err, `row 4, column "unique_id": series "x" has 3 rows, 4 are needed`)
}

// The sentences of files with covariates.
func TestCovariateRefusals(t *testing.T) {
	o := Options{Columns: []string{"y"}, Past: []string{"p"}, Future: []string{"f"}, Static: []string{"s"}}
	const header = "unique_id,ds,y,p,f,s\n"
	for _, c := range []struct{ name, text, want string }{
		{"no such column", "unique_id,ds,y,p,f\n", `row 1: no column "s"; the file has unique_id, ds, y, p, f`},
		{"static moves", header + "a,1,1,1,1,7\na,2,1,1,1,8\n", `row 3, column "s": 8 follows 7, a static column keeps its value within a series`},
		{"static is missing", header + "a,1,1,1,1,\n", `row 2, column "s": is empty, a static column needs a value in every row`},
		{"a gap in the middle", header + "a,1,1,1,1,7\na,2,,,1,7\na,3,1,1,1,7\n", `row 3, column "y": is empty`},
		{"a gap in one column", header + "a,1,1,1,1,7\na,2,1,,1,7\n", `row 3, column "p": is empty`},
		{"nothing ahead", header + "a,1,1,1,1,7\na,2,,,,7\n", `row 3, column "f": is empty`},
		{"no history", header + "a,1,1,1,1,7\nb,1,,,1,7\n", `row 3, column "unique_id": series "b" has no value in y`},
		{"times ahead", header + "a,1,1,1,1,7\na,2,1,1,1,7\na,4,,,1,7\n", `row 4, column "ds": 4 follows 2, expected 3: the rows must be equally spaced`},
		{"within one series", header + "a,1,1,1,1,7\nb,5,1,1,1,7\na,1,1,1,1,7\n", `row 4, column "ds": 1 appears twice`},
		{"an open quote", header + "a,1,\"1,1,1,7\n", `row 2: a cell's quotes are not closed, or have text after them, at row 2, byte 14`},
	} {
		_, err := ReadCSV(strings.NewReader(c.text), o)
		require.EqualError(t, err, c.want, c.name)
		_, err = StreamCSV(strings.NewReader(c.text), t.TempDir(), o)
		require.EqualError(t, err, c.want, c.name)
	}
	o.Past = []string{"y"}
	_, err := ReadCSV(strings.NewReader(header), o)
	require.EqualError(t, err, `column "y" is asked for twice`)
	_, err = ReadCSV(strings.NewReader("y\n1\n"), Options{Missing: "guess"})
	require.EqualError(t, err, `rule "guess" for missing cells, expected refuse, forward, interpolate, zero, mean or mask`)
}

func TestRulesAhead(t *testing.T) {
	const text = "ds,y,f\n1,1,2\n2,1,4\n3,,\n4,,8\n5,,\n"
	for rule, want := range map[Missing][]float32{Forward: {4, 8, 8}, Interpolate: {4, 8, 8}, Zero: {0, 8, 0}, Mean: {3, 8, 3}, Mask: {4, 8, 8}} {
		s := read(t, text, Options{Columns: []string{"y"}, Future: []string{"f"}, Missing: rule}).Series[0]
		require.Equal(t, 2, s.Len())
		require.Equal(t, 3, s.AheadLen())
		require.Equal(t, want, []float32{s.Ahead[1], s.Ahead[3], s.Ahead[5]}, rule)
	}
}

func TestTimesOfPartsOfSeconds(t *testing.T) {
	times, _, err := ParseTimes([]string{"2024-01-01 00:00:00", "2024-01-01 00:00:00.5", "2024-01-01 00:00:01"})
	require.NoError(t, err)
	require.Equal(t, "2024-01-01 00:00:01.5", times.Format(3))
}

func TestSeason(t *testing.T) {
	for rows, want := range map[string]int{
		"2024-01-01 00:00:00,2024-01-01 01:00:00": 24, "2024-01-01 00:00:00,2024-01-01 00:15:00": 96,
		"2024-01-01,2024-01-02": 7, "2024-01-01,2024-01-08": 52, "2024-01,2024-02": 12, "2024-01,2024-04": 4, "2023-01,2024-01": 1,
		"1,2": 1, "2024-01-01,2024-01-04": 1,
	} {
		times, _, err := ParseTimes(strings.Split(rows, ","))
		require.NoError(t, err)
		require.Equal(t, want, times.Season(), rows)
	}
}

func TestBefore(t *testing.T) {
	f := read(t, "unique_id,ds,y\na,1,1\na,2,2\nb,1,5\nc,1,6\nc,2,7\n", Options{})
	past := f.Before([]int{1, 0, 2})
	require.Len(t, past.Series, 2)
	require.Equal(t, []float32{1}, past.Series[0].Values)
	require.Equal(t, "c", past.Series[1].ID)
	require.Equal(t, 2, f.Series[0].Len())
}

// What is read has whole rows; what is read from the disk is the same; its
// windows are finite.
func FuzzReadCSV(f *testing.F) {
	f.Add("unique_id,ds,y\na,2020-01-01,1\n", "forward")
	f.Add("date,a,b\n2020-01,1,2\n2020-02,,4\n", "interpolate")
	f.Add("unique_id,ds,y,f,p,s\na,1,1,1,1,7\nb,1,,1,1,8\na,2,3,1,,7\na,3,,2,,7\n", "mask")
	f.Add("ds,y\n2024-02-01,1\n2024-02-02,2\n2024-02-05,3\n2024-02-07,4\n", "zero")
	f.Add("unique_id,ds,y\na,2024-03-30T00:00:00+01:00,1\na,2024-03-31T00:00:00+01:00,1\na,2024-04-02T00:00:00+02:00,1\nb,2024-03-01T00:00:00+01:00,1\nb,2024-04-01T00:00:00+02:00,4\n", "forward")
	f.Fuzz(func(t *testing.T, text, rule string) {
		for _, o := range []Options{{Missing: Missing(rule)}, {Missing: Missing(rule), Columns: []string{"y"}, Past: []string{"p"}, Future: []string{"f"}, Static: []string{"s"}}} {
			frame, err := ReadCSV(strings.NewReader(text), o)
			o.Memory = 8
			disk, also := StreamCSV(strings.NewReader(text), t.TempDir(), o)
			if err != nil {
				require.EqualError(t, also, err.Error())
				continue
			}
			require.NoError(t, also)
			defer disk.Close()
			for k, s := range frame.Series {
				require.Len(t, s.Values, s.Len()*frame.Width())
				s.Times.Format(s.Len() + 3)
				rows := make([]float32, len(s.Values))
				require.NoError(t, disk.Series[k].Read(rows, 0))
				for i, v := range s.Values {
					require.Equal(t, math.Float32bits(v), math.Float32bits(rows[i]))
				}
			}
			w, err := NewWindows(frame, WindowOptions{InputSize: 1, Horizon: 1, SkipShort: true})
			if err != nil {
				continue
			}
			var b lstmattn.Batch
			require.NoError(t, w.Read(context.Background(), []int{0, w.Len() - 1}, &b))
			for _, part := range [][]float32{b.X, b.Target, b.Past, b.Future, b.Static} {
				for _, v := range part {
					require.False(t, v != v)
				}
			}
		}
	})
}
