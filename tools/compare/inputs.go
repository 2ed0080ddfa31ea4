package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/runtime/onnxtest"
)

// makeInputs makes standard normal inputs of the given batch: a symbolic
// dimension whose name has "batch" or "n" is the batch, the others are as in
// the model's first data set.
func makeInputs(m *runtime.Model, dir string, batch int) (map[string]*tensor.Tensor, error) {
	proto, err := onnx.Load(filepath.Join(dir, "model.onnx"))
	if err != nil {
		return nil, err
	}
	example, _, err := onnxtest.ReadSet(os.DirFS(dir), "test_data_set_0", proto)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(1, 2))
	inputs := map[string]*tensor.Tensor{}
	for _, p := range m.Inputs() {
		e, ok := example[p.Name].(*tensor.Tensor)
		if !ok {
			return nil, fmt.Errorf("no example of input %q", p.Name)
		}
		shape := append([]int(nil), e.Shape()...)
		for i, d := range p.Shape {
			if d.Size < 0 && (strings.Contains(d.Name, "batch") || strings.EqualFold(d.Name, "n")) {
				shape[i] = batch
			} else if d.Size >= 0 && i == 0 && d.Size == 1 && batch > 1 {
				return nil, fmt.Errorf("the batch is fixed at 1")
			}
		}
		if e.DType() != tensor.Float32 {
			if !e.Shape().Equal(shape) {
				return nil, fmt.Errorf("input %q is %v", p.Name, e)
			}
			inputs[p.Name] = e
			continue
		}
		t, err := tensor.Zeros(tensor.Float32, shape...)
		if err != nil {
			return nil, err
		}
		for i := range tensor.Of[float32](t) {
			tensor.Of[float32](t)[i] = float32(rng.NormFloat64())
		}
		inputs[p.Name] = t
	}
	return inputs, nil
}

// largestDifference is over all float32 outputs; infinite where shapes differ.
func largestDifference(got map[string]*tensor.Tensor, want map[string][]float32) float64 {
	worst := 0.0
	for name, w := range want {
		g, err := tensor.Data[float32](got[name])
		if err != nil || len(g) != len(w) {
			return math.Inf(1)
		}
		for i := range w {
			worst = max(worst, math.Abs(float64(g[i])-float64(w[i])))
		}
	}
	return worst
}
