package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const trainConfig = `{"input_size": 16, "horizon": 4, "hidden_size": 8, "num_encoder_layers": 1, "num_decoder_layers": 1, "num_attention_heads": 2,
	"training": {"epochs": 2, "batch_size": 16, "lr": 0.01, "threads": 2, "horizons": [1, 4], "split": {"train": [0, "75%"], "validation": ["75%", "100%"]}}}`

func waves(t *testing.T, rows int) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("ds,up,down\n")
	for i := range rows {
		v := math.Sin(2 * math.Pi * float64(i) / 12)
		fmt.Fprintf(&text, "%d,%.4f,%.4f\n", i, 10+v, 5-3*v)
	}
	return write(t, "waves.csv", text.String())
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(data)
}

// A CSV and a configuration without the number of columns become a directory
// that forecasts; the same command gives the same bytes; flags win over the
// configuration, and what was used is written down.
func TestTrain(t *testing.T) {
	csv, config := waves(t, 120), write(t, "config.json", trainConfig)
	dir := filepath.Join(t.TempDir(), "model")
	status, stdout, stderr := onda("train", "--data", csv, "--config", config, "--out", dir, "--epochs", "3", "--seed", "9")
	require.Equal(t, 0, status, stderr)
	require.Contains(t, stdout, "15 steps, 3 epochs, ended by epochs")
	require.Contains(t, stdout, "MSE/MAE(1)")
	require.Equal(t, 4, strings.Count(stderr, "\n"), "what it is, and a line for each epoch: %s", stderr)
	require.Contains(t, stderr, "1 series, 71 windows for training in batches of 16, 27 for validation; ")
	require.NotContains(t, stderr, "\r", "no bar where there is no terminal")

	again := filepath.Join(t.TempDir(), "model")
	lines := strings.Split(strings.TrimSpace(succeed(t, "train", "--data", csv, "--config", config, "--out", again, "--epochs", "3", "--seed", "9", "--log-json", "--quiet")), "\n")
	require.Equal(t, read(t, dir, "model.safetensors"), read(t, again, "model.safetensors"))
	require.Len(t, lines, 4)
	var end struct {
		Event    string
		BestStep int `json:"best_step"`
		Best     struct{ Loss float64 }
	}
	require.NoError(t, json.Unmarshal([]byte(lines[3]), &end))
	require.Equal(t, "end", end.Event)
	require.Positive(t, end.Best.Loss)
	require.Equal(t, 15, end.BestStep)

	var saved struct {
		FeatureNames []string `json:"feature_names"`
		Training     struct{ Epochs, Seed int }
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, dir, "config.json")), &saved))
	require.Equal(t, []string{"up", "down"}, saved.FeatureNames)
	require.Equal(t, 3, saved.Training.Epochs)
	require.Equal(t, 9, saved.Training.Seed)
	require.Contains(t, succeed(t, "forecast", dir, "--data", csv, "--out", filepath.Join(t.TempDir(), "y.csv")), "4 steps of 1 series, 2 columns")
}

// Every flag reaches the training, and so what is written down.
func TestTrainFlags(t *testing.T) {
	csv, config, dir := waves(t, 60), write(t, "config.json", trainConfig), filepath.Join(t.TempDir(), "model")
	succeed(t, "train", "--data", csv, "--config", config, "--out", dir, "--quiet", "--epochs", "1", "--batch-size", "7", "--lr", "0.25", "--seed", "77", "--threads", "3")
	var saved struct {
		Training struct {
			Epochs, Seed, Threads int
			BatchSize             int `json:"batch_size"`
			LR                    float64
		}
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, dir, "config.json")), &saved))
	c := saved.Training
	require.Equal(t, []any{1, 7, .25, 77, 3}, []any{c.Epochs, c.BatchSize, c.LR, c.Seed, c.Threads})
}

func TestTrainRefusals(t *testing.T) {
	csv := waves(t, 120)
	for config, want := range map[string]string{
		`{"input_size": 16, "training": {"lr": "high"}}`:                                                         `config.json: training: lr is "high", expected a number`,
		`{"input_size": 16, "hidden": 3}`:                                                                        `config.json: unknown field "hidden"`,
		`{"num_features": 3}`:                                                                                    "waves.csv: has 2 columns of values (up, down), num_features is 3 in",
		`{"feature_names": ["up", "left"]}`:                                                                      `waves.csv: row 1: no column "left"; the file has ds, up, down`,
		`{"input_size": 100, "training": {"split": {"train": [0, "75%"]}}}`:                                      "waves.csv: split.train: ",
		`{"input_size": 16, "horizon": 4, "training": {"split": {"train": [0, "lots"]}}}`:                        `waves.csv: split.train: cut "lots"`,
		`{"input_size": 16, "horizon": 4, "hidden_size": 8, "training": {"batch_size": 200, "drop_last": true}}`: "the training set has 53 windows, expected at least batch_size, 200",
	} {
		status, _, stderr := onda("train", "--data", csv, "--config", write(t, "config.json", config), "--out", t.TempDir(), "--quiet")
		require.Equal(t, 1, status)
		require.Contains(t, stderr, want)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
}

// Ctrl-C writes a checkpoint and says how to go on, and nothing else may go on
// from there.
func TestInterruptedTrainingSaysHowToGoOn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot interrupt itself")
	}
	csv := waves(t, 120)
	config := write(t, "config.json", strings.Replace(trainConfig, `"epochs": 2`, `"epochs": 40, "patience": 0`, 1))
	dir := filepath.Join(t.TempDir(), "model")
	args := []string{"train", "--data", csv, "--config", config, "--out"}

	type outcome struct {
		status int
		stderr string
	}
	done := make(chan outcome)
	go func() {
		status, _, stderr := onda(append(args, dir, "--epochs", "1000000")...)
		done <- outcome{status, stderr}
	}()
	checkpoint := filepath.Join(dir, "checkpoint.safetensors")
	require.Eventually(t, func() bool { _, err := os.Stat(checkpoint); return err == nil }, time.Minute, time.Millisecond)
	self, err := os.FindProcess(os.Getpid())
	require.NoError(t, err)
	require.NoError(t, self.Signal(os.Interrupt))
	stopped := <-done
	require.Equal(t, 1, stopped.status)
	lines := strings.Split(strings.TrimSpace(stopped.stderr), "\n")
	last := lines[len(lines)-1]
	require.Contains(t, last, "onda: stopped after step ")
	require.True(t, strings.HasSuffix(last, "go on with: onda train --data "+csv+" --config "+config+" --out "+dir+" --epochs 1000000 --resume"), last)

	status, _, stderr := onda(append(args, dir)...)
	require.Equal(t, 1, status)
	require.Contains(t, stderr, "go on with --resume, or start anew with --overwrite")
	status, _, stderr = onda(append(args, dir, "--resume")...)
	require.Equal(t, 1, status)
	require.Contains(t, stderr, "the checkpoint is of another training: training had epochs 1000000, now it has 40")
}
