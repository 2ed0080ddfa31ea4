package runtime_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/testmodels"
)

// Smaller weights change what a forecaster says by little: bfloat16 keeps 8 bits
// of a weight, int8 7 bits of it and of the data.
func TestWithWeights(t *testing.T) {
	for _, name := range []string{testmodels.AirPassengers, "recurrent/lstm_forecaster", "recurrent/gru_forecaster", "seq2seq/traced", "seq2seq/loop_cells", "recurrent/lstm_stacked_bidirectional"} {
		t.Run(name, func(t *testing.T) {
			m, in, _ := testModel(t, name)
			want, err := m.Run(context.Background(), in)
			require.NoError(t, err)
			last := 0.0
			for _, c := range []struct {
				weights runtime.Weights
				most    float64 // of the largest output
			}{{runtime.BFloat16, 0.02}, {runtime.Int8, 0.05}} {
				small, _, _ := testModel(t, name, runtime.WithWeights(c.weights))
				got, err := small.Run(context.Background(), in)
				require.NoError(t, err)
				var difference, largest float64
				for key, y := range want {
					a, b := tensor.Of[float32](y), tensor.Of[float32](got[key])
					for i := range a {
						difference = max(difference, math.Abs(float64(a[i])-float64(b[i])))
						largest = max(largest, math.Abs(float64(a[i])))
					}
				}
				require.NotZero(t, difference, "the option does something")
				require.NotEqual(t, last, difference)
				require.LessOrEqual(t, difference, c.most*largest)
				last = difference
			}
		})
	}
	_, err := runtime.Compile(modelOf(13, chain(1, "Exp")), runtime.WithWeights(7))
	require.EqualError(t, err, "runtime: weights of type 7, expected Float32, BFloat16 or Int8")
}
