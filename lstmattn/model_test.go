package lstmattn

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireReference checks a forecast of all of x against the formula.
func requireReference(t *testing.T, m *Model, x []float32, f *Forecast) {
	t.Helper()
	c, p := m.Config(), m.Params()
	window := c.InputSize * c.NumFeatures
	require.Len(t, f.Values, f.Batch*f.Horizon*c.NumFeatures)
	if c.Attention {
		require.Len(t, f.Attention, f.Batch*c.NumAttentionHeads*f.Horizon*c.InputSize)
	}
	for b := range f.Batch {
		values, weights := refForecast(m, x[b*window:(b+1)*window], nil, f.Horizon, nil)
		for s := range f.Horizon {
			for j := range c.NumFeatures {
				got := float64(f.Values[(b*f.Horizon+s)*c.NumFeatures+j])
				require.InDelta(t, values[s][j]/float64(p.ScalerScale[j]), got/float64(p.ScalerScale[j]), 1e-5,
					"value of window %d, step %d, column %d, in scaled units", b, s, j)
			}
			for a := range len(f.Attention) / (f.Batch * f.Horizon * c.InputSize) {
				got := f.Attention[((b*c.NumAttentionHeads+a)*f.Horizon+s)*c.InputSize:][:c.InputSize]
				var sum float64
				for l, w := range got {
					require.InDelta(t, weights[s][a][l], float64(w), 1e-5, "weight of window %d, head %d, step %d, input %d", b, a, s, l)
					sum += float64(w)
				}
				require.InDelta(t, 1, sum, 1e-5)
			}
		}
	}
}

func TestForecastIsTheFormula(t *testing.T) {
	cases := map[string]struct {
		change  func(*Config)
		batch   int
		horizon int
	}{
		"small":            {func(*Config) {}, 2, 0},
		"batch 1":          {func(*Config) {}, 1, 0},
		"batch 4":          {func(*Config) {}, 4, 0},
		"batch 8":          {func(*Config) {}, 8, 0},
		"batch 16":         {func(*Config) {}, 16, 0},
		"1 feature":        {func(c *Config) { c.NumFeatures = 1 }, 2, 0},
		"5 features":       {func(c *Config) { c.NumFeatures = 5 }, 2, 0},
		"1 head":           {func(c *Config) { c.NumAttentionHeads = 1 }, 2, 0},
		"2 heads":          {func(c *Config) { c.NumAttentionHeads = 2 }, 2, 0},
		"8 heads":          {func(c *Config) { c.HiddenSize, c.NumAttentionHeads = 16, 8 }, 2, 0},
		"12 heads":         {func(c *Config) { c.NumAttentionHeads = 12 }, 2, 0},
		"1 layer":          {func(c *Config) { c.NumEncoderLayers, c.NumDecoderLayers = 1, 1 }, 2, 0},
		"3 and 1 layers":   {func(c *Config) { c.NumEncoderLayers, c.NumDecoderLayers = 3, 1 }, 2, 0},
		"1 and 3 layers":   {func(c *Config) { c.NumEncoderLayers, c.NumDecoderLayers = 1, 3 }, 2, 0},
		"4 and 4 layers":   {func(c *Config) { c.NumEncoderLayers, c.NumDecoderLayers = 4, 4 }, 2, 0},
		"100 in, 50 out":   {func(c *Config) { c.InputSize, c.Horizon = 100, 50 }, 1, 0},
		"unidirectional":   {func(c *Config) { c.Bidirectional = false }, 2, 0},
		"one way, 3 and 2": {func(c *Config) { c.Bidirectional = false; c.NumEncoderLayers = 3 }, 2, 0},
		"one way, 2 and 3": {func(c *Config) { c.Bidirectional = false; c.NumDecoderLayers = 3 }, 2, 0},
		"no layer norm":    {func(c *Config) { c.LayerNorm = false }, 2, 0},
		"last":             {func(c *Config) { c.Normalization = NormalizationLast }, 2, 0},
		"mean_std":         {func(c *Config) { c.Normalization = NormalizationMeanStd }, 2, 0},
		"robust":           {func(c *Config) { c.Normalization = NormalizationRobust }, 2, 0},
		"shorter horizon":  {func(*Config) {}, 2, 1},
		"longer horizon":   {func(*Config) {}, 2, 17},
		"smallest":         {func(c *Config) { *c = smallest() }, 1, 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := small()
			tc.change(&c)
			m := randomModel(t, c, 5)
			x := windows(m, tc.batch, c.InputSize, 3)
			given := append([]float32(nil), x...)
			f, err := m.Forecast(context.Background(), x, &Options{Horizon: tc.horizon, Attention: true})
			require.NoError(t, err)
			require.Equal(t, given, x, "the input is left alone")
			requireReference(t, m, x, f)
		})
	}
}

