package ops

import "github.com/onda-ml/onda/ops/tensor"

// Before opset 5 Reshape had its shape as an attribute, before opset 13
// Squeeze and Unsqueeze their axes.

type reshape1 struct {
	reshape
	want []int
}

func newReshape1(a *Attrs) (Kernel, error) {
	a.Ignore("consumed_inputs")
	a.Require("shape")
	return reshape1{want: attrInts(a, "shape")}, nil
}

func (k reshape1) Infer(c *Infer) error {
	f := c.In(0)
	if !f.Ranked {
		c.Set(0, Shaped(f.DType, unknownShape(len(k.want))...))
		return nil
	}
	shape, err := k.shape(nil, f.Shape, k.want)
	if err != nil {
		return err
	}
	c.Set(0, Shaped(f.DType, shape...))
	return nil
}

func (k reshape1) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	var buf [tensor.MaxRank]int
	return k.run(c, x, k.want, buf[:0])
}

func newReshape5(*Attrs) (Kernel, error) { return reshape{}, nil }

func newSqueeze1(a *Attrs) (Kernel, error) {
	return squeeze{axesFrom{attr: attrInts(a, "axes")}}, nil
}

func newUnsqueeze1(a *Attrs) (Kernel, error) {
	a.Require("axes")
	return unsqueeze{axesFrom{attr: attrInts(a, "axes")}}, nil
}
