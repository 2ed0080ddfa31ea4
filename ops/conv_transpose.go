package ops

import (
	"fmt"
	"math"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// convTranspose is ConvTranspose: x (N, C, in...), w (C, M/group, size...),
// bias (M).
type convTranspose struct {
	spatial
	types  dtypes
	group  int
	extra  []int // output_padding
	output []int // output_shape
	// packed are constant weights, of the shape they had.
	packed *kernel.PackedConvTranspose
	shape  []int
}

func newConvTranspose(types dtypes) func(*Attrs) (Kernel, error) {
	return func(a *Attrs) (Kernel, error) {
		return &convTranspose{spatial: readSpatial(a, true), types: types, group: groupOf(a, "group"),
			extra: smallInts(a, "output_padding", 0), output: smallInts(a, "output_shape", 0)}, nil
	}
}

func (k *convTranspose) check(dts [3]tensor.DType, shapes [3][]int, ranked [3]bool) error {
	if err := checkConvTypes(k.types, dts); err != nil {
		return err
	}
	x, w := shapes[0], shapes[1]
	if ranked[0] && len(x) < 2 {
		return fmt.Errorf("input 0: has rank %d, expected at least 3", len(x))
	}
	if ranked[0] && x[1] >= 0 && x[1]%k.group != 0 {
		return fmt.Errorf("input 0: has %d channels, which %d groups do not divide", x[1], k.group)
	}
	if ranked[0] && ranked[1] {
		if err := checkRank(1, len(w), len(x)); err != nil {
			return err
		}
		if x[1] >= 0 && w[0] >= 0 && x[1] != w[0] {
			return fmt.Errorf("input 0: has %d channels, expected %d as input 1 has", x[1], w[0])
		}
	}
	if !ranked[1] {
		return nil
	}
	if len(w) < 2 {
		return fmt.Errorf("input 1: has rank %d, expected at least 3", len(w))
	}
	if k.size != nil && checkDims(1, w[2:], k.size...) != nil {
		return fmt.Errorf("input 1: has taps %v, expected %v as kernel_shape says", shapeOf(w[2:]), shapeOf(k.size))
	}
	if ranked[2] {
		return checkDims(2, shapes[2], mulKnown(w[1], k.group))
	}
	return nil
}

func mulKnown(a, b int) int {
	if a < 0 || b < 0 {
		return Unknown
	}
	return a * b
}

// transposed is the window of the convolution that this one transposes, with
// our output as its In and our input as its Out.
func (k *convTranspose) transposed(in, size []int) (w kernel.Window, err error) {
	n := len(in)
	if err := k.rank(n); err != nil {
		return w, err
	}
	for _, l := range []struct {
		name string
		list []int
	}{{"output_padding", k.extra}, {"output_shape", k.output}} {
		if l.list != nil && len(l.list) != n && (l.name != "output_shape" || len(l.list) != n+2) {
			return w, fmt.Errorf("attribute %q: has %d values, expected %d for input 0 of rank %d", l.name, len(l.list), n, n+2)
		}
	}
	w.N = n
	for d := range n {
		w.Out[d], w.Size[d], w.Stride[d], w.Dilation[d] = in[d], size[d], at(k.strides, d, 1), at(k.dilations, d, 1)
		if in[d] < 0 || size[d] < 0 {
			w.In[d] = Unknown
			if k.output != nil {
				w.In[d] = k.output[len(k.output)-n+d]
			}
			continue
		}
		if in[d] > math.MaxInt/4/w.Stride[d] {
			return w, fmt.Errorf("spatial dimension %d of %d at stride %d is more than memory can address", d, in[d], w.Stride[d])
		}
		full := max(in[d]-1, 0)*w.Stride[d] + at(k.extra, d, 0) + (size[d]-1)*w.Dilation[d] + 1
		switch {
		case k.output != nil:
			w.In[d] = k.output[len(k.output)-n+d]
			k.split(&w, d, full-w.In[d])
		case k.auto == "SAME_UPPER" || k.auto == "SAME_LOWER":
			w.In[d] = in[d] * w.Stride[d]
			k.split(&w, d, full-w.In[d])
		case k.auto == "VALID":
			w.In[d] = full
		default:
			w.Pad[d] = at(k.pads, d, 0)
			w.In[d] = full - w.Pad[d] - at(k.pads, n+d, 0)
			if w.In[d] < 0 {
				return w, fmt.Errorf("the pads take more than spatial dimension %d of %d has", d, full)
			}
		}
		if in[d] == 0 && k.output == nil {
			w.In[d] = 0
		}
	}
	return w, nil
}

// split pads dimension d by total in all, the odd one at the end for
// SAME_UPPER and at the beginning otherwise.
func (k *convTranspose) split(w *kernel.Window, d, total int) {
	total = max(total, 0)
	w.Pad[d] = total - total/2
	if k.auto == "SAME_UPPER" {
		w.Pad[d] = total / 2
	}
}

func (k *convTranspose) outShape(dst []int, batch, perGroup int, w *kernel.Window) []int {
	return append(append(dst, batch, mulKnown(perGroup, k.group)), w.In[:w.N]...)
}

// Prepack lays out constant weights of float32.
func (k *convTranspose) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	w := consts[1]
	if w == nil || w.DType() != tensor.Float32 || w.Rank() < 3 || w.Dim(0)%k.group != 0 || w.Len() == 0 {
		return nil, nil, nil
	}
	cin, size := w.Dim(0)/k.group, w.Shape()[2:]
	strides, dilations := make([]int, len(size)), make([]int, len(size))
	for d := range size {
		strides[d], dilations[d] = at(k.strides, d, 1), at(k.dilations, d, 1)
	}
	if !kernel.ConvTransposePackable(cin, w.Dim(1), size, strides, dilations) {
		return nil, nil, nil
	}
	if err := memory.Reserve(4 * w.Len()); err != nil {
		return nil, nil, err
	}
	p := *k
	p.packed, p.shape = kernel.PackConvTranspose(tensor.Of[float32](w), k.group, cin, w.Dim(1), size, strides, dilations), shapeOf(w.Shape())
	return &p, []int{1}, nil
}

