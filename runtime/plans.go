package runtime

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// key tells which plan fits: the type and shape of every input, which inputs
// are given, which outputs are wanted and, for small inputs that hold shapes,
// their values.
type key struct {
	ports  []portKey
	wanted []bool // nil for all
}

type portKey struct {
	absent bool
	other  bool // not a tensor: nothing is known
	dtype  tensor.DType
	shape  []int
	value  *tensor.Tensor // known beforehand, if not nil
}

// keyOf describes the values of a run; valued marks those whose value counts.
func keyOf(given []tensor.Value, wanted, valued []bool) *key {
	k := &key{ports: make([]portKey, len(given)), wanted: slices.Clone(wanted)}
	for i, v := range given {
		p := &k.ports[i]
		t, isTensor := v.(*tensor.Tensor)
		switch {
		case v == nil:
			p.absent = true
		case !isTensor:
			p.other = true
		default:
			p.dtype, p.shape = t.DType(), slices.Clone(t.Shape())
			if valued != nil && valued[i] && shapeLike(t) {
				p.value = t.Clone()
			}
		}
	}
	return k
}

// shapeLike reports whether t may hold a shape, a length or an axis.
func shapeLike(t *tensor.Tensor) bool {
	return (t.DType() == tensor.Int64 || t.DType() == tensor.Int32 || t.DType() == tensor.Bool) && t.Len() <= 16 && t.Len() > 0
}

// matches reports whether the plan of k serves a run on given.
func (k *key) matches(given []tensor.Value) bool {
	for i := range k.ports {
		p := &k.ports[i]
		t, isTensor := given[i].(*tensor.Tensor)
		switch {
		case given[i] == nil:
			if !p.absent {
				return false
			}
		case !isTensor:
			if !p.other {
				return false
			}
		case p.absent || p.other || p.dtype != t.DType() || !t.Shape().Equal(p.shape):
			return false
		case p.value != nil && string(p.value.Bytes()) != string(t.Bytes()):
			return false
		}
	}
	return true
}

// facts is what k says of each value.
func (k *key) facts() []ops.Fact {
	facts := make([]ops.Fact, len(k.ports))
	for i, p := range k.ports {
		if p.absent || p.other {
			continue
		}
		facts[i] = ops.Shaped(p.dtype, p.shape...)
		facts[i].Value = p.value
	}
	return facts
}

// maxPlans bounds how many plans a model, or a subgraph within a plan, keeps.
const maxPlans = 16

// plans is a bounded cache of plans. Looking one up takes no lock.
type plans struct {
	list  atomic.Pointer[[]*entry]
	clock atomic.Int64
	mu    sync.Mutex
}

// entry is a plan, or the making of one that several runs wait for.
type entry struct {
	key  *key
	used atomic.Int64
	done chan struct{} // closed once plan or err is set
	plan *plan
	err  error
}

// find is the entry that serves a run, or nil.
func (c *plans) find(given []tensor.Value, wanted []bool) *entry {
	list := c.list.Load()
	if list == nil {
		return nil
	}
	for _, e := range *list {
		if slices.Equal(e.key.wanted, wanted) && e.key.matches(given) {
			e.used.Store(c.clock.Add(1))
			return e
		}
	}
	return nil
}

// get is the plan that serves a run. One run makes it while others that need
// the same wait; the one that was not used for longest makes room.
func (c *plans) get(ctx context.Context, given []tensor.Value, wanted []bool, build func(*key) (*plan, error)) (*plan, error) {
	return c.getKeyed(ctx, given, wanted, nil, build)
}

func (c *plans) getKeyed(ctx context.Context, given []tensor.Value, wanted, valued []bool, build func(*key) (*plan, error)) (*plan, error) {
	e := c.find(given, wanted)
	if e == nil {
		var mine bool
		if e, mine = c.add(given, wanted, valued); mine {
			e.plan, e.err = build(e.key)
			if e.err != nil {
				c.drop(e)
			}
			close(e.done)
			return e.plan, e.err
		}
	}
	select {
	case <-e.done:
		return e.plan, e.err
	default:
	}
	select {
	case <-e.done:
		return e.plan, e.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// add puts an entry into the list unless another run just did.
func (c *plans) add(given []tensor.Value, wanted, valued []bool) (e *entry, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.find(given, wanted); e != nil {
		return e, false
	}
	e = &entry{key: keyOf(given, wanted, valued), done: make(chan struct{})}
	e.used.Store(c.clock.Add(1))
	var list []*entry
	if old := c.list.Load(); old != nil {
		list = slices.Clone(*old)
	}
	if len(list) >= maxPlans {
		oldest := slices.MinFunc(list, func(a, b *entry) int { return cmp.Compare(a.used.Load(), b.used.Load()) })
		list = slices.DeleteFunc(list, func(e *entry) bool { return e == oldest })
	}
	list = append(list, e)
	c.list.Store(&list)
	return e, true
}

// drop takes an entry whose plan could not be made out of the list: its error
// may be of the moment.
func (c *plans) drop(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(*c.list.Load()), func(o *entry) bool { return o == e })
	c.list.Store(&list)
}

// instances keeps a plan's idle instances.
type instances struct {
	mu   sync.Mutex
	idle []*instance
}

func (p *instances) take() *instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.idle); n > 0 {
		x := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		return x
	}
	return nil
}

// give keeps x for later unless there are most already.
func (p *instances) give(x *instance, most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) < most {
		p.idle = append(p.idle, x)
	}
}

// trim drops instances once total, to which it adds what it keeps, would pass
// maxIdle; it keeps one in any case if spare is true.
func (p *instances) trim(total int64, spare bool) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.idle[:0]
	for _, x := range p.idle {
		n := x.bytes()
		if total+n <= maxIdle || spare && len(kept) == 0 {
			total += n
			kept = append(kept, x)
		}
	}
	clear(p.idle[len(kept):])
	p.idle = kept
	return total
}
