package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// matmulBnb4 is MatMulBnb4 of com.microsoft: a (..., K) times the transpose of weights
// (N, K). They are packed row after row in 4 bits, each the number of a value of the
// table, times the largest magnitude of its block.
type matmulBnb4 struct {
	k, n, block int
	codes       *[16]float32

	weights *tensor.Tensor // (N, K), if constant
}

// The values of 4 bits: a float of two bits of exponent and one of mantissa, and the
// quantiles of a normal distribution (Dettmers, Pagnoni, Holtzman and Zettlemoyer 2023).
var (
	fp4 = [16]float32{0, 0.00520833349, 0.6666667, 1, 0.333333343, 0.5, 0.166666672, 0.25,
		-0, -0.00520833349, -0.6666667, -1, -0.333333343, -0.5, -0.166666672, -0.25}
	nf4 = [16]float32{-1, -0.6961928, -0.52507305, -0.39491749, -0.28444138, -0.18477343, -0.09105004, 0,
		0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1}
)

func newMatMulBnb4(a *Attrs) (Kernel, error) {
	a.Require("K", "N", "block_size", "quant_type")
	a.Ignore("training_mode")
	m := &matmulBnb4{k: groupOf(a, "K"), n: groupOf(a, "N"), block: groupOf(a, "block_size"), codes: &fp4}
	if m.block < 16 || m.block&(m.block-1) != 0 {
		a.Fail("block_size", "is %d, expected a power of two from 16", m.block)
	}
	if !a.Bool("transB", true) {
		a.Unsupported("transB", "is 0, a product of the backward pass, which ONNX Runtime computes as if it were 1")
	}
	switch kind := a.Int("quant_type", 0); kind {
	case 0:
	case 1:
		m.codes = &nf4
	default:
		a.Fail("quant_type", "is %d, expected 0 or 1", kind)
	}
	return m, nil
}

// check checks types and, where known, shapes.
func (m *matmulBnb4) check(at func(i int) Fact) error {
	x := at(0)
	if err := shortFloats.check(0, x.DType); err != nil {
		return err
	}
	if x.Ranked && (len(x.Shape) == 0 || x.Shape[len(x.Shape)-1] != m.k && x.Shape[len(x.Shape)-1] >= 0) {
		return fmt.Errorf("input 0: has shape %v, expected (..., %d)", shapeOf(x.Shape), m.k)
	}
	if err := types(tensor.Uint8).check(1, at(1).DType); err != nil {
		return err
	}
	if err := sameType(2, at(2).DType, x.DType); err != nil {
		return err
	}
	n, err := tensor.CheckShape([]int{m.n, m.k}, 4)
	if err != nil {
		return err
	}
	for i, want := range []int{1: (n + 1) / 2, 2: (n + m.block - 1) / m.block} {
		if f := at(i); i > 0 && f.Ranked && !anyUnknown(f.Shape) && tensor.Shape(f.Shape).Len() != want {
			return fmt.Errorf("input %d: has shape %v, expected %d elements", i, shapeOf(f.Shape), want)
		}
	}
	return nil
}

func (m *matmulBnb4) Infer(c *Infer) error {
	x := c.In(0)
	c.Set(0, Unranked(x.DType))
	if err := m.check(c.In); err != nil || !x.Ranked {
		return err
	}
	shape := append([]int(nil), x.Shape...)
	shape[len(shape)-1] = m.n
	c.Set(0, Shaped(x.DType, shape...))
	return nil
}

func (m *matmulBnb4) unpack(memory Allocator, b, scales *tensor.Tensor) (*tensor.Tensor, error) {
	w, err := memory.New(tensor.Float32, []int{m.n, m.k})
	if err != nil {
		return nil, err
	}
	s, err := float32s(scales)
	if err != nil {
		return nil, err
	}
	kernel.UnpackCodes(tensor.Of[float32](w), tensor.Of[uint8](b), m.codes, s, m.block)
	return w, nil
}

// Prepack unpacks constant weights.
func (m *matmulBnb4) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	if consts[1] == nil || consts[2] == nil {
		return nil, nil, nil
	}
	if err := m.check(func(i int) Fact {
		if consts[i] == nil {
			return Fact{DType: consts[2].DType()}
		}
		return FactOf(consts[i])
	}); err != nil {
		return nil, nil, err
	}
	p := *m
	var err error
	p.weights, err = m.unpack(memory, consts[1], consts[2])
	return &p, []int{1, 2}, err
}

func (m *matmulBnb4) Run(c *Ctx) error {
	if err := m.check(c.factOrNone); err != nil {
		return err
	}
	w := m.weights
	if w == nil {
		var err error
		if w, err = m.unpack(c.Memory, c.In(1), c.In(2)); err != nil {
			return err
		}
	}
	x := c.In(0)
	shape := append([]int(nil), x.Shape()...)
	shape[len(shape)-1] = m.n
	y, err := outReal[float32](c, 0, x.DType(), shape...)
	if err != nil {
		return err
	}
	xs, err := reals[float32](c, x)
	if err != nil || len(y.data) == 0 {
		return err
	}
	if err := gemmRows(c, false, true, len(xs)/m.k, m.n, m.k, 1, xs, m.k, tensor.Of[float32](w), m.k, 0, y.data, m.n); err != nil {
		return err
	}
	y.done()
	return nil
}
