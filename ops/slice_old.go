package ops

// Before opset 10 Slice had its bounds as attributes and no steps.

type slice1 struct{ starts, ends, axes []int }

func newSlice1(a *Attrs) (Kernel, error) {
	a.Require("starts", "ends")
	return slice1{attrInts(a, "starts"), attrInts(a, "ends"), attrInts(a, "axes")}, nil
}

func (k slice1) Infer(c *Infer) error {
	if f := c.In(0); !f.Ranked {
		c.Set(0, Unranked(f.DType))
		return nil
	}
	return inferCut(c, k.starts, k.ends, k.axes, nil)
}

func (k slice1) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	return runCut(c, x, k.starts, k.ends, k.axes, nil)
}
