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

// Options of an ONNX export. The zero value writes a Loop at DefaultOpset.
type Options struct {
	Opset     int     // 0 for DefaultOpset; from 23 on the Attention operator is used, from 17 on LayerNormalization
	Decoder   Decoder // "" for Loop
	Horizon   int     // steps of Unrolled, default of Loop's input; 0 for the configuration's horizon
	Attention bool    // the attention weights are an output too
}

// A Part is one of the files of an export.
type Part struct {
	Name  string // for Split encoder or decoder_step, else model
	Model *onnx.Model
}

// maxUnrolled bounds the steps of an unrolled decoder.
const maxUnrolled = 10000

// ONNX writes the model as a graph of standard operators. Batch is symbolic, and
// all values are float32 except horizon and position:
//
//	model         x (batch, input_size, num_features), raw values, oldest first
//	              past (batch, input_size, num_past), raw, and so on where there are any:
//	              future (batch, input_size+horizon, num_future)
//	              static (batch, num_static)
//	              horizon () int64, of Loop without future; defaults to the configuration's
//	           -> forecast (batch, horizon, num_features), raw values
//	              quantiles (batch, horizon, num_features, levels), of a quantile head: rising
//	              scale (batch, horizon, num_features), of a distribution about forecast
//	              df (batch, horizon, num_features), of student_t: degrees of freedom
//	              attention (batch, heads, horizon, input_size), if asked for
//
// Direct decoding has all steps in one graph; Loop then says only that the
// horizon is chosen at run time. Neither direct decoding nor linear_skip has
// steps beyond the configuration's horizon: more is an error at run time.
//
// Split gives two models. The encoder's outputs are the step's inputs of the
// same names; the step's outputs next_prev, next_context, next_h, next_c and
// next_position are its inputs prev, context, h, c and position at the next step:
//
//	encoder       x, past, future, static
//	           -> keys, values, prev (batch, num_features), context (batch, hidden_size),
//	              h, c (num_decoder_layers, batch, hidden_size),
//	              shift, spread (batch, num_features)
//	decoder_step  keys, values, prev, context, h, c, shift, spread
//	           -> forecast (batch, num_features), quantiles, scale, df, each without a horizon,
//	              next_prev, next_context, next_h, next_c,
//	              attention (batch, heads, input_size), if asked for
//
// shift and spread are there only where the window's normalisation has them;
// keys, values and context only with attention; channels, known_future,
// known_static, linear_skip and position (int64, from 0) where options need them.
// With segments a step gives segment steps, on axis 1, of attention 2. Under
// folded channels what is handed over has a row for each column of a window, but
// for shift and spread.
//
// Metadata hold model_type, config (the configuration as JSON), input_size,
// horizon, num_features, decoder, head where it is not point, scaling where it is
// series and x and the outputs are scaled outside the graph, and where there are
// any feature_names, feature_units, past_names, future_names, static_names,
// calendar and quantiles as JSON lists. The same model and options give the same
// model.
func ONNX(m *lstmattn.Model, o Options) ([]Part, error) {
	c := m.Config()
	if o.Opset == 0 {
		o.Opset = DefaultOpset
	}
	if o.Horizon == 0 {
		o.Horizon = c.Horizon
	}
	if o.Decoder == "" {
		o.Decoder = Loop
	}
	if err := o.check(&c); err != nil {
		return nil, err
	}
	w := &writer{config: &c, params: m.Params(), options: o}
	switch {
	case w.direct():
		return []Part{{"model", w.atOnce()}}, nil
	case o.Decoder == Split:
		return []Part{{"encoder", w.encoder()}, {"decoder_step", w.step()}}, nil
	case o.Decoder == Unrolled:
		return []Part{{"model", w.unrolled()}}, nil
	}
	return []Part{{"model", w.loop()}}, nil
}

// check refuses what cannot be written of a model of that configuration.
func (o *Options) check(c *lstmattn.Config) error {
	direct := c.Decoding == lstmattn.DecodingDirect
	switch {
	case o.Opset < OldestOpset || o.Opset > NewestOpset:
		return fmt.Errorf("export: opset is %d, must be between %d and %d", o.Opset, OldestOpset, NewestOpset)
	case o.Horizon < 1:
		return fmt.Errorf("export: the horizon is %d, must be at least 1", o.Horizon)
	case o.Decoder != Loop && o.Decoder != Unrolled && o.Decoder != Split:
		return fmt.Errorf("export: decoder is %q, must be loop, unrolled or split", string(o.Decoder))
	case o.Decoder == Split && direct:
		return errors.New("export: decoder is split, but direct decoding has no steps to run one by one; it must be loop or unrolled")
	case o.Decoder == Unrolled && !direct && o.Horizon > maxUnrolled:
		return fmt.Errorf("export: the horizon is %d, an unrolled decoder has at most %d steps", o.Horizon, maxUnrolled)
	case o.Horizon > c.Horizon && direct:
		return fmt.Errorf("export: the horizon is %d, direct decoding learnt %d steps", o.Horizon, c.Horizon)
	case o.Horizon > c.Horizon && c.LinearSkip:
		return fmt.Errorf("export: the horizon is %d, linear_skip learnt %d steps", o.Horizon, c.Horizon)
	case o.Attention && !c.Attention:
		return errors.New("export: attention weights are asked for, the configuration's attention is false")
	}
	return nil
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
	if c.Head != lstmattn.HeadPoint {
		meta = append(meta, onnx.StringEntry{Key: "head", Value: string(c.Head)})
	}
	if c.Scaling == lstmattn.ScalingSeries {
		meta = append(meta, onnx.StringEntry{Key: "scaling", Value: string(c.Scaling)})
	}
	list := func(key string, n int, values any) {
		if n > 0 {
			text, _ := json.Marshal(values) // strings and finite numbers
			meta = append(meta, onnx.StringEntry{Key: key, Value: string(text)})
		}
	}
	list("feature_names", len(c.FeatureNames), c.FeatureNames)
	list("feature_units", len(c.FeatureUnits), c.FeatureUnits)
	list("past_names", len(c.PastNames), c.PastNames)
	list("future_names", len(c.FutureNames), c.FutureNames)
	list("static_names", len(c.StaticNames), c.StaticNames)
	list("calendar", len(c.Calendar), c.Calendar)
	list("quantiles", len(c.Quantiles), c.Quantiles)
	return &onnx.Model{
		IRVersion:    irVersions[w.options.Opset-OldestOpset],
		ProducerName: "onda",
		DocString:    doc,
		Graph:        g,
		OpsetImports: []onnx.OpsetImport{{Version: int64(w.options.Opset)}},
		Metadata:     meta,
	}
}
