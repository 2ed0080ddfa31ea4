package lstmattn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
)

// Options of a forecast; nil or the zero value is fine.
type Options struct {
	Horizon   int          // steps to forecast; 0 for the configuration's horizon
	Attention bool         // return the attention weights too
	Pool      *kernel.Pool // threads to use; nil for the model's own
	State     *State       // memory to work in; nil for memory the model keeps

	Strategy Strategy // how the values come from the head's distribution; "" for Greedy
	Paths    int      // trajectories of Sample or beams of Beam, 1 to 65536; 0 of Greedy
	Seed     uint64   // of Sample's draws

	// The covariates of the windows, as in Batch; nil where the configuration has none.
	Past, Future, Static []float32
}

// A Forecast is the result for B windows.
type Forecast struct {
	Batch, Horizon, Features int
	Values                   []float32 // (B, horizon, F), in the unit of the data: the point forecast

	// What the head gives beside, each nil for other heads, in the unit of the data.
	Levels    []float64 // of a quantile head
	Quantiles []float32 // (B, horizon, F, levels) rising
	Scale     []float32 // (B, horizon, F) of a distribution with location Values: gaussian's deviation, student_t's scale
	DF        []float32 // (B, horizon, F) degrees of freedom of student_t

	// Trajectories of Sample, in the order drawn, or of Beam, the most likely first;
	// nil for Greedy. Of Sample Values are the paths' medians, and of Beam those of
	// the first; Quantiles of Sample are the paths', Scale and DF nil; of Beam
	// Quantiles too.
	Paths         int
	Samples       []float32 // (B, paths, horizon, F), in the unit of the data
	LogLikelihood []float64 // (B, paths) the logarithm of the density of values scaled by column

	// Attention (B, heads, horizon, input_size) is how much each step ahead looked
	// at each step back; nil if not asked for. With segments all steps of one have
	// its weights, and the steps it looked at share a segment's weight evenly. Of
	// folded columns it is the mean.
	Attention        []float32
	Heads, InputSize int

	sampled bool
	numbers []float32 // (B, horizon, F, K) scratch
}

// Forecast forecasts each window of x (B, input_size, num_features), raw
// values, oldest first, feeding its own values back. Any B above 0 is fine;
// NaN in a window gives NaN in its forecast. The errors are those of a wrong
// size, and ctx's when it ends the work, which is looked at between steps.
func (m *Model) Forecast(ctx context.Context, x []float32, o *Options) (*Forecast, error) {
	f := &Forecast{}
	if err := m.ForecastInto(ctx, f, x, o); err != nil {
		return nil, err
	}
	return f, nil
}

// forecastBatch is how many windows are forecast together: it bounds the
// memory, and more would not be faster.
const forecastBatch = 128

// forecastRows is how many positions of sequences are worked on together where a
// window has several.
const forecastRows = 1 << 13

// windowsAtOnce is how many windows are forecast together.
func (c *Config) windowsAtOnce(steps int) int {
	if c.Classic() {
		return forecastBatch
	}
	rows := c.encoderSteps()
	if c.direct() {
		rows = max(rows, c.positions(steps))
	}
	return min(forecastBatch, max(1, forecastRows/c.sequences(1)/rows))
}

