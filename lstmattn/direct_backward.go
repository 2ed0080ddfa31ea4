package lstmattn

import "github.com/onda-ml/onda/ops/kernel"

// directBack is what goes back through direct decoding: gradients of what
// direct holds.
type directBack struct {
	dSum      []float32 // (N*M, H) of the output layer's input, then of query + context
	dNormed   []float32 // (N*M, H)
	dc        []float32 // (N*M, H)
	dgates    []float32 // (N*M, 4H)
	dBase     []float32 // (N, 4H)
	dPosition []float32 // (M, 4H)
	dChannel  []float32 // (F, 4H)

	layer int // that step works on
}

func (b *backpass) takeDirect(take func(int) []float32) {
	c, N, M := b.config, b.rows, b.positions
	H, R := c.HiddenSize, b.rows*b.positions
	d := &b.direct
	d.dSum, d.dNormed, d.dc, d.dgates = take(R*H), take(R*H), take(R*H), take(R*4*H)
	d.dBase, d.dPosition, d.dChannel = take(N*4*H), take(M*4*H), take(c.NumFeatures*4*H)
}

// directBackward goes back through decodeDirect, from dy (N, M, outputWidth).
func (b *backpass) directBackward() {
	c, s, d := b.config, b.state, &b.direct
	t := &s.direct
	H, R, V := c.HiddenSize, b.rows*b.positions, c.outputWidth()
	out := b.outputInput(&t.attended)
	b.product(b.grads.View("output.weight"), b.grads.View("output.bias"), b.dy, out, R, V, H)
	kernel.Gemm(b.pool, false, false, R, H, V, 1, b.dy, V, b.params.View("output.weight"), H, 0, d.dSum, H)
	dx := b.sumBackward(d.dSum, d.dNormed, &t.attended, R) // of the query and the context
	last := c.NumDecoderLayers - 1
	if c.Attention {
		b.directAttention(dx, R)
		dx = b.dQuery
	}
	for k := last; k >= 0; k-- {
		if b.dropping && k < last {
			kernel.Mul(dx, dx, t.masks[k])
		}
		dx = b.directLayer(k, dx, R)
	}
}

// directAttention leaves the query's gradient in b.dQuery.
func (b *backpass) directAttention(dSum []float32, R int) {
	c, s := b.config, b.state
	t, H := &s.direct, c.HiddenSize
	w, g := b.params.attention(H), b.grads.attention(H)
	kernel.Gemm(b.pool, false, false, R, H, H, 1, dSum, H, w.OutWeight, H, 0, b.dMixed, H)
	b.attend = s.attend.core
	b.attendGrads = kernel.AttentionGrads{DOut: b.dMixed, DQ: b.dProjected, DK: b.dKeys, DV: b.dValues, Scores: b.dScores}
	kernel.AttentionBackward(b.pool, &b.attend, &b.attendGrads)
	b.product(g.OutWeight, g.OutBias, dSum, t.mixed, R, H, H)
	b.product(g.QWeight, g.InBias[:H], b.dProjected, t.h[c.NumDecoderLayers-1], R, H, H)
	copy(b.dQuery, dSum)
	kernel.Gemm(b.pool, false, false, R, H, H, 1, b.dProjected, H, w.QWeight, H, 1, b.dQuery, H)
}

// directLayer goes back through layer k from dh, the gradient of its output, and
// returns that of its input.
func (b *backpass) directLayer(k int, dh []float32, R int) []float32 {
	c, s, d := b.config, b.state, &b.direct
	t, N, M, H := &s.direct, b.rows, b.positions, c.HiddenSize
	clear(d.dBase)
	clear(d.dc)
	d.layer = k
	b.directSteps(0, N, dh)
	params, grads := b.decoderParams[k], b.decoderGrads[k]
	kernel.Gemm(b.pool, false, false, N, H, 4*H, 1, d.dBase, 4*H, params.WeightHH, H, 0, b.dh[k], H)
	b.product(grads.WeightHH, nil, d.dBase, s.first[0][k], N, 4*H, H)
	grads.addBias(d.dBase, N)
	if k > 0 {
		x := t.h[k-1]
		if b.dropping {
			x = t.layers[k-1]
		}
		b.product(grads.WeightIH, nil, d.dgates, x, R, 4*H, H)
		kernel.Gemm(b.pool, false, false, R, H, 4*H, 1, d.dgates, 4*H, params.WeightIH, H, 0, dh, H)
		return dh
	}

	in, width := c.decoderInput(), c.positionEmbedding()
	clear(d.dPosition)
	for r := range R {
		row := piece(d.dPosition, r%M, 4*H)
		kernel.Add(row, row, piece(d.dgates, r, 4*H))
	}
	kernel.Gemm(b.pool, true, false, 4*H, width, M, 1, d.dPosition, 4*H, b.network.positions, width, 1, grads.WeightIH, in)
	kernel.Gemm(b.pool, false, false, M, width, 4*H, 1, d.dPosition, 4*H, params.WeightIH, in, 1, b.grads.View("position_embedding.weight"), width)
	if C := c.ChannelEmbedding; C > 0 {
		F := c.NumFeatures
		clear(d.dChannel)
		for n := range N {
			row := piece(d.dChannel, n%F, 4*H)
			kernel.Add(row, row, piece(d.dBase, n, 4*H))
		}
		kernel.Gemm(b.pool, true, false, 4*H, C, F, 1, d.dChannel, 4*H, b.channels, C, 1, grads.WeightIH[width:], in)
		kernel.Gemm(b.pool, false, false, F, C, 4*H, 1, d.dChannel, 4*H, params.WeightIH[width:], in, 1, b.grads.View("channel_embedding.weight"), C)
	}
	if G := c.known(); G > 0 {
		kernel.Gemm(b.pool, true, false, 4*H, G, R, 1, d.dgates, 4*H, t.known, G, 1, grads.WeightIH[H:], in)
	}
	return nil
}

// directSteps is the elementwise part for sequences [lo, hi). It leaves the
// gradient of the layer's first cell state in b.dc.
func (b *backpass) directSteps(lo, hi int, dh []float32) {
	d, t := &b.direct, &b.state.direct
	k, M, H := d.layer, b.positions, b.config.HiddenSize
	for r := lo * M; r < hi*M; r++ {
		n := r / M
		dgates, dc := piece(d.dgates, r, 4*H), piece(d.dc, r, H)
		kernel.LSTMCellBackward(dgates, dc, piece(dh, r, H), dc, piece(t.gates[k], r, 4*H), piece(t.c[k], r, H), piece(b.state.first[1][k], n, H))
		base, first := piece(d.dBase, n, 4*H), piece(b.dc[k], n, H)
		kernel.Add(base, base, dgates)
		kernel.Add(first, first, dc)
	}
}