// forms are configurations of every option that changes the model's form, alone
// and together.
var forms = map[string]func(*Config){
	"segments":             func(c *Config) { c.InputSize, c.Segment = 12, 3 },
	"segments, one column": func(c *Config) { c.InputSize, c.Segment, c.NumFeatures, c.Bidirectional = 12, 2, 1, false },
	"folded":               func(c *Config) { c.Channels = ChannelsFolded },
	"folded, embedded":     func(c *Config) { c.Channels, c.ChannelEmbedding = ChannelsFolded, 5 },
	"folded segments":      func(c *Config) { c.InputSize, c.Segment, c.Channels, c.ChannelEmbedding = 12, 3, ChannelsFolded, 5 },
	"no attention":         func(c *Config) { c.Attention = false },
	"direct":               func(c *Config) { c.Decoding = DecodingDirect },
	"direct, no attention": func(c *Config) { c.Decoding, c.Attention, c.LayerNorm = DecodingDirect, false, false },
	"skip":                 func(c *Config) { c.LinearSkip = true },
	"folded skip":          func(c *Config) { c.LinearSkip, c.Channels, c.Normalization = true, ChannelsFolded, NormalizationRobust },
	"segments, skip, no attention": func(c *Config) {
		c.InputSize, c.Segment, c.LinearSkip, c.Attention, c.Normalization = 12, 2, true, false, NormalizationLast
	},
	"SegRNN": func(c *Config) {
		c.InputSize, c.Segment, c.Channels, c.ChannelEmbedding, c.Decoding = 12, 3, ChannelsFolded, 4, DecodingDirect
		c.Normalization, c.Bidirectional, c.Attention, c.LayerNorm, c.NumEncoderLayers, c.NumDecoderLayers = NormalizationLast, false, false, false, 1, 1
	},
	"everything": func(c *Config) {
		c.InputSize, c.Segment, c.Channels, c.ChannelEmbedding, c.Decoding, c.LinearSkip = 12, 3, ChannelsFolded, 5, DecodingDirect, true
		c.Normalization = NormalizationMeanStd
	},
	"mixed, everything": func(c *Config) {
		c.InputSize, c.Segment, c.Decoding, c.LinearSkip, c.NumDecoderLayers = 12, 3, DecodingDirect, true, 3
	},
}

func TestFormsAreTheFormula(t *testing.T) {
	for name, change := range forms {
		t.Run(name, func(t *testing.T) {
			c := small()
			change(&c)
			m := randomModel(t, c, 5)
			for _, horizon := range []int{c.Horizon, 2} {
				x := windows(m, 3, c.InputSize, 3)
				f, err := m.Forecast(context.Background(), x, &Options{Horizon: horizon, Attention: c.Attention})
				require.NoError(t, err)
				requireReference(t, m, x, f)
			}
		})
	}
}

// smallest is every size 1.
func smallest() Config {
	c := DefaultConfig(1)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumEncoderLayers, c.NumDecoderLayers, c.NumAttentionHeads = 1, 1, 1, 1, 1, 1
	return c
}

func TestDifferentWindowsGiveDifferentForecasts(t *testing.T) {
	m := randomModel(t, small(), 1)
	x := windows(m, 2, 11, 9)
	f, err := m.Forecast(context.Background(), x, nil)
	require.NoError(t, err)
	half := len(f.Values) / 2
	require.NotEqual(t, f.Values[:half], f.Values[half:])
	require.Nil(t, f.Attention)
	for _, v := range f.Values {
		require.False(t, math.IsNaN(float64(v)) || math.IsInf(float64(v), 0))
	}
}

func TestSeedDecidesTheParameters(t *testing.T) {
	one, err := New(small(), 42)
	require.NoError(t, err)
	same, err := New(small(), 42)
	require.NoError(t, err)
	other, err := New(small(), 43)
	require.NoError(t, err)
	require.Equal(t, one.Params().Data, same.Params().Data)
	require.NotEqual(t, one.Params().Data, other.Params().Data)
}

