package train

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/lstmattn/series"
)

func TestConfigSurvivesJSON(t *testing.T) {
	c := DefaultConfig()
	for range 2 {
		text, err := json.Marshal(c)
		require.NoError(t, err)
		var back Config
		require.NoError(t, json.Unmarshal(text, &back), "%s", text)
		require.Equal(t, c, back)
		c = Config{
			Optimizer: "sgd", LearningRate: .5, Momentum: .9, WeightDecay: .25, Betas: [2]float64{.8, .95}, Epsilon: 1e-6, EMADecay: .99,
			BatchSize: 3, DropLast: true, Epochs: 7, MaxSteps: 100, Loss: lstmattn.Huber, HuberDelta: 2,
			Schedule:       Schedule{Kind: Plateau, WarmupSteps: 10, MinRate: 1e-5, StepEpochs: 2, Gamma: .5, Factor: .25, Patience: 1, Threshold: .01},
			TeacherForcing: TeacherForcing{Decay: InverseSigmoid, Per: PerBatch, End: .1, DecayEpochs: 2.5, K: 20},
			ValidateSteps:  50, Patience: 3, MinDelta: .01, Horizons: []int{1, 2}, Seed: 1 << 63, Threads: 3, CheckpointSteps: 9, CheckpointSeconds: 1.5,
			Split: Split{Train: Range{"0", "8640"}, Validation: Range{"8640", "2017-10-24"}, SkipShort: true},
		}
	}
	require.NoError(t, json.Unmarshal([]byte(`{"lr": 0.5}`), &c))
	want := DefaultConfig()
	want.LearningRate = .5
	require.Equal(t, want, c, "what is missing has the default")
}

func TestSplitWithoutValidationHasNone(t *testing.T) {
	var c Config
	require.NoError(t, json.Unmarshal([]byte(`{"split": {"train": [0, "90%"]}}`), &c))
	require.Equal(t, Split{Train: Range{From: series.Cut("0"), To: "90%"}}, c.Split)
}

func TestConfigRefusals(t *testing.T) {
	for text, want := range map[string]string{
		`{"learning_rate": 1}`:                   `config: training: unknown field "learning_rate"`,
		`{"lr": 1, "lr": 2}`:                     `config: training: field "lr" is given twice`,
		`{"lr": "high"}`:                         `config: training: lr is "high", expected a number`,
		`{"lr": -1, "epochs": 0}`:                `config: training: lr is -1, must be a number of at least 0; training: epochs is 0, must be between 1 and 1073741824`,
		`{"epochs": 1.5}`:                        `config: training: epochs is 1.5, expected an integer`,
		`{"betas": [0.9]}`:                       `config: training: betas is [0.9], expected two numbers`,
		`{"betas": [0.9, 1]}`:                    `config: training: betas[1] is 1, must be at least 0 and below 1`,
		`{"ema_decay": 1}`:                       `config: training: ema_decay is 1, must be at least 0 and below 1`,
		`{"optimizer": "adam"}`:                  `config: training: optimizer is "adam", must be adamw or sgd`,
		`{"loss": "rmse"}`:                       `config: training: loss is "rmse", must be mse, mae, huber, quantile, gaussian or student_t`,
		`{"seed": -1}`:                           `config: training: seed is -1, expected an integer of at least 0`,
		`{"horizons": [0]}`:                      `config: training: horizons has an entry of 0, must be at least 1`,
		`{"schedule": "cosine"}`:                 `config: training.schedule: expected an object of fields, found "cosine"`,
		`{"schedule": {"kind": "linear"}}`:       `config: training: schedule.kind is "linear", must be constant, cosine, step or plateau`,
		`{"schedule": {"kind": "step", "x": 1}}`: `config: training.schedule: unknown field "x"`,
		`{"teacher_forcing": {"decay": "exponential", "k": 2}}`: `config: training: teacher_forcing.k is 2, must be at least 0 and below 1 for exponential`,
		`{"split": {"train": [1]}}`:                             `config: training.split: train is [1], expected two cuts such as [0, 8640] or ["60%", "80%"]`,
		`{"split": {"validation": [1, 2]}}`:                     `config: training: split has no train, must say which rows are for training`,
		`[]`:                                                    `config: training: expected an object of fields, found []`,
	} {
		c := DefaultConfig()
		require.EqualError(t, json.Unmarshal([]byte(text), &c), want)
		require.Equal(t, DefaultConfig(), c)
	}
}
