package ops

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// The figures are ONNX Runtime's.
func TestContribFused(t *testing.T) {
	f := func(shape []int, v ...float64) *tensor.Tensor { return tensorOf(tensor.Float32, v, shape...) }
	gemm := []*tensor.Tensor{f([]int{2, 2}, 1, -2, .5, 3), f([]int{2, 3}, 2, -1, .5, .25, 1.5, -3), f([]int{3}, .5, -1, 2)}
	conv := []*tensor.Tensor{f([]int{1, 1, 4}, 1, -2, .5, 3), f([]int{2, 1, 2}, 1, -1, .5, 2), f([]int{2}, .25, -.5),
		f([]int{1, 2, 3}, 1, -1, .5, -2, 0, 1)}
	for _, c := range []struct {
		name  string
		attrs []*onnx.Attribute
		in    []*tensor.Tensor
		want  []float64
	}{
		{"FusedGemm", []*onnx.Attribute{onnx.AttrString("activation", "Relu"), onnx.AttrFloat("alpha", 0.5), onnx.AttrFloat("beta", 2.0)}, gemm, []float64{1.75, 0.0, 7.25, 1.875, 0.0, 0.0}},
		{"FusedGemm", []*onnx.Attribute{onnx.AttrString("activation", "LeakyRelu"), onnx.AttrFloat("alpha", 0.5), onnx.AttrFloat("beta", 2.0), onnx.AttrFloat("activation_alpha", 0.3)}, gemm, []float64{1.75, -1.2, 7.25, 1.875, 0.0, -0.1125}},
		{"FusedGemm", []*onnx.Attribute{onnx.AttrString("activation", "Elu"), onnx.AttrFloat("alpha", 0.5), onnx.AttrFloat("beta", 2.0), onnx.AttrFloat("activation_alpha", 0.7)}, gemm, []float64{1.75, -0.6871791, 7.25, 1.875, 0.0, -0.2188975}},
		{"FusedGemm", []*onnx.Attribute{onnx.AttrString("activation", "HardSigmoid"), onnx.AttrFloat("alpha", 0.5), onnx.AttrFloat("beta", 2.0), onnx.AttrFloat("activation_alpha", 0.3), onnx.AttrFloat("activation_beta", 0.4)}, gemm, []float64{0.9250001, 0.0, 1.0, 0.9625, 0.4, 0.2875}},
		{"FusedGemm", []*onnx.Attribute{onnx.AttrString("activation", "Softsign"), onnx.AttrFloat("alpha", 0.5), onnx.AttrFloat("beta", 2.0)}, gemm, []float64{0.6363636, -0.8, 0.8787879, 0.6521739, 0.0, -0.2727273}},
		{"FusedConv", []*onnx.Attribute{onnx.AttrString("activation", "Relu")}, conv, []float64{4.25, 0.0, 0.0, 0.0, 0.0, 6.75}},
		{"FusedConv", []*onnx.Attribute{onnx.AttrString("activation", "Clip"), onnx.AttrFloats("activation_params", -0.5, 1.5)}, conv[:3], []float64{1.5, -0.5, -0.5, -0.5, -0.5, 1.5}},
		{"FusedConv", []*onnx.Attribute{onnx.AttrString("activation", "Tanh")}, conv[:3], []float64{0.9969977, -0.9780262, -0.9780262, -0.9993292, -0.4621172, 0.9999799}},
		{"FusedConv", []*onnx.Attribute{onnx.AttrString("activation", "LeakyRelu"), onnx.AttrFloats("activation_params", 0.3)}, conv[:3], []float64{3.25, -0.675, -0.675, -1.2, -0.15, 5.75}},
		{"Gelu", []*onnx.Attribute{}, gemm[:1], []float64{0.8413447, -0.04550028, 0.3457312, 2.99595}},
		{"QuickGelu", []*onnx.Attribute{}, gemm[:1], []float64{0.8457958, -0.06434137, 0.3503884, 2.981929}},
		{"QuickGelu", []*onnx.Attribute{onnx.AttrFloat("alpha", 1.0)}, gemm[:1], []float64{0.7310586, -0.2384058, 0.3112296, 2.857722}},
	} {
		y, err := run(t, contribNode(c.name, len(c.in), 1, c.attrs...), 1, c.in...)
		require.NoError(t, err)
		requireNear(t, c.want, floatsOf(t, y[0]), 1e-6)
	}
	_, err := run(t, contribNode("FusedConv", 4, 1), 1, conv[0], conv[1], conv[2], gemm[0])
	require.EqualError(t, err, "input 3: has shape (2, 2), expected (1, 2, 3)")
	_, err = run(t, contribNode("FusedGemm", 3, 1, onnx.AttrString("activation", "Swish")), 1, gemm...)
	require.EqualError(t, err, `attribute "activation": is "Swish": unsupported`)
}
