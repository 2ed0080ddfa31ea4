package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/tensor"
)

// gatherQuantised is GatherBlockQuantized of com.microsoft: Gather of data in 2, 4 or 8
// bits, of which each block of so many along an axis has a scale and a zero point.
// Bytes hold several elements of the last dimension, the lowest bits first.
type gatherQuantised struct{ gather, quantise, block, bits int }

func newGatherQuantised(a *Attrs) (Kernel, error) {
	block, bits := a.Int("block_size", 128), a.Int("bits", 4)
	if block < 16 || block&(block-1) != 0 || block > math.MaxInt32 {
		a.Fail("block_size", "is %d, expected a power of 2 from 16 on", block)
		block = 16
	}
	if bits != 2 && bits != 4 && bits != 8 {
		a.Fail("bits", "is %d, expected 2, 4 or 8", bits)
		bits = 8
	}
	if err := needInputs(a, 0, 1, 2); err != nil {
		return nil, err
	}
	return &gatherQuantised{int(a.Int("gather_axis", 0)), int(a.Int("quantize_axis", 1)), int(block), int(bits)}, nil
}

// blockSizes are the sizes of a run: data as (outer, extent, inner) around the axis
// that is gathered, and as (..., length, within) up to the axis of the blocks.
type blockSizes struct {
	shape, out                           []int
	extent, inner, length, within, count int
	packed                               int // elements of a byte
}

func (k *gatherQuantised) sizes(at func(i int) Fact) (s blockSizes, err error) {
	data, idx, scales, zeros := at(0), at(1), at(2), at(3)
	if err := types(tensor.Int4, tensor.Uint4, tensor.Uint8).check(0, data.DType); err != nil {
		return s, err
	}
	if err := types(tensor.Int32, tensor.Int64).check(1, idx.DType); err != nil {
		return s, err
	}
	if err := shortFloats.check(2, scales.DType); err != nil {
		return s, err
	}
	if err := sameType(3, zeros.DType, data.DType); err != nil {
		return s, err
	}
	if !data.Ranked || !idx.Ranked {
		return s, nil
	}
	rank := len(data.Shape)
	gather, err := tensor.Axis(int64(k.gather), rank)
	if err != nil {
		return s, fmt.Errorf("attribute \"gather_axis\": %w", err)
	}
	quantise, err := tensor.Axis(int64(k.quantise), rank)
	if err != nil {
		return s, fmt.Errorf("attribute \"quantize_axis\": %w", err)
	}
	s.packed = 1
	if data.DType == tensor.Uint8 {
		s.packed = 8 / k.bits
		if gather != 0 || s.packed > 1 && quantise == 0 {
			return s, fmt.Errorf("input 0: bytes are gathered along axis 0 and have their blocks along another, found axes %d and %d", gather, quantise)
		}
	}
	s.shape = append([]int(nil), data.Shape...)
	s.shape[rank-1] = mulKnown(s.shape[rank-1], s.packed)
	s.out = append(append(append(s.out, s.shape[:gather]...), idx.Shape...), s.shape[gather+1:]...)
	want := append([]int(nil), s.shape...)
	if want[quantise] >= 0 {
		want[quantise] = (want[quantise] + k.block - 1) / k.block
	}
	if scales.Ranked {
		if err := checkDims(2, scales.Shape, want...); err != nil {
			return s, err
		}
	}
	s.count = want[rank-1]
	if want[rank-1] >= 0 {
		want[rank-1] = (want[rank-1] + s.packed - 1) / s.packed
	}
	if zeros.Ranked {
		if err := checkDims(3, zeros.Shape, want...); err != nil {
			return s, err
		}
	}
	s.extent, s.inner = s.shape[gather], tensor.Shape(s.shape[gather+1:]).Len()
	s.length, s.within = s.shape[quantise], tensor.Shape(s.shape[quantise+1:]).Len()
	return s, nil
}

func (k *gatherQuantised) Infer(c *Infer) error {
	s, err := k.sizes(c.In)
	if err != nil {
		return err
	}
	if s.shape == nil {
		c.Set(0, Unranked(c.In(2).DType))
		return nil
	}
	c.Set(0, Shaped(c.In(2).DType, s.out...))
	return nil
}

// Run leaves zeros for an index that is out of range, as ONNX Runtime does.
func (k *gatherQuantised) Run(c *Ctx) error {
	s, err := k.sizes(c.factOrNone)
	if err != nil {
		return err
	}
	y, err := outReal[float32](c, 0, c.dtype(2), s.out...)
	if err != nil || len(y.data) == 0 {
		return err
	}
	scales, err := reals[float32](c, c.In(2))
	if err != nil {
		return err
	}
	idx, err := c.Ints(1)
	if err != nil {
		return err
	}
	element := k.reader(c.In(0), s.packed, s.shape[len(s.shape)-1])
	zero := func(int) int { return 0 }
	if z := c.In(3); z != nil {
		zero = k.reader(z, s.packed, s.count)
	} else if c.dtype(0) == tensor.Uint8 {
		zero = func(int) int { return 1 << (k.bits - 1) }
	}
	blocks := (s.length + k.block - 1) / k.block
	for row := range len(y.data) / s.inner {
		if row%64 == 0 && c.Err() != nil {
			return c.Err()
		}
		at, dst := idx[row%len(idx)], y.data[row*s.inner:][:s.inner]
		if at < 0 {
			at += s.extent
		}
		if at < 0 || at >= s.extent {
			clear(dst)
			continue
		}
		first := (row/len(idx)*s.extent + at) * s.inner
		for i := range dst {
			p := first + i
			block := (p/s.within/s.length*blocks+p/s.within%s.length/k.block)*s.within + p%s.within
			dst[i] = float32(element(p)-zero(block)) * scales[block]
		}
	}
	y.done()
	return nil
}

// reader gives the elements of t, whose last dimension has n and whose bytes hold
// several.
func (k *gatherQuantised) reader(t *tensor.Tensor, packed, n int) func(i int) int {
	data := t.Bytes()
	switch {
	case t.DType() == tensor.Int4:
		return func(i int) int { return int(int8(data[i])) }
	case packed == 1:
		return func(i int) int { return int(data[i]) }
	}
	width, mask := (n+packed-1)/packed, 1<<k.bits-1
	return func(i int) int {
		row, column := i/n, i%n
		return int(data[row*width+column/packed]) >> (column % packed * k.bits) & mask
	}
}
