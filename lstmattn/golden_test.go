package lstmattn_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
)

// The golden states are PyTorch's: the forecast of the twin module, autograd's
// gradient of every parameter, ten AdamW steps. testmodels/scripts/
// make_training.py makes them.
func TestPyTorchsGoldenStates(t *testing.T) {
	folders, err := filepath.Glob("testdata/golden/*")
	require.NoError(t, err)
	require.Len(t, folders, 7)
	for _, dir := range folders {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			load := func(sub string) *lstmattn.Model {
				m, err := export.Load(filepath.Join(dir, sub))
				require.NoError(t, err)
				return m
			}
			m, gradient, after := load(""), load("gradient"), load("after")
			data, err := os.ReadFile(filepath.Join(dir, "golden.json"))
			require.NoError(t, err)
			var golden struct {
				X, Target, Forecast  []float32
				Past, Future, Static []float32
				Losses               []float64
			}
			require.NoError(t, json.Unmarshal(data, &golden))
			ctx := context.Background()
			f, err := m.Forecast(ctx, golden.X, &lstmattn.Options{Past: golden.Past, Future: golden.Future, Static: golden.Static})
			require.NoError(t, err)
			require.InDeltaSlice(t, golden.Forecast, f.Values, 1e-5)

			batch := &lstmattn.Batch{Size: f.Batch, X: golden.X, Target: golden.Target, Past: golden.Past, Future: golden.Future, Static: golden.Static}
			optimizer := lstmattn.NewAdamW()
			optimizer.LearningRate = 1e-2
			grad := m.Params().NewGradient()
			require.Len(t, golden.Losses, 10)
			for step, want := range golden.Losses {
				clear(grad.Data)
				loss, err := m.GradientBatch(ctx, grad, batch, lstmattn.Loss{Kind: m.Config().Head.OwnLoss()}, nil)
				require.NoError(t, err)
				require.InDelta(t, want, loss, 2e-5*want, "loss of step %d", step)
				if step == 0 {
					requireSameTensors(t, gradient.Params(), grad, 1e-5)
				}
				lstmattn.ClipGradient(grad.Data, 1)
				require.NoError(t, optimizer.Step(m.Params().Data, grad.Data))
				require.NoError(t, m.Pack())
			}
			// A bias of all keys shifts every score alike, so its gradient is rounding
			// alone, which AdamW turns into steps of full size: nothing to compare.
			H := m.Config().HiddenSize
			bias := "attention.in_proj_bias"
			if view := m.Params().View(bias); view != nil {
				copy(view[H:2*H], after.Params().View(bias)[H:])
			}
			requireSameTensors(t, after.Params(), m.Params(), 1e-4)
		})
	}
}

// requireSameTensors compares every parameter within tolerance times its
// largest element, and names the worst element of the worst tensor.
func requireSameTensors(t *testing.T, want, got *lstmattn.Params, tolerance float64) {
	t.Helper()
	for _, row := range want.Table() {
		w, g := want.View(row.Name), got.View(row.Name)
		var largest, worst float64
		var at int
		for i := range w {
			largest = math.Max(largest, math.Abs(float64(w[i])))
			if d := math.Abs(float64(w[i]) - float64(g[i])); d > worst || math.IsNaN(d) {
				worst, at = d, i
			}
		}
		require.LessOrEqual(t, worst, tolerance*largest, "%s: largest difference at element %d, %v instead of %v", row.Name, at, g[at], w[at])
	}
}
