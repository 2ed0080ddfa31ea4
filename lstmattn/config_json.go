package lstmattn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// fields lists the names of the configuration's fields in JSON, in the order
// they are written, and where their values are.
func (c *Config) fields() []configField {
	return []configField{
		{name: "input_size", value: &c.InputSize},
		{name: "horizon", value: &c.Horizon},
		{name: "num_features", value: &c.NumFeatures},
		{name: "hidden_size", value: &c.HiddenSize},
		{name: "num_encoder_layers", value: &c.NumEncoderLayers},
		{name: "num_decoder_layers", value: &c.NumDecoderLayers},
		{name: "num_attention_heads", value: &c.NumAttentionHeads},
		{name: "bidirectional", value: &c.Bidirectional},
		{name: "layer_norm", value: &c.LayerNorm},
		{name: "scaling", value: &c.Scaling, quiet: c.Scaling == ScalingColumns},
		{name: "normalization", value: &c.Normalization},
		{name: "segment", value: &c.Segment, quiet: c.Segment == 1},
		{name: "channels", value: &c.Channels, quiet: c.Channels == ChannelsMixed},
		{name: "channel_embedding", value: &c.ChannelEmbedding, quiet: c.ChannelEmbedding == 0},
		{name: "decoding", value: &c.Decoding, quiet: c.Decoding == DecodingAutoregressive},
		{name: "attention", value: &c.Attention, quiet: c.Attention},
		{name: "linear_skip", value: &c.LinearSkip, quiet: !c.LinearSkip},
		{name: "head", value: &c.Head, quiet: c.Head == HeadPoint},
		{name: "quantiles", value: &c.Quantiles, quiet: len(c.Quantiles) == 0},
		{name: "num_past", value: &c.NumPast, quiet: c.NumPast == 0},
		{name: "num_future", value: &c.NumFuture, quiet: c.NumFuture == 0},
		{name: "num_static", value: &c.NumStatic, quiet: c.NumStatic == 0},
		{name: "calendar", value: &c.Calendar, quiet: len(c.Calendar) == 0},
		{name: "dropout", value: &c.Dropout},
		{name: "teacher_forcing_ratio", value: &c.TeacherForcingRatio},
		{name: "grad_clip", value: &c.GradClip},
		{name: "feature_names", value: &c.FeatureNames, quiet: len(c.FeatureNames) == 0},
		{name: "feature_units", value: &c.FeatureUnits, quiet: len(c.FeatureUnits) == 0},
		{name: "past_names", value: &c.PastNames, quiet: len(c.PastNames) == 0},
		{name: "future_names", value: &c.FutureNames, quiet: len(c.FutureNames) == 0},
		{name: "static_names", value: &c.StaticNames, quiet: len(c.StaticNames) == 0},
	}
}

type configField struct {
	name  string
	value any
	quiet bool // has the value that it has when it is missing, and is not written
}

// MarshalJSON writes model_type and every field; lists of names and the options
// of the model's form only where they say something.
func (c Config) MarshalJSON() ([]byte, error) {
	out := []byte(`{"model_type":` + strconv.Quote(ModelType))
	for _, f := range c.fields() {
		if f.quiet {
			continue
		}
		v, err := json.Marshal(f.value)
		if err != nil {
			return nil, fmt.Errorf("config: %s: %w", f.name, err)
		}
		out = append(out, `,"`+f.name+`":`...)
		out = append(out, v...)
	}
	return append(out, '}'), nil
}

// UnmarshalJSON reads an object of the fields above and checks it. A field that
// is missing gets DefaultConfig's value; num_features has none. The error is a
// *ConfigError that names every field that is unknown, given twice, of the
// wrong type or refused by Validate. c keeps its value then.
func (c *Config) UnmarshalJSON(data []byte) error {
	read := DefaultConfig(0)
	targets := map[string]any{}
	for _, f := range read.fields() {
		targets[f.name] = f.value
	}
	var problems []string
	err := EachField(data, func(name string, value json.RawMessage) {
		if name == "model_type" {
			if got := string(value); got != strconv.Quote(ModelType) {
				problems = append(problems, fmt.Sprintf("model_type is %s, expected %q", got, ModelType))
			}
			return
		}
		target, known := targets[name]
		if !known {
			problems = append(problems, fmt.Sprintf("unknown field %q", name))
			return
		}
		if target == nil {
			problems = append(problems, fmt.Sprintf("field %q is given twice", name))
			return
		}
		targets[name] = nil
		if bytes.Equal(value, []byte("null")) || json.Unmarshal(value, target) != nil {
			problems = append(problems, fmt.Sprintf("%s is %s, expected %s", name, shorten(value), kindOf(target)))
		}
	})
	if err != nil {
		return &ConfigError{[]string{err.Error()}}
	}
	if len(problems) > 0 {
		return &ConfigError{problems}
	}
	if err := read.Validate(); err != nil {
		return err
	}
	*c = read
	return nil
}

// EachField calls f with each name and value of a JSON object, in the order of
// the text and as often as they are given, which encoding/json does not tell.
func EachField(data []byte, f func(name string, value json.RawMessage)) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	start, err := dec.Token()
	if err != nil {
		return fmt.Errorf("not valid JSON: %w", err)
	}
	if start != json.Delim('{') {
		return fmt.Errorf("expected an object of fields, found %s", shorten(data))
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return fmt.Errorf("not valid JSON: %w", err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return fmt.Errorf("not valid JSON: %w", err)
		}
		f(name.(string), value)
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("not valid JSON: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("not valid JSON: something follows the object")
	}
	return nil
}

func kindOf(target any) string {
	switch target.(type) {
	case *int:
		return "an integer"
	case *float64:
		return "a number"
	case *bool:
		return "true or false"
	case *[]string:
		return "a list of strings"
	case *[]float64:
		return "a list of numbers"
	}
	return "a string"
}

// shorten is the value as it stands in the file, cut where it is long.
func shorten(value []byte) string {
	const limit = 40
	if len(value) <= limit {
		return string(value)
	}
	return string(bytes.ToValidUTF8(value[:limit], nil)) + "..."
}
