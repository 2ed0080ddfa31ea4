package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// contribNBitsOps are products of ONNX Runtime's own domain with weights of a few
// bits.
func contribNBitsOps() []Op {
	return []Op{
		{Name: "MatMulNBits", Domain: "com.microsoft", Versions: []Version{{Since: 1, MinIn: 3, MaxIn: 6, MinOut: 1, MaxOut: 1, New: newMatMulNBits}}},
		{Name: "MatMulBnb4", Domain: "com.microsoft", Versions: []Version{{Since: 1, MinIn: 3, MaxIn: 3, MinOut: 1, MaxOut: 1, New: newMatMulBnb4}}},
	}
}

// matmulNBits is a (..., K) times the transpose of weights (N, K) plus a bias.
// The weights are bytes of packed numbers, lowest bits first, in blocks along K,
// each with a scale and a zero point, packed like them or of the data's type.
type matmulNBits struct {
	k, n, bits, block int

	weights *tensor.Tensor // (N, K), if constant
}

func newMatMulNBits(a *Attrs) (Kernel, error) {
	a.Require("K", "N", "block_size")
	a.Ignore("accuracy_level") // we take float32
	m := &matmulNBits{k: groupOf(a, "K"), n: groupOf(a, "N"), bits: int(a.Int("bits", 4)), block: groupOf(a, "block_size")}
	if m.bits != 2 && m.bits != 4 && m.bits != 8 {
		a.Unsupported("bits", "is %d, other than 2, 4 and 8", m.bits)
	}
	if m.block < 16 || m.block&(m.block-1) != 0 {
		a.Fail("block_size", "is %d, expected a power of two from 16", m.block)
	}
	if len(a.Inputs) > 4 && a.Inputs[4] {
		return nil, Unsupportedf("input 4, the order of groups")
	}
	return m, nil
}

// check checks types and, where known, shapes.
func (m *matmulNBits) check(at func(i int) Fact) error {
	x := at(0)
	if err := shortFloats.check(0, x.DType); err != nil {
		return err
	}
	if x.Ranked && (len(x.Shape) == 0 || x.Shape[len(x.Shape)-1] != m.k && x.Shape[len(x.Shape)-1] >= 0) {
		return fmt.Errorf("input 0: has shape %v, expected (..., %d)", shapeOf(x.Shape), m.k)
	}
	blocks := (m.k-1)/m.block + 1
	zeros := (blocks*m.bits + 7) / 8 // bytes for each of N
	packedZeros := at(3).DType == tensor.Uint8
	if !packedZeros {
		zeros = blocks
	}
	for _, i := range []int{2, 5} {
		if err := sameType(i, at(i).DType, x.DType); err != nil {
			return err
		}
	}
	if err := types(tensor.Uint8).check(1, at(1).DType); err != nil {
		return err
	}
	if err := (types(tensor.Uint8) | shortFloats).check(3, at(3).DType); err != nil {
		return err
	}
	if !packedZeros {
		if err := sameType(3, at(3).DType, x.DType); err != nil {
			return err
		}
	}
	for _, e := range []struct{ i, each int }{{1, blocks * (m.block * m.bits / 8)}, {2, blocks}, {3, zeros}, {5, 1}} {
		f := at(e.i)
		if n := tensor.Shape(f.Shape).Len(); f.Ranked && !anyUnknown(f.Shape) && (n/m.n != e.each || n%m.n != 0) {
			return fmt.Errorf("input %d: has shape %v, expected %d elements for each of %d columns", e.i, shapeOf(f.Shape), e.each, m.n)
		}
	}
	return nil
}

func (m *matmulNBits) Infer(c *Infer) error {
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

// unpack is the weights (N, K) as real numbers.
func (m *matmulNBits) unpack(memory Allocator, b, scales, zeros *tensor.Tensor) (*tensor.Tensor, error) {
	w, err := memory.New(tensor.Float32, []int{m.n, m.k})
	if err != nil {
		return nil, err
	}
	s, err := float32s(scales)
	if err != nil {
		return nil, err
	}
	var packed []uint8
	var real []float32
	if zeros != nil && zeros.DType() == tensor.Uint8 {
		packed = tensor.Of[uint8](zeros)
	} else if zeros != nil {
		if real, err = float32s(zeros); err != nil {
			return nil, err
		}
	}
	kernel.UnpackBits(tensor.Of[float32](w), tensor.Of[uint8](b), s, packed, real, m.n, m.k, m.bits, m.block)
	return w, nil
}

// Prepack unpacks constant weights.
func (m *matmulNBits) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	at := func(i int) Fact {
		if i < len(consts) && consts[i] != nil {
			return FactOf(consts[i])
		}
		return Fact{}
	}
	if consts[1] == nil || consts[2] == nil || len(consts) > 3 && consts[3] == nil {
		return nil, nil, nil // a zero point that isn't given looks like one that isn't constant
	}
	if err := m.check(at); err != nil {
		return nil, nil, err
	}
	p, drop := *m, []int{1, 2}
	var zeros *tensor.Tensor
	if len(consts) > 3 {
		zeros, drop = consts[3], append(drop, 3)
	}
	var err error
	p.weights, err = m.unpack(memory, consts[1], consts[2], zeros)
	return &p, drop, err
}

func (m *matmulNBits) Run(c *Ctx) error {
	if err := m.check(c.factOrNone); err != nil {
		return err
	}
	x, bias := c.In(0), c.In(5)
	w := m.weights
	if w == nil {
		var err error
		if w, err = m.unpack(c.Memory, c.In(1), c.In(2), c.In(3)); err != nil {
			return err
		}
	}
	shape := append([]int(nil), x.Shape()...)
	shape[len(shape)-1] = m.n
	y, err := outReal[float32](c, 0, x.DType(), shape...)
	if err != nil {
		return err
	}
	xs, err := reals[float32](c, x)
	if err != nil {
		return err
	}
	if len(y.data) > 0 {
		if err := gemmRows(c, false, true, len(xs)/m.k, m.n, m.k, 1, xs, m.k, tensor.Of[float32](w), m.k, 0, y.data, m.n); err != nil {
			return err
		}
	}
	if bias != nil {
		b, err := reals[float32](c, bias)
		if err != nil {
			return err
		}
		kernel.AddRows(y.data, y.data, b)
	}
	y.done()
	return nil
}
