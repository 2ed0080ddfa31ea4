package ops

import (
	"fmt"
	"slices"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// layerNormOps are the normalisations over the last dimensions.
func layerNormOps() []Op {
	return []Op{
		{Name: "LayerNormalization", Versions: []Version{
			{Since: 1, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 3, New: newLayerNorm}, // in graphs of older opsets that ONNX Runtime optimised
			{Since: 17, MinIn: 2, MaxIn: 3, MinOut: 1, MaxOut: 3, New: newLayerNorm},
		}},
		{Name: "SimplifiedLayerNormalization", Versions: []Version{ // ONNX Runtime's name for the next
			{Since: 1, MinIn: 2, MaxIn: 2, MinOut: 1, MaxOut: 1, New: newRMSNorm},
		}},
		{Name: "RMSNormalization", Versions: []Version{
			{Since: 23, MinIn: 2, MaxIn: 2, MinOut: 1, MaxOut: 1, New: newRMSNorm},
		}},
	}
}

// layerNorm normalises everything from axis on; rms leaves the mean alone.
type layerNorm struct {
	axis  int64
	eps   float64
	stash tensor.DType // of the statistics
	rms   bool
}

func newLayerNorm(a *Attrs) (Kernel, error) {
	return &layerNorm{axis: a.Int("axis", -1), eps: float64(a.Float("epsilon", 1e-5)), stash: stashType(a)}, nil
}

func newRMSNorm(a *Attrs) (Kernel, error) {
	k, err := newLayerNorm(a)
	k.(*layerNorm).rms = true
	return k, err
}

// stashType is the type that statistics are kept in. We compute them in float32
// at least, whatever it says.
func stashType(a *Attrs) tensor.DType {
	dt := a.DType("stash_type", tensor.Float32)
	if !floatsBF.has(dt) {
		a.Fail("stash_type", "is %v, expected %v", dt, floatsBF)
	}
	return dt
}

// statistics is the shape of mean and deviation, written to dst: that of x with
// 1 from axis on.
func (k *layerNorm) statistics(dst, x []int) (shape []int, axis int, err error) {
	if axis, err = tensor.Axis(k.axis, len(x)); err != nil {
		return nil, 0, err
	}
	shape = append(dst, x...)
	for i := axis; i < len(shape); i++ {
		shape[i] = 1
	}
	return shape, axis, nil
}

// check checks the types; the scale of RMSNormalization has a type of its own,
// which is the output's.
func (k *layerNorm) check(x, scale, bias tensor.DType) error {
	if err := floatsBF.check(0, x); err != nil {
		return err
	}
	if k.rms {
		return floatsBF.check(1, scale)
	}
	if err := sameType(1, scale, x); err != nil {
		return err
	}
	return sameType(2, bias, x)
}

func (k *layerNorm) Infer(c *Infer) error {
	x, scale := c.In(0), c.In(1)
	if err := k.check(x.DType, scale.DType, c.In(2).DType); err != nil {
		return err
	}
	c.SameAs(0, 0)
	if k.rms {
		c.Set(0, Fact{DType: scale.DType, Shape: x.Shape, Ranked: x.Ranked})
	}
	if !x.Ranked {
		c.Set(1, Unranked(k.stash))
		c.Set(2, Unranked(k.stash))
		return nil
	}
	shape, axis, err := k.statistics(nil, x.Shape)
	if err != nil {
		return err
	}
	for i := 1; i <= 2; i++ {
		if f := c.In(i); f.Ranked {
			if err := fitsRow(i, f.Shape, x.Shape[axis:]); err != nil {
				return err
			}
		}
	}
	c.Set(1, Shaped(k.stash, shape...))
	c.Set(2, Shaped(k.stash, shape...))
	return nil
}

// fitsRow refuses a scale or bias that doesn't broadcast to the normalised
// dimensions. As many elements as they have, in any shape, will do too.
func fitsRow(i int, shape, row []int) error {
	if _, err := unidirectional(nil, row, shape); err == nil || slices.Min(append([]int{0}, append(shape, row...)...)) < 0 {
		return nil
	}
	if tensor.Shape(shape).Len() == tensor.Shape(row).Len() {
		return nil
	}
	return fmt.Errorf("input %d: shape %v does not broadcast to the normalised dimensions %v", i, shapeOf(shape), shapeOf(row))
}

func (k *layerNorm) Run(c *Ctx) error {
	if c.In(0).DType() == tensor.Float64 {
		return runLayerNorm[float64](c, k)
	}
	return runLayerNorm[float32](c, k)
}

func runLayerNorm[T floating](c *Ctx, k *layerNorm) error {
	xt, st, bt := c.In(0), c.In(1), c.In(2)
	biasType := tensor.Undefined
	if bt != nil {
		biasType = bt.DType()
	}
	if err := k.check(xt.DType(), st.DType(), biasType); err != nil {
		return err
	}
	var dims [tensor.MaxRank]int
	stats, axis, err := k.statistics(dims[:0], xt.Shape())
	if err != nil {
		return err
	}
	dt := xt.DType()
	if k.rms {
		dt = st.DType()
	}
	y, err := outReal[T](c, 0, dt, xt.Shape()...)
	if err != nil {
		return err
	}
	x, err := reals[T](c, xt)
	if err != nil {
		return err
	}
	row := xt.Shape()[axis:]
	gamma, err := rowOf[T](c, 1, st, row)
	if err != nil {
		return err
	}
	beta, err := rowOf[T](c, 2, bt, row)
	if err != nil {
		return err
	}
	n, rows := row.Len(), xt.Shape()[:axis].Len()
	if k.rms {
		kernel.RMSNormRows(c.Pool(), y.data, x, gamma, k.eps, rows, n)
		y.done()
		return nil
	}
	var kept [2]realOut[T]
	for i := range kept {
		if c.Wants(1 + i) {
			if kept[i], err = outReal[T](c, 1+i, k.stash, stats...); err != nil {
				return err
			}
		}
	}
	kernel.LayerNormOf(c.Pool(), y.data, x, gamma, beta, k.eps, rows, n, kept[0].data, kept[1].data)
	y.done()
	kept[0].done()
	kept[1].done()
	return nil
}

// rowOf is a scale or bias spread over the normalised dimensions; nil for nil.
func rowOf[T floating](c *Ctx, i int, t *tensor.Tensor, row []int) ([]T, error) {
	if t == nil {
		return nil, nil
	}
	data, err := reals[T](c, t)
	if err != nil || t.Len() == tensor.Shape(row).Len() {
		return data, err
	}
	if err := fitsRow(i, t.Shape(), row); err != nil {
		return nil, err
	}
	return spread(c, data, t.Shape(), row)
}

// spread is data of the given shape broadcast to another one.
func spread[T tensor.Elem](c *Ctx, data []T, from, to []int) ([]T, error) {
	out, err := reserved[T](c, tensor.Shape(to).Len())
	if err != nil {
		return nil, err
	}
	var steps [tensor.MaxRank]int
	dst := tensor.Strides(steps[:], to)
	var s kernel.Strided
	src := 1
	var srcStep [tensor.MaxRank]int
	for i := len(from) - 1; i >= 0; i-- {
		if from[i] != 1 {
			srcStep[i+len(to)-len(from)] = src
		}
		src *= from[i]
	}
	for i, d := range to {
		s.Add(d, dst[i], srcStep[i])
	}
	kernel.CopyStrided(out, data, &s)
	return out, nil
}
