package runtime

import (
	"math"
	"slices"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// rewriteConvBatchNorm folds a batch normalisation after a convolution into the
// convolution's weights:
//
//	BatchNormalization(Conv(x, W, b)) -> Conv(x, W*s, (b-mean)*s+beta), s = gamma/sqrt(var+eps)
func rewriteConvBatchNorm(w *work, n *node) *node {
	if !n.is("BatchNormalization") {
		return nil
	}
	conv := w.inner(n.in[0], "Conv")
	if conv == nil || !w.float(conv.in[0]) {
		return nil
	}
	weights := w.value(conv.in[1])
	if weights == nil || !w.float(conv.in[1]) || weights.Rank() < 3 || weights.Len() == 0 {
		return nil
	}
	channels := weights.Dim(0)
	bias := make([]float32, channels)
	if s := conv.input(2); s >= 0 {
		b := w.value(s)
		if b == nil || b.DType() != tensor.Float32 || b.Len() != channels {
			return nil
		}
		copy(bias, tensor.Of[float32](b))
	}
	factor, shift, _ := w.normalisation(n, channels)
	if factor == nil || w.memory.lay(int64(4*weights.Len())) != nil {
		return nil
	}
	scaled := weights.Clone()
	data, size := tensor.Of[float32](scaled), weights.Len()/channels
	for c, s := range factor {
		for i := range size {
			data[c*size+i] = float32(float64(data[c*size+i]) * s)
		}
		bias[c] = float32(float64(bias[c])*s + shift[c])
	}
	name := w.g.slots[conv.in[1]]
	in := []int{conv.in[0], w.constant(name+".normalised", scaled), w.constant(name+".bias", tensor.Must(bias, channels))}
	return w.fused(n, "", "Conv", conv.opset, in, conv.proto.Attributes...)
}

// rewriteConvActivation lets a convolution end with the activation after it.
func rewriteConvActivation(w *work, n *node) *node {
	name, x := "", n.input(0)
	var params []float32
	switch {
	case len(n.out) != 1:
		return nil
	case n.is("Relu"), n.is("Sigmoid"), n.is("Tanh"), n.is("HardSwish"):
		name = n.proto.OpType
	case n.is("LeakyRelu"):
		name, params = "LeakyRelu", []float32{given(n.proto, "alpha", 0.01), 0}
	case n.is("HardSigmoid"):
		name, params = "HardSigmoid", []float32{given(n.proto, "alpha", 0.2), given(n.proto, "beta", 0.5)}
	case n.is("Clip"):
		lo, hi, ok := w.limits(n)
		if !ok {
			return nil
		}
		name, params = "Clip", []float32{lo, hi}
	case n.is("Mul"): // x * sigmoid(x)
		for i := range 2 {
			if s := w.inner(n.in[i], "Sigmoid"); s != nil && s.in[0] == n.in[1-i] && w.reads[s.in[0]] == 2 {
				name, x = "Silu", s.in[0]
			}
		}
	}
	if name == "" || x < 0 || name != "Silu" && w.reads[x] != 1 {
		return nil
	}
	conv := w.convolution(x)
	if conv == nil {
		return nil
	}
	attrs := append([]*onnx.Attribute{onnx.AttrString("activation", name), onnx.AttrFloats("activation_params", params...)}, conv.proto.Attributes...)
	return w.own(n, "Conv", conv.in, attrs...)
}

// winogradLeast is for how many outputs of a channel transforms pay.
const winogradLeast = 25

// rewriteConvWinograd lets convolutions of constant 3x3 weights multiply less, where
// an output's rounding is relative to inputs around those that it reads:
//
//	Conv(x, W, b) -> Conv(x, W, b), winograd
func rewriteConvWinograd(w *work, n *node) *node {
	own := n.isOwn("Conv")
	if len(n.in) < 2 || !own && !n.is("Conv") || n.packed != 0 || !w.float(n.out[0]) || n.proto.Attribute(ops.WinogradAttribute) != nil {
		return nil
	}
	weights := w.value(n.in[1])
	if weights == nil || weights.Rank() != 4 || weights.Dim(2) != 3 || weights.Dim(3) != 3 {
		return nil
	}
	if a := n.proto.Attribute("group"); a != nil && a.I != 1 {
		return nil
	}
	for _, name := range []string{"strides", "dilations"} {
		if a := n.proto.Attribute(name); a != nil && slices.ContainsFunc(a.Ints, func(i int64) bool { return i != 1 }) {
			return nil
		}
	}
	if y := w.facts[n.out[0]]; y.Ranked && len(y.Shape) == 4 && y.Shape[2] >= 0 && y.Shape[3] >= 0 && max(y.Shape[0], 1)*y.Shape[2]*y.Shape[3] < winogradLeast {
		return nil
	}
	return w.own(n, "Conv", n.in, append([]*onnx.Attribute{onnx.AttrInt(ops.WinogradAttribute, 1)}, n.proto.Attributes...)...)
}

// limits are those of a Clip, if they are constants.
func (w *work) limits(n *node) (lo, hi float32, ok bool) {
	limits := [2]float32{-math.MaxFloat32, math.MaxFloat32}
	if n.version.Since < 11 {
		return given(n.proto, "min", limits[0]), given(n.proto, "max", limits[1]), true
	}
	for i := range limits {
		if s := n.input(1 + i); s >= 0 {
			v := w.value(s)
			if v == nil || v.DType() != tensor.Float32 || v.Len() != 1 {
				return 0, 0, false
			}
			limits[i] = tensor.Of[float32](v)[0]
		}
	}
	return limits[0], limits[1], true
}

// convolution is the node that makes slot s if it is a convolution of float32 that
// could do more with its sums.
func (w *work) convolution(s int) *node {
	conv := w.producer(s)
	if conv == nil || len(conv.out) != 1 || conv.packed != 0 || !w.float(s) {
		return nil
	}
	if conv.is("Conv") || conv.isOwn("Conv") && conv.proto.Attribute("activation") == nil {
		return conv
	}
	return nil
}

// rewriteConvAdd lets a convolution add what is added to its output, where that has
// the same shape:
//
//	Add(Conv(x, W, b), z) -> Conv(x, W, b, z)
func rewriteConvAdd(w *work, n *node) *node {
	if !n.is("Add") || n.version.Since < 7 || n.in[0] == n.in[1] {
		return nil
	}
	for i := range 2 {
		conv, z := w.convolution(n.in[i]), n.in[1-i]
		if conv == nil || w.reads[n.in[i]] != 1 || conv.input(3) >= 0 || !w.float(z) || !w.alike(n.in[i], z) {
			continue
		}
		return w.own(n, "Conv", []int{conv.in[0], conv.in[1], conv.input(2), z}, conv.proto.Attributes...)
	}
	return nil
}

// alike reports whether two values surely have the same shape, where of the first
// axis only its origin may be known.
func (w *work) alike(a, b int) bool {
	f, g := w.facts[a], w.facts[b]
	if !f.Ranked || !g.Ranked || len(f.Shape) != len(g.Shape) || len(f.Shape) < 2 {
		return false
	}
	for i, n := range f.Shape[1:] {
		if n < 0 || n != g.Shape[1+i] {
			return false
		}
	}
	if f.Shape[0] >= 0 && g.Shape[0] >= 0 {
		return f.Shape[0] == g.Shape[0]
	}
	if w.origins == nil {
		w.origins = map[int]int{}
	}
	return w.batch(a, 0) == w.batch(b, 0)
}

// batch is a slot from which s has its first axis.
func (w *work) batch(s, depth int) int {
	if from, ok := w.origins[s]; ok {
		return from
	}
	from := s
	if n := w.producer(s); n != nil && len(n.in) > 0 && n.in[0] >= 0 && depth < 1<<12 {
		switch {
		case n.byElement():
			from = w.batch(n.in[0], depth+1)
		case (n.is("Add") || n.is("Mul")) && w.facts[n.in[0]].Ranked && w.facts[n.in[1]].Ranked && len(w.facts[n.in[0]].Shape) == len(w.facts[n.in[1]].Shape):
			if first := w.batch(n.in[0], depth+1); first == w.batch(n.in[1], depth+1) {
				from = first
			}
		}
	}
	w.origins[s] = from
	return from
}

// rewriteBatchNormRelu joins a batch normalisation that no convolution takes in with
// the Relu after it.
func rewriteBatchNormRelu(w *work, n *node) *node {
	if !n.is("Relu") {
		return nil
	}
	norm := w.inner(n.in[0], "BatchNormalization")
	if norm == nil || flag(norm.proto, "training_mode") || norm.version.Since < 9 || len(norm.in) != 5 {
		return nil
	}
	for _, s := range norm.in {
		if !w.float(s) {
			return nil
		}
	}
	return w.own(n, "BatchNormalization", norm.in, onnx.AttrFloat("epsilon", given(norm.proto, "epsilon", 1e-5)))
}
