package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// quantisedEmbedNorm is QEmbedLayerNormalization of com.microsoft: embedNorm of
// 8-bit tables, gamma and beta, each with a scale and a zero point. Only the rows
// that are asked for become real.
type quantisedEmbedNorm struct{ embedNorm }

// The inputs of QEmbedLayerNormalization after the mask, each five in the order
// of the tables, gamma and beta.
const (
	embedScales = embedMask + 1
	embedZeros  = embedScales + 5
)

func newQuantisedEmbedNorm(a *Attrs) (Kernel, error) {
	segments := []int{embedSegmentTable, embedScales + 2, embedZeros + 2}
	for i := range embedZeros + 5 {
		if optional := i == embedSegments || i == embedMask || slices.Contains(segments, i); !optional && !a.Inputs[i] {
			return nil, fmt.Errorf("input %d is missing", i)
		}
	}
	for _, i := range segments {
		if err := togetherInputs(a, embedSegments, i); err != nil {
			return nil, err
		}
	}
	return &quantisedEmbedNorm{embedNorm{eps: a.Float("epsilon", 1e-12)}}, nil
}

// check checks types and, where known, shapes, and returns the extents.
func (k *quantisedEmbedNorm) check(at func(i int) Fact) (b, t, width int, err error) {
	for _, i := range []int{embedWords, embedSegments, embedMask} {
		if err := types(tensor.Int32).check(i, at(i).DType); err != nil {
			return 0, 0, 0, err
		}
	}
	first := at(embedWordTable).DType
	for j := range 5 {
		i := embedWordTable + j
		if err := byteTypes.check(i, at(i).DType); err != nil {
			return 0, 0, 0, err
		}
		for _, i := range []int{i, embedZeros + j} {
			if err := sameAs(i, at(i).DType, embedWordTable, first); err != nil {
				return 0, 0, 0, err
			}
		}
		if err := types(tensor.Float32).check(embedScales+j, at(embedScales+j).DType); err != nil {
			return 0, 0, 0, err
		}
		for _, i := range []int{embedScales + j, embedZeros + j} {
			if f := at(i); f.Ranked && !anyUnknown(f.Shape) && tensor.Shape(f.Shape).Len() != 1 {
				return 0, 0, 0, fmt.Errorf("input %d: has shape %v, expected a scalar", i, shapeOf(f.Shape))
			}
		}
	}
	return k.sizes(func(i int) Fact {
		if i > embedMask {
			return Fact{} // there are no positions
		}
		return at(i)
	})
}

func (k *quantisedEmbedNorm) Infer(c *Infer) error {
	b, t, width, err := k.check(c.In)
	c.Set(0, Shaped(tensor.Float32, b, t, width))
	c.Set(1, Shaped(tensor.Int32, b))
	return err
}

func (k *quantisedEmbedNorm) Run(c *Ctx) error {
	b, t, width, err := k.check(c.factOrNone)
	if err != nil {
		return err
	}
	if c.dtype(embedWordTable) == tensor.Int8 {
		err = runQuantisedEmbedNorm[int8](c, k, b, t, width)
	} else {
		err = runQuantisedEmbedNorm[uint8](c, k, b, t, width)
	}
	if err != nil {
		return err
	}
	return countWords(c, b)
}

func runQuantisedEmbedNorm[T int8 | uint8](c *Ctx, k *quantisedEmbedNorm, b, t, width int) error {
	y, err := c.Out(0, tensor.Float32, b, t, width)
	if err != nil {
		return err
	}
	work, err := reserved[float32](c, 3*width)
	if err != nil {
		return err
	}
	row, gamma, beta := work[:width], work[width:2*width], work[2*width:]
	real := func(dst []float32, table, at int) { // row at of a table as real numbers
		i := table - embedWordTable
		kernel.DequantizeColumns(dst, tensor.Of[T](c.In(table))[at*width:][:width], width, tensor.Of[float32](c.In(embedScales+i)), tensor.Of[T](c.In(embedZeros+i)))
	}
	sum := tensor.Of[float32](y)
	clear(sum)
	add := func(ids, table int) error {
		return eachRowOf(c, ids, table, b*t, t, func(i, at int) {
			real(row, table, at)
			to := sum[i*width:][:width]
			kernel.Add(to, to, row)
		})
	}
	if err := add(embedWords, embedWordTable); err != nil {
		return err
	}
	if err := add(embedZeros+5, embedPositionTable); err != nil { // there is no such input: every word's own place
		return err
	}
	if err := add(embedSegments, embedSegmentTable); err != nil {
		return err
	}
	real(gamma, embedGamma, 0)
	real(beta, embedBeta, 0)
	kernel.LayerNormRows(c.Pool(), sum, sum, gamma, beta, k.eps, b*t, width, nil, nil)
	return nil
}
