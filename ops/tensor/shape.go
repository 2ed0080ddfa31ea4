package tensor

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// MaxRank is the largest number of dimensions a tensor may have. It lets index
// arithmetic live in arrays on the stack.
const MaxRank = 16

// Shape is the extent of each dimension, outermost first; nil or empty is a
// scalar.
type Shape []int

// String writes the shape as (2, 3).
func (s Shape) String() string {
	var b strings.Builder
	b.WriteByte('(')
	for i, d := range s {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(d))
	}
	b.WriteByte(')')
	return b.String()
}

// Equal reports whether s and o have the same rank and extents.
func (s Shape) Equal(o Shape) bool {
	if len(s) != len(o) {
		return false
	}
	for i, d := range s {
		if d != o[i] {
			return false
		}
	}
	return true
}

// Len is the number of elements of a shape that [CheckShape] accepted.
func (s Shape) Len() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// CheckShape refuses a shape with more than MaxRank dimensions, a negative
// extent, or more elements or bytes (at elemSize bytes each) than an int can
// count, and returns the number of elements.
func CheckShape(shape []int, elemSize int) (int, error) {
	if len(shape) > MaxRank {
		return 0, fmt.Errorf("tensor: %d dimensions, at most %d are supported", len(shape), MaxRank)
	}
	n, zero := 1, false
	limit := math.MaxInt / max(elemSize, 1)
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("tensor: shape %v has a negative extent", Shape(append([]int(nil), shape...)))
		}
		if d == 0 {
			zero = true
			continue
		}
		if n > limit/d {
			return 0, fmt.Errorf("tensor: shape %v has more elements than memory can address", Shape(append([]int(nil), shape...)))
		}
		n *= d
	}
	if zero {
		return 0, nil
	}
	return n, nil
}

// Axis turns an axis that may be negative into one in [0, rank), or explains
// why it can't.
func Axis(axis int64, rank int) (int, error) {
	a := axis
	if a < 0 {
		a += int64(rank)
	}
	if a < 0 || a >= int64(rank) {
		return 0, fmt.Errorf("axis %d is out of range for rank %d", axis, rank)
	}
	return int(a), nil
}

// Strides writes the row-major strides of shape, in elements, into dst (which
// has room for len(shape)) and returns dst[:len(shape)].
func Strides(dst []int, shape []int) []int {
	dst = dst[:len(shape)]
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		dst[i] = n
		n *= shape[i]
	}
	return dst
}

// Broadcast writes the shape that a and b broadcast to under numpy's rules
// into dst (capacity MaxRank) and returns it.
func Broadcast(dst, a, b []int) ([]int, error) {
	rank := max(len(a), len(b))
	if rank > cap(dst) {
		return nil, fmt.Errorf("tensor: %d dimensions, at most %d are supported", rank, cap(dst))
	}
	dst = dst[:rank]
	for i := range rank {
		da, db := 1, 1
		if j := i - (rank - len(a)); j >= 0 {
			da = a[j]
		}
		if j := i - (rank - len(b)); j >= 0 {
			db = b[j]
		}
		switch {
		case da == db || db == 1:
			dst[i] = da
		case da == 1:
			dst[i] = db
		default:
			return nil, fmt.Errorf("shapes %v and %v do not broadcast", Shape(append([]int(nil), a...)), Shape(append([]int(nil), b...)))
		}
	}
	return dst, nil
}
