package ops

import (
	"github.com/onda-ml/onda/ops/tensor"
)

// Before opset 11 Pad had its counts (named paddings in opset 1) and its value
// as attributes.

type pad2 struct {
	pad
	pads  []int
	value float32
}

func newPad2(a *Attrs) (Kernel, error) { return newPadAttrs(a, "pads") }
func newPad1(a *Attrs) (Kernel, error) { return newPadAttrs(a, "paddings") }

func newPadAttrs(a *Attrs, name string) (Kernel, error) {
	a.Require(name)
	return pad2{pad{readPadMode(a, "constant", "reflect", "edge")}, attrInts(a, name), a.Float("value", 0)}, nil
}

func (k pad2) Infer(c *Infer) error {
	if f := c.In(0); !f.Ranked {
		c.Set(0, Unranked(f.DType))
		return nil
	}
	return inferPad(c, k.pads, nil)
}

func (k pad2) Run(c *Ctx) error {
	x, err := given(c, 0)
	if err != nil {
		return err
	}
	var value *tensor.Tensor
	if k.value != 0 {
		switch x.DType() {
		case tensor.Float32:
			value = tensor.Scalar(k.value)
		case tensor.Float64:
			value = tensor.Scalar(float64(k.value))
		case tensor.Float16:
			value = tensor.Scalar(tensor.ToF16(float64(k.value)))
		default:
			return Unsupportedf("attribute \"value\" for type %v", x.DType())
		}
	}
	return k.run(c, x, value, k.pads, nil)
}
