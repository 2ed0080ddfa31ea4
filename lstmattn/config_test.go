package lstmattn

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDefaultConfig(t *testing.T) {
	c := DefaultConfig(7)
	require.NoError(t, c.Validate())
	require.Equal(t, Config{
		InputSize: 168, Horizon: 24, NumFeatures: 7, HiddenSize: 512,
		NumEncoderLayers: 2, NumDecoderLayers: 2, NumAttentionHeads: 8,
		Bidirectional: true, LayerNorm: true, Scaling: "columns", Normalization: "none", Head: "point",
		Segment: 1, Channels: "mixed", Decoding: "autoregressive", Attention: true,
		Dropout: .1, TeacherForcingRatio: .5, GradClip: 1,
	}, c)
}

func TestConfigAsJSON(t *testing.T) {
	c := DefaultConfig(2)
	c.FeatureNames, c.FeatureUnits = []string{"load", "temperature"}, []string{"MW", "°C"}
	c.Normalization = NormalizationRobust
	data, err := json.Marshal(c)
	require.NoError(t, err)
	require.JSONEq(t, `{"model_type": "lstm_attention", "input_size": 168, "horizon": 24, "num_features": 2,
		"hidden_size": 512, "num_encoder_layers": 2, "num_decoder_layers": 2, "num_attention_heads": 8,
		"bidirectional": true, "layer_norm": true, "normalization": "robust", "dropout": 0.1,
		"teacher_forcing_ratio": 0.5, "grad_clip": 1,
		"feature_names": ["load", "temperature"], "feature_units": ["MW", "°C"]}`, string(data))
	var back Config
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, c, back)

	again, err := json.Marshal(DefaultConfig(2))
	require.NoError(t, err)
	require.NotContains(t, string(again), "feature_")
}

// What a file of before these options does not say is the classic form.
func TestFormAsJSON(t *testing.T) {
	c := DefaultConfig(2)
	classic, err := json.Marshal(c)
	require.NoError(t, err)
	c.Scaling = ScalingSeries
	c.Segment, c.Channels, c.ChannelEmbedding, c.Decoding, c.Attention, c.LinearSkip = 24, ChannelsFolded, 8, DecodingDirect, false, true
	require.False(t, c.Classic())
	data, err := json.Marshal(c)
	require.NoError(t, err)
	for _, field := range []string{`"scaling":"series"`, `"segment":24`, `"channels":"folded"`, `"channel_embedding":8`, `"decoding":"direct"`, `"attention":false`, `"linear_skip":true`} {
		require.Contains(t, string(data), field)
		require.NotContains(t, string(classic), field[:strings.Index(field, ":")+1])
	}
	var back Config
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, c, back)
	require.NoError(t, json.Unmarshal(classic, &back))
	require.True(t, back.Classic())
}

func TestConfigFromJSONFillsInDefaults(t *testing.T) {
	var c Config
	require.NoError(t, json.Unmarshal([]byte(`{"num_features": 3, "bidirectional": false, "dropout": 0}`), &c))
	want := DefaultConfig(3)
	want.Bidirectional, want.Dropout = false, 0
	require.Equal(t, want, c)
}

func TestConfigFromJSONRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"num_features": 1, "hiden_size": 4}`:                   `config: unknown field "hiden_size"`,
		`{"num_features": 1, "Horizon": 4}`:                      `config: unknown field "Horizon"`,
		`{"num_features": 1, "horizon": 4, "horizon": 5}`:        `config: field "horizon" is given twice`,
		`{"num_features": 1.5}`:                                  `config: num_features is 1.5, expected an integer`,
		`{"num_features": "a", "dropout": "b", "layer_norm": 1}`: `config: num_features is "a", expected an integer; dropout is "b", expected a number; layer_norm is 1, expected true or false`,
		`{"num_features": 1, "normalization": null}`:             `config: normalization is null, expected a string`,
		`{"num_features": 1, "feature_names": [1]}`:              `config: feature_names is [1], expected a list of strings`,
		`{"num_features": 1, "model_type": "tft"}`:               `config: model_type is "tft", expected "lstm_attention"`,
		`{}`:  `config: num_features is 0, must be between 1 and 1048576`,
		`[1]`: `config: expected an object of fields, found [1]`,
		`{"num_features": 99999999999999999999, "input_size": [` + strings.Repeat("1,", 30) + `1]}`: `config: num_features is 99999999999999999999, expected an integer; input_size is [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1..., expected an integer`,
	} {
		c := DefaultConfig(9)
		err := json.Unmarshal([]byte(text), &c)
		require.EqualError(t, err, want, text)
		require.Equal(t, DefaultConfig(9), c, "an error leaves the value alone")
	}
	var c Config
	require.EqualError(t, c.UnmarshalJSON([]byte(`{"num_features": 1} x`)), "config: not valid JSON: something follows the object")
	require.ErrorContains(t, c.UnmarshalJSON([]byte(`{"num_features": `)), "config: not valid JSON: ")
	require.ErrorContains(t, c.UnmarshalJSON([]byte(`{"num_features": 1`)), "config: not valid JSON: ")
	require.ErrorContains(t, c.UnmarshalJSON(nil), "config: not valid JSON: ")
}

func TestConfigRefuses(t *testing.T) {
	cases := []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.InputSize = 0 }, "input_size is 0, must be between 1 and 1048576"},
		{func(c *Config) { c.InputSize = 1 << 21 }, "input_size is 2097152, must be between 1 and 1048576"},
		{func(c *Config) { c.Horizon = -1 }, "horizon is -1, must be between 1 and 1048576"},
		{func(c *Config) { c.NumFeatures = 0 }, "num_features is 0, must be between 1 and 1048576"},
		{func(c *Config) { c.HiddenSize = 0 }, "hidden_size is 0, must be between 1 and 1048576"},
		{func(c *Config) { c.NumEncoderLayers = 0 }, "num_encoder_layers is 0, must be between 1 and 1024"},
		{func(c *Config) { c.NumDecoderLayers = 2000 }, "num_decoder_layers is 2000, must be between 1 and 1024"},
		{func(c *Config) { c.NumAttentionHeads = 0 }, "num_attention_heads is 0, must be at least 1"},
		{func(c *Config) { c.NumAttentionHeads = 7 }, "num_attention_heads is 7, must divide hidden_size 512"},
		{func(c *Config) { c.Normalization = "" }, `normalization is "", must be none, last, mean_std or robust`},
		{func(c *Config) { c.Normalization = "zscore" }, `normalization is "zscore", must be none, last, mean_std or robust`},
		{func(c *Config) { c.Segment = 0 }, "segment is 0, must be between 1 and 1048576"},
		{func(c *Config) { c.Segment = 48 }, "input_size is 168, must be a multiple of segment 48, such as 144 or 192"},
		{func(c *Config) { c.Segment = 336 }, "input_size is 168, must be a multiple of segment 336, such as 336"},
		{func(c *Config) { c.Segment, c.NumFeatures = 168, 1<<13 }, "segment is 168, which times num_features 8192 must not be above 1048576"},
		{func(c *Config) { c.Channels = "" }, `channels is "", must be mixed or folded`},
		{func(c *Config) { c.Decoding = "greedy" }, `decoding is "greedy", must be autoregressive or direct`},
		{func(c *Config) { c.ChannelEmbedding = -1 }, "channel_embedding is -1, must be between 0 and 1048576"},
		{func(c *Config) { c.ChannelEmbedding = 4 }, "channel_embedding is 4, must be 0 unless channels is folded"},
		{func(c *Config) { c.Channels, c.Decoding, c.ChannelEmbedding = "folded", "direct", 512 },
			"channel_embedding is 512, must leave room beside it for the position's in hidden_size 512"},
		{func(c *Config) { c.Dropout = 1 }, "dropout is 1, must be at least 0 and below 1"},
		{func(c *Config) { c.Dropout = math.NaN() }, "dropout is NaN, must be at least 0 and below 1"},
		{func(c *Config) { c.TeacherForcingRatio = 1.5 }, "teacher_forcing_ratio is 1.5, must be between 0 and 1"},
		{func(c *Config) { c.GradClip = -1 }, "grad_clip is -1, must be a number of at least 0"},
		{func(c *Config) { c.GradClip = math.Inf(1) }, "grad_clip is +Inf, must be a number of at least 0"},
		{func(c *Config) { c.FeatureNames = []string{"a"} }, "feature_names has 1 entries, num_features is 2"},
		{func(c *Config) { c.FeatureNames = []string{"a", "a"} }, `feature_names has "a" twice`},
		{func(c *Config) { c.FeatureNames = []string{"a", ""} }, "feature_names has an empty entry"},
		{func(c *Config) { c.FeatureUnits = make([]string, 3) }, "feature_units has 3 entries, num_features is 2"},
		{func(c *Config) { c.HiddenSize, c.NumAttentionHeads = 1<<20, 1 }, "these sizes make 6.82e+13 parameters, at most 2147483647 are supported"},
		{func(c *Config) { c.Horizon, c.HiddenSize, c.Dropout = 0, 10, -.5 },
			"horizon is 0, must be between 1 and 1048576; num_attention_heads is 8, must divide hidden_size 10; dropout is -0.5, must be at least 0 and below 1"},
	}
	for _, tc := range cases {
		c := DefaultConfig(2)
		tc.change(&c)
		err := c.Validate()
		require.EqualError(t, err, "config: "+tc.want)
		var ce *ConfigError
		require.True(t, errors.As(err, &ce))
	}
}

func FuzzConfigFromJSON(f *testing.F) {
	data, _ := json.Marshal(DefaultConfig(2))
	f.Add(data)
	f.Add([]byte(`{"num_features": 1, "normalization": "last", "feature_names": ["a"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var c Config
		if c.UnmarshalJSON(data) != nil {
			return
		}
		require.NoError(t, c.Validate())
		again, err := json.Marshal(c)
		require.NoError(t, err)
		var back Config
		require.NoError(t, back.UnmarshalJSON(again))
		require.Equal(t, c.HiddenSize, back.HiddenSize)
	})
}
