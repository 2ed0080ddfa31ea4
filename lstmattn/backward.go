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
	params, grads *Params
	steps         int
	forced        []bool // (T+1) whether step t read the target

	dy             []float32   // (T, B, F)
	dOut, dSum     []float32   // (B, H)
	dQuery         []float32   // (B, H)
	dContext       []float32   // (T, B, H)
	dMixed         []float32   // (B, H)
	dProjected     []float32   // (T, B, H)
	dKeys, dValues []float32   // (B, L, H)
	dInput         []float32   // (B, F+H) of the step after
	dHidden        []float32   // (B, H)
	dh, dc         [][]float32 // by decoder layer (B, H)
	dgates         [][]float32 // by decoder layer (T, B, 4H)
	dFinal         [2][]float32
	dMemory        [2][]float32 // (B, L, E) of an encoder layer's output, and of its input
	encoderGates   []float32    // (L, B, 4H)
	dJoined        []float32    // (B, 2H)
	zeros          []float32    // (H)

	outW, inQ, outA *kernel.PackedB // the weights that every step multiplies with, not transposed
	wih, whh        []*kernel.PackedB
	attend          kernel.AttentionArgs
	attendGrads     kernel.AttentionGrads
}

// newBackpass takes its arrays from the state's second arena.
func newBackpass(p *pass, params, grads *Params, steps int, forced []bool) *backpass {
	b := &backpass{pass: p, params: params, grads: grads, steps: steps, forced: forced}
	c, s := p.config, p.state
	B, T, L, F, H, E := p.batch, steps, c.InputSize, c.NumFeatures, c.HiddenSize, c.MemorySize()
	if s.back == nil {
		s.back = &State{}
	}
	take := s.back.take
	s.back.cut(func() {
		b.dy, b.dOut, b.dSum, b.dQuery = take(T*B*F), take(B*H), take(B*H), take(B*H)
		b.dContext, b.dMixed, b.dProjected = take(T*B*H), take(B*H), take(T*B*H)
		b.dKeys, b.dValues, b.dInput, b.dHidden = take(B*L*H), take(B*L*H), take(B*(F+H)), take(B*H)
		b.dh, b.dc, b.dgates = nil, nil, nil
		for range c.NumDecoderLayers {
			b.dh, b.dc, b.dgates = append(b.dh, take(B*H)), append(b.dc, take(B*H)), append(b.dgates, take(T*B*4*H))
		}
		b.dFinal = [2][]float32{take(len(s.final[0])), take(len(s.final[0]))}
		b.dMemory = [2][]float32{take(B * L * E), take(B * L * E)}
		b.encoderGates, b.dJoined, b.zeros = take(L*B*4*H), take(B*2*H), take(H)
	})
	clear(s.back.arena[:s.back.used])

	a := params.attention(H)
	b.outW = kernel.PackB(false, F, H, params.View("output.weight"), H)
	b.inQ = kernel.PackB(false, H, H, a.QWeight, H)
	b.outA = kernel.PackB(false, H, H, a.OutWeight, H)
	for k, layer := range params.lstm("decoder", c.NumDecoderLayers, 1) {
		in, _ := b.decoderInput(k)
		b.wih = append(b.wih, kernel.PackB(false, 4*H, in, layer[0].WeightIH, in))
		b.whh = append(b.whh, kernel.PackB(false, 4*H, H, layer[0].WeightHH, H))
	}
	return b
}

// decoderInput is what decoder layer k read, (T, B, width).
func (b *backpass) decoderInput(k int) (width int, x []float32) {
	t, H := b.state.tape, b.config.HiddenSize
	switch {
	case k == 0:
		return b.config.NumFeatures + H, t.inputs
	case b.dropping:
		return H, t.stepDropped[k-1]
	}
	return H, t.h[k-1][b.batch*H:]
}

// run adds the gradients of all parameters, dy (B, T, F) being the gradient of
// the values as the network gives them.
func (b *backpass) run(ctx context.Context, dy []float32) error {
	F := b.config.NumFeatures
	for t := range b.steps {
		for i := range b.batch {
			copy(b.dy[(t*b.batch+i)*F:][:F], dy[(i*b.steps+t)*F:])
		}
	}
	for t := b.steps - 1; t >= 0; t-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.step(t)
	}
	b.decoderProducts()
	b.bridgeBackward()
	return b.encoderBackward(ctx)
}

