package lstmattn

// A tape is what a training pass remembers for the backward pass. The frames
// of the steps are pieces of its arrays over all T steps.
type tape struct {
	steps int // M positions

	gates, cells [][2][]float32 // of the encoder, by layer and direction (L, B, 4H), (L, B, H)
	dropped      [][]float32    // by encoder layer but the last (B, L, E): what the next layer reads under dropout
	masks        [][]float32    // the factors of that dropout

	// Of autoregressive decoding:
	inputs      []float32   // (M+1, N, decoderInput)
	prevs       []float32   // (M+1, N, P*W), where segments are embedded
	h, c        [][]float32 // by decoder layer (M+1, N, H): first the state before the first step
	stepDropped [][]float32 // by decoder layer but the last (M, N, H)
	all         attended    // (M, N, .) of all steps; weights are in the frames
}

// layOutTraining prepares the state for a training pass over a batch and a
// number of steps: nothing is overwritten that the backward pass reads.
func (s *State) layOutTraining(m *Model, batch, steps int) {
	s.window.mean, s.window.scale = m.params.ScalerMean, m.params.ScalerScale
	c := &m.config
	positions := c.positions(steps)
	if s.model == m && s.batch == batch && s.tape != nil && s.tape.steps == positions {
		return
	}
	s.cut(func() {
		s.common(m, batch, 1)
		s.tape = &tape{steps: positions}
		s.encode.tape = s.tape
		s.tapeEncoder(c)
		if c.direct() {
			s.layOutDirect(c, c.sequences(batch), positions)
			return
		}
		s.tapeDecoder(c)
	})
}

func (s *State) tapeEncoder(c *Config) {
	t, rows, H, E := s.tape, c.sequences(s.batch)*c.encoderSteps(), c.HiddenSize, c.MemorySize()
	for k := range c.NumEncoderLayers {
		s.encode.Y = append(s.encode.Y, s.take(rows*E))
		var gates, cells [2][]float32
		for d := range c.Directions() {
			gates[d], cells[d] = s.take(rows*4*H), s.take(rows*H)
		}
		t.gates, t.cells = append(t.gates, gates), append(t.cells, cells)
		if k < c.NumEncoderLayers-1 {
			t.dropped, t.masks = append(t.dropped, s.take(rows*E)), append(t.masks, s.take(rows*E))
		}
	}
}

func (s *State) tapeDecoder(c *Config) {
	t, M, N, H := s.tape, s.tape.steps, c.sequences(s.batch), c.HiddenSize
	width, segment := c.decoderInput(), c.segmentWidth()
	s.frames, s.inputs = make([]frame, M), make([][]float32, M+1)
	t.inputs = s.take((M + 1) * N * width)
	for i := range s.inputs {
		s.inputs[i] = piece(t.inputs, i, N*width)
	}
	s.prevs = [][]float32{nil}
	if c.Segment > 1 {
		s.prevs = make([][]float32, M+1)
	}
	t.prevs = s.take(len(s.prevs) * N * segment)
	for i := range s.prevs {
		s.prevs[i] = piece(t.prevs, i, N*segment)
	}
	s.y = s.take(N * c.outputWidth())
	t.all = s.attended(c, N, M)
	weights := N * c.NumAttentionHeads * c.encoderSteps()
	for i := range s.frames {
		a := &t.all
		s.frames[i].attended = attended{
			weights: piece(a.weights, i, weights), projected: piece(a.projected, i, N*H), mixed: piece(a.mixed, i, N*H),
			mask: piece(a.mask, i, N*H), sum: piece(a.sum, i, N*H), normed: piece(a.normed, i, N*H),
			mean: piece(a.mean, i, N), rstd: piece(a.rstd, i, N), dropped: piece(a.dropped, i, N*H),
		}
	}
	for k := range c.NumDecoderLayers {
		h, cell := s.take((M+1)*N*H), s.take((M+1)*N*H)
		t.h, t.c = append(t.h, h), append(t.c, cell)
		s.first[0][k], s.first[1][k] = piece(h, 0, N*H), piece(cell, 0, N*H)
		var dropped []float32
		last := k == c.NumDecoderLayers-1
		if !last {
			dropped = s.take(M * N * H)
			t.stepDropped = append(t.stepDropped, dropped)
		}
		for i := range s.frames {
			f := &s.frames[i]
			f.hIn, f.cIn = append(f.hIn, piece(h, i, N*H)), append(f.cIn, piece(cell, i, N*H))
			f.hOut, f.cOut = append(f.hOut, piece(h, i+1, N*H)), append(f.cOut, piece(cell, i+1, N*H))
			f.gates = append(f.gates, s.take(N*4*H))
			if !last {
				f.masks = append(f.masks, s.take(N*H))
				f.layers = append(f.layers, piece(dropped, i, N*H))
			}
		}
	}
}

// piece is the i-th n elements of all, nil of nil.
func piece(all []float32, i, n int) []float32 {
	if all == nil {
		return nil
	}
	return all[i*n : (i+1)*n]
}
