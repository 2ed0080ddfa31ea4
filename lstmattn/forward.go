package lstmattn

import (
	"context"

	"github.com/onda-ml/onda/ops/kernel"
)

// LayerNormEpsilon is added to the variance, PyTorch's default.
const LayerNormEpsilon = 1e-5

// A pass is one run of the network over a batch of windows.
type pass struct {
	*network
	params *Params
	head   *head
	config *Config
	pool   *kernel.Pool
	state  *State
	data   *Batch // the windows and their covariates
	batch  int    // B windows
	rows   int    // N sequences
	paths  int    // of the autoregressive decoder for each sequence, R = N*paths rows of its arrays

	choice   chooser // nil where the decoder reads point forecasts
	fan      int     // trajectories that it takes of each sequence
	dropping bool    // a training pass with dropout
}

// newPass is a pass in the state's memory, which has one at a time.
func (m *Model) newPass(pool *kernel.Pool, s *State, b *Batch) *pass {
	s.pass = pass{
		network: m.net, params: m.params, head: m.head, config: &m.config, pool: pool, state: s,
		data: b, batch: b.Size, rows: m.config.sequences(b.Size), paths: s.paths,
	}
	return &s.pass
}

// encode runs the encoder over the windows in state.n, sets the decoder's
// first state, and projects keys and values.
func (p *pass) encode(ctx context.Context) error {
	s := p.state
	p.sequences()
	s.encode.Stop = s.stopped(ctx)
	if err := p.encoder.Forward(p.pool, &s.encode); err != nil {
		return err
	}
	p.bridge()
	for k := range s.first[0] {
		repeat(s.first[0][k], p.config.HiddenSize, p.rows, p.paths)
		repeat(s.first[1][k], p.config.HiddenSize, p.rows, p.paths)
	}
	if p.attention == nil {
		return nil
	}
	if err := p.attention.Project(p.pool, s.keys, s.values, s.memory(), p.rows*p.config.encoderSteps(), s.encode.Stop); err != nil {
		return err
	}
	if len(s.column) > 0 {
		for n := range p.rows {
			keys := piece(s.keys, n, len(s.column))
			copy(s.column, keys)
			kernel.Transpose2D(keys, s.column, p.config.encoderSteps(), p.config.HiddenSize)
		}
	}
	return nil
}

// repeat lets each of n rows of v stand in copies places, one after the other.
func repeat(v []float32, width, n, copies int) {
	for r := n*copies - 1; r > 0; r-- {
		if r/copies != r {
			copy(piece(v, r, width), piece(v, r/copies, width))
		}
	}
}

// memory (N, S, E) is the encoder's output.
func (s *State) memory() []float32 { return s.encode.Y[len(s.encode.Y)-1] }

// bridge sets the decoder's first state from the encoder's final one.
func (p *pass) bridge() {
	s, c := p.state, p.config
	n := p.rows * c.HiddenSize
	for k := range c.NumDecoderLayers {
		j := c.encoderLayer(k)
		if !c.Bidirectional {
			copy(s.first[0][k], s.final[0][j*n:(j+1)*n])
			copy(s.first[1][k], s.final[1][j*n:(j+1)*n])
			continue
		}
		p.join(k, 0, j)
		p.bridgeH[k].apply(p.pool, p.rows, s.ends, s.first[0][k], kernel.ActTanh)
		p.join(k, 1, j)
		p.bridgeC[k].apply(p.pool, p.rows, s.ends, s.first[1][k], kernel.ActNone)
	}
}

// join sets state.ends (N, 2H) from both directions' final states of encoder
// layer j, h (which 0) or c (1).
func (p *pass) join(k, which, j int) {
	s, H := p.state, p.config.HiddenSize
	for d := range 2 {
		final := s.final[which][(2*j+d)*p.rows*H:]
		for b := range p.rows {
			copy(s.ends[(2*b+d)*H:(2*b+d+1)*H], final[b*H:])
		}
	}
}

func (d *dense) apply(p *kernel.Pool, rows int, x, y []float32, act kernel.Activation) {
	k, n := d.w.Size()
	kernel.GemmPacked(p, rows, x, k, d.w, y, n, kernel.Epilogue{Bias: d.bias, Act: act})
}

