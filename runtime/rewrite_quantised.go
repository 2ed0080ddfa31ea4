package runtime

import "github.com/onda-ml/onda/ops/tensor"

// rewriteQuantisedProduct computes a product of dequantised bytes from the
// bytes, W being a constant matrix (the QDQ form):
//
//	MatMul(DequantizeLinear(q, s, z), DequantizeLinear(W, t, v))  -> MatMulIntegerToFloat(q, W, s, t, z, v)
//	Gemm(DequantizeLinear(q, s, z), DequantizeLinear(W, t, v), b) -> MatMulIntegerToFloat(q, W, s, t, z, v, b)
//
// Its sums are integers and exact, where those of float32 are rounded: a
// quantisation after it may give the next integer.
func rewriteQuantisedProduct(w *work, n *node) *node {
	if !n.is("MatMul") && !n.is("Gemm") {
		return nil
	}
	if given(n.proto, "alpha", 1) != 1 || given(n.proto, "beta", 1) != 1 || flag(n.proto, "transA") {
		return nil
	}
	x, weights := w.by(n.in[0], "DequantizeLinear"), w.dequantised[n.in[1]]
	if x == nil || weights == nil || !w.float(n.in[0]) || !w.matrix(n.in[1]) {
		return nil
	}
	q := w.facts[x.in[0]]
	if !isByte(q.DType) || !q.Ranked || len(q.Shape) < 2 || !w.single(x.in[1]) || x.input(2) >= 0 && !w.single(x.input(2)) {
		return nil
	}
	b, scale, zero, size := weights.in[0], weights.in[1], weights.input(2), w.value(n.in[1]).Dim(1)
	axis := int64(1)
	if flag(n.proto, "transB") {
		axis, size = 0, w.value(n.in[1]).Dim(0)
	}
	if !isByte(w.facts[b].DType) || attrInt(weights, "block_size") != 0 {
		return nil
	}
	for _, s := range []int{scale, zero} {
		if s < 0 || w.single(s) {
			continue
		}
		given := int64(1)
		if a := weights.proto.Attribute("axis"); a != nil {
			given = (a.I + 2) % 2
		}
		if v := w.value(s); v == nil || v.Rank() != 1 || v.Len() != size || given != axis {
			return nil
		}
	}
	bias := n.input(2)
	if bias >= 0 {
		if v := w.value(bias); v == nil || !w.float(bias) || v.Rank() != 1 || v.Len() != size {
			return nil
		}
	}
	if axis == 0 {
		t := w.value(b)
		if w.memory.lay(int64(t.Len())) != nil {
			return nil
		}
		transposed, err := transposedBytes(t)
		if err != nil {
			return nil
		}
		b = w.constant(w.g.slots[b]+".transposed", transposed)
	}
	return w.fused(n, contribDomain, "MatMulIntegerToFloat", 1, trim([]int{x.in[0], b, x.in[1], scale, x.input(2), zero, bias}))
}

func isByte(dt tensor.DType) bool { return dt == tensor.Int8 || dt == tensor.Uint8 }

// single reports whether slot s has one element.
func (w *work) single(s int) bool {
	f := w.facts[s]
	return f.Known() && tensor.Shape(f.Shape).Len() == 1
}

// transposedBytes is the transpose of a matrix of bytes.
func transposedBytes(t *tensor.Tensor) (*tensor.Tensor, error) {
	rows, columns := t.Dim(0), t.Dim(1)
	out, err := tensor.Zeros(t.DType(), columns, rows)
	if err != nil {
		return nil, err
	}
	from, to := t.Bytes(), out.Bytes()
	for i := range rows {
		for j := range columns {
			to[j*rows+i] = from[i*columns+j]
		}
	}
	return out, nil
}
