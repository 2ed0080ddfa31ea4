package lstmattn

import (
	"context"

	"github.com/onda-ml/onda/ops/kernel"
)

// A State is the memory a forecast works in. The zero value is ready; a State
// that has served one call serves the next without allocating. One call uses
// it at a time. The letters are those of the package comment.
type State struct {
	model *Model // that the layout below is for
	batch int
	paths int // of the autoregressive decoder for each sequence
	steps int // positions of the layout; 0 where it serves any number
	arena []float32
	used  int

	window   window
	n        []float32 // (B, L, F) the normalised windows
	columns  []float32 // (B, F, L) the same by column, where that is needed and not the same
	skip     []float32 // (B, F, horizon) the linear skip
	embedded []float32 // (N, S, H) the embedded segments
	joined   []float32 // (N, S, encoderInput) segments and covariates, where there are any

	encode StackedArgs    // Y[last] is the memory (N, S, E)
	final  [2][]float32   // (Le*D, N, H) the encoder's final h and c
	ends   []float32      // (N, 2H) both directions' final state
	first  [2][][]float32 // by decoder layer (R, H) its first h and c

	keys, values []float32 // (N, S, H)
	column       []float32 // (S, H) where keys become (N, H, S): for steps of one query each
	y            []float32 // (R, outputWidth) of one step; direct decoding has (N, M, outputWidth)
	frames       []frame   // of the decoder's steps; inference uses one over and over
	inputs       [][]float32
	prevs        [][]float32 // (R, P*W) the segment before a step; training keeps all where they are embedded
	direct       direct
	pass         pass // that uses the state

	parts []State // views of parts of the batch, see split
	task  partsTask
	begin int   // of a view: its first window
	data  Batch // of a view

	// Of training:
	tape              *tape // nil outside training
	force             forcing
	numbers, dNumbers []float32 // (B, T, F, K) what the network gives, and the gradient
	back              *backpass // of the tape; nil before the first
	backArena         *State    // that back's arrays are of

	ctx     context.Context // that stop asks
	stop    func() error
	between func(layer int, y []float32) []float32 // dropBetween

	attend AttendArgs
	step   kernel.LSTMStepArgs
}

// A frame is the autoregressive decoder's memory of one step.
type frame struct {
	hIn, cIn, hOut, cOut [][]float32 // by layer (R, H); in and out may be the same
	layers               [][]float32 // by layer but the last (N, H): what the next layer reads under dropout
	masks                [][]float32 // the factors of that dropout
	gates                [][]float32 // by layer (N, 4H); nil outside training
	attended
}

