package train

import "github.com/onda-ml/onda/lstmattn"

// An optimizer is one member's part of the optimiser: it works element by
// element, so that parts of it together are the whole.
type optimizer interface {
	step(rate float64, params, grads []float32) error
	setSteps(n int) // how many were taken before
}

// momentNames are the names of an optimiser's memory in a checkpoint.
func (c *Config) momentNames() []string {
	if c.Optimizer == "sgd" {
		return []string{"optimizer.m"}
	}
	return []string{"optimizer.m", "optimizer.v"}
}

// newOptimizer is the part of the optimiser that has lo to hi of the moments.
func (c *Config) newOptimizer(moments map[string][]float32, lo, hi int) optimizer {
	m := moments["optimizer.m"][lo:hi:hi]
	if c.Optimizer == "sgd" {
		return &sgd{lstmattn.SGD{Momentum: c.Momentum, WeightDecay: c.WeightDecay, M: m}}
	}
	return &adamW{lstmattn.AdamW{Beta1: c.Betas[0], Beta2: c.Betas[1], Epsilon: c.Epsilon, WeightDecay: c.WeightDecay, M: m, V: moments["optimizer.v"][lo:hi:hi]}}
}

type adamW struct{ lstmattn.AdamW }

func (a *adamW) step(rate float64, params, grads []float32) error {
	a.LearningRate = rate
	return a.Step(params, grads)
}

func (a *adamW) setSteps(n int) { a.Steps = n }

type sgd struct{ lstmattn.SGD }

func (s *sgd) step(rate float64, params, grads []float32) error {
	s.LearningRate = rate
	return s.Step(params, grads)
}

func (s *sgd) setSteps(int) {}
