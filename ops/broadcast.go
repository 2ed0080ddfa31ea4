package ops

import (
	"fmt"
	"unsafe"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// shapeRule says which shape b counts as when it is combined with a; nil is
// b's own, under numpy's rules.
type shapeRule func(dst, a, b []int) ([]int, error)

// unidirectional refuses a b that would make the result larger than a.
func unidirectional(_, a, b []int) ([]int, error) {
	if len(b) > len(a) {
		return nil, fmt.Errorf("shape %v does not broadcast to %v", shapeOf(b), shapeOf(a))
	}
	for i, d := range b {
		if have := a[len(a)-len(b)+i]; d != 1 && d != have && d != Unknown && have != Unknown {
			return nil, fmt.Errorf("shape %v does not broadcast to %v", shapeOf(b), shapeOf(a))
		}
	}
	return b, nil
}

// shapeOf copies, so that the shapes of successful runs stay on the stack.
func shapeOf(dims []int) tensor.Shape { return append(tensor.Shape(nil), dims...) }

// inferTwo states output 0 with type dt and the shape of inputs 0 and 1
// combined.
func inferTwo(c *Infer, rule shapeRule, dt tensor.DType) error {
	if rule == nil {
		return c.Broadcast(0, dt, 0, 1)
	}
	a, b := c.In(0), c.In(1)
	if !a.Ranked || !b.Ranked {
		c.Set(0, Unranked(dt))
		if a.Ranked {
			c.Set(0, Shaped(dt, a.Shape...))
		}
		return nil
	}
	if _, err := rule(nil, a.Shape, b.Shape); err != nil {
		return err
	}
	c.Set(0, Shaped(dt, a.Shape...))
	return nil
}

// outTwo is room for output 0 of type dt and the loop that combines a and b
// into it.
func outTwo(c *Ctx, rule shapeRule, dt tensor.DType, a, b *tensor.Tensor) (y *tensor.Tensor, bc kernel.Broadcast, err error) {
	var shapeY [tensor.MaxRank]int
	sb := []int(b.Shape())
	if rule != nil {
		if sb, err = rule(nil, a.Shape(), sb); err != nil {
			return nil, bc, err
		}
	}
	sy, err := tensor.Broadcast(shapeY[:0], a.Shape(), sb)
	if err != nil {
		return nil, bc, err
	}
	if y, err = c.Out(0, dt, sy...); err != nil {
		return nil, bc, err
	}
	return y, kernel.NewBroadcast(y.Shape(), a.Shape(), sb), nil
}

// reserved is n elements of working memory, all zero, accounted for and valid
// until Run returns.
func reserved[T tensor.Elem](c *Ctx, n int) ([]T, error) {
	var zero T
	size := n * int(unsafe.Sizeof(zero))
	if _, text := any(zero).(string); c.scratch != nil && !text && n > 0 {
		if b := c.scratch.piece(size); b != nil {
			clear(b)
			return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), n), nil
		}
	}
	if err := c.Memory.Reserve(size); err != nil {
		return nil, err
	}
	return make([]T, n), nil
}

// convertNumbers writes t's elements, of one of the ten types of arithmetic,
// to dst.
func convertNumbers[T number](dst []T, t *tensor.Tensor) {
	pick(t.DType(), convertFrom[T, float32], convertFrom[T, float64], convertFrom[T, int8], convertFrom[T, int16],
		convertFrom[T, int32], convertFrom[T, int64], convertFrom[T, uint8], convertFrom[T, uint16],
		convertFrom[T, uint32], convertFrom[T, uint64])(dst, t)
}

func convertFrom[T, S number](dst []T, t *tensor.Tensor) { kernel.ConvertTo(dst, tensor.Of[S](t)) }
