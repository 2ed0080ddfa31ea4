package export

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/nlpodyssey/safetensors"
	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
)

// Models that PyTorch built and saved load here, and give PyTorch's forecasts,
// attention weights, losses and gradients, free-running and teacher-forced.
func TestPyTorchTwins(t *testing.T) {
	dirs, err := filepath.Glob("../testmodels/twin/*")
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			m, err := Load(dir)
			require.NoError(t, err)
			golden := floatTensors(t, filepath.Join(dir, "golden.safetensors"))
			x, target := golden["x"], golden["target"]

			f, err := m.Forecast(context.Background(), x, &lstmattn.Options{Attention: true})
			require.NoError(t, err)
			requireNear(t, golden["forecast"], f.Values, 1e-5, "forecast")
			requireNear(t, golden["attention"], f.Attention, 1e-5, "attention")
			forced := &lstmattn.ForwardOptions{TeacherForcing: 1}
			f, err = m.Forward(context.Background(), x, target, forced)
			require.NoError(t, err)
			requireNear(t, golden["forced"], f.Values, 1e-5, "teacher-forced forecast")

			requireGradient(t, m, x, target, &lstmattn.ForwardOptions{}, golden["loss"], filepath.Join(dir, "gradient.safetensors"))
			requireGradient(t, m, x, target, forced, golden["forced_loss"], filepath.Join(dir, "forced_gradient.safetensors"))
		})
	}
}

func requireGradient(t *testing.T, m *lstmattn.Model, x, target []float32, o *lstmattn.ForwardOptions, loss []float32, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	want, err := parseTensors(m.Config(), data)
	require.NoError(t, err)
	got := m.Params().NewGradient()
	l, err := m.Gradient(context.Background(), got, x, target, lstmattn.Loss{Kind: lstmattn.MSE}, o)
	require.NoError(t, err)
	require.InEpsilon(t, loss[0], l, 1e-5)
	for _, p := range want.Table() {
		requireNear(t, want.View(p.Name), got.View(p.Name), 2e-5, "gradient of "+p.Name)
	}
}

// requireNear allows tol of the larger of 1 and the largest value.
func requireNear(t *testing.T, want, got []float32, tol float64, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	largest := 1.0
	for _, v := range want {
		largest = max(largest, math.Abs(float64(v)))
	}
	for i := range want {
		require.InDelta(t, want[i], got[i], tol*largest, "%s at %d", what, i)
	}
}

func floatTensors(t *testing.T, path string) map[string][]float32 {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	file, err := safetensors.Deserialize(data)
	require.NoError(t, err)
	tensors := map[string][]float32{}
	for _, v := range file.Tensors() {
		raw := v.TensorView.Data()
		values := make([]float32, len(raw)/4)
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		tensors[v.Name] = values
	}
	return tensors
}
