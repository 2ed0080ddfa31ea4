package train

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

// Config is how a model is trained: the section "training" of a config.json.
// The comments give each field's name in JSON and its unit. The limit of the
// gradient's norm (grad_clip), the dropout and the first ratio of teacher
// forcing are the model's own.
type Config struct {
	Optimizer    string     // optimizer: adamw or sgd
	LearningRate float64    // lr
	Momentum     float64    // momentum, of sgd
	WeightDecay  float64    // weight_decay
	Betas        [2]float64 // betas, of adamw
	Epsilon      float64    // eps, of adamw

	// EMADecay keeps the exponential moving average of the parameters over the
	// steps (Polyak and Juditsky 1992), which is what is validated and kept.
	EMADecay float64 // ema_decay: its share in each new average, below 1; 0 for no averaging

	BatchSize int  // batch_size: windows per step
	DropLast  bool // drop_last: leave an epoch's last batch out where it is not full
	Epochs    int  // epochs: times every window is seen, at most
	MaxSteps  int  // max_steps: of the optimiser; 0 for no limit

	Loss       lstmattn.LossKind // loss: see lstmattn.Loss; "" for the one that the model's head is made for
	HuberDelta float64           // huber_delta: where huber's square becomes a line

	Schedule       Schedule       // schedule: of the learning rate
	TeacherForcing TeacherForcing // teacher_forcing: its decay

	ValidateSteps int     // validate_steps: steps between validations; 0 for once an epoch
	Patience      int     // patience: validations without improvement that end the training; 0 for never
	MinDelta      float64 // min_delta: what counts as an improvement of the validation loss
	Horizons      []int   // horizons: steps ahead that metrics are reported up to; none for the model's horizon

	Seed              uint64  // seed: of order, dropout and teacher forcing, and of New's weights in the tool
	Threads           int     // threads: shards a batch is split in, one to a core; 0 for one for each processor
	CheckpointSteps   int     // checkpoint_steps: steps between checkpoints; 0 for none but by time and epoch
	CheckpointSeconds float64 // checkpoint_seconds: time between checkpoints; 0 for none but by steps and epoch

	Split Split // split: which rows are for what
}

// DefaultConfig trains with AdamW for at most 30 epochs, with a cosine schedule.
func DefaultConfig() Config {
	return Config{
		Optimizer: "adamw", LearningRate: 1e-3, WeightDecay: .01, Betas: [2]float64{.9, .999}, Epsilon: 1e-8,
		BatchSize: 32, Epochs: 30, HuberDelta: 1,
		Schedule:       Schedule{Kind: Cosine, StepEpochs: 10, Gamma: .1, Factor: .1, Patience: 10, Threshold: 1e-4},
		TeacherForcing: TeacherForcing{Decay: Linear, Per: PerStep},
		Patience:       5, CheckpointSeconds: 60,
		Split: Split{Train: Range{"0%", "60%"}, Validation: Range{"60%", "80%"}, Test: Range{"80%", "100%"}},
	}
}

// Split says which rows of each series are for training, validation and test,
// the fields train, validation and test in JSON. A set's windows have their whole
// target in its rows; the history may begin before. Validation and test may be
// left out, and are where a split is given without them.
type Split struct {
	Train, Validation, Test Range

	SkipShort bool // skip_short: leave out series too short for a window, which are an error otherwise
}

// Range is the rows between two cuts: in JSON a pair such as [0, 8640] or
// ["60%", "80%"].
type Range struct {
	From series.Cut // the first row
	To   series.Cut // the row after the last
}

func (r Range) empty() bool { return r == Range{} }

// Validate returns a *lstmattn.ConfigError naming every field that cannot be,
// or nil.
func (c *Config) Validate() error {
	var problems []string
	refuse := func(format string, args ...any) {
		problems = append(problems, "training: "+fmt.Sprintf(format, args...))
	}
	number := func(name string, v, lo float64) {
		if !(v >= lo) || math.IsInf(v, 1) {
			refuse("%s is %v, must be a number of at least %v", name, v, lo)
		}
	}
	integer := func(name string, v, lo int) {
		if v < lo || v > 1<<30 {
			refuse("%s is %d, must be between %d and %d", name, v, lo, 1<<30)
		}
	}
	if c.Optimizer != "adamw" && c.Optimizer != "sgd" {
		refuse("optimizer is %q, must be adamw or sgd", c.Optimizer)
	}
	number("lr", c.LearningRate, 0)
	number("weight_decay", c.WeightDecay, 0)
	number("eps", c.Epsilon, 0)
	number("min_delta", c.MinDelta, 0)
	number("checkpoint_seconds", c.CheckpointSeconds, 0)
	for _, v := range []struct {
		name string
		v    float64
	}{{"momentum", c.Momentum}, {"ema_decay", c.EMADecay}, {"betas[0]", c.Betas[0]}, {"betas[1]", c.Betas[1]}} {
		if !(v.v >= 0 && v.v < 1) {
			refuse("%s is %v, must be at least 0 and below 1", v.name, v.v)
		}
	}
	integer("batch_size", c.BatchSize, 1)
	integer("epochs", c.Epochs, 1)
	integer("max_steps", c.MaxSteps, 0)
	integer("validate_steps", c.ValidateSteps, 0)
	integer("patience", c.Patience, 0)
	integer("checkpoint_steps", c.CheckpointSteps, 0)
	if c.Threads < 0 || c.Threads > maxThreads {
		refuse("threads is %d, must be between 0 and %d", c.Threads, maxThreads)
	}
	switch c.Loss {
	case "", lstmattn.MSE, lstmattn.MAE, lstmattn.Huber, lstmattn.Pinball, lstmattn.GaussianNLL, lstmattn.StudentTNLL:
	default:
		refuse("loss is %q, must be mse, mae, huber, quantile, gaussian or student_t", c.Loss)
	}
	if !(c.HuberDelta > 0) || math.IsInf(c.HuberDelta, 1) {
		refuse("huber_delta is %v, must be a number above 0", c.HuberDelta)
	}
	for _, h := range c.Horizons {
		if h < 1 {
			refuse("horizons has an entry of %d, must be at least 1", h)
		}
	}
	c.Schedule.problems(refuse)
	c.TeacherForcing.problems(refuse)
	if c.Split.Train.empty() {
		refuse("split has no train, must say which rows are for training")
	}
	if len(problems) > 0 {
		return &lstmattn.ConfigError{Problems: problems}
	}
	return nil
}

const maxThreads = 1 << 10