// step goes back through the decoder's step t, in the reverse order of
// pass.decode.
func (b *backpass) step(t int) {
	c, f, pool := b.config, &b.state.frames[t], b.pool
	B, F, H := b.batch, c.NumFeatures, c.HiddenSize
	dy := piece(b.dy, t, B*F)
	dContext := piece(b.dContext, t, B*H)
	if t < b.steps-1 { // the next step read this value, unless it read the target, and this context
		for i := range B {
			from := b.dInput[i*(F+H) : (i+1)*(F+H)]
			if !b.forced[t+1] {
				kernel.Add(dy[i*F:(i+1)*F], dy[i*F:(i+1)*F], from)
			}
			copy(dContext[i*H:(i+1)*H], from[F:])
		}
	}

	kernel.GemmPacked(pool, B, dy, F, b.outW, b.dOut, H, kernel.Epilogue{})
	dSum := b.dOut
	if c.LayerNorm {
		dSum = b.dSum
		clear(dSum)
		weight := b.params.View("norm.weight")
		dWeight, dBias := b.grads.View("norm.weight"), b.grads.View("norm.bias")
		for i := range B {
			row := func(v []float32) []float32 { return v[i*H : (i+1)*H] }
			kernel.LayerNormBackward(row(dSum), dWeight, dBias, row(b.dOut), row(f.sum), weight, f.mean[i], f.rstd[i])
		}
	}
	copy(b.dQuery, dSum)
	if b.dropping {
		kernel.MulAdd(dContext, dSum, f.contextMask)
	} else {
		kernel.Add(dContext, dContext, dSum)
	}

	kernel.GemmPacked(pool, B, dContext, H, b.outA, b.dMixed, H, kernel.Epilogue{})
	b.attendBackward(t, f)
	kernel.GemmPacked(pool, B, piece(b.dProjected, t, B*H), H, b.inQ, b.dQuery, H, kernel.Epilogue{Beta: 1})

	dx := b.dQuery
	for k := c.NumDecoderLayers - 1; k >= 0; k-- {
		if b.dropping && k < c.NumDecoderLayers-1 {
			kernel.MulAdd(b.dh[k], dx, f.masks[k])
		} else {
			kernel.Add(b.dh[k], b.dh[k], dx)
		}
		dgates := piece(b.dgates[k], t, B*4*H)
		for i := range B {
			dc := b.dc[k][i*H : (i+1)*H]
			kernel.LSTMCellBackward(dgates[i*4*H:(i+1)*4*H], dc, b.dh[k][i*H:], dc, f.gates[k][i*4*H:], f.cOut[k][i*H:], f.cIn[k][i*H:])
		}
		kernel.GemmPacked(pool, B, dgates, 4*H, b.whh[k], b.dh[k], H, kernel.Epilogue{})
		if dx = b.dHidden; k == 0 {
			dx = b.dInput
		}
		kernel.GemmPacked(pool, B, dgates, 4*H, b.wih[k], dx, len(dx)/B, kernel.Epilogue{})
	}
}

// attendBackward is the backward pass of the attention's core at step t, from
// dMixed to dProjected, dKeys and dValues.
func (b *backpass) attendBackward(t int, f *frame) {
	b.attend = b.state.attend.core
	b.attend.Q, b.attend.Weights = f.projected, f.weights
	b.attendGrads = kernel.AttentionGrads{DOut: b.dMixed, DQ: piece(b.dProjected, t, b.batch*b.config.HiddenSize), DK: b.dKeys, DV: b.dValues}
	kernel.AttentionBackward(b.pool, &b.attend, &b.attendGrads)
}

// product adds the gradient of a linear layer's parameters: dw (out, in) +=
// dy' x and db += the sum of dy's rows, over rows rows. db may be nil.
func (b *backpass) product(dw, db, dy, x []float32, rows, out, in int) {
	kernel.Gemm(b.pool, true, false, out, in, rows, 1, dy, out, x, in, 1, dw, in)
	if db != nil {
		sumRows(db, dy, rows)
	}
}

