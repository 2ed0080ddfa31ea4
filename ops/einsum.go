package ops

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onda-ml/onda/ops/tensor"
)

// einsumOps is Einsum.
func einsumOps() []Op {
	return []Op{{Name: "Einsum", Versions: []Version{
		{Since: 12, MinIn: 1, MaxIn: Unlimited, MinOut: 1, MaxOut: 1, New: newEinsum},
	}}}
}

// A label names a dimension: a letter, or dots+i for the i-th dimension of an
// ellipsis counted from the right.
type label int

const dots label = 1000

// einsum sums products over the labels that the output lacks.
type einsum struct {
	terms []term
	out   term
}

// A term is the labels of an operand: those before and after an ellipsis.
type term struct {
	before, after []label
	ellipsis      bool
}

func newEinsum(a *Attrs) (Kernel, error) {
	a.Require("equation")
	k := &einsum{}
	if err := k.parse(a.String("equation", "")); err != nil {
		a.Fail("equation", "%v", err)
		return k, nil
	}
	if len(k.terms) != len(a.Inputs) {
		a.Fail("equation", "has %d operands, the node has %d inputs", len(k.terms), len(a.Inputs))
	}
	return k, nil
}

func (k *einsum) parse(equation string) error {
	left, right, explicit := strings.Cut(strings.ReplaceAll(equation, " ", ""), "->")
	for _, s := range strings.Split(left, ",") {
		t, err := parseTerm(s)
		if err != nil {
			return err
		}
		k.terms = append(k.terms, t)
	}
	if !explicit {
		k.out = k.implicit()
		return nil
	}
	out, err := parseTerm(right)
	if err != nil {
		return err
	}
	k.out = out
	for i, l := range out.labels(0) {
		if slices.Contains(out.labels(0)[:i], l) {
			return fmt.Errorf("the output has %c twice", rune(l))
		}
		if !slices.ContainsFunc(k.terms, func(t term) bool { return slices.Contains(t.labels(0), l) }) {
			return fmt.Errorf("the output's %c is in no operand", rune(l))
		}
	}
	return nil
}

// parseTerm reads letters with at most one ellipsis.
func parseTerm(s string) (t term, err error) {
	before, after, found := strings.Cut(s, "...")
	t.ellipsis = found
	for i, part := range []string{before, after} {
		for _, r := range part {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
				return t, fmt.Errorf("%q has %q, expected letters and at most one ellipsis", s, r)
			}
			if i == 0 {
				t.before = append(t.before, label(r))
			} else {
				t.after = append(t.after, label(r))
			}
		}
	}
	if len(t.before)+len(t.after) > tensor.MaxRank {
		return t, fmt.Errorf("%q has more than %d labels", s, tensor.MaxRank)
	}
	return t, nil
}

// implicit is the output where the equation names none: the ellipsis, then the
// labels that occur once, in alphabetical order.
func (k *einsum) implicit() (out term) {
	count := map[label]int{}
	for _, t := range k.terms {
		out.ellipsis = out.ellipsis || t.ellipsis
		for _, l := range t.labels(0) {
			count[l]++
		}
	}
	for l, n := range count {
		if n == 1 {
			out.after = append(out.after, l)
		}
	}
	slices.Sort(out.after)
	return out
}

// labels is the term with an ellipsis of n dimensions.
func (t *term) labels(n int) []label {
	out := slices.Clone(t.before)
	if t.ellipsis {
		for i := n - 1; i >= 0; i-- {
			out = append(out, dots+label(i))
		}
	}
	return append(out, t.after...)
}

// resolve is each operand's labels and every label's extent, for operands of
// the given shapes.
func (k *einsum) resolve(shapes [][]int) (labels [][]label, extents map[label]int, out []label, err error) {
	extents = map[label]int{}
	widest := 0
	for i, t := range k.terms {
		n := len(shapes[i]) - len(t.before) - len(t.after)
		if n < 0 || n > 0 && !t.ellipsis {
			return nil, nil, nil, fmt.Errorf("input %d: has rank %d, the equation has %d labels for it", i, len(shapes[i]), len(t.before)+len(t.after))
		}
		ls := t.labels(n)
		labels = append(labels, ls)
		if t.ellipsis {
			widest = max(widest, n)
		}
		for d, l := range ls {
			have, seen := extents[l]
			e := shapes[i][d]
			switch {
			case !seen || have == 1 || have == Unknown && e > 1:
				extents[l] = e
			case e != have && e != 1 && e != Unknown && have != Unknown:
				return nil, nil, nil, fmt.Errorf("input %d: dimension %d has extent %d, expected %d as another of its label has", i, d, e, have)
			}
		}
	}
	return labels, extents, k.out.labels(widest), nil
}

var einsumTypes = numbers

func (k *einsum) Infer(c *Infer) error {
	dt := tensor.Undefined
	shapes := make([][]int, c.NumIn())
	ranked := true
	for i := range shapes {
		f := c.In(i)
		if err := einsumTypes.check(i, f.DType); err != nil {
			return err
		}
		if err := sameType(i, f.DType, dt); err != nil {
			return err
		}
		dt = max(dt, f.DType)
		shapes[i], ranked = f.Shape, ranked && f.Ranked
	}
	if !ranked {
		c.Set(0, Unranked(dt))
		return nil
	}
	_, extents, out, err := k.resolve(shapes)
	if err != nil {
		return err
	}
	shape := make([]int, len(out))
	for i, l := range out {
		shape[i] = extents[l]
	}
	c.Set(0, Shaped(dt, shape...))
	return nil
}

func (k *einsum) Run(c *Ctx) error {
	dt := c.In(0).DType()
	for i := range c.NumIn() {
		if err := einsumTypes.check(i, c.In(i).DType()); err != nil {
			return err
		}
		if err := sameType(i, c.In(i).DType(), dt); err != nil {
			return err
		}
	}
	if isHalf(dt) {
		return inFloat32(c, dt, func(wide *Ctx) error {
			wide.Kept = nil
			return runEinsum[float32](wide, k)
		})
	}
	return pick(dt, runEinsum[float32], runEinsum[float64], runEinsum[int8], runEinsum[int16], runEinsum[int32], runEinsum[int64],
		runEinsum[uint8], runEinsum[uint16], runEinsum[uint32], runEinsum[uint64])(c, k)
}
