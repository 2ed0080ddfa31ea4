package lstmattn

import (
	"cmp"
	"context"
	"fmt"
)

// NewGradient makes room for the gradients of all parameters, all zero: the
// same table and views. It has no scaler.
func (p *Params) NewGradient() *Params {
	return &Params{Data: make([]float32, len(p.Data)), table: p.table, index: p.index}
}

// Gradient is GradientBatch of windows x (B, input_size, num_features) and
// their targets (B, T, num_features), every target with weight 1.
func (m *Model) Gradient(ctx context.Context, grad *Params, x, target []float32, loss Loss, o *ForwardOptions) (float64, error) {
	batch, err := m.batchOf(x)
	if err != nil {
		return 0, err
	}
	return m.GradientBatch(ctx, grad, &Batch{Size: batch, X: x, Target: target}, loss, o)
}

// GradientBatch runs a training pass as Forward does, and adds the gradient of
// its loss against the batch's targets to grad, which NewGradient of this
// model's parameters made. It returns the loss: the mean over the targets by
// their weights, or their weighted sum over o.TotalWeight, so that the losses
// and the gradients of a batch's parts, all with the whole batch's weight, add
// up to the batch's. Targets of weight 0 are not looked at; if all are, the loss
// is 0. Values that the decoder fed back to itself carry gradients. grad's
// content is undefined after an error.
func (m *Model) GradientBatch(ctx context.Context, grad *Params, b *Batch, loss Loss, o *ForwardOptions) (float64, error) {
	if o == nil {
		o = &ForwardOptions{}
	}
	if len(grad.Data) != len(m.params.Data) || len(grad.table) != len(m.params.table) {
		return 0, fmt.Errorf("lstmattn: the gradient has %d elements, the model %d", len(grad.Data), len(m.params.Data))
	}
	steps, err := m.checkTraining(b, loss, o)
	if err != nil {
		return 0, err
	}
	if !(o.TotalWeight >= 0) {
		return 0, fmt.Errorf("lstmattn: the total weight is %v, must be at least 0", o.TotalWeight)
	}
	total := o.TotalWeight
	if total == 0 {
		total = b.TotalWeight()
	}
	s, done := m.borrow(o.State)
	defer done()
	pool := cmp.Or(o.Pool, m.pool)
	pool.Enter()
	defer pool.Leave()
	s.layOutTraining(m, b.Size, steps)
	p := m.newPass(pool, s, b)
	force := m.forcing(s, b.Target, o)
	p.dropping = force.drop != nil
	s.numbers = room(s.numbers, len(b.Target)*m.head.width)
	if err := p.forward(ctx, s.numbers, nil, steps, force); err != nil {
		return 0, err
	}
	if total == 0 {
		return 0, nil
	}
	s.dNumbers = room(s.dNumbers, len(s.numbers))
	sum := loss.measure(m.head, &s.window, s.dNumbers, s.numbers, force.normalized, b.Weight, steps, total)
	return sum / total, s.backpass(p, grad, steps, force).run(ctx, s.dNumbers)
}

// Measure runs the model free, as Forecast does, and returns the sum of the
// loss over the batch's targets, each times its weight, and the sum of the
// weights. The loss of many batches is the sum of the one over that of the other.
func (m *Model) Measure(ctx context.Context, b *Batch, loss Loss, o *Options) (sum, weight float64, err error) {
	if o == nil {
		o = &Options{}
	}
	steps, err := m.checkTraining(b, loss, &ForwardOptions{Options: *o})
	if err != nil {
		return 0, 0, err
	}
	s, done := m.borrow(o.State)
	defer done()
	pool := cmp.Or(o.Pool, m.pool)
	pool.Enter()
	defer pool.Leave()
	c := &m.config
	many := c.windowsAtOnce(steps)
	for lo := 0; lo < b.Size; lo += many {
		part := b.part(c, steps, lo, min(lo+many, b.Size))
		s.layOut(m, part.Size, steps, 1)
		p := m.newPass(pool, s, part)
		numbers, target := make([]float32, len(part.Target)*m.head.width), make([]float32, len(part.Target))
		if err := p.forward(ctx, numbers, nil, steps, nil); err != nil {
			return 0, 0, err
		}
		s.window.normalizeTarget(target, part.Target, part.Size, steps)
		sum += loss.measure(m.head, &s.window, nil, numbers, target, part.Weight, steps, 1)
	}
	return sum, b.TotalWeight(), nil
}

// checkTraining checks what a pass with a loss is given, and returns the number
// of steps of its targets.
func (m *Model) checkTraining(b *Batch, loss Loss, o *ForwardOptions) (steps int, err error) {
	if err := loss.Validate(m.head.kind); err != nil {
		return 0, err
	}
	batch, steps, err := m.targetOf(b.X, b.Target, o)
	if err != nil {
		return 0, err
	}
	if b.Size != batch {
		return 0, fmt.Errorf("lstmattn: the batch's size is %d, x has %d windows", b.Size, batch)
	}
	if err := m.config.checkCovariatesOf(b, steps); err != nil {
		return 0, err
	}
	if b.Weight != nil {
		if err := length("weight", b.Weight, len(b.Target)); err != nil {
			return 0, err
		}
		for i, w := range b.Weight {
			if !(w >= 0) {
				return 0, fmt.Errorf("lstmattn: weight %d is %v, must be at least 0", i, w)
			}
		}
	}
	return steps, nil
}
