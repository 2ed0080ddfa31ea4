package lstmattn

import (
	"context"

	"github.com/onda-ml/onda/ops/kernel"
)

// Direct decoding takes one LSTM step for each of M positions of a sequence, all
// from the encoder's final state. What the gates get from that state is the same
// for all positions, and what they get from a position's embedding the same for
// all sequences: both are computed once and added. Rows are in the order (N, M).

// A directCell is a layer of the direct decoder: gates in blocks i, o, f, c.
type directCell struct {
	input     *kernel.PackedB // (in, 4H); of layer 0 the position's part
	channel   *kernel.PackedB // (C, 4H) of layer 0; nil without
	known     *kernel.PackedB // (known, 4H) of layer 0: of covariates; nil without
	recurrent dense           // with both biases
}

func directCells(c *Config, params [][]LSTMParams) (cells []directCell) {
	H := c.HiddenSize
	for k, layer := range params {
		p := &layer[0]
		in, first := c.layerInput(k), c.layerInput(k)
		cell := directCell{recurrent: dense{kernel.PackB(true, H, 4*H, p.WeightHH, H), make([]float32, 4*H)}}
		kernel.Add(cell.recurrent.bias, p.BiasIH, p.BiasHH)
		if k == 0 {
			first = c.positionEmbedding()
			if c.ChannelEmbedding > 0 {
				cell.channel = kernel.PackB(true, c.ChannelEmbedding, 4*H, p.WeightIH[first:], in)
			}
			if c.known() > 0 {
				cell.known = kernel.PackB(true, c.known(), 4*H, p.WeightIH[H:], in)
			}
		}
		cell.input = kernel.PackB(true, first, 4*H, p.WeightIH, in)
		cells = append(cells, cell)
	}
	return cells
}

// repack takes other parameters of layer k.
func (cell *directCell) repack(c *Config, k int, p *LSTMParams) {
	cell.recurrent.w.Repack(true, p.WeightHH, c.HiddenSize)
	kernel.Add(cell.recurrent.bias, p.BiasIH, p.BiasHH)
	in := c.layerInput(k)
	cell.input.Repack(true, p.WeightIH, in)
	if cell.channel != nil {
		cell.channel.Repack(true, p.WeightIH[c.positionEmbedding():], in)
	}
	if cell.known != nil {
		cell.known.Repack(true, p.WeightIH[c.HiddenSize:], in)
	}
}

// layerInput is the width of what decoder layer k reads.
func (c *Config) layerInput(k int) int {
	if k == 0 {
		return c.decoderInput()
	}
	return c.HiddenSize
}

// direct is the memory of direct decoding over M positions of N sequences.
type direct struct {
	attended
	positions int

	base     []float32   // (N, 4H) of a layer: the recurrent part of the gates, and the column's
	channel  []float32   // (F, 4H) the columns' part
	position []float32   // (M, 4H) the positions' part
	known    []float32   // (N*M, known) the positions' covariates
	gates    [][]float32 // by layer (N*M, 4H)
	h, c     [][]float32 // by layer (N*M, H)
	layers   [][]float32 // by layer but the last (N*M, H): what the next layer reads under dropout
	masks    [][]float32 // the factors of that dropout

	layer int // that step works on
	step  func(lo, hi int)
}

// layOutDirect takes the memory of direct decoding. Inference computes all layers
// in the same memory.
func (s *State) layOutDirect(c *Config, N, M int) {
	H, R := c.HiddenSize, N*M
	s.direct = direct{attended: s.attended(c, N, M), positions: M, base: s.take(N * 4 * H), position: s.take(M * 4 * H), known: s.take(R * c.known()), step: s.direct.step}
	if s.direct.step == nil {
		s.direct.step = func(lo, hi int) { s.directStep(lo, hi) }
	}
	if c.ChannelEmbedding > 0 {
		s.direct.channel = s.take(c.NumFeatures * 4 * H)
	}
	d := &s.direct
	for k := range c.NumDecoderLayers {
		if k > 0 && s.tape == nil {
			d.gates, d.h, d.c = append(d.gates, d.gates[0]), append(d.h, d.h[0]), append(d.c, d.c[0])
		} else {
			d.gates, d.h, d.c = append(d.gates, s.take(R*4*H)), append(d.h, s.take(R*H)), append(d.c, s.take(R*H))
		}
		if k < c.NumDecoderLayers-1 {
			d.layers, d.masks = append(d.layers, s.take(R*H)), append(d.masks, s.take(R*H))
		}
	}
	s.y = s.take(R * c.outputWidth())
}

