package ops

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// The figures are ONNX Runtime's.
func TestMatMulNBits(t *testing.T) {
	var x, b []float64
	for i := range 20 {
		x = append(x, float64(i%7-3)*.5)
	}
	for i := range 32 {
		b = append(b, float64((i*29+5)%256))
	}
	n := func(inputs int) *onnx.Node {
		return contribNode("MatMulNBits", inputs, 1, onnx.AttrInt("K", 20), onnx.AttrInt("N", 2), onnx.AttrInt("bits", 4), onnx.AttrInt("block_size", 16))
	}
	in := []*tensor.Tensor{tensorOf(tensor.Float32, x, 1, 20), tensorOf(tensor.Uint8, b, 2, 2, 8), tensorOf(tensor.Float32, []float64{.1, .2, .3, .4}, 4)}
	y, err := run(t, n(3), 1, in...)
	require.NoError(t, err)
	requireNear(t, []float64{1.2, 6.8}, floatsOf(t, y[0]), 1e-5)
	in = append(in, tensorOf(tensor.Uint8, []float64{0x53, 0x1c}, 2), nil, tensorOf(tensor.Float32, []float64{1, -1}, 2))
	y, err = run(t, n(6), 1, in...)
	require.NoError(t, err)
	requireNear(t, []float64{1.55, 11.6}, floatsOf(t, y[0]), 1e-5)
	in[1] = in[3]
	_, err = run(t, n(6), 1, in...)
	require.EqualError(t, err, "input 1: has shape (2), expected 16 elements for each of 2 columns")
}
