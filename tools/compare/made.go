package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"

	"github.com/onda-ml/onda/export"
	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/onnx"
)

// A forecaster is a size of the hand-built model that is exported and measured
// beside its own export.
type forecaster struct {
	name                  string
	hidden, layers, heads int
}

// forecasters have the sizes of the traced PyTorch models of perf_models.py.
var forecasters = []forecaster{
	{"seq2seq_2x512", 512, 2, 8},
	{"seq2seq_3x256", 256, 3, 8},
	{"seq2seq_1x64", 64, 1, 4},
}

// build is a bidirectional forecaster of one column, 168 steps to 24.
func (f forecaster) build() (*lstmattn.Model, error) {
	c := lstmattn.DefaultConfig(1)
	c.HiddenSize, c.NumEncoderLayers, c.NumDecoderLayers, c.NumAttentionHeads = f.hidden, f.layers, f.layers, f.heads
	return lstmattn.New(c, 1)
}

// export writes the model to ONNX, the decoder as a Loop, and returns the
// file's path. ONNX Runtime takes about as long for the unrolled form.
func (f forecaster) export(m *lstmattn.Model, dir string) (string, error) {
	path := filepath.Join(dir, f.name+".onnx")
	_, err := export.WriteONNX(path, m, export.Options{})
	return path, err
}

// stepFeedback says which input takes each carried output of the model that
// writeStep writes.
var stepFeedback = map[string]string{"h1": "h", "c1": "c"}

// writeStep writes one step of an LSTM from 64 inputs to hidden units: x (1,
// batch, 64), h and c (1, batch, hidden) to y, h1 and c1.
func writeStep(path string, hidden int64) error {
	const inputs = 64
	rng := rand.New(rand.NewPCG(3, 4))
	weight := func(name string, dims ...int64) *onnx.Tensor {
		n := int64(1)
		for _, d := range dims {
			n *= d
		}
		data := make([]float32, n)
		bound := 1 / math.Sqrt(float64(hidden))
		for i := range data {
			data[i] = float32((2*rng.Float64() - 1) * bound)
		}
		return onnx.TensorFloat32(name, dims, data)
	}
	state := func(name string) *onnx.ValueInfo {
		return onnx.TensorValue(name, onnx.Float, onnx.DimValue(1), onnx.DimParam("batch"), onnx.DimValue(hidden))
	}
	m := &onnx.Model{
		IRVersion: 8, OpsetImports: []onnx.OpsetImport{{Version: 17}},
		Graph: &onnx.Graph{
			Name: "step",
			Inputs: []*onnx.ValueInfo{
				onnx.TensorValue("x", onnx.Float, onnx.DimValue(1), onnx.DimParam("batch"), onnx.DimValue(inputs)), state("h"), state("c"),
			},
			Outputs: []*onnx.ValueInfo{
				onnx.TensorValue("y", onnx.Float, onnx.DimValue(1), onnx.DimValue(1), onnx.DimParam("batch"), onnx.DimValue(hidden)), state("h1"), state("c1"),
			},
			Initializers: []*onnx.Tensor{weight("w", 1, 4*hidden, inputs), weight("r", 1, 4*hidden, hidden), weight("b", 1, 8*hidden)},
			Nodes: []*onnx.Node{{
				OpType: "LSTM", Inputs: []string{"x", "w", "r", "b", "", "h", "c"}, Outputs: []string{"y", "h1", "c1"},
				Attributes: []*onnx.Attribute{onnx.AttrInt("hidden_size", hidden)},
			}},
		},
	}
	if err := m.Save(path); err != nil {
		return fmt.Errorf("one LSTM step: %w", err)
	}
	return nil
}
