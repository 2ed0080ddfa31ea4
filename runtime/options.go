package runtime

import (
	"fmt"

	"github.com/onda-ml/onda/ops"
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
	without []string // rewrites that are off
}

// Option changes how a model is loaded.
type Option func(*config) error

// WithThreads sets how many cores one run may use; 0, the default, means all.
// Concurrent runs of one model share them.
func WithThreads(n int) Option {
	return func(c *config) error {
		if n < 0 {
			return fmt.Errorf("runtime: %d threads", n)
		}
		c.threads = n
		return nil
	}
}

// WithMemoryLimit bounds, in bytes, the tensors that one run holds at a time,
// and the constants a load may make; the model's own weights and the run's
// inputs don't count. A run that needs more ends with ErrMemoryLimit, before it
// takes it. 0, the default, means the memory of the machine.
func WithMemoryLimit(bytes int64) Option {
	return func(c *config) error {
		if bytes < 0 {
			return fmt.Errorf("runtime: memory limit of %d bytes", bytes)
		}
		c.memory, c.limited = bytes, bytes > 0
		return nil
	}
}

// WithLevel sets how much the model is rewritten; Optimised is the default.
func WithLevel(l Level) Option {
	return func(c *config) error {
		if l != Plain && l != Optimised {
			return fmt.Errorf("runtime: optimisation level %d", l)
		}
		c.level = l
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
	if !c.limited {
		c.memory = systemMemory()
	}
	return c, nil
}
