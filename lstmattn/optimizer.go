package lstmattn

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
)

// AdamW is Adam with decoupled weight decay (Loshchilov and Hutter 2019), with
// PyTorch's arithmetic. For each parameter p with gradient g, at step t from 1:
//
//	p -= LearningRate * WeightDecay * p
//	m = Beta1*m + (1-Beta1)*g
//	v = Beta2*v + (1-Beta2)*g*g
//	p -= LearningRate * (m / (1-Beta1^t)) / (sqrt(v / (1-Beta2^t)) + Epsilon)
//
// The settings may change between steps. One goroutine uses it at a time.
type AdamW struct {
	LearningRate, Beta1, Beta2, Epsilon, WeightDecay float64

	// Steps taken, and the moments, one element for each of Params.Data: what a
	// checkpoint holds.
	Steps int
	M, V  []float32
}

// NewAdamW has PyTorch's defaults: learning rate 1e-3, betas 0.9 and 0.999,
// epsilon 1e-8, weight decay 0.01.
func NewAdamW() *AdamW {
	return &AdamW{LearningRate: 1e-3, Beta1: .9, Beta2: .999, Epsilon: 1e-8, WeightDecay: .01}
}

// Step changes params by the gradient grads, element by element. Slices of
// different lengths, or of another length than at the first step, are an error.
func (a *AdamW) Step(params, grads []float32) error {
	if a.M == nil && a.V == nil {
		a.M, a.V = make([]float32, len(params)), make([]float32, len(params))
	}
	if len(grads) != len(params) || len(a.M) != len(params) || len(a.V) != len(params) {
		return fmt.Errorf("lstmattn: %d parameters, %d gradients, %d and %d moments, expected the same number", len(params), len(grads), len(a.M), len(a.V))
	}
	a.Steps++
	decay := float32(1 - a.LearningRate*a.WeightDecay)
	b1, b2, c1, c2 := float32(a.Beta1), float32(a.Beta2), float32(1-a.Beta1), float32(1-a.Beta2)
	rate := float32(a.LearningRate / (1 - math.Pow(a.Beta1, float64(a.Steps))))
	root := 1 / math.Sqrt(1-math.Pow(a.Beta2, float64(a.Steps)))
	m, v, grads := a.M[:len(params)], a.V[:len(params)], grads[:len(params)]
	for i, g := range grads {
		m[i] = b1*m[i] + c1*g
		v[i] = b2*v[i] + c2*g*g
		params[i] = decay*params[i] - rate*m[i]/float32(math.Sqrt(float64(v[i]))*root+a.Epsilon)
	}
	return nil
}

// SGD is gradient descent with momentum and PyTorch's arithmetic:
//
//	g += WeightDecay * p
//	m = Momentum*m + g      (g at the first step)
//	p -= LearningRate * m
type SGD struct {
	LearningRate, Momentum, WeightDecay float64

	M []float32 // one element for each of Params.Data: what a checkpoint holds
}

// Step changes params by the gradient grads, element by element, with AdamW's
// errors.
func (s *SGD) Step(params, grads []float32) error {
	if s.M == nil {
		s.M = make([]float32, len(params))
	}
	if len(grads) != len(params) || len(s.M) != len(params) {
		return fmt.Errorf("lstmattn: %d parameters, %d gradients, %d moments, expected the same number", len(params), len(grads), len(s.M))
	}
	rate, momentum, decay := float32(s.LearningRate), float32(s.Momentum), float32(s.WeightDecay)
	for i, g := range grads {
		s.M[i] = momentum*s.M[i] + (g + decay*params[i])
		params[i] -= rate * s.M[i]
	}
	return nil
}

// ClipGradient scales grads so that their global norm, the root of the sum of
// all squares, is at most limit (Pascanu, Mikolov and Bengio 2013); a limit of 0
// leaves them. It returns the norm before. NaN and infinities stay.
func ClipGradient(grads []float32, limit float64) (norm float64) {
	var sum float64
	const block = 1 << 12 // sums of float32 stay short
	for lo := 0; lo < len(grads); lo += block {
		sum += float64(kernel.SumSquares(grads[lo:min(lo+block, len(grads))]))
	}
	norm = math.Sqrt(sum)
	if limit > 0 && norm > limit && !math.IsInf(norm, 1) {
		kernel.MulScalar(grads, grads, float32(limit/(norm+1e-6)))
	}
	return norm
}
