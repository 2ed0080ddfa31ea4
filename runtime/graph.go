package runtime

import (
	"github.com/onda-ml/onda/onnx"
	"github.com/onda-ml/onda/ops"
	"github.com/onda-ml/onda/ops/tensor"
)

// graph is a graph whose names have become slots: positions in a frame of
// values. A slot is assigned once.
type graph struct {
	name     string
	slots    []string   // the name of each slot, for messages
	inputs   []int      // slots of the formal inputs
	outputs  []int      // slots of the outputs
	consts   []constant // initializers
	captures []int      // slots filled from the enclosing graph, see body
	nodes    []*node
}

type constant struct {
	slot  int
	value *tensor.Tensor
}

// node is one operator of a graph, bound to its kernel.
type node struct {
	proto    *onnx.Node
	graph    string // for messages: the subgraph or function it came from
	index    int    // its position there
	opset    int64
	version  ops.Version
	kernel   ops.Kernel
	in       []int // slots, -1 where an input is left out
	out      []int // slots, -1 where an output is left out
	captures []int // slots of this graph that the node's subgraphs read
}

// fail wraps err with the node's place.
func (n *node) fail(err error) error {
	return &OpError{Graph: n.graph, Index: n.index, Node: n.proto.Name, OpType: n.proto.OpType, Domain: n.proto.Domain, Opset: n.opset, Err: err}
}

// newSlot adds a slot.
func (g *graph) newSlot(name string) int {
	g.slots = append(g.slots, name)
	return len(g.slots) - 1
}