// ForecastInto is Forecast into the memory of f's slices, which grow where they
// are too short. f's content is undefined after an error.
func (m *Model) ForecastInto(ctx context.Context, f *Forecast, x []float32, o *Options) error {
	if o == nil {
		o = &Options{}
	}
	c := &m.config
	horizon := cmp.Or(o.Horizon, c.Horizon)
	if err := m.checkStrategy(o, horizon); err != nil {
		return err
	}
	if err := m.prepare(f, x, horizon, o.Attention, o.Paths); err != nil {
		return err
	}
	b := &Batch{Size: f.Batch, X: x, Past: o.Past, Future: o.Future, Static: o.Static}
	if err := c.checkCovariatesOf(b, horizon); err != nil {
		return err
	}
	s, done := m.borrow(o.State)
	defer done()
	pool := cmp.Or(o.Pool, m.pool)
	pool.Enter()
	defer pool.Leave()

	if f.sampled = o.Strategy == Sample; o.Strategy == Beam {
		f.Quantiles, f.Levels = nil, nil
	}
	paths := max(1, o.Paths)
	many := max(1, c.windowsAtOnce(horizon)/paths)
	for lo := 0; lo < f.Batch; lo += many {
		part := b.part(c, horizon, lo, min(lo+many, f.Batch))
		rows := paths
		if c.direct() { // what it gives does not depend on what was chosen
			rows = 1
		}
		s.layOut(m, part.Size, horizon, rows)
		p := m.newPass(pool, s, part)
		p.fan = paths
		switch o.Strategy {
		case Sample:
			p.choice = newSampler(p, horizon, lo, o.Seed)
		case Beam:
			p.choice = newBeamSearch(p, horizon)
		}
		if err := p.run(ctx, f, lo, nil); err != nil {
			return err
		}
	}
	return nil
}

// ForwardOptions of a training-style forward pass.
type ForwardOptions struct {
	Options
	// TeacherForcing is the probability, drawn for each step after the first,
	// that the decoder reads the target's previous value instead of its own.
	TeacherForcing float64
	// Dropout applies the configuration's dropout.
	Dropout bool
	// Seed of the draws and the dropout masks.
	Seed uint64
	// TotalWeight is what GradientBatch divides the loss by; 0 for the sum of
	// the batch's weights.
	TotalWeight float64
}

// Forward is Forecast with a target (B, T, num_features) of raw values at hand,
// as in training: its horizon is T, and o says when the decoder sees the
// target. Without teacher forcing and dropout it equals Forecast, bit for bit.
func (m *Model) Forward(ctx context.Context, x, target []float32, o *ForwardOptions) (*Forecast, error) {
	if o == nil {
		o = &ForwardOptions{}
	}
	batch, horizon, err := m.targetOf(x, target, o)
	if err != nil {
		return nil, err
	}
	b := &Batch{Size: batch, X: x, Target: target, Past: o.Past, Future: o.Future, Static: o.Static}
	if err := m.config.checkCovariatesOf(b, horizon); err != nil {
		return nil, err
	}
	f := &Forecast{}
	if err := m.prepare(f, x, horizon, o.Attention, 0); err != nil {
		return nil, err
	}
	s, done := m.borrow(o.State)
	defer done()
	pool := cmp.Or(o.Pool, m.pool)
	pool.Enter()
	defer pool.Leave()
	s.layOut(m, f.Batch, horizon, 1)
	if err := m.newPass(pool, s, b).run(ctx, f, 0, m.forcing(s, target, o)); err != nil {
		return nil, err
	}
	return f, nil
}

// targetOf checks the options and sizes of a training-style pass and returns
// its batch and steps.
func (m *Model) targetOf(x, target []float32, o *ForwardOptions) (batch, steps int, err error) {
	if !(o.TeacherForcing >= 0 && o.TeacherForcing <= 1) {
		return 0, 0, fmt.Errorf("lstmattn: the teacher forcing ratio is %v, must be between 0 and 1", o.TeacherForcing)
	}
	if batch, err = m.batchOf(x); err != nil {
		return 0, 0, err
	}
	row := batch * m.config.NumFeatures
	if len(target) == 0 || len(target)%row != 0 {
		return 0, 0, fmt.Errorf("lstmattn: target has %d elements, expected a multiple of %d for %d windows of %d features",
			len(target), row, batch, m.config.NumFeatures)
	}
	steps = len(target) / row
	if err := m.checkHorizon(steps); err != nil {
		return 0, 0, err
	}
	if o.Horizon != 0 && o.Horizon != steps {
		return 0, 0, fmt.Errorf("lstmattn: target has %d steps, horizon is %d", steps, o.Horizon)
	}
	return batch, steps, nil
}

