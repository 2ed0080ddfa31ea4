package lstmattn

import (
	"context"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel"
)

func mustForecast(t *testing.T, m *Model, x []float32, o *Options) *Forecast {
	t.Helper()
	f, err := m.Forecast(context.Background(), x, o)
	require.NoError(t, err)
	return f
}

func TestSameRunSameBits(t *testing.T) {
	m := randomModel(t, small(), 2)
	x := windows(m, 5, 11, 1)
	want := mustForecast(t, m, x, &Options{Attention: true})
	state := &State{}
	mustForecast(t, m, x[:33], &Options{State: state}) // leaves another batch's layout and numbers behind
	for _, o := range []*Options{
		{}, {State: state}, {State: state}, {Pool: kernel.NewPool(1)}, {Pool: kernel.NewPool(3)},
	} {
		o.Attention = true
		require.Equal(t, want, mustForecast(t, m, x, o))
	}
}

// One State may serve models of other sizes in turn.
func TestStateServesAnyModel(t *testing.T) {
	other := small()
	other.HiddenSize, other.NumEncoderLayers, other.Bidirectional, other.Normalization = 20, 3, false, NormalizationRobust
	state := &State{}
	for range 2 {
		configs := []Config{small(), other}
		for _, name := range []string{"everything", "segments", "SegRNN"} {
			c := small()
			forms[name](&c)
			configs = append(configs, c)
		}
		for _, c := range configs {
			m := randomModel(t, c, 2)
			x := windows(m, 2, c.InputSize, 1)
			require.Equal(t, mustForecast(t, m, x, nil), mustForecast(t, m, x, &Options{State: state}))
		}
	}
}

// A window's forecast does not depend on what it is batched with, and a longer
// horizon begins with the shorter one.
func TestForecastOfAWindowStandsAlone(t *testing.T) {
	m := randomModel(t, small(), 2)
	n := forecastBatch + 3
	x := windows(m, n, 11, 1)
	all := mustForecast(t, m, x, &Options{Attention: true})
	for _, b := range []int{0, 1, forecastBatch - 1, forecastBatch, n - 1} {
		one := mustForecast(t, m, x[b*33:(b+1)*33], &Options{Attention: true, Horizon: 9})
		require.InDeltaSlice(t, one.Values[:15], all.Values[b*15:(b+1)*15], 1e-4)
		for h := range 4 {
			require.InDeltaSlice(t, one.Attention[h*99:][:55], all.Attention[(b*4+h)*55:][:55], 1e-5)
		}
	}
}

// Direct decoding works on some windows at a time, however many there are.
func TestDirectForecastOfAWindowStandsAlone(t *testing.T) {
	c := segRNN(96, 24, 8, 4)
	m := randomModel(t, c, 2)
	n := c.windowsAtOnce(24) + 3
	require.Less(t, n, forecastBatch)
	x := windows(m, n, 96, 1)
	all := mustForecast(t, m, x, nil)
	for _, b := range []int{0, n - 4, n - 3, n - 1} {
		one := mustForecast(t, m, x[b*96*7:(b+1)*96*7], &Options{Horizon: 22})
		require.InDeltaSlice(t, one.Values, all.Values[b*24*7:][:22*7], 1e-4)
	}
}

func TestManyGoroutines(t *testing.T) {
	m := randomModel(t, small(), 2)
	x := windows(m, 8, 11, 1)
	var want [8]*Forecast
	for b := range want {
		want[b] = mustForecast(t, m, x[:(b+1)*33], &Options{Attention: b%2 == 0, Horizon: 1 + b})
	}
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for i := range 10 {
				b := (g + i) % 8
				f, err := m.Forecast(context.Background(), x[:(b+1)*33], &Options{Attention: b%2 == 0, Horizon: 1 + b})
				if err != nil || !equalForecasts(want[b], f) {
					t.Errorf("batch %d: %v", b+1, err)
				}
			}
		})
	}
	group.Wait()
}

