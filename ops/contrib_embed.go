package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// embedNorm is EmbedLayerNormalization of com.microsoft: the sum of a word's,
// position's and, where there is one, segment's row, normalised; how many words
// the mask shows; the sum itself.
type embedNorm struct {
	eps float32
}

// The inputs of EmbedLayerNormalization.
const (
	embedWords = iota
	embedSegments
	embedWordTable
	embedPositionTable
	embedSegmentTable
	embedGamma
	embedBeta
	embedMask
	embedPositions
)

func newEmbedNorm(a *Attrs) (Kernel, error) {
	k := &embedNorm{eps: a.Float("epsilon", 1e-12)}
	a.Ignore("mask_index_type") // a hint for shape inference
	if err := needInputs(a, embedWords, embedWordTable, embedPositionTable, embedGamma, embedBeta); err != nil {
		return nil, err
	}
	return k, togetherInputs(a, embedSegments, embedSegmentTable)
}

func (k *embedNorm) check(at func(i int) tensor.DType) error {
	for _, i := range []int{embedWords, embedSegments, embedMask, embedPositions} {
		if err := types(tensor.Int32).check(i, at(i)); err != nil {
			return err
		}
	}
	if err := shortFloats.check(embedWordTable, at(embedWordTable)); err != nil {
		return err
	}
	for _, i := range []int{embedPositionTable, embedSegmentTable, embedGamma, embedBeta} {
		if err := sameAs(i, at(i), embedWordTable, at(embedWordTable)); err != nil {
			return err
		}
	}
	return nil
}

// sizes are the batch, the words of each and the width, as far as they are known.
func (k *embedNorm) sizes(at func(i int) Fact) (b, t, width int, err error) {
	b, t, width = Unknown, Unknown, Unknown
	if f := at(embedWords); f.Ranked {
		if err := checkRank(embedWords, len(f.Shape), 2); err != nil {
			return 0, 0, 0, err
		}
		b, t = f.Shape[0], f.Shape[1]
	}
	if f := at(embedWordTable); f.Ranked {
		if err := checkRank(embedWordTable, len(f.Shape), 2); err != nil {
			return 0, 0, 0, err
		}
		width = f.Shape[1]
	}
	for i, want := range map[int][]int{embedSegments: {b, t}, embedMask: {b, t}, embedPositionTable: {Unknown, width},
		embedSegmentTable: {Unknown, width}, embedGamma: {width}, embedBeta: {width}} {
		if f := at(i); f.Ranked {
			if err := checkDims(i, f.Shape, want...); err != nil {
				return 0, 0, 0, err
			}
		}
	}
	if f := at(embedPositions); f.Ranked {
		if len(f.Shape) == 2 && f.Shape[0] == 1 {
			return b, t, width, checkDims(embedPositions, f.Shape, 1, t) // those of every sequence
		}
		err = checkDims(embedPositions, f.Shape, b, t)
	}
	return b, t, width, err
}

func (k *embedNorm) Infer(c *Infer) error {
	if err := k.check(func(i int) tensor.DType { return c.In(i).DType }); err != nil {
		return err
	}
	b, t, width, err := k.sizes(c.In)
	dt := c.In(embedWordTable).DType
	c.Set(0, Shaped(dt, b, t, width))
	c.Set(1, Shaped(tensor.Int32, b))
	c.Set(2, Shaped(dt, b, t, width))
	return err
}

func (k *embedNorm) Run(c *Ctx) error {
	if err := k.check(c.dtype); err != nil {
		return err
	}
	b, t, width, err := k.sizes(c.factOrNone)
	if err != nil {
		return err
	}
	dt := c.dtype(embedWordTable)
	y, err := outReal[float32](c, 0, dt, b, t, width)
	if err != nil {
		return err
	}
	sum := y
	if c.Wants(2) {
		if sum, err = outReal[float32](c, 2, dt, b, t, width); err != nil {
			return err
		}
	}
	clear(sum.data)
	words := tensor.Of[int32](c.In(embedWords))
	for _, p := range [][2]int{{embedWords, embedWordTable}, {embedPositions, embedPositionTable}, {embedSegments, embedSegmentTable}} {
		if err := addRowsOf(c, sum.data, p[0], p[1], len(words), t, width); err != nil {
			return err
		}
	}
	gamma, err := reals[float32](c, c.In(embedGamma))
	if err != nil {
		return err
	}
	beta, err := reals[float32](c, c.In(embedBeta))
	if err != nil {
		return err
	}
	kernel.LayerNormRows(c.Pool(), y.data, sum.data, gamma, beta, k.eps, len(words), width, nil, nil)
	y.done()
	if c.Wants(2) {
		sum.done()
	}
	return countWords(c, b)
}

// countWords makes output 1 how many words the mask shows of each of b sequences,
// 0 without a mask.
func countWords(c *Ctx, b int) error {
	if !c.Wants(1) {
		return nil
	}
	count, err := c.Out(1, tensor.Int32, b)
	if err != nil {
		return err
	}
	clear(tensor.Of[int32](count))
	if mask := c.In(embedMask); mask != nil {
		kernel.CountOnes(tensor.Of[int32](count), tensor.Of[int32](mask))
	}
	return nil
}

// addRowsOf adds to each of n rows of sum the row of a table, input table, that
// input ids says.
func addRowsOf(c *Ctx, sum []float32, ids, table, n, t, width int) error {
	if c.In(table) == nil {
		return nil
	}
	data, err := reals[float32](c, c.In(table))
	if err != nil {
		return err
	}
	return eachRowOf(c, ids, table, n, t, func(i, at int) {
		to := sum[i*width:][:width]
		kernel.Add(to, to, data[at*width:][:width])
	})
}

// eachRowOf calls f with each i < n and the row of a table, input table, that
// input ids says: its own place of t where positions are left out, no row where
// the table is.
func eachRowOf(c *Ctx, ids, table, n, t int, f func(i, at int)) error {
	rows := c.In(table)
	if rows == nil {
		return nil
	}
	var list []int32
	if given := c.In(ids); given != nil {
		list = tensor.Of[int32](given)
	} else if n > 0 && t > rows.Dim(0) {
		return fmt.Errorf("input %d: has %d rows, expected at least %d", table, rows.Dim(0), t)
	}
	for i := range n {
		at := i % t
		if list != nil {
			at = int(list[i%len(list)])
		}
		if at < 0 || at >= rows.Dim(0) {
			return fmt.Errorf("input %d: %d at %d is out of range for %d rows", ids, at, i, rows.Dim(0))
		}
		f(i, at)
	}
	return nil
}
