package lstmattn

import (
	"fmt"
	"math"
	"slices"
)

// A Parameter is a row of the table of parameters: one tensor of the model.
type Parameter struct {
	Name   string // PyTorch's, see the package comment
	Shape  []int  // as in the files, see the package comment
	Gates  bool   // the first axis holds four blocks of rows, one per LSTM gate, in the order i, o, f, c
	Init   Init   // how New fills it
	offset int    // of its first element in Params.Data
}

// Len is the number of elements.
func (p *Parameter) Len() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// Params are the numbers of a model: all parameters in one block, in the order
// of the table, and the buffers beside it.
type Params struct {
	// Data is what optimisers step, clipping scales and gradients mirror.
	Data []float32

	// ScalerMean and ScalerScale (num_features) turn raw values into scaled ones,
	// (x - mean) / scale, and back.
	ScalerMean, ScalerScale []float32

	// Past, Future and Static scale the covariates (num_past and so on).
	Past, Future, Static Scaler

	table []Parameter
	index map[string]int
}

// newParams makes the parameters of a valid configuration: zeros, and the
// scaler that changes nothing.
func newParams(c *Config) *Params {
	p := &Params{table: parameterTable(c), index: map[string]int{}}
	n := 0
	for i := range p.table {
		p.table[i].offset = n
		p.index[p.table[i].Name] = i
		n += p.table[i].Len()
	}
	p.Data = make([]float32, n)
	p.ScalerMean, p.ScalerScale = make([]float32, c.NumFeatures), make([]float32, c.NumFeatures)
	for i := range p.ScalerScale {
		p.ScalerScale[i] = 1
	}
	p.Past, p.Future, p.Static = newScaler(c.NumPast), newScaler(c.NumFuture), newScaler(c.NumStatic)
	return p
}

// Table is the table of parameters. It must not be changed.
func (p *Params) Table() []Parameter { return p.table }

// View is a parameter's part of Data, or nil if the model has no such
// parameter.
func (p *Params) View(name string) []float32 {
	i, ok := p.index[name]
	if !ok {
		return nil
	}
	row := &p.table[i]
	return p.Data[row.offset : row.offset+row.Len() : row.offset+row.Len()]
}

// Clone returns a copy that shares nothing but the table.
func (p *Params) Clone() *Params {
	c := *p
	c.Data = slices.Clone(p.Data)
	c.ScalerMean, c.ScalerScale = slices.Clone(p.ScalerMean), slices.Clone(p.ScalerScale)
	c.Past, c.Future, c.Static = p.Past.clone(), p.Future.clone(), p.Static.clone()
	return &c
}

// ParameterTable lists every parameter of a model of that configuration, without
// making room for any. The error is Validate's.
func ParameterTable(cfg Config) ([]Parameter, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return parameterTable(&cfg), nil
}

// parameterTable lists every parameter of the model, in the order of the
// package comment.
func parameterTable(c *Config) []Parameter {
	var t []Parameter
	H, E := c.HiddenSize, c.MemorySize()
	linear := func(name string, out, in int) {
		t = append(t,
			Parameter{Name: name + ".weight", Shape: []int{out, in}, Init: Init{Uniform, 1 / math.Sqrt(float64(in))}},
			Parameter{Name: name + ".bias", Shape: []int{out}, Init: Init{Uniform, 1 / math.Sqrt(float64(in))}})
	}
	lstm := func(module, suffix string, in int) {
		init := Init{Uniform, 1 / math.Sqrt(float64(H))}
		t = append(t,
			Parameter{Name: module + ".weight_ih" + suffix, Shape: []int{4 * H, in}, Gates: true, Init: init},
			Parameter{Name: module + ".weight_hh" + suffix, Shape: []int{4 * H, H}, Gates: true, Init: init},
			Parameter{Name: module + ".bias_ih" + suffix, Shape: []int{4 * H}, Gates: true, Init: init},
			Parameter{Name: module + ".bias_hh" + suffix, Shape: []int{4 * H}, Gates: true, Init: init})
	}

	embedding := func(name string, rows, width int) {
		t = append(t, Parameter{Name: name + ".weight", Shape: []int{rows, width}, Init: Init{Normal, 1}})
	}

	if c.Segment > 1 {
		linear("embed", H, c.segmentWidth())
	}
	for k := range c.NumEncoderLayers {
		in := c.encoderInput()
		if k > 0 {
			in = E
		}
		lstm("encoder", fmt.Sprintf("_l%d", k), in)
		if c.Bidirectional {
			lstm("encoder", fmt.Sprintf("_l%d_reverse", k), in)
		}
	}
	if c.Bidirectional {
		for _, bridge := range []string{"bridge_h", "bridge_c"} {
			for k := range c.NumDecoderLayers {
				linear(fmt.Sprintf("%s.%d", bridge, k), H, 2*H)
			}
		}
	}
	if c.direct() {
		embedding("position_embedding", c.positions(c.Horizon), c.positionEmbedding())
	}
	if c.ChannelEmbedding > 0 {
		embedding("channel_embedding", c.NumFeatures, c.ChannelEmbedding)
	}
	for k := range c.NumDecoderLayers {
		in := c.decoderInput()
		if k > 0 {
			in = H
		}
		lstm("decoder", fmt.Sprintf("_l%d", k), in)
	}
	if c.Attention {
		t = append(t, attentionTable(H, E)...)
	}
	if c.LayerNorm {
		t = append(t,
			Parameter{Name: "norm.weight", Shape: []int{H}, Init: Init{Ones, 0}},
			Parameter{Name: "norm.bias", Shape: []int{H}})
	}
	linear("output", c.outputWidth(), H)
	if c.LinearSkip {
		linear("skip", c.Horizon, c.InputSize)
	}
	return t
}

// attentionTable lists the parameters of the attention of width H over memories
// of width E.
func attentionTable(H, E int) (t []Parameter) {
	xavier := func(name string, out, in int) {
		t = append(t, Parameter{Name: name, Shape: []int{out, in}, Init: Init{Uniform, math.Sqrt(6 / float64(in+out))}})
	}
	if E == H {
		xavier("attention.in_proj_weight", 3*H, H)
	} else {
		xavier("attention.q_proj_weight", H, H)
		xavier("attention.k_proj_weight", H, E)
		xavier("attention.v_proj_weight", H, E)
	}
	return append(t,
		Parameter{Name: "attention.in_proj_bias", Shape: []int{3 * H}},
		Parameter{Name: "attention.out_proj.weight", Shape: []int{H, H}, Init: Init{Uniform, 1 / math.Sqrt(float64(H))}},
		Parameter{Name: "attention.out_proj.bias", Shape: []int{H}})
}

// countParameters is the number of parameters, in floating point so that no
// size overflows; exact below 2**53.
func countParameters(c *Config) float64 {
	n := 0.0
	for _, p := range parameterTable(c) {
		size := 1.0
		for _, d := range p.Shape {
			size *= float64(d)
		}
		n += size
	}
	return n
}