func equalForecasts(a, b *Forecast) bool {
	return equalBits(a.Values, b.Values) && equalBits(a.Attention, b.Attention)
}

func equalBits(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}

func TestNaNStaysInItsWindow(t *testing.T) {
	m := randomModel(t, small(), 2)
	x := windows(m, 2, 11, 1)
	want := mustForecast(t, m, x, nil)
	x[7] = float32(math.NaN())
	got := mustForecast(t, m, x, nil)
	require.Equal(t, want.Values[15:], got.Values[15:])
	for _, v := range got.Values[:15] {
		require.True(t, math.IsNaN(float64(v)))
	}
}

func TestForecastRefuses(t *testing.T) {
	m := randomModel(t, small(), 2)
	x := windows(m, 2, 11, 1)
	ctx := context.Background()
	for _, tc := range []struct {
		x    []float32
		o    Options
		want string
	}{
		{nil, Options{}, "lstmattn: x has 0 elements, expected a multiple of 33, input_size 11 times num_features 3"},
		{x[:40], Options{}, "lstmattn: x has 40 elements, expected a multiple of 33, input_size 11 times num_features 3"},
		{x, Options{Horizon: -1}, "lstmattn: the horizon is -1, must be between 1 and 1048576"},
		{x, Options{Horizon: 1 << 30}, "lstmattn: the horizon is 1073741824, must be between 1 and 1048576"},
	} {
		_, err := m.Forecast(ctx, tc.x, &tc.o)
		require.EqualError(t, err, tc.want)
	}
	for _, tc := range []struct {
		form, want string
		o          Options
	}{
		{"direct", "lstmattn: the horizon is 6, direct decoding learnt 5 steps", Options{Horizon: 6}},
		{"skip", "lstmattn: the horizon is 6, linear_skip learnt 5 steps", Options{Horizon: 6}},
		{"no attention", "lstmattn: attention weights are asked for, the configuration's attention is false", Options{Attention: true}},
	} {
		c := small()
		forms[tc.form](&c)
		_, err := randomModel(t, c, 1).Forecast(ctx, x, &tc.o)
		require.EqualError(t, err, tc.want)
	}
	c := small()
	c.InputSize = 2000
	big := randomModel(t, c, 1)
	_, err := big.Forecast(ctx, windows(big, 1, 2000, 1), &Options{Horizon: 1 << 20, Attention: true})
	require.EqualError(t, err, "lstmattn: 1 windows over 1048576 steps give 8.39e+09 values and attention weights, at most 4294967296 are supported")
}

