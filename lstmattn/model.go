package lstmattn

import (
	"fmt"
	"math"
	"sync"

	"github.com/onda-ml/onda/ops/kernel"
)

// A Model is a configuration and its parameters, ready to forecast. It is safe
// for concurrent use while nothing changes it ([Model.SetScaler],
// [Model.SetThreads], [Model.Pack]).
type Model struct {
	config Config
	params *Params
	net    *network
	head   *head
	pool   *kernel.Pool
	states sync.Pool // *State
}

// New makes a model with PyTorch's initial distributions. The same
// configuration and seed give the same bits.
func New(cfg Config, seed uint64) (*Model, error) {
	p, err := NewParams(cfg)
	if err != nil {
		return nil, err
	}
	p.initialize(seed)
	return FromParams(cfg, p)
}

// NewParams makes the parameters of a model, all zero, with a scaler that
// changes nothing. A loader fills them and calls FromParams. The error is
// Validate's.
func NewParams(cfg Config) (*Params, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return newParams(&cfg), nil
}

// FromParams makes a model that keeps p. Parameters of another configuration
// are an error, and so is a scaler that is not of positive finite numbers.
func FromParams(cfg Config, p *Params) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	want := parameterTable(&cfg)
	if len(want) != len(p.table) {
		return nil, fmt.Errorf("lstmattn: %d parameters given, the configuration has %d", len(p.table), len(want))
	}
	for i := range want {
		got := &p.table[i]
		if got.Name != want[i].Name || fmt.Sprint(got.Shape) != fmt.Sprint(want[i].Shape) {
			return nil, fmt.Errorf("lstmattn: parameter %d is %s %v, the configuration has %s %v", i, got.Name, got.Shape, want[i].Name, want[i].Shape)
		}
	}
	if err := checkScaler(cfg.NumFeatures, p.ScalerMean, p.ScalerScale); err != nil {
		return nil, err
	}
	for _, s := range p.covariates(&cfg) {
		if err := s.check(s.Mean, s.Scale); err != nil {
			return nil, err
		}
	}
	m := &Model{config: cfg, params: p, head: cfg.head(), pool: kernel.NewPool(0)}
	if err := m.Pack(); err != nil {
		return nil, err
	}
	return m, nil
}

// Pack brings the parameters into the kernels' layout. It must be called after
// the numbers in Params have changed. It works in the memory of the layout before
// unless Params.Data was replaced.
func (m *Model) Pack() error {
	if m.net != nil && m.net.from == &m.params.Data[0] {
		for _, repack := range m.net.repack {
			repack()
		}
		return nil
	}
	net, err := newNetwork(&m.config, m.params)
	if err == nil {
		m.net = net
	}
	return err
}

// Config returns the model's configuration. Its lists must not be changed.
func (m *Model) Config() Config { return m.config }

// Params returns the model's parameters. Whoever changes them calls Pack.
func (m *Model) Params() *Params { return m.params }

// NumParameters is the number of parameters; the scaler's buffers do not count.
func (m *Model) NumParameters() int { return len(m.params.Data) }

// SetThreads sets the number of threads that calls of the model share; 0 means
// one for each processor Go may use, the number a new model has. Results do
// not depend on it.
func (m *Model) SetThreads(n int) { m.pool = kernel.NewPool(n) }

// SetScaler sets the mean and scale of each column, in the unit of the data:
// the model sees (x - mean) / scale.
func (m *Model) SetScaler(mean, scale []float32) error {
	if err := checkScaler(m.config.NumFeatures, mean, scale); err != nil {
		return err
	}
	copy(m.params.ScalerMean, mean)
	copy(m.params.ScalerScale, scale)
	return nil
}

// SetCovariateScaler sets the mean and scale of each covariate of a kind, past,
// future or static.
func (m *Model) SetCovariateScaler(kind string, mean, scale []float32) error {
	for _, s := range m.params.covariates(&m.config) {
		if s.kind == kind {
			if err := s.check(mean, scale); err != nil {
				return err
			}
			copy(s.Mean, mean)
			copy(s.Scale, scale)
			return nil
		}
	}
	return fmt.Errorf("lstmattn: the kind of covariates is %q, must be past, future or static", kind)
}

func checkScaler(features int, mean, scale []float32) error {
	if len(mean) != features || len(scale) != features {
		return fmt.Errorf("lstmattn: the scaler has %d means and %d scales, num_features is %d", len(mean), len(scale), features)
	}
	for i := range mean {
		if v := float64(mean[i]); math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("lstmattn: the scaler's mean of column %d is %v, must be a finite number", i, v)
		}
		if v := float64(scale[i]); !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("lstmattn: the scaler's scale of column %d is %v, must be a positive finite number", i, v)
		}
	}
	return nil
}

