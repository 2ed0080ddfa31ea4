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
	tape         *tape  // nil outside training
	back         *State // the arena of the backward pass

	attend AttendArgs
	step   kernel.LSTMStepArgs
}

// A frame is the decoder's memory of one step.
type frame struct {
	hIn, cIn, hOut, cOut [][]float32 // by layer (B, H); in and out may be the same
	dropped              [][]float32 // by layer but the last (B, H): what the next layer reads under dropout
	masks                [][]float32 // the factors of that dropout
	gates                [][]float32 // by layer (B, 4H); nil outside training
	weights              []float32   // (B, A, L)
	projected, mixed     []float32   // (B, H) of the attention
	contextMask          []float32   // (B, H) the factors of the context's dropout
	sum, normed          []float32   // (B, H) q + context, and its layer norm
	mean, rstd           []float32   // (B) of the layer norm
}

// layOut prepares the state for a batch of the model.
func (s *State) layOut(m *Model, batch int) {
	s.window.mean, s.window.scale = m.params.ScalerMean, m.params.ScalerScale
	if s.model == m && s.batch == batch && s.tape == nil {
		return
	}
	c := &m.config
	B, H := batch, c.HiddenSize
	s.cut(func() {
		s.common(m, batch)
		outputs := [2][]float32{s.take(B * c.InputSize * c.MemorySize()), nil}
		if c.NumEncoderLayers > 1 {
			outputs[1] = s.take(B * c.InputSize * c.MemorySize())
		}
		for k := range c.NumEncoderLayers {
			s.encode.Y = append(s.encode.Y, outputs[k%2])
		}
		f := s.frame(c, B)
		for range c.NumDecoderLayers {
			f.hOut = append(f.hOut, s.take(B*H))
			f.cOut = append(f.cOut, s.take(B*H))
			f.gates = append(f.gates, nil)
		}
		f.hIn, f.cIn = f.hOut, f.cOut
		s.frames = []frame{f}
		s.inputs = [][]float32{s.take(B * (c.NumFeatures + H))}
	})
}

// cut lays the state out anew: lay takes its pieces once to count them and once
// more with the arena in place.
func (s *State) cut(lay func()) {
	s.used = 0
	lay()
	if s.used > len(s.arena) {
		s.arena = make([]float32, s.used)
	}
	s.used = 0
	lay()
}

// common is the layout that inference and training share.
func (s *State) common(m *Model, batch int) {
	s.model, s.batch, s.tape = m, batch, nil
	c := &m.config
	B, L, F, H := batch, c.InputSize, c.NumFeatures, c.HiddenSize
	s.window = window{
		kind: c.Normalization, steps: L, cols: F, mean: m.params.ScalerMean, scale: m.params.ScalerScale,
		anchor: s.take(B * F), shift: s.take(B * F), spread: s.take(B * F), sorted: s.take(L),
	}
	s.n = s.take(B * L * F)
	states := c.NumEncoderLayers * c.Directions() * B * H
	s.final = [2][]float32{s.take(states), s.take(states)}
	s.encode = StackedArgs{Batch: B, Steps: L, X: s.n, HN: s.final[0], CN: s.final[1]}
	s.joined = s.take(B * 2 * H)
	s.keys, s.values = s.take(B*L*H), s.take(B*L*H)
}

// frame makes a frame, but for the layers' states and gates.
func (s *State) frame(c *Config, B int) frame {
	H := c.HiddenSize
	f := frame{
		weights: s.take(B * c.NumAttentionHeads * c.InputSize), projected: s.take(B * H), mixed: s.take(B * H),
		contextMask: s.take(B * H), sum: s.take(B * H), normed: s.take(B * H), mean: s.take(B), rstd: s.take(B),
	}
	for range c.NumDecoderLayers - 1 {
		f.dropped, f.masks = append(f.dropped, s.take(B*H)), append(f.masks, s.take(B*H))
	}
	return f
}

// at returns the frame of step t, the row its input is in and that of the next.
func (s *State) at(t int) (f *frame, input, next []float32) {
	last := len(s.inputs) - 1
	return &s.frames[min(t, len(s.frames)-1)], s.inputs[min(t, last)], s.inputs[min(t+1, last)]
}

// take cuts n elements off the arena; nil while the arena is too short.
func (s *State) take(n int) []float32 {
	s.used += n
	if s.used > len(s.arena) {
		return nil
	}
	return s.arena[s.used-n : s.used : s.used]
}
