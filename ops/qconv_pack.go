package ops

import (
	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// pack packs constant weights of one group, less their zero points and times
// scale; it is false where they aren't of that kind or there is no room.
func (k *integerConv) pack(memory Allocator, w, zero *tensor.Tensor, scale []float32) bool {
	if w == nil || !byteTypes.has(w.DType()) || k.group != 1 || w.Rank() < 3 || w.Len() == 0 {
		return false
	}
	cout, cin := w.Dim(0), w.Dim(1)
	if len(scale) != 1 && len(scale) != cout || zero != nil && (zero.DType() != w.DType() || zero.Rank() > 1 || zero.Len() != 1 && zero.Len() != cout) {
		return false
	}
	taps := w.Len() / cout / cin
	room := kernel.RoomForInt8(taps*cin, cout)
	room.Passing += w.Len()
	if reserveRoom(memory, room) != nil {
		return false
	}
	if w.DType() == tensor.Int8 {
		k.packed = kernel.PackConvBytes(cout, cin, taps, tensor.Of[int8](w), scale, zeroBytes[int8](zero))
	} else {
		k.packed = kernel.PackConvBytes(cout, cin, taps, tensor.Of[uint8](w), scale, zeroBytes[uint8](zero))
	}
	memory.Release(room.Kept + room.Passing - k.packed.Bytes())
	return true
}

// Prepack packs constant weights with their zero points.
func (k *convInteger) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	p := *k
	var zero *tensor.Tensor
	if len(consts) > 3 {
		zero = consts[3]
	}
	if k.zero && zero == nil || !p.pack(memory, consts[1], zero, []float32{1}) {
		return nil, nil, nil
	}
	return &p, nil, nil
}

// Prepack packs constant weights with their scales and zero points.
func (k *qlinearConv) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	p := *k
	if s, z := consts[4], consts[5]; s == nil || s.DType() != tensor.Float32 || z == nil || !p.pack(memory, consts[3], z, tensor.Of[float32](s)) {
		return nil, nil, nil
	}
	return &p, nil, nil
}

// runPacked is run with packed weights: into y, times the weights' scale and scale
// and plus bias, or into sums. done is false where it can't.
func (k *integerConv) runPacked(c *Ctx, win kernel.Window, zero int, scale float32, bias, y []float32, sums []int32) (done bool, err error) {
	if z := c.In(zero); k.packed == nil || z != nil && z.Len() != 1 {
		return false, nil
	}
	if c.dtype(0) == tensor.Int8 {
		return runConvBytes[int8](c, k.packed, win, zeroOf[int8](c.In(zero)), scale, bias, y, sums)
	}
	return runConvBytes[uint8](c, k.packed, win, zeroOf[uint8](c.In(zero)), scale, bias, y, sums)
}

func runConvBytes[T int8 | uint8](c *Ctx, w *kernel.PackedB, win kernel.Window, zero T, scale float32, bias, y []float32, sums []int32) (bool, error) {
	x := c.In(0)
	a := &kernel.ConvBytes[T]{Batch: x.Dim(0), Cin: x.Dim(1), X: tensor.Of[T](x), Scale: scale, Zero: zero, Weights: w, Bias: bias, Y: y, Sums: sums, Stop: c.Err}
	if !a.Use(win) {
		return false, nil
	}
	n, err := tensor.CheckShape([]int{c.Pool().Threads(), a.Room()}, 1)
	if err != nil {
		return true, err
	}
	if err := c.Memory.Reserve(n); err != nil {
		return true, err
	}
	return true, a.Run(c.Pool())
}

// realBias is the bias as it is added to the sums once factors have been applied.
func (k *qlinearConv) realBias(c *Ctx, bias []int32, factors []float32, channels int) ([]float32, error) {
	if bias == nil {
		return nil, nil
	}
	real, err := reserved[float32](c, channels)
	if err != nil {
		return nil, err
	}
	kernel.Scale(real, bias, channels, []float32{1}, factors)
	return real, nil
}
