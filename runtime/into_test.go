package runtime_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/kernel/alloctest"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// A warm RunInto allocates nothing, for every kind of graph whose sizes follow
// from its inputs' shapes.
func TestRunIntoAllocatesNothing(t *testing.T) {
	for _, name := range []string{"recurrent/lstm_forecaster", "recurrent/lstm_stacked_bidirectional", "recurrent/gru_forecaster", "seq2seq/traced", "transformer/relu_post_norm", "temporal/dlinear_opset17", "quantised/dlinear_qdq"} {
		t.Run(name, func(t *testing.T) {
			m, in, want := testModel(t, name, runtime.WithThreads(1))
			out := map[string]*tensor.Tensor{}
			for k, v := range want {
				var err error
				out[k], err = tensor.Zeros(v.DType(), v.Shape()...)
				require.NoError(t, err)
			}
			ctx := context.Background()
			require.NoError(t, m.RunInto(ctx, in, out))
			for k := range want {
				require.NoError(t, close5.Compare(out[k], want[k]))
			}
			if raceEnabled {
				return
			}
			require.Zero(t, alloctest.PerRun(20, func() { _ = m.RunInto(ctx, in, out) }))
		})
	}
}

// y = x + 1, z = y * y; every output may go where an input or another comes
// from.
func TestRunIntoMemoryOfTheCallers(t *testing.T) {
	g := &onnx.Graph{
		Inputs:       []*onnx.ValueInfo{floats("x", "n")},
		Initializers: []*onnx.Tensor{initializer("one", tensor.Scalar[float32](1))},
		Nodes:        []*onnx.Node{op("Add", names("x", "one"), names("y")), op("Mul", names("y", "x"), names("z"))},
		Outputs:      []*onnx.ValueInfo{floats("y", "n"), floats("z", "n")},
	}
	for _, l := range levels {
		t.Run(l.name, func(t *testing.T) {
			m := compile(t, modelOf(13, g), runtime.WithLevel(l.level))
			ctx := context.Background()
			x, z := tensor.Must([]float32{1, 2}, 2), tensor.Must([]float32{0, 0}, 2)
			require.NoError(t, m.RunInto(ctx, map[string]*tensor.Tensor{"x": x}, map[string]*tensor.Tensor{"y": x, "z": z}))
			require.Equal(t, []float32{2, 3}, tensor.Of[float32](x), "y takes x's memory, which z is computed from as well")
			require.Equal(t, []float32{2, 6}, tensor.Of[float32](z))
			for _, c := range []struct {
				in, out map[string]*tensor.Tensor
				want    string
			}{
				{map[string]*tensor.Tensor{"x": x}, map[string]*tensor.Tensor{"y": tensor.Must([]float32{0}, 1)}, `runtime: output "y" is float(2), there is room for float(1)`},
				{map[string]*tensor.Tensor{"x": x}, map[string]*tensor.Tensor{"w": z}, `runtime: output "w" is unknown; the model makes "y", "z"`},
				{map[string]*tensor.Tensor{"x": x, "w": x}, map[string]*tensor.Tensor{"y": z}, `runtime: input "w" is unknown; the model takes "x"`},
				{nil, map[string]*tensor.Tensor{"y": z}, `runtime: input "x" is missing; the model takes "x"`},
				{map[string]*tensor.Tensor{"x": tensor.Must([]int64{0}, 1)}, map[string]*tensor.Tensor{"y": z}, `runtime: input "x": has type int64, expected float`},
			} {
				require.EqualError(t, m.RunInto(ctx, c.in, c.out), c.want)
			}
		})
	}
}
