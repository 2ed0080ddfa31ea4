package lstmattn

import (
	"context"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel"
)

// distributions are models of every head that has a distribution, in the forms
// that decode differently.
func distributions() map[string]Config {
	all := heads(small())
	for name, c := range all {
		if c.Head == HeadPoint {
			delete(all, name)
		}
	}
	return all
}

func trajectoriesOf(t *testing.T, m *Model, b *Batch, strategy Strategy, paths int, seed uint64) *Forecast {
	t.Helper()
	o := optionsOf(b)
	o.Strategy, o.Paths, o.Seed = strategy, paths, seed
	f, err := m.Forecast(context.Background(), b.X, o)
	require.NoError(t, err)
	return f
}

// density is the logarithm of the density that a forecast by the target itself
// gives window 0's target, of values scaled by column.
func density(t *testing.T, m *Model, f *Forecast, target []float32) (sum float64) {
	t.Helper()
	for i, v := range target {
		scale := float64(m.Params().ScalerScale[i%f.Features])
		if m.config.Head != HeadQuantile {
			d := Distribution{Location: float64(f.Values[i]), Scale: float64(f.Scale[i])}
			if f.DF != nil {
				d.DF = float64(f.DF[i])
			}
			sum += d.LogDensity(float64(v)) + math.Log(scale)
			continue
		}
		q := piece(f.Quantiles, i, len(f.Levels))
		hi := 1
		for hi < len(q)-1 && q[hi] < v {
			hi++
		}
		sum += math.Log((f.Levels[hi] - f.Levels[hi-1]) / float64(q[hi]-q[hi-1]) * scale)
	}
	return sum
}

// The likelihood of a trajectory is what the model gives it when it is shown the
// trajectory as it goes: every path and beam reads its own values and no other's.
func TestLikelihoodOfTrajectories(t *testing.T) {
	for name, c := range distributions() {
		t.Run(name, func(t *testing.T) {
			m := randomModel(t, c, 5)
			// Larger weights, so that states and contexts make a difference, as large as
			// float32 allows.
			larger, tolerance := float32(2), 2e-4
			if c.Head == HeadGaussian {
				larger, tolerance = 4, 1e-3
			}
			for i := range m.Params().Data {
				m.Params().Data[i] *= larger
			}
			require.NoError(t, m.Pack())
			const batch, paths = 2, 4
			b := covariates(m, &Batch{Size: batch, X: windows(m, batch, c.InputSize, 3)}, c.Horizon)
			for _, strategy := range []Strategy{Sample, Beam} {
				if strategy == Beam && c.Head == HeadQuantile {
					continue // the density at a quantile is of both sides
				}
				f := trajectoriesOf(t, m, b, strategy, paths, 3)
				row := c.Horizon * c.NumFeatures
				for w := range batch {
					for j := range paths {
						path := piece(f.Samples, w*paths+j, row)
						part := b.part(&c, c.Horizon, w, w+1)
						shown, err := m.Forward(context.Background(), part.X, path, &ForwardOptions{Options: *optionsOf(part), TeacherForcing: 1})
						require.NoError(t, err)
						want := density(t, m, shown, path)
						require.InDelta(t, want, f.LogLikelihood[w*paths+j], tolerance*math.Max(1, math.Abs(want)), "%s %d of window %d", strategy, j, w)
					}
				}
			}
		})
	}
}

func TestPathsAreDecidedByTheirSeed(t *testing.T) {
	m := randomModel(t, withHead(small(), HeadStudentT), 5)
	n := 9
	b := &Batch{Size: n, X: windows(m, n, 11, 3)}
	one := trajectoriesOf(t, m, b, Sample, 20, 7)
	require.Equal(t, one, trajectoriesOf(t, m, b, Sample, 20, 7))
	require.NotEqual(t, one.Samples, trajectoriesOf(t, m, b, Sample, 20, 8).Samples)
	again, err := m.Forecast(context.Background(), b.X, &Options{Strategy: Sample, Paths: 20, Seed: 7, Pool: kernel.NewPool(3), State: &State{}})
	require.NoError(t, err)
	require.Equal(t, one, again)
	distinct := map[float32]bool{}
	for _, v := range one.Samples {
		distinct[v] = true
	}
	require.Greater(t, len(distinct), len(one.Samples)*99/100)

	// A window's first paths do not depend on how many windows follow.
	first, err := m.Forecast(context.Background(), b.X[:33], &Options{Strategy: Sample, Paths: 20, Seed: 7})
	require.NoError(t, err)
	require.InDeltaSlice(t, first.Samples, one.Samples[:len(first.Samples)], 1e-3)
}

// At the first step the paths follow the distribution that greedy decoding gives,
// and their quantiles approach its.
func TestPathsFollowTheDistribution(t *testing.T) {
	for _, kind := range []Head{HeadQuantile, HeadGaussian, HeadStudentT} {
		m := randomModel(t, withHead(small(), kind), 5)
		b := &Batch{Size: 1, X: windows(m, 1, 11, 3)}
		const n = 6000
		greedy, paths := mustForecast(t, m, b.X, nil), trajectoriesOf(t, m, b, Sample, n, 3)
		for _, level := range []float64{.1, .3, .5, .9} {
			want, err := greedy.Quantile(level)
			require.NoError(t, err)
			got, err := paths.Quantile(level)
			require.NoError(t, err)
			for f := range 3 {
				var below float64
				for j := range n {
					if paths.Samples[j*15+f] < want[f] {
						below++
					}
				}
				require.InDelta(t, level, below/n, 4*math.Sqrt(level*(1-level)/n), "%s at %v", kind, level)
				wide, err := greedy.Quantile(.9)
				require.NoError(t, err)
				require.InDelta(t, want[f], got[f], .1*math.Abs(float64(wide[f]-greedy.Values[f])))
			}
		}
		require.Equal(t, paths.Values, func() []float32 { q, _ := paths.Quantile(.5); return q }())
	}
}

