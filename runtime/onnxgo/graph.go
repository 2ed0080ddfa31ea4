package onnxgo

import (
	"fmt"

	onnxgo "github.com/owulveryck/onnx-go"
	"gonum.org/v1/gonum/graph"
	"gonum.org/v1/gonum/graph/iterator"
	"gorgonia.org/tensor"
)

// Graph implements onnx-go's backend.ComputationBackend. It is filled by one
// goroutine and then run by one at a time.
type Graph struct {
	nodes []*Node
	calls []*call
	plan  *plan // of the last Run, nil after a change
}

// Node is a value of the graph; it implements onnx-go's Namer and DataCarrier.
type Node struct {
	graph  *Graph
	id     int64
	name   string
	value  tensor.Tensor
	dtype  tensor.Dtype // of the first value: the decoder's placeholder, as the file declares it
	typed  bool
	inputs []*Node // of the operation that computes it, in order
	maker  *call   // nil for inputs and constants
}

// call is one operation of the graph.
type call struct {
	op      onnxgo.Operation
	inputs  []*Node
	outputs []*Node
}

// NewGraph is an empty graph.
func NewGraph() *Graph { return &Graph{} }

// ID is the node's position in the graph.
func (n *Node) ID() int64 { return n.id }

// SetName names the value as in the file.
func (n *Node) SetName(name string) { n.name = name }

// GetName is the value's name in the file.
func (n *Node) GetName() string { return n.name }

// SetTensor gives the value. Numbers of another type than the file declares are
// converted when the graph runs.
func (n *Node) SetTensor(t tensor.Tensor) error {
	if t != nil && !n.typed {
		n.dtype, n.typed = t.Dtype(), true
	}
	if n.maker == nil && (n.value == nil) != (t == nil) {
		n.graph.plan = nil
	}
	n.value = t
	return nil
}

// GetTensor is the value: what was set, or what the last Run computed.
func (n *Node) GetTensor() tensor.Tensor { return n.value }

// NewNode makes a node that AddNode will add.
func (g *Graph) NewNode() graph.Node { return &Node{graph: g, id: int64(len(g.nodes))} }

// AddNode adds a node that NewNode made.
func (g *Graph) AddNode(n graph.Node) {
	g.nodes = append(g.nodes, n.(*Node))
	g.plan = nil
}

// edge leads from a value to the operand with the number Weight.
type edge struct {
	from, to *Node
	w        float64
}

func (e edge) From() graph.Node         { return e.from }
func (e edge) To() graph.Node           { return e.to }
func (e edge) ReversedEdge() graph.Edge { return edge{e.to, e.from, e.w} }
func (e edge) Weight() float64          { return e.w }

// NewWeightedEdge makes an edge that SetWeightedEdge will add.
func (g *Graph) NewWeightedEdge(from, to graph.Node, w float64) graph.WeightedEdge {
	return edge{from.(*Node), to.(*Node), w}
}

// SetWeightedEdge records that e.To is operand number e.Weight of e.From. The
// same value may be several operands.
func (g *Graph) SetWeightedEdge(e graph.WeightedEdge) {
	from, i := e.From().(*Node), int(e.Weight())
	for len(from.inputs) <= i {
		from.inputs = append(from.inputs, nil)
	}
	from.inputs[i] = e.To().(*Node)
	g.plan = nil
}

// ApplyOperation records the operation that computes the given nodes from their
// operands. One that no version of ONNX here knows is refused with onnx-go's
// ErrNotImplemented.
func (g *Graph) ApplyOperation(op onnxgo.Operation, outputs ...graph.Node) error {
	if len(outputs) == 0 {
		return fmt.Errorf("onnxgo: operation %s has no outputs", op.Name)
	}
	c := &call{op: op}
	for _, o := range outputs {
		n := o.(*Node)
		n.maker = c
		c.outputs = append(c.outputs, n)
	}
	c.inputs = c.outputs[0].inputs
	if !known(op.Name) {
		return &onnxgo.ErrNotImplemented{Operator: op.Name, Message: "no such operator"}
	}
	g.calls = append(g.calls, c)
	g.plan = nil
	return nil
}

// Node is the node with the given ID, nil if there is none.
func (g *Graph) Node(id int64) graph.Node {
	if id < 0 || id >= int64(len(g.nodes)) {
		return nil
	}
	return g.nodes[id]
}

// Nodes lists all nodes.
func (g *Graph) Nodes() graph.Nodes { return nodes(g.nodes) }

// From lists the operands of the node with the given ID.
func (g *Graph) From(id int64) graph.Nodes {
	n, ok := g.Node(id).(*Node)
	if !ok {
		return graph.Empty
	}
	return nodes(distinct(n.inputs))
}

// To lists the nodes that have the one with the given ID as an operand.
func (g *Graph) To(id int64) graph.Nodes {
	var users []*Node
	for _, n := range g.nodes {
		for _, in := range n.inputs {
			if in != nil && in.id == id {
				users = append(users, n)
				break
			}
		}
	}
	return nodes(users)
}

func distinct(list []*Node) []*Node {
	var out []*Node
	seen := map[*Node]bool{}
	for _, n := range list {
		if n != nil && !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}

func nodes(list []*Node) graph.Nodes {
	if len(list) == 0 {
		return graph.Empty
	}
	out := make([]graph.Node, len(list))
	for i, n := range list {
		out[i] = n
	}
	return iterator.NewOrderedNodes(out)
}

// HasEdgeBetween reports whether either node is an operand of the other.
func (g *Graph) HasEdgeBetween(x, y int64) bool {
	return g.HasEdgeFromTo(x, y) || g.HasEdgeFromTo(y, x)
}

// HasEdgeFromTo reports whether v is an operand of u.
func (g *Graph) HasEdgeFromTo(u, v int64) bool { return g.WeightedEdge(u, v) != nil }

// Edge is the edge from u to its operand v, nil if there is none.
func (g *Graph) Edge(u, v int64) graph.Edge {
	if e := g.WeightedEdge(u, v); e != nil {
		return e
	}
	return nil
}

// WeightedEdge is Edge with the operand's number as its weight.
func (g *Graph) WeightedEdge(u, v int64) graph.WeightedEdge {
	n, ok := g.Node(u).(*Node)
	if !ok {
		return nil
	}
	for i, in := range n.inputs {
		if in != nil && in.id == v {
			return edge{n, in, float64(i)}
		}
	}
	return nil
}

// Weight is the number of the operand that y is of x.
func (g *Graph) Weight(x, y int64) (float64, bool) {
	if e := g.WeightedEdge(x, y); e != nil {
		return e.Weight(), true
	}
	return 0, false
}
