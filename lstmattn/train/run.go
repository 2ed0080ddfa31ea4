package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/onda-ml/onda/lstmattn"
)

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
	ema     []float32 // the moving average of the parameters; nil without one
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
		return nil, fmt.Errorf("train: the training set has %d windows, expected at least batch_size, %d", n, cfg.BatchSize)
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
	if err := r.step.loss.Validate(m.Config().Head); err != nil {
		return nil, err
	}
	if err := checkTargets(ctx, training, m.Config().NumFeatures, nil); err != nil {
		return nil, fmt.Errorf("the training set: %w", err)
	}
	if validation != nil {
		if validation.Len() == 0 {
			return nil, errors.New("train: the validation set has no windows")
		}
		if err := checkTargets(ctx, validation, m.Config().NumFeatures, cfg.Horizons); err != nil {
			return nil, fmt.Errorf("the validation set: %w", err)
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
	if cfg.EMADecay > 0 {
		r.ema = make([]float32, m.NumParameters())
		r.step.ema, r.step.decay = r.ema, cfg.EMADecay
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
	s.seed, s.first = mix(c.Seed, stepStream, uint64(p.Step)), p.Step == 0
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
