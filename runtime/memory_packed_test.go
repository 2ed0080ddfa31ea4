package runtime_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
	"github.com/onda-ml/onda/runtime"
)

// byteData is an initializer of 8-bit integers, all one.
func byteData(name string, shape ...int) *onnx.Tensor {
	t := must(tensor.Zeros(tensor.Uint8, shape...))
	for i := range t.Bytes() {
		t.Bytes()[i] = 1
	}
	return initializer(name, t)
}

func zeros(name string, shape ...int) *onnx.Tensor {
	return initializer(name, must(tensor.Zeros(tensor.Float32, shape...)))
}

// Packing fills up columns, hidden units and rows, and unpacks bits. What that
// takes counts, at load and in a run: the process stays within the limit and a
// margin, whether the model runs or is refused.
func TestPackingIsWithinTheLimit(t *testing.T) {
	const limit, margin = 48 * mib, 64 * mib
	graph := func(nodes ...*onnx.Node) *onnx.Graph {
		return &onnx.Graph{Nodes: nodes, Outputs: []*onnx.ValueInfo{{Name: "y"}}}
	}
	with := func(g *onnx.Graph, constants ...*onnx.Tensor) *onnx.Graph {
		g.Initializers = constants
		return g
	}
	in := func(g *onnx.Graph, inputs ...*onnx.ValueInfo) *onnx.Graph {
		g.Inputs = inputs
		return g
	}
	hidden := onnx.AttrInt("hidden_size", 1)
	for _, c := range []struct {
		name string
		g    *onnx.Graph
		x    *tensor.Tensor
	}{
		{"MatMul of one column", with(in(graph(op("MatMul", names("x", "w"), names("y"))), floats("x", 1, 8<<20)), zeros("w", 8<<20, 1)), must(tensor.Zeros(tensor.Float32, 1, 8<<20))},
		{"Gemm of one column, scaled", with(in(graph(op("Gemm", names("x", "w"), names("y"), onnx.AttrFloat("alpha", 2))), floats("x", 1, 8<<20)), zeros("w", 8<<20, 1)), must(tensor.Zeros(tensor.Float32, 1, 8<<20))},
		{"LSTM of one unit, constant", with(in(graph(op("LSTM", names("x", "w", "r"), names("y"), hidden)), floats("x", 1, 1, 2<<20)), zeros("w", 1, 4, 2<<20), zeros("r", 1, 4, 1)), must(tensor.Zeros(tensor.Float32, 1, 1, 2<<20))},
		{"LSTM of one unit, computed", with(in(graph(op("Exp", names("x"), names("e")), op("Reshape", names("e", "s"), names("w")), op("Slice", names("w", "i0", "i1", "i2"), names("wx")), op("LSTM", names("wx", "w", "r"), names("y"), hidden)), floats("x", 8<<20)),
			initializer("s", tensor.Must([]int64{1, 4, 2 << 20}, 3)), initializer("i0", tensor.Must([]int64{0}, 1)), initializer("i1", tensor.Must([]int64{1}, 1)), initializer("i2", tensor.Must([]int64{1}, 1)), zeros("r", 1, 4, 1)), must(tensor.Zeros(tensor.Float32, 8<<20))},
		{"LSTM of one unit, many sequences", with(in(graph(op("LSTM", names("x", "w", "r"), names("y"), hidden)), floats("x", 1, 4<<20, 1)), zeros("w", 1, 4, 1), zeros("r", 1, 4, 1)), must(tensor.Zeros(tensor.Float32, 1, 4<<20, 1))},
		{"GRU of one unit", with(in(graph(op("GRU", names("x", "w", "r"), names("y"), hidden, onnx.AttrInt("linear_before_reset", 1))), floats("x", 1, 1, 2<<20)), zeros("w", 1, 3, 2<<20), zeros("r", 1, 3, 1)), must(tensor.Zeros(tensor.Float32, 1, 1, 2<<20))},
		{"MatMulInteger of one column", with(in(graph(op("MatMulInteger", names("x", "w"), names("y"))), value("x", onnx.Uint8, 1, 8<<20)), byteData("w", 8<<20, 1)), must(tensor.Zeros(tensor.Uint8, 1, 8<<20))},
		{"weights of two bits", with(in(graph(&onnx.Node{OpType: "MatMulNBits", Domain: "com.microsoft", Inputs: names("x", "w", "s"), Outputs: names("y"),
			Attributes: []*onnx.Attribute{onnx.AttrInt("K", 8<<20), onnx.AttrInt("N", 16), onnx.AttrInt("bits", 2), onnx.AttrInt("block_size", 8<<20)}}), floats("x", 1, 8<<20)),
			byteData("w", 16, 1, 2<<20), zeros("s", 16)), must(tensor.Zeros(tensor.Float32, 1, 8<<20))},
		{"attention of one column", in(graph(&onnx.Node{OpType: "Attention", Inputs: names("x", "x", "x"), Outputs: names("y")}), floats("x", 1, 1, "n", 1)), must(tensor.Zeros(tensor.Float32, 1, 1, 1<<20, 1))},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := modelOf(24, c.g)
			m.OpsetImports = append(m.OpsetImports, onnx.OpsetImport{Domain: "com.microsoft", Version: 1})
			for _, weights := range []runtime.Weights{runtime.Float32, runtime.BFloat16, runtime.Int8} {
				peak := peakOf(t)
				model, err := runtime.Compile(m, runtime.WithMemoryLimit(limit), runtime.WithThreads(2), runtime.WithWeights(weights))
				if err == nil {
					ctx, cancel := context.WithTimeout(context.Background(), time.Second/2)
					_, err = model.Run(ctx, map[string]*tensor.Tensor{"x": c.x})
					cancel()
				}
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					require.ErrorIs(t, err, runtime.ErrMemoryLimit)
				}
				require.Less(t, peak(), int64(limit+margin), "resident memory above what it was before")
			}
		})
	}
}
