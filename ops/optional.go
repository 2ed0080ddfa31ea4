package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/tensor"
)

// optionalOps wrap values that may be absent and take them out again.
func optionalOps() []Op {
	v := func(minIn int, f func(*Attrs) (Kernel, error)) Version {
		return Version{MinIn: minIn, MaxIn: 1, MinOut: 1, MaxOut: 1, New: f}
	}
	return []Op{
		{Name: "Optional", Versions: repeat(v(0, newOptional), 15)},
		{Name: "OptionalGetElement", Versions: repeat(v(1, sequenceOp(optionalGet)), 15, 18)},
		{Name: "OptionalHasElement", Versions: versions(
			repeat(v(1, sequenceOp(optionalHas)), 15),
			repeat(v(0, sequenceOp(optionalHas)), 18))},
	}
}

func newOptional(a *Attrs) (Kernel, error) {
	a.Type("type")
	if !a.Has("type") && len(a.Inputs) == 0 {
		a.Fail("type", "is missing, and there is no input")
	}
	return valueKernel{func(c *Ctx) error { return c.SetOut(0, &tensor.Optional{Value: c.Value(0)}) }}, nil
}

// optionalGet takes the value out of an optional; other values are themselves.
func optionalGet(c *Ctx) error {
	v := c.Value(0)
	if o, ok := v.(*tensor.Optional); ok {
		v = o.Value
	}
	if v == nil {
		return fmt.Errorf("input 0: the optional is empty")
	}
	return c.SetOut(0, v)
}

func optionalHas(c *Ctx) error {
	v := c.Value(0)
	if o, ok := v.(*tensor.Optional); ok {
		v = o.Value
	}
	y, err := c.Out(0, tensor.Bool)
	if err != nil {
		return err
	}
	tensor.Of[bool](y)[0] = v != nil
	return nil
}
