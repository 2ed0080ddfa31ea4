package export

import (
	"math"

	"github.com/onda-ml/onda/onnx"
)

// attentionOp says whether the opset has the Attention operator.
func (b *body) attentionOp() bool { return b.options.Opset >= 23 }

// attentionWeights are the input projection's rows of q, k or v (part 0, 1, 2)
// and their bias.
func (b *body) attentionWeights(part int) (weight, bias []float32) {
	p, H := b.params, b.config.HiddenSize
	bias = p.View("attention.in_proj_bias")[part*H : (part+1)*H]
	if all := p.View("attention.in_proj_weight"); all != nil {
		return all[part*H*H : (part+1)*H*H], bias
	}
	return p.View([]string{"attention.q_proj_weight", "attention.k_proj_weight", "attention.v_proj_weight"}[part]), bias
}

// project is the queries, keys or values of x (N, steps, width), by head.
func (b *body) project(name, x string, part int, perm []int64) string {
	H, heads := b.config.HiddenSize, int64(b.config.NumAttentionHeads)
	weight, bias := b.attentionWeights(part)
	y := b.affine(name+".all", x, "attention."+name, turned(weight, H), bias)
	y = b.reshape(name+".heads", y, "heads_shape", 0, 0, heads, int64(H)/heads)
	return b.transpose(name, y, perm...)
}

// look is the attention of queries by head (N, heads, queries, width): what it
// mixed, in the same shape, and the weights (N, heads, queries, S); "" where the
// operator gives none unasked.
func (b *body) look(queries string, e encoded) (mixed, weights string) {
	scale := float32(1 / math.Sqrt(float64(b.config.HiddenSize/b.config.NumAttentionHeads)))
	if b.attentionOp() {
		inputs, factor := []string{queries, e.keys, e.values}, onnx.AttrFloat("scale", scale)
		if !b.options.Attention {
			return b.op("Attention", "attention.mixed", inputs, factor), ""
		}
		out := b.ops("Attention", inputs, []string{"attention.mixed", "", "", "attention.weights"}, factor, onnx.AttrInt("qk_matmul_output_mode", 3))
		return out[0], out[3]
	}
	scores := b.op("MatMul", "attention.scores", []string{queries, e.keys})
	scaled := b.op("Mul", "attention.scaled", []string{scores, b.floats("attention.scale", []float32{scale})})
	weights = b.op("Softmax", "attention.weights", []string{scaled}, onnx.AttrInt("axis", -1))
	return b.op("MatMul", "attention.mixed", []string{weights, e.values}), weights
}
