package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/tensor"
)

// reshapeOps give a tensor's elements another shape and leave them where they
// are.
func reshapeOps() []Op {
	reshape := Version{MinIn: 2, MaxIn: 2, MinOut: 1, MaxOut: 1, New: newReshape}
	axesInput := Version{MinIn: 2, MaxIn: 2, MinOut: 1, MaxOut: 1, New: newUnsqueeze}
	squeeze := Version{MinIn: 1, MaxIn: 2, MinOut: 1, MaxOut: 1, New: newSqueeze}
	return []Op{
		{Name: "Reshape", Versions: versions(
			repeat(unaryVersion(newReshape1), 1),
			repeat(Version{MinIn: 2, MaxIn: 2, MinOut: 1, MaxOut: 1, New: newReshape5}, 5, 13),
			repeat(reshape, 14, 19, 21, 23, 24, 25))},
		{Name: "Flatten", Versions: repeat(unaryVersion(newFlatten), 1, 9, 11, 13, 21, 23, 24, 25)},
		{Name: "Squeeze", Versions: versions(
			repeat(unaryVersion(newSqueeze1), 1, 11),
			repeat(squeeze, 13, 21, 23, 24, 25))},
		{Name: "Unsqueeze", Versions: versions(
			repeat(unaryVersion(newUnsqueeze1), 1, 11),
			repeat(axesInput, 13, 21, 23, 24, 25))},
	}
}

// reshape gives input 0 the shape in input 1, where 0 stands for the input's
// own extent (unless allowZero) and -1 for what is left.
type reshape struct{ allowZero bool }

func newReshape(a *Attrs) (Kernel, error) {
	return reshape{allowZero: a.Bool("allowzero", false)}, nil
}

func (k reshape) Infer(c *Infer) error {
	f := c.In(0)
	want, ok := c.Ints(1)
	if !ok {
		if s := c.In(1); s.Ranked && len(s.Shape) == 1 && s.Shape[0] >= 0 && s.Shape[0] <= tensor.MaxRank {
			c.Set(0, Shaped(f.DType, unknownShape(s.Shape[0])...))
		} else {
			c.Set(0, Unranked(f.DType))
		}
		return nil
	}
	if !f.Ranked {
		shape := make([]int, len(want))
		for i, d := range want {
			shape[i] = d
			if d < 0 || d == 0 && !k.allowZero {
				shape[i] = Unknown
			}
		}
		c.Set(0, Shaped(f.DType, shape...))
		return nil
	}
	shape, err := k.shape(nil, f.Shape, want)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(f.DType, shape...))
	return nil
}

// shape appends to dst what want says for an input of shape in, whose extents
// may be Unknown.
func (k reshape) shape(dst, in, want []int) ([]int, error) {
	const undecided = -1
	at := undecided
	n, fixed := 1, 1 // elements of the input and of the output, but for extents that are handed on
	for i, d := range want {
		switch {
		case d == -1 && at != undecided:
			return nil, fmt.Errorf("shape %v has more than one -1", shapeOf(want))
		case d == -1:
			at = i
		case d == 0 && !k.allowZero:
			if i >= len(in) {
				return nil, fmt.Errorf("shape %v has 0 at dimension %d, the input has rank %d", shapeOf(want), i, len(in))
			}
			d = in[i]
		case d < -1:
			return nil, fmt.Errorf("shape %v has extent %d at dimension %d, expected at least -1", shapeOf(want), d, i)
		default:
			var err error
			if fixed, err = mulDim(fixed, d); err != nil {
				return nil, err
			}
		}
		dst = append(dst, d)
	}
	for i, d := range in {
		if i < len(want) && want[i] == 0 && !k.allowZero {
			continue
		}
		var err error
		if n, err = mulDim(n, d); err != nil {
			return nil, err
		}
	}
	switch {
	case at == undecided && n != Unknown && n != fixed && !hasZero(dst):
		return nil, k.mismatch(in, want)
	case at == undecided:
	case n == Unknown:
		dst[at] = Unknown
	case fixed == 0 && k.allowZero:
		return nil, fmt.Errorf("shape %v has both 0 and -1 where 0 means an extent of zero", shapeOf(want))
	case fixed == 0 || n%fixed != 0:
		return nil, k.mismatch(in, want)
	default:
		dst[at] = n / fixed
	}
	return dst, nil
}

// hasZero reports whether a shape has no elements, so that its other extents
// don't matter.
func hasZero(shape []int) bool {
	for _, d := range shape {
		if d == 0 {
			return true
		}
	}
	return false
}

// mismatch is the error of a shape that doesn't fit. Exporters that write the
// example's batch into the shape are its usual cause, so it says where one
// other extent of the input would have fitted.
func (reshape) mismatch(in, want []int) error {
	hint := ""
	for i, word := range []string{"batch", "batch or length"} {
		if i < len(want) && want[i] == 0 {
			continue // copied from the input
		}
		if n := fits(in, want, i); n > 0 {
			hint = fmt.Sprintf("; the model was exported with fixed %s %d", word, n)
			break
		}
	}
	return fmt.Errorf("input of shape %v can't take shape %v%s", shapeOf(in), shapeOf(want), hint)
}

// fits is the extent of axis that would give in as many elements as want has,
// or 0 where there is none or either shape is open.
func fits(in, want []int, axis int) int {
	if axis >= len(in) {
		return 0
	}
	have, need := 1, 1
	for i, d := range in {
		if d <= 0 {
			return 0
		}
		if i != axis {
			have *= d
		}
	}
	for i, d := range want {
		if d == 0 && i < len(in) {
			d = in[i]
		}
		if d <= 0 {
			return 0
		}
		need *= d
	}
	if have <= 0 || need%have != 0 {
		return 0
	}
	return need / have
}

func (k reshape) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	var wantBuf, buf [tensor.MaxRank]int
	want, err := c.IntsInto(wantBuf[:0], 1)
	if err != nil {
		return err
	}
	return k.run(c, x, want, buf[:0])
}

func (k reshape) run(c *Ctx, x *tensor.Tensor, want, buf []int) error {
	shape, err := k.shape(buf, x.Shape(), want)
	if err != nil {
		return err
	}
	if n, err := product(shape); err != nil || n != x.Len() {
		return k.mismatch(x.Shape(), want)
	}
	return passOn(c, 0, x, shape)
}

func (reshape) View() bool { return true }

// flatten makes a matrix: the extents before axis times those from it on.
type flatten struct{ axis int64 }

func newFlatten(a *Attrs) (Kernel, error) { return flatten{a.Int("axis", 1)}, nil }

func (k flatten) shape(in []int) (rows, cols int, err error) {
	axis := k.axis
	if axis < 0 {
		axis += int64(len(in))
	}
	if axis < 0 || axis > int64(len(in)) {
		return 0, 0, fmt.Errorf("axis %d is out of range for rank %d", k.axis, len(in))
	}
	if rows, err = product(in[:axis]); err != nil {
		return 0, 0, err
	}
	cols, err = product(in[axis:])
	return rows, cols, err
}

func (k flatten) Infer(c *Infer) error {
	f := c.In(0)
	if !f.Ranked {
		c.Set(0, Shaped(f.DType, Unknown, Unknown))
		return nil
	}
	rows, cols, err := k.shape(f.Shape)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(f.DType, rows, cols))
	return nil
}

func (k flatten) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	rows, cols, err := k.shape(x.Shape())
	if err != nil {
		return err
	}
	shape := [2]int{rows, cols}
	return passOn(c, 0, x, shape[:])
}

func (flatten) View() bool { return true }
