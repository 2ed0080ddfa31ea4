package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/onnx"
)

// Decoder is the form the autoregressive decoder takes in an ONNX file.
type Decoder string

// The decoder's forms.
const (
	// Loop is one Loop node; the horizon is an input with a default.
	Loop Decoder = "loop"
	// Unrolled repeats the step once for each step of a fixed horizon.
	Unrolled Decoder = "unrolled"
	// Split is two files, encoder.onnx and decoder_step.onnx: the caller runs
	// the second once for each step and hands the state on.
	Split Decoder = "split"
)

// The opsets that can be written.
const (
	OldestOpset  = 14
	DefaultOpset = 17
	NewestOpset  = 27
)

// Options of an ONNX export.
type Options struct {
	Opset     int     // 0 for DefaultOpset; from 23 on the Attention operator is used, from 17 on LayerNormalization
	Decoder   Decoder // "" for Loop
	Horizon   int     // steps of Unrolled, default of Loop's input; 0 for the configuration's horizon
	Attention bool    // the attention weights are a second output
}

// A Part is one of the files of an export.
type Part struct {
	Name  string // for Split encoder or decoder_step, else model
	Model *onnx.Model
}

// maxUnrolled bounds the steps of an unrolled decoder.
const maxUnrolled = 10000

// ONNX writes the model as a graph of standard operators. Batch is symbolic, and
// all values are float32 except horizon:
//
//	model         x (batch, input_size, num_features), raw values, oldest first
//	              horizon () int64, of Loop only; the default is the configuration's
//	           -> forecast (batch, horizon, num_features), raw values
//	              attention (batch, heads, horizon, input_size), if asked for
//
// Split gives two models. The encoder's outputs are the step's inputs of the
// same names; the step's outputs next_prev, next_context, next_h and next_c are
// its inputs prev, context, h and c at the next step:
//
//	encoder       x -> keys, values, prev (batch, num_features), context (batch, hidden_size),
//	              h, c (num_decoder_layers, batch, hidden_size), shift, spread (batch, num_features)
//	decoder_step  keys, values, prev, context, h, c, shift, spread
//	           -> forecast (batch, num_features), raw values, next_prev, next_context, next_h, next_c,
//	              attention (batch, heads, input_size), if asked for
//
// shift and spread are there only where the window's normalisation has them.
//
// Metadata hold model_type, config (the configuration as JSON), input_size,
// horizon, num_features, decoder, and where there are any feature_names and
// feature_units as JSON lists. The same model and options give the same model.
func ONNX(m *lstmattn.Model, o Options) ([]Part, error) {
	c := m.Config()
	if !c.Classic() {
		return nil, errors.New("export: ONNX is supported with segment 1, channels mixed, decoding autoregressive, attention true and linear_skip false alone")
	}
	if o.Opset == 0 {
		o.Opset = DefaultOpset
	}
	if o.Opset < OldestOpset || o.Opset > NewestOpset {
		return nil, fmt.Errorf("export: opset is %d, must be between %d and %d", o.Opset, OldestOpset, NewestOpset)
	}
	if o.Horizon == 0 {
		o.Horizon = c.Horizon
	}
	if o.Horizon < 1 {
		return nil, fmt.Errorf("export: the horizon is %d, must be at least 1", o.Horizon)
	}
	if err := exportable(&c); err != nil {
		return nil, err
	}
	w := &writer{config: &c, params: m.Params(), options: o}
	switch o.Decoder {
	case Loop, "":
		w.options.Decoder = Loop
		return []Part{{"model", w.loop()}}, nil
	case Unrolled:
		if o.Horizon > maxUnrolled {
			return nil, fmt.Errorf("export: the horizon is %d, an unrolled decoder has at most %d steps", o.Horizon, maxUnrolled)
		}
		return []Part{{"model", w.unrolled()}}, nil
	case Split:
		return []Part{{"encoder", w.encoder()}, {"decoder_step", w.step()}}, nil
	}
	return nil, fmt.Errorf("export: decoder is %q, must be loop, unrolled or split", string(o.Decoder))
}

// largestFile is what one protobuf message may hold.
const largestFile = 1<<31 - 1<<20

// WriteONNX writes the model to an ONNX file; Split writes encoder.onnx and
// decoder_step.onnx into that file's folder. Parameters of 2 GiB and more go
// into a file beside it, named like it with .data at the end. It returns the
// names of the files. Each is replaced as a whole.
func WriteONNX(path string, m *lstmattn.Model, o Options) ([]string, error) {
	parts, err := ONNX(m, o)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range parts {
		name := path
		if len(parts) > 1 {
			name = filepath.Join(filepath.Dir(path), p.Name+".onnx")
		}
		if err := save(name, p.Model, largestFile); err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}

// save writes one file, and its larger constants into another where together
// they pass the limit.
func save(path string, m *onnx.Model, limit int64) error {
	var size int64
	for _, t := range m.Graph.Initializers {
		size += int64(len(t.RawData))
	}
	if size > limit {
		return m.Save(path, onnx.WithExternalData(filepath.Base(path)+".data", 1<<10))
	}
	return m.Save(path)
}

// irVersions gives the version of the file format that came with each opset
// from OldestOpset on.
var irVersions = [...]int64{7, 8, 8, 8, 8, 9, 9, 10, 10, 11, 12, 13, 13, 13}

// model wraps a graph.
func (w *writer) model(g *onnx.Graph, doc string) *onnx.Model {
	c := w.config
	config, _ := json.Marshal(*c) // a valid configuration always has a form
	meta := []onnx.StringEntry{
		{Key: "model_type", Value: lstmattn.ModelType},
		{Key: "config", Value: string(config)},
		{Key: "input_size", Value: strconv.Itoa(c.InputSize)},
		{Key: "horizon", Value: strconv.Itoa(w.options.Horizon)},
		{Key: "num_features", Value: strconv.Itoa(c.NumFeatures)},
		{Key: "decoder", Value: string(w.options.Decoder)},
	}
	for _, list := range []struct {
		key    string
		values []string
	}{{"feature_names", c.FeatureNames}, {"feature_units", c.FeatureUnits}} {
		if len(list.values) > 0 {
			text, _ := json.Marshal(list.values)
			meta = append(meta, onnx.StringEntry{Key: list.key, Value: string(text)})
		}
	}
	return &onnx.Model{
		IRVersion:    irVersions[w.options.Opset-OldestOpset],
		ProducerName: "onda",
		DocString:    doc,
		Graph:        g,
		OpsetImports: []onnx.OpsetImport{{Version: int64(w.options.Opset)}},
		Metadata:     meta,
	}
}

// exportable refuses a model of a form that the graph is not written for.
func exportable(c *lstmattn.Config) error {
	if c.Head != lstmattn.HeadPoint {
		return fmt.Errorf("export: a model with head %s cannot be written as ONNX, only one with a point head", c.Head)
	}
	if c.NumPast+c.NumFuture+c.NumStatic > 0 {
		return fmt.Errorf("export: a model with covariates (num_past %d, num_future %d, num_static %d) cannot be written as ONNX", c.NumPast, c.NumFuture, c.NumStatic)
	}
	return nil
}
