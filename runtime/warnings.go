package runtime

import (
	"fmt"
	"strings"

	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops/tensor"
)

// Warnings lists what is right by the specification but probably not what the
// model's author meant. The model runs as the file says.
func (m *Model) Warnings() []string {
	out := fixedBatches(m.proto.Graph)
	if !strings.EqualFold(m.proto.ProducerName, "pytorch") {
		return out
	}
	eachNode(m.proto.Graph, func(n *onnx.Node) {
		if n.OpType != "GRU" || domainOf(n.Domain) != "" {
			return
		}
		if a := n.Attribute("linear_before_reset"); a == nil || a.I == 0 {
			out = append(out, fmt.Sprintf("node %q (GRU): linear_before_reset is 0, which no GRU of PyTorch computes; the file says PyTorch made it", n.Name))
		}
	})
	return out
}

// fixedBatches finds the Reshapes that turn data of an input whose batch is open
// into a shape of numbers alone, which an exporter wrote from its example.
func fixedBatches(g *onnx.Graph) (out []string) {
	open, constants := map[string]string{}, map[string]*onnx.Tensor{}
	for _, t := range g.Initializers {
		constants[t.Name] = t
	}
	for _, v := range g.Inputs {
		if v.Type == nil || v.Type.Tensor == nil || v.Type.Tensor.Shape == nil || constants[v.Name] != nil {
			continue
		}
		if dims := v.Type.Tensor.Shape.Dims; len(dims) > 1 && !dims[0].HasValue {
			open[v.Name] = v.Name
		}
	}
	for _, n := range g.Nodes {
		if a := n.Attribute("value"); n.OpType == "Constant" && a != nil && a.T != nil && len(n.Outputs) == 1 {
			constants[n.Outputs[0]] = a.T
		}
		var from string
		for _, name := range n.Inputs {
			if from == "" {
				from = open[name]
			}
		}
		if from == "" || n.OpType == "Shape" || n.OpType == "Size" { // what they say is not data
			continue
		}
		for _, name := range n.Outputs {
			if name != "" {
				open[name] = from
			}
		}
		if n.OpType != "Reshape" || domainOf(n.Domain) != "" || len(n.Inputs) != 2 || open[n.Inputs[0]] == "" {
			continue
		}
		if shape, ok := positive(constants[n.Inputs[1]]); ok {
			out = append(out, fmt.Sprintf("node %q (Reshape): makes shape %v of input %q, whose batch is open; the model was exported with fixed batch %d",
				n.Name, shape, from, shape[0]))
		}
	}
	return out
}

// positive is t as a shape of at least two dimensions, if it is one without 0 and
// -1.
func positive(t *onnx.Tensor) (tensor.Shape, bool) {
	if t == nil || t.DataType != onnx.Int64 || len(t.Dims) != 1 || t.Dims[0] < 2 || t.Dims[0] > tensor.MaxRank {
		return nil, false
	}
	x, err := tensor.FromONNX(t)
	if err != nil {
		return nil, false
	}
	var shape tensor.Shape
	for _, d := range tensor.Of[int64](x) {
		if d < 1 {
			return nil, false
		}
		shape = append(shape, int(d))
	}
	return shape, true
}

// eachNode visits the nodes of g and of its subgraphs.
func eachNode(g *onnx.Graph, visit func(*onnx.Node)) {
	for _, n := range g.Nodes {
		visit(n)
		for _, a := range n.Attributes {
			if a.G != nil {
				eachNode(a.G, visit)
			}
			for _, g := range a.Graphs {
				eachNode(g, visit)
			}
		}
	}
}
