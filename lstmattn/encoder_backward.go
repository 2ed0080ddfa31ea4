package lstmattn

import (
	"context"

	"github.com/onda-ml/onda/ops/kernel"
)

// bridgeBackward turns the gradients of the decoder's first state into those of
// the encoder's final one.
func (b *backpass) bridgeBackward() {
	c := b.config
	B, H := b.rows, c.HiddenSize
	n := B * H
	for k := range c.NumDecoderLayers {
		j := c.encoderLayer(k)
		for which, d := range [2][]float32{b.dh[k], b.dc[k]} {
			if !c.Bidirectional {
				into := piece(b.dFinal[which], j, n)
				kernel.Add(into, into, d)
				continue
			}
			bridge := &b.bridges[which][k]
			if which == 0 { // through the tanh
				for i, h := range b.state.first[0][k] {
					d[i] *= 1 - h*h
				}
			}
			b.join(k, which, j)
			b.product(bridge.dWeight, bridge.dBias, d, b.state.ends, B, H, 2*H)
			kernel.Gemm(b.pool, false, false, B, 2*H, H, 1, d, H, bridge.weight, 2*H, 0, b.dJoined, 2*H)
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
	N, S, H, E := b.rows, c.encoderSteps(), c.HiddenSize, c.MemorySize()
	dy, dx := b.dMemory[0], b.dMemory[1]
	for k := c.NumEncoderLayers - 1; k >= 0; k-- {
		x, width := s.encode.X, c.encoderInput()
		if k > 0 {
			if x, width = s.encode.Y[k-1], E; b.dropping {
				x = s.tape.dropped[k-1]
			}
		}
		for d := range c.Directions() {
			l := lstmBack{
				T: S, B: N, input: width, hidden: H, reverse: d == 1,
				x: x, xT: width,
				y: s.encode.Y[k][d*H:], dy: dy[d*H:], yT: E,
				gates: s.tape.gates[k][d], cells: s.tape.cells[k][d],
				dh: piece(b.dFinal[0], k*c.Directions()+d, N*H), dc: piece(b.dFinal[1], k*c.Directions()+d, N*H),
				dx: dx, addX: d == 1, params: b.encoderParams[k][d], grads: b.encoderGrads[k][d],
				recurrent: b.encoderHH[k][d], dgates: b.encoderGates, zeros: b.zeros, stop: s.stopped(ctx),
			}
			if k == 0 && b.embed == nil {
				l.dx = nil
			}
			if err := l.run(b.pool); err != nil {
				return err
			}
		}
		if k > 0 && b.dropping {
			kernel.Mul(dx[:N*S*E], dx, s.tape.masks[k-1])
		}
		dy, dx = dx, dy
	}
	if b.embed != nil {
		for r := range N * S { // the embedded part of the input's gradient, row after row
			copy(piece(dy, r, H), dy[r*c.encoderInput():][:H])
		}
		b.embedBackward(dy[:N*S*H], s.embedded, s.segments(c), N*S)
	}
	return nil
}

// embedBackward adds the gradients of the embedding's parameters over some rows,
// from d (rows, H), the gradient of embedded, to whose place that before the ReLU
// goes.
func (b *backpass) embedBackward(d, embedded, segments []float32, rows int) {
	reluMask(d, embedded)
	b.product(b.grads.View("embed.weight"), b.grads.View("embed.bias"), d, segments, rows, b.config.HiddenSize, b.config.segmentWidth())
}

// reluMask zeroes d where y, ReLU's output, is zero.
func reluMask(d, y []float32) {
	y = y[:len(d)]
	for i := range d {
		if y[i] <= 0 {
			d[i] = 0
		}
	}
}
