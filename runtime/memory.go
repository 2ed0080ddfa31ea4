package runtime

import (
	"fmt"
	gc "runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"unsafe"

	"github.com/onda-ml/onda/ops/tensor"
)

// budget is the memory of one run. It implements ops.Allocator.
//
// held is an upper bound of the bytes alive: everything handed out since the
// last count. When it would pass the limit, count walks what the run still
// holds and the rest, which is garbage, is collected. So a run is refused
// exactly when what it holds at a time would pass the limit.
type budget struct {
	limit int64         // 0: none
	held  int64         // laid memory and everything handed out since the last count
	laid  int64         // arenas and outputs of the plans that are running
	step  int64         // handed out since the current step, and the steps around it, began
	count func(*census) // adds up what the frames of the run hold
	waste *atomic.Int64 // bytes that became garbage since the last forced collection, shared by the runs of a model
}

// budget is what a run, or a piece of compiling, may take beside what the model
// holds already.
func (c *compiler) budget() budget {
	return budget{limit: c.config.memory, held: c.held, laid: c.held, waste: c.waste}
}

// slack is how much garbage may lie about beside the limit before a collection
// is forced.
const slack = 16 << 20

// sizeOf is the memory that n elements take: strings count as their headers.
func sizeOf(dt tensor.DType) int {
	if dt == tensor.String {
		return int(unsafe.Sizeof(""))
	}
	return max(dt.Size(), 1)
}

func (b *budget) New(dt tensor.DType, shape []int) (*tensor.Tensor, error) {
	n, err := tensor.CheckShape(shape, sizeOf(dt))
	if err != nil {
		return nil, err
	}
	if err := b.Reserve(n * sizeOf(dt)); err != nil {
		return nil, err
	}
	return tensor.Zeros(dt, shape...)
}

func (b *budget) Reserve(n int) error {
	if b.limit == 0 {
		return nil
	}
	if n < 0 || int64(n) > b.limit-b.held {
		b.recount()
		if n < 0 || int64(n) > b.limit-b.held {
			return fmt.Errorf("%w: %d bytes are allowed, %d more than the %d in use were asked for", ErrMemoryLimit, b.limit, n, b.held)
		}
	}
	b.held += int64(n)
	b.step += int64(n)
	b.tidy(0)
	return nil
}

// Release makes n reserved bytes garbage.
func (b *budget) Release(n int) {
	if b.limit == 0 {
		return
	}
	b.held -= int64(n)
	b.step -= int64(n)
	b.tidy(int64(n))
}

// tidy counts n bytes of new garbage, and collects it where it and what is held
// would pass the limit.
func (b *budget) tidy(n int64) {
	if b.waste == nil {
		return
	}
	waste := b.waste.Load()
	if n > 0 {
		waste = b.waste.Add(n)
	}
	if waste > slack && waste > b.limit-b.held {
		b.collect()
	}
}

// lay accounts for n bytes that a plan holds until it gives them back with
// unlay.
func (b *budget) lay(n int64) error {
	if b.limit == 0 {
		return nil
	}
	if n > b.limit-b.held {
		b.recount()
		if n > b.limit-b.held {
			return fmt.Errorf("%w: %d bytes are allowed, %d more than the %d in use were asked for", ErrMemoryLimit, b.limit, n, b.held)
		}
	}
	b.held += n
	b.laid += n
	b.tidy(0)
	return nil
}

func (b *budget) unlay(n int64) {
	if b.limit > 0 {
		b.held -= n
		b.laid -= n
	}
}

// keep accounts for the outputs of a subgraph's run: fresh bytes of them were
// laid, and lasting ones stay until the step around them ends.
func (b *budget) keep(fresh int64, lasting []tensor.Value) {
	if b.limit == 0 {
		return
	}
	b.held += fresh
	c := &census{seen: map[*byte]bool{}}
	for _, v := range lasting {
		c.add(v)
	}
	b.step += c.bytes
}

// recount makes held exact and collects the garbage if there is much.
func (b *budget) recount() {
	if b.count == nil {
		return
	}
	c := &census{seen: map[*byte]bool{}}
	b.count(c)
	alive := b.laid + b.step + c.bytes
	if alive >= b.held {
		return
	}
	if b.waste != nil && b.waste.Add(b.held-alive) > slack {
		b.collect()
	}
	b.held = alive
}

// startSmall has a load with a limit begin with little garbage: what models
// before it left would otherwise add to what it takes.
func startSmall() {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
	metrics.Read(heap)
	var taken uint64
	for _, s := range heap {
		taken += s.Value.Uint64()
	}
	if taken > 4*slack {
		debug.FreeOSMemory()
	}
}

// collect frees garbage now and gives its memory back to the system: the second
// time what kernels lent each other.
func (b *budget) collect() {
	b.waste.Store(0)
	gc.GC()
	debug.FreeOSMemory()
}

// census adds up the memory of values, each block once.
type census struct {
	seen  map[*byte]bool
	bytes int64
}

func (c *census) add(v tensor.Value) {
	switch v := v.(type) {
	case *tensor.Tensor:
		if v == nil {
			return
		}
		if v.DType() == tensor.String {
			for _, s := range tensor.Of[string](v) {
				c.block(unsafe.StringData(s), int64(len(s)))
			}
			c.bytes += int64(v.Len() * sizeOf(tensor.String))
			return
		}
		c.block(unsafe.SliceData(v.Bytes()), int64(len(v.Bytes())))
	case *tensor.Sequence:
		for _, e := range v.Items {
			c.add(e)
		}
	case *tensor.Optional:
		c.add(v.Value)
	case *tensor.Map:
		c.add(v.Keys)
		c.add(v.Values)
	}
}

func (c *census) block(at *byte, n int64) {
	if n > 0 && !c.seen[at] {
		c.seen[at] = true
		c.bytes += n
	}
}
