package lstmattn

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func withHead(c Config, kind Head) Config {
	c.Head = kind
	if kind == HeadQuantile {
		c.Quantiles = testLevels
	}
	return c
}

// covered is small with covariates of every kind and a window's normalisation.
func covered() Config {
	c := small()
	c.NumPast, c.NumFuture, c.NumStatic, c.Normalization = 2, 4, 1, NormalizationMeanStd
	return c
}

// covariates gives a batch of size windows random covariates for steps ahead.
func covariates(m *Model, b *Batch, steps int) *Batch {
	c, rng := m.Config(), rand.New(rand.NewPCG(5, 6))
	some := func(n int, s Scaler) []float32 {
		v := make([]float32, b.Size*n*len(s.Mean))
		for i := range v {
			k := i % len(s.Mean)
			v[i] = s.Mean[k] + s.Scale[k]*float32(rng.NormFloat64())
		}
		return v
	}
	p := m.Params()
	b.Past, b.Future, b.Static = some(c.InputSize, p.Past), some(c.InputSize+steps, p.Future), some(1, p.Static)
	return b
}

// heads are configurations of every head, with and without covariates, in the
// classic form and in others.
func heads(c Config) map[string]Config {
	all := map[string]Config{"covariates": covered()}
	other := func(name string, kind Head, change func(*Config)) {
		c := withHead(covered(), kind)
		change(&c)
		all[name] = c
	}
	other("segments", HeadGaussian, func(c *Config) { c.InputSize, c.Segment, c.LinearSkip = 12, 3, true })
	other("folded", HeadQuantile, func(c *Config) { c.Channels, c.ChannelEmbedding, c.LinearSkip = ChannelsFolded, 3, true })
	other("direct", HeadStudentT, func(c *Config) { c.Decoding = DecodingDirect })
	other("folded, direct segments", HeadQuantile, func(c *Config) {
		c.InputSize, c.Segment, c.Channels, c.ChannelEmbedding, c.Decoding, c.LinearSkip = 12, 3, ChannelsFolded, 4, DecodingDirect, true
	})
	other("no attention", HeadPoint, func(c *Config) { c.Attention, c.NumPast, c.NumStatic = false, 0, 0 })
	for _, kind := range []Head{HeadQuantile, HeadGaussian, HeadStudentT} {
		all[string(kind)] = withHead(c, kind)
	}
	all["student_t and covariates"] = withHead(covered(), HeadStudentT)
	return all
}

func optionsOf(b *Batch) *Options { return &Options{Past: b.Past, Future: b.Future, Static: b.Static} }

func TestForecastOfHeadsIsTheFormula(t *testing.T) {
	c := small()
	c.Normalization = NormalizationRobust
	for name, c := range heads(c) {
		t.Run(name, func(t *testing.T) {
			m := randomModel(t, c, 5)
			b := covariates(m, &Batch{Size: 3, X: windows(m, 3, c.InputSize, 3)}, c.Horizon)
			f, err := m.Forecast(context.Background(), b.X, optionsOf(b))
			require.NoError(t, err)
			K := c.numbers()
			for w := range b.Size {
				r := refNumbers(m, b.part(&c, c.Horizon, w, w+1), c.Horizon, nil)
				for s := range c.Horizon {
					for j := range c.NumFeatures {
						i := (w*c.Horizon+s)*c.NumFeatures + j
						unit := float64(m.Params().ScalerScale[j])
						raw := func(y float64) float64 {
							return y*r.spread[j] + r.shift[j] + float64(m.Params().ScalerMean[j])/unit
						}
						y := r.numbers[s][j*K : (j+1)*K]
						if c.Head != HeadQuantile {
							require.InDelta(t, raw(y[0]), float64(f.Values[i])/unit, 2e-5)
						}
						switch c.Head {
						case HeadQuantile:
							sorted := slices.Sorted(slices.Values(y))
							for k := range sorted {
								require.InDelta(t, raw(sorted[k]), float64(f.Quantiles[i*K+k])/unit, 2e-5)
							}
							require.Equal(t, f.Quantiles[i*K+1], f.Values[i], "the point forecast is the median")
						case HeadStudentT:
							require.InDelta(t, 2+math.Log1p(math.Exp(y[2])), float64(f.DF[i]), 2e-5)
							fallthrough
						case HeadGaussian:
							require.InDelta(t, (.001+math.Log1p(math.Exp(y[1])))*r.spread[j], float64(f.Scale[i])/unit, 2e-5)
						}
					}
				}
			}
		})
	}
}