// feed sets the rows of the decoder's input at a position but for the context:
// prev (R, P*W), embedded if segments are, the column's embedding, and what is
// known of the position.
func (p *pass) feed(input, prev []float32, position, steps int) {
	c := p.config
	width, read := c.decoderInput(), c.embedded()
	if p.embed != nil {
		kernel.GemmPacked(p.pool, p.rows*p.paths, prev, c.segmentWidth(), p.embed.w, input, width, kernel.Epilogue{Bias: p.embed.bias, Act: kernel.ActRelu})
	}
	for r := range p.rows * p.paths {
		n, row := r/p.paths, piece(input, r, width)
		if p.embed == nil {
			copy(row, piece(prev, r, read))
		}
		if C := c.ChannelEmbedding; C > 0 {
			copy(row[read:], piece(p.channels, n%c.NumFeatures, C))
		}
		p.ahead(row[read+c.ChannelEmbedding:], n, position, steps)
	}
}

// decode is one step of the autoregressive decoder: from input (R, .), whose rows
// are the previous segment, the column's embedding, the covariates and the
// context, and the state in f, to the new state in f, the context in the rows of
// next, and the output's numbers y (R, outputWidth). drop is nil outside training.
func (p *pass) decode(f *frame, input, next, y []float32, drop *dropout) error {
	s, c := p.state, p.config
	N, H := p.rows*p.paths, c.HiddenSize
	x, width := input, c.decoderInput()
	for k, layer := range p.decoder.layers {
		s.step = kernel.LSTMStepArgs{B: N, X: x, XB: width, H: f.hIn[k], C: f.cIn[k], HOut: f.hOut[k], COut: f.cOut[k], Gates: f.gates[k]}
		kernel.LSTMStep(p.pool, layer[0], &s.step)
		x, width = f.hOut[k], H
		if drop != nil && k < len(p.decoder.layers)-1 {
			drop.apply(f.layers[k], x, f.masks[k])
			x = f.layers[k]
		}
	}
	if p.attention == nil {
		copy(f.sum, x)
	} else {
		width := c.decoderInput()
		next = next[width-H:]
		if err := p.attend(x, p.paths, next, width, &f.attended); err != nil {
			return err
		}
		for n := range N {
			context := next[n*width:][:H]
			sum := f.sum[n*H : (n+1)*H]
			if drop != nil {
				drop.apply(sum, context, f.mask[n*H:(n+1)*H])
				context = sum
			}
			kernel.Add(sum, x[n*H:(n+1)*H], context)
		}
	}
	p.outputs(N, y, &f.attended, drop)
	return nil
}

// attended is what attention and the output layer make of R rows of queries.
type attended struct {
	weights          []float32 // (N, A, R/N, S)
	projected, mixed []float32 // (R, H) of the attention
	mask             []float32 // (R, H) the factors of the dropout of the context or the output layer's input
	sum, normed      []float32 // (R, H) query + context, and its layer norm
	mean, rstd       []float32 // (R) of the layer norm
	dropped          []float32 // (R, H) what the output layer reads where dropout acts before it
}

// attend looks with so many queries for each sequence (N, queries, H) at the
// encoder's outputs; row r of the context is out[r*stride:].
func (p *pass) attend(query []float32, queries int, out []float32, stride int, a *attended) error {
	s := p.state
	s.attend.Batch, s.attend.Queries, s.attend.Steps = p.rows, queries, p.config.encoderSteps()
	s.attend.Query, s.attend.Keys, s.attend.Values = query, s.keys, s.values
	s.attend.KeysByColumn = len(s.column) > 0
	s.attend.Out, s.attend.OutStride = out, stride
	s.attend.Weights, s.attend.Projected, s.attend.Mixed = a.weights, a.projected, a.mixed
	return p.attention.Attend(p.pool, &s.attend)
}

// outputs sets y (rows, outputWidth) from a.sum.
func (p *pass) outputs(rows int, y []float32, a *attended, drop *dropout) {
	c := p.config
	H, out := c.HiddenSize, a.sum
	if p.norm != nil {
		kernel.LayerNormRows(p.pool, a.normed, a.sum, p.norm[:H], p.norm[H:], LayerNormEpsilon, rows, H, a.mean, a.rstd)
		out = a.normed
	}
	if drop != nil && c.dropsOutput() {
		drop.apply(a.dropped, out, a.mask)
		out = a.dropped
	}
	p.output.apply(p.pool, rows, out, y, kernel.ActNone)
}
