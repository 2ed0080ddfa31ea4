package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// trained writes a model directory for the two columns of hourly.csv, trained
// a little.
func trained(t *testing.T) string {
	t.Helper()
	config := write(t, "config.json", `{"input_size": 12, "horizon": 5, "num_features": 2, "hidden_size": 8, "num_encoder_layers": 1,
		"num_decoder_layers": 1, "num_attention_heads": 2, "normalization": "last", "training": {"max_steps": 4, "threads": 1}}`)
	dir := filepath.Join(t.TempDir(), "model")
	succeed(t, "train", "--data", hourly, "--config", config, "--out", dir, "--quiet")
	return dir
}

const hourly = "../../testmodels/series/hourly.csv"

func TestBacktest(t *testing.T) {
	dir := trained(t)
	text := succeed(t, "backtest", dir, "--data", hourly, "--from=-48", "--steps", "--by-column")
	require.Contains(t, text, "9 forecasts of 5 steps, 1 series, 9 origins, one model throughout\n")
	for _, name := range []string{"MSE", "MAE", "RMSE", "sMAPE", "MASE", "CRPS", "seasonal naive, 24", "repeat last", "temperature", "step ahead"} {
		require.Contains(t, text, name)
	}

	type scores struct{ MSE, MAE, MASE, CRPS float64 }
	var fixed, refitted struct {
		Windows, Fits int
		Model         scores
		Naive         scores           `json:"seasonal_naive"`
		Steps         []map[string]any `json:"steps"`
	}
	require.NoError(t, json.Unmarshal([]byte(succeed(t, "backtest", dir, "--data", hourly, "--from=-48", "--json")), &fixed))
	require.Equal(t, []int{9, 1, 5}, []int{fixed.Windows, fixed.Fits, len(fixed.Steps)})
	require.Equal(t, fixed.Model.MAE, fixed.Model.CRPS)
	require.NoError(t, json.Unmarshal([]byte(succeed(t, "backtest", dir, "--data", hourly, "--from=-48", "--refit", "every-4", "--json")), &refitted))
	require.Equal(t, 3, refitted.Fits)
	require.NotEqual(t, fixed.Model, refitted.Model)
	require.Equal(t, fixed.Naive, refitted.Naive)

	onnx := filepath.Join(t.TempDir(), "model.onnx")
	succeed(t, "export", dir, "--onnx", onnx)
	require.Contains(t, succeed(t, "backtest", onnx, "--data", hourly, "--from=-48"), "9 forecasts of 5 steps")

	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{dir, "--refit", "every-0"}, "--refit every-0: expected never, always or every-K with a K above 0"},
		{[]string{dir, "--refit", "often"}, "--refit often: expected never"},
		{[]string{onnx, "--refit", "always"}, "is no model directory, an ONNX file can't be trained"},
		{[]string{dir, "--from", "100%"}, `series "demand" has 2016 rows, none of them between 100% and 100%`},
		{[]string{dir, "--from", "tomorrow"}, `cut "tomorrow"`},
	} {
		status, _, stderr := onda(append([]string{"backtest", "--data", hourly}, c.args...)...)
		require.Equal(t, 1, status, "%v", c.args)
		require.Contains(t, stderr, c.want)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
	}
}

// What is asked of a backtest is done: another seed is another refit, sampled
// paths are another distribution, and the same command gives the same numbers.
func TestBacktestFlags(t *testing.T) {
	config := write(t, "config.json", `{"input_size": 12, "horizon": 3, "num_features": 2, "hidden_size": 8, "num_encoder_layers": 1,
		"num_decoder_layers": 1, "num_attention_heads": 2, "head": "gaussian", "training": {"max_steps": 2, "threads": 1}}`)
	dir := filepath.Join(t.TempDir(), "model")
	succeed(t, "train", "--data", hourly, "--config", config, "--out", dir, "--quiet")
	seen := map[string]string{}
	for _, args := range [][]string{{}, {"--paths", "9"}, {"--paths", "9", "--sample-seed", "4"}, {"--refit", "always"}, {"--refit", "always", "--seed", "8"}, {"--scaled"}} {
		run := func() string {
			return succeed(t, append([]string{"backtest", dir, "--data", hourly, "--from=-6", "--json"}, args...)...)
		}
		name, text := strings.Join(args, " "), run()
		require.Equal(t, text, run(), name)
		require.Empty(t, seen[text], "%q gives what %q gives", name, seen[text])
		seen[text] = name + " "
	}
}
