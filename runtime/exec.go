package runtime

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

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

// wrap says which package an error comes from, unless it says so already.
func wrap(err error) error {
	if strings.HasPrefix(err.Error(), "runtime: ") {
		return err
	}
	return fmt.Errorf("runtime: %w", err)
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
	j := &job{ctx: ctx, seed: m.config.seed, limited: m.config.limited, memory: m.budget()}
	j.memory.count = j.census
	if err := j.memory.lay(int64(p.arena) + p.fresh + p.folded - m.held); err != nil {
		return nil, err
	}
	return m.newInstance(p, j)
}

// release keeps an instance for the next run.
func (m *Model) release(x *instance) {
	clear(x.results)
	bytes := x.bytes()
	if m.config.limited && bytes > slack {
		x.job.memory.tidy(bytes)
		return
	}
	x.p.idle.give(x, 2*m.pool.Threads()) // from here on it may be another run's
	if bytes > maxIdle/32 {
		m.trimIdle()
	}
}

// maxIdle bounds the memory, in bytes, that idle instances of a model keep.
const maxIdle = 256 << 20

// trimIdle lets instances of the plans that were used longest ago go until the
// rest is within maxIdle; the last used plan keeps one.
func (m *Model) trimIdle() {
	list := m.plans.list.Load()
	if list == nil {
		return
	}
	entries := slices.Clone(*list)
	used := make(map[*entry]int64, len(entries))
	for _, e := range entries {
		used[e] = e.used.Load()
	}
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Compare(used[b], used[a]) })
	var total int64
	for i, e := range entries {
		select {
		case <-e.done:
		default:
			continue
		}
		if e.plan != nil {
			total = e.plan.idle.trim(total, i == 0)
		}
	}
}

// bytes is the memory that an idle instance keeps.
func (x *instance) bytes() int64 {
	n := int64(len(x.arena) + x.scratch.Bytes())
	for i := range x.steps {
		n += int64(x.steps[i].scratch.Bytes() + x.steps[i].c.Bytes())
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
