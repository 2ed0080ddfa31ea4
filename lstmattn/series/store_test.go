package series

import (
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func mustTime(s string) time.Time {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		panic(err)
	}
	return t
}

// endless writes a long file of rows without holding it, and watches the heap.
type endless struct {
	rows, series int
	row          int
	rest         []byte
	peak         uint64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.row == 0 {
		e.rest = append(e.rest, "unique_id,ds,a,b,c,d\n"...)
	}
	for len(e.rest) < len(p) && e.row < e.rows {
		for s := range e.series {
			e.rest = append(e.rest, 's')
			e.rest = strconv.AppendInt(e.rest, int64(s), 10)
			for _, v := range []int{e.row, e.row, e.row + 1, s, 7} {
				e.rest = append(e.rest, ',')
				e.rest = strconv.AppendInt(e.rest, int64(v), 10)
			}
			e.rest = append(e.rest, '\n')
		}
		if e.row++; e.row%500 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			e.peak = max(e.peak, m.HeapAlloc)
		}
	}
	n := copy(p, e.rest)
	e.rest = append(e.rest[:0], e.rest[n:]...)
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Rows of 16 bytes each, 1.6 MB in all, pass through 64 KB.
func TestStreamStaysWithinItsMemory(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(5)) // leave little garbage about
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	e := &endless{rows: 10_000, series: 10}
	f, err := StreamCSV(e, t.TempDir(), Options{Memory: 1 << 16})
	require.NoError(t, err)
	defer f.Close()
	require.Less(t, e.peak-min(before.HeapAlloc, e.peak), uint64(2<<20))
	require.Len(t, f.Series, 10)
	last := make([]float32, 8)
	require.NoError(t, f.Series[9].Read(last, 9_998))
	require.Equal(t, []float32{9998, 9999, 9, 7, 9999, 10000, 9, 7}, last)
}

// Rows on disk are the rows in memory, with every rule and however few are
// gathered before they are written.
func TestDiskEqualsMemory(t *testing.T) {
	const text = "unique_id,ds,y,z\na,1,,1\na,2,2,\nb,1,,\nb,2,,\na,3,,3\na,4,,\nb,3,7,\na,5,6,5\na,6,,\n"
	for _, rule := range rules[1:] {
		want := read(t, text, Options{Missing: rule})
		for _, memory := range []int{1, 20, 30, 1 << 20} {
			got, err := StreamCSV(strings.NewReader(text), t.TempDir(), Options{Missing: rule, Memory: memory})
			require.NoError(t, err)
			for k, s := range want.Series {
				rows := make([]float32, len(s.Values))
				require.NoError(t, got.Series[k].Read(rows, 0))
				require.InDeltaSlice(t, s.Values, rows, 0, "%s, %d bytes, %s", rule, memory, s)
				last, err := got.Series[k].Last(2)
				require.NoError(t, err)
				require.InDeltaSlice(t, s.Values[len(s.Values)-4:], last, 0)
			}
			require.NoError(t, got.Close())
		}
	}
}

func TestStreamLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	f, err := StreamCSV(strings.NewReader("y\n1\n2\n"), dir, Options{})
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = StreamCSV(strings.NewReader("y\n1\nx\n"), dir, Options{})
	require.EqualError(t, err, `row 3, column "y": "x" is no finite number`)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}
