package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/onda-ml/onda/ops/tensor"
)

// Unknown is an extent that isn't known yet.
const Unknown = -1

// Fact is what is known of a value before it exists.
type Fact struct {
	DType  tensor.DType   // Undefined when unknown, and for sequences, optionals and maps
	Shape  []int          // extents, Unknown where not known; meaningful only if Ranked
	Ranked bool           // the rank is known
	Value  *tensor.Tensor // the value itself, when constant
}

// FactOf is everything about a value that exists.
func FactOf(t *tensor.Tensor) Fact {
	return Fact{DType: t.DType(), Shape: t.Shape(), Ranked: true, Value: t}
}

// Shaped is the fact of a value of known type and shape (with Unknown extents).
func Shaped(dt tensor.DType, shape ...int) Fact {
	return Fact{DType: dt, Shape: shape, Ranked: true}
}

// Unranked is the fact of a value of which only the type is known.
func Unranked(dt tensor.DType) Fact { return Fact{DType: dt} }

// Known reports whether type and every extent are known.
func (f Fact) Known() bool {
	if !f.Ranked || f.DType == tensor.Undefined {
		return false
	}
	for _, d := range f.Shape {
		if d < 0 {
			return false
		}
	}
	return true
}

// Infer is the view a Kernel has of its node while facts are worked out.
type Infer struct {
	in  []Fact
	has []bool
	out []Fact
}

// NewInfer prepares the inference of one node. has[i] is false where input i
// is left out.
func NewInfer(in []Fact, has []bool, outputs int) *Infer {
	return &Infer{in: in, has: has, out: make([]Fact, outputs)}
}

// NumIn is the number of inputs, trailing absent ones not counted.
func (c *Infer) NumIn() int { return len(c.in) }

// NumOut is the number of outputs the node names.
func (c *Infer) NumOut() int { return len(c.out) }

// Has reports whether input i is given.
func (c *Infer) Has(i int) bool { return i < len(c.in) && c.has[i] }

// In is what is known of input i; the zero Fact if it is absent.
func (c *Infer) In(i int) Fact {
	if i < len(c.in) {
		return c.in[i]
	}
	return Fact{}
}

// Ints is the constant value of input i as ints, if it is known and integral.
func (c *Infer) Ints(i int) ([]int, bool) {
	v := c.In(i).Value
	if v == nil {
		return nil, false
	}
	n, err := toInts(v)
	return n, err == nil
}

// Set states output i. Stating an output the node doesn't name is harmless.
func (c *Infer) Set(i int, f Fact) {
	if i < len(c.out) {
		c.out[i] = f
	}
}

// Outputs is what the kernel stated.
func (c *Infer) Outputs() []Fact { return c.out }

// SameAs states output i with the type and shape of input j.
func (c *Infer) SameAs(i, j int) {
	f := c.In(j)
	f.Value = nil
	c.Set(i, f)
}

// Broadcast states output i with type dt and the shape that the inputs in js
// broadcast to, as far as their extents tell.
func (c *Infer) Broadcast(i int, dt tensor.DType, js ...int) error {
	var shape []int
	for k, j := range js {
		f := c.In(j)
		if !f.Ranked {
			c.Set(i, Unranked(dt))
			return nil
		}
		if k == 0 {
			shape = append(shape, f.Shape...)
			continue
		}
		s, err := broadcastDims(nil, shape, f.Shape)
		if err != nil {
			return err
		}
		shape = s
	}
	c.Set(i, Shaped(dt, shape...))
	return nil
}

// broadcastDims is the shape that a and b broadcast to, written to dst if it
// has room and doesn't overlap them. Extents may be Unknown.
func broadcastDims(dst, a, b []int) ([]int, error) {
	out := slices.Grow(dst[:0], max(len(a), len(b)))[:max(len(a), len(b))]
	for i := range out {
		da, db := 1, 1
		if j := i - (len(out) - len(a)); j >= 0 {
			da = a[j]
		}
		if j := i - (len(out) - len(b)); j >= 0 {
			db = b[j]
		}
		switch {
		case da == db || db == 1:
			out[i] = da
		case da == 1:
			out[i] = db
		case da == Unknown:
			out[i] = db
		case db == Unknown:
			out[i] = da
		default:
			return nil, fmt.Errorf("shapes %v and %v do not broadcast", tensor.Shape(slices.Clone(a)), tensor.Shape(slices.Clone(b)))
		}
	}
	return out, nil
}

func toInts(t *tensor.Tensor) ([]int, error) {
	switch t.DType() {
	case tensor.Int64:
		return convertInts(tensor.Of[int64](t)), nil
	case tensor.Int32:
		return convertInts(tensor.Of[int32](t)), nil
	}
	return nil, fmt.Errorf("expected int64 or int32, found %v", t.DType())
}

func convertInts[T int32 | int64](s []T) []int {
	out := make([]int, len(s))
	for i, v := range s {
		out[i] = toInt(int64(v))
	}
	return out
}

// toInt is the nearest int, so that the largest int64, which says "to the end",
// says it where an int has 32 bits too.
func toInt(v int64) int { return int(max(math.MinInt, min(math.MaxInt, v))) }
