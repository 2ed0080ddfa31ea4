package export

import (
	"fmt"

	"github.com/onda-ml/onda/lstmattn"
	"github.com/onda-ml/onda/onnx"
)

// A writer writes one model.
type writer struct {
	config  *lstmattn.Config
	params  *lstmattn.Params
	options Options
	graph   *onnx.Graph // the main graph, which holds every constant
	known   map[string]bool
}

// begin starts a new main graph and returns its body.
func (w *writer) begin(name string) *body {
	w.graph, w.known = &onnx.Graph{Name: name}, map[string]bool{}
	return &body{writer: w, graph: w.graph}
}

// A body adds nodes to a graph: the main one, or a Loop's.
type body struct {
	*writer
	graph  *onnx.Graph
	prefix string // of the names of all values it makes
}

// op adds a node of one output and returns the output's name.
func (b *body) op(opType, out string, inputs []string, attributes ...*onnx.Attribute) string {
	return b.ops(opType, inputs, []string{out}, attributes...)[0]
}

// ops adds a node and returns its outputs' names. An empty output is left out.
func (b *body) ops(opType string, inputs, outputs []string, attributes ...*onnx.Attribute) []string {
	n := &onnx.Node{OpType: opType, Inputs: inputs, Attributes: attributes}
	for _, out := range outputs {
		if out != "" {
			out = b.prefix + out
			if n.Name == "" {
				n.Name = out
			}
		}
		n.Outputs = append(n.Outputs, out)
	}
	b.graph.Nodes = append(b.graph.Nodes, n)
	return n.Outputs
}

// floats is a float32 constant of the main graph, made once by its name.
func (w *writer) floats(name string, data []float32, dims ...int64) string {
	return w.constant(name, func() *onnx.Tensor { return onnx.TensorFloat32(name, dims, data) })
}

// ints is a list of int64, a constant of the main graph.
func (w *writer) ints(name string, data ...int64) string {
	return w.constant(name, func() *onnx.Tensor { return onnx.TensorInt64(name, []int64{int64(len(data))}, data) })
}

func (w *writer) constant(name string, make func() *onnx.Tensor) string {
	if !w.known[name] {
		w.known[name] = true
		w.graph.Initializers = append(w.graph.Initializers, make())
	}
	return name
}

// param is a parameter of the model, as the table has it.
func (w *writer) param(name string) string {
	for _, row := range w.params.Table() {
		if row.Name == name {
			dims := make([]int64, len(row.Shape))
			for i, d := range row.Shape {
				dims[i] = int64(d)
			}
			return w.floats(name, w.params.View(name), dims...)
		}
	}
	return name
}

// dense is a parameter's linear layer of x (..., in).
func (b *body) dense(out, x, module string) string {
	weight, bias := b.params.View(module+".weight"), b.params.View(module+".bias")
	rows := len(bias)
	return b.affine(out, x, module, turned(weight, rows), bias)
}

// affine is x W + b of x (..., in), W (in, len(b)).
func (b *body) affine(out, x, module string, weight, bias []float32) string {
	n := int64(len(bias))
	y := b.op("MatMul", out+".product", []string{x, b.floats(module+"_weight", weight, int64(len(weight))/n, n)})
	return b.op("Add", out, []string{y, b.floats(module+"_bias", bias, n)})
}

// turned is the transpose of w, which has so many rows.
func turned(w []float32, rows int) []float32 {
	t, columns := make([]float32, len(w)), len(w)/rows
	for i := range rows {
		for j := range columns {
			t[j*rows+i] = w[i*columns+j]
		}
	}
	return t
}

// linear is x W' + b of x (rows, in), W (out, in) and b (out).
func (b *body) linear(out, x, weight, bias string) string {
	return b.op("Gemm", out, []string{x, weight, bias}, onnx.AttrInt("transB", 1))
}

func (b *body) transpose(out, x string, perm ...int64) string {
	return b.op("Transpose", out, []string{x}, onnx.AttrInts("perm", perm...))
}

// reshape takes the shape with 0 for an axis that stays as it is.
func (b *body) reshape(out, x, shapeName string, shape ...int64) string {
	return b.op("Reshape", out, []string{x, b.ints(shapeName, shape...)})
}

