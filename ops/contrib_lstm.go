package ops

import (
	"fmt"

	"github.com/onda-ml/onda/ops/kernel"
	"github.com/onda-ml/onda/ops/tensor"
)

// The inputs of DynamicQuantizeLSTM after those of LSTM.
const (
	dynWScale = inP + 1 + iota
	dynWZero
	dynRScale
	dynRZero
)

// dynamicLSTM is LSTM with 8-bit weights (directions, I, 4H) and (directions, H,
// 4H). The data are rounded to 8 bits by their range over all steps, and h before
// every step by its range over all sequences. Attribute "clip" leaves out c on its
// way to h, as it does in ONNX Runtime, whose operator this is.
type dynamicLSTM struct{ *recurrent }

func newDynamicLSTM(a *Attrs) (Kernel, error) {
	for _, i := range []int{inX, inW, inR, dynWScale, dynWZero, dynRScale, dynRZero} {
		if !a.Inputs[i] {
			return nil, fmt.Errorf("input %d is missing", i)
		}
	}
	k, err := newRecurrent(a, kernel.CellLSTM, 7, types(tensor.Float32))
	if err != nil {
		return nil, err
	}
	inner := k.(*recurrent)
	inner.quantised = true
	return dynamicLSTM{inner}, nil
}

// Prepack packs constant weights: as the integers they are, or for an LSTM with
// options as float32.
func (k dynamicLSTM) Prepack(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	for _, i := range []int{inW, inR, dynWScale, dynWZero, dynRScale, dynRZero} {
		if consts[i] == nil {
			return nil, nil, nil
		}
	}
	if k.plain() && (!k.bias || consts[inB] != nil) {
		return k.prepackIntegers(consts, memory)
	}
	passing := 8 * (consts[inW].Len() + consts[inR].Len())
	if err := memory.Reserve(passing); err != nil {
		return nil, nil, err
	}
	defer memory.Release(passing)
	w, err := k.weight(consts, inW)
	if err != nil {
		return nil, nil, err
	}
	r, err := k.weight(consts, inR)
	if err != nil {
		return nil, nil, err
	}
	inner := append([]*tensor.Tensor(nil), consts[:inP+1]...)
	inner[inW], inner[inR] = w, r
	packed, drop, err := k.recurrent.Prepack(inner, memory)
	if packed == nil || err != nil {
		return nil, nil, err
	}
	return dynamicLSTM{packed.(*recurrent)}, append(drop, dynWScale, dynWZero, dynRScale, dynRZero), nil
}

func (k dynamicLSTM) prepackIntegers(consts []*tensor.Tensor, memory Allocator) (Kernel, []int, error) {
	var shapes operands
	for _, i := range []int{inW, inR} {
		if _, _, err := k.checkConst(consts, i); err != nil {
			return nil, nil, err
		}
		s := consts[i].Shape()
		shapes[i].shape, shapes[i].ranked, shapes[i].dtype = []int{s[0], s[2], s[1]}, true, tensor.Float32
	}
	shapes.set(inB, consts[inB])
	s, err := k.sizes(&shapes)
	if err != nil {
		return nil, nil, err
	}
	room := kernel.RoomForLSTMInt8(s.I, s.H)
	all := kernel.Room{Kept: k.directions * room.Kept, Passing: k.directions * room.Passing}
	if err := reserveRoom(memory, all); err != nil {
		return nil, nil, err
	}
	inner := *k.recurrent
	inner.packed = &recurrentWeights{dtype: tensor.Float32, input: s.I, hidden: s.H}
	if consts[inW].DType() == tensor.Int8 {
		packDynamic[int8](&inner, consts)
	} else {
		packDynamic[uint8](&inner, consts)
	}
	memory.Release(all.Kept + all.Passing - inner.packed.bytes())
	drop := []int{inW, inR, dynWScale, dynWZero, dynRScale, dynRZero}
	if k.bias {
		drop = append(drop, inB)
	}
	return dynamicLSTM{&inner}, drop, nil
}

// packDynamic packs each direction's weights.
func packDynamic[T int8 | uint8](k *recurrent, consts []*tensor.Tensor) {
	w := k.packed
	for d := range k.directions {
		var b []float32
		if k.bias {
			b = part[float32](k, consts[inB], d)
		}
		w.lstm[d] = kernel.PackLSTMInt8(w.input, w.hidden,
			part[T](k, consts[inW], d), part[float32](k, consts[dynWScale], d), part[T](k, consts[dynWZero], d),
			part[T](k, consts[inR], d), part[float32](k, consts[dynRScale], d), part[T](k, consts[dynRZero], d), b)
	}
}

// part is what belongs to direction d of a tensor that has all of them first.
func part[T tensor.Elem](k *recurrent, t *tensor.Tensor, d int) []T {
	n := t.Len() / k.directions
	return tensor.Of[T](t)[d*n : (d+1)*n]
}

