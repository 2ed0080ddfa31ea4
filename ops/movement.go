package ops

import (
	"fmt"
	"math"
	"sync"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// Operators that move elements without looking at them are one code for every
// type: an element is so many bytes, or a string. They take the types that the
// newest version admits at every opset, since no arithmetic depends on them.

// repeat is v once for each of the opsets: versions that differ in the types
// they admit and in nothing else.
func repeat(v Version, opsets ...int) []Version {
	out := make([]Version, len(opsets))
	for i, since := range opsets {
		out[i] = v
		out[i].Since = since
	}
	return out
}

// versions joins lists of versions.
func versions(lists ...[]Version) []Version {
	var out []Version
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// unary is a version with one input and one output.
func unaryVersion(f func(*Attrs) (Kernel, error)) Version {
	return Version{MinIn: 1, MaxIn: 1, MinOut: 1, MaxOut: 1, New: f}
}

// bytesAtOnce is how much memory a movement touches between two looks at
// whether the run is cancelled.
const bytesAtOnce = 8 << 20

// move copies elements from src to dst as s says, in parallel when that is
// worth it.
func move(c *Ctx, dst, src *tensor.Tensor, s *kernel.Strided) error {
	size := max(dst.DType().Size(), 1)
	total := s.Len() * size
	if total <= 1<<17 {
		moveElements(dst, src, s)
		return nil
	}
	return moveBlocks(c, dst, src, *s, total)
}

func moveBlocks(c *Ctx, dst, src *tensor.Tensor, s kernel.Strided, total int) error {
	dim, extent := s.Widest(4 * c.Pool().Threads())
	blocks := min(extent, (total+bytesAtOnce-1)/bytesAtOnce)
	m := movers.Get().(*mover)
	defer m.free()
	m.dst, m.src, m.s, m.dim = dst, src, s, dim
	for b := range blocks {
		if err := c.Err(); err != nil {
			return err
		}
		lo, hi := extent*b/blocks, extent*(b+1)/blocks
		grain := max(1, (hi-lo)/c.Pool().Threads())
		m.first = lo
		c.Pool().For(hi-lo, grain, m.run)
	}
	return nil
}

// A mover is a move whose parts along a dimension threads share.
type mover struct {
	dst, src   *tensor.Tensor
	s          kernel.Strided
	dim, first int
	run        func(lo, hi int)
}

var movers = sync.Pool{New: func() any {
	m := new(mover)
	m.run = m.part
	return m
}}

// part moves from lo to hi after m.first.
func (m *mover) part(lo, hi int) {
	part := m.s.Part(m.dim, m.first+lo, m.first+hi)
	moveElements(m.dst, m.src, &part)
}

func (m *mover) free() {
	m.dst, m.src = nil, nil
	movers.Put(m)
}

// moveElements is kernel.CopyStrided for the elements' size.
func moveElements(dst, src *tensor.Tensor, s *kernel.Strided) {
	switch dst.DType().Size() {
	case 0:
		kernel.CopyStrided(tensor.Of[string](dst), tensor.Of[string](src), s)
	case 1:
		kernel.CopyStrided(tensor.Of[uint8](dst), tensor.Of[uint8](src), s)
	case 2:
		kernel.CopyStrided(tensor.Of[uint16](dst), tensor.Of[uint16](src), s)
	case 4:
		kernel.CopyStrided(tensor.Of[uint32](dst), tensor.Of[uint32](src), s)
	case 8:
		kernel.CopyStrided(tensor.Of[uint64](dst), tensor.Of[uint64](src), s)
	default:
		kernel.CopyStrided(tensor.Of[complex128](dst), tensor.Of[complex128](src), s)
	}
}

// fill sets every element of dst to element 0 of v.
func fill(c *Ctx, dst, v *tensor.Tensor) error {
	var s kernel.Strided
	s.Add(dst.Len(), 1, 0)
	return move(c, dst, v, &s)
}

// passOn makes output i x's elements in another shape: a view of x, or a copy
// where the plan laid out memory.
func passOn(c *Ctx, i int, x *tensor.Tensor, shape []int) error {
	if i < len(c.Outputs) {
		if laid, ok := c.Outputs[i].(*tensor.Tensor); ok && laid != nil {
			y, err := c.Out(i, x.DType(), shape...)
			if err != nil {
				return err
			}
			if b := y.Bytes(); len(b) > 0 && &b[0] == &x.Bytes()[0] {
				return nil
			}
			return y.CopyFrom(x)
		}
	}
	y, err := x.Reshaped(shape...)
	if err != nil {
		return err
	}
	return c.SetOut(i, y)
}

// rowMajor adds to s the dimensions of a row-major tensor of the given shape
// as destination, read with the given strides.
func rowMajor(s *kernel.Strided, shape, src []int) {
	var buf [tensor.MaxRank]int
	for d, step := range tensor.Strides(buf[:], shape) {
		s.Add(shape[d], step, src[d])
	}
}

// given is input i, which must be a tensor.
func given(c *Ctx, i int) (*tensor.Tensor, error) {
	if t := c.In(i); t != nil {
		return t, nil
	}
	if c.Value(i) != nil {
		return nil, fmt.Errorf("input %d: expected a tensor, found %s", i, kindOf(c.Value(i)))
	}
	return nil, fmt.Errorf("input %d is missing", i)
}

// kindOf is what a value is, in words.
func kindOf(v tensor.Value) string {
	switch v.(type) {
	case *tensor.Tensor:
		return "a tensor"
	case *tensor.Sequence:
		return "a sequence"
	case *tensor.Optional:
		return "an optional"
	case *tensor.Map:
		return "a map"
	}
	return "nothing"
}

// formOf is type and shape of a tensor, and the kind of another value.
func formOf(v tensor.Value) string {
	if t, ok := v.(*tensor.Tensor); ok {
		return t.String()
	}
	return kindOf(v)
}

// toAxes are axes of an attribute or input as ints in [0, rank) in the order
// given, each at most once.
func toAxes(dst []int, axes []int, rank int) ([]int, error) {
	var seen [2 * tensor.MaxRank]bool
	for _, v := range axes {
		a, err := tensor.Axis(int64(v), rank)
		if err != nil {
			return nil, err
		}
		if a < len(seen) {
			if seen[a] {
				return nil, fmt.Errorf("axis %d is given twice", v)
			}
			seen[a] = true
		}
		dst = append(dst, a)
	}
	return dst, nil
}

// attrInts is an INTS attribute as ints, nil where it is absent.
func attrInts(a *Attrs, name string) []int {
	if !a.Has(name) {
		return nil
	}
	v := a.Ints(name)
	out := make([]int, len(v))
	for i, n := range v {
		out[i] = toInt(n)
	}
	return out
}

// mulDim is a*b for extents, Unknown if either is.
func mulDim(a, b int) (int, error) {
	if a == 0 || b == 0 {
		return 0, nil
	}
	if a < 0 || b < 0 {
		return Unknown, nil
	}
	if a > math.MaxInt/b {
		return 0, fmt.Errorf("extent %d times %d is more than memory can address", a, b)
	}
	return a * b, nil
}

// addDim is a+b for extents, Unknown if either is.
func addDim(a, b int) (int, error) {
	if a < 0 || b < 0 {
		return Unknown, nil
	}
	if a > math.MaxInt-b {
		return 0, fmt.Errorf("extent %d plus %d is more than memory can address", a, b)
	}
	return a + b, nil
}

// product is the number of elements of a shape, Unknown if an extent is.
func product(shape []int) (int, error) {
	n := 1
	var err error
	for _, d := range shape {
		if n, err = mulDim(n, d); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// unknownShape is a shape of which only the rank is known.
func unknownShape(rank int) []int {
	s := make([]int, rank)
	for i := range s {
		s[i] = Unknown
	}
	return s
}
