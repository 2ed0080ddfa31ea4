package lstmattn

import (
	"context"
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
)

// A backpass is the backward pass of a training pass whose tape is in the
// state. Its own arrays are the gradients of what the tape holds.
type backpass struct {
	*pass
	grads                       *Params
	decoderParams, decoderGrads []LSTMParams // by layer
	steps, positions            int
	force                       *forcing

	dy             []float32   // (M, N, outputWidth); direct decoding has (N, M, outputWidth)
	dSkip          []float32   // (B, F, horizon)
	dEmbed         []float32   // (M, N, H) of the embedded segments before the ReLU
	dOut, dSum     []float32   // (N, H)
	dQuery         []float32   // (N, H), or of all positions in direct decoding
	dContext       []float32   // (M, N, H)
	dMixed         []float32   // (M, N, H) or (N, M, H)
	dScores        []float32   // like the attention's weights
	dProjected     []float32   // (M, N, H) or (N, M, H)
	dKeys, dValues []float32   // (N, S, H)
	dInput         []float32   // (N, decoderInput) of the step after
	dPrev          []float32   // (N, P*W) of the values that it read
	dHidden        []float32   // (N, H)
	dh, dc         [][]float32 // by decoder layer (N, H)
	dgates         [][]float32 // by decoder layer (M, N, 4H)
	dFinal         [2][]float32
	dMemory        [2][]float32 // (N, S, E) of an encoder layer's output, and of its input
	encoderGates   []float32    // (N, S, 4H)
	dJoined        []float32    // (N, 2H)
	zeros          []float32    // (H)
	direct         directBack

	outW, inQ, outA, embedW *kernel.PackedB // the weights that every step multiplies with, not transposed
	wih, whh                []*kernel.PackedB
	encoderHH               [][]*kernel.PackedB // by layer and direction
	packed                  []packing           // all of them

	encoderParams, encoderGrads [][]LSTMParams // by layer and direction
	bridges                     [2][]bridgeBack
	fromParams, fromGrads       *float32 // where parameters and gradients begin
	added                       int      // elements of the arena that are added to

	attend      kernel.AttentionArgs
	attendGrads kernel.AttentionGrads
}

// A packing is a weight matrix that packed holds.
type packing struct {
	w   *kernel.PackedB
	b   []float32
	ldb int
}

// A bridgeBack is a bridge's weight and the gradients of its parameters.
type bridgeBack struct{ weight, dWeight, dBias []float32 }

// backpass is the backward pass of p, in the memory of the one before where that
// was of the same tape and gradients.
func (s *State) backpass(p *pass, grads *Params, steps int, force *forcing) *backpass {
	b := s.back
	if b == nil || b.grads != grads || b.fromGrads != &grads.Data[0] || b.fromParams != &p.params.Data[0] {
		b = newBackpass(p, grads, p.config.positions(steps))
		s.back = b
	}
	b.pass, b.steps, b.force = p, steps, force
	clear(s.backArena.arena[:b.added])
	for _, m := range b.packed {
		m.w.Repack(false, m.b, m.ldb)
	}
	return b
}

// newBackpass takes its arrays from the state's second arena.
func newBackpass(p *pass, grads *Params, positions int) *backpass {
	b := &backpass{pass: p, grads: grads, positions: positions, fromParams: &p.params.Data[0], fromGrads: &grads.Data[0]}
	b.views()
	b.layOut()
	b.pack()
	return b
}

// views finds the parameters and their gradients.
func (b *backpass) views() {
	c := b.config
	decoder, dDecoder := b.params.lstm("decoder", c.NumDecoderLayers, 1), b.grads.lstm("decoder", c.NumDecoderLayers, 1)
	for k := range decoder {
		b.decoderParams, b.decoderGrads = append(b.decoderParams, decoder[k][0]), append(b.decoderGrads, dDecoder[k][0])
	}
	b.encoderParams = b.params.lstm("encoder", c.NumEncoderLayers, c.Directions())
	b.encoderGrads = b.grads.lstm("encoder", c.NumEncoderLayers, c.Directions())
	if !c.Bidirectional {
		return
	}
	for which, name := range []string{"bridge_h", "bridge_c"} {
		for k := range c.NumDecoderLayers {
			weight, bias := fmt.Sprintf("%s.%d.weight", name, k), fmt.Sprintf("%s.%d.bias", name, k)
			b.bridges[which] = append(b.bridges[which], bridgeBack{b.params.View(weight), b.grads.View(weight), b.grads.View(bias)})
		}
	}
}