// decoderProducts adds the gradients of the decoder's, the attention's and the
// output's parameters, over all steps at once, and sets the memory's.
func (b *backpass) decoderProducts() {
	c, t := b.config, b.state.tape
	B, F, H, E := b.batch, c.NumFeatures, c.HiddenSize, c.MemorySize()
	rows, memories := b.steps*B, B*c.InputSize

	out := t.sum
	if c.LayerNorm {
		out = t.normed
	}
	b.product(b.grads.View("output.weight"), b.grads.View("output.bias"), b.dy, out, rows, F, H)

	w, g := b.params.attention(H), b.grads.attention(H)
	query := t.h[c.NumDecoderLayers-1][B*H:]
	b.product(g.OutWeight, g.OutBias, b.dContext, t.mixed, rows, H, H)
	b.product(g.QWeight, g.InBias[:H], b.dProjected, query, rows, H, H)
	memory := b.state.memory()
	b.product(g.KWeight, g.InBias[H:2*H], b.dKeys, memory, memories, H, E)
	b.product(g.VWeight, g.InBias[2*H:], b.dValues, memory, memories, H, E)
	kernel.Gemm(b.pool, false, false, memories, E, H, 1, b.dKeys, H, w.KWeight, E, 0, b.dMemory[0], E)
	kernel.Gemm(b.pool, false, false, memories, E, H, 1, b.dValues, H, w.VWeight, E, 1, b.dMemory[0], E)

	for k, layer := range b.grads.lstm("decoder", c.NumDecoderLayers, 1) {
		in, x := b.decoderInput(k)
		b.product(layer[0].WeightIH, nil, b.dgates[k], x, rows, 4*H, in)
		b.product(layer[0].WeightHH, nil, b.dgates[k], t.h[k], rows, 4*H, H)
		layer[0].addBias(b.dgates[k], rows)
	}
}

// bridgeBackward turns the gradients of the decoder's first state into those of
// the encoder's final one.
func (b *backpass) bridgeBackward() {
	c := b.config
	B, H := b.batch, c.HiddenSize
	n := B * H
	for k := range c.NumDecoderLayers {
		j := c.encoderLayer(k)
		for which, d := range [2][]float32{b.dh[k], b.dc[k]} {
			if !c.Bidirectional {
				into := piece(b.dFinal[which], j, n)
				kernel.Add(into, into, d)
				continue
			}
			name := fmt.Sprintf("bridge_%s.%d", []string{"h", "c"}[which], k)
			if which == 0 { // through the tanh
				for i, h := range b.state.tape.h[k][:n] {
					d[i] *= 1 - h*h
				}
			}
			b.join(k, which, j)
			b.product(b.grads.View(name+".weight"), b.grads.View(name+".bias"), d, b.state.joined, B, H, 2*H)
			kernel.Gemm(b.pool, false, false, B, 2*H, H, 1, d, H, b.params.View(name+".weight"), 2*H, 0, b.dJoined, 2*H)
			for direction := range 2 {
				into := piece(b.dFinal[which], 2*j+direction, n)
				for i := range B {
					row := into[i*H : (i+1)*H]
					kernel.Add(row, row, b.dJoined[(2*i+direction)*H:])
				}
			}
		}
	}
}

// encoderBackward goes back through the encoder's layers.
func (b *backpass) encoderBackward(ctx context.Context) error {
	c, s := b.config, b.state
	B, L, F, H, E := b.batch, c.InputSize, c.NumFeatures, c.HiddenSize, c.MemorySize()
	params, grads := b.params.lstm("encoder", c.NumEncoderLayers, c.Directions()), b.grads.lstm("encoder", c.NumEncoderLayers, c.Directions())
	dy, dx := b.dMemory[0], b.dMemory[1]
	for k := c.NumEncoderLayers - 1; k >= 0; k-- {
		x, width := s.n, F
		if k > 0 {
			if x, width = s.encode.Y[k-1], E; b.dropping {
				x = s.tape.dropped[k-1]
			}
		}
		for d := range c.Directions() {
			l := lstmBack{
				T: L, B: B, input: width, hidden: H, reverse: d == 1,
				x: x, xT: width, xB: L * width,
				y: s.encode.Y[k][d*H:], dy: dy[d*H:], yT: E, yB: L * E,
				gates: s.tape.gates[k][d], cells: s.tape.cells[k][d],
				dh: piece(b.dFinal[0], k*c.Directions()+d, B*H), dc: piece(b.dFinal[1], k*c.Directions()+d, B*H),
				dx: dx, addX: d == 1, params: params[k][d], grads: grads[k][d],
				dgates: b.encoderGates, zeros: b.zeros, stop: ctx.Err,
			}
			if k == 0 {
				l.dx = nil
			}
			if err := l.run(b.pool); err != nil {
				return err
			}
		}
		if k > 0 && b.dropping {
			kernel.Mul(dx[:B*L*E], dx, s.tape.masks[k-1])
		}
		dy, dx = dx, dy
	}
	return nil
}