// decodeDirect decodes all positions at once.
func (p *pass) decodeDirect(ctx context.Context, values, weights []float32, steps int, drop *dropout) error {
	s, c, d := p.state, p.config, &p.state.direct
	M, H := d.positions, c.HiddenSize
	R := p.rows * M
	var x []float32
	for k := range p.cells {
		if err := ctx.Err(); err != nil {
			return err
		}
		cell := &p.cells[k]
		cell.recurrent.apply(p.pool, p.rows, s.first[0][k], d.base, kernel.ActNone)
		if k == 0 {
			kernel.GemmPacked(p.pool, M, p.positions, c.positionEmbedding(), cell.input, d.position, 4*H, kernel.Epilogue{})
			p.addChannels(cell)
			if cell.known != nil {
				for r := range R {
					p.ahead(piece(d.known, r, c.known()), r/M, r%M, steps)
				}
				kernel.GemmPacked(p.pool, R, d.known, c.known(), cell.known, d.gates[0], 4*H, kernel.Epilogue{})
			}
		} else {
			kernel.GemmPacked(p.pool, R, x, H, cell.input, d.gates[k], 4*H, kernel.Epilogue{})
		}
		d.layer = k
		p.pool.For(p.rows, max(1, (1<<13)/(M*H)), d.step)
		if x = d.h[k]; drop != nil && k < len(p.cells)-1 {
			drop.apply(d.layers[k], x, d.masks[k])
			x = d.layers[k]
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.attention == nil {
		copy(d.sum, x)
	} else {
		if err := p.attend(x, M, d.sum, H, &d.attended); err != nil {
			return err
		}
		kernel.Add(d.sum, d.sum, x)
	}
	p.outputs(R, s.y, &d.attended, drop)
	for m := range M {
		y := s.position(c, m)
		p.addSkip(y, m, steps)
		if p.choice != nil {
			p.chooseDirect(m)
			continue
		}
		y.put(c, values, m, steps)
	}
	if weights != nil {
		p.keepWeights(weights, d.weights, 0, M, steps)
	}
	return nil
}

// chooseDirect chooses among the numbers of a position, which are the same for
// all paths of a sequence.
func (p *pass) chooseDirect(m int) {
	y, V := p.state.position(p.config, m), p.config.outputWidth()
	numbers := make([]float32, p.rows*p.fan*V)
	for r := range p.rows * p.fan {
		copy(piece(numbers, r, V), y.rows[r/p.fan*y.stride:])
	}
	p.choice.choose(m, numbers, make([]float32, p.rows*p.fan*p.config.segmentWidth()), nil)
}

// position is where direct decoding has what the output layer gives for a position.
func (s *State) position(c *Config, m int) span {
	V := c.outputWidth()
	return span{s.y[m*V:], s.direct.positions * V}
}

// addChannels adds the columns' part of the gates to those of their sequences.
func (p *pass) addChannels(cell *directCell) {
	if cell.channel == nil {
		return
	}
	c, d := p.config, &p.state.direct
	G := 4 * c.HiddenSize
	kernel.GemmPacked(p.pool, c.NumFeatures, p.channels, c.ChannelEmbedding, cell.channel, d.channel, G, kernel.Epilogue{})
	for n := range p.rows {
		row := piece(d.base, n, G)
		kernel.Add(row, row, piece(d.channel, n%c.NumFeatures, G))
	}
}

// directStep is the elementwise part of a layer's step for sequences [lo, hi).
func (s *State) directStep(lo, hi int) {
	d := &s.direct
	k, M, H := d.layer, d.positions, s.model.config.HiddenSize
	for r := lo * M; r < hi*M; r++ {
		n, gates := r/M, piece(d.gates[k], r, 4*H)
		switch {
		case k > 0:
			kernel.Add(gates, gates, piece(d.base, n, 4*H))
		case len(d.known) > 0:
			kernel.Add(gates, gates, piece(d.base, n, 4*H))
			kernel.Add(gates, gates, piece(d.position, r%M, 4*H))
		default:
			kernel.Add(gates, piece(d.base, n, 4*H), piece(d.position, r%M, 4*H))
		}
		kernel.Sigmoid(gates[:3*H], gates)
		kernel.Tanh(gates[3*H:], gates[3*H:])
		i, o, f, g := gates[:H], gates[H:2*H], gates[2*H:3*H], gates[3*H:]
		h, c := piece(d.h[k], r, H), piece(d.c[k], r, H)
		kernel.Mul(c, f, piece(s.first[1][k], n, H))
		kernel.MulAdd(c, i, g)
		kernel.Tanh(h, c)
		kernel.Mul(h, h, o)
	}
}