// WeightBytes is the bytes of packed weights, 0 where there are none.
func (k *convTranspose) WeightBytes() int {
	if k.packed == nil {
		return 0
	}
	return 4 * tensor.Shape(k.shape).Len()
}

func (k *convTranspose) Infer(c *Infer) error {
	dts, shapes, ranked := facts3(c)
	if k.packed != nil {
		dts[1], shapes[1], ranked[1] = tensor.Float32, k.shape, true
	}
	if err := k.check(dts, shapes, ranked); err != nil {
		return err
	}
	if !ranked[0] || !ranked[1] {
		c.Set(0, Unranked(dts[0]))
		return nil
	}
	w, err := k.transposed(shapes[0][2:], shapes[1][2:])
	if err != nil {
		return err
	}
	c.Set(0, Shaped(dts[0], k.outShape(nil, shapes[0][0], shapes[1][1], &w)...))
	return nil
}

func (k *convTranspose) Run(c *Ctx) error {
	if c.In(0).DType() == tensor.Float64 {
		return runConvTranspose[float64](c, k)
	}
	return runConvTranspose[float32](c, k)
}

func runConvTranspose[T floating](c *Ctx, k *convTranspose) error {
	dts, shapes, ranked := inputs3(c)
	if k.packed != nil {
		dts[1], shapes[1], ranked[1] = tensor.Float32, k.shape, true
	}
	if err := k.check(dts, shapes, ranked); err != nil {
		return err
	}
	w, err := k.transposed(shapes[0][2:], shapes[1][2:])
	if err != nil {
		return err
	}
	var dims [tensor.MaxRank]int
	y, err := outReal[T](c, 0, dts[0], k.outShape(dims[:0], shapes[0][0], shapes[1][1], &w)...)
	if err != nil {
		return err
	}
	a := &kernel.ConvTransposeArgs[T]{Window: w, Batch: shapes[0][0], Group: k.group, Cin: shapes[0][1] / k.group, Cout: shapes[1][1],
		Y: y.data, Stop: c.Err}
	for i, data := range []*[]T{&a.X, &a.W, &a.Bias} {
		if i == 1 && k.packed != nil {
			continue
		}
		if *data, err = reals[T](c, c.In(i)); err != nil {
			return err
		}
	}
	if len(a.Y) == 0 {
		return nil
	}
	if k.packed != nil {
		if err := k.runPacked(c, any(a).(*kernel.ConvTransposeArgs[float32])); err != nil {
			return err
		}
		y.done()
		return nil
	}
	size := tensor.DTypeOf[T]().Size()
	n, err := tensor.CheckShape([]int{4 * c.Pool().Threads(), a.Block(), a.Taps(), a.OutLen()}, size)
	if err != nil {
		return err
	}
	if err := c.Memory.Reserve(n * size); err != nil {
		return err
	}
	if err := c.Memory.Reserve(a.RoomToMultiply(c.Pool())); err != nil {
		return err
	}
	if err := kernel.ConvTranspose(c.Pool(), a); err != nil {
		return err
	}
	y.done()
	return nil
}

// runPacked computes with packed weights.
func (k *convTranspose) runPacked(c *Ctx, a *kernel.ConvTransposeArgs[float32]) error {
	r := c.Local(func() any { return &kernel.ConvTransposeRun{} }).(*kernel.ConvTransposeRun)
	n, err := tensor.CheckShape([]int{c.Pool().Threads(), r.RoomForConvTranspose(a, k.packed)}, 1)
	if err != nil {
		return err
	}
	if err := c.Memory.Reserve(n); err != nil {
		return err
	}
	return kernel.ConvTransposePacked(c.Pool(), a, k.packed, r)
}
