package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/tensor"
)

// contribLastOps are operators of ONNX Runtime's own domain whose channels are in
// the last dimension, always or by an attribute.
func contribLastOps() []Op {
	const domain = "com.microsoft"
	f32, bytes := types(tensor.Float32), byteTypes
	op := func(name string, minIn, maxIn int, f func(*Attrs) (Kernel, error)) Op {
		return Op{Name: name, Domain: domain, Versions: []Version{
			{Since: 1, MinIn: minIn, MaxIn: maxIn, MinOut: 1, MaxOut: 1, Holes: maxIn == 5, New: f}}}
	}
	always := func(*Attrs) bool { return true }
	byAttribute := func(a *Attrs) bool { return a.Int("channels_last", 0) != 0 }
	return []Op{
		op("QLinearConv", 8, 9, channelsLast(byAttribute, newQLinearConv)),
		op("QLinearAveragePool", 4, 5, channelsLast(byAttribute, newQLinearPool(newPool(averagePool, 11, f32), false))),
		op("QLinearGlobalAveragePool", 4, 5, channelsLast(byAttribute, newQLinearPool(newGlobalPool(averagePool, f32), true))),
		op("NhwcMaxPool", 1, 1, channelsLast(always, newPool(maxPool, 12, bytes))),
	}
}

// newQLinearPool is the pool f of quantised numbers, whole until the last
// rounding or not.
func newQLinearPool(f func(*Attrs) (Kernel, error), whole bool) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		k, err := inReal([]int{0}, 3, f)(a)
		if err != nil {
			return nil, err
		}
		real := k.(realInside)
		if window, ok := real.inner.(*pool); ok {
			window.inTurn = true
		}
		real.zeroFirst, real.whole = true, whole
		return real, nil
	}
}

// lastChannels is a kernel whose input 0 has its channels last, and so has the
// output.
type lastChannels struct{ inner Kernel }

func channelsLast(when func(*Attrs) bool, f func(*Attrs) (Kernel, error)) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		last := when(a)
		k, err := f(a)
		if err != nil || !last {
			return k, err
		}
		return &lastChannels{k}, nil
	}
}

// channelOrder moves the last of rank dimensions behind the first, or back.
func channelOrder(rank int, first bool) transpose {
	perm := []int{0}
	if first {
		perm = append(perm, rank-1)
	}
	for i := 1; i < rank-1; i++ {
		if first {
			perm = append(perm, i)
		} else {
			perm = append(perm, i+1)
		}
	}
	if !first {
		perm = append(perm, 1)
	}
	return transpose{perm}
}

func reordered(f Fact, first bool) (Fact, error) {
	if !f.Ranked {
		return f, nil
	}
	if len(f.Shape) < 3 {
		return f, fmt.Errorf("input 0: has rank %d, expected at least 3", len(f.Shape))
	}
	inner := NewInfer([]Fact{f}, []bool{true}, 1)
	err := channelOrder(len(f.Shape), first).Infer(inner)
	return inner.out[0], err
}

// Prepack is inner's: no constant but input 0 is in another order for it.
func (k *lastChannels) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	p, ok := k.inner.(Prepacker)
	if !ok {
		return nil, nil, nil
	}
	inner, drop, err := p.Prepack(consts, memory)
	if inner == nil {
		return nil, nil, err
	}
	return &lastChannels{inner}, drop, err
}

func (k *lastChannels) Infer(c *Infer) error {
	inner := Infer{in: append([]Fact(nil), c.in...), has: c.has, out: make([]Fact, len(c.out))}
	var err error
	if inner.in[0], err = reordered(c.In(0), true); err != nil {
		return err
	}
	if err := k.inner.Infer(&inner); err != nil {
		return err
	}
	f, err := reordered(inner.out[0], false)
	c.Set(0, f)
	return err
}

func (k *lastChannels) Run(c *Ctx) error {
	in := make([]*tensor.Tensor, c.NumIn())
	for i := range in {
		in[i] = c.In(i)
	}
	if in[0].Rank() < 3 {
		return fmt.Errorf("input 0: has rank %d, expected at least 3", in[0].Rank())
	}
	x, err := runInner(c, channelOrder(in[0].Rank(), true), 1, in[0])
	if err != nil {
		return err
	}
	in[0] = x[0]
	y, err := runInner(c, k.inner, 1, in...)
	if err != nil {
		return err
	}
	return runLast(c, channelOrder(y[0].Rank(), false), y[0])
}
