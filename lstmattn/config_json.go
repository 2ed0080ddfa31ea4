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
		{"input_size", &c.InputSize},
		{"horizon", &c.Horizon},
		{"num_features", &c.NumFeatures},
		{"hidden_size", &c.HiddenSize},
		{"num_encoder_layers", &c.NumEncoderLayers},
		{"num_decoder_layers", &c.NumDecoderLayers},
		{"num_attention_heads", &c.NumAttentionHeads},
		{"bidirectional", &c.Bidirectional},
		{"layer_norm", &c.LayerNorm},
		{"normalization", &c.Normalization},
		{"dropout", &c.Dropout},
		{"teacher_forcing_ratio", &c.TeacherForcingRatio},
		{"grad_clip", &c.GradClip},
		{"feature_names", &c.FeatureNames},
		{"feature_units", &c.FeatureUnits},
	}
}

type configField struct {
	name  string
	value any
}

// MarshalJSON writes model_type and every field; lists of names only where
// there are any.
func (c Config) MarshalJSON() ([]byte, error) {
	out := []byte(`{"model_type":` + strconv.Quote(ModelType))
	for _, f := range c.fields() {
		if list, ok := f.value.(*[]string); ok && len(*list) == 0 {
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
