package lstmattn

import (
	"fmt"
	"math"
	"strings"
)

// Limits that keep every size computed from a Config within an int.
const (
	maxSteps      = 1 << 20 // of input_size and horizon
	maxLayers     = 1 << 10
	maxWidth      = 1 << 20   // of num_features and hidden_size
	maxParameters = 1<<31 - 1 // 8 GiB
)

// A ConfigError lists everything that is wrong with a configuration: each
// problem names the field, what it is and what it must be.
type ConfigError struct{ Problems []string }

// Error is one sentence, the problems separated by semicolons.
func (e *ConfigError) Error() string { return "config: " + strings.Join(e.Problems, "; ") }

// Validate returns a *ConfigError naming every field that cannot be, or nil.
func (c *Config) Validate() error {
	var problems []string
	refuse := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	between := func(name string, v, lo, hi int) {
		if v < lo || v > hi {
			refuse("%s is %d, must be between %d and %d", name, v, lo, hi)
		}
	}
	between("input_size", c.InputSize, 1, maxSteps)
	between("horizon", c.Horizon, 1, maxSteps)
	between("num_features", c.NumFeatures, 1, maxWidth)
	between("hidden_size", c.HiddenSize, 1, maxWidth)
	between("num_encoder_layers", c.NumEncoderLayers, 1, maxLayers)
	between("num_decoder_layers", c.NumDecoderLayers, 1, maxLayers)
	switch heads := c.NumAttentionHeads; {
	case heads < 1:
		refuse("num_attention_heads is %d, must be at least 1", heads)
	case c.Attention && c.HiddenSize > 0 && c.HiddenSize%heads != 0:
		refuse("num_attention_heads is %d, must divide hidden_size %d", heads, c.HiddenSize)
	}
	switch c.Normalization {
	case NormalizationNone, NormalizationLast, NormalizationMeanStd, NormalizationRobust:
	default:
		refuse("normalization is %q, must be none, last, mean_std or robust", string(c.Normalization))
	}
	switch c.Scaling {
	case ScalingColumns, ScalingSeries:
	default:
		refuse("scaling is %q, must be columns or series", string(c.Scaling))
	}
	c.validateForm(refuse)
	if !(c.Dropout >= 0 && c.Dropout < 1) {
		refuse("dropout is %v, must be at least 0 and below 1", c.Dropout)
	}
	if !(c.TeacherForcingRatio >= 0 && c.TeacherForcingRatio <= 1) {
		refuse("teacher_forcing_ratio is %v, must be between 0 and 1", c.TeacherForcingRatio)
	}
	if !(c.GradClip >= 0) || math.IsInf(c.GradClip, 1) {
		refuse("grad_clip is %v, must be a number of at least 0", c.GradClip)
	}
	c.checkHead(refuse)
	c.checkCovariates(between, refuse)
	c.checkNames(refuse)
	if len(problems) == 0 {
		if n := countParameters(c); n > maxParameters {
			refuse("these sizes make %.3g parameters, at most %d are supported", n, maxParameters)
		}
	}
	if len(problems) > 0 {
		return &ConfigError{problems}
	}
	return nil
}

// validateForm checks the fields that change the model's form.
func (c *Config) validateForm(refuse func(string, ...any)) {
	switch {
	case c.Segment < 1 || c.Segment > maxSteps:
		refuse("segment is %d, must be between 1 and %d", c.Segment, maxSteps)
	case c.InputSize%c.Segment != 0:
		such := fmt.Sprint((c.InputSize/c.Segment + 1) * c.Segment)
		if below := c.InputSize / c.Segment * c.Segment; below > 0 {
			such = fmt.Sprint(below) + " or " + such
		}
		refuse("input_size is %d, must be a multiple of segment %d, such as %s", c.InputSize, c.Segment, such)
	case c.Channels == ChannelsMixed && c.NumFeatures > maxWidth/c.Segment:
		refuse("segment is %d, which times num_features %d must not be above %d", c.Segment, c.NumFeatures, maxWidth)
	}
	switch c.Channels {
	case ChannelsMixed, ChannelsFolded:
	default:
		refuse("channels is %q, must be mixed or folded", string(c.Channels))
	}
	switch c.Decoding {
	case DecodingAutoregressive, DecodingDirect:
	default:
		refuse("decoding is %q, must be autoregressive or direct", string(c.Decoding))
	}
	switch most := c.HiddenSize - 1; {
	case c.ChannelEmbedding < 0 || c.ChannelEmbedding > maxWidth:
		refuse("channel_embedding is %d, must be between 0 and %d", c.ChannelEmbedding, maxWidth)
	case c.ChannelEmbedding > 0 && c.Channels == ChannelsMixed:
		refuse("channel_embedding is %d, must be 0 unless channels is folded", c.ChannelEmbedding)
	case c.Decoding == DecodingDirect && c.ChannelEmbedding > most && c.HiddenSize > 0:
		refuse("channel_embedding is %d, must leave room beside it for the position's in hidden_size %d", c.ChannelEmbedding, c.HiddenSize)
	}
}

// checkNames refuses lists of names of a wrong length, and empty and repeated
// names of columns.
func (c *Config) checkNames(refuse func(format string, args ...any)) {
	for _, list := range []struct {
		field, of string
		names     []string
		want      int
		unique    bool
	}{
		{"feature_names", "num_features is", c.FeatureNames, c.NumFeatures, true},
		{"feature_units", "num_features is", c.FeatureUnits, c.NumFeatures, false},
		{"past_names", "num_past is", c.PastNames, c.NumPast, true},
		{"future_names", "num_future without the calendar is", c.FutureNames, c.NumFuture - len(c.Calendar), true},
		{"static_names", "num_static is", c.StaticNames, c.NumStatic, true},
	} {
		if len(list.names) != 0 && len(list.names) != list.want {
			refuse("%s has %d entries, %s %d", list.field, len(list.names), list.of, list.want)
		}
		seen := map[string]bool{}
		for _, name := range list.names {
			if !list.unique {
				break
			}
			if name == "" {
				refuse("%s has an empty entry", list.field)
			} else if seen[name] {
				refuse("%s has %q twice", list.field, name)
			}
			seen[name] = true
		}
	}
}
