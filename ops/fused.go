package ops

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// FusedDomain is the domain of the operators that stand for several of ONNX's:
// the runtime's rewrites put them into a graph.
const FusedDomain = "onda"

// fusedOps are the operators of FusedDomain. LayerNormalization and Gelu are
// ONNX's own, for models that import an opset from before they were.
func fusedOps() []Op {
	return append(fusedRecurrent(), []Op{
		{Name: "LayerNormalization", Domain: FusedDomain, Versions: []Version{{Since: 1, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 3, New: newLayerNorm}}},
		{Name: "BatchNormalization", Domain: FusedDomain, Versions: []Version{{Since: 1, MinIn: 5, MaxIn: 5, MinOut: 1, MaxOut: 1, New: newFusedBatchNorm}}},
		{Name: "Conv", Domain: FusedDomain, Versions: []Version{{Since: 1, MinIn: 2, MaxIn: 4, MinOut: 1, MaxOut: 1, New: newFusedConv}}},
		{Name: "Gelu", Domain: FusedDomain, Versions: []Version{{Since: 1, MinIn: 1, MaxIn: 1, MinOut: 1, MaxOut: 1, New: newGelu}}},
		{Name: "Linear", Domain: FusedDomain, Versions: []Version{{Since: 1, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newFusedLinear}}},
		{Name: "Attention", Domain: FusedDomain, Versions: []Version{{Since: 1, MinIn: 3, MaxIn: 4, MinOut: 1, MaxOut: 2, New: newFusedAttention}}},
	}...)
}

// activations are the names of the activations that a Linear may end with.
var activations = map[string]kernel.Activation{
	"":          kernel.ActNone,
	"Relu":      kernel.ActRelu,
	"Sigmoid":   kernel.ActSigmoid,
	"Tanh":      kernel.ActTanh,
	"Gelu":      kernel.ActGelu,
	"Gelu:tanh": kernel.ActGeluTanh,
	"Silu":      kernel.ActSilu,
}

// fusedLinear is activation(x W + b): x (..., K), W (K, N), or (N, K) with attribute
// transB, b (N) or absent, all float.
type fusedLinear struct {
	transB  bool
	act     kernel.Activation
	weights kernel.WeightType
	packed  *kernel.PackedB
	bias    []float32
}

func newFusedLinear(a *Attrs) (Kernel, error) {
	name := a.String("activation", "")
	act, ok := activations[name]
	if !ok {
		a.Fail("activation", "is %q, expected one of %s", name, strings.Join(slices.Sorted(maps.Keys(activations))[1:], ", "))
	}
	return &fusedLinear{transB: a.Bool("transB", false), act: act}, nil
}

func (k *fusedLinear) WithWeights(t kernel.WeightType) Prepacker {
	w := *k
	w.weights = t
	return &w
}

// Prepack packs a constant W, and keeps a constant b.
func (k *fusedLinear) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	w := consts[1]
	if w == nil || w.Rank() != 2 || w.DType() != tensor.Float32 || w.Len() == 0 {
		return nil, nil, nil
	}
	inner, n := k.size(w.Shape())
	packed, err := packMatrix(memory, k.weights, w, k.transB, inner, n, 1)
	if err != nil || packed == nil {
		return nil, nil, err
	}
	p := &fusedLinear{transB: k.transB, act: k.act, packed: packed}
	drop := []int{1}
	if len(consts) > 2 && consts[2] != nil && consts[2].DType() == tensor.Float32 && consts[2].Len() == n {
		p.bias = tensor.Of[float32](consts[2])
		drop = append(drop, 2)
	}
	return p, drop, nil
}

func (k *fusedLinear) size(w []int) (inner, n int) {
	if k.transB {
		return w[1], w[0]
	}
	return w[0], w[1]
}

func (k *fusedLinear) Infer(c *Infer) error {
	x, n, inner := c.In(0), Unknown, Unknown
	if k.packed != nil {
		inner, n = k.packed.Size()
	} else if w := c.In(1); w.Ranked {
		if err := checkRank(1, len(w.Shape), 2); err != nil {
			return err
		}
		inner, n = k.size(w.Shape)
	}
	if !x.Ranked {
		c.Set(0, Unranked(tensor.Float32))
		return nil
	}
	if err := k.check(x.Shape, inner); err != nil {
		return err
	}
	shape := shapeOf(x.Shape)
	shape[len(shape)-1] = n
	c.Set(0, Shaped(tensor.Float32, shape...))
	return nil
}

func (k *fusedLinear) check(x []int, inner int) error {
	if len(x) == 0 {
		return fmt.Errorf("input 0: has rank 0, expected at least 1")
	}
	if last := x[len(x)-1]; last >= 0 && inner >= 0 && last != inner {
		return fmt.Errorf("input 0: has extent %d along its last axis, expected %d", last, inner)
	}
	return nil
}

func (k *fusedLinear) Run(c *Ctx) error {
	x := c.In(0)
	packed, bias := k.packed, k.bias
	for i := range 3 {
		if err := types(tensor.Float32).check(i, c.dtype(i)); err != nil {
			return err
		}
	}
	if packed == nil {
		w := c.In(1)
		if err := checkRank(1, w.Rank(), 2); err != nil {
			return err
		}
		inner, n := k.size(w.Shape())
		var err error
		if packed, err = packMatrix(c.Memory, k.weights, w, k.transB, inner, n, 1); err != nil {
			return err
		}
	}
	inner, n := packed.Size()
	if bias == nil && c.Has(2) {
		bias = tensor.Of[float32](c.In(2))
		if len(bias) != n {
			return fmt.Errorf("input 2: has %d elements, expected %d", len(bias), n)
		}
	}
	if err := k.check(x.Shape(), inner); err != nil {
		return err
	}
	var dims [tensor.MaxRank]int
	shape := append(dims[:0], x.Shape()...)
	shape[len(shape)-1] = n
	y, err := c.Out(0, tensor.Float32, shape...)
	if err != nil || y.Len() == 0 {
		return err
	}
	return packedRows(c, y.Len()/n, tensor.Of[float32](x), inner, packed, tensor.Of[float32](y), n, kernel.Epilogue{Bias: bias, Act: k.act})
}
