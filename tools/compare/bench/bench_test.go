package bench

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fake is a session that takes as long as it says.
type fake struct {
	sleep time.Duration
	out   map[string][]float32
	err   error
}

func (f fake) Run() error                             { time.Sleep(f.sleep); return f.err }
func (f fake) Outputs() (map[string][]float32, error) { return f.out, nil }
func (f fake) Close()                                 {}

func TestTakeTurnsRelatesEachRoundToTheFirst(t *testing.T) {
	stats, err := TakeTurns([]Session{fake{sleep: 6 * time.Millisecond}, fake{sleep: 60 * time.Millisecond}}, 0)
	require.NoError(t, err)
	require.Equal(t, 1.0, stats[0].Ratio)
	require.Greater(t, stats[1].Ratio, 2.0)
	require.GreaterOrEqual(t, stats[1].Median, 60.0)

	broken := errors.New("broken")
	_, err = TakeTurns([]Session{fake{}, fake{err: broken}}, 0)
	require.ErrorIs(t, err, broken)
}

func TestQuantilesAreNearestValues(t *testing.T) {
	times, first := []float64{8, 2, 4, 6, 10}, []float64{2, 2, 2, 2, 2}
	require.Equal(t, Stat{Median: 6, Ratio: 3, Low: 2, High: 4}, statOf(times, first))
	require.Equal(t, []float64{8, 2, 4, 6, 10}, times)
}

func TestLargestDifference(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		got  []float32
		want float64
		err  string
	}{
		{got: []float32{1, 2}, want: 0},
		{got: []float32{1.5, 1}, want: 1},
		{got: []float32{1}, err: `output "y" has 1 elements instead of 2`},
		{got: []float32{1, nan}, err: `output "y", element 1: NaN instead of 2`},
	} {
		d, err := LargestDifference(map[string][]float32{"y": c.got}, map[string][]float32{"y": {1, 2}})
		if c.err != "" {
			require.EqualError(t, err, c.err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, d)
	}
}

// failing panics while it loads.
type failing struct{ with any }

func (f failing) Load(*Task) (Session, error) { panic(f.with) }

func TestAPeersPanicIsItsReason(t *testing.T) {
	_, err := firstRun(failing{"index out of range"}, nil)
	require.EqualError(t, err, "panic: index out of range")
	_, err = firstRun(failing{errors.New("no such operator")}, nil)
	require.EqualError(t, err, "panic: no such operator")
}
