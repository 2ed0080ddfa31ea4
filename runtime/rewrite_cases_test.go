package runtime_test

import (
	"math"
	"slices"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// wave is a tensor of smooth values that differ from element to element.
func wave(phase float64, shape ...int) *tensor.Tensor {
	t := must(tensor.Zeros(tensor.Float32, shape...))
	for i := range tensor.Of[float32](t) {
		tensor.Of[float32](t)[i] = float32(math.Sin(phase + 0.7*float64(i)))
	}
	return t
}

func positive(t *tensor.Tensor) *tensor.Tensor {
	for i, v := range tensor.Of[float32](t) {
		tensor.Of[float32](t)[i] = v*v + 0.1
	}
	return t
}

func num(name string, v float32) *onnx.Tensor { return initializer(name, tensor.Scalar(v)) }

// rewriteCase is a graph in which a rewrite finds its pattern.
type rewriteCase struct {
	name    string
	rewrite string
	opset   int64
	in      *onnx.ValueInfo
	x       *tensor.Tensor
	more    map[string]*tensor.Tensor // further inputs
	consts  []*onnx.Tensor
	nodes   []*onnx.Node
	outputs []string
	steps   []string // the operators of the plan
	without []string // the operators with the rewrite off, if that is worth stating
}

func rewriteCases() []rewriteCase {
	linear := []*onnx.Tensor{initializer("W", wave(1, 4, 3)), initializer("b", wave(2, 3))}
	qdq := []*onnx.Tensor{initializer("Q", must(tensor.New([]int8{5, -128, 100, 7, -7, 127, 0, 33, -90, 12, 1, -1}, 4, 3))), num("s", 0.01), initializer("z", tensor.Scalar(uint8(120))),
		num("scale", 0.02), initializer("zero", tensor.Scalar(int8(3))), initializer("R", must(tensor.New([]uint8{5, 128, 100, 7, 255, 127, 0, 33, 90, 12, 1, 199}, 3, 4))),
		initializer("scales", must(tensor.New([]float32{0.02, 0.01, 0.03}, 3))), initializer("zeros", must(tensor.New([]uint8{0, 128, 255}, 3))), initializer("b", wave(1, 3))}
	dynamic := []*onnx.Tensor{initializer("Q", must(tensor.New([]int8{5, -128, 100, 7, -7, 127, 0, 33, -90, 12, 1, -1}, 4, 3))), initializer("zero", tensor.Scalar(int8(3))),
		initializer("scale", must(tensor.New([]float32{.01, .02, .03}, 3))), linear[1]}
	layerNorm := []*onnx.Tensor{num("two", 2), num("eps", 1e-5), initializer("gamma", wave(1, 4)), initializer("beta", wave(2, 4))}
	last := onnx.AttrInts("axes", -1)
	heads := []*onnx.Tensor{num("scale", 0.5), initializer("mask", wave(5, 2, 1, 3, 3))}
	gelu := []*onnx.Tensor{num("root", float32(math.Sqrt2)), num("one", 1), num("half", 0.5), num("three", 3), num("k", 0.044715), num("c", float32(math.Sqrt(2/math.Pi)))}
	conv := []*onnx.Tensor{initializer("W", wave(1, 4, 2, 3)), initializer("cb", wave(2, 4)), initializer("gamma", wave(3, 4)), initializer("beta", wave(4, 4)),
		initializer("mean", wave(5, 4)), initializer("var", positive(wave(6, 4)))}
	to := func(p ...int64) *onnx.Attribute { return onnx.AttrInts("perm", p...) }
	recurrent := []*onnx.Tensor{initializer("W", wave(1, 2, 20, 4)), initializer("R", wave(2, 2, 20, 5)), initializer("B", wave(3, 2, 40)), initializer("W1", wave(1, 1, 15, 4)), initializer("R1", wave(2, 1, 15, 5)),
		initializer("W0", wave(1, 1, 5, 4)), initializer("R0", wave(2, 1, 5, 5)), initializer("join", tensor.Must([]int64{0, 0, -1}, 3)), initializer("other", tensor.Must([]int64{0, -1, 5}, 3)), initializer("one", tensor.Must([]int64{1}, 1))}
	bytes := func(name string, shape ...int) *onnx.Tensor {
		v := must(tensor.Zeros(tensor.Int8, shape...))
		for i := range tensor.Of[int8](v) {
			tensor.Of[int8](v)[i] = int8(i*37%255 - 127)
		}
		return initializer(name, v)
	}
	hidden, both := onnx.AttrInt("hidden_size", 5), onnx.AttrString("direction", "bidirectional")
	halves := func(name string, shape ...int) *onnx.Tensor { // whole numbers, so that nothing is rounded
		v := must(tensor.Zeros(tensor.Float16, shape...))
		for i := range tensor.Of[tensor.F16](v) {
			tensor.Of[tensor.F16](v)[i] = tensor.ToF16(float64(i*37%17 - 8))
		}
		return initializer(name, v)
	}
	half, full := onnx.AttrInt("to", int64(onnx.Float16)), onnx.AttrInt("to", int64(onnx.Float))
	return []rewriteCase{
		{name: "product and bias", rewrite: "half-precision", opset: 13, in: floats("x", "n", 4), x: must(tensor.New([]float32{1, 2, -3, 4, 0, -1, 5, 6}, 2, 4)), outputs: names("y", "z"),
			consts: []*onnx.Tensor{halves("W", 4, 3), halves("b", 3), initializer("join", tensor.Must([]int64{-1}, 1))},
			nodes: []*onnx.Node{op("Cast", names("x"), names("h"), half), op("MatMul", names("h", "W"), names("p")), op("Add", names("p", "b"), names("s")), op("Relu", names("s"), names("r")),
				op("Reshape", names("r", "join"), names("flat")), op("Cast", names("flat"), names("y"), full), op("Cast", names("h"), names("z"), full)},
			steps: []string{"Cast", "Cast", "onda.Linear"}, without: []string{"Cast", "MatMul", "Add", "Relu", "Cast", "Cast"}},
		{name: "table and comparison stay", rewrite: "half-precision", opset: 13, in: floats("x", "n", 4), x: must(tensor.New([]float32{1, 2, -3, 4, 0, -1, 5, 6}, 2, 4)), outputs: names("y"),
			consts: []*onnx.Tensor{halves("table", 40, 4), initializer("two", tensor.Must([]int64{2, 5}, 2))},
			nodes: []*onnx.Node{op("Gather", names("table", "two"), names("e")), op("Cast", names("x"), names("h"), half), op("Mul", names("e", "h"), names("p")), op("Less", names("p", "h"), names("l")),
				op("Where", names("l", "p", "h"), names("w")), op("Cast", names("w"), names("y"), full)},
			steps: []string{"Cast", "Cast", "Mul", "Cast", "Less", "Where"}},
		{name: "batch first, both directions, states read", rewrite: "recurrent", opset: 13, in: floats("x", "n", 6, 4), x: wave(0, 3, 6, 4), consts: recurrent, outputs: names("y", "h", "c"),
			nodes: []*onnx.Node{op("Transpose", names("x"), names("xt"), to(1, 0, 2)), op("LSTM", names("xt", "W", "R", "B"), names("yt", "h", "c"), hidden, both),
				op("Transpose", names("yt"), names("yd"), to(0, 2, 1, 3)), op("Reshape", names("yd", "join"), names("yj")), op("Transpose", names("yj"), names("y"), to(1, 0, 2))},
			steps: []string{"onda.LSTM"}, without: []string{"Transpose", "LSTM", "Transpose", "Transpose"}},
		{name: "two layers, a reader of the state before", rewrite: "recurrent", opset: 14, in: floats("x", "t", "n", 4), x: wave(0, 6, 3, 4), consts: append(recurrent, initializer("W2", wave(1, 1, 15, 10))), outputs: names("y", "e"),
			nodes: []*onnx.Node{op("LSTM", names("x", "W", "R"), names("y1", "h1"), hidden, both), op("Exp", names("h1"), names("e")),
				op("Transpose", names("y1"), names("yd"), to(0, 2, 1, 3)), op("Reshape", names("yd", "join"), names("yj")),
				op("GRU", names("yj", "W2", "R1"), names("y2"), hidden, onnx.AttrInt("linear_before_reset", 1)), op("Squeeze", names("y2", "one"), names("ys")), op("Transpose", names("ys"), names("y"), to(1, 0, 2))},
			steps: []string{"onda.LSTM", "Exp", "onda.GRU"}, without: []string{"LSTM", "Exp", "Transpose", "GRU", "Transpose"}},
		{name: "RNN, opset 7", rewrite: "recurrent", opset: 7, in: floats("x", "n", 6, 4), x: wave(0, 3, 6, 4), consts: recurrent,
			nodes: []*onnx.Node{op("Transpose", names("x"), names("xt"), to(1, 0, 2)), op("RNN", names("xt", "W0", "R0"), names("yt"), hidden), op("Squeeze", names("yt"), names("ys"), onnx.AttrInts("axes", 1)), op("Transpose", names("ys"), names("y"), to(1, 0, 2))},
			steps: []string{"onda.RNN"}, without: []string{"Transpose", "RNN", "Transpose"}},
		{name: "a sequence that is read in two orders, a reshape of other axes", rewrite: "recurrent", opset: 14, in: floats("x", 6, 3, 4), x: wave(0, 6, 3, 4), consts: recurrent, outputs: names("y", "z", "v"),
			nodes: []*onnx.Node{op("LSTM", names("x", "W", "R"), names("y1"), hidden, both), op("Transpose", names("y1"), names("y"), to(0, 2, 1, 3)), op("Exp", names("y1"), names("z")),
				op("GRU", names("x", "W1", "R1"), names("g"), hidden), op("Reshape", names("g", "other"), names("u")), op("Transpose", names("u"), names("v"), to(1, 0, 2))},
			steps: []string{"LSTM", "Transpose", "Exp", "GRU", "Transpose"}},
		{name: "layout 1", rewrite: "recurrent", opset: 14, in: floats("x", 6, 3, 4), x: wave(0, 6, 3, 4), consts: recurrent,
			nodes: []*onnx.Node{op("LSTM", names("x", "W", "R"), names("y1"), hidden, both, onnx.AttrInt("layout", 1)), op("Transpose", names("y1"), names("y"), to(2, 0, 1, 3))},
			steps: []string{"LSTM", "Transpose"}},
		{name: "8-bit weights, batch first", rewrite: "recurrent", opset: 13, in: floats("x", "n", 6, 4), x: wave(0, 3, 6, 4), consts: append(recurrent, bytes("Q", 2, 4, 20), bytes("S", 2, 5, 20),
			initializer("scales", must(tensor.New([]float32{0.01, 0.02}, 2))), initializer("zeros", must(tensor.New([]int8{3, -2}, 2)))), outputs: names("y", "h"),
			nodes: []*onnx.Node{op("Transpose", names("x"), names("xt"), to(1, 0, 2)),
				{Domain: "com.microsoft", OpType: "DynamicQuantizeLSTM", Inputs: names("xt", "Q", "S", "B", "", "", "", "", "scales", "zeros", "scales", "zeros"), Outputs: names("yt", "h"), Attributes: []*onnx.Attribute{hidden, both}},
				op("Transpose", names("yt"), names("yd"), to(0, 2, 1, 3)), op("Reshape", names("yd", "join"), names("yj")), op("Transpose", names("yj"), names("y"), to(1, 0, 2))},
			steps: []string{"onda.DynamicQuantizeLSTM"}, without: []string{"Transpose", "com.microsoft.DynamicQuantizeLSTM", "Transpose", "Transpose"}},
		{name: "MatMul and Add", rewrite: "linear", opset: 13, in: floats("x", "n", "t", 4), x: wave(0, 2, 5, 4), consts: linear,
			nodes: []*onnx.Node{op("MatMul", names("x", "W"), names("m")), op("Add", names("b", "m"), names("y"))},
			steps: []string{"onda.Linear"}, without: []string{"MatMul", "Add"}},
		{name: "Gemm", rewrite: "linear", opset: 13, in: floats("x", "n", 3), x: wave(0, 2, 3), consts: []*onnx.Tensor{linear[0], initializer("b", wave(2, 4))},
			nodes: []*onnx.Node{op("Gemm", names("x", "W", "b"), names("y"), onnx.AttrInt("transB", 1))},
			steps: []string{"onda.Linear"}, without: []string{"Gemm"}},
		{name: "a bias that widens the product is no bias", rewrite: "linear", opset: 13, in: floats("x", "n", 4), x: wave(0, 2, 4), consts: []*onnx.Tensor{linear[0], initializer("b", wave(2, 2, 1, 3))},
			nodes: []*onnx.Node{op("MatMul", names("x", "W"), names("m")), op("Add", names("b", "m"), names("y"))},
			steps: []string{"MatMul", "Add"}},
		{name: "a product that is read twice", rewrite: "linear", opset: 13, in: floats("x", "n", 4), x: wave(0, 2, 4), consts: linear, outputs: names("y", "m"),
			nodes: []*onnx.Node{op("MatMul", names("x", "W"), names("m")), op("Add", names("b", "m"), names("y"))},
			steps: []string{"MatMul", "Add"}},
		{name: "Gemm", rewrite: "linear-batch-norm", opset: 13, in: floats("x", "n", 2), x: wave(0, 5, 2), consts: append(conv, initializer("V", wave(7, 4, 2))),
			nodes: []*onnx.Node{op("Gemm", names("x", "V", "cb"), names("m"), onnx.AttrInt("transB", 1)), op("BatchNormalization", names("m", "gamma", "beta", "mean", "var"), names("b")), op("Relu", names("b"), names("y"))},
			steps: []string{"onda.Linear"}, without: []string{"onda.Linear", "onda.BatchNormalization"}},
		{name: "MatMul and Add", rewrite: "linear-batch-norm", opset: 13, in: floats("x", "n", 2), x: wave(0, 5, 2), consts: append(conv, initializer("V", wave(7, 2, 4))),
			nodes: []*onnx.Node{op("MatMul", names("x", "V"), names("m")), op("Add", names("m", "cb"), names("a")), op("BatchNormalization", names("a", "gamma", "beta", "mean", "var"), names("y"))},
			steps: []string{"onda.Linear"}, without: []string{"onda.Linear", "BatchNormalization"}},
		{name: "MatMul alone", rewrite: "linear-batch-norm", opset: 13, in: floats("x", "n", 2), x: wave(0, 5, 2), consts: append(conv, initializer("V", wave(7, 2, 4))),
			nodes: []*onnx.Node{op("MatMul", names("x", "V"), names("m")), op("BatchNormalization", names("m", "gamma", "beta", "mean", "var"), names("y"))},
			steps: []string{"onda.Linear"}, without: []string{"MatMul", "BatchNormalization"}},
		{name: "channels that aren't the last axis", rewrite: "linear-batch-norm", opset: 13, in: floats("x", "n", 4, 2), x: wave(0, 5, 4, 2), consts: append(conv, initializer("V", wave(7, 2, 4))),
			nodes: []*onnx.Node{op("MatMul", names("x", "V"), names("m")), op("BatchNormalization", names("m", "gamma", "beta", "mean", "var"), names("y"))},
			steps: []string{"MatMul", "BatchNormalization"}},
		{name: "a product that is read twice", rewrite: "linear-batch-norm", opset: 13, in: floats("x", "n", 2), x: wave(0, 5, 2), consts: append(conv, initializer("V", wave(7, 2, 4))), outputs: names("y", "m"),
			nodes: []*onnx.Node{op("MatMul", names("x", "V"), names("m")), op("BatchNormalization", names("m", "gamma", "beta", "mean", "var"), names("y"))},
			steps: []string{"MatMul", "BatchNormalization"}},
		{name: "before", rewrite: "linear-batch-norm", opset: 13, in: floats("x", "n", 4), x: wave(0, 5, 4), consts: append(conv, initializer("V", wave(7, 2, 4)), initializer("b", wave(8, 2))),
			nodes: []*onnx.Node{op("Relu", names("x"), names("r")), op("BatchNormalization", names("r", "gamma", "beta", "mean", "var"), names("m")), op("Gemm", names("m", "V", "b"), names("y"), onnx.AttrInt("transB", 1))},
			steps: []string{"Relu", "onda.Linear"}, without: []string{"Relu", "BatchNormalization", "onda.Linear"}},
		{name: "before, channels that aren't the last axis", rewrite: "linear-batch-norm", opset: 13, in: floats("x", "n", 4, 4), x: wave(0, 5, 4, 4), consts: append(conv, initializer("V", wave(7, 4, 2))),
			nodes: []*onnx.Node{op("BatchNormalization", names("x", "gamma", "beta", "mean", "var"), names("m")), op("MatMul", names("m", "V"), names("y"))},
			steps: []string{"BatchNormalization", "MatMul"}},
		{name: "before, means far away", rewrite: "linear-batch-norm", opset: 13, in: floats("x", "n", 4), x: wave(0, 5, 4), consts: append(conv, initializer("V", wave(7, 2, 4)), initializer("far", tensor.Must([]float32{0, 0, 40, 0}, 4))),
			nodes: []*onnx.Node{op("BatchNormalization", names("x", "gamma", "beta", "far", "var"), names("m")), op("Gemm", names("m", "V"), names("y"), onnx.AttrInt("transB", 1))},
			steps: []string{"BatchNormalization", "onda.Linear"}},
		{name: "a row, then another", rewrite: "linear-scale", opset: 13, in: floats("x", "n", "t", 4), x: wave(0, 2, 5, 4), consts: append(linear, initializer("s", wave(3, 3)), initializer("t", wave(4, 3))),
			nodes: []*onnx.Node{op("MatMul", names("x", "W"), names("m")), op("Add", names("m", "b"), names("a")), op("Mul", names("s", "a"), names("c")), op("Add", names("c", "t"), names("d")), op("Tanh", names("d"), names("y"))},
			steps: []string{"onda.Linear"}, without: []string{"onda.Linear", "Mul", "Add", "Tanh"}},
		{name: "a number", rewrite: "linear-scale", opset: 13, in: floats("x", "n", 4), x: wave(0, 2, 4), consts: append(linear, num("s", 3)),
			nodes: []*onnx.Node{op("MatMul", names("x", "W"), names("m")), op("Mul", names("m", "s"), names("y"))},
			steps: []string{"onda.Linear"}, without: []string{"MatMul", "Mul"}},
		{name: "rows that widen the product", rewrite: "linear-scale", opset: 13, in: floats("x", "n", 4), x: wave(0, 2, 4), consts: append(linear, initializer("s", wave(3, 1, 1, 3))),
			nodes: []*onnx.Node{op("MatMul", names("x", "W"), names("m")), op("Mul", names("m", "s"), names("y"))},
			steps: []string{"MatMul", "Mul"}},
		{name: "weights beyond float32", rewrite: "linear-scale", opset: 13, in: floats("x", "n", 4), x: must(tensor.Zeros(tensor.Float32, 2, 4)), consts: append(linear, num("s", 3e38), initializer("large", must(tensor.New(slices.Repeat([]float32{10}, 12), 4, 3)))),
			nodes: []*onnx.Node{op("MatMul", names("x", "large"), names("m")), op("Mul", names("m", "s"), names("y"))},
			steps: []string{"MatMul", "Mul"}},
		{name: "sums beyond float32", rewrite: "linear-scale", opset: 13, in: floats("x", "n", 4), x: wave(0, 2, 4), consts: append(linear, num("t", 3e38), initializer("large", must(tensor.New([]float32{3e38, 0, -3e38}, 3)))),
			nodes: []*onnx.Node{op("Gemm", names("x", "W", "large"), names("m")), op("Add", names("m", "t"), names("y"))},
			steps: []string{"onda.Linear", "Add"}},
		{name: "behind an activation", rewrite: "linear-scale", opset: 13, in: floats("x", "n", 4), x: wave(0, 2, 4), consts: append(linear, num("s", -3)),
			nodes: []*onnx.Node{op("Gemm", names("x", "W", "b"), names("m")), op("Relu", names("m"), names("r")), op("Mul", names("r", "s"), names("y"))},
			steps: []string{"onda.Linear", "Mul"}},
		{name: "weights that another product reads", rewrite: "linear-scale", opset: 13, in: floats("x", "n", 4), x: wave(0, 2, 4), consts: append(linear, num("s", 3)), outputs: names("y", "z"),
			nodes: []*onnx.Node{op("MatMul", names("x", "W"), names("m")), op("Mul", names("m", "s"), names("y")), op("Tanh", names("x"), names("o")), op("MatMul", names("o", "W"), names("z"))},
			steps: []string{"MatMul", "Mul", "Tanh", "MatMul"}},
		{name: "as ONNX Runtime's dynamic quantiser writes it", rewrite: "dynamic-product", opset: 13, in: floats("x", "n", "t", 4), x: wave(0, 2, 5, 4), consts: dynamic,
			nodes: []*onnx.Node{op("DynamicQuantizeLinear", names("x"), names("q", "s", "z")), op("MatMulInteger", names("q", "Q", "z", "zero"), names("i")), op("Cast", names("i"), names("f"), onnx.AttrInt("to", 1)),
				op("Mul", names("s", "scale"), names("both")), op("Mul", names("f", "both"), names("m")), op("Add", names("b", "m"), names("y"))},
			steps: []string{"com.microsoft.DynamicQuantizeMatMul"}, without: []string{"DynamicQuantizeLinear", "MatMulInteger", "Cast", "Mul", "Mul", "Add"}},
		{name: "integers that are read themselves", rewrite: "dynamic-product", opset: 13, in: floats("x", "n", 4), x: wave(0, 2, 4), consts: dynamic, outputs: names("y", "f"),
			nodes: []*onnx.Node{op("DynamicQuantizeLinear", names("x"), names("q", "s", "z")), op("MatMulInteger", names("q", "Q", "z", "zero"), names("i")), op("Cast", names("i"), names("f"), onnx.AttrInt("to", 1)),
				op("Mul", names("s", "scale"), names("both")), op("Mul", names("f", "both"), names("y"))},
			steps: []string{"DynamicQuantizeLinear", "MatMulInteger", "Cast", "Mul", "Mul"}},
		{name: "a matrix with a scale", rewrite: "quantised-product", opset: 13, in: floats("x", "n", "t", 4), x: wave(0, 2, 5, 4), consts: qdq,
			nodes: []*onnx.Node{op("QuantizeLinear", names("x", "s", "z"), names("q")), op("DequantizeLinear", names("q", "s", "z"), names("d")), op("DequantizeLinear", names("Q", "scale", "zero"), names("w")),
				op("MatMul", names("d", "w"), names("y"))},
			steps: []string{"QuantizeLinear", "com.microsoft.MatMulIntegerToFloat"}, without: []string{"QuantizeLinear", "DequantizeLinear", "MatMul"}},
		{name: "Gemm, a scale for each row", rewrite: "quantised-product", opset: 13, in: floats("x", "n", 4), x: wave(0, 5, 4), consts: qdq,
			nodes: []*onnx.Node{op("QuantizeLinear", names("x", "s", "z"), names("q")), op("DequantizeLinear", names("q", "s", "z"), names("d")), op("DequantizeLinear", names("R", "scales", "zeros"), names("w"), onnx.AttrInt("axis", 0)),
				op("Gemm", names("d", "w", "b"), names("y"), onnx.AttrInt("transB", 1))},
			steps: []string{"QuantizeLinear", "com.microsoft.MatMulIntegerToFloat"}, without: []string{"QuantizeLinear", "DequantizeLinear", "onda.Linear"}},
		{name: "a scale for each row of a sum", rewrite: "quantised-product", opset: 13, in: floats("x", "n", 3), x: wave(0, 5, 3), consts: qdq,
			nodes: []*onnx.Node{op("QuantizeLinear", names("x", "s", "z"), names("q")), op("DequantizeLinear", names("q", "s", "z"), names("d")), op("DequantizeLinear", names("R", "scales", "zeros"), names("w"), onnx.AttrInt("axis", 0)),
				op("MatMul", names("d", "w"), names("y"))},
			steps: []string{"QuantizeLinear", "DequantizeLinear", "MatMul"}},
		{name: "Relu", rewrite: "linear-activation", opset: 13, in: floats("x", "n", 4), x: wave(0, 2, 4), consts: linear,
			nodes: []*onnx.Node{op("Gemm", names("x", "W", "b"), names("m")), op("Relu", names("m"), names("y"))},
			steps: []string{"onda.Linear"}, without: []string{"onda.Linear", "Relu"}},
		{name: "Silu", rewrite: "linear-activation", opset: 13, in: floats("x", "n", 4), x: wave(0, 2, 4), consts: linear,
			nodes: []*onnx.Node{op("Gemm", names("x", "W", "b"), names("m")), op("Sigmoid", names("m"), names("s")), op("Mul", names("m", "s"), names("y"))},
			steps: []string{"onda.Linear"}, without: []string{"onda.Linear", "Sigmoid", "Mul"}},
		{name: "by Pow", rewrite: "layer-norm", opset: 13, in: floats("x", "n", "t", 4), x: wave(0, 2, 5, 4), consts: layerNorm,
			nodes: []*onnx.Node{op("ReduceMean", names("x"), names("mean"), last), op("Sub", names("x", "mean"), names("d")), op("Pow", names("d", "two"), names("sq")),
				op("ReduceMean", names("sq"), names("v"), last), op("Add", names("v", "eps"), names("ve")), op("Sqrt", names("ve"), names("sd")),
				op("Div", names("d", "sd"), names("z")), op("Mul", names("z", "gamma"), names("zg")), op("Add", names("zg", "beta"), names("y"))},
			steps: []string{"onda.LayerNormalization"}},
		{name: "over another axis", rewrite: "layer-norm", opset: 13, in: floats("x", "n", 4, 4), x: wave(0, 2, 4, 4), consts: layerNorm,
			nodes: []*onnx.Node{op("ReduceMean", names("x"), names("mean"), onnx.AttrInts("axes", 1)), op("Sub", names("x", "mean"), names("d")), op("Mul", names("d", "d"), names("sq")),
				op("ReduceMean", names("sq"), names("v"), last), op("Add", names("v", "eps"), names("ve")), op("Sqrt", names("ve"), names("sd")),
				op("Div", names("d", "sd"), names("z")), op("Mul", names("z", "gamma"), names("zg")), op("Add", names("zg", "beta"), names("y"))},
			steps: []string{"ReduceMean", "Sub", "Mul", "ReduceMean", "Add", "Sqrt", "Div", "Mul", "Add"}},
		{name: "by erf", rewrite: "gelu", opset: 13, in: floats("x", "n", 4), x: wave(0, 3, 4), consts: gelu,
			nodes: []*onnx.Node{op("Div", names("x", "root"), names("a")), op("Erf", names("a"), names("e")), op("Add", names("e", "one"), names("p")),
				op("Mul", names("x", "p"), names("q")), op("Mul", names("q", "half"), names("y"))},
			steps: []string{"onda.Gelu"}},
		{name: "by erf, halved first", rewrite: "gelu", opset: 13, in: floats("x", "n", 4), x: wave(0, 3, 4), consts: gelu,
			nodes: []*onnx.Node{op("Div", names("x", "root"), names("a")), op("Erf", names("a"), names("e")), op("Add", names("one", "e"), names("p")),
				op("Mul", names("half", "x"), names("h")), op("Mul", names("h", "p"), names("y"))},
			steps: []string{"onda.Gelu"}},
		{name: "by tanh", rewrite: "gelu", opset: 13, in: floats("x", "n", 4), x: wave(0, 3, 4), consts: gelu,
			nodes: []*onnx.Node{op("Pow", names("x", "three"), names("x3")), op("Mul", names("k", "x3"), names("kx3")), op("Add", names("x", "kx3"), names("s")),
				op("Mul", names("c", "s"), names("cs")), op("Tanh", names("cs"), names("th")), op("Add", names("one", "th"), names("p")),
				op("Mul", names("half", "x"), names("h")), op("Mul", names("h", "p"), names("y"))},
			steps: []string{"onda.Gelu"}},
		{name: "with another factor", rewrite: "gelu", opset: 13, in: floats("x", "n", 4), x: wave(0, 3, 4), consts: gelu,
			nodes: []*onnx.Node{op("Mul", names("x", "root"), names("a")), op("Erf", names("a"), names("e")), op("Add", names("e", "one"), names("p")),
				op("Mul", names("x", "p"), names("q")), op("Mul", names("q", "half"), names("y"))},
			steps: []string{"Mul", "Erf", "Add", "Mul", "Mul"}},
		{name: "and bias", rewrite: "conv-batch-norm", opset: 13, in: floats("x", "n", 2, "t"), x: wave(0, 2, 2, 6), consts: conv,
			nodes: []*onnx.Node{op("Conv", names("x", "W", "cb"), names("c")), op("BatchNormalization", names("c", "gamma", "beta", "mean", "var"), names("y"))},
			steps: []string{"Conv"}, without: []string{"Conv", "BatchNormalization"}},
		{name: "grouped, without bias", rewrite: "conv-batch-norm", opset: 13, in: floats("x", "n", 4, "t"), x: wave(0, 2, 4, 6), consts: conv,
			nodes: []*onnx.Node{op("Conv", names("x", "W"), names("c"), onnx.AttrInt("group", 2)), op("BatchNormalization", names("c", "gamma", "beta", "mean", "var"), names("y"))},
			steps: []string{"Conv"}},
		{name: "Clip", rewrite: "conv-activation", opset: 13, in: floats("x", "n", 2, "t"), x: wave(0, 2, 2, 6), consts: append(conv, num("lo", -.3), num("hi", .4)),
			nodes: []*onnx.Node{op("Conv", names("x", "W", "cb"), names("c")), op("Clip", names("c", "lo", "hi"), names("y"))},
			steps: []string{"onda.Conv"}, without: []string{"Conv", "Clip"}},
		{name: "Clip by attributes", rewrite: "conv-activation", opset: 9, in: floats("x", "n", 2, "t"), x: wave(0, 2, 2, 6), consts: conv,
			nodes: []*onnx.Node{op("Conv", names("x", "W"), names("c")), op("Clip", names("c"), names("y"), onnx.AttrFloat("max", .4))},
			steps: []string{"onda.Conv"}, without: []string{"Conv", "Clip"}},
		{name: "limits that are computed", rewrite: "conv-activation", opset: 13, in: floats("x", "n", 2, "t"), x: wave(0, 2, 2, 6), consts: conv, more: map[string]*tensor.Tensor{"k": tensor.Scalar(float32(.1))},
			nodes: []*onnx.Node{op("Conv", names("x", "W", "cb"), names("c")), op("Clip", names("c", "k"), names("y"))},
			steps: []string{"Conv", "Clip"}},
		{name: "x*sigmoid(x)", rewrite: "conv-activation", opset: 13, in: floats("x", "n", 2, "t"), x: wave(0, 2, 2, 6), consts: conv,
			nodes: []*onnx.Node{op("Conv", names("x", "W", "cb"), names("c")), op("Sigmoid", names("c"), names("s")), op("Mul", names("s", "c"), names("y"))},
			steps: []string{"onda.Conv"}, without: []string{"Conv", "Sigmoid", "Mul"}},
		{name: "HardSigmoid, LeakyRelu", rewrite: "conv-activation", opset: 13, in: floats("x", "n", 2, "t"), x: wave(0, 2, 2, 6), consts: append(conv, initializer("W4", wave(3, 2, 4, 1))),
			nodes: []*onnx.Node{op("Conv", names("x", "W", "cb"), names("c")), op("HardSigmoid", names("c"), names("h"), onnx.AttrFloat("alpha", .3)), op("Conv", names("h", "W4"), names("d")), op("LeakyRelu", names("d"), names("y"))},
			steps: []string{"onda.Conv", "onda.Conv"}, without: []string{"Conv", "HardSigmoid", "Conv", "LeakyRelu"}},
		{name: "read elsewhere too", rewrite: "conv-activation", opset: 13, in: floats("x", "n", 2, "t"), x: wave(0, 2, 2, 6), consts: conv, outputs: names("c", "y"),
			nodes: []*onnx.Node{op("Conv", names("x", "W", "cb"), names("c")), op("Relu", names("c"), names("y"))},
			steps: []string{"Conv", "Relu"}},
		{name: "x*sigmoid(x), x read elsewhere too", rewrite: "conv-activation", opset: 13, in: floats("x", "n", 2, "t"), x: wave(0, 2, 2, 6), consts: conv, outputs: names("c", "y"),
			nodes: []*onnx.Node{op("Conv", names("x", "W", "cb"), names("c")), op("Sigmoid", names("c"), names("s")), op("Mul", names("s", "c"), names("y"))},
			steps: []string{"Conv", "Sigmoid", "Mul"}},
		{name: "of a residual block", rewrite: "conv-add", opset: 13, in: floats("x", "n", 2, 6), x: wave(0, 2, 2, 6), consts: append(conv, initializer("W4", wave(3, 4, 4, 3))),
			nodes: []*onnx.Node{op("Conv", names("x", "W", "cb"), names("c")), op("Conv", names("c", "W4", "cb"), names("d"), onnx.AttrInts("pads", 1, 1)), op("Add", names("d", "c"), names("s")), op("Relu", names("s"), names("y"))},
			steps: []string{"Conv", "onda.Conv"}, without: []string{"Conv", "Conv", "Add", "Relu"}},
		{name: "with what may have another batch", rewrite: "conv-add", opset: 13, in: floats("x", "n", 2, 6), x: wave(0, 1, 2, 6), consts: conv, more: map[string]*tensor.Tensor{"k": wave(1, 3, 4, 4)},
			nodes: []*onnx.Node{op("Conv", names("x", "W", "cb"), names("c")), op("Add", names("c", "k"), names("y"))},
			steps: []string{"Conv", "Add"}},
		{name: "with planes of another batch", rewrite: "conv-add", opset: 13, in: floats("x", "n", 2, 6), x: wave(0, 1, 2, 6), consts: append(conv, initializer("planes", tensor.Must([]int64{-1, 4, 4}, 3))),
			more:  map[string]*tensor.Tensor{"k": wave(1, 3, 4, 4)},
			nodes: []*onnx.Node{op("Reshape", names("k", "planes"), names("z")), op("Conv", names("x", "W", "cb"), names("c")), op("Add", names("c", "z"), names("y"))},
			steps: []string{"Conv", "Add"}},
		{name: "once only", rewrite: "conv-add", opset: 13, in: floats("x", "n", 2, 6), x: wave(0, 2, 2, 6), consts: append(conv, initializer("W4", wave(3, 4, 4, 3))),
			nodes: []*onnx.Node{op("Conv", names("x", "W", "cb"), names("c")), op("Conv", names("c", "W4", "cb"), names("d"), onnx.AttrInts("pads", 1, 1)), op("Add", names("d", "c"), names("s")), op("Add", names("c", "s"), names("y"))},
			steps: []string{"Conv", "onda.Conv", "Add"}, without: []string{"Conv", "Conv", "Add", "Add"}},
		{name: "with a row", rewrite: "conv-add", opset: 13, in: floats("x", "n", 2, 6), x: wave(0, 1, 2, 6), consts: append(conv, initializer("row", wave(3, 4, 1))),
			nodes: []*onnx.Node{op("Conv", names("x", "W", "cb"), names("c")), op("Add", names("c", "row"), names("y"))},
			steps: []string{"Conv", "Add"}},
		{name: "3x3", rewrite: "conv-winograd", opset: 13, in: floats("x", "n", 24, "t", 5), x: wave(0, 2, 24, 7, 5), consts: []*onnx.Tensor{initializer("W9", wave(1, 24, 24, 3, 3)), initializer("b9", wave(2, 24))},
			nodes: []*onnx.Node{op("Conv", names("x", "W9", "b9"), names("c"), onnx.AttrInts("pads", 1, 1, 1, 1)), op("Add", names("c", "x"), names("s")), op("Relu", names("s"), names("y"))},
			steps: []string{"onda.Conv", "Add", "Relu"}, without: []string{"Conv", "Add", "Relu"}},
		{name: "with the rest of a block", rewrite: "conv-winograd", opset: 13, in: floats("x", "n", 24, 7, 5), x: wave(0, 2, 24, 7, 5), consts: []*onnx.Tensor{initializer("W9", wave(1, 24, 24, 3, 3))},
			nodes: []*onnx.Node{op("Conv", names("x", "W9"), names("c"), onnx.AttrString("auto_pad", "SAME_UPPER")), op("Add", names("c", "x"), names("s")), op("Relu", names("s"), names("y"))},
			steps: []string{"onda.Conv"}, without: []string{"onda.Conv"}},
		{name: "grouped", rewrite: "conv-winograd", opset: 13, in: floats("x", "n", 48, 7, 5), x: wave(0, 1, 48, 7, 5), consts: []*onnx.Tensor{initializer("W9", wave(1, 24, 24, 3, 3))},
			nodes: []*onnx.Node{op("Conv", names("x", "W9"), names("y"), onnx.AttrInt("group", 2))}, steps: []string{"Conv"}},
		{name: "few outputs", rewrite: "conv-winograd", opset: 13, in: floats("x", "n", 24, 4, 5), x: wave(0, 1, 24, 4, 5), consts: []*onnx.Tensor{initializer("W9", wave(1, 24, 24, 3, 3))},
			nodes: []*onnx.Node{op("Conv", names("x", "W9"), names("y"))}, steps: []string{"Conv"}},
		{name: "2 apart", rewrite: "conv-winograd", opset: 13, in: floats("x", "n", 24, 17, 15), x: wave(0, 1, 24, 17, 15), consts: []*onnx.Tensor{initializer("W9", wave(1, 24, 24, 3, 3))},
			nodes: []*onnx.Node{op("Conv", names("x", "W9"), names("y"), onnx.AttrInts("strides", 2, 2))}, steps: []string{"Conv"}},
		{name: "large images", rewrite: "batch-parts", opset: 13, in: floats("x", "n", 2, 300, 300), x: wave(0, 4, 2, 300, 300), consts: []*onnx.Tensor{initializer("K", wave(1, 4, 2, 3, 3))},
			nodes: []*onnx.Node{op("Conv", names("x", "K"), names("c"), onnx.AttrInts("strides", 2, 2)), op("Exp", names("c"), names("y"))},
			steps: []string{"Conv in 4 parts", "Exp"}, without: []string{"Conv", "Exp"}},
		{name: "small images", rewrite: "batch-parts", opset: 13, in: floats("x", "n", 2, 30, 30), x: wave(0, 4, 2, 30, 30), consts: []*onnx.Tensor{initializer("K", wave(1, 4, 2, 3, 3))},
			nodes: []*onnx.Node{op("Conv", names("x", "K"), names("c"), onnx.AttrInts("strides", 2, 2)), op("Exp", names("c"), names("y"))}, steps: []string{"Conv", "Exp"}},
		{name: "of an input", rewrite: "batch-norm-relu", opset: 13, in: floats("x", "n", 4, "t"), x: wave(0, 2, 4, 9), consts: conv,
			nodes: []*onnx.Node{op("BatchNormalization", names("x", "gamma", "beta", "mean", "var"), names("b")), op("Relu", names("b"), names("y"))},
			steps: []string{"onda.BatchNormalization"}, without: []string{"BatchNormalization", "Relu"}},
		{name: "heads transposed, mask", rewrite: "attention", opset: 13, in: floats("x", "n", 3, 2, 4), x: wave(0, 2, 3, 2, 4), consts: heads,
			more: map[string]*tensor.Tensor{"k": wave(1, 2, 3, 2, 4), "v": wave(2, 2, 3, 2, 5)},
			nodes: []*onnx.Node{op("Transpose", names("x"), names("qt"), to(0, 2, 1, 3)), op("Transpose", names("k"), names("kt"), to(0, 2, 3, 1)), op("Transpose", names("v"), names("vt"), to(0, 2, 1, 3)),
				op("MatMul", names("qt", "kt"), names("s")), op("Mul", names("s", "scale"), names("ss")), op("Add", names("ss", "mask"), names("sm")),
				op("Softmax", names("sm"), names("w"), onnx.AttrInt("axis", -1)), op("MatMul", names("w", "vt"), names("o")), op("Transpose", names("o"), names("y"), to(0, 2, 1, 3))},
			steps: []string{"onda.Attention"}, without: []string{"Transpose", "Transpose", "Transpose", "MatMul", "Mul", "Add", "Softmax", "MatMul", "Transpose"}},
		{name: "three axes, q scaled, weights wanted", rewrite: "attention", opset: 13, in: floats("x", "n", 3, 4), x: wave(0, 2, 3, 4), consts: append(heads, initializer("m3", wave(5, 3, 1))),
			more: map[string]*tensor.Tensor{"k": wave(1, 6, 2, 4), "v": wave(2, 2, 6, 5)}, outputs: names("y", "w2"),
			nodes: []*onnx.Node{op("Div", names("x", "scale"), names("q")), op("Transpose", names("k"), names("kt"), to(1, 2, 0)),
				op("MatMul", names("q", "kt"), names("s")), op("Add", names("m3", "s"), names("sm")), op("Softmax", names("sm"), names("w"), onnx.AttrInt("axis", 2)),
				op("Neg", names("w"), names("w2")), op("MatMul", names("w", "v"), names("y"))},
			steps: []string{"onda.Attention", "Neg"}},
		{name: "keys of one batch for all", rewrite: "attention", opset: 13, in: floats("x", "n", 2, 3, 4), x: wave(0, 5, 2, 3, 4), consts: heads,
			more:  map[string]*tensor.Tensor{"k": wave(1, 1, 2, 7, 4), "v": wave(2, 1, 2, 7, 5)},
			nodes: []*onnx.Node{op("Transpose", names("k"), names("kt"), to(0, 1, 3, 2)), op("MatMul", names("x", "kt"), names("s")), op("Softmax", names("s"), names("w"), onnx.AttrInt("axis", -1)), op("MatMul", names("w", "v"), names("y"))},
			steps: []string{"onda.Attention"}},
		{name: "a mask that repeats the scores", rewrite: "attention", opset: 13, in: floats("x", "n", 2, "t", 4), x: wave(0, 1, 2, 1, 4), consts: []*onnx.Tensor{initializer("mask", wave(5, 3, 1, 5, 7))},
			more: map[string]*tensor.Tensor{"k": wave(1, 1, 2, 7, 4), "v": wave(2, 1, 2, 7, 5)},
			nodes: []*onnx.Node{op("Transpose", names("k"), names("kt"), to(0, 1, 3, 2)), op("MatMul", names("x", "kt"), names("s")), op("Add", names("s", "mask"), names("sm")),
				op("Softmax", names("sm"), names("w"), onnx.AttrInt("axis", -1)), op("MatMul", names("w", "v"), names("y"))},
			steps: []string{"onda.Attention"}},
		{name: "keys whose width is not last", rewrite: "attention", opset: 13, in: floats("x", "n", 2, 3, 4), x: wave(0, 5, 2, 3, 4), consts: heads,
			more:  map[string]*tensor.Tensor{"k": wave(1, 5, 2, 4, 7), "v": wave(2, 5, 2, 7, 5)},
			nodes: []*onnx.Node{op("MatMul", names("x", "k"), names("s")), op("Softmax", names("s"), names("w"), onnx.AttrInt("axis", -1)), op("MatMul", names("w", "v"), names("y"))},
			steps: []string{"onda.Attention"}, without: []string{"MatMul", "Softmax", "MatMul"}},
		{name: "keys whose width is neither last nor before", rewrite: "attention", opset: 13, in: floats("x", "n", 2, 3, 4), x: wave(0, 5, 2, 3, 4), consts: heads,
			more: map[string]*tensor.Tensor{"k": wave(1, 4, 5, 2, 7), "v": wave(2, 5, 2, 7, 5)},
			nodes: []*onnx.Node{op("Transpose", names("k"), names("kt"), to(1, 2, 0, 3)), op("MatMul", names("x", "kt"), names("s")), op("Softmax", names("s"), names("w"), onnx.AttrInt("axis", -1)),
				op("MatMul", names("w", "v"), names("y"))},
			steps: []string{"onda.Attention"}},
		{name: "what doesn't depend on the trip, and what does", rewrite: "unroll", opset: 13, in: floats("x", "n", 4), x: wave(0, 2, 4), consts: trips(3), outputs: names("y", "all"),
			nodes: []*onnx.Node{op("Loop", names("trips", "", "x"), names("y", "all"), onnx.AttrGraph("body", loopBody(identity("go", "again"))))},
			steps: []string{"Exp", "Add", "Mul", "Add", "Add", "Mul", "Concat"}, without: []string{"Loop"}},
		{name: "a condition that is true", rewrite: "unroll", opset: 13, in: floats("x", "n", 4), x: wave(0, 2, 4), consts: trips(2),
			nodes: []*onnx.Node{op("Loop", names("trips", "yes", "x"), names("y", ""), onnx.AttrGraph("body", loopBody(identity("yes", "again"))))},
			steps: []string{"Exp", "Add", "Add"}, without: []string{"Loop"}},
		{name: "a loop that may end before", rewrite: "unroll", opset: 13, in: floats("x", "n", 4), x: wave(0, 2, 4), consts: trips(3), outputs: names("y", "all"),
			nodes: []*onnx.Node{op("Loop", names("trips", "yes", "x"), names("y", "all"), onnx.AttrGraph("body", loopBody(op("Less", names("i", "one"), names("again")))))},
			steps: []string{"Loop"}},
		{name: "more trips than it pays to write out", rewrite: "unroll", opset: 13, in: floats("x", "n", 4), x: wave(0, 2, 4), consts: trips(1000),
			nodes: []*onnx.Node{op("Loop", names("trips", "", "x"), names("y", ""), onnx.AttrGraph("body", loopBody(identity("go", "again"))))},
			steps: []string{"Loop"}},
	}
}

// loopBody adds exp(x), of the graph around it, to v; p is the sum times the
// number of the trip. again decides whether it goes on.
func loopBody(again *onnx.Node) *onnx.Graph {
	return &onnx.Graph{
		Name:   "body",
		Inputs: []*onnx.ValueInfo{ints("i"), value("go", onnx.Bool), floats("v", "n", 4)},
		Nodes: []*onnx.Node{op("Exp", names("x"), names("e")), op("Add", names("v", "e"), names("s")),
			op("Cast", names("i"), names("f"), onnx.AttrInt("to", 1)), op("Mul", names("s", "f"), names("p")), again},
		Outputs: []*onnx.ValueInfo{value("again", onnx.Bool), floats("s", "n", 4), floats("p", "n", 4)},
	}
}

func trips(n int64) []*onnx.Tensor {
	return []*onnx.Tensor{initializer("trips", tensor.Scalar(n)), initializer("yes", tensor.Scalar(true)), initializer("one", tensor.Scalar[int64](1))}
}

func (c rewriteCase) model() *onnx.Model {
	g := &onnx.Graph{Inputs: []*onnx.ValueInfo{c.in}, Initializers: c.consts, Nodes: c.nodes}
	for _, name := range []string{"k", "v"} {
		if v := c.more[name]; v != nil {
			g.Inputs = append(g.Inputs, floats(name, slices.Repeat([]any{name}, v.Rank())...))
			for i := range v.Rank() {
				g.Inputs[len(g.Inputs)-1].Type.Tensor.Shape.Dims[i] = onnx.Dim{}
			}
		}
	}
	outputs := c.outputs
	if outputs == nil {
		outputs = names("y")
	}
	for _, name := range outputs {
		g.Outputs = append(g.Outputs, &onnx.ValueInfo{Name: name})
	}
	return modelOf(c.opset, g)
}
