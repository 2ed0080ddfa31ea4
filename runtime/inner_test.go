package runtime_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// A node that runs others within itself keeps their outputs for the next run, whose
// shapes may be others although the inputs' are the same.
func TestNodesWithinANodeMeetAnotherShape(t *testing.T) {
	contrib := func(n *onnx.Node) *onnx.Node { n.Domain = "com.microsoft"; return n }
	g := &onnx.Graph{
		Inputs:       []*onnx.ValueInfo{floats("x", 4, 3), value("rows", onnx.Bool, 4)},
		Initializers: []*onnx.Tensor{num("s", .1), initializer("z", tensor.Scalar(uint8(100)))},
		Nodes: []*onnx.Node{
			op("Compress", names("x", "rows"), names("some"), onnx.AttrInt("axis", 0)),
			op("QuantizeLinear", names("some", "s", "z"), names("q")),
			contrib(op("QLinearLeakyRelu", names("q", "s", "z", "s", "z"), names("slope"), onnx.AttrFloat("alpha", .5))),
			op("DequantizeLinear", names("slope", "s", "z"), names("y")),
		},
		Outputs: []*onnx.ValueInfo{floats("y", "n", 3)},
	}
	x := tensor.Must([]float32{0, 1, 2, 3, 4, 5, -1, -2, -4, .1, .2, .3}, 4, 3)
	for _, l := range levels {
		m := compile(t, modelOf(13, g), runtime.WithLevel(l.level))
		for _, rows := range [][]bool{{true, true, false, false}, {false, false, true, false}, {true, true, true, true}, {false, false, false, false}, {false, true, false, true}} {
			var want []float32
			for i, kept := range rows {
				for _, v := range tensor.Of[float32](x)[3*i : 3*i+3] {
					if kept {
						want = append(want, max(v, v/2))
					}
				}
			}
			got, err := m.Run(context.Background(), map[string]*tensor.Tensor{"x": x, "rows": tensor.Must(rows, 4)})
			require.NoError(t, err)
			require.Equal(t, []int{len(want) / 3, 3}, []int(got["y"].Shape()))
			require.InDeltaSlice(t, want, tensor.Of[float32](got["y"]), .051, "%s, %v", l.name, rows)
		}
	}
}