func (b *backpass) layOut() {
	c, s := b.config, b.state
	if s.backArena == nil {
		s.backArena = &State{}
	}
	N, S, H, E := b.rows, c.encoderSteps(), c.HiddenSize, c.MemorySize()
	take := s.backArena.take
	s.backArena.cut(func() {
		// What is added to comes first, and is cleared.
		b.dh, b.dc, b.dgates = nil, nil, nil
		for range c.NumDecoderLayers {
			b.dh, b.dc = append(b.dh, take(N*H)), append(b.dc, take(N*H))
		}
		b.dFinal = [2][]float32{take(len(s.final[0])), take(len(s.final[0]))}
		b.zeros, b.dy = take(H), take(b.positions*N*c.outputWidth())
		width := max(E, c.encoderInput())
		b.dMemory[0] = take(N * S * width)
		if c.LinearSkip {
			b.dSkip = take(len(s.skip))
		}
		if c.Attention {
			b.dProjected, b.dKeys, b.dValues = take(b.positions*N*H), take(N*S*H), take(N*S*H)
		}
		if c.Attention && !c.direct() {
			b.dContext = take(b.positions * N * H)
		}
		b.added = s.backArena.used

		b.dMemory[1] = take(N * S * width)
		b.encoderGates, b.dJoined = take(S*N*4*H), take(N*2*H)
		queries := 1
		if c.direct() {
			queries = b.positions
		}
		if c.Attention {
			b.dQuery, b.dMixed = take(queries*N*H), take(b.positions*N*H)
			b.dScores = take(b.positions * N * c.NumAttentionHeads * S)
		}
		if c.direct() {
			b.takeDirect(take)
		} else {
			b.takeSteps(take)
		}
	})
}

// pack makes room for the weights that are packed.
func (b *backpass) pack() {
	c, H := b.config, b.config.HiddenSize
	if !c.direct() {
		b.packSteps()
	}
	for _, layer := range b.encoderParams {
		var of []*kernel.PackedB
		for d := range layer {
			of = append(of, b.packB(4*H, H, layer[d].WeightHH))
		}
		b.encoderHH = append(b.encoderHH, of)
	}
}

// packB packs w (k, n) now and at every pass.
func (b *backpass) packB(k, n int, w []float32) *kernel.PackedB {
	packed := kernel.PackB(false, k, n, w, n)
	b.packed = append(b.packed, packing{packed, w, n})
	return packed
}

// run adds the gradients of all parameters, dy (B, T, F, K) being the gradient of
// the numbers as the network gives them.
func (b *backpass) run(ctx context.Context, dy []float32) error {
	c := b.config
	for m := range b.positions {
		b.position(m).get(c, dy, m, b.steps, c.numbers())
	}
	if c.direct() {
		b.directBackward()
	} else if err := b.stepsBackward(ctx); err != nil {
		return err
	}
	if b.skip != nil {
		for m := range b.positions {
			b.exchangeSkip(b.position(m), b.dSkip, m, b.steps, true)
		}
		b.product(b.grads.View("skip.weight"), b.grads.View("skip.bias"), b.dSkip, b.state.ofColumns(), b.batch*c.NumFeatures, c.Horizon, c.InputSize)
	}
	if c.Attention {
		b.memoryBackward()
	}
	b.bridgeBackward()
	return b.encoderBackward(ctx)
}

// position is where the gradients of the output layer's numbers for a position are.
func (b *backpass) position(m int) span {
	V := b.config.outputWidth()
	if b.config.direct() {
		return span{b.dy[m*V:], b.positions * V}
	}
	return span{piece(b.dy, m, b.rows*V), V}
}

// outputInput is what the output layer read.
func (b *backpass) outputInput(a *attended) []float32 {
	switch {
	case b.dropping && b.config.dropsOutput():
		return a.dropped
	case b.config.LayerNorm:
		return a.normed
	}
	return a.sum
}

// sumBackward goes back from dOut, the gradient of what the output layer read, to
// that of the sum before the layer norm, which it returns; dSum has room for it.
func (b *backpass) sumBackward(dOut, dSum []float32, a *attended, rows int) []float32 {
	c, H := b.config, b.config.HiddenSize
	if b.dropping && c.dropsOutput() {
		kernel.Mul(dOut, dOut, a.mask)
	}
	if !c.LayerNorm {
		return dOut
	}
	clear(dSum)
	weight := b.params.View("norm.weight")
	dWeight, dBias := b.grads.View("norm.weight"), b.grads.View("norm.bias")
	for i := range rows {
		kernel.LayerNormBackward(piece(dSum, i, H), dWeight, dBias, piece(dOut, i, H), piece(a.sum, i, H), weight, a.mean[i], a.rstd[i])
	}
	return dSum
}

// memoryBackward adds the gradients of the keys' and values' projections and
// sets the memory's.
func (b *backpass) memoryBackward() {
	c := b.config
	H, E, memories := c.HiddenSize, c.MemorySize(), b.rows*c.encoderSteps()
	w, g, memory := b.params.attention(H), b.grads.attention(H), b.state.memory()
	b.product(g.KWeight, g.InBias[H:2*H], b.dKeys, memory, memories, H, E)
	b.product(g.VWeight, g.InBias[2*H:], b.dValues, memory, memories, H, E)
	kernel.Gemm(b.pool, false, false, memories, E, H, 1, b.dKeys, H, w.KWeight, E, 0, b.dMemory[0], E)
	kernel.Gemm(b.pool, false, false, memories, E, H, 1, b.dValues, H, w.VWeight, E, 1, b.dMemory[0], E)
}

// product adds the gradient of a linear layer's parameters: dw (out, in) +=
// dy' x and db += the sum of dy's rows, over rows rows. db may be nil.
func (b *backpass) product(dw, db, dy, x []float32, rows, out, in int) {
	kernel.Gemm(b.pool, true, false, out, in, rows, 1, dy, out, x, in, 1, dw, in)
	if db != nil {
		sumRows(db, dy, rows)
	}
}
