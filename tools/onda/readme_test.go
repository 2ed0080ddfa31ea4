package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// The embedding example of the README is this function's body.
func embed(ctx context.Context, history []float32) (result []float32, _ error) {
	// README begin
	model, err := runtime.Load("model.onnx")
	if err != nil {
		return nil, err // everything the model needs and Onda lacks, listed at once
	}
	x, err := tensor.New(history, 1, 24, 1) // shares memory with history, a []float32
	if err != nil {
		return nil, err
	}
	out, err := model.Run(ctx, map[string]*tensor.Tensor{"history": x})
	if err != nil {
		return nil, err
	}
	forecast, err := tensor.Data[float32](out["forecast"])
	// README end
	return forecast, err
}

func TestREADMEExample(t *testing.T) {
	code, err := os.ReadFile("readme_test.go")
	require.NoError(t, err)
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, body, _ := strings.Cut(string(code), "\t// README begin\n")
	body, _, _ = strings.Cut(body, "\t// README end\n")
	body = strings.ReplaceAll(strings.TrimPrefix(body, "\t"), "\n\t", "\n")
	require.Contains(t, string(readme), "```go\n"+strings.ReplaceAll(body, "return nil, err", "return err")+"```\n", "README.md shows another example than this test runs")

	t.Chdir(airPassengers)
	history := make([]float32, 24)
	for i := range history {
		history[i] = 400 + float32(i)
	}
	forecast, err := embed(context.Background(), history)
	require.NoError(t, err)
	require.Len(t, forecast, 12)
}