func TestOneBeamIsGreedy(t *testing.T) {
	for name, c := range distributions() {
		if c.Head == HeadQuantile {
			continue
		}
		m := randomModel(t, c, 5)
		b := covariates(m, &Batch{Size: 2, X: windows(m, 2, c.InputSize, 3)}, c.Horizon)
		greedy, err := m.Forecast(context.Background(), b.X, optionsOf(b))
		require.NoError(t, err)
		beam := trajectoriesOf(t, m, b, Beam, 1, 0)
		require.Equal(t, greedy.Values, beam.Samples, name)
		require.Equal(t, greedy.Values, beam.Values, name)
	}
}

// A wider search finds what a narrower one does, and more.
func TestWiderBeams(t *testing.T) {
	for name, c := range distributions() {
		m := randomModel(t, c, 5)
		b := covariates(m, &Batch{Size: 1, X: windows(m, 1, c.InputSize, 3)}, c.Horizon)
		best := math.Inf(-1)
		for _, width := range []int{1, 2, 3, 7} {
			f := trajectoriesOf(t, m, b, Beam, width, 0)
			if c.Channels == ChannelsMixed {
				require.GreaterOrEqual(t, f.LogLikelihood[0], best-1e-3, "%s, %d beams, but for rounding", name, width)
			}
			best = f.LogLikelihood[0]
			require.True(t, slices.IsSortedFunc(f.LogLikelihood, func(a, b float64) int {
				if a > b {
					return -1
				}
				return 1
			}), "%s: the best first: %v", name, f.LogLikelihood)
			seen := map[string]bool{}
			for j := range width {
				key := ""
				for _, v := range piece(f.Samples, j, len(f.Values)) {
					key += string(rune(math.Float32bits(v)>>16)) + string(rune(math.Float32bits(v)&0xffff))
				}
				seen[key] = true
			}
			require.Len(t, seen, width, "%s: the trajectories differ", name)
		}
	}
}

// As wide as there are trajectories, the search finds each, the best of all first.
func TestBeamsFindEveryTrajectory(t *testing.T) {
	c := withHead(smallest(), HeadGaussian)
	c.Horizon, c.HiddenSize = 2, 3
	m := randomModel(t, c, 5)
	b := &Batch{Size: 1, X: windows(m, 1, 1, 3)}
	f := trajectoriesOf(t, m, b, Beam, 81, 0)
	best := math.Inf(-1)
	for range 1 { // every first value, with every second by the distribution after it
		first := mustForecast(t, m, b.X, nil)
		d := Distribution{Location: float64(first.Values[0]), Scale: float64(first.Scale[0])}
		for _, p := range beamLevels {
			v := float32(d.Quantile(p))
			shown, err := m.Forward(context.Background(), b.X, []float32{v, 0}, &ForwardOptions{TeacherForcing: 1})
			require.NoError(t, err)
			best = max(best, density(t, m, shown, []float32{v, shown.Values[1]}))
		}
	}
	require.InDelta(t, best, f.LogLikelihood[0], 1e-4)
	distinct := map[[2]float32]bool{}
	for j := range 81 {
		distinct[[2]float32(f.Samples[2*j:2*j+2])] = true
	}
	require.Len(t, distinct, 81)

	_, err := m.Forecast(context.Background(), b.X, &Options{Strategy: Beam, Paths: 82})
	require.EqualError(t, err, "lstmattn: paths is 82, beams over 2 steps have 81 trajectories")
}

func TestStrategiesRefused(t *testing.T) {
	ctx := context.Background()
	gaussian := randomModel(t, withHead(small(), HeadGaussian), 1)
	point := randomModel(t, small(), 1)
	one := small()
	one.Head, one.Quantiles = HeadQuantile, []float64{.5}
	x := windows(point, 1, 11, 1)
	for _, tc := range []struct {
		m    *Model
		o    Options
		want string
	}{
		{gaussian, Options{Strategy: "best"}, `lstmattn: the strategy is "best", must be greedy, sample or beam`},
		{gaussian, Options{Paths: 3}, "lstmattn: paths is 3, greedy decoding has none"},
		{gaussian, Options{Strategy: Sample}, "lstmattn: paths is 0, must be between 1 and 65536"},
		{gaussian, Options{Strategy: Beam, Paths: 2, Attention: true}, "lstmattn: attention weights are of greedy decoding, the strategy is beam"},
		{point, Options{Strategy: Sample, Paths: 2}, "lstmattn: the strategy is sample, a point head has no distribution"},
		{randomModel(t, one, 1), Options{Strategy: Beam, Paths: 2}, "lstmattn: the strategy is beam, one quantile is no distribution"},
	} {
		_, err := tc.m.Forecast(ctx, x, &tc.o)
		require.EqualError(t, err, tc.want)
	}
	f := mustForecast(t, point, x, nil)
	_, err := f.Quantile(.5)
	require.EqualError(t, err, "lstmattn: a point forecast has no quantiles")
	f = mustForecast(t, randomModel(t, withHead(small(), HeadQuantile), 1), x, nil)
	_, err = f.Quantile(.05)
	require.EqualError(t, err, "lstmattn: the level is 0.05, the forecast's quantiles are from 0.1 to 0.9")
	_, err = f.Quantile(1)
	require.EqualError(t, err, "lstmattn: the level is 1, must be above 0 and below 1")
	q, err := f.Quantile(.7)
	require.NoError(t, err)
	require.InDelta(t, (f.Quantiles[1]+f.Quantiles[2])/2, q[0], 1e-5)
}
