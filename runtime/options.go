package runtime

import (
	"fmt"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/kernel"
)

// Level is how much a model is rewritten before it runs.
type Level int

const (
	// Plain runs the nodes as the file has them, one after the other.
	Plain Level = iota
	// Optimised folds, fuses, prepacks and plans memory.
	Optimised
)

// config is what the options add up to.
type config struct {
	threads int
	memory  int64 // bytes; 0 where there is no limit and the machine's memory isn't known
	limited bool  // the caller set memory
	level   Level
	set     *ops.Set
	seed    uint64
	weights Weights
	without []string // rewrites that are off
	inTurn  bool     // no steps side by side
}

// Option changes how a model is loaded.
type Option func(*config) error

// WithThreads sets how many cores one run may use; 0, the default, means all.
// Concurrent runs of one model share them.
func WithThreads(n int) Option {
	return func(c *config) error {
		if n < 0 {
			return fmt.Errorf("runtime: threads are %d, expected 0 or more", n)
		}
		c.threads = n
		return nil
	}
}

// WithMemoryLimit bounds, in bytes, what a model takes beside its file, if that is
// mapped or was given as bytes: what decoding makes, constants and packed weights
// that a load makes, and what one run holds at a time, padding and the kernels'
// working memory included. The inputs of a run don't count. A load or a run that
// needs more ends with ErrMemoryLimit, before it takes it; weights whose packed
// form would need more stay as they are. 0, the default, means the memory of the
// machine.
func WithMemoryLimit(bytes int64) Option {
	return func(c *config) error {
		if bytes < 0 {
			return fmt.Errorf("runtime: the memory limit is %d bytes, expected 0 or more", bytes)
		}
		c.memory, c.limited = bytes, bytes > 0
		return nil
	}
}

// WithStepsInTurn runs the steps of a plan one after the other, also large ones
// that don't wait for each other and would run side by side, and the layers of
// a recurrent stack.
func WithStepsInTurn() Option {
	return func(c *config) error {
		c.inTurn = true
		return nil
	}
}

// WithLevel sets how much the model is rewritten; Optimised is the default.
func WithLevel(l Level) Option {
	return func(c *config) error {
		if l != Plain && l != Optimised {
			return fmt.Errorf("runtime: the level is %d, expected Plain or Optimised", l)
		}
		c.level = l
		return nil
	}
}

// Weights is how constant weights are kept in memory.
type Weights = kernel.WeightType

const (
	// Float32 keeps weights in the type the model has them in.
	Float32 = kernel.WeightFloat32
	// BFloat16 rounds weights to bfloat16, half the memory. Data and sums
	// stay float32.
	BFloat16 = kernel.WeightBFloat16
	// Int8 rounds weights to 8-bit integers with a scale for each output channel, a quarter of
	// the memory, and what they are multiplied with to 8-bit integers with a
	// scale for each row as it comes. Sums are exact integers.
	Int8 = kernel.WeightInt8
)

// WithWeights stores the constant weights of LSTM, GRU, RNN, MatMul and Gemm,
// and of what is fused from these, in fewer bits: less memory and less time,
// for a little accuracy. It needs level Optimised; weights of type double stay.
func WithWeights(w Weights) Option {
	return func(c *config) error {
		if w > Int8 {
			return fmt.Errorf("runtime: weights of type %d, expected Float32, BFloat16 or Int8", w)
		}
		c.weights = w
		return nil
	}
}

// WithOps runs the model with another set of operators, such as
// ops.Standard().With(own...).
func WithOps(set *ops.Set) Option {
	return func(c *config) error {
		c.set = set
		return nil
	}
}

// WithSeed seeds the random operators that carry no seed of their own. With the
// same seed, inputs and thread count a run gives the same bits.
func WithSeed(seed uint64) Option {
	return func(c *config) error {
		c.seed = seed
		return nil
	}
}

func newConfig(opts []Option) (*config, error) {
	c := &config{level: Optimised}
	for _, o := range opts {
		if err := o(c); err != nil {
			return nil, err
		}
	}
	if c.set == nil {
		c.set = ops.Standard()
	}
	if c.limited {
		startSmall()
	} else {
		c.memory = systemMemory()
	}
	return c, nil
}
