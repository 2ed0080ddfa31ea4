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

// Gradient runs a training pass as Forward does, and adds the gradient of its
// loss against the target to grad, which NewGradient of this model's parameters
// made. It returns the loss. Values that the decoder fed back to itself carry
// gradients. grad's content is undefined after an error.
func (m *Model) Gradient(ctx context.Context, grad *Params, x, target []float32, loss Loss, o *ForwardOptions) (float64, error) {
	if o == nil {
		o = &ForwardOptions{}
	}
	if err := loss.validate(); err != nil {
		return 0, err
	}
	if len(grad.Data) != len(m.params.Data) || len(grad.table) != len(m.params.table) {
		return 0, fmt.Errorf("lstmattn: the gradient has %d elements, the model %d", len(grad.Data), len(m.params.Data))
	}
	batch, steps, err := m.targetOf(x, target, o)
	if err != nil {
		return 0, err
	}
	s, done := m.borrow(o.State)
	defer done()
	pool := cmp.Or(o.Pool, m.pool)
	pool.Enter()
	defer pool.Leave()
	s.layOutTraining(m, batch, steps)
	p := &pass{network: m.net, config: &m.config, pool: pool, state: s, batch: batch}
	force := m.forcing(target, o)
	p.dropping = force.drop != nil
	values := make([]float32, len(target))
	if err := p.forward(ctx, x, values, nil, steps, force); err != nil {
		return 0, err
	}
	dy := make([]float32, len(values))
	total := loss.measure(&s.window, dy, values, force.normalized, batch, steps)
	return total, newBackpass(p, m.params, grad, steps, force.forced).run(ctx, dy)
}
