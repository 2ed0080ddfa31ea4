package lstmattn

// A tape is what a training pass remembers for the backward pass. The frames
// of the steps are pieces of its arrays over all T steps.
type tape struct {
	steps int // T

	gates, cells [][2][]float32 // of the encoder, by layer and direction (L, B, 4H), (L, B, H)
	dropped      [][]float32    // by encoder layer but the last (B, L, E): what the next layer reads under dropout
	masks        [][]float32    // the factors of that dropout

	inputs           []float32   // (T+1, B, F+H) of the decoder
	h, c             [][]float32 // by decoder layer (T+1, B, H): first the state before the first step
	stepDropped      [][]float32 // by decoder layer but the last (T, B, H)
	projected, mixed []float32   // (T, B, H)
	sum, normed      []float32   // (T, B, H)
}

// layOutTraining prepares the state for a training pass over a batch and a
// number of decoder steps: nothing is overwritten that the backward pass reads.
func (s *State) layOutTraining(m *Model, batch, steps int) {
	s.window.mean, s.window.scale = m.params.ScalerMean, m.params.ScalerScale
	if s.model == m && s.batch == batch && s.tape != nil && s.tape.steps == steps {
		return
	}
	c := &m.config
	s.cut(func() {
		s.common(m, batch)
		s.tape = &tape{steps: steps}
		s.encode.tape = s.tape
		s.tapeEncoder(c)
		s.tapeDecoder(c)
	})
}

func (s *State) tapeEncoder(c *Config) {
	t, rows, H, E := s.tape, s.batch*c.InputSize, c.HiddenSize, c.MemorySize()
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
	t, T, B, F, H := s.tape, s.tape.steps, s.batch, c.NumFeatures, c.HiddenSize
	s.frames, s.inputs = make([]frame, T), make([][]float32, T+1)
	t.inputs = s.take((T + 1) * B * (F + H))
	t.projected, t.mixed = s.take(T*B*H), s.take(T*B*H)
	t.sum, t.normed = s.take(T*B*H), s.take(T*B*H)
	for i := range s.inputs {
		s.inputs[i] = piece(t.inputs, i, B*(F+H))
	}
	for i := range s.frames {
		s.frames[i] = frame{
			weights: s.take(B * c.NumAttentionHeads * c.InputSize), contextMask: s.take(B * H), mean: s.take(B), rstd: s.take(B),
			projected: piece(t.projected, i, B*H), mixed: piece(t.mixed, i, B*H), sum: piece(t.sum, i, B*H), normed: piece(t.normed, i, B*H),
		}
	}
	for k := range c.NumDecoderLayers {
		h, cell := s.take((T+1)*B*H), s.take((T+1)*B*H)
		t.h, t.c = append(t.h, h), append(t.c, cell)
		var dropped []float32
		last := k == c.NumDecoderLayers-1
		if !last {
			dropped = s.take(T * B * H)
			t.stepDropped = append(t.stepDropped, dropped)
		}
		for i := range s.frames {
			f := &s.frames[i]
			f.hIn, f.cIn = append(f.hIn, piece(h, i, B*H)), append(f.cIn, piece(cell, i, B*H))
			f.hOut, f.cOut = append(f.hOut, piece(h, i+1, B*H)), append(f.cOut, piece(cell, i+1, B*H))
			f.gates = append(f.gates, s.take(B*4*H))
			if !last {
				f.dropped, f.masks = append(f.dropped, piece(dropped, i, B*H)), append(f.masks, s.take(B*H))
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
