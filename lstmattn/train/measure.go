package train

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/onda-ml/onda/lstmattn"
)

// measureBatch is how many windows are forecast together.
const measureBatch = 128

// A Metric is the mean errors of forecasts, scaled by column, over the steps up
// to a horizon.
type Metric struct {
	Horizon int     `json:"horizon"` // steps ahead, from 1 to this one
	MSE     float64 `json:"mse"`
	MAE     float64 `json:"mae"`
}

// A Measurement is what a model's free-running forecasts of a data set are
// worth. Targets of weight 0 don't count, and a horizon that has no others is left
// out.
type Measurement struct {
	Loss    float64  `json:"loss"`    // the mean, of the training's kind
	Metrics []Metric `json:"metrics"` // one for each horizon
}

// Measure forecasts all windows of a data set with the given number of threads
// (0 means one for each processor) and compares them with their targets. The
// horizons must be at most the targets' steps; none means all steps. The result
// does not depend on threads.
func Measure(ctx context.Context, m *lstmattn.Model, data lstmattn.Dataset, loss lstmattn.Loss, threads int, horizons ...int) (*Measurement, error) {
	t := newTeam(m, threadsOf(threads))
	defer t.stop()
	return newMeter(m, data, loss, horizons).measure(ctx, t)
}

// A meter measures a model on a data set over and over.
type meter struct {
	model    *lstmattn.Model
	data     lstmattn.Dataset
	loss     lstmattn.Loss
	horizons []int
	index    []int
	parts    []sums // by batch, so that they can be added in order
}

// sums are a batch's sums by step of the targets, and of the loss.
type sums struct {
	squares, sizes, weights []float64
	loss, weight            float64
}

func newMeter(m *lstmattn.Model, data lstmattn.Dataset, loss lstmattn.Loss, horizons []int) *meter {
	e := &meter{model: m, data: data, loss: loss, horizons: horizons, index: make([]int, data.Len())}
	for i := range e.index {
		e.index[i] = i
	}
	e.parts = make([]sums, (len(e.index)+measureBatch-1)/measureBatch)
	return e
}

func (e *meter) measure(ctx context.Context, t *team) (*Measurement, error) {
	err := t.all(func(w *member) {
		w.err = nil
		for i := w.number; i < len(e.parts) && w.err == nil; i += len(t.members) {
			w.err = e.batch(ctx, w, &e.parts[i], e.index[i*measureBatch:min((i+1)*measureBatch, len(e.index))])
		}
	})
	if err != nil {
		return nil, err
	}
	return e.total()
}

// batch measures one batch.
func (e *meter) batch(ctx context.Context, w *member, s *sums, index []int) error {
	b := &w.batch
	if err := e.data.Read(ctx, index, b); err != nil {
		return err
	}
	c := e.model.Config()
	row := b.Size * c.NumFeatures
	if row == 0 || len(b.Target) == 0 || len(b.Target)%row != 0 {
		return fmt.Errorf("train: a batch of %d windows has %d target values, expected a multiple of %d", b.Size, len(b.Target), row)
	}
	steps := len(b.Target) / row
	o := &lstmattn.Options{Horizon: steps, Pool: w.pool, State: w.measure, Past: b.Past, Future: b.Future, Static: b.Static}
	if err := e.model.ForecastInto(ctx, &w.forecast, b.X, o); err != nil {
		return err
	}
	s.compare(w.forecast.Values, b, e.model.Params().ScalerScale, steps)
	switch s.loss, s.weight = 0, 0; e.loss.Kind {
	case lstmattn.MSE:
		s.add(s.squares)
	case lstmattn.MAE:
		s.add(s.sizes)
	default:
		var err error
		s.loss, s.weight, err = e.model.Measure(ctx, b, e.loss, o)
		return err
	}
	return nil
}

// add makes the loss of errors by step.
func (s *sums) add(errors []float64) {
	for t, v := range errors {
		s.loss += v
		s.weight += s.weights[t]
	}
}

// compare sums up forecast values (B, T, F) against the targets.
func (s *sums) compare(values []float32, b *lstmattn.Batch, scale []float32, steps int) {
	s.squares, s.sizes, s.weights = zeros(s.squares, steps), zeros(s.sizes, steps), zeros(s.weights, steps)
	F := len(scale)
	for i, v := range values {
		weight := 1.0
		if b.Weight != nil {
			if weight = float64(b.Weight[i]); weight == 0 {
				continue
			}
		}
		t := i / F % steps
		d := (float64(v) - float64(b.Target[i])) / float64(scale[i%F])
		s.squares[t] += weight * d * d
		s.sizes[t] += weight * math.Abs(d)
		s.weights[t] += weight
	}
}

func zeros(v []float64, n int) []float64 {
	if cap(v) < n {
		return make([]float64, n)
	}
	v = v[:n]
	clear(v)
	return v
}

// total adds the batches up.
func (e *meter) total() (*Measurement, error) {
	steps := 0
	for i := range e.parts {
		steps = max(steps, len(e.parts[i].weights))
	}
	all := sums{squares: make([]float64, steps), sizes: make([]float64, steps), weights: make([]float64, steps)}
	for i := range e.parts {
		s := &e.parts[i]
		for t := range s.weights {
			all.squares[t] += s.squares[t]
			all.sizes[t] += s.sizes[t]
			all.weights[t] += s.weights[t]
		}
		all.loss += s.loss
		all.weight += s.weight
	}
	if all.weight == 0 {
		return nil, errNothingKnown
	}
	m := &Measurement{Loss: all.loss / all.weight}
	horizons := e.horizons
	if len(horizons) == 0 {
		horizons = []int{steps}
	}
	for _, h := range horizons {
		if err := checkHorizon(h, steps); err != nil {
			return nil, err
		}
		var squares, sizes, weight float64
		for t := range h {
			squares += all.squares[t]
			sizes += all.sizes[t]
			weight += all.weights[t]
		}
		if weight > 0 {
			m.Metrics = append(m.Metrics, Metric{h, squares / weight, sizes / weight})
		}
	}
	return m, nil
}

func checkHorizon(h, steps int) error {
	if h < 1 || h > steps {
		return fmt.Errorf("train: metrics up to step %d are asked for, the targets have %d steps", h, steps)
	}
	return nil
}

var errNothingKnown = errors.New("train: no target is known, all are missing")

// checkTargets refuses, before hours are spent, a data set of which no target is
// known, and horizons beyond its targets, which are of a model's features.
func checkTargets(ctx context.Context, data lstmattn.Dataset, features int, horizons []int) error {
	var b lstmattn.Batch
	for i := range data.Len() {
		if err := data.Read(ctx, []int{i}, &b); err != nil {
			return err
		}
		if i == 0 {
			for _, h := range horizons {
				if err := checkHorizon(h, len(b.Target)/features); err != nil {
					return err
				}
			}
		}
		if b.TotalWeight() > 0 {
			return nil
		}
	}
	return errNothingKnown
}
