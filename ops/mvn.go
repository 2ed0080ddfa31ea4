package ops

import (
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// mvn subtracts the mean over some axes and divides by the deviation.
type mvn struct {
	unaryReal
	axes []int64
}

// mvnEps is what the operator's function body adds to the deviation.
const mvnEps = 1e-9

func newMVN(types dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		axes := a.Ints("axes")
		if !a.Has("axes") {
			axes = []int64{0, 2, 3}
		}
		return &mvn{unaryReal{types}, axes}, nil
	}
}

func (k *mvn) Infer(c *Infer) error {
	if f := c.In(0); f.Ranked {
		if _, _, err := k.split(len(f.Shape)); err != nil {
			return err
		}
	}
	return k.infer(c)
}

// split is the order of dimensions with those in axes last, and how many stay
// before them.
func (k *mvn) split(rank int) (order []int, stay int, err error) {
	var last []int
	for _, a := range k.axes {
		axis, err := tensor.Axis(a, rank)
		if err != nil {
			return nil, 0, err
		}
		if !slices.Contains(last, axis) {
			last = append(last, axis)
		}
	}
	for d := range rank {
		if !slices.Contains(last, d) {
			order = append(order, d)
		}
	}
	slices.Sort(last)
	return append(order, last...), len(order), nil
}

func (k *mvn) Run(c *Ctx) error {
	return k.run(c, func(x, y any) error {
		switch x := x.(type) {
		case []float32:
			return runMVN(c, k, x, y.([]float32))
		case []float64:
			return runMVN(c, k, x, y.([]float64))
		}
		return nil
	})
}

// runMVN brings the axes together where they are apart, standardizes rows and brings
// them back.
func runMVN[T floating](c *Ctx, k *mvn, x, y []T) error {
	shape := c.In(0).Shape()
	order, stay, err := k.split(len(shape))
	if err != nil || len(x) == 0 {
		return err
	}
	rows, inOrder, before := 1, true, -1
	var steps [tensor.MaxRank]int
	tensor.Strides(steps[:], shape)
	var there, back kernel.Strided
	at := len(x)
	for i, d := range order {
		at /= shape[d]
		there.Add(shape[d], at, steps[d])
		back.Add(shape[d], steps[d], at)
		if i < stay {
			rows *= shape[d]
		}
		if shape[d] > 1 {
			inOrder, before = inOrder && d > before, d
		}
	}
	if inOrder {
		kernel.Standardize(c.Pool(), y, x, mvnEps, rows, len(x)/rows)
		return nil
	}
	tmp, err := reserved[T](c, len(x))
	if err != nil {
		return err
	}
	kernel.CopyStrided(tmp, x, &there)
	kernel.Standardize(c.Pool(), tmp, tmp, mvnEps, rows, len(x)/rows)
	kernel.CopyStrided(y, tmp, &back)
	return nil
}