// A network is the parameters in the kernels' layout, layer by layer.
type network struct {
	embed            *dense // of segments; nil without
	encoder          *StackedLSTM
	bridgeH, bridgeC []dense             // by decoder layer; none for a unidirectional encoder
	decoder          *StackedLSTM        // of autoregressive decoding
	cells            []directCell        // of direct decoding, by decoder layer
	positions        []float32           // (Mmax, H-C) the positions' embeddings; nil without
	channels         []float32           // (F, C) the columns' embeddings; nil without
	attention        *MultiHeadAttention // nil without
	norm             []float32           // (2H) weight and bias; nil without layer norm
	output           dense
	skip             *dense // nil without

	from   *float32 // where the parameters begin
	repack []func() // lay out each part anew from its parameters
}

// A dense is a linear layer y = x W' + b.
type dense struct {
	w    *kernel.PackedB
	bias []float32
}

func newNetwork(c *Config, p *Params) (*network, error) {
	H, E := c.HiddenSize, c.MemorySize()
	n := &network{from: &p.Data[0]}
	again := func(repack func()) { n.repack = append(n.repack, repack) }
	linear := func(name string, out, in int) *dense {
		weight := p.View(name + ".weight")
		w := kernel.PackB(true, in, out, weight, in)
		again(func() { w.Repack(true, weight, in) })
		return &dense{w, p.View(name + ".bias")}
	}
	n.output = *linear("output", c.outputWidth(), H)
	var err error
	encoder, decoder := p.lstm("encoder", c.NumEncoderLayers, c.Directions()), p.lstm("decoder", c.NumDecoderLayers, 1)
	if n.encoder, err = NewStackedLSTM(c.encoderInput(), H, encoder); err != nil {
		return nil, err
	}
	again(func() { n.encoder.repack(encoder) })
	if c.direct() {
		n.cells = directCells(c, decoder)
		again(func() {
			for k := range n.cells {
				n.cells[k].repack(c, k, &decoder[k][0])
			}
		})
	} else {
		if n.decoder, err = NewStackedLSTM(c.decoderInput(), H, decoder); err != nil {
			return nil, err
		}
		again(func() { n.decoder.repack(decoder) })
	}
	n.positions, n.channels = p.View("position_embedding.weight"), p.View("channel_embedding.weight")
	if c.Attention {
		attention := p.attention(H)
		if n.attention, err = NewMultiHeadAttention(H, E, c.NumAttentionHeads, attention); err != nil {
			return nil, err
		}
		again(func() { n.attention.repack(&attention) })
	}
	if c.Segment > 1 {
		n.embed = linear("embed", H, c.segmentWidth())
	}
	if c.LinearSkip {
		n.skip = linear("skip", c.Horizon, c.InputSize)
	}
	if c.Bidirectional {
		for k := range c.NumDecoderLayers {
			n.bridgeH = append(n.bridgeH, *linear(fmt.Sprintf("bridge_h.%d", k), H, 2*H))
			n.bridgeC = append(n.bridgeC, *linear(fmt.Sprintf("bridge_c.%d", k), H, 2*H))
		}
	}
	if c.LayerNorm {
		weight, bias := p.View("norm.weight"), p.View("norm.bias")
		n.norm = append(append(n.norm, weight...), bias...)
		again(func() {
			copy(n.norm, weight)
			copy(n.norm[H:], bias)
		})
	}
	return n, nil
}

// lstm returns the views of a stacked LSTM's parameters, by layer and direction.
func (p *Params) lstm(module string, layers, directions int) [][]LSTMParams {
	stack := make([][]LSTMParams, layers)
	for k := range stack {
		for d := range directions {
			suffix := fmt.Sprintf("_l%d", k)
			if d == 1 {
				suffix += "_reverse"
			}
			stack[k] = append(stack[k], LSTMParams{
				WeightIH: p.View(module + ".weight_ih" + suffix), WeightHH: p.View(module + ".weight_hh" + suffix),
				BiasIH: p.View(module + ".bias_ih" + suffix), BiasHH: p.View(module + ".bias_hh" + suffix),
			})
		}
	}
	return stack
}

// attention returns the views of the attention's parameters.
func (p *Params) attention(H int) AttentionParams {
	a := AttentionParams{
		QWeight: p.View("attention.q_proj_weight"), KWeight: p.View("attention.k_proj_weight"), VWeight: p.View("attention.v_proj_weight"),
		InBias: p.View("attention.in_proj_bias"), OutWeight: p.View("attention.out_proj.weight"), OutBias: p.View("attention.out_proj.bias"),
	}
	if w := p.View("attention.in_proj_weight"); w != nil {
		a.QWeight, a.KWeight, a.VWeight = w[:H*H], w[H*H:2*H*H], w[2*H*H:]
	}
	return a
}
