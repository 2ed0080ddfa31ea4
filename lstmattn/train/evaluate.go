package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/onda-ml/onda/export"
)

// Limits of an exploding loss: its moving average over about fifty steps must
// not leave its lowest value by more than a thousand times that or 1.
const (
	averageOver = 50
	explosion   = 1000
)

// check refuses a step's loss and norm of gradient before the step is taken.
func (r *run) check(loss, norm float64) error {
	p := &r.progress
	diverged := func(format string, args ...any) error {
		return &DivergedError{p.Step + 1, fmt.Sprintf(format, args...), p.BestStep}
	}
	switch {
	case math.IsNaN(loss) || math.IsInf(loss, 0):
		return diverged("the loss is %v", loss)
	case math.IsNaN(norm) || math.IsInf(norm, 0):
		return diverged("the norm of the gradient is %v", norm)
	}
	if p.Step == 0 {
		p.Average, p.Lowest = loss, loss
	}
	p.Average += (loss - p.Average) / averageOver
	p.Lowest = min(p.Lowest, p.Average)
	if p.Average-p.Lowest > explosion*max(math.Abs(p.Lowest), 1) {
		return diverged("the loss explodes, it averages %.4g and was %.4g", p.Average, p.Lowest)
	}
	return nil
}

// evaluate judges the model by its parameters, or by their moving average where
// there is one.
func (r *run) evaluate(ctx context.Context) error {
	if r.ema == nil {
		return r.judge(ctx)
	}
	if err := r.exchange(); err != nil {
		return err
	}
	err := r.judge(ctx)
	return errors.Join(err, r.exchange())
}

// judge measures the model, keeps it if it is the best, and sees whether the
// training has ended.
func (r *run) judge(ctx context.Context) error {
	p, c := &r.progress, &r.config
	report := EvaluationReport{
		Step: p.Step, Epoch: (p.Step-1)/r.perEpoch + 1, LearningRate: r.step.rate, Improved: true,
		TrainLoss: p.LossSum / float64(p.Step-p.Evaluated),
	}
	if r.meter != nil {
		got, err := r.meter.measure(ctx, r.team)
		if err != nil {
			return err
		}
		if math.IsNaN(got.Loss) || math.IsInf(got.Loss, 0) {
			return &DivergedError{p.Step, fmt.Sprintf("the validation loss is %v", got.Loss), p.BestStep}
		}
		report.Validation = got
		report.Improved = p.Best == nil || got.Loss < p.Best.Loss-c.MinDelta
		c.Schedule.validated(&p.Plateau, got.Loss)
	}
	if report.Improved {
		r.best = append(r.best[:0], r.model.Params().Data...)
		if r.options.Dir != "" {
			if err := r.saveModel(); err != nil {
				return err
			}
		}
		p.BestStep, p.Best, p.Bad = p.Step, report.Validation, 0
	} else {
		p.Bad++
	}
	report.Bad = p.Bad
	p.Evaluated, p.LossSum = p.Step, 0
	switch {
	case c.Patience > 0 && p.Bad >= c.Patience:
		p.Why = "early stopping"
	case p.Step == r.total && p.Step < r.perEpoch*c.Epochs:
		p.Why = "max_steps"
	case p.Step == r.total:
		p.Why = "epochs"
	}
	if o := r.options.Observer; o != nil {
		o.Evaluation(report)
	}
	return nil
}

// finish leaves the best parameters in the model and its folder.
func (r *run) finish() error {
	if slices.Equal(r.model.Params().Data, r.best) {
		return nil
	}
	copy(r.model.Params().Data, r.best)
	if err := r.model.Pack(); err != nil {
		return err
	}
	if r.options.Dir == "" {
		return nil
	}
	return r.saveModel()
}

func (r *run) saveModel() error {
	text, err := r.asked.MarshalJSON()
	if err != nil {
		return err
	}
	return export.Save(r.options.Dir, r.model, export.Section{Name: "training", Value: text})
}

func (r *run) result() *Result {
	p := &r.progress
	return &Result{
		Steps: p.Step, Epochs: (p.Step + r.perEpoch - 1) / r.perEpoch, Why: p.Why,
		BestStep: p.BestStep, Best: p.Best, Resumed: r.resumed,
	}
}
