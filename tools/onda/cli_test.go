package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/testmodels"
)

const airPassengers = "../../testmodels/forecasters/airpassengers"

// onda runs the command line and returns what a shell would see.
func onda(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(args, strings.NewReader(""), &out, &err)
	return status, out.String(), err.String()
}

// succeed runs a command that must work and returns its standard output.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	status, stdout, stderr := onda(args...)
	require.Equal(t, 0, status, "onda %s: %s%s", strings.Join(args, " "), stdout, stderr)
	return stdout
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

// smallModel writes a model directory for two columns.
func smallModel(t *testing.T) string {
	t.Helper()
	config := write(t, "config.json", `{"input_size": 12, "horizon": 5, "num_features": 2, "hidden_size": 8, "num_attention_heads": 2}`)
	dir := filepath.Join(t.TempDir(), "model")
	require.Contains(t, succeed(t, "init", "--config", config, "--seed", "7", "--out", dir), "parameters")
	return dir
}

func TestUsageIsStatus2(t *testing.T) {
	for _, args := range [][]string{{"nonsense"}, {"run"}, {"inspect"}, {"bench", "--runs"}, {"forecast", "x"}, {"export", "--decoder", "spiral"}} {
		status, _, stderr := onda(args...)
		require.Equal(t, 2, status, "%v", args)
		require.True(t, strings.HasPrefix(stderr, "onda: "), "%v: %s", args, stderr)
	}
	status, stdout, _ := onda("--help")
	require.Equal(t, 0, status)
	for _, command := range []string{"inspect", "run", "verify", "bench", "init", "train", "forecast", "backtest", "export", "demo"} {
		require.Contains(t, stdout, command)
		require.Equal(t, succeed(t, command, "--help"), succeed(t, "help", command))
	}
}

// Every refusal is one line on standard error that names the file at fault.
func TestErrorsAreOneSentence(t *testing.T) {
	broken := write(t, "broken.onnx", "this is no model")
	config := write(t, "config.json", `{"num_features": 3, "hidden_size": 10, "num_attention_heads": 4}`)
	csv := write(t, "data.csv", "ds,a,b\n2020-01-01,1,2\n2020-01-02,x,2\n")
	dir := smallModel(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"inspect", broken}, "broken.onnx"},
		{[]string{"run", broken, "--random"}, "broken.onnx"},
		{[]string{"run", airPassengers + "/model.onnx"}, `input "history" is missing`},
		{[]string{"run", airPassengers + "/model.onnx", "--input", "history"}, "expected NAME=FILE.npy"},
		{[]string{"run", airPassengers + "/model.onnx", "--input", "history=" + csv}, "not a .npy file"},
		{[]string{"verify", filepath.Dir(csv)}, "no model.onnx"},
		{[]string{"init", "--config", config, "--out", t.TempDir()}, "config.json"},
		{[]string{"forecast", dir, "--data", csv, "--out", "x.csv"}, `row 3, column "a": "x" is no finite number`},
		{[]string{"forecast", airPassengers + "/model.onnx", "--data", "../../testmodels/series/hourly.csv", "--columns", "load", "--out", "x.csv"}, `no column "load"`},
		{[]string{"export", t.TempDir(), "--onnx", "x.onnx"}, "config.json"},
		{[]string{"bench", airPassengers + "/model.onnx", "--runs", "0"}, "--runs 0"},
	} {
		status, _, stderr := onda(c.args...)
		require.Equal(t, 1, status, "%v: %s", c.args, stderr)
		require.Contains(t, stderr, c.want, "%v", c.args)
		require.Equal(t, 1, strings.Count(stderr, "\n"), "%v: %s", c.args, stderr)
		require.NotContains(t, stderr, "goroutine")
	}
}

func TestInspect(t *testing.T) {
	text := succeed(t, "inspect", airPassengers+"/model.onnx")
	require.Contains(t, text, "history float(batch, 24, 1)")
	require.NotContains(t, text, "unsupported")
	var s summary
	require.NoError(t, json.Unmarshal([]byte(succeed(t, "inspect", "--json", airPassengers+"/model.onnx")), &s))
	require.Equal(t, int64(13777), s.Parameters)
	require.Empty(t, s.Unsupported)
}

func TestVerifyReports(t *testing.T) {
	junit := filepath.Join(t.TempDir(), "report.xml")
	out := succeed(t, "verify", airPassengers, "--junit", junit)
	require.Contains(t, out, "1 passed, 0 failed\n")
	report, err := os.ReadFile(junit)
	require.NoError(t, err)
	require.Contains(t, string(report), `tests="1" failures="0"`)
	// No float32 computation agrees to the last bit with another's.
	status, out, _ := onda("verify", airPassengers, "--rtol", "0", "--atol", "0")
	require.Equal(t, 1, status)
	require.Contains(t, out, "0 passed, 1 failed\n")
}

