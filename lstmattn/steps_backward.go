package lstmattn

import (
	"context"

	"github.com/onda-ml/onda/ops/kernel"
)

// takeSteps takes what autoregressive decoding alone needs.
func (b *backpass) takeSteps(take func(int) []float32) {
	c, N, M, H := b.config, b.rows, b.positions, b.config.HiddenSize
	b.dOut, b.dSum, b.dHidden, b.dInput = take(N*H), take(N*H), take(N*H), take(N*c.decoderInput())
	b.dPrev = take(N * c.segmentWidth())
	if b.embed != nil {
		b.dEmbed = take(M * N * H)
	}
	for range c.NumDecoderLayers {
		b.dgates = append(b.dgates, take(M*N*4*H))
	}
}

func (b *backpass) packSteps() {
	c, H := b.config, b.config.HiddenSize
	b.outW = b.packB(c.outputWidth(), H, b.params.View("output.weight"))
	if c.Attention {
		a := b.params.attention(H)
		b.inQ, b.outA = b.packB(H, H, a.QWeight), b.packB(H, H, a.OutWeight)
	}
	if b.embed != nil {
		b.embedW = b.packB(H, c.segmentWidth(), b.params.View("embed.weight"))
	}
	for k, layer := range b.decoderParams {
		b.wih = append(b.wih, b.packB(4*H, c.layerInput(k), layer.WeightIH))
		b.whh = append(b.whh, b.packB(4*H, H, layer.WeightHH))
	}
}

// stepsBackward goes back through decodeSteps from dy.
func (b *backpass) stepsBackward(ctx context.Context) error {
	for t := b.positions - 1; t >= 0; t-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.step(t)
	}
	if b.config.Attention {
		b.attendedBackward()
	}
	b.stepProducts()
	return nil
}

// step goes back through the decoder's step t, in the reverse order of
// pass.decode.
func (b *backpass) step(t int) {
	c, f, pool := b.config, &b.state.frames[t], b.pool
	N, H, V := b.rows, c.HiddenSize, c.outputWidth()
	dy := piece(b.dy, t, N*V)
	var dContext []float32
	if c.Attention {
		dContext = piece(b.dContext, t, N*H)
	}
	if t < b.positions-1 { // the next step read this value, unless it read the target, and this context
		b.fedBackward(t, dy, dContext)
	}

	kernel.GemmPacked(pool, N, dy, V, b.outW, b.dOut, H, kernel.Epilogue{})
	dx := b.sumBackward(b.dOut, b.dSum, &f.attended, N)
	if c.Attention {
		copy(b.dQuery, dx)
		if b.dropping {
			kernel.MulAdd(dContext, dx, f.mask)
		} else {
			kernel.Add(dContext, dContext, dx)
		}
		kernel.GemmPacked(pool, N, dContext, H, b.outA, piece(b.dMixed, t, N*H), H, kernel.Epilogue{})
		b.attendBackward(t, f)
		kernel.GemmPacked(pool, N, piece(b.dProjected, t, N*H), H, b.inQ, b.dQuery, H, kernel.Epilogue{Beta: 1})
		dx = b.dQuery
	}

	for k := c.NumDecoderLayers - 1; k >= 0; k-- {
		if b.dropping && k < c.NumDecoderLayers-1 {
			kernel.MulAdd(b.dh[k], dx, f.masks[k])
		} else {
			kernel.Add(b.dh[k], b.dh[k], dx)
		}
		dgates := piece(b.dgates[k], t, N*4*H)
		for i := range N {
			dc := b.dc[k][i*H : (i+1)*H]
			kernel.LSTMCellBackward(dgates[i*4*H:(i+1)*4*H], dc, b.dh[k][i*H:], dc, f.gates[k][i*4*H:], f.cOut[k][i*H:], f.cIn[k][i*H:])
		}
		kernel.GemmPacked(pool, N, dgates, 4*H, b.whh[k], b.dh[k], H, kernel.Epilogue{})
		if dx = b.dHidden; k == 0 {
			dx = b.dInput
		}
		kernel.GemmPacked(pool, N, dgates, 4*H, b.wih[k], dx, len(dx)/N, kernel.Epilogue{})
	}
	b.inputBackward(t)
}

// inputBackward hands the gradient of step t's input on to the embeddings.
func (b *backpass) inputBackward(t int) {
	c := b.config
	width, read, C := c.decoderInput(), c.embedded(), c.ChannelEmbedding
	if C > 0 {
		d := b.grads.View("channel_embedding.weight")
		for n := range b.rows {
			row := piece(d, n%c.NumFeatures, C)
			kernel.Add(row, row, b.dInput[n*width+read:])
		}
	}
	if b.embed == nil {
		return
	}
	d, input := piece(b.dEmbed, t, b.rows*read), b.state.inputs[t]
	for n := range b.rows {
		row := piece(d, n, read)
		copy(row, b.dInput[n*width:])
		reluMask(row, input[n*width:])
	}
}

