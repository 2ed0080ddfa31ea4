package table

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

func frame(t *testing.T) *series.Frame {
	f, err := series.ReadCSV(strings.NewReader("unique_id,ds,a,b\n\"x,1\",2024-01-31,1,2\n\"x,1\",2024-02-29,3,4\ny,7,5,6\ny,9,7,8\n"), series.Options{})
	require.NoError(t, err)
	return f
}

// Series come in parts, each in its place, whatever the parts; quantiles stand
// beside their column.
func TestValuesInParts(t *testing.T) {
	f := &lstmattn.Forecast{Batch: 2, Horizon: 2, Features: 2, Values: []float32{1, 10, 2, 20, 3, 30, 4, 40},
		Levels: []float64{.1, .9}, Quantiles: []float32{0, 2, 9, 11, 1, 3, 19, 21, 2, 4, 29, 31, 3, 5, 39, 41}}
	part := func(k int) *lstmattn.Forecast {
		p := *f
		p.Batch, p.Values, p.Quantiles = 1, f.Values[4*k:4*k+4], f.Quantiles[8*k:8*k+8]
		return &p
	}
	const want = `unique_id,ds,a,a_q0.1,a_q0.9,b,b_q0.1,b_q0.9
"x,1",2024-03-31,1,0,2,10,9,11
"x,1",2024-04-30,2,1,3,20,19,21
y,11,3,2,4,30,29,31
y,13,4,3,5,40,39,41
`
	var whole, parts strings.Builder
	v := NewValues(&whole, frame(t), nil)
	require.NoError(t, v.Add(f, 0))
	require.NoError(t, v.Flush())
	require.Equal(t, want, whole.String())
	v = NewValues(&parts, frame(t), nil)
	require.NoError(t, v.Add(part(0), 0))
	require.NoError(t, v.Add(part(1), 1))
	require.NoError(t, v.Flush())
	require.Equal(t, want, parts.String())
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestErrors(t *testing.T) {
	f := &lstmattn.Forecast{Batch: 1, Horizon: 1, Features: 2, Values: []float32{1, 2}}
	require.EqualError(t, NewValues(&strings.Builder{}, frame(t), nil).Add(f, 2), "table: 1 windows from series 2 on, the frame has 2 series")
	require.EqualError(t, NewValues(&strings.Builder{}, frame(t), []float64{.5}).Add(f, 0), "quantile 0.5: lstmattn: a point forecast has no quantiles")
	require.EqualError(t, NewPaths(&strings.Builder{}, frame(t)).Add(f, 0), "table: the forecast has no paths, its strategy was greedy")
	require.EqualError(t, NewAttention(&strings.Builder{}, frame(t)).Add(f, 0), "table: the forecast has no attention weights, they were not asked for")
	v := NewValues(full{}, frame(t), nil)
	require.NoError(t, v.Add(f, 0))
	require.EqualError(t, v.Flush(), "disk full")
}
