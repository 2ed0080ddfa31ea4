package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math"
	goruntime "runtime"
	"slices"
	"strings"
	"time"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
	"github.com/onda-ml/onda/runtime/onnxtest"
	"github.com/onda-ml/onda/testmodels"
)

// weightTypes are what bench --weights compares, the first with the others.
var weightTypes = []struct {
	name string
	as   runtime.Weights
}{{"float32", runtime.Float32}, {"bfloat16", runtime.BFloat16}, {"int8", runtime.Int8}}

// weightsResult is a model with its weights stored in one way. Differences are
// from float32, relative to the largest magnitude of an output.
type weightsResult struct {
	Model    string  `json:"model"`
	Weights  string  `json:"weights"`
	MaxDiff  float64 `json:"max_difference"`
	MeanDiff float64 `json:"mean_difference"`
	P50MS    float64 `json:"p50_ms"`
	HeapMB   float64 `json:"heap_mb"`
}

// weighed is a model to compare and the inputs of its runs.
type weighed struct {
	name  string
	proto *onnx.Model
	in    []map[string]*tensor.Tensor
}

// benchWeights compares the ways to store weights on the model of the command
// line, or else on the bundled forecasters.
func (c *benchCmd) benchWeights(a *app) error {
	models, err := c.weighed()
	if err != nil {
		return err
	}
	var all []weightsResult
	for _, m := range models {
		results, err := c.compareWeights(a.ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		all = append(all, results...)
	}
	if c.JSON {
		return a.json(all)
	}
	a.printf("differences are from float32, relative to the largest output\n%-36s %-9s %9s %9s %11s %9s\n", "model", "weights", "max", "mean", "median ms", "heap MB")
	for _, r := range all {
		a.printf("%-36s %-9s %9.2g %9.2g %11.3f %9.2f\n", r.Model, r.Weights, r.MaxDiff, r.MeanDiff, r.P50MS, r.HeapMB)
	}
	return nil
}

func (c *benchCmd) weighed() ([]weighed, error) {
	if c.Model != "" {
		proto, err := onnx.Load(c.Model)
		if err != nil {
			return nil, err
		}
		m, err := runtime.Compile(proto)
		if err != nil {
			return nil, err
		}
		in, err := (&runCmd{Random: true, Dim: c.Dim}).inputs(m)
		return []weighed{{c.Model, proto, []map[string]*tensor.Tensor{in}}}, err
	}
	var list []weighed
	for _, test := range testmodels.Cases() {
		if !isForecaster(test.Name) {
			continue
		}
		proto, err := onnx.LoadFS(testmodels.FS(), test.Model())
		if err != nil {
			return nil, err
		}
		w := weighed{name: test.Name, proto: proto}
		for _, set := range test.Sets {
			in, err := inputsOf(testmodels.FS(), set, proto)
			if err != nil {
				return nil, err
			}
			w.in = append(w.in, in)
		}
		list = append(list, w)
	}
	return list, nil
}

// isForecaster picks one form of each bundled forecaster with float32 weights
// in recurrences or products.
func isForecaster(name string) bool {
	family, model, _ := strings.Cut(name, "/")
	switch family {
	case "forecasters":
		return true
	case "recurrent":
		return model == "lstm_forecaster" || model == "gru_forecaster" || model == "lstm_wide" || model == "gru_wide"
	case "seq2seq":
		return model == "traced" || model == "loop_cells" || model == "additive_gru_cell" || model == "general_known_future"
	}
	return false
}

func inputsOf(fsys fs.FS, set string, proto *onnx.Model) (map[string]*tensor.Tensor, error) {
	given, _, err := onnxtest.ReadSet(fsys, set, proto)
	if err != nil {
		return nil, err
	}
	in := map[string]*tensor.Tensor{}
	for name, v := range given {
		t, ok := v.(*tensor.Tensor)
		if !ok {
			return nil, fmt.Errorf("%s: input %q is no tensor", set, name)
		}
		in[name] = t
	}
	return in, nil
}

// compareWeights runs m with every type of weights.
func (c *benchCmd) compareWeights(ctx context.Context, m weighed) ([]weightsResult, error) {
	var results []weightsResult
	var first []map[string]*tensor.Tensor
	for _, w := range weightTypes {
		before := heapMB()
		model, err := runtime.Compile(m.proto, runtime.WithThreads(c.Threads), runtime.WithWeights(w.as))
		if err != nil {
			return nil, err
		}
		r := weightsResult{Model: m.name, Weights: w.name}
		var outs []map[string]*tensor.Tensor
		for _, in := range m.in {
			out, err := model.Run(ctx, in)
			if err != nil {
				return nil, err
			}
			outs = append(outs, out)
		}
		r.HeapMB = max(heapMB()-before, 0)
		if first == nil {
			first = outs
		}
		r.MaxDiff, r.MeanDiff = difference(first, outs)
		times := make([]float64, c.Runs)
		for i := range times {
			start := time.Now()
			if _, err := model.Run(ctx, m.in[0]); err != nil {
				return nil, err
			}
			times[i] = since(start)
		}
		slices.Sort(times)
		r.P50MS = times[len(times)/2]
		results = append(results, r)
		goruntime.KeepAlive(model)
	}
	return results, nil
}

// heapMB is the memory in use, of what is still referred to.
func heapMB() float64 {
	var m goruntime.MemStats
	goruntime.GC()
	goruntime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// difference is the largest and the mean difference of the float outputs, each
// relative to the largest magnitude of its output.
func difference(want, got []map[string]*tensor.Tensor) (most, mean float64) {
	n := 0
	for i := range want {
		for _, name := range slices.Sorted(maps.Keys(want[i])) {
			if !want[i][name].DType().IsFloat() {
				continue
			}
			a, b := tensor.Float64s(want[i][name]), tensor.Float64s(got[i][name])
			largest := 0.0
			for _, v := range a {
				largest = max(largest, math.Abs(v))
			}
			for j := range a {
				d := math.Abs(a[j]-b[j]) / max(largest, math.SmallestNonzeroFloat32)
				most, mean, n = max(most, d), mean+d, n+1
			}
		}
	}
	return most, mean / float64(max(n, 1))
}
