package train

import "math"

// ScheduleKind is how the learning rate changes.
type ScheduleKind string

// The schedules. Each is PyTorch's, after the warm-up.
const (
	Constant ScheduleKind = "constant"
	Cosine   ScheduleKind = "cosine"  // CosineAnnealingLR, by step, down to min_lr at the end (Loshchilov and Hutter 2017)
	StepDown ScheduleKind = "step"    // StepLR: times gamma every step_epochs epochs
	Plateau  ScheduleKind = "plateau" // ReduceLROnPlateau: times factor when the validation loss stops falling
)

// Schedule is the learning rate's. The comments give the names in JSON.
type Schedule struct {
	Kind        ScheduleKind // kind
	WarmupSteps int          // warmup_steps: the rate rises in equal steps to lr, whatever the kind
	MinRate     float64      // min_lr, of cosine and plateau

	StepEpochs int     // step_epochs, of step
	Gamma      float64 // gamma, of step

	Factor    float64 // factor, of plateau
	Patience  int     // patience, of plateau: validations without improvement before the rate falls
	Threshold float64 // threshold, of plateau: the part of the best loss that an improvement must be
}

func (s *Schedule) problems(refuse func(string, ...any)) {
	switch s.Kind {
	case Constant, Cosine, StepDown, Plateau:
	default:
		refuse("schedule.kind is %q, must be constant, cosine, step or plateau", s.Kind)
	}
	if s.WarmupSteps < 0 {
		refuse("schedule.warmup_steps is %d, must be at least 0", s.WarmupSteps)
	}
	if s.StepEpochs < 1 {
		refuse("schedule.step_epochs is %d, must be at least 1", s.StepEpochs)
	}
	if s.Patience < 0 {
		refuse("schedule.patience is %d, must be at least 0", s.Patience)
	}
	part := func(name string, v float64, lowest, highest bool) {
		if !(v >= 0 && v <= 1) || v == 0 && !lowest || v == 1 && !highest {
			refuse("schedule.%s is %v, must be between 0 and 1", name, v)
		}
	}
	part("gamma", s.Gamma, false, true)
	part("factor", s.Factor, false, false)
	part("threshold", s.Threshold, true, false)
	if !(s.MinRate >= 0) || math.IsInf(s.MinRate, 1) {
		refuse("schedule.min_lr is %v, must be a number of at least 0", s.MinRate)
	}
}

// A plateau is what ReduceLROnPlateau remembers.
type plateau struct {
	Rate float64 // the present rate
	Best float64
	Bad  int  // validations since the best
	Seen bool // whether there was any
}

// rate is the learning rate of a step, counted from 0, of total; epoch is the
// one the step belongs to.
func (s *Schedule) rate(base float64, step, epoch, total int, p *plateau) float64 {
	if step < s.WarmupSteps {
		return base * float64(step+1) / float64(s.WarmupSteps)
	}
	switch s.Kind {
	case Cosine:
		lowest := min(s.MinRate, base)
		done := float64(step-s.WarmupSteps) / float64(max(total-s.WarmupSteps, 1))
		return lowest + (base-lowest)*(1+math.Cos(math.Pi*min(done, 1)))/2
	case StepDown:
		return base * math.Pow(s.Gamma, float64(epoch/s.StepEpochs))
	case Plateau:
		return p.Rate
	}
	return base
}

// validated tells the plateau a validation loss.
func (s *Schedule) validated(p *plateau, loss float64) {
	if !p.Seen || loss < better(p.Best, s.Threshold) {
		p.Best, p.Bad, p.Seen = loss, 0, true
		return
	}
	if p.Bad++; p.Bad > s.Patience {
		p.Bad = 0
		if lower := max(p.Rate*s.Factor, min(s.MinRate, p.Rate)); p.Rate-lower > 1e-8 {
			p.Rate = lower
		}
	}
}

// better is what a loss must be below to improve on best by the part threshold
// of it. PyTorch has best*(1-threshold), which a negative best would turn round.
func better(best, threshold float64) float64 { return best - threshold*math.Abs(best) }
