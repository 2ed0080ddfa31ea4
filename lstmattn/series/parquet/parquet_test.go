package parquet

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn/series"
)

// The files of testdata were written by Arrow.
func TestFilesOfArrow(t *testing.T) {
	f, err := ReadFile("testdata/long.parquet", series.Options{Missing: series.Forward})
	require.NoError(t, err)
	require.Equal(t, []string{"y", "holiday"}, f.Columns)
	require.Len(t, f.Series, 2)
	require.Equal(t, "a", f.Series[0].ID)
	require.Equal(t, []float32{1.5, 1, 1.5, 0, 3.5, 0, 4.5, 1}, f.Series[0].Values)
	require.Equal(t, []float32{10, 1, 20, 0, 20, 0, 40, 1}, f.Series[1].Values)
	require.Equal(t, "2024-02-01 02:00:00", f.Series[1].Times.Format(4))

	f, err = ReadFile("testdata/wide.parquet", series.Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"f32", "i64", "u32", "u8", "price"}, f.Columns)
	require.Equal(t, []float32{0.5, -1, 4294967295, 255, 1, 1.5, 0, 0, 0, 2, 2.5, 1, 1, 1, 3}, f.Series[0].Values)
	require.Equal(t, "2024-03-02", f.Series[0].Times.Format(3))

	f, err = ReadFile("testdata/bytes.parquet", series.Options{Missing: series.Zero})
	require.NoError(t, err)
	require.Equal(t, []string{"price", "total"}, f.Columns)
	require.Equal(t, []float32{12.5, 1e20, -.01, -1e20, 0, .125}, f.Series[0].Values)

	for _, name := range []string{"milliseconds", "nanoseconds", "int96"} {
		f, err := ReadFile("testdata/"+name+".parquet", series.Options{})
		require.NoError(t, err, name)
		require.Equal(t, "2024-01-31 22:00:00", f.Series[0].Times.Format(0), name)
		require.Equal(t, "2024-02-01 01:00:00", f.Series[0].Times.Format(3), name)
	}
}

func TestStreamedFileIsTheSame(t *testing.T) {
	want, err := ReadFile("testdata/long.parquet", series.Options{Missing: series.Interpolate})
	require.NoError(t, err)
	got, err := StreamFile("testdata/long.parquet", t.TempDir(), series.Options{Missing: series.Interpolate, Memory: 1})
	require.NoError(t, err)
	defer got.Close()
	for k, s := range want.Series {
		rows, err := got.Series[k].Last(s.Len())
		require.NoError(t, err)
		require.Equal(t, s.Values, rows)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"testdata/list.parquet", `testdata/list.parquet: column "y": is a list or a group, expected one value in each row`},
		{"testdata/text.parquet", `testdata/text.parquet: column "y": is of type STRING, expected numbers`},
		{"testdata/long.parquet", `testdata/long.parquet: row 2, column "y": is empty`},
		{"testdata/make.py", `testdata/make.py: not a Parquet file: invalid magic header of parquet file: "\"\"\"W"`},
	} {
		_, err := ReadFile(c.file, series.Options{})
		require.EqualError(t, err, c.want)
	}
	_, err := ReadFile("testdata/wide.parquet", series.Options{Columns: []string{"y"}})
	require.EqualError(t, err, `testdata/wide.parquet: no column "y"; the file has date, f32, i64, u32, u8, price`)
	_, err = Read(bytes.NewReader(nil), 0, series.Options{})
	require.EqualError(t, err, "the file is too short for Parquet")
	_, err = ReadFile(filepath.Join(t.TempDir(), "none"), series.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

// written is rows in a file.
func written[T any](t testing.TB, rows []T) *bytes.Reader {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b)
	_, err := w.Write(rows)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return bytes.NewReader(b.Bytes())
}

func TestRowsAreNamedInErrors(t *testing.T) {
	type row struct {
		DS int64   `parquet:"ds"`
		Y  float64 `parquet:"y"`
	}
	var rows []row
	for i := range 3000 {
		rows = append(rows, row{int64(i), float64(i)})
	}
	r := written(t, rows)
	f, err := Read(r, r.Size(), series.Options{})
	require.NoError(t, err)
	require.Equal(t, float32(2999), f.Series[0].Row(2999)[0])
	rows[2500].DS = 2498
	r = written(t, rows)
	_, err = Read(r, r.Size(), series.Options{})
	require.EqualError(t, err, `row 2501, column "ds": 2498 follows 2499, expected rising order`)
	rows[2500] = row{2500, math.Inf(1)}
	r = written(t, rows)
	_, err = Read(r, r.Size(), series.Options{})
	require.EqualError(t, err, `row 2501, column "y": +Inf is no finite number`)
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"long", "wide", "int96", "list"} {
		data, err := os.ReadFile("testdata/" + name + ".parquet")
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := Read(bytes.NewReader(data), int64(len(data)), series.Options{Missing: series.Zero})
		if err != nil {
			return
		}
		for _, s := range frame.Series {
			require.Len(t, s.Values, s.Len()*frame.Width())
		}
	})
}