// What run writes reads back with the same elements, and the seed decides.
func TestRunWritesOutputs(t *testing.T) {
	read := func(seed string, more ...string) *tensor.Tensor {
		dir := t.TempDir()
		succeed(t, append([]string{"run", "../../testmodels/recurrent/lstm_forecaster_layernorm_opset16/model.onnx",
			"--random", "--seed", seed, "--dim", "batch=3", "--dim", "time=5", "--output-dir", dir}, more...)...)
		y, err := readNPY(filepath.Join(dir, "y.npy"))
		require.NoError(t, err)
		require.Equal(t, tensor.Shape{3, 3}, y.Shape())
		return y
	}
	first := read("1")
	require.Equal(t, first.Bytes(), read("1").Bytes())
	require.NotEqual(t, first.Bytes(), read("2").Bytes())
	require.InDeltaSlice(t, tensor.Float64s(first), tensor.Float64s(read("1", "--plain")), 1e-3)
}

func TestNPYRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	for _, want := range []*tensor.Tensor{
		tensor.Must([]float32{1, 2, 3, 4, 5, 6}, 2, 3), tensor.Scalar(int64(-5)), tensor.Must([]bool{true, false}, 2),
		tensor.Must([]float64{}, 0, 4), tensor.Must([]tensor.F16{0x3c00}, 1), tensor.Must([]uint8{255}, 1, 1, 1),
	} {
		require.NoError(t, writeNPY(path, want))
		got, err := readNPY(path)
		require.NoError(t, err)
		require.Equal(t, want.String(), got.String())
		require.Equal(t, want.Bytes(), got.Bytes())
	}
}

func TestBench(t *testing.T) {
	var m measurement
	require.NoError(t, json.Unmarshal([]byte(succeed(t, "bench", airPassengers+"/model.onnx", "--runs", "10", "--json")), &m))
	require.Equal(t, 10, m.Runs)
	require.Positive(t, m.P50MS)
	require.LessOrEqual(t, m.P50MS, m.P99MS)
	text := succeed(t, "bench", airPassengers+"/model.onnx", "--runs", "3", "--profile")
	require.Contains(t, text, "LSTM")
	require.Contains(t, text, "slowest nodes")
	require.Contains(t, succeed(t, "inspect", airPassengers+"/model.onnx", "--plan", "--dim", "batch=4"), "float(4, 12) output")
}

func TestBenchWeights(t *testing.T) {
	var all []weightsResult
	require.NoError(t, json.Unmarshal([]byte(succeed(t, "bench", "--weights", "--runs", "1", "--json")), &all))
	require.Zero(t, len(all)%3)
	require.Equal(t, testmodels.AirPassengers, all[0].Model)
	for i, r := range all {
		require.Equal(t, weightTypes[i%3].name, r.Weights)
		require.Equal(t, i%3 == 0, r.MaxDiff == 0, "%+v", r)
		require.LessOrEqual(t, r.MaxDiff, 0.1, "%+v", r)
		require.LessOrEqual(t, r.MeanDiff, r.MaxDiff, "%+v", r)
	}
	require.Contains(t, succeed(t, "bench", airPassengers+"/model.onnx", "--weights", "--runs", "3"), "bfloat16")
}

func TestDemo(t *testing.T) {
	dir := t.TempDir()
	out := succeed(t, "demo", "--out", dir)
	require.Contains(t, out, "largest difference from PyTorch")
	for _, file := range []string{"airpassengers.png", "model/model.safetensors", "loop/model.onnx", "unrolled/model.onnx", "split/encoder.onnx", "split/decoder_step.onnx"} {
		require.FileExists(t, filepath.Join(dir, file))
	}
}

// What a run's made-up inputs were sized is part of its error.
func TestRunTellsTheSizesItMadeUp(t *testing.T) {
	config := write(t, "config.json", `{"input_size": 12, "horizon": 4, "num_features": 1, "hidden_size": 8, "num_attention_heads": 2, "segment": 4, "num_future": 1, "future_names": ["holiday"]}`)
	dir := filepath.Join(t.TempDir(), "model")
	succeed(t, "init", "--config", config, "--out", dir)
	file := filepath.Join(dir, "model.onnx")
	succeed(t, "export", dir, "--onnx", file)
	for _, command := range [][]string{{"run", file, "--random"}, {"bench", file, "--runs", "1"}} {
		status, _, stderr := onda(command...)
		require.Equal(t, 1, status)
		require.Contains(t, stderr, "can't take shape")
		require.NotContains(t, stderr, "fixed batch 12")
		require.Contains(t, stderr, "(with a size of 1 for batch, steps; --dim chooses others)")
		succeed(t, append(command, "--dim", "steps=16")...)
	}
}

// A model directory is inspected as it is; what runs graphs says how to make one.
func TestModelDirectories(t *testing.T) {
	dir := smallModel(t)
	text := succeed(t, "inspect", dir)
	for _, line := range []string{"classic lstm_attention, ", "  config      horizon = 5\n", "  tensor      output.weight [2, 8]\n"} {
		require.Contains(t, text, line)
	}
	var d directory
	require.NoError(t, json.Unmarshal([]byte(succeed(t, "inspect", dir, "--json")), &d))
	require.Equal(t, 5, d.Config.Horizon)
	require.Equal(t, 4*d.Parameters, d.Bytes)
	for _, command := range [][]string{{"run", dir}, {"bench", dir}, {"inspect", dir, "--plan"}} {
		status, _, stderr := onda(command...)
		require.Equal(t, 1, status)
		require.Contains(t, stderr, "onda export writes")
	}
	status, _, stderr := onda("inspect", filepath.Join(dir, "none.onnx"))
	require.Equal(t, 1, status)
	require.Contains(t, stderr, "none.onnx: no such file")
}
