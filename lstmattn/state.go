package lstmattn

import "github.com/onda-ml/onda/ops/kernel"

// A State is the memory a forecast works in. The zero value is ready; a State
// that has served one call serves the next without allocating. One call uses
// it at a time.
type State struct {
	model *Model // that the layout below is for
	batch int
	arena []float32
	used  int

	window window
	n      []float32 // (B, L, F) the normalised windows

	encode StackedArgs  // Y[last] is the memory (B, L, E)
	final  [2][]float32 // (Le*D, B, H) the encoder's final h and c
	joined []float32    // (B, 2H) both directions' final state

	keys, values []float32 // (B, L, H)
	frames       []frame   // of the decoder's steps; inference uses one over and over
	inputs       [][]float32
	stepY        []float32 // (B, F)

	attend AttendArgs
	step   kernel.LSTMStepArgs
}

// A frame is the decoder's memory of one step.
type frame struct {
	hIn, cIn, hOut, cOut [][]float32 // by layer (B, H); in and out may be the same
	dropped              [][]float32 // by layer but the last (B, H): what the next layer reads under dropout
	weights              []float32   // (B, A, L)
	scratch              []float32   // (2, B, H) of the attention
	sum, normed          []float32   // (B, H) q + context, and its layer norm
	mean, rstd           []float32   // (B) of the layer norm
}

// layOut prepares the state for a batch of the model.
func (s *State) layOut(m *Model, batch int) {
	if s.model == m && s.batch == batch {
		return
	}
	s.model, s.batch = m, batch
	c := &m.config
	B, L, F, H, E, A := batch, c.InputSize, c.NumFeatures, c.HiddenSize, c.MemorySize(), c.NumAttentionHeads
	s.used = 0
	// First count, then cut: the second pass runs over the same lines with the arena in place.
	for range 2 {
		if s.used > len(s.arena) {
			s.arena = make([]float32, s.used)
		}
		s.used = 0
		s.window = window{
			kind: c.Normalization, steps: L, cols: F, mean: m.params.ScalerMean, scale: m.params.ScalerScale,
			shift: s.take(B * F), spread: s.take(B * F), sorted: s.take(L),
		}
		s.n = s.take(B * L * F)

		outputs := [2][]float32{s.take(B * L * E), nil}
		if c.NumEncoderLayers > 1 {
			outputs[1] = s.take(B * L * E)
		}
		states := c.NumEncoderLayers * c.Directions() * B * H
		s.final = [2][]float32{s.take(states), s.take(states)}
		s.encode = StackedArgs{Batch: B, Steps: L, X: s.n, HN: s.final[0], CN: s.final[1]}
		for k := range c.NumEncoderLayers {
			s.encode.Y = append(s.encode.Y, outputs[k%2])
		}
		s.joined = s.take(B * 2 * H)

		s.keys, s.values = s.take(B*L*H), s.take(B*L*H)
		f := frame{weights: s.take(B * A * L), scratch: s.take(2 * B * H), sum: s.take(B * H), normed: s.take(B * H)}
		for range c.NumDecoderLayers {
			f.hOut = append(f.hOut, s.take(B*H))
			f.cOut = append(f.cOut, s.take(B*H))
			f.dropped = append(f.dropped, s.take(B*H))
		}
		f.hIn, f.cIn = f.hOut, f.cOut
		s.frames = []frame{f}
		s.inputs = [][]float32{s.take(B * (F + H))}
		s.stepY = s.take(B * F)
	}
}

// take cuts n elements off the arena; nil while the arena is too short.
func (s *State) take(n int) []float32 {
	s.used += n
	if s.used > len(s.arena) {
		return nil
	}
	return s.arena[s.used-n : s.used : s.used]
}
