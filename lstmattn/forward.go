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
	config *Config
	pool   *kernel.Pool
	state  *State
	batch  int // B windows
	rows   int // N sequences

	dropping bool // a training pass with dropout
}

func (m *Model) newPass(pool *kernel.Pool, s *State, batch int) *pass {
	return &pass{network: m.net, config: &m.config, pool: pool, state: s, batch: batch, rows: m.config.sequences(batch)}
}

// encode runs the encoder over the windows in state.n, sets the decoder's
// first state, and projects keys and values.
func (p *pass) encode(ctx context.Context) error {
	s := p.state
	p.sequences()
	s.encode.Stop = ctx.Err
	if err := p.encoder.Forward(p.pool, &s.encode); err != nil {
		return err
	}
	p.bridge()
	if p.attention == nil {
		return nil
	}
	return p.attention.Project(p.pool, s.keys, s.values, s.memory(), p.rows*p.config.encoderSteps(), s.encode.Stop)
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
		p.bridgeH[k].apply(p.pool, p.rows, s.joined, s.first[0][k], kernel.ActTanh)
		p.join(k, 1, j)
		p.bridgeC[k].apply(p.pool, p.rows, s.joined, s.first[1][k], kernel.ActNone)
	}
}

// join sets state.joined (N, 2H) from both directions' final states of encoder
// layer j, h (which 0) or c (1).
func (p *pass) join(k, which, j int) {
	s, H := p.state, p.config.HiddenSize
	for d := range 2 {
		final := s.final[which][(2*j+d)*p.rows*H:]
		for b := range p.rows {
			copy(s.joined[(2*b+d)*H:(2*b+d+1)*H], final[b*H:])
		}
	}
}

func (d *dense) apply(p *kernel.Pool, rows int, x, y []float32, act kernel.Activation) {
	k, n := d.w.Size()
	kernel.GemmPacked(p, rows, x, k, d.w, y, n, kernel.Epilogue{Bias: d.bias, Act: act})
}

// feed sets the rows of a decoder step's input but for the context: prev (N,
// P*W), embedded if segments are, and the column's embedding.
func (p *pass) feed(input, prev []float32) {
	c := p.config
	width, read := c.decoderInput(), c.encoderInput()
	if p.embed != nil {
		kernel.GemmPacked(p.pool, p.rows, prev, c.segmentWidth(), p.embed.w, input, width, kernel.Epilogue{Bias: p.embed.bias, Act: kernel.ActRelu})
	}
	for n := range p.rows {
		row := input[n*width : (n+1)*width]
		if p.embed == nil {
			copy(row, prev[n*read:(n+1)*read])
		}
		if C := c.ChannelEmbedding; C > 0 {
			copy(row[read:], piece(p.channels, n%c.NumFeatures, C))
		}
	}
}

// decode is one step of the autoregressive decoder: from input (N, .), whose rows
// are the previous segment, the column's embedding and the context, and the state
// in f, to the new state in f, the context in the rows of next, and the output's
// numbers y (N, outputWidth). drop is nil outside training.
func (p *pass) decode(f *frame, input, next, y []float32, drop *dropout) error {
	s, c := p.state, p.config
	N, H := p.rows, c.HiddenSize
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
		if err := p.attend(x, 1, next, width, &f.attended); err != nil {
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