func (b *body) unsqueeze(out, x string, axis int64) string {
	return b.op("Unsqueeze", out, []string{x, b.axis(axis)})
}

func (b *body) squeeze(out, x string, axis int64) string {
	return b.op("Squeeze", out, []string{x, b.axis(axis)})
}

func (b *body) axis(axis int64) string {
	return b.ints("axis_"+[]string{"last", "0", "1", "2", "3", "4"}[axis+1], axis)
}

// mean is the mean along an axis, which stays with extent 1.
func (b *body) mean(out, x string, axis int64) string {
	if b.options.Opset < 18 {
		return b.op("ReduceMean", out, []string{x}, onnx.AttrInts("axes", axis))
	}
	return b.op("ReduceMean", out, []string{x, b.axis(axis)})
}

// gather takes position i along axis 1; keep leaves the axis, with extent 1.
func (b *body) gather(out, x, indexName string, i int64, keep bool) string {
	if keep {
		return b.pick(out, x, b.ints(indexName, i), 1)
	}
	return b.pick(out, x, b.scalar(indexName, i), 1)
}

// pick takes what index names along an axis.
func (b *body) pick(out, x, index string, axis int64) string {
	return b.op("Gather", out, []string{x, index}, onnx.AttrInt("axis", axis))
}

// scalar is one int64, a constant of the main graph.
func (w *writer) scalar(name string, v int64) string {
	return w.constant(name, func() *onnx.Tensor { return onnx.TensorInt64(name, nil, []int64{v}) })
}

// number is the place of one of a head's numbers.
func (w *writer) number(i int) string { return w.scalar(fmt.Sprintf("number_%d", i), int64(i)) }

// slice takes [from, to) along an axis.
func (b *body) slice(out, x string, axis, from, to int64) string {
	bound := func(v int64) string { return b.ints(fmt.Sprintf("bound_%d", v), v) }
	return b.op("Slice", out, []string{x, bound(from), bound(to), b.axis(axis)})
}

// expand repeats x along its axes of extent 1 where the shape has more.
func (b *body) expand(out, x, shapeName string, shape ...int64) string {
	return b.op("Expand", out, []string{x, b.ints(shapeName, shape...)})
}

// extent is the extent of x along an axis, (1) int64.
func (b *body) extent(out, x string, axis int64) string {
	return b.pick(out, b.op("Shape", out+".shape", []string{x}), b.ints(fmt.Sprintf("extent_%d", axis), axis), 0)
}

// concat joins along an axis; one alone stays as it is.
func (b *body) concat(out string, parts []string, axis int64) string {
	if len(parts) == 1 {
		return parts[0]
	}
	return b.op("Concat", out, parts, onnx.AttrInt("axis", axis))
}

// The types of inputs and outputs. Extents below 0 are symbolic.
const (
	symbolicBatch     = -1 - iota
	symbolicHorizon   // steps of the forecast
	symbolicSequences // what the network reads of a batch: num_features for each window under folded channels
	symbolicSteps     // input_size and the steps of the forecast
	symbolicPositions // segments of the forecast
)

func value(name, doc string, dtype onnx.DataType, dims ...int) *onnx.ValueInfo {
	shape := make([]onnx.Dim, len(dims))
	for i, d := range dims {
		if d < 0 {
			shape[i] = onnx.DimParam([]string{"batch", "horizon", "sequences", "steps", "positions"}[-1-d])
		} else {
			shape[i] = onnx.DimValue(int64(d))
		}
	}
	v := onnx.TensorValue(name, dtype, shape...)
	v.DocString = doc
	return v
}

func (b *body) input(v *onnx.ValueInfo) string {
	b.graph.Inputs = append(b.graph.Inputs, v)
	return v.Name
}

// output makes a value an output of the graph, under the output's name.
func (b *body) output(from string, v *onnx.ValueInfo) {
	if from != v.Name {
		b.graph.Nodes = append(b.graph.Nodes, &onnx.Node{OpType: "Identity", Name: v.Name, Inputs: []string{from}, Outputs: []string{v.Name}})
	}
	b.graph.Outputs = append(b.graph.Outputs, v)
}
