package runtime_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/runtime/onnxtest"
	"github.com/onda-ml/onda/testmodels"
)

// A node that leaves out one of its inputs, or all from one on, runs or is refused
// with a reason, whichever operator it has.
func TestInputsLeftOut(t *testing.T) {
	seen := 0
	for _, c := range testmodels.Cases() {
		model, err := onnx.LoadFS(testmodels.FS(), c.Model())
		require.NoError(t, err, c.Name)
		if len(model.Graph.Nodes) != 1 || len(c.Sets) == 0 {
			continue
		}
		inputs, _, err := onnxtest.ReadSet(testmodels.FS(), c.Sets[0], model)
		require.NoError(t, err, c.Name)
		node := model.Graph.Nodes[0]
		whole := node.Inputs
		for i := range whole {
			short := slices.Clone(whole)
			short[i] = ""
			for _, names := range [][]string{short, whole[:i]} {
				node.Inputs = names
				seen++
				for _, l := range levels {
					m, err := runtime.Compile(model, runtime.WithLevel(l.level))
					if err == nil {
						ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond) // a Loop may have no end now
						_, err = m.RunValues(ctx, inputs)
						cancel()
					}
					assert.NotErrorIs(t, err, runtime.ErrInternal, "%s: %s with inputs %q", c.Name, node.OpType, names)
				}
			}
		}
		node.Inputs = whole
	}
	require.Greater(t, seen, 100)
}

// An output that has a name but no reader need not be made, also where nobody knows
// the size of anything before the run.
func TestOutputsThatNobodyReads(t *testing.T) {
	weights := func(shape ...int) *tensor.Tensor {
		v := must(tensor.Zeros(tensor.Float32, shape...))
		for i := range tensor.Of[float32](v) {
			tensor.Of[float32](v)[i] = .1 // far from where activations are flat
		}
		return v
	}
	for opType, gates := range map[string]int{"LSTM": 4, "GRU": 3, "RNN": 1} {
		g := &onnx.Graph{
			Inputs:       []*onnx.ValueInfo{floats("x", 4, 1, 2), value("rows", onnx.Bool, 4)},
			Initializers: []*onnx.Tensor{initializer("w", weights(1, gates*3, 2)), initializer("r", weights(1, gates*3, 3))},
			Nodes: []*onnx.Node{
				op("Compress", names("x", "rows"), names("some"), onnx.AttrInt("axis", 0)),
				op(opType, names("some", "w", "r"), names("unread", "h"), onnx.AttrInt("hidden_size", 3)),
			},
			Outputs: []*onnx.ValueInfo{floats("h", 1, 1, 3)},
		}
		var models []*runtime.Model
		for _, l := range levels {
			models = append(models, compile(t, modelOf(14, g), runtime.WithLevel(l.level)))
		}
		for _, rows := range [][]bool{{true, true, false, true}, {false, false, true, false}} {
			in := map[string]*tensor.Tensor{"x": tensor.Must([]float32{1, 2, 3, 4, 5, 6, 7, 8}, 4, 1, 2), "rows": tensor.Must(rows, 4)}
			var want *tensor.Tensor
			for i, l := range levels {
				got, err := models[i].Run(context.Background(), in)
				require.NoError(t, err, "%s, %s", opType, l.name)
				if want == nil {
					want = got["h"]
				}
				require.NoError(t, close5.Compare(got["h"], want), "%s, %s", opType, l.name)
			}
		}
	}
}
