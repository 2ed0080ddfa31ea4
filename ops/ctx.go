package ops

import (
	"context"
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// Ctx is the view a Kernel has of one run of its node. The runtime fills the
// exported fields; kernels use the methods.
type Ctx struct {
	Inputs  []tensor.Value  // nil where absent
	Outputs []tensor.Value  // what the kernel made; preset to laid-out memory where the plan has it
	Wanted  []bool          // outputs that somebody reads
	Context context.Context // ends the run; see Err
	Workers *kernel.Pool    // see Pool
	Memory  Allocator       // within the run's limit
	Seed    uint64          // for the random operators: differs by node and by run
	Outer   []tensor.Value  // captured outer values, in the order of the node's captures
	Caller  any             // the runtime's own, handed on to Body.Run
	Kept    *any            // see Local

	// Where the node that makes input 0, or the one that reads output 0, runs at
	// the same time: see Relayed. Nil otherwise.
	From, To *kernel.Relay
	scratch  *Scratch
	inners   *inners
}

// Allocator hands out tensors within a run's memory limit.
type Allocator interface {
	New(dt tensor.DType, shape []int) (*tensor.Tensor, error)
	// Reserve accounts for n bytes that a kernel takes by itself, such as a
	// temporary; it is an error when they would pass the limit.
	Reserve(n int) error
	// Release gives back n reserved bytes: what took them is garbage now.
	Release(n int)
}

// Body is a subgraph of If, Loop or Scan, bound.
type Body interface {
	NumInputs() int
	NumOutputs() int
	// Run computes the subgraph's outputs. c is the context of the node that
	// owns the subgraph: its captured values, pool, limit and cancellation.
	Run(c *Ctx, in []tensor.Value) ([]tensor.Value, error)
}

// NumIn is the number of inputs, trailing absent ones not counted.
func (c *Ctx) NumIn() int { return len(c.Inputs) }

// NumOut is the number of outputs the node names.
func (c *Ctx) NumOut() int { return len(c.Outputs) }

// Has reports whether input i is given.
func (c *Ctx) Has(i int) bool { return i < len(c.Inputs) && c.Inputs[i] != nil }

// Value is input i of any kind, nil if absent.
func (c *Ctx) Value(i int) tensor.Value {
	if i < len(c.Inputs) {
		return c.Inputs[i]
	}
	return nil
}

// In is input i, nil if it is absent or not a tensor. The runtime refuses
// non-tensors before Run for kernels that don't say [AnyValue].
func (c *Ctx) In(i int) *tensor.Tensor {
	if i < len(c.Inputs) {
		t, _ := c.Inputs[i].(*tensor.Tensor)
		return t
	}
	return nil
}

// dtype is input i's type, Undefined if it is absent.
func (c *Ctx) dtype(i int) tensor.DType {
	if t := c.In(i); t != nil {
		return t.DType()
	}
	return tensor.Undefined
}

// factOrNone is what is known of input i of a run.
func (c *Ctx) factOrNone(i int) Fact {
	if t := c.In(i); t != nil {
		return FactOf(t)
	}
	return Fact{}
}

// Ints is input i as ints: the int64 or int32 tensors that carry shapes, axes
// and the like. It allocates; use IntsInto on hot paths.
func (c *Ctx) Ints(i int) ([]int, error) { return c.IntsInto(nil, i) }

// IntsInto appends input i's integers to dst, the nearest that an int holds.
func (c *Ctx) IntsInto(dst []int, i int) ([]int, error) {
	t := c.In(i)
	if t == nil {
		return nil, fmt.Errorf("input %d is missing", i)
	}
	switch t.DType() {
	case tensor.Int64:
		for _, v := range tensor.Of[int64](t) {
			dst = append(dst, toInt(v))
		}
	case tensor.Int32:
		for _, v := range tensor.Of[int32](t) {
			dst = append(dst, int(v))
		}
	default:
		return nil, fmt.Errorf("input %d: expected int64 or int32, found %v", i, t.DType())
	}
	return dst, nil
}

// Wants reports whether anybody reads output i.
func (c *Ctx) Wants(i int) bool { return i < len(c.Wanted) && c.Wanted[i] }

// Out is room for output i. Where the plan laid it out beforehand that memory
// comes back (holding anything at all: every element must be written);
// otherwise it is allocated within the memory limit. An output that nobody
// reads still gets room, so ask Wants first where it costs.
func (c *Ctx) Out(i int, dt tensor.DType, shape ...int) (*tensor.Tensor, error) {
	if i < len(c.Outputs) {
		if t, ok := c.Outputs[i].(*tensor.Tensor); ok && t != nil {
			if t.DType() == dt && t.Shape().Equal(shape) {
				return t, nil
			}
			return nil, fmt.Errorf("output %d: planned as %v, computed as %v%v", i, t, dt, tensor.Shape(slices.Clone(shape)))
		}
	}
	var t *tensor.Tensor
	if r, ok := c.Memory.(*reuse); ok {
		t = r.take(dt, shape)
	}
	if t == nil {
		var err error
		if t, err = c.Memory.New(dt, slices.Clone(shape)); err != nil { // a copy, so that shape stays on the caller's stack
			return nil, err
		}
	}
	if i < len(c.Outputs) {
		c.Outputs[i] = t
	}
	return t, nil
}

// SetOut makes v output i: for sequences, optionals, maps and pass-through.
// Where the plan laid out memory for the output, a tensor is copied there.
func (c *Ctx) SetOut(i int, v tensor.Value) error {
	if i >= len(c.Outputs) {
		return nil
	}
	if laid, ok := c.Outputs[i].(*tensor.Tensor); ok && laid != nil {
		t, ok := v.(*tensor.Tensor)
		if !ok {
			return fmt.Errorf("output %d: planned as a tensor, computed as %T", i, v)
		}
		if !laid.Shape().Equal(t.Shape()) {
			return fmt.Errorf("output %d: planned as %v, computed as %v", i, laid, t)
		}
		return laid.CopyFrom(t)
	}
	c.Outputs[i] = v
	return nil
}

// Pool is the workers this run may use; nil means none.
func (c *Ctx) Pool() *kernel.Pool { return c.Workers }

// Err is non-nil once the run is cancelled. Kernels ask between blocks of work
// of at most a few milliseconds.
func (c *Ctx) Err() error {
	if c.Context == nil {
		return nil
	}
	select {
	case <-c.Context.Done():
		return context.Cause(c.Context)
	default:
		return nil
	}
}

// Local is memory that belongs to this node in this instance of the plan: no
// other goroutine sees it, and the next run finds it as this one left it. The
// first call makes it with fresh.
func (c *Ctx) Local(fresh func() any) any {
	if c.Kept == nil {
		return fresh()
	}
	if *c.Kept == nil {
		*c.Kept = fresh()
	}
	return *c.Kept
}

// Scratch grows to the largest working memory that any node of an instance
// asked for, and is reused.
type Scratch struct {
	f32 []float32
	f64 []float64
	// pieces is what reserved hands out, one piece after the other: used bytes of it
	// by the node at hand; most is how many a node wanted at most.
	pieces     []byte
	used, most int
}

// Bytes is the memory that s holds.
func (s *Scratch) Bytes() int { return 4*cap(s.f32) + 8*cap(s.f64) + len(s.pieces) }

// UseScratch lets kernels of this run take temporaries from s.
func (c *Ctx) UseScratch(s *Scratch) { c.scratch = s }

// Begin is for before each Run of a context that is kept: what the Run before
// worked with serves this one.
func (c *Ctx) Begin() {
	if c.inners != nil {
		c.inners.next = 0
	}
	if s := c.scratch; s != nil {
		if s.used = 0; s.most > len(s.pieces) {
			s.pieces = tensor.AlignedBytes(s.most)
		}
	}
}

// Bytes is what the nodes within this one keep for the next Run.
func (c *Ctx) Bytes() (n int) {
	if c.inners == nil {
		return 0
	}
	for _, m := range c.inners.list {
		for _, t := range m.reuse.list {
			n += len(t.Bytes())
		}
		n += m.ctx.Bytes()
	}
	return n
}

// Forget lets go of what Runs with this context have kept for the next.
func (c *Ctx) Forget() {
	c.inners = nil
	if c.Kept != nil {
		*c.Kept = nil
	}
	if c.scratch != nil {
		*c.scratch = Scratch{}
	}
}

// piece is n bytes of s, nil if it doesn't have them.
func (s *Scratch) piece(n int) []byte {
	const line = 64
	at := (s.used + line - 1) / line * line
	s.used = at + n
	s.most = max(s.most, s.used)
	if s.used > len(s.pieces) {
		return nil
	}
	return s.pieces[at:s.used:s.used]
}

// F32 is n float32s of working memory with any content, valid until Run
// returns. Each call within a Run hands out the same memory: ask once.
func (c *Ctx) F32(n int) ([]float32, error) {
	if c.scratch == nil {
		c.scratch = &Scratch{}
	}
	if cap(c.scratch.f32) < n {
		if err := c.Memory.Reserve(4 * n); err != nil {
			return nil, err
		}
		c.scratch.f32 = make([]float32, n)
	}
	return c.scratch.f32[:n], nil
}

// F64 is F32 for float64s.
func (c *Ctx) F64(n int) ([]float64, error) {
	if c.scratch == nil {
		c.scratch = &Scratch{}
	}
	if cap(c.scratch.f64) < n {
		if err := c.Memory.Reserve(8 * n); err != nil {
			return nil, err
		}
		c.scratch.f64 = make([]float64, n)
	}
	return c.scratch.f64[:n], nil
}

// AnyValue is a Kernel that takes sequences, optionals or maps as well as
// tensors. What it makes may hold on to tensors among its inputs, so their
// memory lives as long as its outputs.
type AnyValue interface{ AnyValue() }