// layOut prepares the state for a forecast of a batch of the model, with a
// number of paths of the autoregressive decoder for each sequence.
func (s *State) layOut(m *Model, batch, steps, paths int) {
	s.window.mean, s.window.scale = m.params.ScalerMean, m.params.ScalerScale
	c := &m.config
	positions := 0
	if c.direct() {
		positions = c.positions(steps)
	}
	if s.model == m && s.batch == batch && s.paths == paths && s.steps == positions && s.tape == nil {
		return
	}
	N, H := c.sequences(batch), c.HiddenSize
	s.cut(func() {
		s.common(m, batch, paths)
		s.steps = positions
		outputs := [2][]float32{s.take(N * c.encoderSteps() * c.MemorySize()), nil}
		if c.NumEncoderLayers > 1 {
			outputs[1] = s.take(N * c.encoderSteps() * c.MemorySize())
		}
		for k := range c.NumEncoderLayers {
			s.encode.Y = append(s.encode.Y, outputs[k%2])
		}
		if c.direct() {
			s.layOutDirect(c, N, positions)
			return
		}
		if c.Attention && paths == 1 {
			s.column = s.take(c.encoderSteps() * H)
		}
		R := N * paths
		f := frame{attended: s.attended(c, N, paths)}
		for range c.NumDecoderLayers - 1 {
			f.layers, f.masks = append(f.layers, s.take(R*H)), append(f.masks, s.take(R*H))
		}
		f.hIn, f.cIn = s.first[0], s.first[1]
		f.hOut, f.cOut = f.hIn, f.cIn
		f.gates = make([][]float32, c.NumDecoderLayers)
		s.frames = []frame{f}
		s.inputs = [][]float32{s.take(R * c.decoderInput())}
		s.prevs = [][]float32{s.take(R * c.segmentWidth())}
		s.y = s.take(R * c.outputWidth())
	})
	if !c.direct() {
		s.split(c, batch)
	}
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

// common is the layout that inference and training share. The decoder's first
// state has room of its own but in autoregressive training.
func (s *State) common(m *Model, batch, paths int) {
	s.model, s.batch, s.paths, s.steps, s.tape, s.back = m, batch, paths, 0, nil, nil
	s.parts = s.parts[:0]
	if s.between == nil {
		s.between = func(layer int, y []float32) []float32 { return s.dropBetween(layer, y) }
		s.stop = func() error { return s.ctx.Err() }
	}
	c := &m.config
	B, L, F, H := batch, c.InputSize, c.NumFeatures, c.HiddenSize
	N, S := c.sequences(B), c.encoderSteps()
	s.window = window{
		kind: c.Normalization, steps: L, cols: F, mean: m.params.ScalerMean, scale: m.params.ScalerScale,
		anchor: s.take(B * F), shift: s.take(B * F), spread: s.take(B * F), sorted: s.take(L),
	}
	s.n, s.columns, s.skip, s.embedded = s.take(B*L*F), nil, nil, nil
	if F > 1 && (c.folded() || c.LinearSkip) {
		s.columns = s.take(B * F * L)
	}
	if c.LinearSkip {
		s.skip = s.take(B * F * c.Horizon)
	}
	x := s.segments(c)
	if c.Segment > 1 {
		s.embedded = s.take(N * S * H)
		x = s.embedded
	}
	if s.joined = nil; c.encoderInput() > c.embedded() {
		s.joined = s.take(N * S * c.encoderInput())
		x = s.joined
	}
	states := c.NumEncoderLayers * c.Directions() * N * H
	s.final = [2][]float32{s.take(states), s.take(states)}
	s.encode = StackedArgs{Batch: N, Steps: S, X: x, HN: s.final[0], CN: s.final[1]}
	s.ends = s.take(N * 2 * H)
	s.keys, s.values, s.column = nil, nil, nil
	if c.Attention {
		s.keys, s.values = s.take(N*S*H), s.take(N*S*H)
	}
	s.first = [2][][]float32{}
	for range c.NumDecoderLayers {
		s.first[0], s.first[1] = append(s.first[0], s.take(N*paths*H)), append(s.first[1], s.take(N*paths*H))
	}
}

// attended takes the memory of the attention and output of N sequences with so
// many queries each.
func (s *State) attended(c *Config, N, queries int) attended {
	R, H := N*queries, c.HiddenSize
	a := attended{sum: s.take(R * H), normed: s.take(R * H), mean: s.take(R), rstd: s.take(R), mask: s.take(R * H)}
	if c.Attention {
		a.weights, a.projected, a.mixed = s.take(R*c.NumAttentionHeads*c.encoderSteps()), s.take(R*H), s.take(R*H)
	}
	if c.dropsOutput() {
		a.dropped = s.take(R * H)
	}
	return a
}

// prev is the segment that step t reads.
func (s *State) prev(t int) []float32 { return s.prevs[min(t, len(s.prevs)-1)] }

// at returns the frame of step t, the row its input is in and that of the next.
func (s *State) at(t int) (f *frame, input, next []float32) {
	last := len(s.inputs) - 1
	return &s.frames[min(t, len(s.frames)-1)], s.inputs[min(t, last)], s.inputs[min(t+1, last)]
}

// stopped is ctx.Err.
func (s *State) stopped(ctx context.Context) func() error {
	s.ctx = ctx
	return s.stop
}

// take cuts n elements off the arena; nil while the arena is too short.
func (s *State) take(n int) []float32 {
	s.used += n
	if s.used > len(s.arena) {
		return nil
	}
	return s.arena[s.used-n : s.used : s.used]
}
