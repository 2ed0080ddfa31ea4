package export

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/nlpodyssey/safetensors"

	"github.com/onda-ml/onda/lstmattn"
)

// Keys of the safetensors file's metadata.
const (
	metaFramework = "format" // what Hugging Face's loaders ask for: pt
	metaConfig    = "onda.config"
	metaChecksum  = "onda.sha256" // of the tensors' bytes in the order of their names
)

// gateOrder gives for each gate of a file, PyTorch's i, f, g, o, its place in
// memory, i, o, f, c.
var gateOrder = [4]int{0, 2, 3, 1}

// formatTensors is the content of model.safetensors.
func formatTensors(m *lstmattn.Model) ([]byte, error) {
	views := map[string]safetensors.TensorView{}
	put := func(name string, shape []int, data []float32, gates bool) error {
		raw := make([]byte, 0, 4*len(data))
		for _, part := range blocks(data, gates) {
			for _, v := range part {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
			}
		}
		dims := make([]uint64, len(shape))
		for i, d := range shape {
			dims[i] = uint64(d)
		}
		view, err := safetensors.NewTensorView(safetensors.F32, dims, raw)
		views[name] = view
		return err
	}
	p := m.Params()
	for _, row := range p.Table() {
		if err := put(row.Name, row.Shape, p.View(row.Name), row.Gates); err != nil {
			return nil, fmt.Errorf("%s: %w", row.Name, err)
		}
	}
	for _, b := range p.Buffers() {
		if err := put(b.Name, []int{b.Len}, b.Data, false); err != nil {
			return nil, fmt.Errorf("%s: %w", b.Name, err)
		}
	}
	config, err := formatConfig(m.Config())
	if err != nil {
		return nil, err
	}
	return safetensors.Serialize(views, map[string]string{
		metaFramework: "pt",
		metaConfig:    string(config),
		metaChecksum:  checksum(views),
	})
}

// blocks are the parts of a parameter in the order of the file: itself, or its
// gates in PyTorch's order.
func blocks(data []float32, gates bool) [][]float32 {
	if !gates {
		return [][]float32{data}
	}
	n := len(data) / 4
	parts := make([][]float32, 4)
	for i, at := range gateOrder {
		parts[i] = data[at*n : (at+1)*n]
	}
	return parts
}

func checksum(views map[string]safetensors.TensorView) string {
	names := make([]string, 0, len(views))
	for name := range views {
		names = append(names, name)
	}
	slices.Sort(names)
	h := sha256.New()
	for _, name := range names {
		h.Write(views[name].Data())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// parseTensors makes the parameters of a valid configuration from the content
// of model.safetensors.
func parseTensors(cfg lstmattn.Config, data []byte) (*lstmattn.Params, error) {
	file, err := safetensors.Deserialize(data)
	if err != nil {
		return nil, fmt.Errorf("not a whole safetensors file: %w", err)
	}
	_, header, err := safetensors.ReadMetadata(data)
	if err != nil {
		return nil, fmt.Errorf("not a whole safetensors file: %w", err)
	}
	views := map[string]safetensors.TensorView{}
	for _, t := range file.Tensors() {
		views[t.Name] = t.TensorView
	}
	// Everything that does not allocate comes first: the sizes of a
	// configuration are only claims until the file bears them out.
	table, err := lstmattn.ParameterTable(cfg)
	if err != nil {
		return nil, err
	}
	for _, b := range lstmattn.BufferTable(cfg) {
		table = append(table, lstmattn.Parameter{Name: b.Name, Shape: []int{b.Len}})
	}
	meta := header.Metadata()
	if err := checkMadeFor(cfg, meta); err != nil {
		return nil, err
	}
	if err := checkTensors(table, views); err != nil {
		return nil, err
	}
	if want, ok := meta[metaChecksum]; ok && want != checksum(views) {
		return nil, errors.New("the tensors do not have the checksum in the file's metadata")
	}
	p, err := lstmattn.NewParams(cfg)
	if err != nil {
		return nil, err
	}
	for _, row := range p.Table() {
		read(p.View(row.Name), views[row.Name].Data(), row.Gates)
	}
	for _, b := range p.Buffers() {
		read(b.Data, views[b.Name].Data(), false)
	}
	return p, nil
}

func read(dst []float32, raw []byte, gates bool) {
	for _, part := range blocks(dst, gates) {
		for i := range part {
			part[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		raw = raw[4*len(part):]
	}
}

// checkTensors lists every tensor that is missing, unexpected or of the wrong
// type or shape.
func checkTensors(table []lstmattn.Parameter, views map[string]safetensors.TensorView) error {
	var problems []string
	known := map[string]bool{}
	for i := range table {
		row := &table[i]
		known[row.Name] = true
		view, ok := views[row.Name]
		if !ok {
			problems = append(problems, fmt.Sprintf("tensor %s is missing", row.Name))
			continue
		}
		if view.DType() != safetensors.F32 {
			problems = append(problems, fmt.Sprintf("tensor %s is of type %s, expected F32", row.Name, view.DType()))
		}
		if got, want := fmt.Sprint(view.Shape()), fmt.Sprint(row.Shape); got != want {
			problems = append(problems, fmt.Sprintf("tensor %s has shape %s, the configuration has %s", row.Name, got, want))
		}
	}
	var extra []string
	for name := range views {
		if !known[name] {
			extra = append(extra, fmt.Sprintf("tensor %q is not one of the model's", name))
		}
	}
	slices.Sort(extra)
	return list(append(problems, extra...))
}

// list is an error of several problems, the first few of them named.
func list(problems []string) error {
	const shown = 5
	if len(problems) == 0 {
		return nil
	}
	rest := ""
	if n := len(problems) - shown; n > 0 {
		problems, rest = problems[:shown], fmt.Sprintf("; and %d more", n)
	}
	return errors.New(strings.Join(problems, "; ") + rest)
}

// checkMadeFor compares the configuration the file was written with, if it
// says, in everything that changes what the parameters mean.
func checkMadeFor(cfg lstmattn.Config, meta map[string]string) error {
	text, ok := meta[metaConfig]
	if !ok {
		return nil
	}
	saved, err := parseConfig([]byte(text), true)
	if err != nil {
		return fmt.Errorf("the configuration in its metadata: %w", err)
	}
	// These may change under the same parameters.
	saved.Horizon, saved.Dropout, saved.TeacherForcingRatio, saved.GradClip = cfg.Horizon, cfg.Dropout, cfg.TeacherForcingRatio, cfg.GradClip
	saved.FeatureNames, saved.FeatureUnits = cfg.FeatureNames, cfg.FeatureUnits
	was, is := members(saved), members(cfg)
	var problems []string
	for i := range was {
		if string(was[i].value) != string(is[i].value) {
			problems = append(problems, fmt.Sprintf("was saved with %s %s, the configuration has %s", was[i].name, was[i].value, is[i].value))
		}
	}
	return list(problems)
}

func members(cfg lstmattn.Config) fields {
	data, err := json.Marshal(cfg)
	if err != nil {
		return nil
	}
	f, _ := parseFields(data)
	return f
}