// fedBackward adds to dy and sets dContext, of step t, what step t+1 made of them.
func (b *backpass) fedBackward(t int, dy, dContext []float32) {
	c := b.config
	width, read, H, W := c.decoderInput(), c.embedded(), c.HiddenSize, c.segmentWidth()
	if forced := b.force.forced[t+1]; !forced || b.force.gaps {
		if b.embed != nil {
			kernel.GemmPacked(b.pool, b.rows, piece(b.dEmbed, t+1, b.rows*H), H, b.embedW, b.dPrev, W, kernel.Epilogue{})
		} else {
			for n := range b.rows {
				copy(piece(b.dPrev, n, W), b.dInput[n*width:n*width+read])
			}
		}
		if forced { // by what is not missing, which carries no gradient
			target := b.state.y[:len(b.dPrev)]
			span{target, W}.get(c, b.force.normalized, t, b.steps, 1)
			for i, v := range target {
				if !isNaN(v) {
					b.dPrev[i] = 0
				}
			}
		}
		b.head.addPoints(dy, b.dPrev)
	}
	if c.Attention {
		for n := range b.rows {
			copy(dContext[n*H:(n+1)*H], b.dInput[(n+1)*width-H:])
		}
	}
}

// attendBackward is the backward pass of the attention's core at step t, from
// dMixed to dProjected and dScores.
func (b *backpass) attendBackward(t int, f *frame) {
	n := b.rows * b.config.HiddenSize
	b.attend = b.state.attend.core
	b.attend.Q, b.attend.Weights = f.projected, f.weights
	b.attendGrads = kernel.AttentionGrads{DOut: piece(b.dMixed, t, n), DQ: piece(b.dProjected, t, n), Scores: piece(b.dScores, t, len(f.weights))}
	kernel.AttentionQueryBackward(b.pool, &b.attend, &b.attendGrads)
}

// attendedBackward adds to dKeys and dValues what all steps give.
func (b *backpass) attendedBackward() {
	c, all := b.config, &b.state.tape.all
	N, S, H, A := b.rows, c.encoderSteps(), c.HiddenSize, c.NumAttentionHeads
	b.attend = b.state.attend.core
	b.attend.Tq, b.attend.Q, b.attend.Weights = b.positions, all.projected, all.weights
	b.attend.QS = kernel.Strides{B: H, H: H / A, T: N * H}
	b.attend.OutS = b.attend.QS
	b.attendGrads = kernel.AttentionGrads{
		DOut: b.dMixed, DK: b.dKeys, DV: b.dValues, Scores: b.dScores,
		HeadStride: S, QueryStride: N * A * S,
	}
	kernel.AttentionMemoryBackward(b.pool, &b.attend, &b.attendGrads)
}

// stepProducts adds the gradients of the decoder's, the query's and the output's
// parameters, over all steps at once.
func (b *backpass) stepProducts() {
	c, t := b.config, b.state.tape
	N, H := b.rows, c.HiddenSize
	rows := b.positions * N
	b.product(b.grads.View("output.weight"), b.grads.View("output.bias"), b.dy, b.outputInput(&t.all), rows, c.outputWidth(), H)
	if c.Attention {
		g := b.grads.attention(H)
		b.product(g.OutWeight, g.OutBias, b.dContext, t.all.mixed, rows, H, H)
		b.product(g.QWeight, g.InBias[:H], b.dProjected, t.h[c.NumDecoderLayers-1][N*H:], rows, H, H)
	}
	if b.embed != nil {
		b.product(b.grads.View("embed.weight"), b.grads.View("embed.bias"), b.dEmbed, t.prevs, rows, H, c.segmentWidth())
	}
	for k, layer := range b.decoderGrads {
		in, x := b.layerRead(k)
		b.product(layer.WeightIH, nil, b.dgates[k], x, rows, 4*H, in)
		b.product(layer.WeightHH, nil, b.dgates[k], t.h[k], rows, 4*H, H)
		layer.addBias(b.dgates[k], rows)
	}
}

// layerRead is what decoder layer k read, (M, N, width).
func (b *backpass) layerRead(k int) (width int, x []float32) {
	t, H := b.state.tape, b.config.HiddenSize
	switch {
	case k == 0:
		return b.config.decoderInput(), t.inputs
	case b.dropping:
		return H, t.stepDropped[k-1]
	}
	return H, t.h[k-1][b.rows*H:]
}
