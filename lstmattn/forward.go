package lstmattn

import (
	"context"

	"github.com/onda-ml/onda/ops/kernel"
)

// LayerNormEpsilon is added to the variance, PyTorch's default.
const LayerNormEpsilon = 1e-5

// A pass is one run of the network over a batch.
type pass struct {
	*network
	config *Config
	pool   *kernel.Pool
	state  *State
	batch  int

	dropping bool // a training pass with dropout
}

// encode runs the encoder over the windows in state.n, sets the decoder's
// first state and input, and projects keys and values.
func (p *pass) encode(ctx context.Context) error {
	s, c := p.state, p.config
	B, L, F := p.batch, c.InputSize, c.NumFeatures
	s.encode.Stop = ctx.Err
	if err := p.encoder.Forward(p.pool, &s.encode); err != nil {
		return err
	}
	p.bridge(&s.frames[0])
	width := F + c.HiddenSize
	for b := range B {
		input := s.inputs[0][b*width : (b+1)*width]
		copy(input, s.n[(b*L+L-1)*F:(b*L+L)*F])
		clear(input[F:])
	}
	return p.attention.Project(p.pool, s.keys, s.values, s.memory(), B*L, s.encode.Stop)
}

// memory (B, L, E) is the encoder's output.
func (s *State) memory() []float32 { return s.encode.Y[len(s.encode.Y)-1] }

// bridge sets the decoder's first state from the encoder's final one.
func (p *pass) bridge(first *frame) {
	s, c := p.state, p.config
	n := p.batch * c.HiddenSize
	for k := range c.NumDecoderLayers {
		j := c.encoderLayer(k)
		if !c.Bidirectional {
			copy(first.hIn[k], s.final[0][j*n:(j+1)*n])
			copy(first.cIn[k], s.final[1][j*n:(j+1)*n])
			continue
		}
		p.join(k, 0, j)
		p.bridgeH[k].apply(p.pool, p.batch, s.joined, first.hIn[k], kernel.ActTanh)
		p.join(k, 1, j)
		p.bridgeC[k].apply(p.pool, p.batch, s.joined, first.cIn[k], kernel.ActNone)
	}
}

// join sets state.joined (B, 2H) from both directions' final states of encoder
// layer j, h (which 0) or c (1).
func (p *pass) join(k, which, j int) {
	s, H := p.state, p.config.HiddenSize
	for d := range 2 {
		final := s.final[which][(2*j+d)*p.batch*H:]
		for b := range p.batch {
			copy(s.joined[(2*b+d)*H:(2*b+d+1)*H], final[b*H:])
		}
	}
}

func (d *dense) apply(p *kernel.Pool, rows int, x, y []float32, act kernel.Activation) {
	k, n := d.w.Size()
	kernel.GemmPacked(p, rows, x, k, d.w, y, n, kernel.Epilogue{Bias: d.bias, Act: act})
}

// decode is one step of the decoder: from input (B, F+H), whose rows are the
// previous value and context, and the state in f, to the new state in f, the
// context in the rows of next, and the value: row b of y is y[b*yStride:][:F].
// drop is nil outside training.
func (p *pass) decode(f *frame, input, next []float32, y []float32, yStride int, drop *dropout) error {
	s, c := p.state, p.config
	B, F, H := p.batch, c.NumFeatures, c.HiddenSize
	x, width := input, F+H
	for k, layer := range p.decoder.layers {
		s.step = kernel.LSTMStepArgs{B: B, X: x, XB: width, H: f.hIn[k], C: f.cIn[k], HOut: f.hOut[k], COut: f.cOut[k], Gates: f.gates[k]}
		kernel.LSTMStep(p.pool, layer[0], &s.step)
		x, width = f.hOut[k], H
		if drop != nil && k < len(p.decoder.layers)-1 {
			drop.apply(f.dropped[k], x, f.masks[k])
			x = f.dropped[k]
		}
	}
	s.attend.Batch, s.attend.Queries, s.attend.Steps = B, 1, c.InputSize
	s.attend.Query, s.attend.Keys, s.attend.Values = x, s.keys, s.values
	s.attend.Out, s.attend.OutStride = next[F:], F+H
	s.attend.Weights, s.attend.Projected, s.attend.Mixed = f.weights, f.projected, f.mixed
	if err := p.attention.Attend(p.pool, &s.attend); err != nil {
		return err
	}
	for b := range B {
		context := next[b*(F+H)+F : (b+1)*(F+H)]
		sum := f.sum[b*H : (b+1)*H]
		if drop != nil {
			drop.apply(sum, context, f.contextMask[b*H:(b+1)*H])
			context = sum
		}
		kernel.Add(sum, x[b*H:(b+1)*H], context)
		if p.norm != nil {
			f.mean[b], f.rstd[b] = kernel.LayerNorm(f.normed[b*H:(b+1)*H], sum, p.norm[:H], p.norm[H:], LayerNormEpsilon)
		}
	}
	out := f.sum
	if p.norm != nil {
		out = f.normed
	}
	kernel.GemmPacked(p.pool, B, out, H, p.output.w, y, yStride, kernel.Epilogue{Bias: p.output.bias})
	return nil
}
