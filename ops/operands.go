package ops

import "github.com/onda-ml/onda/ops/tensor"

// operands are the shapes and types of a node's inputs, for checks that Infer and
// Run share. The rank of one that isn't ranked is not known; the type of one that
// is absent is Undefined.
type operands [8]struct {
	shape  []int
	ranked bool
	dtype  tensor.DType
}

func (in *operands) set(i int, t *tensor.Tensor) {
	if t != nil {
		in[i].shape, in[i].ranked, in[i].dtype = t.Shape(), true, t.DType()
	}
}

func (in *operands) know(i int, f Fact) {
	in[i].shape, in[i].ranked, in[i].dtype = f.Shape, f.Ranked, f.DType
}

// operands is what is known of the inputs.
func (c *Infer) operands() (in operands) {
	for i := range in {
		in.know(i, c.In(i))
	}
	return in
}

// operands is the inputs of this run.
func (c *Ctx) operands() (in operands) {
	for i := range in {
		in.set(i, c.In(i))
	}
	return in
}