// forcing is what o asks for, in the state's memory.
func (m *Model) forcing(s *State, target []float32, o *ForwardOptions) *forcing {
	f := &s.force
	f.target, f.ratio, f.draws = target, o.TeacherForcing, f.sources[0].start(o.Seed, "teacher forcing")
	if f.drop = nil; o.Dropout && m.config.Dropout > 0 {
		f.dropout = dropout{m.config.Dropout, f.sources[1].start(o.Seed, "dropout")}
		f.drop = &f.dropout
	}
	return f
}

// batchOf is the number of windows in x.
func (m *Model) batchOf(x []float32) (int, error) {
	window := m.config.InputSize * m.config.NumFeatures
	if len(x) == 0 || len(x)%window != 0 {
		return 0, fmt.Errorf("lstmattn: x has %d elements, expected a multiple of %d, input_size %d times num_features %d",
			len(x), window, m.config.InputSize, m.config.NumFeatures)
	}
	return len(x) / window, nil
}

// checkHorizon refuses a number of steps that the model cannot forecast.
func (m *Model) checkHorizon(steps int) error {
	if steps < 1 || steps > maxSteps {
		return fmt.Errorf("lstmattn: the horizon is %d, must be between 1 and %d", steps, maxSteps)
	}
	switch most := m.config.Horizon; {
	case steps > most && m.config.direct():
		return fmt.Errorf("lstmattn: the horizon is %d, direct decoding learnt %d steps", steps, most)
	case steps > most && m.config.LinearSkip:
		return fmt.Errorf("lstmattn: the horizon is %d, linear_skip learnt %d steps", steps, most)
	}
	return nil
}

// maxResult bounds the elements of a result, 16 GiB.
const maxResult = 1 << 32

// prepare sets f's sizes and makes room in it.
func (m *Model) prepare(f *Forecast, x []float32, horizon int, attention bool, paths int) error {
	batch, err := m.batchOf(x)
	if err != nil {
		return err
	}
	if err := m.checkHorizon(horizon); err != nil {
		return err
	}
	c := &m.config
	if attention && !c.Attention {
		return errors.New("lstmattn: attention weights are asked for, the configuration's attention is false")
	}
	f.Batch, f.Horizon, f.Features = batch, horizon, c.NumFeatures
	f.Heads, f.InputSize = c.NumAttentionHeads, c.InputSize
	rows := float64(batch) * float64(horizon)
	values, weights := rows*float64(f.Features), rows*float64(f.Heads)*float64(f.InputSize)
	if !attention {
		weights = 0
	}
	if values*float64(max(1, paths)*m.head.width)+weights > maxResult {
		return fmt.Errorf("lstmattn: %d windows over %d steps give %.3g values and attention weights, at most %d are supported", batch, horizon, values*float64(max(1, paths)*m.head.width)+weights, int64(maxResult))
	}
	f.Values = room(f.Values, int(values))
	h, n := m.head, int(values)
	f.numbers = room(f.numbers, n*h.width)
	f.Levels, f.Quantiles, f.Scale, f.DF = h.levels, room(f.Quantiles, n*len(h.levels)), room(f.Scale, n*h.scales()), room(f.DF, n*h.freedoms())
	if f.Paths, f.Samples, f.LogLikelihood = paths, nil, nil; paths > 0 {
		f.Samples, f.LogLikelihood = make([]float32, n*paths), make([]float64, batch*paths)
		f.Scale, f.DF = nil, nil
	}
	if f.Attention = room(f.Attention, int(weights)); !attention {
		f.Attention = nil
	}
	return nil
}

func room[T any](v []T, n int) []T { return slices.Grow(v[:0], n)[:n] }

// borrow returns the state to work in and what gives it back.
func (m *Model) borrow(s *State) (*State, func()) {
	if s != nil {
		return s, func() {}
	}
	s, ok := m.states.Get().(*State)
	if !ok {
		s = &State{}
	}
	return s, func() { m.states.Put(s) }
}
