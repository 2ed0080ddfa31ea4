package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

// A section is an object of JSON: the names of its fields, in the order they
// are written, and where their values are.
type section interface{ fields() []field }

type field struct {
	name  string
	value any // a pointer, or a section
}

func (c *Config) fields() []field {
	return []field{
		{"optimizer", &c.Optimizer},
		{"lr", &c.LearningRate},
		{"momentum", &c.Momentum},
		{"weight_decay", &c.WeightDecay},
		{"betas", &c.Betas},
		{"eps", &c.Epsilon},
		{"ema_decay", &c.EMADecay},
		{"batch_size", &c.BatchSize},
		{"drop_last", &c.DropLast},
		{"epochs", &c.Epochs},
		{"max_steps", &c.MaxSteps},
		{"loss", &c.Loss},
		{"huber_delta", &c.HuberDelta},
		{"schedule", &c.Schedule},
		{"teacher_forcing", &c.TeacherForcing},
		{"validate_steps", &c.ValidateSteps},
		{"patience", &c.Patience},
		{"min_delta", &c.MinDelta},
		{"horizons", &c.Horizons},
		{"seed", &c.Seed},
		{"threads", &c.Threads},
		{"checkpoint_steps", &c.CheckpointSteps},
		{"checkpoint_seconds", &c.CheckpointSeconds},
		{"split", &c.Split},
	}
}

func (s *Schedule) fields() []field {
	return []field{
		{"kind", &s.Kind},
		{"warmup_steps", &s.WarmupSteps},
		{"min_lr", &s.MinRate},
		{"step_epochs", &s.StepEpochs},
		{"gamma", &s.Gamma},
		{"factor", &s.Factor},
		{"patience", &s.Patience},
		{"threshold", &s.Threshold},
	}
}

func (t *TeacherForcing) fields() []field {
	return []field{
		{"decay", &t.Decay},
		{"per", &t.Per},
		{"end", &t.End},
		{"decay_epochs", &t.DecayEpochs},
		{"k", &t.K},
	}
}

func (s *Split) fields() []field {
	return []field{
		{"train", &s.Train},
		{"validation", &s.Validation},
		{"test", &s.Test},
		{"skip_short", &s.SkipShort},
	}
}

// MarshalJSON writes numbers of rows as numbers.
func (r Range) MarshalJSON() ([]byte, error) {
	var cuts [2]any
	for i, cut := range []series.Cut{r.From, r.To} {
		cuts[i] = string(cut)
		if n, err := strconv.Atoi(string(cut)); err == nil && strconv.Itoa(n) == string(cut) {
			cuts[i] = n
		}
	}
	return json.Marshal(cuts)
}

// UnmarshalJSON reads a pair of integers and strings.
func (r *Range) UnmarshalJSON(data []byte) error {
	var cuts []json.RawMessage
	if err := json.Unmarshal(data, &cuts); err != nil || len(cuts) != 2 {
		return errors.New("expected two cuts")
	}
	for i, into := range []*series.Cut{&r.From, &r.To} {
		var n int
		var text string
		switch {
		case bytes.Equal(cuts[i], []byte("null")):
			return errors.New("expected two cuts")
		case json.Unmarshal(cuts[i], &n) == nil:
			*into = series.Cut(strconv.Itoa(n))
		case json.Unmarshal(cuts[i], &text) == nil && text != "":
			*into = series.Cut(text)
		default:
			return errors.New("expected two cuts")
		}
	}
	return nil
}

// MarshalJSON writes every field; lists only where they are not empty, ema_decay
// and skip_short only where they are set, so that checkpoints without them are
// still resumed.
func (c Config) MarshalJSON() ([]byte, error) { return format(&c) }

func format(s section) ([]byte, error) {
	out := []byte{'{'}
	for _, f := range s.fields() {
		var v []byte
		var err error
		if inner, ok := f.value.(section); ok {
			v, err = format(inner)
		} else if f.unwritten() {
			continue
		} else {
			v, err = json.Marshal(f.value)
		}
		if err != nil {
			return nil, fmt.Errorf("training: %s: %w", f.name, err)
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(out, `"`+f.name+`":`...), v...)
	}
	return append(out, '}'), nil
}

// UnmarshalJSON reads an object of the fields above and checks it. A field that
// is missing gets DefaultConfig's value. The error is a *lstmattn.ConfigError
// that names every field that is unknown, given twice, of the wrong type or
// refused by Validate. c keeps its value then.
func (c *Config) UnmarshalJSON(data []byte) error {
	read := DefaultConfig()
	if problems := parse(&read, "training", data); len(problems) > 0 {
		return &lstmattn.ConfigError{Problems: problems}
	}
	if err := read.Validate(); err != nil {
		return err
	}
	if len(read.Horizons) == 0 {
		read.Horizons = nil // an empty list is not written
	}
	*c = read
	return nil
}

func (f field) unwritten() bool {
	switch v := f.value.(type) {
	case *[]int:
		return len(*v) == 0
	case *Range:
		return v.empty()
	case *float64:
		return f.name == "ema_decay" && *v == 0
	case *bool:
		return f.name == "skip_short" && !*v
	}
	return false
}

func parse(s section, place string, data []byte) (problems []string) {
	refuse := func(format string, args ...any) {
		problems = append(problems, place+": "+fmt.Sprintf(format, args...))
	}
	if split, ok := s.(*Split); ok {
		*split = Split{}
	}
	targets := map[string]any{}
	for _, f := range s.fields() {
		targets[f.name] = f.value
	}
	err := lstmattn.EachField(data, func(name string, value json.RawMessage) {
		target, known := targets[name]
		switch {
		case !known:
			refuse("unknown field %q", name)
			return
		case target == nil:
			refuse("field %q is given twice", name)
			return
		}
		targets[name] = nil
		if inner, ok := target.(section); ok {
			problems = append(problems, parse(inner, place+"."+name, value)...)
			return
		}
		if bytes.Equal(value, []byte("null")) || json.Unmarshal(value, target) != nil || !wellFormed(target, value) {
			refuse("%s is %.40s, expected %s", name, value, kindOf(target))
		}
	})
	if err != nil {
		refuse("%v", err)
	}
	return problems
}

// wellFormed refuses a pair that has not two numbers, which encoding/json
// takes.
func wellFormed(target any, value []byte) bool {
	if _, ok := target.(*[2]float64); !ok {
		return true
	}
	var list []float64
	return json.Unmarshal(value, &list) == nil && len(list) == 2
}

func kindOf(target any) string {
	switch target.(type) {
	case *int:
		return "an integer"
	case *uint64:
		return "an integer of at least 0"
	case *float64:
		return "a number"
	case *bool:
		return "true or false"
	case *[]int:
		return "a list of integers"
	case *[2]float64:
		return "two numbers"
	case *Range:
		return `two cuts such as [0, 8640] or ["60%", "80%"]`
	}
	return "a string"
}
