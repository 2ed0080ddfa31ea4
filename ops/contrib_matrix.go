package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// contribMatrixOps are operators of ONNX Runtime's own domain on matrices.
func contribMatrixOps() []Op {
	const domain = "com.microsoft"
	op := func(name string, in int, f func(*Attrs) (Kernel, error)) Op {
		return Op{Name: name, Domain: domain, Versions: []Version{{Since: 1, MinIn: in, MaxIn: in, MinOut: 1, MaxOut: 1, New: f}}}
	}
	return []Op{
		op("CDist", 2, newCDist),
		op("Inverse", 1, func(*Attrs) (Kernel, error) { return inverse{}, nil }),
		op("TransposeMatMul", 2, func(a *Attrs) (Kernel, error) {
			return &fusedMatMul{transA: a.Bool("transA", false), transB: a.Bool("transB", false), alpha: a.Float("alpha", 1)}, nil
		}),
	}
}

// cdist is the distance of each row of input 0 (M, N) to each of input 1 (K, N), as
// nearest neighbours and Gaussian processes of scikit-learn ask for it.
type cdist struct{ root bool }

func newCDist(a *Attrs) (Kernel, error) {
	metric := a.String("metric", "sqeuclidean")
	if metric != "sqeuclidean" && metric != "euclidean" {
		a.Unsupported("metric", "is %q", metric)
	}
	return cdist{metric == "euclidean"}, nil
}

func (k cdist) check(in *operands) error {
	if err := floats64.check(0, in[0].dtype); err != nil {
		return err
	}
	if err := sameType(1, in[1].dtype, in[0].dtype); err != nil {
		return err
	}
	width := Unknown
	for i := range 2 {
		if !in[i].ranked {
			continue
		}
		if err := checkDims(i, in[i].shape, Unknown, width); err != nil {
			return err
		}
		width = known(width, in[i].shape[1])
	}
	return nil
}

func (k cdist) Infer(c *Infer) error {
	in := c.operands()
	if err := k.check(&in); err != nil {
		return err
	}
	shape := []int{Unknown, Unknown}
	for i := range shape {
		if in[i].ranked {
			shape[i] = in[i].shape[0]
		}
	}
	c.Set(0, Shaped(in[0].dtype, shape...))
	return nil
}

func (k cdist) Run(c *Ctx) error {
	in := c.operands()
	if err := k.check(&in); err != nil {
		return err
	}
	if in[0].dtype == tensor.Float64 {
		return runCDist[float64](c, k)
	}
	return runCDist[float32](c, k)
}

func runCDist[T floating](c *Ctx, k cdist) error {
	a, b := c.In(0), c.In(1)
	y, err := c.Out(0, a.DType(), a.Dim(0), b.Dim(0))
	if err != nil {
		return err
	}
	out := tensor.Of[T](y)
	if err := kernel.SquaredDistances(c.Pool(), out, tensor.Of[T](a), tensor.Of[T](b), a.Dim(0), b.Dim(0), a.Dim(1), c.Err); err != nil {
		return err
	}
	if k.root {
		kernel.Map(out, out, math.Sqrt)
	}
	return nil
}

// inverse is the inverse of each square matrix in (..., n, n).
type inverse struct{}

func (inverse) check(shape []int) error {
	r := len(shape)
	if r < 2 || shape[r-1] != shape[r-2] && shape[r-1] != Unknown && shape[r-2] != Unknown {
		return fmt.Errorf("input 0: has shape %v, expected square matrices", shapeOf(shape))
	}
	return nil
}

func (k inverse) Infer(c *Infer) error {
	x := c.In(0)
	if err := floats.check(0, x.DType); err != nil {
		return err
	}
	c.SameAs(0, 0)
	if !x.Ranked {
		return nil
	}
	return k.check(x.Shape)
}

func (k inverse) Run(c *Ctx) error {
	x := c.In(0)
	if err := floats.check(0, x.DType()); err != nil {
		return err
	}
	if err := k.check(x.Shape()); err != nil {
		return err
	}
	y, err := c.Out(0, x.DType(), x.Shape()...)
	if err != nil {
		return err
	}
	a, err := asFloat64s(c, x)
	if err != nil {
		return err
	}
	n := x.Dim(x.Rank() - 1)
	swapped, err := reserved[int32](c, n)
	if err != nil {
		return err
	}
	if err := kernel.Inverse(a, n, swapped, c.Err); err != nil {
		return err
	}
	castFrom(y, a, tensor.Float64, rounding{saturate: false})
	return nil
}
