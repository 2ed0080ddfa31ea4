package runtime_test

import (
	"context"
	"fmt"
	"log"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// difference is y[i] = x[i+lag] - x[i] along a vector: an operator of a domain
// of one's own.
type difference struct{ lag int }

func newDifference(a *ops.Attrs) (ops.Kernel, error) {
	d := difference{lag: int(a.Int("lag", 1))}
	if d.lag < 1 {
		a.Fail("lag", "is %d, expected 1 or more", d.lag)
	}
	return d, nil
}

// Infer says what is known before there are values: the vector gets shorter.
func (d difference) Infer(c *ops.Infer) error {
	x := c.In(0)
	if !x.Ranked || x.Shape[0] == ops.Unknown {
		c.Set(0, ops.Unranked(x.DType))
		return nil
	}
	c.Set(0, ops.Shaped(x.DType, max(0, x.Shape[0]-d.lag)))
	return nil
}

func (d difference) Run(c *ops.Ctx) error {
	x, err := tensor.Data[float32](c.In(0))
	if err != nil {
		return err
	}
	out, err := c.Out(0, tensor.Float32, max(0, len(x)-d.lag))
	if err != nil {
		return err
	}
	y := tensor.Of[float32](out)
	for i := range y {
		y[i] = x[i+d.lag] - x[i]
	}
	return nil
}

// loud replaces Neg: it does what the operator it takes the place of does, and
// says so.
type loud struct{ ops.Kernel }

func (l loud) Run(c *ops.Ctx) error {
	fmt.Println("negating", c.In(0))
	return l.Kernel.Run(c)
}

func ExampleWithOps() {
	standard := ops.Standard()
	neg, err := standard.Lookup("", "Neg", 17)
	if err != nil {
		log.Fatal(err)
	}
	replaced := neg
	replaced.New = func(a *ops.Attrs) (ops.Kernel, error) {
		k, err := neg.New(a)
		return loud{k}, err
	}
	set, err := standard.With(
		ops.Op{Name: "Difference", Domain: "com.example", Versions: []ops.Version{
			{Since: 1, MinIn: 1, MaxIn: 1, MinOut: 1, MaxOut: 1, New: newDifference},
		}},
		ops.Op{Name: "Neg", Versions: []ops.Version{replaced}},
	)
	if err != nil {
		log.Fatal(err)
	}
	model, err := runtime.Compile(differenceModel(), runtime.WithOps(set))
	if err != nil {
		log.Fatal(err)
	}
	x := tensor.Must([]float32{1, 4, 9, 16, 25}, 5)
	out, err := model.Run(context.Background(), map[string]*tensor.Tensor{"x": x})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tensor.Of[float32](out["y"]))
	// Output:
	// negating float(3)
	// [-8 -12 -16]
}

// differenceModel is y = -Difference(x, lag=2).
func differenceModel() *onnx.Model {
	return &onnx.Model{IRVersion: 8,
		OpsetImports: []onnx.OpsetImport{{Version: 17}, {Domain: "com.example", Version: 1}},
		Graph: &onnx.Graph{Name: "difference",
			Inputs:  []*onnx.ValueInfo{onnx.TensorValue("x", onnx.Float, onnx.DimParam("n"))},
			Outputs: []*onnx.ValueInfo{onnx.TensorValue("y", onnx.Float, onnx.DimParam("m"))},
			Nodes: []*onnx.Node{
				{OpType: "Difference", Domain: "com.example", Inputs: []string{"x"}, Outputs: []string{"d"}, Attributes: []*onnx.Attribute{onnx.AttrInt("lag", 2)}},
				{OpType: "Neg", Inputs: []string{"d"}, Outputs: []string{"y"}},
			}}}
}
