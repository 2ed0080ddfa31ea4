package lstmattn

import "context"

// A small model decodes a batch in parts of a few sequences, each through all
// steps on one thread: a part's keys and values stay in the second-level cache
// from step to step beside the decoder's weights, and no thread waits for
// another. A sequence's bits don't depend on the part it is in, nor do parts
// depend on the number of threads.

const (
	// partMemory is how many bytes of a part's keys, values and weights are near.
	partMemory = 384 << 10
	// partRows is the fewest sequences of a part: from 4 on, but for 7, the kernels
	// of products add in the same order, however deep they are.
	partRows = 4
)

// decodeParts is into how many parts the decoding of a batch is cut, 1 where
// that is not worth it.
func (c *Config) decodeParts(batch int) int {
	H, in := c.HiddenSize, c.decoderInput()
	weights := 4 * H * (4*(in+H) + 8*H*(c.NumDecoderLayers-1) + c.outputWidth())
	if c.Attention {
		weights += 4 * 2 * H * H
	}
	if c.direct() || weights > partMemory/2 {
		return 1
	}
	rows := partRows
	if c.Attention {
		rows = max(rows, (partMemory-weights)/(4*2*H*c.encoderSteps()))
	}
	per := c.sequences(1)
	return max(1, batch/((rows+per-1)/per))
}

// split makes the views of the parts of a batch on s.
func (s *State) split(c *Config, batch int) {
	s.parts = s.parts[:0]
	n, per := c.decodeParts(batch), c.sequences(1)
	if n == 1 || s.paths > 1 {
		return
	}
	N := batch * per
	for i := range n {
		lo, hi := batch*i/n, batch*(i+1)/n
		of := func(x []float32) []float32 { return cutRows(x, N, lo*per, hi*per) }
		each := func(list [][]float32) (cut [][]float32) {
			for _, x := range list {
				cut = append(cut, of(x))
			}
			return cut
		}
		f := &s.frames[0]
		a := attended{weights: of(f.weights), projected: of(f.projected), mixed: of(f.mixed), mask: of(f.mask), sum: of(f.sum), normed: of(f.normed),
			mean: of(f.mean), rstd: of(f.rstd), dropped: of(f.dropped)}
		h, cell := each(f.hIn), each(f.cIn)
		s.parts = append(s.parts, State{
			model: s.model, batch: hi - lo, paths: 1, begin: lo,
			n: cutRows(s.n, batch, lo, hi), columns: cutRows(s.columns, batch, lo, hi), skip: cutRows(s.skip, batch, lo, hi),
			keys: of(s.keys), column: s.column, values: of(s.values), y: of(s.y), inputs: each(s.inputs), prevs: each(s.prevs),
			frames: []frame{{hIn: h, cIn: cell, hOut: h, cOut: cell, layers: each(f.layers), masks: each(f.masks), gates: f.gates, attended: a}},
		})
	}
}

// cutRows is rows [lo, hi) of n; nil stays nil.
func cutRows(x []float32, n, lo, hi int) []float32 {
	if x == nil {
		return nil
	}
	width := len(x) / n
	return x[lo*width : hi*width : hi*width]
}

// partsTask is one call of decodeInParts.
type partsTask struct {
	ctx             context.Context
	pass            *pass
	values, weights []float32
	steps           int
	errs            []error
	run             func(lo, hi int)
}

// decodeInParts is decodeSteps of each part by itself.
func (p *pass) decodeInParts(ctx context.Context, values, weights []float32, steps int) error {
	s := p.state
	t := &s.task
	if t.run == nil {
		t.run = t.some
	}
	t.ctx, t.pass, t.values, t.weights, t.steps = ctx, p, values, weights, steps
	t.errs = t.errs[:0]
	for range s.parts {
		t.errs = append(t.errs, nil)
	}
	p.pool.For(len(s.parts), 1, t.run)
	t.ctx, t.pass, t.values, t.weights = nil, nil, nil, nil
	for _, err := range t.errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *partsTask) some(lo, hi int) {
	for i := lo; i < hi; i++ {
		p, s := t.pass, &t.pass.state.parts[i]
		from, to := s.begin, s.begin+s.batch
		s.data = p.data.cut(p.config, t.steps, from, to)
		s.pass = *p
		s.pass.state, s.pass.data, s.pass.batch, s.pass.rows, s.pass.pool = s, &s.data, s.batch, p.config.sequences(s.batch), nil
		t.errs[i] = s.pass.decodeSteps(t.ctx, cutRows(t.values, p.batch, from, to), cutRows(t.weights, p.batch, from, to), t.steps, nil, nil)
		s.data, s.pass = Batch{}, pass{}
	}
}
