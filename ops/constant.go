package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// constantOps make tensors from attributes and shapes.
func constantOps() []Op {
	constant := func(f func(*Attrs) (Kernel, error)) Version { return Version{MinOut: 1, MaxOut: 1, New: f} }
	rangeOf := Version{MinIn: 3, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newRange}
	return []Op{
		{Name: "Constant", Versions: repeat(constant(newConstant), 1, 9, 11, 12, 13, 19, 21, 23, 24, 25)},
		{Name: "ConstantOfShape", Versions: repeat(unaryVersion(newConstantOfShape), 9, 20, 21, 23, 24, 25)},
		{Name: "Shape", Versions: versions(
			repeat(unaryVersion(newShape1), 1, 13),
			repeat(unaryVersion(newShape), 15, 19, 21, 23, 24, 25))},
		{Name: "Size", Versions: repeat(unaryVersion(newSize), 1, 13, 19, 21, 23, 24, 25)},
		{Name: "Range", Versions: repeat(rangeOf, 11, 27)},
		{Name: "EyeLike", Versions: repeat(unaryVersion(newEyeLike), 9, 22)},
	}
}

// constant is the value of the one attribute that is given.
type constant struct{ value *tensor.Tensor }

func newConstant(a *Attrs) (Kernel, error) {
	var k constant
	take := func(name string, since int64, value func() *tensor.Tensor) {
		if since > a.Opset || !a.Has(name) {
			return
		}
		if k.value != nil {
			a.Fail(name, "is given beside another value")
		}
		k.value = value()
	}
	take("value", 1, func() *tensor.Tensor { return a.Tensor("value") })
	take("sparse_value", 11, func() *tensor.Tensor { return a.SparseTensor("sparse_value") })
	take("value_float", 12, func() *tensor.Tensor { return tensor.Scalar(a.Float("value_float", 0)) })
	take("value_int", 12, func() *tensor.Tensor { return tensor.Scalar(a.Int("value_int", 0)) })
	take("value_string", 12, func() *tensor.Tensor { return tensor.Scalar(a.String("value_string", "")) })
	take("value_floats", 12, func() *tensor.Tensor { v := a.Floats("value_floats"); return tensor.Must(v, len(v)) })
	take("value_ints", 12, func() *tensor.Tensor { v := a.Ints("value_ints"); return tensor.Must(v, len(v)) })
	take("value_strings", 12, func() *tensor.Tensor { v := a.Strings("value_strings"); return tensor.Must(v, len(v)) })
	if err := a.Done(); err != nil {
		return nil, err
	}
	if k.value == nil {
		a.Fail("value", "is missing")
	}
	return k, nil
}

func (k constant) Infer(c *Infer) error {
	c.Set(0, FactOf(k.value))
	return nil
}

func (k constant) Run(c *Ctx) error { return c.SetOut(0, k.value) }

// constantOfShape fills the shape in input 0 with one value, float 0 unless
// the attribute says otherwise.
type constantOfShape struct{ value *tensor.Tensor }

func newConstantOfShape(a *Attrs) (Kernel, error) {
	k := constantOfShape{value: a.Tensor("value")}
	if k.value == nil {
		k.value = tensor.Must([]float32{0}, 1)
	}
	if k.value.Len() != 1 {
		a.Fail("value", "has %d elements, expected 1", k.value.Len())
	}
	return k, nil
}

func (k constantOfShape) Infer(c *Infer) error {
	dt := k.value.DType()
	if shape, ok := c.Ints(0); ok {
		for i, d := range shape {
			if d < 0 {
				return fmt.Errorf("input 0: has extent %d at dimension %d, expected at least 0", d, i)
			}
		}
		c.Set(0, Shaped(dt, shape...))
		return nil
	}
	setRank(c, 0, dt, c.In(0))
	return nil
}

// setRank states output i with the rank that a shape tensor's own length
// tells.
func setRank(c *Infer, i int, dt tensor.DType, shape Fact) {
	if shape.Ranked && len(shape.Shape) == 1 && shape.Shape[0] >= 0 && shape.Shape[0] <= tensor.MaxRank {
		c.Set(i, Shaped(dt, unknownShape(shape.Shape[0])...))
		return
	}
	c.Set(i, Unranked(dt))
}

func (k constantOfShape) Run(c *Ctx) error {
	var buf [tensor.MaxRank]int
	shape, err := c.IntsInto(buf[:0], 0)
	if err != nil {
		return err
	}
	for i, d := range shape {
		if d < 0 {
			return fmt.Errorf("input 0: has extent %d at dimension %d, expected at least 0", d, i)
		}
	}
	y, err := c.Out(0, k.value.DType(), shape...)
	if err != nil {
		return err
	}
	return fill(c, y, k.value)
}

// shapeOp is the extents of dimensions start to end, both clamped.
type shapeOp struct {
	start, end int64
}

func newShape(a *Attrs) (Kernel, error) {
	return shapeOp{start: a.Int("start", 0), end: a.Int("end", math.MaxInt64)}, nil
}

