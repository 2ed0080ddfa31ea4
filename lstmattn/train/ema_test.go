package train

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
)

// The averages of torch.optim.swa_utils.AveragedModel, made by
// testdata/schedules.py.
func TestAverageIsPyTorchs(t *testing.T) {
	ema := []float32{7}
	for i, v := range pytorchAverages.values {
		average(ema, []float32{float32(v)}, .9, i == 0)
		require.InDelta(t, pytorchAverages.averages[i], ema[0], 1e-6, "step %d", i)
	}
}

// What is judged, kept and left in the model is the average of the steps'
// parameters, which themselves are those of a training without it.
func TestAverageIsWhatIsKept(t *testing.T) {
	const decay = .9
	var want []float64
	plain := newTask(t, func(_ *lstmattn.Config, cfg *Config) { cfg.Epochs = 1 })
	_, err := plain.run(context.Background(), &Options{Observer: &watcher{step: func(StepReport) {
		for i, v := range plain.model.Params().Data {
			if len(want) == i {
				want = append(want, float64(v))
			}
			want[i] = decay*want[i] + (1-decay)*float64(v)
		}
	}}})
	require.NoError(t, err)

	k := newTask(t, func(_ *lstmattn.Config, cfg *Config) { cfg.Epochs, cfg.EMADecay = 1, decay })
	dir := filepath.Join(t.TempDir(), "out")
	var judged *Measurement
	result, err := k.run(context.Background(), &Options{Dir: dir, Observer: &watcher{evaluation: func(r EvaluationReport) { judged = r.Validation }}})
	require.NoError(t, err)
	kept, err := export.Load(dir)
	require.NoError(t, err)
	for i, v := range want {
		require.InDelta(t, v, k.model.Params().Data[i], 1e-5)
	}
	require.Equal(t, k.model.Params().Data, kept.Params().Data)
	got, err := Measure(context.Background(), kept, k.validation, lstmattn.Loss{Kind: lstmattn.MSE}, 1)
	require.NoError(t, err)
	require.Equal(t, judged, got)
	require.Equal(t, judged, result.Best)
}

// A checkpoint of a build that knew no average is resumed by one without it.
func TestAverageThatIsOffIsNotWritten(t *testing.T) {
	text, err := json.Marshal(DefaultConfig())
	require.NoError(t, err)
	require.NotContains(t, string(text), "ema_decay")
}