func TestCancel(t *testing.T) {
	m := randomModel(t, small(), 2)
	x := windows(m, 2, 11, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := m.Forecast(ctx, x, nil)
	require.ErrorIs(t, err, context.Canceled)

	// The whole takes half a minute. Of a few tries the quickest counts: the
	// machine that tests run on is shared.
	quickest := time.Hour
	for try := 0; try < 5 && quickest > 2*time.Second; try++ {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		began := time.Now()
		_, err := m.Forecast(ctx, x, &Options{Horizon: 1 << 20})
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		quickest = min(quickest, time.Since(began))
	}
	require.Less(t, quickest, 2*time.Second)

	require.Equal(t, 30, len(mustForecast(t, m, x, nil).Values), "the model works on")
}

// target is what a teacher shows: T steps after the windows.
func forcedSetting(t *testing.T, change func(*Config)) (m *Model, x, target []float32) {
	c := small()
	c.Normalization = NormalizationMeanStd
	change(&c)
	m = randomModel(t, c, 4)
	return m, windows(m, 2, 11, 1), windows(m, 2, 6, 8)
}

func forward(t *testing.T, m *Model, x, target []float32, o ForwardOptions) *Forecast {
	t.Helper()
	f, err := m.Forward(context.Background(), x, target, &o)
	require.NoError(t, err)
	return f
}

func TestForwardWithoutForcingIsForecast(t *testing.T) {
	m, x, target := forcedSetting(t, func(*Config) {})
	want := mustForecast(t, m, x, &Options{Horizon: 6, Attention: true})
	require.Equal(t, want, forward(t, m, x, target, ForwardOptions{Options: Options{Attention: true}, Seed: 9}))
}

// With ratio 1 each step reads the target before it.
func TestForwardWithTargetsIsTheFormula(t *testing.T) {
	for _, kind := range []Normalization{NormalizationNone, NormalizationLast, NormalizationMeanStd, NormalizationRobust} {
		m, x, target := forcedSetting(t, func(c *Config) { c.Normalization = kind })
		f := forward(t, m, x, target, ForwardOptions{TeacherForcing: 1})
		for b := range 2 {
			all := []bool{true, true, true, true, true, true}
			values, _ := refForecast(m, x[b*33:(b+1)*33], target[b*18:(b+1)*18], 6, all)
			for s := range 6 {
				for j := range 3 {
					scale := float64(m.Params().ScalerScale[j])
					require.InDelta(t, values[s][j]/scale, float64(f.Values[(b*6+s)*3+j])/scale, 1e-5)
				}
			}
		}
	}
}

func TestForwardIsDecidedByItsSeed(t *testing.T) {
	m, x, target := forcedSetting(t, func(c *Config) { c.Dropout = .3; c.NumEncoderLayers, c.NumDecoderLayers = 3, 3 })
	half := ForwardOptions{TeacherForcing: .5, Seed: 3}
	first := forward(t, m, x, target, half)
	require.Equal(t, first, forward(t, m, x, target, half))
	distinct := map[float32]bool{}
	for seed := range uint64(20) {
		distinct[forward(t, m, x, target, ForwardOptions{TeacherForcing: .5, Seed: seed}).Values[17]] = true
	}
	require.Greater(t, len(distinct), 5, "the draws differ between seeds")

	dropped := ForwardOptions{Dropout: true, Seed: 3}
	with := forward(t, m, x, target, dropped)
	require.Equal(t, with, forward(t, m, x, target, dropped))
	require.NotEqual(t, with, forward(t, m, x, target, ForwardOptions{Dropout: true, Seed: 4}))
	require.NotEqual(t, with, forward(t, m, x, target, ForwardOptions{}))
	require.Equal(t, mustForecast(t, m, x, &Options{Horizon: 6}), forward(t, m, x, target, ForwardOptions{}), "dropout leaves nothing behind")
}

// Dropout keeps the mean and zeroes its share.
func TestDropout(t *testing.T) {
	d := &dropout{.25, stream(1, "dropout")}
	v := make([]float32, 100000)
	kernel.Fill(v, 2)
	mask := make([]float32, len(v))
	d.apply(v, v, mask)
	var zeros, sum float64
	for i, e := range v {
		require.Equal(t, e, 2*mask[i])
		if e == 0 {
			zeros++
		} else {
			require.InDelta(t, 2/.75, float64(e), 1e-6)
		}
		sum += float64(e)
	}
	require.InDelta(t, .25, zeros/1e5, .01)
	require.InDelta(t, 2, sum/1e5, .05)
}

func TestForwardRefuses(t *testing.T) {
	m, x, target := forcedSetting(t, func(*Config) {})
	for _, tc := range []struct {
		target []float32
		o      ForwardOptions
		want   string
	}{
		{nil, ForwardOptions{}, "lstmattn: target has 0 elements, expected a multiple of 6 for 2 windows of 3 features"},
		{target[:35], ForwardOptions{}, "lstmattn: target has 35 elements, expected a multiple of 6 for 2 windows of 3 features"},
		{target, ForwardOptions{Options: Options{Horizon: 7}}, "lstmattn: target has 6 steps, horizon is 7"},
		{target, ForwardOptions{TeacherForcing: 2}, "lstmattn: the teacher forcing ratio is 2, must be between 0 and 1"},
	} {
		_, err := m.Forward(context.Background(), x, tc.target, &tc.o)
		require.EqualError(t, err, tc.want)
	}
}