func newShape1(*Attrs) (Kernel, error) { return shapeOp{end: math.MaxInt64}, nil }

func (k shapeOp) part(shape []int) []int {
	rank := int64(len(shape))
	clamp := func(v int64) int64 {
		if v < 0 {
			v += rank
		}
		return max(0, min(v, rank))
	}
	lo, hi := clamp(k.start), clamp(k.end)
	return shape[lo:max(lo, hi)]
}

func (k shapeOp) Infer(c *Infer) error {
	f := c.In(0)
	if !f.Ranked {
		c.Set(0, Shaped(tensor.Int64, Unknown))
		return nil
	}
	part := k.part(f.Shape)
	if anyUnknown(part) {
		c.Set(0, Shaped(tensor.Int64, len(part)))
		return nil
	}
	v := make([]int64, len(part))
	for i, d := range part {
		v[i] = int64(d)
	}
	c.Set(0, FactOf(tensor.Must(v, len(v))))
	return nil
}

func (k shapeOp) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	part := k.part(x.Shape())
	y, err := c.Out(0, tensor.Int64, len(part))
	if err != nil {
		return err
	}
	out := tensor.Of[int64](y)
	for i, d := range part {
		out[i] = int64(d)
	}
	return nil
}

// size is the number of elements.
type size struct{}

func newSize(*Attrs) (Kernel, error) { return size{}, nil }

func (size) Infer(c *Infer) error {
	c.Set(0, Shaped(tensor.Int64))
	if f := c.In(0); f.Ranked && !anyUnknown(f.Shape) {
		n, err := product(f.Shape)
		if err != nil {
			return err
		}
		c.Set(0, FactOf(tensor.Scalar(int64(n))))
	}
	return nil
}

func (size) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	y, err := c.Out(0, tensor.Int64)
	if err != nil {
		return err
	}
	tensor.Of[int64](y)[0] = int64(x.Len())
	return nil
}

// eyeLike is a matrix of input 0's shape with ones on diagonal k.
type eyeLike struct {
	dtype tensor.DType // Undefined: the input's
	k     int64
}

func newEyeLike(a *Attrs) (Kernel, error) {
	return eyeLike{a.DType("dtype", tensor.Undefined), a.Int("k", 0)}, nil
}

func (k eyeLike) result(in tensor.DType) tensor.DType {
	if k.dtype != tensor.Undefined {
		return k.dtype
	}
	return in
}

func (k eyeLike) Infer(c *Infer) error {
	f := c.In(0)
	dt := k.result(f.DType)
	if !f.Ranked {
		c.Set(0, Shaped(dt, Unknown, Unknown))
		return nil
	}
	if len(f.Shape) != 2 {
		return fmt.Errorf("input 0: has rank %d, expected 2", len(f.Shape))
	}
	c.Set(0, Shaped(dt, f.Shape...))
	return nil
}

func (k eyeLike) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	if x.Rank() != 2 {
		return fmt.Errorf("input 0: has rank %d, expected 2", x.Rank())
	}
	rows, cols := x.Dim(0), x.Dim(1)
	y, err := c.Out(0, k.result(x.DType()), rows, cols)
	if err != nil {
		return err
	}
	one, err := oneOf(y.DType())
	if err != nil {
		return err
	}
	clear(y.Bytes())
	i, j := 0, 0 // the diagonal's first element
	switch {
	case k.k >= int64(cols) || k.k <= -int64(rows):
		return nil
	case k.k >= 0:
		j = int(k.k)
	default:
		i = int(-k.k)
	}
	s := kernel.Strided{DstOff: i*cols + j}
	s.Add(min(rows-i, cols-j), cols+1, 0)
	moveElements(y, one, &s)
	return nil
}

// oneOf is a scalar 1 of a numeric type.
func oneOf(dt tensor.DType) (*tensor.Tensor, error) {
	switch dt {
	case tensor.Float32:
		return tensor.Scalar[float32](1), nil
	case tensor.Float64:
		return tensor.Scalar[float64](1), nil
	case tensor.Float16:
		return tensor.Scalar(tensor.ToF16(1)), nil
	case tensor.BFloat16:
		return tensor.Scalar(tensor.ToBF16(1)), nil
	case tensor.Bool:
		return tensor.Scalar(true), nil
	case tensor.Uint8, tensor.Int8:
		return tensor.FromBytes(dt, []byte{1})
	case tensor.Uint16:
		return tensor.Scalar[uint16](1), nil
	case tensor.Int16:
		return tensor.Scalar[int16](1), nil
	case tensor.Uint32:
		return tensor.Scalar[uint32](1), nil
	case tensor.Int32:
		return tensor.Scalar[int32](1), nil
	case tensor.Uint64:
		return tensor.Scalar[uint64](1), nil
	case tensor.Int64:
		return tensor.Scalar[int64](1), nil
	}
	return nil, Unsupportedf("ones of type %v", dt)
}
