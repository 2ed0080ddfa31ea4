package ops

import (
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// batchNormOps is BatchNormalization.
func batchNormOps() []Op {
	version := func(since, maxOut int, f func(*Attrs) (Kernel, error)) Version {
		return Version{Since: since, MinIn: 5, MaxIn: 5, MinOut: 1, MaxOut: maxOut, New: f}
	}
	return []Op{{Name: "BatchNormalization", Versions: []Version{
		version(1, 5, newBatchNormOld), version(6, 5, newBatchNormOld), version(7, 5, newBatchNormOld), version(9, 5, newBatchNormOld),
		version(14, 3, newBatchNorm), version(15, 3, newBatchNorm),
	}}}
}

// batchNorm normalises each channel by given statistics or, in training, by the
// batch's own.
type batchNorm struct {
	types    dtypes
	eps      float64
	momentum float64
	training bool
	wholeRow bool // spatial=0: each feature is a channel of its own
	saved    bool // before opset 14 outputs 3 and 4 are the batch's statistics
	mixed    bool // from opset 15 scale and bias have one type, mean and variance another
	oneType  bool // before opset 14 everything has one type
	positive bool // negative results become 0
}

// newFusedBatchNorm is BatchNormalization by given statistics, then Relu.
func newFusedBatchNorm(a *Attrs) (Kernel, error) {
	return &batchNorm{types: types(tensor.Float32), eps: float64(a.Float("epsilon", 1e-5)), positive: true}, nil
}

func newBatchNorm(a *Attrs) (Kernel, error) {
	k := &batchNorm{types: floatsBF, eps: float64(a.Float("epsilon", 1e-5)), momentum: float64(a.Float("momentum", 0.9)),
		training: a.Bool("training_mode", false), mixed: a.Opset >= 15}
	if !k.training && len(a.Outputs) > 1 {
		a.Fail("training_mode", "is 0, which has one output only")
	}
	return k, nil
}

// check checks types and shapes; extents may be Unknown.
func (k *batchNorm) check(dts [5]tensor.DType, shapes [5][]int, ranked [5]bool) error {
	for i, dt := range dts {
		if err := k.types.check(i, dt); err != nil {
			return err
		}
		var err error
		switch {
		case k.oneType || !k.mixed && i < 3:
			err = sameType(i, dt, dts[0])
		case i == 2 && k.mixed && dt != tensor.Undefined && dts[1] != tensor.Undefined && dt != dts[1]:
			err = sameAs(i, dt, 1, dts[1])
		case i == 4:
			err = sameAs(i, dt, 3, dts[3])
		}
		if err != nil {
			return err
		}
	}
	if !ranked[0] {
		return nil
	}
	if len(shapes[0]) == 0 {
		return checkRank(0, 0, 1, 2, 3, 4, 5)
	}
	for i := 1; i < 5; i++ {
		if !ranked[i] {
			continue
		}
		if k.wholeRow {
			if n, _ := product(shapes[i]); len(shapes[i]) != 1 || n != tensor.Shape(shapes[0][1:]).Len() {
				if err := checkDims(i, shapes[i], shapes[0][1:]...); err != nil {
					return err
				}
			}
			continue
		}
		if err := checkDims(i, shapes[i], channelsOf(shapes[0])); err != nil {
			return err
		}
	}
	return nil
}

// channelsOf is the extent of dimension 1; a tensor of rank 1 has one channel.
func channelsOf(shape []int) int {
	if len(shape) == 1 {
		return 1
	}
	return shape[1]
}

func (k *batchNorm) Infer(c *Infer) error {
	var dts [5]tensor.DType
	var shapes [5][]int
	var ranked [5]bool
	for i := range dts {
		f := c.In(i)
		dts[i], shapes[i], ranked[i] = f.DType, f.Shape, f.Ranked
	}
	c.SameAs(0, 0)
	for i := 1; i < c.NumOut(); i++ {
		c.SameAs(i, 3)
	}
	return k.check(dts, shapes, ranked)
}

func (k *batchNorm) Run(c *Ctx) error {
	if c.In(0).DType() == tensor.Float64 {
		return runBatchNorm[float64](c, k)
	}
	return runBatchNorm[float32](c, k)
}

// batchNormRoom is what a node keeps between runs: the shift and the factor of
// each channel.
type batchNormRoom[T floating] struct{ shift, factor, variance []T }

func runBatchNorm[T floating](c *Ctx, k *batchNorm) error {
	var dts [5]tensor.DType
	var shapes [5][]int
	for i := range dts {
		dts[i], shapes[i] = c.In(i).DType(), c.In(i).Shape()
	}
	if err := k.check(dts, shapes, [5]bool{true, true, true, true, true}); err != nil {
		return err
	}
	xt := c.In(0)
	y, err := outReal[T](c, 0, xt.DType(), xt.Shape()...)
	if err != nil {
		return err
	}
	var in [5][]T
	for i := range in {
		if in[i], err = reals[T](c, c.In(i)); err != nil {
			return err
		}
	}
	batch, channels := xt.Dim(0), channelsOf(xt.Shape())
	if k.wholeRow {
		channels = xt.Shape()[1:].Len()
	}
	size := 0
	if batch*channels > 0 {
		size = xt.Len() / (batch * channels)
	}
	kept := c.Local(func() any { return &batchNormRoom[T]{} }).(*batchNormRoom[T])
	kept.shift, kept.factor, kept.variance = room(kept.shift, channels), room(kept.factor, channels), room(kept.variance, channels)
	copy(kept.shift, in[3])
	copy(kept.variance, in[4])
	if k.training {
		kernel.ChannelMoments(kept.shift, kept.variance, in[0], batch, channels, size)
		if err := statistics(c, k, kept, in[3], in[4]); err != nil {
			return err
		}
	}
	kernel.InverseDeviation(kept.factor, kept.variance, in[1], k.eps)
	kernel.ScaleChannels(c.Pool(), y.data, in[0], kept.shift, kept.factor, in[2], batch, channels, size, k.positive)
	y.done()
	return nil
}

// statistics makes the outputs of training: the running mean and variance and,
// before opset 14, the batch's.
func statistics[T floating](c *Ctx, k *batchNorm, batch *batchNormRoom[T], mean, variance []T) error {
	for i, of := range [2][2][]T{{batch.shift, mean}, {batch.variance, variance}} {
		if c.Wants(1 + i) {
			out, err := outReal[T](c, 1+i, c.In(3).DType(), c.In(3).Shape()...)
			if err != nil {
				return err
			}
			kernel.Lerp(out.data, of[0], of[1], k.momentum)
			out.done()
		}
		if k.saved && c.Wants(3+i) {
			out, err := outReal[T](c, 3+i, c.In(3).DType(), c.In(3).Shape()...)
			if err != nil {
				return err
			}
			copy(out.data, of[0])
			out.done()
		}
	}
	return nil
}
