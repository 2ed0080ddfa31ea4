package export_test

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// An exported model runs in any ONNX runtime, here in ours, with covariates as
// inputs and quantiles as an output, and gives what the model gives.
func ExampleWriteONNX() {
	c := lstmattn.DefaultConfig(1)
	c.InputSize, c.Horizon, c.HiddenSize, c.NumAttentionHeads = 8, 3, 8, 2
	c.Head, c.Quantiles, c.NumFuture = lstmattn.HeadQuantile, []float64{0.1, 0.5, 0.9}, 1
	m, err := lstmattn.New(c, 1)
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "onda")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	files, err := export.WriteONNX(filepath.Join(dir, "model.onnx"), m, export.Options{})
	if err != nil {
		log.Fatal(err)
	}

	x, future := make([]float32, 8), make([]float32, 8+3) // of one window
	for i := range future {
		future[i] = float32(i % 2)
	}
	graph, err := runtime.Load(files[0])
	if err != nil {
		log.Fatal(err)
	}
	out, err := graph.Run(context.Background(), map[string]*tensor.Tensor{
		"x": tensor.Must(x, 1, 8, 1), "future": tensor.Must(future, 1, 11, 1),
	})
	if err != nil {
		log.Fatal(err)
	}
	quantiles, err := tensor.Data[float32](out["quantiles"])
	if err != nil {
		log.Fatal(err)
	}
	f, err := m.Forecast(context.Background(), x, &lstmattn.Options{Future: future})
	if err != nil {
		log.Fatal(err)
	}
	var far float64
	for i, q := range f.Quantiles {
		far = max(far, math.Abs(float64(q-quantiles[i])))
	}
	fmt.Println(out["forecast"], out["quantiles"])
	fmt.Println("the same within 1e-5:", far < 1e-5)
	// Output:
	// float(1, 3, 1) float(1, 3, 1, 3)
	// the same within 1e-5: true
}
