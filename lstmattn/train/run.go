package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
)

// Options of a training; nil or the zero value is fine.
type Options struct {
	// Dir is where the best model is kept, as export.Save writes it, and the
	// checkpoint beside it; "" for no files.
	Dir string
	// Resume goes on from Dir's checkpoint, if there is one.
	Resume bool
	// Overwrite starts anew where Dir has the checkpoint of a training that was
	// not finished, which is an error otherwise.
	Overwrite bool
	// Observer is told how it goes; nil for nobody.
	Observer Observer
}

// An Observer is told of a training's progress, in its goroutine.
type Observer interface {
	// Step is called after every step of the optimiser.
	Step(StepReport)
	// Evaluation is called after every validation, or where there is no
	// validation set, when one would have been.
	Evaluation(EvaluationReport)
}

// A StepReport is what happened in a step.
type StepReport struct {
	Step           int     `json:"step"` // from 1
	TotalSteps     int     `json:"total_steps"`
	Epoch          int     `json:"epoch"` // from 1
	Epochs         int     `json:"epochs"`
	Windows        int     `json:"windows"` // of the batch
	Loss           float64 `json:"loss"`
	GradientNorm   float64 `json:"gradient_norm"` // before clipping
	LearningRate   float64 `json:"lr"`
	TeacherForcing float64 `json:"teacher_forcing"` // the ratio
}

// An EvaluationReport is what a validation gave.
type EvaluationReport struct {
	Step         int          `json:"step"`
	Epoch        int          `json:"epoch"`      // from 1
	TrainLoss    float64      `json:"train_loss"` // the mean over the steps since the last evaluation
	LearningRate float64      `json:"lr"`
	Validation   *Measurement `json:"validation,omitempty"` // nil without a validation set
	Improved     bool         `json:"improved"`
	Bad          int          `json:"bad"` // validations since the best
}

// A Result is what a training came to.
type Result struct {
	Steps    int          `json:"steps"`
	Epochs   int          `json:"epochs"`         // that were begun
	Why      string       `json:"why"`            // it ended: "early stopping", "epochs" or "max_steps"
	BestStep int          `json:"best_step"`      // after which the best parameters were
	Best     *Measurement `json:"best,omitempty"` // of them on the validation set; nil without one
	Resumed  int          `json:"resumed"`        // the step that the training went on from, 0 if it began anew
}

// A DivergedError ends a training whose loss or parameters are no longer of
// use. The last checkpoint is from before.
type DivergedError struct {
	Step int    // whose loss it was, from 1
	What string // happened
	Best int    // the step of the best parameters before, which the model's folder has; 0 if nothing was evaluated yet
}

// Error says what to try.
func (e *DivergedError) Error() string {
	kept := "nothing is kept yet"
	if e.Best > 0 {
		kept = fmt.Sprintf("the best model, of step %d, is kept", e.Best)
	}
	return fmt.Sprintf("train: step %d: %s; %s; try a lower lr, a lower grad_clip, more schedule.warmup_steps, or look for outliers in the data", e.Step, e.What, kept)
}

// An UnfinishedError refuses to begin where the folder has the checkpoint of a
// training that was not finished.
type UnfinishedError struct {
	Checkpoint string // the file
	Step       int    // steps taken
}

// Error says what can be done.
func (e *UnfinishedError) Error() string {
	return fmt.Sprintf("%s is of a training that stopped at step %d: resume it, or say that it may be overwritten", e.Checkpoint, e.Step)
}

// An InterruptedError ends a training whose context ended.
type InterruptedError struct {
	Step       int    // steps taken
	Checkpoint string // the file it can be resumed from; "" without one
	Cause      error
}

// Error says where the checkpoint is.
func (e *InterruptedError) Error() string {
	if e.Checkpoint == "" {
		return fmt.Sprintf("train: stopped after step %d: %v", e.Step, e.Cause)
	}
	return fmt.Sprintf("train: stopped after step %d; %s has what is needed to resume", e.Step, e.Checkpoint)
}

// Unwrap is the context's error.
func (e *InterruptedError) Unwrap() error { return e.Cause }

