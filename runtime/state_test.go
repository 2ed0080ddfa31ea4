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

// lstmStates is PyTorch's LSTM with its states as inputs and outputs.
const lstmStates = "recurrent/lstm_states_time_first"

// Feeding a sequence one step at a time gives what the whole sequence gives, and
// nothing is allocated on the way.
func TestStateStreams(t *testing.T) {
	for _, l := range levels {
		t.Run(l.name, func(t *testing.T) {
			m, in, _ := testModel(t, lstmStates, runtime.WithThreads(1), runtime.WithLevel(l.level))
			ctx := context.Background()
			whole, err := m.Run(ctx, in)
			require.NoError(t, err)
			inputs, outputs := m.Inputs(), m.Outputs()
			x, h, c := inputs[0].Name, inputs[1].Name, inputs[2].Name
			s, err := m.NewState(map[string]string{outputs[1].Name: h, outputs[2].Name: c})
			require.NoError(t, err)
			steps, row := in[x].Dim(0), in[x].Len()/in[x].Dim(0)
			for range 2 { // Set and Reset make the stream begin again
				require.NoError(t, s.Set(h, in[h]))
				require.NoError(t, s.Set(c, in[c]))
				var got map[string]*tensor.Tensor
				for i := range steps {
					one := tensor.Must(tensor.Of[float32](in[x])[i*row:(i+1)*row], append([]int{1}, in[x].Shape()[1:]...)...)
					got, err = s.Step(ctx, map[string]*tensor.Tensor{x: one})
					require.NoError(t, err)
					y := whole[outputs[0].Name]
					n := y.Len() / steps
					want := tensor.Must(tensor.Of[float32](y)[i*n:(i+1)*n], got[outputs[0].Name].Shape()...)
					require.NoError(t, close5.Compare(got[outputs[0].Name], want), "step %d", i)
				}
				require.NoError(t, close5.Compare(got[outputs[1].Name], whole[outputs[1].Name]))
				require.NoError(t, close5.Compare(got[outputs[2].Name], whole[outputs[2].Name]))
			}
			if l.level == runtime.Optimised && !raceEnabled {
				one := map[string]*tensor.Tensor{x: tensor.Must(tensor.Of[float32](in[x])[:row], append([]int{1}, in[x].Shape()[1:]...)...)}
				require.Zero(t, alloctest.PerRun(20, func() { _, _ = s.Step(ctx, one) }))
			}
		})
	}
}

// A running sum starts at zero or at what Set gives; its errors name what is
// wrong.
func TestStateOfASum(t *testing.T) {
	g := &onnx.Graph{
		Inputs:  []*onnx.ValueInfo{floats("x", "n"), floats("before", "n")},
		Nodes:   []*onnx.Node{op("Add", names("x", "before"), names("sum"))},
		Outputs: []*onnx.ValueInfo{floats("sum", "n")},
	}
	m := compile(t, modelOf(13, g))
	ctx := context.Background()
	s, err := m.NewState(map[string]string{"sum": "before"})
	require.NoError(t, err)
	step := func(want ...float32) {
		t.Helper()
		out, err := s.Step(ctx, map[string]*tensor.Tensor{"x": tensor.Must([]float32{1, 2}, 2)})
		require.NoError(t, err)
		require.Equal(t, want, tensor.Of[float32](out["sum"]))
	}
	step(1, 2)
	step(2, 4)
	_, err = s.Step(ctx, map[string]*tensor.Tensor{"x": tensor.Must([]float32{1}, 1)})
	require.EqualError(t, err, `runtime: input "before": has shape (2), but n is 1 in another input`)
	step(3, 6)
	s.Reset()
	step(1, 2)
	require.NoError(t, s.Set("before", tensor.Must([]float32{10, 20}, 2)))
	step(11, 22)
	_, err = s.Step(ctx, map[string]*tensor.Tensor{"x": tensor.Must([]float32{1}, 1), "before": tensor.Must([]float32{1}, 1)})
	require.EqualError(t, err, `runtime: input "before" is carried from step to step and can't be given`)
	require.EqualError(t, s.Set("x", tensor.Must([]float32{1}, 1)), `runtime: input "x" is not carried from step to step`)
	for _, c := range []struct {
		feedback map[string]string
		want     string
	}{
		{map[string]string{"total": "before"}, `runtime: output "total" is unknown; the model makes "sum"`},
		{map[string]string{"sum": "after"}, `runtime: input "after" is unknown; the model takes "x", "before"`},
	} {
		_, err := m.NewState(c.feedback)
		require.EqualError(t, err, c.want)
	}
}
