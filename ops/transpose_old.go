package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/tensor"
)

// Before opset 6 Tile repeated along one axis; the count and the axis were
// inputs of the data's type.

type tile1 struct{}

func newTile1(*Attrs) (Kernel, error) { return tile1{}, nil }

func (tile1) Infer(c *Infer) error {
	f := c.In(0)
	if !f.Ranked {
		c.Set(0, Unranked(f.DType))
		return nil
	}
	c.Set(0, Shaped(f.DType, unknownShape(len(f.Shape))...))
	return nil
}

func (tile1) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	var arg [2]float64
	for i := range arg {
		t, err := given(c, i+1)
		if err != nil {
			return err
		}
		if t.Len() != 1 {
			return fmt.Errorf("input %d: has shape %v, expected a scalar", i+1, t.Shape())
		}
		switch t.DType() {
		case tensor.Float32:
			arg[i] = float64(scalar[float32](t))
		case tensor.Float64:
			arg[i] = scalar[float64](t)
		case tensor.Float16:
			arg[i] = float64(scalar[tensor.F16](t).Float32())
		default:
			return fmt.Errorf("input %d: has type %v, expected float16, float or double", i+1, t.DType())
		}
	}
	if !(arg[0] >= 0 && arg[0] < 1<<53) || !(arg[1] >= -tensor.MaxRank && arg[1] <= tensor.MaxRank) {
		return fmt.Errorf("can't tile %g times along axis %g", arg[0], arg[1])
	}
	axis, err := tensor.Axis(int64(arg[1]), x.Rank())
	if err != nil {
		return err
	}
	var buf [tensor.MaxRank]int
	repeats := buf[:x.Rank()]
	for i := range repeats {
		repeats[i] = 1
	}
	repeats[axis] = int(arg[0])
	return runTile(c, x, repeats)
}
