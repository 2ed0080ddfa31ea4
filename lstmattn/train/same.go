package train

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/onda-ml/onda/lstmattn"
)

// An identity is what a resumed training must share with the one that made the
// checkpoint.
type identity struct {
	Model    json.RawMessage `json:"model"`
	Training json.RawMessage `json:"training"`
	Data     fingerprint     `json:"data"`
	Check    fingerprint     `json:"validation"`
}

// A fingerprint is of a data set: of its size, and of sample windows evenly
// spaced in it.
type fingerprint struct {
	Windows int    `json:"windows"`
	SHA256  string `json:"sha256"`
}

const samples = 64

func (r *run) identify(ctx context.Context, validation lstmattn.Dataset) (id identity, err error) {
	if id.Model, err = json.Marshal(r.model.Config()); err != nil {
		return id, err
	}
	if id.Training, err = json.Marshal(r.config); err != nil {
		return id, err
	}
	if id.Data, err = fingerprintOf(ctx, r.data); err != nil || validation == nil {
		return id, err
	}
	id.Check, err = fingerprintOf(ctx, validation)
	return id, err
}

func fingerprintOf(ctx context.Context, data lstmattn.Dataset) (fingerprint, error) {
	n := data.Len()
	f := fingerprint{Windows: n}
	h := sha256.New()
	var b lstmattn.Batch
	var raw []byte
	for i := range min(samples, n) {
		if err := data.Read(ctx, []int{i * (n - 1) / max(min(samples, n)-1, 1)}, &b); err != nil {
			return f, err
		}
		raw = raw[:0]
		for _, part := range [][]float32{b.X, b.Target, b.Weight, b.Past, b.Future, b.Static} {
			raw = binary.LittleEndian.AppendUint32(raw, uint32(len(part)))
			for _, v := range part {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
			}
		}
		h.Write(raw)
	}
	f.SHA256 = hex.EncodeToString(h.Sum(nil))
	return f, nil
}

// agree names what differs between a checkpoint's identity and a training's.
func (c *identity) agree(r *identity) error {
	var problems []string
	for _, part := range []struct {
		name      string
		was, want json.RawMessage
	}{{"the model", c.Model, r.Model}, {"training", c.Training, r.Training}} {
		was, err := membersOf(part.was)
		if err != nil {
			return err
		}
		want, err := membersOf(part.want)
		if err != nil {
			return err
		}
		for _, name := range append(want.order, was.order...) {
			a, b := was.values[name], want.values[name]
			if strings.HasPrefix(name, "checkpoint_") || a == b || want.told[name] {
				continue
			}
			want.told[name] = true
			problems = append(problems, fmt.Sprintf("%s had %s %s, now it has %s", part.name, name, or(a, "not set"), or(b, "not set")))
		}
	}
	if c.Data != r.Data {
		problems = append(problems, "the training set is another, "+c.Data.beside(r.Data))
	}
	if c.Check != r.Check {
		problems = append(problems, "the validation set is another, "+c.Check.beside(r.Check))
	}
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("the checkpoint is of another training: %s", strings.Join(problems, "; "))
}

func (f fingerprint) beside(other fingerprint) string {
	if f.Windows != other.Windows {
		return fmt.Sprintf("it had %d windows, now it has %d", f.Windows, other.Windows)
	}
	return "its values differ"
}

func or(v, otherwise string) string {
	if v == "" {
		return otherwise
	}
	return v
}

// members are the fields of an object of JSON.
type members struct {
	order  []string
	values map[string]string
	told   map[string]bool
}

func membersOf(data []byte) (*members, error) {
	m := &members{values: map[string]string{}, told: map[string]bool{}}
	err := lstmattn.EachField(data, func(name string, value json.RawMessage) {
		m.order = append(m.order, name)
		m.values[name] = string(value)
	})
	return m, err
}
