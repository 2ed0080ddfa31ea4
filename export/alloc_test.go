//go:build !race

package export

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/kernel/alloctest"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// The race detector makes pools of memory forget at random, so it is left out.

// Once warm, a run of an export allocates nothing, its decoder's Loop included.
// The robust normalisation sorts with TopK, which takes a little.
func TestARunOfAnExportAllocatesNothing(t *testing.T) {
	for _, name := range []string{"both ways", "one way", "no norm, last, 1 and 3", "mean_std, 3 and 1, 8 heads"} {
		m := tinyModel(t, variations[name])
		c := m.Config()
		for _, opset := range []int{DefaultOpset, NewestOpset} {
			parts, err := ONNX(m, Options{Opset: opset})
			require.NoError(t, err)
			r, err := runtime.Compile(parts[0].Model, runtime.WithThreads(1))
			require.NoError(t, err)
			_, x := input(t, m, 2)
			out, err := tensor.Zeros(tensor.Float32, 2, c.Horizon, c.NumFeatures)
			require.NoError(t, err)
			in, outs := map[string]*tensor.Tensor{"x": x}, map[string]*tensor.Tensor{"forecast": out}
			require.Zero(t, alloctest.PerRun(5, func() {
				if err := r.RunInto(context.Background(), in, outs); err != nil {
					t.Error(err)
				}
			}), "%s, opset %d", name, opset)
		}
	}
}
