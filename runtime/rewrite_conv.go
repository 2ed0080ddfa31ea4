package runtime

import (
	"math"

	"github.com/onda-ml/onda/ops/tensor"
)

// rewriteConvBatchNorm folds a batch normalisation after a convolution into the
// convolution's weights:
//
//	BatchNormalization(Conv(x, W, b)) -> Conv(x, W*s, (b-mean)*s+beta), s = gamma/sqrt(var+eps)
func rewriteConvBatchNorm(w *work, n *node) *node {
	if !n.is("BatchNormalization") || !n.only() || len(n.in) != 5 || flag(n.proto, "training_mode") || n.version.Since < 7 {
		return nil
	}
	conv := w.inner(n.in[0], "Conv")
	if conv == nil || !w.float(conv.in[0]) {
		return nil
	}
	if a := n.proto.Attribute("spatial"); a != nil && a.I == 0 {
		return nil
	}
	weights := w.value(conv.in[1])
	if weights == nil || !w.float(conv.in[1]) || weights.Rank() < 3 || weights.Len() == 0 {
		return nil
	}
	channels := weights.Dim(0)
	var norm [4][]float32 // gamma, beta, mean, variance
	for i := range norm {
		v := w.value(n.in[1+i])
		if v == nil || v.DType() != tensor.Float32 || v.Len() != channels {
			return nil
		}
		norm[i] = tensor.Of[float32](v)
	}
	bias := make([]float32, channels)
	if s := conv.input(2); s >= 0 {
		b := w.value(s)
		if b == nil || b.DType() != tensor.Float32 || b.Len() != channels {
			return nil
		}
		copy(bias, tensor.Of[float32](b))
	}
	if w.memory.lay(int64(4*weights.Len())) != nil {
		return nil
	}
	scaled := weights.Clone()
	data, size := tensor.Of[float32](scaled), weights.Len()/channels
	eps := float64(given(n.proto, "epsilon", 1e-5))
	for c := range channels {
		s := float64(norm[0][c]) / math.Sqrt(float64(norm[3][c])+eps)
		for i := range size {
			data[c*size+i] = float32(float64(data[c*size+i]) * s)
		}
		bias[c] = float32((float64(bias[c])-float64(norm[2][c]))*s + float64(norm[1][c]))
	}
	name := w.g.slots[conv.in[1]]
	in := []int{conv.in[0], w.constant(name+".normalised", scaled), w.constant(name+".bias", tensor.Must(bias, channels))}
	return w.fused(n, "", "Conv", conv.opset, in, conv.proto.Attributes...)
}
