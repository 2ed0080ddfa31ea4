package runtime

import (
	"fmt"
	"strings"

	"github.com/onda-ml/onda/onnx"
)

// Warnings lists what is right by the specification but probably not what the
// model's author meant. The model runs as the file says.
func (m *Model) Warnings() []string {
	var out []string
	if !strings.EqualFold(m.proto.ProducerName, "pytorch") {
		return nil
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