// Run trains m until the validation loss stops falling or the epochs are over,
// and leaves the best parameters in it; validation may be nil, then the last
// parameters are. The model begins with the parameters and the scaler it has.
//
// The errors are a *lstmattn.ConfigError, a *DivergedError, an
// *InterruptedError, an *UnfinishedError, those of the data and of files, and that of a checkpoint
// of another model, configuration, number of threads or data.
func Run(ctx context.Context, m *lstmattn.Model, training, validation lstmattn.Dataset, cfg Config, o *Options) (*Result, error) {
	if o == nil {
		o = &Options{}
	}
	r, err := newRun(ctx, m, training, validation, cfg, o)
	if err != nil {
		return nil, err
	}
	defer r.team.stop()
	if err := r.begin(); err != nil {
		return nil, err
	}
	if err := r.loop(ctx); err != nil {
		return nil, r.failed(ctx, err)
	}
	return r.result(), r.finish()
}

// A run is a training under way.
type run struct {
	config  Config // with the number of threads and the loss
	asked   Config // as given
	options *Options
	model   *lstmattn.Model
	data    lstmattn.Dataset
	team    *team
	order   *order
	meter   *meter // nil without a validation set
	moments map[string][]float32
	best    []float32 // the best parameters; nil before the first evaluation
	same    identity

	perEpoch, total, decay int // steps: of an epoch, of all, of the decay of teacher forcing
	progress               progress
	resumed                int
	saved                  time.Time
	step                   step
}

// progress is what a checkpoint keeps beside the tensors.
type progress struct {
	Step      int          `json:"step"`      // steps taken
	Evaluated int          `json:"evaluated"` // the step of the last evaluation
	LossSum   float64      `json:"loss_sum"`  // of the steps since then
	Average   float64      `json:"average"`   // of the loss, moving
	Lowest    float64      `json:"lowest"`    // that the average was
	BestStep  int          `json:"best_step"`
	Best      *Measurement `json:"best"`
	Bad       int          `json:"bad"` // evaluations since the best
	Plateau   plateau      `json:"plateau"`
	Why       string       `json:"why"` // the training ended, "" while it goes on
}

func newRun(ctx context.Context, m *lstmattn.Model, training, validation lstmattn.Dataset, cfg Config, o *Options) (*run, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	n := training.Len()
	r := &run{asked: cfg, options: o, model: m, data: training, order: newOrder(cfg.Seed, n)}
	cfg.Threads = threadsOf(cfg.Threads)
	cfg.Loss = cmp.Or(cfg.Loss, m.Config().Head.OwnLoss())
	r.config = cfg
	r.perEpoch = n / cfg.BatchSize
	if n%cfg.BatchSize > 0 && !cfg.DropLast {
		r.perEpoch++
	}
	if r.perEpoch == 0 {
		return nil, fmt.Errorf("train: the training set has %d windows, a batch %d", n, cfg.BatchSize)
	}
	r.total = r.perEpoch * cfg.Epochs
	if cfg.MaxSteps > 0 {
		r.total = min(r.total, cfg.MaxSteps)
	}
	r.decay = r.total / 2
	if e := cfg.TeacherForcing.DecayEpochs; e > 0 {
		r.decay = int(min(math.Round(e*float64(r.perEpoch)), math.MaxInt32))
	}
	r.progress.Plateau.Rate = cfg.LearningRate
	r.step = step{model: m, data: training, loss: lstmattn.Loss{Kind: cfg.Loss, Delta: cfg.HuberDelta}}
	if validation != nil {
		if validation.Len() == 0 {
			return nil, errors.New("train: the validation set has no windows")
		}
		r.meter = newMeter(m, validation, r.step.loss, cfg.Horizons)
	}
	var err error
	if r.same, err = r.identify(ctx, validation); err != nil {
		return nil, err
	}
	r.moments = map[string][]float32{}
	for _, name := range cfg.momentNames() {
		r.moments[name] = make([]float32, m.NumParameters())
	}
	r.team = newTeam(m, cfg.Threads)
	for _, w := range r.team.members {
		w.optimizer = cfg.newOptimizer(r.moments, w.lo, w.hi)
	}
	return r, nil
}

func threadsOf(n int) int {
	if n == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return n
}

