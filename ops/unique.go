package ops

import (
	"strings"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// unique keeps one of each group of equal elements, or with an axis of equal
// slices: in rising order, or else in that of first occurrence. Its other
// outputs are the index of the first occurrence of each, for each element
// which unique one it is, and the counts.
type unique struct {
	axis    int64
	flatten bool
	sorted  bool
	noFirst bool // as com.microsoft's: no output for the index of the first
}

func newUnique(a *Attrs) (Kernel, error) {
	return unique{axis: a.Int("axis", 0), flatten: !a.Has("axis"), sorted: a.Bool("sorted", true)}, nil
}

func (k unique) Infer(c *Infer) error {
	f := c.In(0)
	switch {
	case k.flatten:
		c.Set(0, Shaped(f.DType, Unknown))
	case !f.Ranked:
		c.Set(0, Unranked(f.DType))
	default:
		axis, err := tensor.Axis(k.axis, len(f.Shape))
		if err != nil {
			return err
		}
		shape := shapeOf(f.Shape)
		shape[axis] = Unknown
		c.Set(0, Shaped(f.DType, shape...))
	}
	for i := 1; i < 4 && i < c.NumOut(); i++ {
		c.Set(i, Shaped(tensor.Int64, Unknown))
	}
	return nil
}

func (k unique) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	axis, n, outer, inner := 0, x.Len(), 1, 1
	shape := []int{0}
	if !k.flatten {
		if axis, err = tensor.Axis(k.axis, x.Rank()); err != nil {
			return err
		}
		shape = shapeOf(x.Shape())
		n, outer, inner = x.Dim(axis), x.Shape()[:axis].Len(), x.Shape()[axis+1:].Len()
	}
	const perItem = 8 * 8 // the order, the groups, their places and counts
	if err := c.Memory.Reserve(n * perItem); err != nil {
		return err
	}
	element, err := comparer(x)
	if err != nil {
		return err
	}
	first, inverse, counts := kernel.Unique(n, k.sorted, func(i, j int) int {
		for o := range outer {
			for p := range inner {
				if d := element((o*n+i)*inner+p, (o*n+j)*inner+p); d != 0 {
					return d
				}
			}
		}
		return 0
	})
	shape[axis] = len(first)
	y, err := c.Out(0, x.DType(), shape...)
	if err != nil {
		return err
	}
	if y.Len() > 0 {
		gatherBy(y, x, first, n, inner, 0, y.Len()/inner)
	}
	rest := [][]int64{first, inverse, counts}
	if k.noFirst {
		rest = rest[1:]
	}
	for i, v := range rest {
		out, err := c.Out(1+i, tensor.Int64, len(v))
		if err != nil {
			return err
		}
		copy(tensor.Of[int64](out), v)
	}
	return nil
}

// comparer compares elements of x by their index. NaNs are equal and greater
// than numbers; complex numbers compare by real and then imaginary part.
func comparer(x *tensor.Tensor) (func(i, j int) int, error) {
	switch x.DType() {
	case tensor.String:
		s := tensor.Of[string](x)
		return func(i, j int) int { return strings.Compare(s[i], s[j]) }, nil
	case tensor.Bool:
		return ordered(tensor.Of[uint8](x)), nil
	case tensor.Float16:
		s := tensor.Of[tensor.F16](x)
		return func(i, j int) int { return kernel.CompareNaNLast(s[i].Float32(), s[j].Float32()) }, nil
	case tensor.BFloat16:
		s := tensor.Of[tensor.BF16](x)
		return func(i, j int) int { return kernel.CompareNaNLast(s[i].Float32(), s[j].Float32()) }, nil
	case tensor.Complex64:
		s := tensor.Of[complex64](x)
		return func(i, j int) int { return kernel.CompareComplex(complex128(s[i]), complex128(s[j])) }, nil
	case tensor.Complex128:
		s := tensor.Of[complex128](x)
		return func(i, j int) int { return kernel.CompareComplex(s[i], s[j]) }, nil
	}
	f := pick(x.DType(), ordering[float32], ordering[float64], ordering[int8], ordering[int16], ordering[int32],
		ordering[int64], ordering[uint8], ordering[uint16], ordering[uint32], ordering[uint64])
	if f == nil {
		return nil, Unsupportedf("type %v", x.DType())
	}
	return f(x), nil
}

func ordering[T number](x *tensor.Tensor) func(i, j int) int { return ordered(tensor.Of[T](x)) }

func ordered[T number](s []T) func(i, j int) int {
	return func(i, j int) int { return kernel.CompareNaNLast(s[i], s[j]) }
}