// checkWeight refuses weights, input i (W or R), that don't have 8 bits, or whose
// scale and zero point are neither one per direction nor one per gate unit. inner
// is the extent they sum over, Unknown where it is not known.
func (k dynamicLSTM) checkWeight(i, inner int, dt, scale, zero tensor.DType, w, ws, zs []int) error {
	at := dynWScale + 2*(i-inW)
	if err := byteTypes.check(i, dt); err != nil {
		return err
	}
	if err := types(tensor.Float32).check(at, scale); err != nil {
		return err
	}
	if err := sameAs(at+1, zero, i, dt); err != nil {
		return err
	}
	if w == nil {
		return nil
	}
	units := Unknown
	if i == inR && len(w) == 3 && w[1] >= 0 {
		units = 4 * w[1]
	}
	if k.hidden > 0 {
		units = 4 * k.hidden
	}
	if err := checkDims(i, w, k.directions, inner, units); err != nil {
		return err
	}
	for j, s := range [2][]int{ws, zs} {
		if n := tensor.Shape(s).Len(); s != nil && n != k.directions && n != k.directions*w[2] && w[2] >= 0 {
			return fmt.Errorf("input %d: has shape %v, expected (%d) or (%d, %d)", at+j, shapeOf(s), k.directions, k.directions, w[2])
		}
	}
	return nil
}

// inner is the extent that weights w sum over: I for W, H for R.
func (k dynamicLSTM) inner(i int, x, w []int) int {
	switch {
	case i == inR && k.hidden > 0:
		return k.hidden
	case i == inR && len(w) == 3:
		return max(w[2], Unknown*4) / 4
	case i == inW && len(x) == 3:
		return x[2]
	}
	return Unknown
}

// checkConst is checkWeight of tensors; it returns the scale and the zero point.
func (k dynamicLSTM) checkConst(in []*tensor.Tensor, i int) (scale, zero *tensor.Tensor, err error) {
	var x []int
	if in[inX] != nil {
		x = in[inX].Shape()
	}
	w := in[i]
	scale, zero = in[dynWScale+2*(i-inW)], in[dynWZero+2*(i-inW)]
	return scale, zero, k.checkWeight(i, k.inner(i, x, w.Shape()), w.DType(), scale.DType(), zero.DType(), w.Shape(), scale.Shape(), zero.Shape())
}

// weight is W or R as real numbers in LSTM's order (directions, 4H, ...).
func (k dynamicLSTM) weight(in []*tensor.Tensor, i int) (*tensor.Tensor, error) {
	scale, zero, err := k.checkConst(in, i)
	if err != nil {
		return nil, err
	}
	w := in[i]
	rows, columns := w.Dim(1), w.Dim(2)
	y, err := tensor.Zeros(tensor.Float32, k.directions, columns, rows)
	if err != nil {
		return nil, err
	}
	each := func(t *tensor.Tensor, d int) (from, to int) {
		n := t.Len() / k.directions
		return d * n, (d + 1) * n
	}
	wide := make([]float32, rows*columns)
	for d := range k.directions {
		from, to := d*rows*columns, (d+1)*rows*columns
		sf, st := each(scale, d)
		zf, zt := each(zero, d)
		scales := tensor.Of[float32](scale)[sf:st]
		if w.DType() == tensor.Int8 {
			kernel.DequantizeColumns(wide, tensor.Of[int8](w)[from:to], columns, scales, tensor.Of[int8](zero)[zf:zt])
		} else {
			kernel.DequantizeColumns(wide, tensor.Of[uint8](w)[from:to], columns, scales, tensor.Of[uint8](zero)[zf:zt])
		}
		kernel.Transpose2D(tensor.Of[float32](y)[from:to], wide, rows, columns)
	}
	return y, nil
}

func (k dynamicLSTM) Infer(c *Infer) error {
	inner := Infer{in: append([]Fact(nil), c.in...), has: c.has, out: c.out}
	for _, i := range []int{inW, inR} {
		if k.packed != nil || !c.Has(i) {
			continue
		}
		w, s, z := c.In(i), c.In(dynWScale+2*(i-inW)), c.In(dynWZero+2*(i-inW))
		f := Fact{DType: tensor.Float32, Ranked: w.Ranked}
		var shape []int
		if w.Ranked {
			shape = append([]int{}, w.Shape...)
		}
		if err := k.checkWeight(i, k.inner(i, c.In(inX).Shape, shape), w.DType, s.DType, z.DType, shape, s.Shape, z.Shape); err != nil {
			return err
		}
		if w.Ranked {
			f.Shape = []int{w.Shape[0], w.Shape[2], w.Shape[1]}
		}
		inner.in[i] = f
	}
	return k.recurrent.Infer(&inner)
}

func (k dynamicLSTM) Run(c *Ctx) error {
	x := c.In(inX)
	if err := types(tensor.Float32).check(inX, x.DType()); err != nil {
		return err
	}
	if k.packed != nil && k.packed.lstm[0] != nil {
		return k.recurrent.Run(c)
	}
	inner := *c
	inner.Inputs = append([]tensor.Value(nil), c.Inputs...)
	rounded, err := c.Memory.New(tensor.Float32, x.Shape())
	if err != nil {
		return err
	}
	kernel.RoundToRange(tensor.Of[float32](rounded), tensor.Of[float32](x))
	inner.Inputs[inX] = rounded
	if k.packed == nil {
		in := make([]*tensor.Tensor, dynRZero+1)
		for i := range in {
			in[i] = c.In(i)
		}
		for _, i := range []int{inW, inR} {
			if err := c.Memory.Reserve(8 * in[i].Len()); err != nil {
				return err
			}
			w, err := k.weight(in, i)
			if err != nil {
				return err
			}
			inner.Inputs[i] = w
		}
	}
	return k.recurrent.Run(&inner)
}