// begin reads the checkpoint that is to be resumed.
func (r *run) begin() error {
	r.saved = time.Now()
	if r.options.Dir == "" {
		if r.options.Resume {
			return errors.New("train: there is no folder to resume from")
		}
		return nil
	}
	if !r.options.Resume {
		if err := r.refuseUnfinished(); err != nil {
			return err
		}
	}
	if err := r.prepareFolder(); err != nil || !r.options.Resume {
		return err
	}
	found, err := r.restore()
	if err != nil || !found {
		return err
	}
	r.resumed = r.progress.Step
	for _, w := range r.team.members {
		w.optimizer.setSteps(r.progress.Step)
	}
	return r.model.Pack()
}

// loop goes on until the training has ended.
func (r *run) loop(ctx context.Context) error {
	p := &r.progress
	for p.Why == "" {
		if r.due() == 0 && p.Evaluated < p.Step {
			if err := r.evaluate(ctx); err != nil {
				return err
			}
			if err := r.save(); err != nil {
				return err
			}
			continue
		}
		if err := r.take(ctx); err != nil {
			return err
		}
		if r.timeToSave() {
			if err := r.save(); err != nil {
				return err
			}
		}
	}
	return nil
}

// due is the number of steps until the next evaluation.
func (r *run) due() int {
	every, step := r.config.ValidateSteps, r.progress.Step
	if every == 0 {
		every = r.perEpoch
	}
	if step == r.total {
		return 0
	}
	return min((every-step%every)%every, r.total-step)
}

func (r *run) timeToSave() bool {
	c, step := &r.config, r.progress.Step
	return step%r.perEpoch == 0 && r.due() > 0 ||
		c.CheckpointSteps > 0 && step%c.CheckpointSteps == 0 ||
		c.CheckpointSeconds > 0 && time.Since(r.saved).Seconds() >= c.CheckpointSeconds
}

// take is one step of the optimiser. After an error it was not taken.
func (r *run) take(ctx context.Context) error {
	p, c, s := &r.progress, &r.config, &r.step
	if err := ctx.Err(); err != nil {
		return err
	}
	epoch, batch := p.Step/r.perEpoch, p.Step%r.perEpoch
	ratio := c.TeacherForcing.ratio(r.model.Config().TeacherForcingRatio, p.Step, r.decay)
	s.ctx, s.windows = ctx, r.order.of(epoch, batch, c.BatchSize)
	s.seed = mix(c.Seed, stepStream, uint64(p.Step))
	s.rate = c.Schedule.rate(c.LearningRate, p.Step, epoch, r.total, &p.Plateau)
	s.options = lstmattn.ForwardOptions{Dropout: true, TeacherForcing: ratio}
	if c.TeacherForcing.Per == PerBatch {
		s.options.TeacherForcing = 0
		if draw := rand.NewPCG(mix(c.Seed, forcingStream, uint64(p.Step)), 0); float64(draw.Uint64()>>11)/(1<<53) < ratio {
			s.options.TeacherForcing = 1
		}
	}
	loss, err := r.team.gradient(s)
	if err != nil {
		return err
	}
	norm := lstmattn.ClipGradient(r.team.members[0].grad.Data, r.model.Config().GradClip)
	if err := r.check(loss, norm); err != nil {
		return err
	}
	if err := r.team.update(); err != nil {
		return err
	}
	if err := r.model.Pack(); err != nil {
		return err
	}
	p.Step++
	p.LossSum += loss
	if o := r.options.Observer; o != nil {
		o.Step(StepReport{
			Step: p.Step, TotalSteps: r.total, Epoch: epoch + 1, Epochs: c.Epochs, Windows: len(s.windows),
			Loss: loss, GradientNorm: norm, LearningRate: s.rate, TeacherForcing: ratio,
		})
	}
	return nil
}

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

// evaluate measures the model, keeps it if it is the best, and sees whether the
// training has ended.
func (r *run) evaluate(ctx context.Context) error {
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

// failed is the error of a training that ended by err, after a checkpoint if it
// was only interrupted.
func (r *run) failed(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	stopped := &InterruptedError{Step: r.progress.Step, Cause: err}
	if r.options.Dir != "" {
		if err := r.save(); err != nil {
			return err
		}
		stopped.Checkpoint = r.checkpointPath()
	}
	return stopped
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