// The initial distributions are PyTorch's: bounds reached nearly, never
// passed, and centred.
func TestInitialDistributions(t *testing.T) {
	c := DefaultConfig(7)
	c.HiddenSize = 64
	m, err := New(c, 1)
	require.NoError(t, err)
	bounds := map[string]float64{
		"encoder.weight_ih_l0": 1. / 8, "encoder.bias_hh_l1_reverse": 1. / 8, "decoder.weight_ih_l0": 1. / 8,
		"bridge_h.1.weight": 1 / math.Sqrt(128), "bridge_c.0.bias": 1 / math.Sqrt(128),
		"attention.q_proj_weight": math.Sqrt(6. / 128), "attention.k_proj_weight": math.Sqrt(6. / 192),
		"attention.out_proj.weight": 1. / 8, "output.weight": 1. / 8,
	}
	for name, bound := range bounds {
		var low, high, sum float64
		view := m.Params().View(name)
		for _, v := range view {
			low, high, sum = math.Min(low, float64(v)), math.Max(high, float64(v)), sum+float64(v)
		}
		require.LessOrEqual(t, high, bound*1.000001, name)
		require.GreaterOrEqual(t, low, -bound*1.000001, name)
		require.Greater(t, high, bound*.9, name)
		require.Less(t, low, -bound*.9, name)
		require.InDelta(t, 0, sum/float64(len(view))/bound, .3, name)
	}
	for _, v := range m.Params().View("norm.weight") {
		require.Equal(t, float32(1), v)
	}
	for _, name := range []string{"norm.bias", "attention.in_proj_bias", "attention.out_proj.bias"} {
		for _, v := range m.Params().View(name) {
			require.Zero(t, v, name)
		}
	}
}

// The number of parameters, from PyTorch's formulas for its modules.
func TestNumParameters(t *testing.T) {
	count := func(c Config) int {
		H, F, D := c.HiddenSize, c.NumFeatures, 1
		if c.Bidirectional {
			D = 2
		}
		lstm := func(in, layers, directions int) (n int) {
			for range layers {
				n += directions * (4*H*in + 4*H*H + 8*H)
				in = directions * H
			}
			return n
		}
		n := lstm(F, c.NumEncoderLayers, D) + lstm(F+H, c.NumDecoderLayers, 1)
		if D == 2 {
			n += 2 * c.NumDecoderLayers * (2*H*H + H)
		}
		n += H*H + 2*H*D*H + 3*H + H*H + H // q; k and v; in_proj_bias; out_proj
		if c.LayerNorm {
			n += 2 * H
		}
		return n + F*H + F
	}
	for _, change := range []func(*Config){
		func(*Config) {}, func(c *Config) { *c = DefaultConfig(1) }, func(c *Config) { *c = smallest() },
		func(c *Config) { c.Bidirectional = false }, func(c *Config) { c.LayerNorm = false },
		func(c *Config) { c.NumEncoderLayers, c.NumDecoderLayers = 4, 1 },
	} {
		c := small()
		change(&c)
		m, err := New(c, 1)
		require.NoError(t, err)
		require.Equal(t, count(c), m.NumParameters())
	}
	m, err := New(smallest(), 1)
	require.NoError(t, err)
	// encoder 2*16, bridges 2*3, decoder 4*2+4+8, q k v 1+2+2, biases 3, out 2, norm 2, output 2
	require.Equal(t, 32+6+20+5+3+2+2+2, m.NumParameters())
}

func TestFromParamsRefusesOthers(t *testing.T) {
	p, err := NewParams(small())
	require.NoError(t, err)
	other := small()
	other.LayerNorm = false
	_, err = FromParams(other, p)
	require.EqualError(t, err, "lstmattn: 42 parameters given, the configuration has 40")
	other = small()
	other.NumFeatures = 2
	_, err = FromParams(other, p)
	require.EqualError(t, err, "lstmattn: parameter 0 is encoder.weight_ih_l0 [48 3], the configuration has encoder.weight_ih_l0 [48 2]")
	p.ScalerScale[1] = 0
	_, err = FromParams(small(), p)
	require.EqualError(t, err, "lstmattn: the scaler's scale of column 1 is 0, must be a positive finite number")
	p.ScalerMean[2] = float32(math.NaN())
	p.ScalerScale[1] = 1
	_, err = FromParams(small(), p)
	require.EqualError(t, err, "lstmattn: the scaler's mean of column 2 is NaN, must be a finite number")

	m, err := New(small(), 1)
	require.NoError(t, err)
	require.EqualError(t, m.SetScaler([]float32{1}, []float32{1}), "lstmattn: the scaler has 1 means and 1 scales, num_features is 3")
	_, err = New(Config{}, 1)
	require.ErrorContains(t, err, "config: input_size is 0")
}

func ExampleModel_Forecast() {
	cfg := DefaultConfig(1)
	cfg.InputSize, cfg.Horizon, cfg.HiddenSize = 48, 12, 32
	model, err := New(cfg, 42)
	if err != nil {
		panic(err)
	}
	lastTwoDays := make([]float32, 48)
	for hour := range lastTwoDays {
		lastTwoDays[hour] = float32(20 + 5*math.Sin(2*math.Pi*float64(hour)/24))
	}
	forecast, err := model.Forecast(context.Background(), lastTwoDays, &Options{Horizon: 6, Attention: true})
	if err != nil {
		panic(err)
	}
	fmt.Println(len(forecast.Values), "values,", len(forecast.Attention), "attention weights")
	// Output: 6 values, 2304 attention weights
}