// The gradient of every head's own loss, and of all parameters with covariates,
// is that of the formula in float64; some targets are missing, some steps forced.
func TestGradientOfHeadsIsTheDerivativeOfTheFormula(t *testing.T) {
	for name, c := range heads(small()) {
		t.Run(name, func(t *testing.T) {
			m := randomModel(t, c, 4)
			const steps = 4
			b := covariates(m, weighted(m, steps), steps).part(&c, steps, 1, 2)
			loss, head := Loss{Kind: c.Head.OwnLoss()}, c.head()
			grad := m.Params().NewGradient()
			got, err := m.GradientBatch(context.Background(), grad, b, loss, nil)
			require.NoError(t, err)
			want := func() float64 {
				var sum float64
				for w := range b.Size {
					part := b.part(&c, steps, w, w+1)
					r := refNumbers(m, part, steps, nil)
					for i, share := range part.Weight {
						if share > 0 {
							s, f := i/c.NumFeatures, i%c.NumFeatures
							sum += float64(share) * refHeadLoss(head, r.numbers[s][f*head.width:][:head.width], r.goal[s][f], r.spread[f])
						}
					}
				}
				return sum / b.TotalWeight()
			}
			require.InDelta(t, want(), got, 1e-5)
			requireGradient(t, m, grad, want, 1e-3, 3e-4)
		})
	}
}

// refHeadLoss is a head's own loss by its formula.
func refHeadLoss(h *head, y vec, target, spread float64) (loss float64) {
	softplus := func(x float64) float64 { return math.Log1p(math.Exp(x)) }
	switch h.kind {
	case HeadQuantile:
		for k, q := range h.levels {
			d := (target - y[k]) * spread
			loss += math.Max(q*d, (q-1)*d) / float64(len(y))
		}
	case HeadGaussian:
		s := .001 + softplus(y[1])
		loss = math.Pow((target-y[0])/s, 2)/2 + math.Log(s*spread*math.Sqrt(2*math.Pi))
	case HeadStudentT:
		s, v := .001+softplus(y[1]), 2+softplus(y[2])
		loss = math.Log(s*spread*math.Sqrt(v*math.Pi)*math.Gamma(v/2)/math.Gamma((v+1)/2)) + (v+1)/2*math.Log(1+math.Pow((target-y[0])/s, 2)/v)
	default:
		loss = square((target - y[0]) * spread)
	}
	return loss
}

// A missing target is not what the decoder reads under teacher forcing: its own
// value is, with its gradient.
func TestForcingOverMissingTargets(t *testing.T) {
	segments := small()
	segments.InputSize, segments.Segment = 12, 2
	for _, c := range []Config{small(), withHead(small(), HeadQuantile), segments} {
		m := randomModel(t, c, 4)
		b := weighted(m, 4)
		ctx := context.Background()
		grad, scratch := m.Params().NewGradient(), m.Params().NewGradient()
		o := &ForwardOptions{TeacherForcing: 1}
		got, err := m.GradientBatch(ctx, grad, b, Loss{Kind: MSE}, o)
		require.NoError(t, err)
		require.False(t, math.IsNaN(got))
		for _, name := range []string{"encoder.weight_ih_l0", "decoder.weight_ih_l0", "output.weight"} {
			view, g := m.Params().View(name), grad.View(name)
			for i := 0; i < len(view); i += len(view)/5 + 1 {
				loss := func(at float32) float64 {
					view[i] = at
					require.NoError(t, m.Pack())
					l, err := m.GradientBatch(ctx, scratch, b, Loss{Kind: MSE}, o)
					require.NoError(t, err)
					return l
				}
				at := view[i]
				want := (loss(at+.01) - loss(at-.01)) / .02
				view[i] = at
				require.InDelta(t, want, float64(g[i]), 3e-3*math.Max(1, math.Abs(want)), "%s[%d]", name, i)
			}
		}
	}
}

