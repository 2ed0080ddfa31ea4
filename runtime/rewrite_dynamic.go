package runtime

import (
	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

const contribDomain = "com.microsoft"

// rewriteDynamicProduct makes one node of a product with 8-bit weights as ONNX
// Runtime's dynamic quantiser writes it, W being a constant matrix:
//
//	q, s, z = DynamicQuantizeLinear(x)
//	Mul(Cast(MatMulInteger(q, W, z, zero)), Mul(s, scale)) -> DynamicQuantizeMatMul(x, W, scale, zero)
//	Add(DynamicQuantizeMatMul(x, W, scale, zero), b)       -> DynamicQuantizeMatMul(x, W, scale, zero, b)
func rewriteDynamicProduct(w *work, n *node) *node {
	switch {
	case n.is("Mul"):
		for i := range 2 {
			cast := w.inner(n.in[i], "Cast")
			if cast == nil || onnx.DataType(attrInt(cast, "to")) != onnx.Float {
				continue
			}
			p, scales := w.inner(cast.in[0], "MatMulInteger"), w.by(n.in[1-i], "Mul")
			if p == nil || scales == nil || !w.integerMatrix(p.input(1)) {
				continue
			}
			q := w.producer(p.in[0])
			if q == nil || !q.is("DynamicQuantizeLinear") || p.in[0] != q.out[0] || len(q.out) < 3 || p.input(2) != q.out[2] {
				continue
			}
			for j := range 2 {
				if scale := w.value(scales.in[1-j]); scales.in[j] == q.out[1] && scale != nil && scale.Rank() <= 1 {
					return w.fused(n, contribDomain, "DynamicQuantizeMatMul", 1, trim([]int{q.in[0], p.in[1], scales.in[1-j], p.input(3)}))
				}
			}
		}
	case n.is("Add"):
		for i := range 2 {
			s := n.in[i]
			if s < 0 || w.reads[s] != 1 {
				continue
			}
			p := w.producer(s)
			if p == nil || p.proto.Domain != contribDomain || p.proto.OpType != "DynamicQuantizeMatMul" || p.replaced || p.input(4) >= 0 || !w.integerMatrix(p.input(1)) {
				continue
			}
			x, b := w.facts[p.in[0]], w.value(n.in[1-i])
			if b != nil && b.Rank() == 1 && b.Len() == w.value(p.in[1]).Dim(1) && b.DType() == tensor.Float32 && x.Ranked && len(x.Shape) > 0 {
				return w.fused(n, contribDomain, "DynamicQuantizeMatMul", 1, []int{p.in[0], p.in[1], p.input(2), p.input(3), n.in[1-i]})
			}
		}
	}
	return nil
}

// integerMatrix reports whether slot s is a constant matrix of bytes.
func (w *work) integerMatrix(s int) bool {
	v := w.value(s)
	return v != nil && v.Rank() == 2 && v.Len() > 0 && (v.DType() == tensor.Int8 || v.DType() == tensor.Uint8)
}

func attrInt(n *node, name string) int64 {
	if a := n.proto.Attribute(name); a != nil {
		return a.I
	}
	return 0
}
