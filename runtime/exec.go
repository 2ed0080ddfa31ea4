package runtime

import (
	"context"
	"errors"
	"slices"

	"github.com/onda-ml/onda/ops/tensor"
)

// runPlanned computes the wanted outputs on the plan for the inputs' shapes.
func (m *Model) runPlanned(ctx context.Context, given []tensor.Value, wanted []bool) ([]tensor.Value, error) {
	x, err := m.acquire(ctx, given, wanted)
	if err != nil {
		return nil, err
	}
	got, err := m.runOn(ctx, x, given, make([]*tensor.Tensor, len(x.p.outputs)))
	if err != nil {
		return nil, err
	}
	got = slices.Clone(got)
	m.release(x)
	return got, nil
}

// runOn runs an instance. After an error the instance isn't used again.
func (m *Model) runOn(ctx context.Context, x *instance, given []tensor.Value, outs []*tensor.Tensor) ([]tensor.Value, error) {
	m.pool.Enter()
	defer m.pool.Leave()
	j := x.job
	j.ctx = ctx
	clear(j.times)
	j.memory.held, j.memory.laid, j.memory.step = x.p.folded, x.p.folded, 0
	return x.run(given, outs)
}

// acquire finds or makes an idle instance of the plan that fits.
func (m *Model) acquire(ctx context.Context, given []tensor.Value, wanted []bool) (*instance, error) {
	var p *plan
	if e := m.plans.find(given, wanted); e != nil {
		select {
		case <-e.done:
			p = e.plan
		default:
		}
	}
	if p == nil {
		var err error
		if p, err = m.planned(ctx, given, wanted); err != nil {
			return nil, err
		}
	}
	if x := p.idle.take(); x != nil {
		return x, nil
	}
	j := &job{ctx: ctx, seed: m.config.seed, memory: budget{limit: m.config.memory, waste: &m.waste}}
	j.memory.count = j.census
	if err := j.memory.lay(int64(p.arena) + p.fresh + p.folded); err != nil {
		return nil, err
	}
	return m.newInstance(p, j)
}

// release keeps an instance for the next run.
func (m *Model) release(x *instance) {
	clear(x.results)
	if m.config.memory > 0 && x.bytes() > slack {
		m.waste.Add(x.bytes())
		return
	}
	x.p.idle.give(x, 2*m.pool.Threads())
}

// bytes is the memory that an idle instance keeps.
func (x *instance) bytes() int64 {
	n := int64(len(x.arena))
	for i := range x.steps {
		if x.steps[i].inner == nil {
			continue
		}
		for _, sub := range x.steps[i].inner.of {
			for _, in := range sub.instances {
				n += in.bytes()
			}
		}
	}
	return n
}

// planned is the plan for a run that no plan of the cache serves yet.
func (m *Model) planned(ctx context.Context, given []tensor.Value, wanted []bool) (*plan, error) {
	valued := m.valued.Load()
	if valued == nil {
		v, err := m.decide(given, wanted)
		if err != nil {
			return nil, err
		}
		m.valued.CompareAndSwap(nil, &v)
		valued = m.valued.Load()
	}
	if slices.Contains(*valued, true) {
		// Values that keep changing are not worth a plan each.
		const most = 64
		if m.misses.Add(1) > most {
			none := make([]bool, len(given))
			valued = &none
			m.valued.Store(valued)
		}
	}
	return m.plans.getKeyed(ctx, given, wanted, *valued, m.plan)
}

// decide finds the inputs whose values, when known beforehand, make the shapes
// of other values known: a horizon, a shape, a length.
func (m *Model) decide(given []tensor.Value, wanted []bool) ([]bool, error) {
	valued := make([]bool, len(given))
	some := false
	for i, v := range given {
		if t, ok := v.(*tensor.Tensor); ok {
			valued[i] = shapeLike(t)
			some = some || valued[i]
		}
	}
	none := make([]bool, len(given))
	if !some {
		return none, nil
	}
	without, err := m.plan(keyOf(given, wanted, none))
	if err != nil {
		return nil, err
	}
	if without.unknown() == 0 {
		return none, nil
	}
	with, err := m.plan(keyOf(given, wanted, valued))
	if err != nil || with.unknown() >= without.unknown() {
		return none, nil
	}
	for i := range valued {
		if !valued[i] {
			continue
		}
		valued[i] = false
		if p, err := m.plan(keyOf(given, wanted, valued)); err != nil || p.unknown() > with.unknown() {
			valued[i] = true
		}
	}
	return valued, nil
}

var errNoPlan = errors.New("the model was loaded at level Plain, which makes no plan")