func TestCovariatesRefused(t *testing.T) {
	c := covered()
	m := randomModel(t, c, 4)
	ctx := context.Background()
	b := covariates(m, &Batch{Size: 2, X: windows(m, 2, 11, 1), Target: windows(m, 2, 5, 2)}, 5)
	for _, tc := range []struct {
		o    Options
		want string
	}{
		{Options{Past: b.Past[1:], Future: b.Future, Static: b.Static}, "lstmattn: past has 43 elements, expected 44 for 2 windows with input_size steps of num_past covariates"},
		{Options{Past: b.Past, Static: b.Static}, "lstmattn: future has 0 elements, expected 128 for 2 windows with input_size and horizon steps of num_future covariates"},
		{Options{Past: b.Past, Future: b.Future}, "lstmattn: static has 0 elements, expected 2 for 2 windows with num_static covariates"},
	} {
		_, err := m.Forecast(ctx, b.X, &tc.o)
		require.EqualError(t, err, tc.want)
		_, err = m.Forward(ctx, b.X, b.Target, &ForwardOptions{Options: tc.o})
		require.EqualError(t, err, tc.want)
		_, err = m.GradientBatch(ctx, m.Params().NewGradient(), &Batch{Size: 2, X: b.X, Target: b.Target, Past: tc.o.Past, Future: tc.o.Future, Static: tc.o.Static}, Loss{Kind: MSE}, nil)
		require.EqualError(t, err, tc.want)
	}
	_, err := randomModel(t, small(), 1).Forecast(ctx, b.X, &Options{Static: b.Static})
	require.EqualError(t, err, "lstmattn: static has 2 elements, expected 0 for 2 windows with num_static covariates")

	require.EqualError(t, m.SetCovariateScaler("past", []float32{1}, []float32{1}), "lstmattn: the past covariates' scaler has 1 means and 1 scales, num_past is 2")
	require.EqualError(t, m.SetCovariateScaler("static", []float32{1}, []float32{0}), "lstmattn: the scaler's scale of static covariate 0 is 0, must be a positive finite number")
	require.EqualError(t, m.SetCovariateScaler("target", nil, nil), `lstmattn: the kind of covariates is "target", must be past, future or static`)
	require.NoError(t, m.SetCovariateScaler("static", []float32{3}, []float32{2}))
	require.Equal(t, []float32{3}, m.Params().Static.Mean)
}

func TestHeadsAndCovariatesInConfigurations(t *testing.T) {
	c := withHead(covered(), HeadQuantile)
	c.Calendar, c.FutureNames, c.PastNames, c.StaticNames = []string{"hour_of_day", "day_of_week"}, []string{"wind", "holiday"}, []string{"a", "b"}, []string{"area"}
	data, err := json.Marshal(c)
	require.NoError(t, err)
	var back Config
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, c, back)

	for change, want := range map[string]string{
		`"head": "normal"`:                            `head is "normal", must be point, quantile, gaussian or student_t`,
		`"quantiles": [0.5]`:                          `quantiles has 1 entries, a point head has none`,
		`"head": "quantile"`:                          `quantiles has 0 entries, must have 1 to 1000 for a quantile head`,
		`"head": "quantile", "quantiles": [0.5, 0.5]`: `quantiles has 0.5 after 0.5, must rise`,
		`"head": "quantile", "quantiles": [0, 0.5]`:   `quantiles has 0, must be above 0 and below 1`,
		`"head": "quantile", "quantiles": ["a"]`:      `quantiles is ["a"], expected a list of numbers`,
		`"num_past": -1`:                              `num_past is -1, must be between 0 and 65536`,
		`"calendar": ["hour_of_day"]`:                 `calendar has 1 entries, num_future is 0`,
		`"num_future": 1, "calendar": ["noon"]`:       `calendar has "noon", must be minute_of_hour, hour_of_day, day_of_week, day_of_month, day_of_year, week_of_year or month_of_year`,
		`"num_future": 2, "future_names": ["a", "a"]`: `future_names has "a" twice`,
		`"num_future": 2, "calendar": ["hour_of_day"], "future_names": ["a", "b"]`: `future_names has 2 entries, num_future without the calendar is 1`,
		`"static_names": ["a"]`: `static_names has 1 entries, num_static is 0`,
	} {
		err := json.Unmarshal([]byte(`{"num_features": 1, `+change+`}`), &back)
		require.EqualError(t, err, "config: "+want, change)
	}
}
